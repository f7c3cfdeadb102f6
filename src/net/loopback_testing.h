// For tests: a blocking loopback socket that sends exactly the bytes it is told to, and a server around a small
// application on loops of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "net/http_server.h"
#include "net/web_socket_frame.h"
#include "runtime/asio_scheduler.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::net::testing {

class RawPeer {
 public:
  explicit RawPeer(const Endpoint& endpoint);
  ~RawPeer();
  RawPeer(RawPeer&& other) noexcept : socket_(std::exchange(other.socket_, -1)), pending_(std::move(other.pending_)) {}

  void send(std::string_view bytes) const;  // fails silently when the server has closed
  void send_half_close() const;             // no more bytes come from us
  void shrink_receive_buffer() const;       // so that a slow reader is noticed early
  std::string receive_some();               // empty at the end of the stream, or after 30 s
  std::string receive_all();                // up to the end of the stream
  bool ends();                              // the server closed, and nothing else came
  std::string receive_until(std::string_view end);
  HttpResponse receive_response(std::string_view method = "GET");
  HttpResponse ask(std::string_view request);  // send + receive_response

  int descriptor() const { return socket_; }

  // Upgrades; the response is checked by the caller.
  HttpResponse upgrade(std::string_view path = "/socket", std::string_view more_headers = {});
  void send_frame(Opcode opcode, std::string_view payload) const;
  std::optional<WebSocketEvent> receive_event();  // nullopt: the connection ended
  // Drops everything up to the close frame; its code, 1006 when none came.
  std::uint16_t receive_close();

 private:
  int socket_;
  std::string pending_;
  WebSocketDecoder decoder_{WebSocketRole::kClient, 64 * 1024 * 1024};
};

// `/echo` gives the request back as text, `/throw` throws, `/sleep?MS` waits, `/patient` until the client has gone, `/large?BYTES` answers
// with so many,
// `/split` answers with a header that must not be printed. `/socket` upgrades to a listener that echoes; text messages
// command it: `close CODE REASON`, `throw`, `flood N BYTES` (answers how many were taken).
class TestApplication final : public HttpApplication {
 public:
  Task<HttpResponse> handle(runtime::Scheduler& loop, HttpRequest request) override;
  Task<UpgradeAnswer> upgrade(runtime::Scheduler& loop, HttpRequest request) override;

  int given_up() const { return given_up_; }
  std::vector<std::uint16_t> close_codes() const;
  std::size_t opened() const;
  void note_open();
  void note_close(std::uint16_t code);

 private:
  mutable std::mutex mutex_;
  std::vector<std::uint16_t> close_codes_;
  std::size_t opened_ = 0;
  std::atomic<int> given_up_ = 0;
};

class TestServer {
 public:
  explicit TestServer(HttpServerSettings settings = {}, std::size_t loop_count = 2);
  ~TestServer();

  HttpServer& server() { return *server_; }
  const Endpoint& endpoint() const { return server_->endpoint(); }
  TestApplication& application() { return application_; }
  RawPeer connect() const { return RawPeer(endpoint()); }
  std::size_t stop(Duration grace);
  std::future<std::size_t> stop_later(Duration grace);
  // Waits (30 s at most) until the condition holds.
  template <class Condition>
  bool eventually(Condition condition) const {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      pause();
    }
    return condition();
  }
  static void pause();

 private:
  TestApplication application_;
  SystemRandom random_;
  runtime::LoopGroup loops_;
  std::unique_ptr<HttpServer> server_;
};

// Runs a task on a loop and waits for its value (30 s at most).
template <class T>
Task<void> store_outcome(Task<T> task, std::shared_ptr<std::promise<T>> promise) {
  T value = co_await std::move(task);
  promise->set_value(std::move(value));
}
template <class T>
T run_on(runtime::Scheduler& loop, Task<T> task) {
  auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  loop.spawn("test", store_outcome(std::move(task), promise));
  if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) throw std::runtime_error("the task did not end");
  return future.get();
}

// Files with a self-signed certificate for `localhost` and 127.0.0.1, in a folder that goes with the object.
class TestCertificate {
 public:
  explicit TestCertificate(std::string common_name = "localhost");
  TlsServerFiles files() const { return {folder() + "/certificate.pem", folder() + "/key.pem", {}}; }
  const std::string& folder() const { return folder_.path(); }
  // Replaces the files by a new certificate.
  void renew(const std::string& common_name) const;

 private:
  runtime::TemporaryFolder folder_;
};

}  // namespace consilium::net::testing

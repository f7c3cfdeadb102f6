// A light client of Zeebe's gateway protocol: one connection of HTTP/2 without TLS, on one loop. It costs some 10 µs a call, so
// that on a small machine the engine is measured and not its client.
#pragma once

#include <nghttp2/nghttp2.h>

#include <boost/asio/ip/tcp.hpp>
#include <coroutine>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "runtime/scheduler.h"

namespace consilium::load {

struct CallStatus {
  int code = 0;  // of gRPC
  std::string message;
};
inline constexpr int kResourceExhausted = 8;
inline constexpr int kUnavailable = 14;

class EngineClient {
 public:
  explicit EngineClient(runtime::Scheduler& loop);
  ~EngineClient();

  // Blocks; the reason when it fails. Before the first call.
  std::string connect(const std::string& host, const std::string& port);

  // `method` is a name of the service, `request` a message in bytes.
  Task<std::expected<std::string, CallStatus>> call(std::string method, std::string request);
  // Until the server ends the call; `on_message` runs for each answer.
  Task<CallStatus> stream(std::string method, std::string request, std::function<void(std::string_view)> on_message);

 private:
  struct Exchange {
    std::string request;
    std::size_t sent = 0;
    std::string received;
    std::function<void(std::string_view)> on_message;
    CallStatus status{kUnavailable, ""};
    std::coroutine_handle<> waiting;
  };
  struct Callbacks;

  void begin(const std::string& method, Exchange& exchange);
  void read();
  void resume_ended();
  void flush_soon();
  void flush();
  void end_all(const std::string& why);

  runtime::Scheduler& loop_;
  boost::asio::ip::tcp::socket socket_;
  nghttp2_session* session_ = nullptr;
  std::string authority_;
  std::string incoming_;
  std::string outgoing_;
  std::vector<Exchange*> running_;
  std::vector<Exchange*> ended_;
  bool is_flush_queued_ = false;
  bool is_writing_ = false;
  bool is_broken_ = false;
};

}  // namespace consilium::load

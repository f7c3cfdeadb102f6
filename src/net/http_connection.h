// One accepted connection while it speaks HTTP: reads a request, has it answered, writes the answer, and again.
// Internal to `net`; belongs to its loop.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "net/byte_stream.h"
#include "net/http_server.h"
#include "net/message_writer.h"
#include "net/server_loop.h"

namespace consilium::net {

// What all connections of a server share. Any thread.
struct ServerState {
  ServerState(HttpServerSettings given, HttpApplication& app, RandomSource& source)
      : settings(std::move(given)), application(app), random(source) {}

  HttpServerSettings settings;
  HttpApplication& application;
  RandomSource& random;

  TlsContextPointer tls() const {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }
  void set_tls(TlsContextPointer context) {
    const std::lock_guard lock(tls_mutex_);
    tls_ = std::move(context);
  }

  std::atomic<std::uint64_t> accepted{0}, refused{0}, requests{0}, malformed{0}, timed_out{0}, tls_failures{0}, upgrades{0};
  std::atomic<std::uint64_t> connections{0}, web_sockets{0}, running_requests{0};

 private:
  mutable std::mutex tls_mutex_;
  TlsContextPointer tls_;  // of connections to come
};

// Counts one for as long as it lives.
class Counted {
 public:
  Counted(std::shared_ptr<ServerState> server, std::atomic<std::uint64_t> ServerState::* counter)
      : server_(std::move(server)), counter_(counter) {
    ((*server_).*counter_).fetch_add(1, std::memory_order_relaxed);
  }
  ~Counted() { ((*server_).*counter_).fetch_sub(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::shared_ptr<ServerState> server_;
  std::atomic<std::uint64_t> ServerState::* counter_;
};

// Whether the body is sent, or as for HEAD only its length.
enum class Content { kWhole, kHeadOnly };

enum class Admission { kWelcome, kServerFull };

class HttpConnection final : public Peer {
 public:
  HttpConnection(std::shared_ptr<ServerState> server, std::shared_ptr<PeerLoop> peers, int socket, std::string remote_address,
                 Admission admission, std::shared_ptr<void> slot);

  // Serves the connection to its end, or until it has become a WebSocket.
  static Task<void> run(std::shared_ptr<HttpConnection> self);

  void on_deadline() override;
  void drain() override;
  void cut() override;

 private:
  enum class Outcome { kGoOn, kEnd };

  Task<bool> shake_hands();
  Task<Outcome> serve_one();
  Task<Outcome> read_head();
  Task<Outcome> read_body();
  Task<Outcome> read_more();
  Task<Outcome> answer_request();
  Task<Outcome> answer_upgrade();
  void watch_peer(HttpRequest& request);
  Task<HttpResponse> ask_application(HttpRequest request);
  Task<UpgradeAnswer> ask_for_upgrade(HttpRequest request);
  Task<Outcome> refuse(Refusal refusal);
  Task<Outcome> refuse_malformed();
  Task<Outcome> timed_out_in_request();
  Task<bool> respond(HttpResponse response, Content content, Persistence persistence);
  Persistence persistence_of(bool wanted) const;
  Task<bool> write_all(std::string_view bytes);
  Task<void> linger();
  Task<bool> wait_for(IoStatus status);
  void become_web_socket(UpgradeAccepted accepted);
  void consume_input();
  std::string request_id_of(const HttpRequest& request) const;

  std::shared_ptr<ServerState> server_;
  ByteStream stream_;
  std::string remote_address_;
  Admission admission_;
  std::shared_ptr<void> slot_;
  std::optional<RequestReader> reader_;
  std::string input_;                                 // received and not consumed: a part of a head, or the next request
  std::shared_ptr<runtime::Cancellation> answering_;  // while the application works for a peer that may go away
  bool idle_ = true;                                  // no byte of a request has come
  bool expired_ = false;
  bool upgraded_ = false;
};

}  // namespace consilium::net

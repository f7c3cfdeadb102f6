// Serves a protocol that is not ours over gRPC: answers in streams, gRPC's own status, a bearer token in place of our callers.
// HTTP/2 is spoken on the loops themselves (foreign_session.h), not by gRPC's library: a call there crosses four threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/rpc.h"
#include "net/tls.h"
#include "runtime/scheduler.h"

namespace consilium::net {

struct ForeignServerSettings {
  std::string listen = "127.0.0.1:0";  // `host:port`; port 0 takes a free one
  std::optional<TlsServerFiles> tls;
  Secret token;                                     // what `authorization: Bearer …` must say; empty: nobody is asked
  std::size_t message_limit = 4 * 1024 * 1024;      // of a request
  std::size_t max_held = 128 * 1024 * 1024;         // bytes of requests that are not complete; then RESOURCE_EXHAUSTED
  std::size_t max_running = 20'000;                 // calls; further ones are refused with RESOURCE_EXHAUSTED
  std::size_t max_running_per_connection = 10'000;  // then a client waits
  std::size_t max_connections = 10'000;             // further ones are closed
  Duration hello_timeout = seconds(10);             // from a connection to the end of its TLS handshake and the first bytes
  Duration silence_limit = seconds(60);             // then the peer is asked whether it is there
  Duration answer_timeout = seconds(20);            // to that; then its calls are given up
};

// Handlers run on the loop of their connection; one that throws answers INTERNAL. When the caller gives up or its deadline
// passes, `Context::cancellation` is requested. An unknown method answers UNIMPLEMENTED.
class ForeignServer {
 public:
  // Loops, random and what the methods refer to outlive the server. Connections are spread over the loops in turn.
  static Result<std::unique_ptr<ForeignServer>> start(ForeignServerSettings settings, std::vector<ForeignMethod> methods,
                                                      std::vector<runtime::Scheduler*> loops, RandomSource& random);
  // Stops at once when `stop` has not been called.
  ~ForeignServer();

  int port() const;
  std::size_t running() const;
  std::size_t connections() const;

  // Takes no more calls, waits up to `grace` for those that run, cancels the rest and waits for their end. Blocks: not on one of
  // its loops, which must run on.
  void stop(Duration grace);

 private:
  struct State;
  explicit ForeignServer(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace consilium::net

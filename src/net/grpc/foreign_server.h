// Serves a protocol that is not ours over gRPC: answers in streams, gRPC's own status, a bearer token in place of our callers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/rpc.h"
#include "net/tls.h"
#include "runtime/scheduler.h"

namespace consilium::net {

struct ForeignServerSettings {
  std::string listen = "127.0.0.1:0";  // `host:port`; port 0 takes a free one
  std::optional<TlsServerFiles> tls;
  Secret token;                                     // what `authorization: Bearer …` must say; empty: nobody is asked
  std::size_t message_limit = 4 * 1024 * 1024;      // of a request
  std::size_t max_running = 20'000;                 // calls; further ones are refused with RESOURCE_EXHAUSTED
  std::size_t max_running_per_connection = 10'000;  // then a client waits
};

// Handlers run on `loops` in turn; one that throws answers INTERNAL. When the caller gives up or its deadline passes,
// `Context::cancellation` is requested. An unknown method answers UNIMPLEMENTED.
class ForeignServer {
 public:
  // Loops, random and what the methods refer to outlive the server.
  static Result<std::unique_ptr<ForeignServer>> start(ForeignServerSettings settings, std::vector<ForeignMethod> methods,
                                                      std::vector<runtime::Scheduler*> loops, RandomSource& random);
  // Stops at once when `stop` has not been called.
  ~ForeignServer();

  int port() const;
  std::size_t running() const;

  // Takes no more calls, waits up to `grace` for those that run, cancels the rest and waits for their end. Blocks: not on one of
  // its loops, which must run on.
  void stop(Duration grace);

 private:
  struct State;
  explicit ForeignServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace consilium::net

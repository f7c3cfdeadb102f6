// Serves `RpcMethod`s over gRPC to services in other processes. Messages are raw bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "net/rpc.h"
#include "net/tls.h"
#include "runtime/scheduler.h"

namespace consilium::net {

inline constexpr std::size_t kRpcMessageLimit = 4 * 1024 * 1024;

// Who calls: the service in the other process, whatever person it acts for. Under mutual TLS the name is the common
// name of its certificate, otherwise what it says of itself.
struct RpcPeer {
  std::string service;
  bool verified = false;
};

struct GrpcServerSettings {
  std::string listen = "127.0.0.1:0";  // `host:port` or `unix:/path`; port 0 takes a free one
  std::optional<TlsServerFiles> tls;   // with `client_authority`: mutual
  std::size_t message_limit = kRpcMessageLimit;
  std::size_t max_running = 1000;       // further calls are refused with a retry-after
  Duration longest_call = seconds(60);  // deadline of calls that bring none or a later one
  // Whether this peer may call this method; all may when empty. Any thread.
  std::function<bool(const RpcPeer& peer, std::string_view method)> may_call;
};

// Handlers run on `loops` in turn. An exception that leaves one is counted (`panics_total{boundary="grpc"}`) and becomes
// kInternal. When the caller gives up or its deadline passes, `Context::cancellation` is requested.
class GrpcServer {
 public:
  // Loops, random and what the methods refer to outlive the server.
  static Result<std::unique_ptr<GrpcServer>> start(GrpcServerSettings settings, std::vector<RpcMethod> methods,
                                                   std::vector<runtime::Scheduler*> loops, RandomSource& random);
  // Stops at once when `stop` has not been called.
  ~GrpcServer();

  int port() const;
  std::size_t running() const;

  // Takes no more calls, waits up to `grace` for those that run, cancels the rest and waits for their end. Blocks: not
  // on one of its loops, which must run on.
  void stop(Duration grace);

 private:
  struct State;
  explicit GrpcServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace consilium::net

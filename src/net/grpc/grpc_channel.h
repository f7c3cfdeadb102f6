// Calls services in other processes over gRPC.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/grpc/grpc_server.h"
#include "net/rpc.h"
#include "net/tls.h"

namespace consilium::net {

struct GrpcChannelSettings {
  // `dns:///users.internal:9000`, `ipv4:10.0.0.1:9000,10.0.0.2:9000`, `unix:/path`: calls go to all addresses in turn,
  // those that cannot be reached are left out.
  std::string target;
  std::string service;                // our own name, for the callee's permission check
  std::optional<TlsClientFiles> tls;  // `authority` must be given; with certificate and key: mutual
  std::string tls_name;               // of the callee's certificate, when it is not the target's host
  std::size_t message_limit = kRpcMessageLimit;
  Duration longest_call = seconds(30);  // deadline of calls whose context has none or a later one
};

// Calls are never repeated. The channel may be used on any loop; the context's loop is where a call resumes. When the
// context's cancellation is requested, the call is given up with kCancelled and the callee's is requested too.
Result<std::shared_ptr<RpcChannel>> make_grpc_channel(GrpcChannelSettings settings);

}  // namespace consilium::net

// Calls between services in other processes, without naming gRPC: the generator's adapters speak to these two types,
// `grpc/` implements them. Names are gRPC paths: `/consilium.users.v1.Users/CreateClient`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "runtime/context.h"

namespace consilium::net {

// The caller's side. Carries request id, trace, caller, language, deadline, idempotency key and expected version with
// the call, and rebuilds the callee's Error (code, kind, fields, retry) from the status details.
class RpcChannel {
 public:
  virtual ~RpcChannel() = default;
  virtual Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string request) = 0;
};

// The callee's side: one entry a method, given to the server.
struct RpcMethod {
  std::string name;
  std::function<Task<Result<std::string>>(runtime::Context&, std::string)> handle;
};

// ---- protocols that are not ours: calls carry no context of ours, and failures are gRPC's own status

// The numbers of gRPC's status (https://grpc.io/docs/guides/status-codes/).
namespace grpc_code {
enum Code {
  kCancelled = 1,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16
};
}  // namespace grpc_code

struct RpcStatus {
  int code = 0;  // of `grpc_code`; 0 is done
  std::string message;
};

// The answers of one call, in order.
class RpcStream {
 public:
  virtual ~RpcStream() = default;
  // Suspends until the message has been given to the connection: a slow reader holds one message, not a queue of them.
  // False when nobody reads any more.
  virtual Task<bool> write(std::string message) = 0;
};

// Answers with as many messages as it likes; a call that is not a stream has exactly one before status 0.
struct ForeignMethod {
  std::string name;
  std::function<Task<RpcStatus>(runtime::Context&, std::string, RpcStream&)> handle;
};

}  // namespace consilium::net

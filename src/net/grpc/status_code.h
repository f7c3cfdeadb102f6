// The numbers of gRPC's status that protocols which are not ours answer with (https://grpc.io/docs/guides/status-codes/).
#pragma once

namespace consilium::net::grpc_code {

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

}  // namespace consilium::net::grpc_code

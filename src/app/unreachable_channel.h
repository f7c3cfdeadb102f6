// The way to a service whose address this process was not told: it needs none of its calls, and a call says so.
#pragma once

#include "net/rpc.h"

namespace consilium::app {

class UnreachableChannel final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context&, std::string_view, std::string) override {
    co_return fail(ErrorKind::kUnavailable, "services.no-address",
                   "Expected services.<name>.address of the process that runs the service, but this one has none");
  }
};

}  // namespace consilium::app

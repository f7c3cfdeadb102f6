// For tests: a source whose events take the whole way of bytes between two processes, without a network.
#pragma once

#include <map>
#include <string>

#include "consilium/events/v1/events_local.h"
#include "consilium/events/v1/events_rpc.h"
#include "ports/bus/remote/outbox_server.h"
#include "ports/bus/remote/remote_source.h"
#include "runtime/observed_call.h"

namespace consilium::bus::testing {

// Calls the methods where they are; `cut` is a network that is down.
class InMemoryChannel final : public net::RpcChannel {
 public:
  explicit InMemoryChannel(std::vector<net::RpcMethod> methods) {
    for (net::RpcMethod& method : methods) methods_.emplace(method.name, std::move(method));
  }
  Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string request) override {
    return run(context, std::string(method), std::move(request));
  }
  std::atomic<bool> cut{false};
  std::atomic<bool> lose_answers{false};
  std::atomic<int> refused{0};

 private:
  Task<Result<std::string>> run(runtime::Context& context, std::string method, std::string request) {
    if (is_down()) co_return fail(ErrorKind::kUnavailable, "rpc.unavailable");
    auto reply = co_await methods_.at(method).handle(context, std::move(request));
    if (cut || lose_answers) co_return fail(ErrorKind::kUnavailable, "rpc.unavailable");
    co_return reply;
  }
  bool is_down() {
    if (cut) ++refused;
    return cut;
  }
  std::map<std::string, net::RpcMethod> methods_;
};

struct NoObserver final : runtime::CallObserver {
  void on_call(const runtime::Context&, const runtime::CallRecord&) override {}
};

}  // namespace consilium::bus::testing

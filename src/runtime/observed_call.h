// What stands between a caller and a service in the same process: the deadline, the declared rules, and a record of
// the call. Generated `Local…` adapters use it.
#pragma once

#include <string_view>
#include <utility>

#include "base/codec.h"
#include "base/result.h"
#include "base/task.h"
#include "runtime/context.h"

namespace consilium::runtime {

// One finished call. Lives as long as `on_call` runs.
struct CallRecord {
  std::string_view service;  // `users`
  std::string_view call;     // `CreateClient`
  Duration took;             // steady time
  const Error* error;        // null: it succeeded
};

// Access log and metrics hang here. Called on the loop of the call, for every call; must not block.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void on_call(const Context& context, const CallRecord& record) = 0;
};

struct CallName {
  std::string_view service;
  std::string_view call;
};

template <class Service, class Request, class Reply>
Task<Result<Reply>> checked_call(Service& service, Task<Result<Reply>> (Service::*method)(Context&, Request), Context& context,
                                 Request request) {
  if (auto in_time = context.check_deadline(); !in_time) co_return fail(std::move(in_time).error());
  if (auto valid = validate(request, context.now()); !valid) co_return fail(std::move(valid).error());
  auto reply = co_await (service.*method)(context, std::move(request));
  co_return reply;
}

// `service` and `observer` outlive the call.
template <class Service, class Request, class Reply>
Task<Result<Reply>> observed_call(Service& service, Task<Result<Reply>> (Service::*method)(Context&, Request), CallObserver& observer,
                                  CallName name, Context& context, Request request) {
  const Timestamp start = context.scheduler().steady_now();
  auto reply = co_await checked_call(service, method, context, std::move(request));
  const CallRecord record{name.service, name.call, context.scheduler().steady_now() - start, reply ? nullptr : &reply.error()};
  observer.on_call(context, record);
  co_return reply;
}

}  // namespace consilium::runtime

// What stands between a caller and a service in the same process: the deadline, the declared rules, and a record of
// the call. Generated `Local…` adapters use it.
#pragma once

#include <exception>
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

// One record of each call, of one that throws as well. `service` and `observer` outlive the call.
template <class Service, class Request, class Reply>
Task<Result<Reply>> observed_call(Service& service, Task<Result<Reply>> (Service::*method)(Context&, Request), CallObserver& observer,
                                  CallName name, Context& context, Request request) {
  const Timestamp start = context.scheduler().steady_now();
  std::exception_ptr bug;
  Result<Reply> reply;
  try {
    reply = co_await checked_call(service, method, context, std::move(request));
  } catch (...) {
    bug = std::current_exception();
    reply = fail(internal_error("An exception left the call"));
  }
  const CallRecord record{name.service, name.call, context.scheduler().steady_now() - start, reply ? nullptr : &reply.error()};
  observer.on_call(context, record);
  if (bug) std::rethrow_exception(bug);  // the boundary where the work came in tells of it
  co_return reply;
}

}  // namespace consilium::runtime

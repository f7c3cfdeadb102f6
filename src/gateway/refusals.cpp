#include "gateway/refusals.h"

#include <utility>

namespace consilium::gateway {

Refusals::Refusals(runtime::Scheduler& loop, RandomSource& random, sessions::v1::Sessions& sessions, runtime::Logger log)
    : loop_(loop), random_(random), sessions_(sessions), stopping_(loop), ended_(loop), rounds_("gateway.refusals", log) {}

void Refusals::start() { loop_.spawn("gateway.refusals", write_now_and_then()); }

Task<void> Refusals::stop() {
  stopping_.open();
  co_await ended_.wait();
}

bool Refusals::is_of_importance(const Error& error) {
  if (error.kind == ErrorKind::kForbidden || error.kind == ErrorKind::kRateLimited) return true;
  return error.kind == ErrorKind::kUnauthenticated && error.code != "sessions.required" && error.code != "sessions.expired";
}

void Refusals::note(const runtime::Context& context, std::string call, const Error& error) {
  sessions::v1::Refusal refusal;
  refusal.at = context.now();
  refusal.remote_address = context.remote_address;
  refusal.call = std::move(call);
  refusal.code = error.code;
  refusal.request_id = context.request_id;
  refusal.times = 1;
  Uuid person;
  if (context.caller.is_user()) {
    person = context.caller.user_id;
    refusal.user_id = person;
    refusal.session_id = context.caller.session_id;
  }
  const std::lock_guard lock(mutex_);
  auto found = noted_.find({person, refusal.remote_address, refusal.call, refusal.code});
  if (found == noted_.end() && noted_.size() >= kDistinct) {
    refusal.user_id.reset();
    refusal.session_id.reset();
    refusal.remote_address = "many";
    refusal.call = "many";
    found = noted_.find({Uuid{}, refusal.remote_address, refusal.call, refusal.code});
  }
  if (found != noted_.end()) {
    ++found->second.times;
    return;
  }
  Key key{refusal.user_id.value_or(Uuid{}), refusal.remote_address, refusal.call, refusal.code};
  noted_.emplace(std::move(key), std::move(refusal));
}

Task<void> Refusals::write_now_and_then() {
  const auto one = [this] { return write(); };
  while (!stopping_.is_open()) {
    co_await stopping_.wait_for(kInterval);
    co_await rounds_.run(one);
  }
  ended_.open();
}

// What cannot be written is given up: it stands in the log too.
Task<Result<void>> Refusals::write() {
  sessions::v1::RecordRefusalsRequest request;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, refusal] : noted_) request.items.push_back(std::move(refusal));
    noted_.clear();
  }
  if (request.items.empty()) co_return Result<void>();
  runtime::Context context(loop_, random_);
  context.client = runtime::ClientType::kTimer;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "gateway";
  auto recorded = co_await sessions_.record_refusals(context, std::move(request));
  if (!recorded) co_return fail(std::move(recorded).error());
  co_return Result<void>();
}

}  // namespace consilium::gateway

#include "runtime/supervisor.h"

#include "runtime/rounds.h"

namespace consilium::runtime {

Supervisor::Supervisor(Scheduler& loop, RandomSource& random, Logger logger, Health& health, MetricsRegistry& registry)
    : loop_(loop), random_(random), logger_(logger), health_(health), failures_(daemon_failures(registry)), stop_(loop), ended_(loop) {
  ended_.open();
}

void Supervisor::start(std::string name, DaemonPolicy policy, Body body) {
  ++running_;
  ended_.close();
  health_.report("daemon:" + name, Readiness::kReady);
  std::string boundary = name;
  loop_.spawn(boundary, supervise(std::move(name), policy, std::move(body)));
}

void Supervisor::stop() { stop_.open(); }

Task<bool> Supervisor::wait_for_end(Duration limit) { return ended_.wait_for(limit); }

Task<void> Supervisor::run_once(const std::string& name, Body& body, bool& failed) {
  failed = true;
  try {
    auto result = co_await body();
    failed = !result;
    if (failed) logger_.error("A background task failed", {{"daemon", name}, {"error", result.error()}});
  } catch (...) {
    report_current_exception(name);
  }
}

Task<void> Supervisor::supervise(std::string name, DaemonPolicy policy, Body body) {
  const std::string check = "daemon:" + name;
  Backoff backoff(policy.backoff);
  int in_a_row = 0;
  int restarts = 0;
  while (!stop_.is_open()) {
    const Timestamp started = loop_.steady_now();
    // One that was unhealthy is healthy again only when it has run for long enough.
    const TimerId recovery = loop_.call_after(policy.recovered_after, [this, check] { health_.report(check, Readiness::kReady); });
    bool failed = false;
    co_await run_once(name, body, failed);
    loop_.cancel(recovery);
    if (!failed) break;
    failures_.with({name}).add();
    if (loop_.steady_now() - started >= policy.recovered_after) {
      in_a_row = 0;
      backoff.reset();
    }
    ++in_a_row;
    const bool is_given_up = restarts >= policy.restarts;
    if (is_given_up || in_a_row >= policy.unhealthy_after)
      health_.report(check, Readiness::kNotReady, is_given_up ? "failed and is not restarted" : "fails again and again");
    if (is_given_up) break;
    ++restarts;
    co_await stop_.wait_for(backoff.next(random_));
  }
  if (--running_ == 0) ended_.open();
}

}  // namespace consilium::runtime

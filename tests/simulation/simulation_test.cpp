// The whole platform in one thread on virtual time: people at work, crashes and power cuts at any moment, and what must hold
// all the same. CONSILIUM_SEEDS: how many seeds; CONSILIUM_SEED: only this one.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "app/demo_people.h"
#include "invariants.h"

namespace consilium::simulation {
namespace {

constexpr std::uint64_t kDefaultSeeds = 50;
constexpr Duration kTroubleFor = minutes(12);
constexpr Duration kPatience = hours(1);  // of virtual time, until all cases are over once nothing disturbs

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

runtime::Context service_context(Cluster* cluster) {
  runtime::Context context(cluster->main(), cluster->random());
  context.client = runtime::ClientType::kCommandLine;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "platform";
  return context;
}

// The third client beside the people of the demonstration; may be called again after a crash.
Task<Result<void>> add_client(app::Platform* platform, runtime::Context* context) {
  users::v1::FindUserRequest find;
  find.username = "carla";
  auto known = co_await platform->users().find_user(*context, find);
  if (!known) {
    users::v1::CreateClientRequest request;
    request.username = "carla";
    request.first_name = "Carla";
    request.last_name = "Costa";
    request.sex = users::v1::Sex::kF;
    request.birth_date = Date{1990, 2, 28};
    request.phone = "+70000000003";
    request.language = "en";
    auto created = co_await platform->users().create_client(*context, request);
    if (!created) co_return fail(std::move(created).error());
  }
  for (;;) {
    auto user = co_await platform->users().find_user(*context, find);
    if (!user) co_return fail(std::move(user).error());
    if (user->status == users::v1::UserStatus::kActive) {
      sessions::v1::IdentityRequest identity;
      identity.user_id = user->id;
      auto link = co_await platform->sessions().create_one_time_link(*context, identity);
      if (!link) co_return fail(std::move(link).error());
      sessions::v1::SetPasswordRequest set;
      set.token = link->token;
      set.password = Secret(std::string(kPassword));
      auto done = co_await platform->sessions().set_password(*context, std::move(set));
      if (!done) co_return fail(std::move(done).error());
      co_return Result<void>();
    }
    co_await context->scheduler().sleep_for(milliseconds(100));
  }
}

Task<Result<void>> add_people(Cluster* cluster) {
  runtime::Context context = service_context(cluster);
  auto logins = co_await app::create_demo_people(cluster->platform(), context, Secret(std::string(kPassword)));
  if (!logins) co_return fail(std::move(logins).error());
  auto added = co_await add_client(&cluster->platform(), &context);
  co_return added;
}

// One run of one seed.
class Play {
 public:
  Play(std::uint64_t seed, Tally& tally) : seed_(seed), faults_(seed + 7'000'000), cluster_(seed, tally) {
    using Role = Person::Role;
    const std::pair<const char*, Role> cast[] = {{"anna", Role::kClient},      {"boris", Role::kClient},
                                                 {"carla", Role::kClient},     {"clara", Role::kConsultant},
                                                 {"david", Role::kConsultant}, {"admin", Role::kAdministrator}};
    for (const auto& [name, role] : cast)
      people_.push_back(std::make_unique<Person>(cluster_, mood_, name, role, seed * 100 + people_.size()));
  }

  void run() {
    set_up();
    if (fine()) trouble();
    if (fine()) calm();
    if (fine()) finish();
  }

  bool fine() const { return cluster_.failures().empty(); }
  const std::vector<std::string>& failures() const { return cluster_.failures(); }
  std::uint64_t trace_hash() { return cluster_.world().trace_hash(); }
  std::uint64_t events() { return cluster_.world().events_run(); }
  std::uint64_t content_hash() { return content_hash_; }

 private:
  bool chance(std::uint64_t percent) { return faults_.below(100) < percent; }

  // A start may itself be cut; sooner or later one succeeds.
  void bring_up() {
    for (int attempt = 0; attempt < 20 && fine(); ++attempt) {
      if (cluster_.start()) return;
    }
    if (fine()) cluster_.blame("the platform did not start in twenty attempts");
  }

  // People are made while the process may die: the second attempt goes on where the first ended.
  void set_up() {
    bring_up();
    if (chance(30)) {
      cluster_.main().spawn("people", ignore(add_people(&cluster_)));
      cluster_.run_events(faults_.below(4'000));
      fail_and_recover();
    }
    for (int attempt = 0; attempt < 20 && fine(); ++attempt) {
      const auto added = cluster_.ask(add_people(&cluster_));
      if (added && *added) break;
      if (!cluster_.disk().is_dark())
        return cluster_.blame("the people were not made: " + (added ? added->error().describe() : "no answer"));
      fail_and_recover();
    }
    for (const auto& person : people_) person->start();
  }

  static Task<void> ignore(Task<Result<void>> work) {
    const auto result = co_await std::move(work);
    (void)result;
  }

  void fail_and_recover() {
    cluster_.crash(chance(50) ? Cluster::Crash::kKill : Cluster::Crash::kPowerCut);
    if (chance(50)) cluster_.world().run_for(milliseconds(static_cast<std::int64_t>(faults_.below(20'000))));
    if (chance(25))
      cluster_.disk().cut_at_sync(1 + faults_.below(6),
                                  chance(50) ? database::simulated::CutMoment::kBeforeSync : database::simulated::CutMoment::kAfterSync);
    bring_up();
  }

  void disturb() {
    switch (faults_.below(7)) {
      case 0: cluster_.run_events(faults_.below(3'000)); return fail_and_recover();
      case 1: {
        using database::simulated::CutMoment;
        cluster_.disk().cut_at_sync(1 + faults_.below(30), chance(50) ? CutMoment::kBeforeSync : CutMoment::kAfterSync);
        return;
      }
      case 2: return cluster_.disk().cut_at_write(1 + faults_.below(60));
      case 3:
        cluster_.count("fault pause");
        cluster_.world().pause(runtime::NodeId{0});
        cluster_.world().run_for(milliseconds(static_cast<std::int64_t>(faults_.below(40'000))));
        cluster_.world().resume(runtime::NodeId{0});
        return;
      case 4:
        if (!chance(30)) return;
        cluster_.stop();
        return bring_up();
      default: return;
    }
  }

  void trouble() {
    const Timestamp end = cluster_.world().steady_now() + kTroubleFor;
    const bool walkout = chance(20);
    while (cluster_.world().steady_now() < end && fine()) {
      mood_.walkout = walkout && cluster_.world().steady_now() < end - minutes(2);
      cluster_.run_for(milliseconds(static_cast<std::int64_t>(1'000 + faults_.below(40'000))));
      if (!cluster_.disk().is_dark()) disturb();
      look();
    }
  }

  // After the power went there is nothing to look at until the next start.
  void look() {
    for (int attempt = 0; attempt < 20 && fine(); ++attempt) {
      if (cluster_.disk().is_dark()) fail_and_recover();
      if (!fine()) return;
      check_invariants(cluster_, people_, Moment::kDuring);
      if (!cluster_.disk().is_dark()) return;
    }
  }

  // Nothing disturbs any more, people do their work: every case comes to its end.
  void calm() {
    mood_.calm = true;
    mood_.walkout = false;
    const Timestamp end = cluster_.world().steady_now() + kPatience;
    while (fine()) {
      cluster_.run_for(seconds(30));
      look();
      if (cluster_.disk().is_dark() || !fine()) continue;
      if (open_tasks(cluster_) == 0 && cluster_.world().steady_now() > end - kPatience + minutes(1)) return;
      if (cluster_.world().steady_now() > end) return cluster_.blame("cases are open after an hour of calm");
    }
  }

  void finish() {
    // Nobody rates any more; the cases end by their timers, which follow the wall clock.
    cluster_.run_for(minutes(1));
    check_invariants(cluster_, people_, Moment::kQuiet);
    mood_.over = true;
    cluster_.run_for(seconds(30));
    cluster_.world().set_clock_offset(runtime::NodeId{0}, hours(25));
    cluster_.run_for(seconds(30));
    if (cluster_.disk().is_dark()) fail_and_recover();
    if (!fine()) return;
    if (const auto running = running_instances(cluster_); running != 0)
      cluster_.blame("5: " + std::to_string(running) + " cases have a process that does not end");
    check_invariants(cluster_, people_, Moment::kAtTheEnd);
    count_coverage(cluster_);
    cluster_.stop();
    content_hash_ = cluster_.disk().content_hash();
  }

  std::uint64_t seed_;
  SeededRandom faults_;
  Mood mood_;
  Cluster cluster_;
  std::vector<std::unique_ptr<Person>> people_;
  std::uint64_t content_hash_ = 0;
};

// What any exception at a boundary says, for as long as it lives.
class PanicWatch {
 public:
  PanicWatch() {
    runtime::set_panic_handler(
        [this](std::string_view boundary, std::string_view what) { panics_.push_back(std::string(boundary) + ": " + std::string(what)); });
  }
  ~PanicWatch() { runtime::set_panic_handler({}); }
  const std::vector<std::string>& panics() const { return panics_; }

 private:
  std::vector<std::string> panics_;
};

std::string replay(std::uint64_t seed) {
  return "seed " + std::to_string(seed) + "; again with: CONSILIUM_SEED=" + std::to_string(seed) + " build/release/simulation_test";
}

void print(const Tally& tally) {
  for (const auto& [name, times] : tally) std::printf("%9llu  %s\n", static_cast<unsigned long long>(times), name.c_str());
}

TEST(Simulation, InvariantsHoldUnderCrashes) {
  const std::uint64_t only = number_from("CONSILIUM_SEED", 0);
  const std::uint64_t seeds = number_from("CONSILIUM_SEEDS", kDefaultSeeds);
  const std::uint64_t first = only ? only : 1;
  const std::uint64_t last = only ? only : seeds;
  Tally tally;
  std::uint64_t events = 0;
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    const PanicWatch watch;
    Play play(seed, tally);
    play.run();
    events += play.events();
    for (const std::string& failure : play.failures()) ADD_FAILURE() << failure << "\n" << replay(seed);
    for (const std::string& panic : watch.panics()) ADD_FAILURE() << "panic " << panic << "\n" << replay(seed);
  }
  print(tally);
  std::printf("%9llu  events\n", static_cast<unsigned long long>(events));
  if (only || seeds < kDefaultSeeds || HasFailure()) return;
  // A simulation that does not go there proves nothing.
  for (const char* wanted : {"fault kill",
                             "fault power cut",
                             "fault power cut in a sync or write",
                             "fault pause",
                             "fault socket cut",
                             "node stopped",
                             "socket resumed",
                             "answer lost",
                             "post repeated",
                             "transition assign",
                             "transition start",
                             "transition return",
                             "transition solve",
                             "transition cancel",
                             "element p-client-request#closed-with-feedback",
                             "element p-client-request#closed-without-feedback",
                             "element p-client-request#answered-by-bot",
                             "element p-client-request#joined-open-request",
                             "element p-client-request#send-notice",
                             "element p-client-request#escalate",
                             "element p-client-request#task-returned",
                             "element p-client-request#request-cancelled",
                             "element p-client-request#release-consultant",
                             "element p-client-request#task-assigned-late"}) {
    EXPECT_GT(tally[wanted], 0U) << wanted << " was never met";
  }
}

TEST(Simulation, SameSeedGivesTheSameRun) {
  const std::uint64_t seed = number_from("CONSILIUM_SEED", 3);
  std::uint64_t traces[2];
  std::uint64_t contents[2];
  for (int i = 0; i < 2; ++i) {
    Tally tally;
    Play play(seed, tally);
    play.run();
    traces[i] = play.trace_hash();
    contents[i] = play.content_hash();
  }
  EXPECT_EQ(traces[0], traces[1]) << replay(seed);
  EXPECT_EQ(contents[0], contents[1]) << replay(seed);
}

}  // namespace
}  // namespace consilium::simulation

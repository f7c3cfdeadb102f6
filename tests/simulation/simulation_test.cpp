// The whole platform in one thread on virtual time: people at work, crashes and power cuts at any moment, and what must hold
// all the same. CONSILIUM_SEEDS: how many seeds; CONSILIUM_FIRST_SEED: from this one on; CONSILIUM_SEED: only this one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "cast.h"
#include "invariants.h"
#include "people.h"

namespace consilium::simulation {
namespace {

constexpr std::uint64_t kDefaultSeeds = 200;
constexpr Duration kTroubleFor = minutes(12);
constexpr Duration kPatience = hours(3);  // of virtual time, until all cases are over once nothing disturbs

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

Task<Result<users::v1::User>> add_unwanted(users::v1::Users* users, runtime::Context* context, std::string name, users::v1::UserType type) {
  if (type == users::v1::UserType::kClient) {
    users::v1::CreateClientRequest request;
    request.username = name;
    request.first_name = "Una";
    request.last_name = "Wanted";
    request.sex = users::v1::Sex::kF;
    request.birth_date = Date{1985, 6, 1};
    request.phone = "+70000000009";
    request.language = "en";
    auto made = co_await users->create_client(*context, request);
    co_return made;
  }
  users::v1::CreateConsultantRequest request;
  request.username = name;
  request.first_name = "Una";
  request.last_name = "Wanted";
  request.email = name + "@consilium.example";
  request.groups = {"consultant"};
  request.language = "en";
  auto made = co_await users->create_consultant(*context, request);
  co_return made;
}

// Somebody who is taken away again while being made: whatever was made goes.
Task<void> unwanted_person(Cluster* cluster, std::uint64_t number, std::uint64_t wait) {
  runtime::Context context = service_context(cluster);
  std::string name = "unwanted" + std::to_string(number);
  const auto type = number % 2 == 0 ? users::v1::UserType::kClient : users::v1::UserType::kConsultant;
  auto made = co_await add_unwanted(&cluster->platform().users(), &context, std::move(name), type);
  if (!made) co_return;
  co_await context.scheduler().sleep_for(milliseconds(static_cast<std::int64_t>(wait)));
  users::v1::ChangeStatusRequest gone;
  gone.id = made->id;
  auto deleted = co_await cluster->platform().users().delete_user(context, gone);
  if (deleted) cluster->count("person taken away");
}

// What each run must have met, else it proves too little: a crash and these many kinds of fault.
constexpr std::size_t kKindsOfFault = 3;

// One run of one seed.
class Play {
 public:
  explicit Play(std::uint64_t seed, const Mutation* mutation = nullptr) : faults_(seed + 7'000'000), cluster_(seed, tally_, mutation) {
    using Role = Person::Role;
    const std::pair<const char*, Role> cast[] = {{"anna", Role::kClient},      {"boris", Role::kClient},
                                                 {"carla", Role::kClient},     {"clara", Role::kConsultant},
                                                 {"david", Role::kConsultant}, {"admin", Role::kAdministrator}};
    for (const auto& [name, role] : cast)
      people_.push_back(std::make_unique<Person>(cluster_, mood_, name, role, seed * 100 + people_.size()));
    for (const auto& person : people_) pages_.push_back(person.get());
  }

  void run() {
    set_up();
    if (fine()) trouble();
    if (fine()) calm();
    if (fine()) finish();
  }

  bool fine() const { return cluster_.failures().empty(); }
  bool is_excused() { return cluster_.is_excused(); }
  const std::vector<std::string>& failures() const { return cluster_.failures(); }
  std::uint64_t trace_hash() { return cluster_.world().trace_hash(); }
  std::uint64_t events() { return cluster_.world().events_run(); }
  std::uint64_t content_hash() { return content_hash_; }
  const Tally& tally() const { return tally_; }
  bool was_crashed() const {
    return std::ranges::any_of(kCrashes, [this](Fault fault) { return tally_.contains(tally_name(fault)); });
  }
  std::size_t kinds_of_fault() const {
    return static_cast<std::size_t>(std::ranges::count_if(tally_, [](const auto& entry) { return entry.first.starts_with("fault "); }));
  }

 private:
  bool was_disturbed_enough() const { return was_crashed() && kinds_of_fault() >= kKindsOfFault; }
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
      if (!cluster_.is_lost()) return cluster_.blame("the people were not made: " + (added ? added->error().describe() : "no answer"));
      fail_and_recover();
    }
    for (const auto& person : people_) person->start();
  }

  static Task<void> ignore(Task<Result<void>> work) {
    const auto result = co_await std::move(work);
    (void)result;
  }

  void fail_and_recover() {
    cluster_.make_room();
    cluster_.crash(chance(50) ? Cluster::Crash::kKill : Cluster::Crash::kPowerCut);
    if (chance(50)) cluster_.world().run_for(milliseconds(static_cast<std::int64_t>(faults_.below(20'000))));
    if (chance(25))
      cluster_.disk().cut_at_sync(1 + faults_.below(6),
                                  chance(50) ? database::simulated::CutMoment::kBeforeSync : database::simulated::CutMoment::kAfterSync);
    bring_up();
  }

  void disturb() {
    switch (faults_.below(12)) {
      case 0: cluster_.run_events(faults_.below(3'000)); return fail_and_recover();
      case 1: {
        using database::simulated::CutMoment;
        cluster_.disk().cut_at_sync(1 + faults_.below(30), chance(50) ? CutMoment::kBeforeSync : CutMoment::kAfterSync);
        return;
      }
      case 2: return cluster_.disk().cut_at_write(1 + faults_.below(60));
      case 3:
        cluster_.count(Fault::kPause);
        cluster_.world().pause(runtime::NodeId{0});
        cluster_.world().run_for(milliseconds(static_cast<std::int64_t>(faults_.below(40'000))));
        cluster_.world().resume(runtime::NodeId{0});
        return;
      case 4:
        if (!chance(30)) return;
        cluster_.stop();
        return bring_up();
      case 5: return break_disk();
      case 6:
        cluster_.fill_disk();
        cluster_.run_for(milliseconds(static_cast<std::int64_t>(1'000 + faults_.below(30'000))));
        cluster_.make_room();
        return;
      case 7: return set_clock();
      case 8: cluster_.main().spawn("unwanted", unwanted_person(&cluster_, ++unwanted_, faults_.below(120))); return;
      default: return;
    }
  }

  // One operation of the disk fails; which it is, is seen only by what follows.
  void break_disk() {
    using database::simulated::Failure;
    using database::simulated::Operation;
    static constexpr struct {
      Operation operation;
      Fault fault;
    } kOperations[] = {
        {Operation::kRead, Fault::kReadError}, {Operation::kWrite, Fault::kWriteError}, {Operation::kSync, Fault::kSyncError}};
    const auto& one = kOperations[faults_.below(3)];
    const Failure failure = one.operation == Operation::kWrite && chance(50) ? Failure::kNoSpace : Failure::kInputOutput;
    const std::uint64_t taken = cluster_.disk().faults_taken();
    cluster_.disk().inject({one.operation, failure, chance(70) ? "-wal" : "", faults_.below(40)});
    cluster_.run_until([&] { return cluster_.disk().faults_taken() != taken; }, seconds(20));
    if (cluster_.disk().faults_taken() != taken) cluster_.count(failure == Failure::kNoSpace ? Fault::kNoSpace : one.fault);
    cluster_.disk().forget_faults();
  }

  // The node's clock alone, by up to an hour: people's own stay.
  void set_clock() {
    const Duration step = seconds(static_cast<std::int64_t>(1 + faults_.below(3'600)));
    const bool back = chance(50);
    clock_offset_ = back ? clock_offset_ - step : clock_offset_ + step;
    highest_offset_ = std::max(highest_offset_, clock_offset_);
    cluster_.count(back ? Fault::kClockBack : Fault::kClockForward);
    cluster_.world().set_clock_offset(runtime::NodeId{0}, clock_offset_);
  }

  void trouble() {
    const Timestamp end = cluster_.world().steady_now() + kTroubleFor;
    const bool walkout = chance(20);
    while ((cluster_.world().steady_now() < end || !was_disturbed_enough()) && fine()) {
      mood_.walkout = walkout && cluster_.world().steady_now() < end - minutes(2);
      go_on_for(milliseconds(static_cast<std::int64_t>(1'000 + faults_.below(40'000))));
      if (fine() && !cluster_.is_lost()) disturb();
      look();
    }
  }

  // Looks after each step of a case.
  void go_on_for(Duration span) {
    const Timestamp end = cluster_.world().steady_now() + span;
    while (fine() && !cluster_.is_lost() && cluster_.world().steady_now() < end) {
      const std::uint64_t before = cluster_.steps_of_cases();
      if (cluster_.run_until([&] { return cluster_.steps_of_cases() != before; }, end - cluster_.world().steady_now()))
        check_invariants(cluster_, pages_, Moment::kDuring);
    }
  }

  // After the power went there is nothing to look at until the next start.
  void look() {
    for (int attempt = 0; attempt < 20 && fine(); ++attempt) {
      if (cluster_.is_lost()) fail_and_recover();
      if (!fine()) return;
      check_invariants(cluster_, pages_, Moment::kDuring);
      if (!cluster_.is_lost()) return;
    }
  }

  // Nothing disturbs any more, people do their work: every case comes to its end.
  void calm() {
    mood_.calm = true;
    mood_.walkout = false;
    cluster_.make_room();
    cluster_.disk().forget_faults();
    const Timestamp end = cluster_.world().steady_now() + kPatience;
    while (fine()) {
      go_on_for(seconds(30));
      look();
      if (cluster_.is_lost() || !fine()) continue;
      if (open_tasks(cluster_) == 0 && cluster_.world().steady_now() > end - kPatience + minutes(1)) return;
      if (cluster_.world().steady_now() > end) return cluster_.blame("cases are open after hours of calm");
    }
  }

  void finish() {
    // Nobody rates any more; the cases end by their timers, which follow the wall clock.
    cluster_.run_for(minutes(1));
    check_invariants(cluster_, pages_, Moment::kQuiet);
    mood_.over = true;
    cluster_.run_for(seconds(30));
    // All events are old then: what forgets them leaves no holes among those that a rule compares.
    cluster_.world().set_clock_offset(runtime::NodeId{0}, highest_offset_ + hours(25));
    cluster_.run_for(seconds(30));
    if (cluster_.is_lost()) fail_and_recover();
    if (!fine()) return;
    if (const auto running = running_instances(cluster_); running != 0)
      cluster_.blame("5: " + std::to_string(running) + " cases have a process that does not end");
    check_invariants(cluster_, pages_, Moment::kAtTheEnd);
    count_coverage(cluster_);
    cluster_.stop();
    content_hash_ = cluster_.disk().content_hash();
  }

  Tally tally_;
  SeededRandom faults_;
  Mood mood_;
  Duration clock_offset_;
  Duration highest_offset_;
  Cluster cluster_;
  std::vector<std::unique_ptr<Person>> people_;
  Pages pages_;
  std::uint64_t content_hash_ = 0;
  std::uint64_t unwanted_ = 0;
};

// What any exception at a boundary says, for as long as it lives.
class PanicWatch {
 public:
  // A disk that fails excuses what is said of it.
  explicit PanicWatch(Play& play) {
    runtime::set_panic_handler([this, &play](std::string_view boundary, std::string_view what) {
      if (!play.is_excused()) panics_.push_back(std::string(boundary) + ": " + std::string(what));
    });
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

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::filesystem::path> files_in(const std::string& folder, std::string_view ending) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(CONSILIUM_SOURCE_DIR) / folder)) {
    if (entry.path().extension() == ending) files.push_back(entry.path());
  }
  return files;
}

// The first cannot be met: chat keeps the account and the channel of somebody who was taken away, so that nothing in a whole platform refuses
// the greeting; the tests of workers and models walk it. The second is met too seldom to be asked for in 200 seeds, as somebody must be taken
// away between two steps that follow at once: a test of its own below meets it.
constexpr std::string_view kOutOfReach[] = {"p-create-user#hello-failed", "p-create-user#chat-channel-failed"};

void want_elements(std::vector<std::string>& wanted) {
  static const std::regex kElement(
      "<bpmn:(?:startEvent|endEvent|serviceTask|subProcess|boundaryEvent|intermediateCatchEvent|exclusiveGateway|eventBasedGateway) "
      "id=\"([^\"]+)\"");
  for (const auto& file : files_in("processes", ".bpmn")) {
    const std::string model = content_of(file);
    for (std::sregex_iterator found(model.begin(), model.end(), kElement), end; found != end; ++found) {
      const std::string name = file.stem().string() + "#" + (*found)[1].str();
      if (std::ranges::find(kOutOfReach, name) == std::end(kOutOfReach)) wanted.push_back("element " + name);
    }
  }
}

void want_transitions(std::vector<std::string>& wanted) {
  for (const auto& file : files_in("src/services/tasks/task_types", ".json")) {
    const boost::json::value type = boost::json::parse(content_of(file));
    const std::string prefix = "transition " + std::string(type.at("type").as_string()) + "/" + std::string(type.at("subtype").as_string());
    for (const boost::json::value& transition : type.at("transitions").as_array())
      wanted.push_back(prefix + " " + std::string(transition.at("id").as_string()));
  }
}

// From the models, the types of tasks and the faults as they are, so that what is added must be met.
std::vector<std::string> everything() {
  std::vector<std::string> wanted = {"node stopped",
                                     "socket resumed",
                                     "answer lost",
                                     "post repeated",
                                     "person taken away",
                                     "task given to another",
                                     "person out of the group",
                                     "person back in the group",
                                     "sessions checked",
                                     "log lines read",
                                     "post of people"};
  for (const std::string_view fault : kFaultNames) wanted.push_back("fault " + std::string(fault));
  want_transitions(wanted);
  want_elements(wanted);
  return wanted;
}

TEST(Simulation, InvariantsHoldUnderCrashes) {
  const std::uint64_t only = number_from("CONSILIUM_SEED", 0);
  const std::uint64_t seeds = number_from("CONSILIUM_SEEDS", kDefaultSeeds);
  const std::uint64_t first = only ? only : number_from("CONSILIUM_FIRST_SEED", 1);
  const std::uint64_t last = only ? only : first + seeds - 1;
  Tally tally;
  std::uint64_t events = 0;
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    Play play(seed);
    const PanicWatch watch(play);
    play.run();
    events += play.events();
    for (const auto& [name, times] : play.tally()) tally[name] += times;
    EXPECT_TRUE(play.was_crashed()) << replay(seed);
    EXPECT_GE(play.kinds_of_fault(), kKindsOfFault) << replay(seed);
    for (const std::string& failure : play.failures()) ADD_FAILURE() << failure << "\n" << replay(seed);
    for (const std::string& panic : watch.panics()) ADD_FAILURE() << "panic " << panic << "\n" << replay(seed);
  }
  print(tally);
  std::printf("%9llu  events\n%9llu  seeds from %llu on\n", static_cast<unsigned long long>(events),
              static_cast<unsigned long long>(last - first + 1), static_cast<unsigned long long>(first));
  if (only || seeds < kDefaultSeeds || HasFailure()) return;
  // A simulation that does not go there proves nothing.
  for (const std::string& wanted : everything()) EXPECT_GT(tally[wanted], 0U) << wanted << " was never met";
}

// Between two steps that follow at once: the process is killed as soon as the person is taken away, and what waits is taken up anew.
TEST(Simulation, B_57_SomebodyIsTakenAwayAtEachStepOfBeingMade) {
  Tally tally;
  Cluster cluster(5, tally);
  ASSERT_TRUE(cluster.start());
  const auto people = cluster.ask(add_people(&cluster));
  ASSERT_TRUE(people && *people);
  // Even: clients, who have a channel and a greeting.
  for (std::uint64_t wait = 0; wait < 80; ++wait) {
    const std::uint64_t taken = tally["person taken away"];
    cluster.main().spawn("unwanted", unwanted_person(&cluster, wait * 2, wait));
    cluster.run_until([&] { return tally["person taken away"] > taken; }, seconds(5));
    cluster.crash(Cluster::Crash::kKill);
    ASSERT_TRUE(cluster.start());
    cluster.run_for(seconds(10));
  }
  cluster.run_for(minutes(5));
  count_coverage(cluster);
  for (const std::string& failure : cluster.failures()) ADD_FAILURE() << failure;
  print(tally);
  EXPECT_GT(tally["element p-create-user#chat-channel-failed"], 0U);
}

TEST(Simulation, SameSeedGivesTheSameRun) {
  const std::uint64_t seed = number_from("CONSILIUM_SEED", 3);
  std::uint64_t traces[2];
  std::uint64_t contents[2];
  for (int i = 0; i < 2; ++i) {
    Play play(seed);
    play.run();
    traces[i] = play.trace_hash();
    contents[i] = play.content_hash();
  }
  EXPECT_EQ(traces[0], traces[1]) << replay(seed);
  EXPECT_EQ(contents[0], contents[1]) << replay(seed);
}

// One broken build for each invariant: it must be caught, and as what it is.
const std::vector<Mutation>& broken_builds() {
  using Elsewhere = Mutation::Elsewhere;
  static const std::vector<Mutation> kBuilds = {
      {"two open requests",
       "invariant 2",
       {{"CREATE UNIQUE INDEX tasks_task_one_open", "CREATE INDEX tasks_task_one_open"},
        {"channel_id = ?1 AND is_open = 1", "channel_id = ?1 AND is_open = 1 AND ?1 IS NULL"}}},
      {"a returned task keeps its consultant",
       "invariant 3",
       {{"assignee_user_id = ?, assignee_name", "assignee_user_id = coalesce(?, assignee_user_id), assignee_name"}}},
      {"the history has holes", "invariant 4", {{"coalesce(max(sequence), 0) + 1", "coalesce(max(sequence), 0) + 2"}}},
      {"a closed task is still due",
       "invariant 5",
       {{"answer_due_at = ?, process_instance", "answer_due_at = coalesce(?, answer_due_at), process_instance"}}},
      {"some posts are never told",
       "invariant 6",
       {{"INSERT INTO chat_outbox(id, topic, key, at, request_id, traceparent, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
         "INSERT INTO chat_outbox(id, topic, key, at, request_id, traceparent, payload) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?2 <> "
         "'chat.v1.post-created' OR ?4 / 1000 % 3 > 0"}}},
      {"no limit of tasks",
       "invariant 7: nobody",
       {{"t.assignee_user_id = p.user_id AND t.is_open = 1", "t.assignee_user_id = p.user_id AND t.is_open = 2"}}},
      {"the newest first", "invariant 7: who waits", {{"ORDER BY reported_at, id LIMIT", "ORDER BY reported_at DESC, id DESC LIMIT"}}},
      {"who writes loses the account",
       "invariant 8",
       {{"CREATE UNIQUE INDEX chat_posts_once",
         "CREATE TRIGGER broken AFTER INSERT ON chat_posts BEGIN UPDATE chat_users SET active = 0 WHERE user_id = NEW.author_id; END; "
         "CREATE UNIQUE INDEX chat_posts_once"}}},
      {"posts for one are shown to all",
       "invariant 9",
       {{"p.recipient_id IS NULL OR p.recipient_id = ?", "p.recipient_id IS NULL OR ? IS NOT NULL"}}},
      {"access is never taken back", "invariant 10", {{"access = excluded.access", "access = min(access, excluded.access)"}}},
      {"events of tasks are told twice",
       "invariant 12",
       {{"CREATE INDEX tasks_assignment_newest",
         "CREATE TRIGGER broken AFTER INSERT ON tasks_outbox BEGIN INSERT INTO tasks_outbox(id, topic, key, at, request_id, traceparent, "
         "payload) VALUES (CAST(substr(NEW.id, 1, 15) || x'00' AS BLOB), NEW.topic, NEW.key, NEW.at, NEW.request_id, NEW.traceparent, "
         "NEW.payload); END; CREATE INDEX tasks_assignment_newest"}}},
      {"one loop knows no sessions", "invariant 13", {}, Elsewhere::kOneLoopForgetsSessions},
      {"bodies are logged", "invariant 14", {}, Elsewhere::kBodiesAreLogged},
  };
  return kBuilds;
}

TEST(Simulation, CatchesEachBrokenBuild) {
  constexpr std::uint64_t kTries = 10;  // those that need a certain course of things
  for (const Mutation& build : broken_builds()) {
    SCOPED_TRACE(build.name);
    std::string caught;
    std::string others;
    for (std::uint64_t seed = 1; seed <= kTries && caught.empty(); ++seed) {
      Play play(seed * 4, &build);  // whose logs are read
      play.run();
      for (const std::string& failure : play.failures()) {
        if (failure.starts_with(build.caught_as)) caught = failure;
        if (others.empty()) others = failure;
      }
    }
    EXPECT_FALSE(caught.empty()) << "not caught; said instead: " << others;
    std::printf("%s: %s\n", std::string(build.name).c_str(), caught.substr(0, 150).c_str());
  }
}

}  // namespace
}  // namespace consilium::simulation

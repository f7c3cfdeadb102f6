// The shipped processes on the real engine with the real workers, in a process that is killed: at each step of each way through
// them, and while many cases wait.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "bpmn/engine_node_testing.h"
#include "services/processes/services_testing.h"

namespace consilium::processes {
namespace {

using bpmn::testing::Node;
using process::InstanceState;

constexpr std::uint64_t kSeed = 11;
constexpr Duration kPoll = milliseconds(200);
constexpr Duration kPatience = minutes(10);

std::string shipped(const std::string& process) {
  std::ifstream file(std::string(CONSILIUM_SOURCE_DIR) + "/processes/" + process + ".bpmn");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<process::Resource> shipped_models() {
  std::vector<process::Resource> models;
  for (const char* process : {"p-create-user", "p-client-request"}) models.push_back({std::string(process) + ".bpmn", shipped(process)});
  return models;
}

Uuid id_of(std::uint8_t kind, std::uint8_t number = 1) {
  Uuid id;
  id.bytes[0] = kind;
  id.bytes[15] = number;
  return id;
}
const Uuid kClient = id_of(1);
const Uuid kChannel = id_of(2);
const Uuid kPost = id_of(3);
const Uuid kClara = id_of(4);
const Uuid kDavid = id_of(5);

// The process of the platform that runs the engine; the four services are elsewhere and outlive it.
class Platform {
 public:
  Platform() {
    services.ledger.takes = milliseconds(5);
    services.chat.answer = {false, ""};
    services.tasks.reply.task.number = "MOI-000001";
    services.tasks.reply.created = true;
    services.tasks.distinct = true;
    node.on_boot = [this](bpmn::LocalProcessEngine& engine) {
      for (auto& workers : {user_creation_workers(services.dependencies), client_request_workers(services.dependencies)}) {
        for (process::Worker worker : workers) {
          worker.handle = [this, handle = worker.handle](runtime::Context& context, const process::Job& job) {
            ++runs[job.element_id];
            least_retries = std::min(least_retries, job.retries);
            return handle(context, job);
          };
          engine.add_worker(std::move(worker));
        }
      }
    };
    die();
    start();
  }

  void die() {
    node.kill();
    node.disk.kill_processes();
  }
  void stop() {
    EXPECT_TRUE(node.finish(node.engine->close_workers()));
    EXPECT_TRUE(node.finish(node.engine->close()));
    die();
  }
  // As the platform does it: workers last.
  void start() {
    node.boot();
    node.open();
    node.deploy(shipped_models());
    node.engine->open_workers();
  }

  Node node{kSeed};
  testing::FakeServices services;
  std::map<std::string, int> runs;  // of handlers, by element
  std::int32_t least_retries = 3;
};

// Told to a case when the way that it went so far has as many visits of the element.
struct Told {
  std::string element;
  std::ptrdiff_t visits = 1;
  std::string message;
  std::string variables = "{}";
};

struct Way {
  std::string name;
  std::string process;
  users::v1::UserType type = users::v1::UserType::kClient;
  std::function<void(testing::FakeServices&)> prepare = [](testing::FakeServices&) {};
  std::vector<Told> told = {};
};

// What became of it.
struct Outcome {
  InstanceState state = InstanceState::kActive;
  std::vector<std::string> path;
  std::multiset<std::string> effects;  // each once, however often it was asked for with the same key
  std::map<std::string, int> runs;
  std::int64_t incidents = 0;
  std::set<std::uint64_t> steps;  // events before and after which something was made, in the engine or elsewhere
};

// Goes one way to its end, and is killed before the event with that number.
class Journey {
 public:
  Journey(const Way& way, std::optional<std::uint64_t> killed_at) : way_(way), killed_at_(killed_at) {
    platform_.services.add_draft(kClient, way.type);
    way.prepare(platform_.services);
  }

  Outcome run() {
    key_ = ask<process::Key>([this] { return engine().start(context(), way_.process, variables(), "case"); });
    for (const Told& told : way_.told) {
      until([&] { return std::ranges::count(path(), told.element) >= told.visits; });
      tell(told);
    }
    until([this] { return view().state != InstanceState::kActive; });
    return outcome();
  }

 private:
  bpmn::LocalProcessEngine& engine() { return *platform_.node.engine; }
  runtime::Context& context() { return *platform_.node.context; }

  enum class Pumped { kDone, kKilled, kStuck };
  Pumped pump(const std::function<bool()>& condition, Duration span) {
    Node& node = platform_.node;
    const Timestamp end = node.world.steady_now() + span;
    while (!condition()) {
      if (steps_ == killed_at_) {
        ++steps_;
        platform_.die();
        platform_.start();
        return Pumped::kKilled;
      }
      const auto made = std::pair(node.disk.writes(), platform_.services.ledger.calls.size());
      if (node.world.steady_now() >= end || !node.world.step()) return Pumped::kStuck;
      ++steps_;
      if (std::pair(node.disk.writes(), platform_.services.ledger.calls.size()) != made) made_at_.insert({steps_ - 1, steps_});
    }
    return Pumped::kDone;
  }

  // Asks until there is an answer, as those outside do.
  template <class T>
  T ask(const std::function<Task<Result<T>>()>& make) {
    for (;;) {
      std::optional<Result<T>> answer;
      platform_.node.loop->spawn("test", bpmn::testing::store_result(make(), answer));
      const Pumped pumped = pump([&] { return answer.has_value(); }, kPatience);
      if (pumped == Pumped::kKilled) continue;
      if (pumped == Pumped::kStuck || !*answer)
        throw std::runtime_error(way_.name + (answer ? ": " + answer->error().describe() : ": no answer"));
      return std::move(**answer);
    }
  }
  void until(const std::function<bool()>& condition) {
    const Timestamp end = platform_.node.world.steady_now() + kPatience;
    while (!condition()) {
      if (platform_.node.world.steady_now() > end) throw std::runtime_error(way_.name + " stands still at " + path().back());
      pump([] { return false; }, kPoll);
    }
  }

  std::string variables() const {
    if (way_.process == "p-create-user")
      return R"({"userId":")" + kClient.text() + R"(","type":")" + std::string(text_of(way_.type)) + "\"}";
    return R"({"userId":")" + kClient.text() + R"(","channelId":")" + kChannel.text() + R"(","postId":")" + kPost.text() +
           R"(","postedAt":"2026-01-01T00:00:00.000Z","noticeDelays":["PT5S","PT5S"],"feedbackWindow":"PT1M"})";
  }
  // The same again when it was not answered: the event that causes it is delivered at least once.
  void tell(const Told& told) {
    process::Message message;
    message.name = told.message;
    message.correlation_key = platform_.services.tasks.ids.at({key_, "common-request"}).text();
    message.id = told.message + std::to_string(++told_);
    message.time_to_live = hours(48);
    message.variables = told.variables;
    ask<bool>([&] { return publish(&engine(), &context(), message); });
  }
  static Task<Result<bool>> publish(process::ProcessEngine* engine, runtime::Context* context, process::Message message) {
    auto published = co_await engine->publish(*context, std::move(message));
    if (!published) co_return fail(std::move(published).error());
    co_return true;
  }
  process::InstanceView view() {
    return ask<process::InstanceView>([this] { return engine().instance(context(), key_); });
  }
  std::vector<std::string> path() {
    std::vector<std::string> ids;
    for (const auto& record : ask<std::vector<process::ElementRecord>>([this] { return engine().history(context(), key_); }))
      ids.push_back(record.element_id);
    return ids;
  }

  Outcome outcome() {
    Outcome out;
    out.state = view().state;
    out.path = path();
    out.runs = platform_.runs;
    out.incidents = ask<process::IncidentPage>([this] { return engine().incidents(context(), 0, 1); }).open;
    out.steps = made_at_;
    const testing::FakeServices& services = platform_.services;
    std::map<std::string, std::string> posts;
    for (const chat::v1::BotPostRequest& post : services.chat.posted)
      posts[post.idempotency_key] = post.code.value_or(post.text.value_or(""));
    for (const auto& [unused, post] : posts) out.effects.insert("post " + post);
    std::set<std::string> access;
    for (const chat::v1::SubscribeRequest& one : services.chat.subscribed)
      access.insert("access " + one.user_id.text() + " " + std::to_string(static_cast<int>(one.access)) + " " +
                    std::to_string(one.fence.value_or(0)));
    out.effects.insert(access.begin(), access.end());
    for (const auto& [of, unused] : services.tasks.ids) out.effects.insert("task " + of.second);
    for (std::size_t i = 0; i < services.chat.accounts.size(); ++i) out.effects.insert("account");
    for (std::size_t i = 0; i < services.chat.channels.size(); ++i) out.effects.insert("channel");
    for (std::size_t i = 0; i < services.sessions.identities.size(); ++i) out.effects.insert("identity");
    out.effects.insert("person " + std::string(text_of(services.users.people.at(kClient).status)));
    return out;
  }

  const Way& way_;
  std::optional<std::uint64_t> killed_at_;
  Platform platform_;
  process::Key key_ = 0;
  std::uint64_t steps_ = 0;
  int told_ = 0;
  std::set<std::uint64_t> made_at_;
};

std::string assigned_to(const Uuid& consultant, int fence) {
  return R"({"assignee":")" + consultant.text() + R"(","fence":)" + std::to_string(fence) + "}";
}
std::string fence(int number) { return R"({"fence":)" + std::to_string(number) + "}"; }

Way refused(const char* call) {
  Way way{std::string(call) + " is refused", "p-create-user"};
  way.prepare = [call](testing::FakeServices& services) {
    services.ledger.errors = {{call, make_error(ErrorKind::kConflict, "test.refused")}};
  };
  return way;
}

Way request(const char* name, std::function<void(testing::FakeServices&)> prepare) {
  Way way{name, "p-client-request"};
  way.prepare = std::move(prepare);
  return way;
}

Way case_of(const char* name, std::vector<Told> told) {
  Way way{name, "p-client-request"};
  way.told = std::move(told);
  return way;
}

const std::vector<Way>& ways() {
  static const std::vector<Way> kWays = [] {
    std::vector<Way> all{{"a client", "p-create-user"}, {"a consultant", "p-create-user", users::v1::UserType::kConsultant}};
    for (const char* call : {"create_chat_user", "create_channel", "bot_post", "create_identity", "activate_user"})
      all.push_back(refused(call));
    all.push_back(request("a request is open", [](testing::FakeServices& services) { services.tasks.found.task = tasks::v1::Task(); }));
    all.push_back(request("the bot answers", [](testing::FakeServices& services) { services.chat.answer = {true, "It is ready."}; }));
    all.push_back(request("another post was quicker", [](testing::FakeServices& services) { services.tasks.reply.created = false; }));
    all.push_back(case_of("returned, given to another, solved and rated",
                          {{"await-consultant", 2, "msg-client-task-assigned", assigned_to(kClara, 1)},
                           {"await-result", 1, "msg-client-task-returned", fence(2)},
                           {"await-consultant", 3, "msg-client-task-assigned", assigned_to(kClara, 3)},
                           {"await-result", 2, "msg-client-task-assigned", assigned_to(kDavid, 4)},
                           {"await-result", 3, "msg-client-task-solved", fence(5)},
                           {"await-feedback", 1, "msg-client-feedback-given"}}));
    all.push_back(
        case_of("escalated, assigned late, not rated", {{"task-assigned-late", 1, "msg-client-task-assigned", assigned_to(kClara, 1)},
                                                        {"await-result", 1, "msg-client-task-solved", fence(2)}}));
    all.push_back(case_of("cancelled while it waits", {{"await-consultant", 1, "msg-client-task-cancelled", fence(1)}}));
    all.push_back(case_of("cancelled while it is worked on", {{"await-consultant", 1, "msg-client-task-assigned", assigned_to(kClara, 1)},
                                                              {"await-result", 1, "msg-client-task-cancelled", fence(2)}}));
    return all;
  }();
  return kWays;
}

int total(const std::map<std::string, int>& runs) {
  int sum = 0;
  for (const auto& [unused, times] : runs) sum += times;
  return sum;
}

class ProcessCrash : public ::testing::TestWithParam<std::size_t> {};

// Each kill is one more run of what was at work just then, and changes nothing else.
TEST_P(ProcessCrash, BP_1_AKillAtAnyStepGoesOnFromTheLastThatWasDone) {
  const Way& way = ways()[GetParam()];
  const Outcome expected = Journey(way, std::nullopt).run();
  EXPECT_EQ(expected.state, InstanceState::kCompleted);
  EXPECT_EQ(expected.incidents, 0);
  EXPECT_GT(expected.steps.size(), 5u);
  int repeated = 0;
  for (const std::uint64_t step : expected.steps) {
    SCOPED_TRACE(way.name + ", killed before event " + std::to_string(step));
    const Outcome outcome = Journey(way, step).run();
    EXPECT_EQ(outcome.state, InstanceState::kCompleted);
    EXPECT_EQ(outcome.incidents, 0);
    EXPECT_EQ(outcome.path, expected.path);
    EXPECT_EQ(outcome.effects, expected.effects);
    EXPECT_LE(total(outcome.runs), total(expected.runs) + 1) << "what was done is done again";
    for (const auto& [element, times] : expected.runs) EXPECT_GE(outcome.runs.at(element), times);
    repeated += total(outcome.runs) - total(expected.runs);
    if (HasFailure()) return;
  }
  EXPECT_GT(repeated, 0) << "no kill hit a job at work";
  std::printf("%s: killed at %zu steps, %d jobs run again\n", way.name.c_str(), expected.steps.size(), repeated);
}

INSTANTIATE_TEST_SUITE_P(Ways, ProcessCrash, ::testing::Range<std::size_t>(0, ways().size()));

// Each element of both models, each error branch with them, lies on one of the ways.
TEST(ProcessWays, BP_1_EveryElementOfTheShippedModelsIsOnAWay) {
  std::set<std::string> met;
  for (const Way& way : ways()) {
    for (const std::string& element : Journey(way, std::nullopt).run().path) met.insert(element);
  }
  const std::regex element(
      "<bpmn:(?:process|startEvent|endEvent|serviceTask|subProcess|boundaryEvent|intermediateCatchEvent|exclusiveGateway|eventBasedGateway)"
      " "
      "id=\"([^\"]+)\"");
  std::set<std::string> modelled;
  for (const process::Resource& model : shipped_models()) {
    for (std::sregex_iterator found(model.content.begin(), model.content.end(), element), end; found != end; ++found)
      modelled.insert((*found)[1]);
  }
  EXPECT_GT(modelled.size(), 50u);
  EXPECT_EQ(met, modelled);
}

TEST(ProcessWays, BP_1_AModelThatCannotRunIsRefusedWithFileAndElement) {
  bpmn::LocalProcessEngineOptions options;
  options.job_types = bpmn::LocalProcessEngineOptions::JobTypes::kOfWorkers;
  Node node(kSeed, options);
  testing::FakeServices services;
  for (auto& workers : {user_creation_workers(services.dependencies), client_request_workers(services.dependencies)}) {
    for (const process::Worker& worker : workers) node.engine->add_worker(worker);
  }
  node.open();
  struct Case {
    const char* process;
    const char* text;
    const char* instead;
    const char* element;
  };
  const Case cases[] = {
      {"p-create-user", R"(type="st-create-identity")", R"(type="st-make-coffee")", "create-identity"},
      {"p-client-request", R"(type="st-escalate")", R"(type="st-call-the-moon")", "escalate"},
      {"p-create-user", R"(>=type = "client"<)", R"(>=type = = "client"<)", "flow-is-client-to-create-chat-channel"},
      {"p-client-request", ">=noticeDelays[noticeCount + 1]<", ">=noticeDelays[noticeCount +<", "notice-due"},
      {"p-client-request", ">=taskExists<", ">=no such function(taskExists)<", "flow-is-request-open-to-joined-open-request"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.process) + " " + one.instead);
    std::vector<process::Resource> models = shipped_models();
    process::Resource& broken = models[std::string(one.process) == "p-create-user" ? 0 : 1];
    const auto at = broken.content.find(one.text);
    ASSERT_NE(at, std::string::npos);
    broken.content.replace(at, std::string(one.text).size(), one.instead);
    const auto deployed = node.call(node.engine->deploy(*node.context, models));
    ASSERT_FALSE(deployed.has_value());
    EXPECT_EQ(deployed.error().code, "process.invalid-model");
    ASSERT_EQ(deployed.error().fields.size(), 1u) << deployed.error().describe();
    EXPECT_EQ(deployed.error().fields[0].name, broken.name + "#" + one.element);
    EXPECT_TRUE(node.call(node.engine->processes(*node.context))->empty()) << "all models or none";
  }
  EXPECT_TRUE(node.call(node.engine->deploy(*node.context, shipped_models())));
}

// ---- after the start

enum class End { kStopped, kKilledInTheMiddleOfJobs };

class AfterTheStart : public ::testing::TestWithParam<End> {
 protected:
  static constexpr int kCases = 100;

  std::vector<std::string> codes_of_posts() const {
    std::map<std::string, std::string> posts;
    for (const chat::v1::BotPostRequest& post : platform.services.chat.posted) posts[post.idempotency_key] = post.code.value_or("");
    std::vector<std::string> codes;
    for (const auto& [unused, code] : posts) codes.push_back(code);
    return codes;
  }
  std::ptrdiff_t posts_of(const std::string& code) const { return std::ranges::count(codes_of_posts(), code); }
  void begin_cases() {
    platform.services.add_draft(kClient, users::v1::UserType::kClient);
    for (int i = 0; i < kCases; ++i) {
      const std::string variables = R"({"userId":")" + kClient.text() + R"(","channelId":")" + kChannel.text() + R"(","postId":")" +
                                    kPost.text() + R"(","postedAt":"2026-01-01T00:00:00.000Z","noticeDelays":["PT30S","PT30S","PT10M"]})";
      const auto key = platform.node.call(
          platform.node.engine->start(*platform.node.context, "p-client-request", variables, "case" + std::to_string(i)));
      ASSERT_TRUE(key);
      cases.push_back(*key);
    }
  }
  void tell_all(const std::string& name, const std::string& variables) {
    for (const process::Key key : cases) {
      process::Message message;
      message.name = name;
      message.correlation_key = platform.services.tasks.ids.at({key, "common-request"}).text();
      message.id = name;
      message.variables = variables;
      ASSERT_TRUE(platform.node.call(platform.node.engine->publish(*platform.node.context, message)));
    }
  }

  Platform platform;
  std::vector<process::Key> cases;
};

// 100 cases wait for the notice after 30 s; the process is away for 60 s; what it needs comes 20 s after it.
TEST_P(AfterTheStart, PS_1_B_53_NothingIsLostWhileServicesAreAway) {
  begin_cases();
  platform.services.ledger.takes = milliseconds(300);
  ASSERT_TRUE(platform.node.world.run_until([&] { return posts_of("client.new-request") == kCases; }, seconds(25)));
  if (GetParam() == End::kStopped) {
    platform.stop();
  } else {
    ASSERT_TRUE(platform.node.world.run_until([&] { return platform.runs["send-notice"] > 10; }, seconds(60)));
    platform.die();
    EXPECT_LT(posts_of("client.no-consultant-available"), 10) << "the kill came in the middle of jobs";
  }
  platform.node.world.run_for(seconds(60));

  const std::size_t calls = platform.services.ledger.calls.size();
  platform.services.ledger.away_until = platform.node.world.true_now() + seconds(20);
  platform.start();
  platform.node.world.run_for(seconds(19));
  EXPECT_EQ(platform.services.ledger.calls.size(), calls) << "nothing has an effect before all is there";
  EXPECT_GE(platform.services.ledger.in_vain, static_cast<std::size_t>(kCases));
  platform.node.world.run_for(seconds(8));
  EXPECT_EQ(posts_of("client.no-consultant-available"), kCases);
  tell_all("msg-client-task-assigned", assigned_to(kClara, 1));
  platform.node.world.run_for(seconds(10));
  tell_all("msg-client-task-solved", fence(2));
  platform.node.world.run_for(seconds(10));
  tell_all("msg-client-feedback-given", "{}");
  platform.node.world.run_for(seconds(10));

  EXPECT_EQ(platform.least_retries, 3) << "waiting costs no attempt";
  EXPECT_TRUE(platform.node.call(platform.node.engine->incidents(*platform.node.context, 0, 1))->items.empty());
  for (const process::Key key : cases) EXPECT_EQ(platform.node.state(key), InstanceState::kCompleted);
  for (const char* code : {"client.new-request", "client.no-consultant-available", "client.request-assigned", "client.task-solved"})
    EXPECT_EQ(posts_of(code), kCases) << code;
}

INSTANTIATE_TEST_SUITE_P(Ends, AfterTheStart, ::testing::Values(End::kStopped, End::kKilledInTheMiddleOfJobs));

}  // namespace
}  // namespace consilium::processes

#include "services/tasks/service.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/random.h"
#include "consilium/tasks/v1/tasks_local.h"
#include "consilium/tasks/v1/tasks_routes.h"
#include "ports/database/store_harness.h"
#include "runtime/log_sink.h"
#include "runtime/observed_call.h"
#include "runtime/simulated_scheduler.h"
#include "runtime/when_all.h"
#include "services/tasks/migrations.h"

namespace consilium::tasks {
namespace {

// People by id; everything that the tasks service does not call is refused.
class FakeUsers final : public users::v1::Users {
 public:
  std::map<Uuid, users::v1::User> people;

  std::optional<Timestamp> deadline;  // of the last call
  std::shared_ptr<runtime::Cancellation> cancellation;

  Task<Result<users::v1::User>> get_user(runtime::Context& context, users::v1::GetUserRequest request) override {
    deadline = context.deadline;
    cancellation = context.cancellation;
    const auto found = people.find(request.id);
    if (found == people.end()) co_return fail(users::v1::errors::not_found("Expected a user"));
    co_return found->second;
  }

#define NOT_CALLED(Reply, name, Request)                                                \
  Task<Result<users::v1::Reply>> name(runtime::Context&, users::v1::Request) override { \
    co_return fail(internal_error("not expected in this test"));                        \
  }
  NOT_CALLED(User, create_client, CreateClientRequest)
  NOT_CALLED(User, create_consultant, CreateConsultantRequest)
  NOT_CALLED(User, create_expert, CreateExpertRequest)
  NOT_CALLED(User, create_staff, CreateStaffRequest)
  NOT_CALLED(ListUsersReply, list_users, ListUsersRequest)
  NOT_CALLED(User, get_me, GetMeRequest)
  NOT_CALLED(User, find_user, FindUserRequest)
  NOT_CALLED(ListGroupsReply, list_groups, ListGroupsRequest)
  NOT_CALLED(User, change_profile, ChangeProfileRequest)
  NOT_CALLED(User, change_groups, ChangeGroupsRequest)
  NOT_CALLED(User, set_links, SetLinksRequest)
  NOT_CALLED(User, lock_user, ChangeStatusRequest)
  NOT_CALLED(User, unlock_user, ChangeStatusRequest)
  NOT_CALLED(User, activate_user, ChangeStatusRequest)
  NOT_CALLED(User, delete_user, ChangeStatusRequest)
#undef NOT_CALLED
};

Uuid id_of(std::uint8_t kind, std::uint8_t number) {
  Uuid id;
  id.bytes[0] = kind;
  id.bytes[15] = number;
  return id;
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class TaskServiceTest : public ::testing::Test {
 protected:
  runtime::Context context_of(runtime::Caller caller) {
    runtime::Context context(harness_->loop(), random_);
    context.caller = std::move(caller);
    return context;
  }
  static runtime::Caller service_caller() {
    runtime::Caller caller;
    caller.kind = runtime::Caller::Kind::kService;
    caller.service = "tests";
    return caller;
  }
  static runtime::Caller person_caller(const Uuid& id, std::vector<std::string> permissions = {}) {
    runtime::Caller caller;
    caller.kind = runtime::Caller::Kind::kUser;
    caller.user_id = id;
    caller.permissions = std::move(permissions);
    return caller;
  }

  template <class Answer, class Call>
  static Task<void> keep(Call* call, runtime::Context* context, std::optional<Answer>* out) {
    out->emplace(co_await (*call)(*context));
  }
  template <class Call>
  auto call_as(runtime::Caller caller, Call call) {
    using Answer = decltype(std::declval<Call&>()(std::declval<runtime::Context&>()).operator co_await().await_resume());
    runtime::Context context = context_of(std::move(caller));
    std::optional<Answer> out;
    harness_->run(keep<Answer>(&call, &context, &out));
    return std::move(*out);
  }
  template <class Call>
  auto call(Call action) {
    return call_as(service_caller(), std::move(action));
  }
  template <class Answer>
  static Task<void> gather(std::vector<Task<Answer>>* tasks, std::size_t at_once, std::vector<Answer>* out) {
    *out = co_await runtime::when_all(std::move(*tasks), at_once);
  }
  template <class Answer>
  std::vector<Answer> all_at_once(std::vector<Task<Answer>> tasks, std::size_t at_once = 50) {
    std::vector<Answer> answers;
    harness_->run(gather(&tasks, at_once, &answers));
    return answers;
  }

  TaskServiceTest() {
    auto migrated = harness_->store().migrate("tasks", migrations());
    EXPECT_TRUE(migrated) << migrated.error().describe();
    const std::filesystem::path folder = std::filesystem::path(CONSILIUM_SOURCE_DIR) / "src/services/tasks/task_types";
    common_ = file_text(folder / "client-common-request.json");
    escalation_ = file_text(folder / "staff-escalation.json");
    const std::vector<EmbeddedFile> files{{"client-common-request.json", common_}, {"staff-escalation.json", escalation_}};
    const auto loaded = call([&](runtime::Context& context) { return service_.load_models(context, files); });
    EXPECT_TRUE(loaded) << loaded.error().describe();
    for (std::uint8_t i = 1; i <= 60; ++i) add_client(i);
  }

  static Uuid client(std::uint8_t number) { return id_of(1, number); }
  static Uuid consultant(std::uint8_t number) { return id_of(2, number); }
  static Uuid channel(std::uint8_t number) { return id_of(3, number); }

  void add_client(std::uint8_t number) {
    users::v1::User user;
    user.id = client(number);
    user.type = users::v1::UserType::kClient;
    user.status = users::v1::UserStatus::kActive;
    user.first_name = "Client";
    user.last_name = std::to_string(number);
    users_.people[user.id] = user;
  }

  v1::CreateTaskRequest request(std::uint8_t number) {
    v1::CreateTaskRequest out;
    out.type = {"client", "common-request"};
    out.reporter_user_id = client(number);
    out.channel_id = channel(number);
    return out;
  }
  v1::CreateRequestRequest wish(v1::CreateTaskRequest task, std::optional<std::int64_t> process_instance = {}) {
    return {std::move(task), process_instance};
  }
  v1::Task open_request(std::uint8_t number) {
    auto reply = call([&](runtime::Context& context) { return service_.create_request(context, wish(request(number))); });
    EXPECT_TRUE(reply) << reply.error().describe();
    return reply->task;
  }

  void add_consultant(std::uint8_t number, bool online = true) {
    auto written = harness_->write(door(), [&](Transaction& transaction) -> Result<void> {
      TRY(save_person(transaction,
                      {consultant(number), "Consultant " + std::to_string(number), true, false, harness_->loop().now(), {"consultant"}}));
      return set_online(transaction, consultant(number), online, harness_->loop().now());
    });
    EXPECT_TRUE(written) << written.error().describe();
  }
  void presence(std::uint8_t number, OnlineChange change) {
    runtime::Context context = context_of(service_caller());
    auto written = harness_->write(door(), [&](Transaction& transaction) {
      return service_.apply_presence(transaction, context, consultant(number), change, context.now());
    });
    EXPECT_TRUE(written) << written.error().describe();
  }
  void person(std::uint8_t number, std::vector<std::string> groups) {
    runtime::Context context = context_of(service_caller());
    const PersonRecord record{consultant(number), "Consultant", true, true, context.now(), std::move(groups)};
    auto written = harness_->write(door(), [&](Transaction& transaction) { return service_.apply_person(transaction, context, record); });
    EXPECT_TRUE(written) << written.error().describe();
  }
  // Its model is not known: no transition of it can be made.
  void break_task(const Uuid& id) {
    auto written = harness_->write(
        door(), [&](Transaction& transaction) { return transaction.execute("UPDATE tasks_task SET model_version = 99 WHERE id = ?", id); });
    EXPECT_TRUE(written) << written.error().describe();
  }
  std::int64_t sweep() {
    return call([&](runtime::Context& context) { return service_.return_unanswered(context); }).value_or(-1);
  }
  v1::Task open_case(std::uint8_t number, std::int64_t process) {
    return call([&](runtime::Context& context) { return service_.create_request(context, wish(request(number), process)); })->task;
  }
  v1::Task escalate(std::uint8_t number, std::int64_t process) {
    v1::CreateTaskRequest wanted = request(number);
    wanted.type = {"staff", "escalation"};
    auto reply = call([&](runtime::Context& context) { return service_.create_request(context, wish(wanted, process)); });
    EXPECT_TRUE(reply) << reply.error().describe();
    return reply->task;
  }
  std::int64_t assign() {
    auto assigned = call([&](runtime::Context& context) { return service_.assign_waiting(context); });
    EXPECT_TRUE(assigned) << assigned.error().describe();
    return assigned.value_or(-1);
  }
  Result<v1::Task> get(const std::string& id, runtime::Caller caller) {
    return call_as(std::move(caller), [&](runtime::Context& context) { return service_.get_task(context, {id}); });
  }
  v1::Task get(const Uuid& id) { return get(id.text(), service_caller()).value(); }
  Result<v1::Task> transition(const Uuid& id, std::string name, runtime::Caller caller, std::optional<std::string> reason = std::nullopt) {
    v1::MakeTransitionRequest message;
    message.id = id.text();
    message.transition = std::move(name);
    message.reason = std::move(reason);
    return call_as(std::move(caller), [&](runtime::Context& context) { return service_.make_transition(context, message); });
  }
  std::vector<std::string> topics() {
    auto rows = harness_->read(
        door(), [](Transaction& transaction) { return transaction.query("SELECT topic FROM tasks_outbox ORDER BY position"); });
    std::vector<std::string> out;
    for (const database::Row& row : *rows) out.push_back(row.text(0));
    return out;
  }

  void set_clock(Duration offset) {
    auto& loop = dynamic_cast<runtime::SimulatedScheduler&>(harness_->loop());
    loop.world().set_clock_offset(loop.node(), offset);
  }

  database::Database& door() { return harness_->store().service("tasks"); }

  std::unique_ptr<database::testing::StoreHarness> harness_ = database::testing::simulated_harness({});
  SeededRandom random_{17};
  FakeUsers users_;
  std::string common_;
  std::string escalation_;
  Settings settings_;
  TaskService service_{harness_->store().service("tasks"), users_, settings_};
};

TEST_F(TaskServiceTest, PutsARequestIntoTheQueueWithANumberHistoryAndEvents) {
  const v1::Task task = open_request(1);
  EXPECT_EQ(task.number, "MOI-000001");
  EXPECT_EQ(task.substatus, Substatus::kOnAssignment);
  ASSERT_TRUE(task.waiting);
  EXPECT_EQ(task.waiting->position, 1);
  EXPECT_EQ(task.waiting->reason, v1::WaitReason::kNobodyOnline);
  EXPECT_EQ(task.channel_id, channel(1));
  EXPECT_EQ(topics(), (std::vector<std::string>{"tasks.v1.created", "tasks.v1.queued"}));
  const auto history = call([&](runtime::Context& context) { return service_.get_history(context, {task.id.text()}); });
  ASSERT_EQ(history->items.size(), 2u);
  EXPECT_EQ(history->items[0].transition, "enqueue");
  EXPECT_EQ(history->items[1].transition, "report");
}

TEST_F(TaskServiceTest, B_39_FiftyRequestsAtOnceMakeOneTask) {
  std::vector<Task<Result<v1::CreateRequestReply>>> calls;
  std::vector<std::unique_ptr<runtime::Context>> contexts;
  for (int i = 0; i < 50; ++i) {
    contexts.push_back(std::make_unique<runtime::Context>(context_of(service_caller())));
    calls.push_back(service_.create_request(*contexts.back(), wish(request(1))));
  }
  int created = 0;
  std::set<std::string> numbers;
  for (const auto& reply : all_at_once(std::move(calls))) {
    ASSERT_TRUE(reply) << reply.error().describe();
    created += reply->created ? 1 : 0;
    numbers.insert(reply->task.number);
  }
  EXPECT_EQ(created, 1);
  EXPECT_EQ(numbers.size(), 1u);
}

// What decides is read in the transaction that changes it: two daemons at once give each task to one person, within their limits.
TEST_F(TaskServiceTest, B_39_PassesAtOnceAssignEachTaskOnce) {
  TaskService other(door(), users_, settings_);
  const std::vector<EmbeddedFile> files{{"client-common-request.json", common_}};
  ASSERT_TRUE(call([&](runtime::Context& context) { return other.load_models(context, files); }));
  for (std::uint8_t i = 1; i <= 12; ++i) open_request(i);
  for (std::uint8_t i = 1; i <= 3; ++i) add_consultant(i);
  std::vector<std::unique_ptr<runtime::Context>> contexts;
  std::vector<Task<Result<std::int64_t>>> passes;
  for (int i = 0; i < 10; ++i) {
    contexts.push_back(std::make_unique<runtime::Context>(context_of(service_caller())));
    passes.push_back((i % 2 == 0 ? service_ : other).assign_waiting(*contexts.back()));
  }
  std::int64_t assigned = 0;
  for (const auto& pass : all_at_once(std::move(passes))) assigned += pass.value_or(100);
  EXPECT_EQ(assigned, 9);
  const auto log = call([&](runtime::Context& context) { return service_.list_assignments(context, {}); });
  std::set<Uuid> tasks;
  std::map<Uuid, int> load;
  for (const v1::AssignmentEntry& entry : log->items) {
    EXPECT_TRUE(tasks.insert(entry.task_id).second);
    ++load[*entry.user_id];
  }
  EXPECT_EQ(tasks.size(), 9u);
  for (const auto& [user, count] : load) EXPECT_EQ(count, settings_.limit);
}

// From two processes, as it were, and of two types: each type counts on its own, and no number is given twice or left out.
TEST_F(TaskServiceTest, B_28_TenThousandAtOnceHaveTenThousandNumbers) {
  constexpr std::size_t kTasks = 10'000;
  TaskService other(door(), users_, settings_);
  const std::vector<EmbeddedFile> files{{"client-common-request.json", common_}, {"staff-escalation.json", escalation_}};
  ASSERT_TRUE(call([&](runtime::Context& context) { return other.load_models(context, files); }));
  std::vector<std::unique_ptr<runtime::Context>> contexts;
  std::vector<Task<Result<v1::Task>>> calls;
  for (std::size_t i = 0; i < kTasks; ++i) {
    contexts.push_back(std::make_unique<runtime::Context>(context_of(service_caller())));
    v1::CreateTaskRequest wanted = request(1);
    wanted.channel_id = contexts.back()->new_id();
    if (i % 2 == 0) wanted.type = {"staff", "escalation"};
    calls.push_back((i % 4 < 2 ? service_ : other).create_task(*contexts.back(), wanted));
  }
  std::set<std::string> numbers;
  for (const auto& made : all_at_once(std::move(calls), 1'000)) {
    ASSERT_TRUE(made) << made.error().describe();
    EXPECT_TRUE(numbers.insert(made->number).second) << made->number;
  }
  EXPECT_EQ(numbers.size(), kTasks);
  for (const char* prefix : {"MOI", "ESC"}) {
    EXPECT_TRUE(numbers.contains(format_number(prefix, 1)));
    EXPECT_TRUE(numbers.contains(format_number(prefix, kTasks / 2)));
    EXPECT_FALSE(numbers.contains(format_number(prefix, kTasks / 2 + 1)));
  }
}

TEST_F(TaskServiceTest, B_29_TheChannelIsInTheTaskOfTheApi) {
  struct Unobserved final : runtime::CallObserver {
    void on_call(const runtime::Context&, const runtime::CallRecord&) override {}
  } observer;
  v1::LocalTasks local(service_, observer);
  const v1::Task task = open_request(1);
  EXPECT_EQ(task.channel_id, channel(1));
  int shown = 0;
  for (const net::Route& route : v1::routes(local)) {
    net::RouteRequest request;
    if (route.path == "/tasks/{id}") request.path["id"] = task.number;
    if (route.method != "GET" || (route.path != "/tasks" && route.path != "/tasks/{id}")) continue;
    const auto reply = call_as(person_caller(client(1)), [&](runtime::Context& context) { return route.handle(context, request); });
    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_NE(reply->body.find(R"("channelId":")" + channel(1).text() + "\""), std::string::npos) << reply->body;
    ++shown;
  }
  EXPECT_EQ(shown, 2);
}

TEST_F(TaskServiceTest, B_77_WhenATaskWasMadeIsNeverChanged) {
  const v1::Task made = open_request(1);
  add_consultant(1);
  const auto look = [&](const char* after) {
    const v1::Task now = get(made.id);
    EXPECT_EQ(now.created_at, made.created_at) << after;
    EXPECT_EQ(now.reporter.at, made.reporter.at) << after;
    return now;
  };
  harness_->pass(seconds(10));
  ASSERT_EQ(assign(), 1);
  look("assignment");
  ASSERT_TRUE(transition(made.id, "return", person_caller(consultant(1)), "busy"));
  look("return");
  add_consultant(2);
  ASSERT_EQ(assign(), 1);
  ASSERT_TRUE(transition(made.id, "start", person_caller(consultant(2))));
  harness_->pass(seconds(10));
  ASSERT_TRUE(transition(made.id, "solve", person_caller(consultant(2))));
  runtime::Context context = context_of(service_caller());
  ASSERT_TRUE(harness_->write(door(), [&](Transaction& transaction) {
    return service_.apply_feedback(transaction, context, made.id, {v1::FeedbackAnswer::kYes, "thanks", client(1), context.now()});
  }));
  const v1::Task closed = look("feedback");
  EXPECT_GT(closed.updated_at, made.created_at);
  EXPECT_GT(closed.closed_at, made.created_at);
}

// What this service asks another for, to answer a call, ends with that call.
TEST_F(TaskServiceTest, B_71_WhoeverAsksForATaskGivesUpForTheUsersServiceToo) {
  const auto cancellation = std::make_shared<runtime::Cancellation>();
  const Timestamp deadline = harness_->loop().steady_now() + seconds(5);
  const auto ask = [&] {
    return call([&](runtime::Context& context) {
      context.deadline = deadline;
      context.cancellation = cancellation;
      return service_.create_request(context, wish(request(1)));
    });
  };
  EXPECT_TRUE(ask());
  EXPECT_EQ(users_.deadline, deadline);
  EXPECT_EQ(users_.cancellation, cancellation);
  cancellation->request();
  EXPECT_FALSE(ask());
}

TEST_F(TaskServiceTest, AnswersTheSameForTheSameIdempotencyKey) {
  const auto twice = [&] {
    return call([&](runtime::Context& context) {
      context.idempotency_key = "job-7-task";
      return service_.create_request(context, wish(request(1)));
    });
  };
  const auto first = twice();
  const auto second = twice();
  ASSERT_TRUE(first) << first.error().describe();
  ASSERT_TRUE(second) << second.error().describe();
  EXPECT_TRUE(first->created);
  EXPECT_TRUE(second->created);
  EXPECT_EQ(first->task.id, second->task.id);
}

// The job that makes the task may be handed out again days later, when keys are forgotten and the task may be closed.
TEST_F(TaskServiceTest, AnswersTheTaskOfTheSameProcessHoweverLate) {
  const auto again = [&](std::int64_t instance) {
    return call([&](runtime::Context& context) { return service_.create_request(context, wish(request(1), instance)); });
  };
  const auto first = again(7);
  ASSERT_TRUE(first) << first.error().describe();
  EXPECT_TRUE(first->created);
  EXPECT_EQ(first->task.process_instance, 7);
  const auto other = again(8);
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->created) << "another's case";
  EXPECT_EQ(other->task.id, first->task.id);
  harness_->pass(hours(30));
  const auto late = again(7);
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->created) << "the case goes on as its own";
  EXPECT_EQ(late->task.id, first->task.id);
  ASSERT_TRUE(transition(first->task.id, "cancel", service_caller(), "no more needed"));
  const auto closed = again(7);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->task.id, first->task.id) << "closed meanwhile: no second one";
}

TEST_F(TaskServiceTest, B_30_UnknownTypesAndReportersAreRefused) {
  v1::CreateTaskRequest unknown = request(1);
  unknown.type.subtype = "nothing";
  EXPECT_EQ(call([&](runtime::Context& context) { return service_.create_request(context, wish(unknown)); }).error().code,
            "tasks.unknown-type");
  v1::CreateTaskRequest nobody = request(1);
  nobody.reporter_user_id = client(200);
  EXPECT_EQ(call([&](runtime::Context& context) { return service_.create_request(context, wish(nobody)); }).error().code,
            "tasks.unknown-reporter");
  users_.people[client(2)].status = users::v1::UserStatus::kLocked;
  EXPECT_EQ(call([&](runtime::Context& context) { return service_.create_request(context, wish(request(2))); }).error().code,
            "tasks.unknown-reporter");
}

// A task whose type is not known is neither over nor changed by anybody.
TEST_F(TaskServiceTest, B_30_ATaskOfAnUnknownTypeIsAnErrorAndNotFinal) {
  const Uuid task = open_request(1).id;
  break_task(task);
  EXPECT_FALSE(call([&](runtime::Context& context) { return service_.list_transitions(context, {task.text()}); }));
  for (const char* name : {"solve", "cancel", "return", "start"})
    EXPECT_FALSE(transition(task, name, person_caller(id_of(9, 1), {"tasks.read", "tasks.manage"}), "because")) << name;
  EXPECT_EQ(get(task).status, Status::kOpen);
  EXPECT_EQ(get(task).version, 2) << "as it was made and queued";
}

TEST_F(TaskServiceTest, AssignsTheLongestWaitingFirstAndKeepsTheLimit) {
  std::vector<Uuid> tasks;
  for (std::uint8_t i = 1; i <= 8; ++i) {
    tasks.push_back(open_request(i).id);
    harness_->pass(seconds(1));
  }
  EXPECT_EQ(assign(), 0);
  add_consultant(1);
  add_consultant(2);
  EXPECT_EQ(assign(), 6);
  std::map<Uuid, int> load;
  for (std::size_t i = 0; i < 6; ++i) {
    const v1::Task task = get(tasks[i]);
    EXPECT_EQ(task.substatus, Substatus::kAssigned) << i;
    EXPECT_EQ(task.answer_by, task.assignee.at + settings_.answer_within);
    ++load[*task.assignee.user_id];
  }
  EXPECT_EQ(load[consultant(1)], 3);
  EXPECT_EQ(load[consultant(2)], 3);
  const v1::Task waiting = get(tasks[7]);
  EXPECT_FALSE(waiting.answer_by);
  EXPECT_EQ(waiting.waiting->position, 2);
  EXPECT_EQ(waiting.waiting->reason, v1::WaitReason::kAllBusy);
  // A place becomes free: the next in line gets it.
  ASSERT_TRUE(transition(tasks[0], "solve", person_caller(*get(tasks[0]).assignee.user_id)));
  EXPECT_EQ(assign(), 1);
  EXPECT_EQ(get(tasks[6]).substatus, Substatus::kAssigned);
}

TEST_F(TaskServiceTest, ReturnsWhatIsNotAnsweredInTimeAndLeavesThatConsultantOut) {
  const Uuid task = open_request(1).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  harness_->pass(minutes(2) - seconds(1));
  EXPECT_EQ(call([&](runtime::Context& context) { return service_.return_unanswered(context); }).value(), 0);
  harness_->pass(seconds(2));
  EXPECT_EQ(call([&](runtime::Context& context) { return service_.return_unanswered(context); }).value(), 1);
  EXPECT_EQ(assign(), 0);
  add_consultant(2);
  EXPECT_EQ(assign(), 1);
  EXPECT_EQ(get(task).assignee.user_id, consultant(2));
}

TEST_F(TaskServiceTest, TheConsultantComesBackIntoQuestionAfterTenMinutes) {
  const Uuid task = open_request(1).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  ASSERT_TRUE(transition(task, "return", person_caller(consultant(1)), "not my field"));
  EXPECT_EQ(assign(), 0);
  harness_->pass(minutes(10) + seconds(1));
  EXPECT_EQ(assign(), 1);
}

TEST_F(TaskServiceTest, AClockSetBackProlongsNeitherTheTimeToAnswerNorTheExclusion) {
  open_request(1);
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  set_clock(hours(-1));
  EXPECT_EQ(sweep(), 0);
  harness_->pass(minutes(2) - seconds(1));
  EXPECT_EQ(sweep(), 0);
  harness_->pass(seconds(2));
  EXPECT_EQ(sweep(), 1);
  set_clock(hours(-2));
  EXPECT_EQ(sweep(), 0);
  EXPECT_EQ(assign(), 0);
  harness_->pass(minutes(10) + seconds(1));
  EXPECT_EQ(assign(), 1);
}

TEST_F(TaskServiceTest, WhoWaitsSinceBeforeTheClockWasSetBackIsNotOvertaken) {
  std::vector<Uuid> tasks{open_request(1).id, open_request(2).id};
  set_clock(hours(-1));
  for (std::uint8_t i = 3; i <= 4; ++i) tasks.push_back(open_request(i).id);
  for (std::size_t i = 0; i < tasks.size(); ++i) EXPECT_EQ(get(tasks[i]).waiting->position, static_cast<std::int32_t>(i) + 1);
  add_consultant(1);
  EXPECT_EQ(assign(), 3);
  EXPECT_EQ(get(tasks[3]).substatus, Substatus::kOnAssignment);
}

// A task that was closed at a time which is still to come is not the one meant.
TEST_F(TaskServiceTest, AQuestionAfterTheClockWasSetBackIsANewOne) {
  const Uuid task = open_request(1).id;
  ASSERT_TRUE(transition(task, "cancel", person_caller(id_of(9, 1), {"tasks.read", "tasks.manage"}), "asked by telephone"));
  set_clock(hours(-1));
  v1::CreateTaskRequest next = request(1);
  next.reported_at = harness_->loop().now();
  harness_->pass(seconds(1));
  const auto reply = call([&](runtime::Context& context) { return service_.create_request(context, wish(next)); });
  EXPECT_TRUE(reply->created);
}

TEST_F(TaskServiceTest, AnAnswerKeepsTheTask) {
  const Uuid task = open_request(1).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  runtime::Context context = context_of(service_caller());
  auto answered = harness_->write(
      door(), [&](Transaction& transaction) { return service_.apply_answer(transaction, context, consultant(1), channel(1)); });
  ASSERT_TRUE(answered) << answered.error().describe();
  EXPECT_EQ(get(task).substatus, Substatus::kInProgress);
  harness_->pass(minutes(5));
  EXPECT_EQ(call([&](runtime::Context& inner) { return service_.return_unanswered(inner); }).value(), 0);
  // Losing the network later takes nothing from somebody who is at work.
  presence(1, OnlineChange::kGone);
  EXPECT_EQ(get(task).assignee.user_id, consultant(1));
}

TEST_F(TaskServiceTest, GoingOfflineGivesBackWhatIsNotAnswered) {
  const Uuid task = open_request(1).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  presence(1, OnlineChange::kGone);
  EXPECT_EQ(get(task).substatus, Substatus::kOnAssignment);
  EXPECT_EQ(topics().back(), "tasks.v1.queued");
}

TEST_F(TaskServiceTest, APauseKeepsTasksButBringsNoNewOnes) {
  const Uuid first = open_request(1).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  presence(1, OnlineChange::kUnavailable);
  EXPECT_EQ(get(first).substatus, Substatus::kAssigned);
  open_request(2);
  EXPECT_EQ(assign(), 0);
  presence(1, OnlineChange::kOnline);
  EXPECT_EQ(assign(), 1);
}

TEST_F(TaskServiceTest, ShowsATaskToItsPartiesAlone) {
  const v1::Task task = open_request(1);
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  for (const std::string& id : {task.id.text(), task.number}) {
    EXPECT_TRUE(get(id, person_caller(client(1))));
    EXPECT_TRUE(get(id, person_caller(consultant(1))));
    EXPECT_TRUE(get(id, person_caller(client(9), {"tasks.read"})));
    EXPECT_EQ(get(id, person_caller(client(9))).error().code, "tasks.not-found");
  }
  EXPECT_EQ(get("MOI-999999", service_caller()).error().code, "tasks.not-found");
  // Who had it may still look.
  ASSERT_TRUE(transition(task.id, "return", person_caller(consultant(1)), "busy"));
  EXPECT_TRUE(get(task.number, person_caller(consultant(1))));
}

TEST_F(TaskServiceTest, ListsOwnTasksPageByPage) {
  for (std::uint8_t i = 1; i <= 5; ++i) open_request(i);
  v1::ListTasksRequest all;
  all.limit = 2;
  all.count = true;
  std::vector<std::string> seen;
  for (int page = 0; page < 4; ++page) {
    auto reply =
        call_as(person_caller(client(50), {"tasks.read"}), [&](runtime::Context& context) { return service_.list_tasks(context, all); });
    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_EQ(reply->total, 5);
    for (const v1::Task& task : reply->items) seen.push_back(task.number);
    if (!reply->next_cursor) break;
    all.cursor = reply->next_cursor;
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::string>{"MOI-000001", "MOI-000002", "MOI-000003", "MOI-000004", "MOI-000005"}));
  auto own = call_as(person_caller(client(3)), [&](runtime::Context& context) { return service_.list_tasks(context, {}); });
  ASSERT_EQ(own->items.size(), 1u);
  EXPECT_EQ(own->items[0].reporter.user_id, client(3));
  all.cursor = "nonsense";
  EXPECT_EQ(call([&](runtime::Context& context) { return service_.list_tasks(context, all); }).error().code, "tasks.bad-cursor");
}

TEST_F(TaskServiceTest, ST_1_AssignsByHandWithinGroupAndLimit) {
  const v1::Task task = open_request(1);
  add_consultant(1, false);
  const runtime::Caller manager = person_caller(client(50), {"tasks.read", "tasks.manage"});
  const auto give = [&](const Uuid& user, std::int64_t version) {
    v1::SetAssigneeRequest message;
    message.id = task.number;
    message.version = version;
    message.user_id = user;
    return call_as(manager, [&](runtime::Context& context) { return service_.set_assignee(context, message); });
  };
  EXPECT_EQ(give(consultant(1), task.version + 1).error().code, "tasks.stale");
  EXPECT_EQ(give(client(2), task.version).error().code, "tasks.not-in-group");
  const auto given = give(consultant(1), task.version);
  ASSERT_TRUE(given) << given.error().describe();
  EXPECT_EQ(given->assignee.user_id, consultant(1));
  EXPECT_EQ(topics().back(), "tasks.v1.assigned");
  const auto log = call([&](runtime::Context& context) { return service_.list_assignments(context, {}); });
  ASSERT_EQ(log->items.size(), 1u);
  EXPECT_EQ(log->items[0].rule, "by-hand");
  EXPECT_FALSE(log->items[0].choice);
}

// Of a hundred that saw the same version, whatever they wish, one changes the task; the others are told that what they saw is old.
TEST_F(TaskServiceTest, ST_1_OneOfAHundredChangesOfAVersionWins) {
  const v1::Task task = open_request(1);
  const runtime::Caller manager = person_caller(client(50), {"tasks.read", "tasks.manage"});
  std::vector<Task<Result<v1::Task>>> calls;
  std::vector<std::unique_ptr<runtime::Context>> contexts;
  for (std::uint8_t i = 1; i <= 100; ++i) {
    add_consultant(i, false);
    contexts.push_back(std::make_unique<runtime::Context>(context_of(manager)));
    if (i % 2 == 0) {
      v1::SetAssigneeRequest give;
      give.id = task.number;
      give.version = task.version;
      give.user_id = consultant(i);
      calls.push_back(service_.set_assignee(*contexts.back(), give));
    } else {
      v1::MakeTransitionRequest cancel;
      cancel.id = task.number;
      cancel.transition = "cancel";
      cancel.reason = "why";
      cancel.expected_version = task.version;
      calls.push_back(service_.make_transition(*contexts.back(), cancel));
    }
  }
  std::vector<Result<v1::Task>> replies;
  const auto gather = [](std::vector<Task<Result<v1::Task>>>* tasks, std::vector<Result<v1::Task>>* out) -> Task<void> {
    *out = co_await runtime::when_all(std::move(*tasks), 100);
  };
  harness_->run(gather(&calls, &replies));
  std::vector<v1::Task> winners;
  for (const auto& reply : replies) {
    if (reply) {
      winners.push_back(*reply);
    } else {
      EXPECT_EQ(reply.error().code, "tasks.stale");
      EXPECT_EQ(reply.error().kind, ErrorKind::kStale);
    }
  }
  ASSERT_EQ(winners.size(), 1u);
  EXPECT_EQ(winners[0].version, task.version + 1);
  EXPECT_EQ(get(task.id), winners[0]);
  const auto history = call([&](runtime::Context& context) { return service_.get_history(context, {task.id.text()}); });
  EXPECT_EQ(history->items.size(), 3u) << "one row more, for the one change";
}

TEST_F(TaskServiceTest, WhatWasWrittenBeforeTheEndJoinsTheTaskThatHasEnded) {
  add_consultant(1);
  const Uuid task = open_request(1).id;
  ASSERT_EQ(assign(), 1);
  ASSERT_TRUE(transition(task, "start", person_caller(consultant(1))));
  const Timestamp before = harness_->loop().now();
  harness_->pass(seconds(1));
  ASSERT_TRUE(transition(task, "solve", person_caller(consultant(1))));
  harness_->pass(seconds(1));
  const auto found = [&](std::optional<Timestamp> at) {
    return call([&](runtime::Context& context) {
             return service_.find_open(context, v1::FindOpenRequest{channel(1), {"client", "common-request"}, at});
           })
        ->task;
  };
  EXPECT_FALSE(found(std::nullopt));
  EXPECT_FALSE(found(harness_->loop().now()));
  ASSERT_TRUE(found(before));
  EXPECT_EQ(found(before)->id, task);

  v1::CreateTaskRequest late = request(1);
  late.reported_at = before;
  const auto joined = call([&](runtime::Context& context) { return service_.create_request(context, wish(late)); });
  EXPECT_FALSE(joined->created);
  EXPECT_EQ(joined->task.id, task);
  late.reported_at = harness_->loop().now();
  EXPECT_TRUE(call([&](runtime::Context& context) { return service_.create_request(context, wish(late)); })->created);
}

TEST_F(TaskServiceTest, ExplainsEachAssignment) {
  open_request(1);
  add_consultant(1);
  add_consultant(2);
  ASSERT_EQ(assign(), 1);
  const auto log = call([&](runtime::Context& context) { return service_.list_assignments(context, {}); });
  ASSERT_EQ(log->items.size(), 1u);
  EXPECT_EQ(log->items[0].rule, "client-common-request-assignment");
  EXPECT_EQ(log->items[0].candidates, 2);
  ASSERT_TRUE(log->items[0].choice);
  EXPECT_EQ(log->items[0].choice->open_tasks, 0);
  EXPECT_EQ(log->items[0].choice->at_limit, 0);
  EXPECT_EQ(log->items[0].choice->left_out, 0);
  EXPECT_EQ(log->items[0].choice->limit, settings_.limit);
  EXPECT_LE(log->items[0].choice->idle_since, log->items[0].at);
  // Idle passes write nothing.
  EXPECT_EQ(assign(), 0);
  EXPECT_EQ(call([&](runtime::Context& context) { return service_.list_assignments(context, {}); })->items.size(), 1u);
}

TEST_F(TaskServiceTest, B_26_FeedbackIsStoredOnceAndChangesForTenMinutes) {
  const Uuid task = open_request(1).id;
  const auto give = [&](v1::FeedbackAnswer answer, const Uuid& by) {
    runtime::Context context = context_of(service_caller());
    return harness_->write(door(), [&](Transaction& transaction) {
      return service_.apply_feedback(transaction, context, task, {answer, "thanks", by, context.now()});
    });
  };
  EXPECT_FALSE(give(v1::FeedbackAnswer::kNo, client(2)));
  ASSERT_TRUE(give(v1::FeedbackAnswer::kNo, client(1)));
  harness_->pass(minutes(9));
  ASSERT_TRUE(give(v1::FeedbackAnswer::kYes, client(1)));
  harness_->pass(minutes(2));
  ASSERT_TRUE(give(v1::FeedbackAnswer::kPartially, client(1)));
  const auto feedback = call([&](runtime::Context& context) { return service_.get_feedback(context, {task.text()}); });
  ASSERT_TRUE(feedback) << feedback.error().describe();
  EXPECT_EQ(feedback->answer, v1::FeedbackAnswer::kYes);
  const auto all = topics();
  // Told when it was given and when it was changed, not when it came too late.
  EXPECT_EQ(std::count(all.begin(), all.end(), "tasks.v1.feedback-given"), 2);
}

TEST_F(TaskServiceTest, AClientIsNoPartyToTheOfficesTasksAboutThem) {
  v1::CreateTaskRequest about = request(1);
  about.type = {"staff", "escalation"};
  const auto made = call([&](runtime::Context& context) { return service_.create_request(context, wish(about)); });
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_EQ(made->task.number, "ESC-000001");
  EXPECT_EQ(made->task.substatus, Substatus::kReported);
  EXPECT_EQ(get("ESC-000001", person_caller(client(1))).error().code, "tasks.not-found");
  auto own = call_as(person_caller(client(1)), [&](runtime::Context& context) { return service_.list_tasks(context, {}); });
  EXPECT_TRUE(own->items.empty());
}

TEST_F(TaskServiceTest, KeepsTheModelThatATaskStartedWith) {
  const Uuid old_task = open_request(1).id;
  std::string changed = common_;
  const std::string solve = R"("id": "solve", "from": ["assigned", "in-progress"])";
  ASSERT_NE(changed.find(solve), std::string::npos);
  changed.replace(changed.find(solve), solve.size(), R"("id": "solve", "from": ["in-progress"])");
  TaskService next(door(), users_, settings_);
  const std::vector<EmbeddedFile> files{{"client-common-request.json", changed}};
  ASSERT_TRUE(call([&](runtime::Context& context) { return next.load_models(context, files); }));
  add_consultant(1);
  ASSERT_EQ(call([&](runtime::Context& context) { return next.assign_waiting(context); }).value(), 1);
  v1::MakeTransitionRequest message;
  message.id = old_task.text();
  message.transition = "solve";
  EXPECT_TRUE(call_as(person_caller(consultant(1)), [&](runtime::Context& context) { return next.make_transition(context, message); }));
}

// Random people come, go, ask, return and solve; after each step the invariants of DOMAIN §17 hold.
class TaskServiceRandom : public TaskServiceTest, public ::testing::WithParamInterface<std::uint64_t> {};

TEST_P(TaskServiceRandom, KeepsItsInvariants) {
  SCOPED_TRACE("replay: services_tasks_test --gtest_filter='*KeepsItsInvariants/" + std::to_string(GetParam()) + "'");
  SeededRandom random(GetParam());
  for (std::uint8_t i = 1; i <= 4; ++i) add_consultant(i, random.below(2) == 0);
  for (int step = 0; step < 120; ++step) {
    const auto number = static_cast<std::uint8_t>(1 + random.below(12));
    const auto who = static_cast<std::uint8_t>(1 + random.below(4));
    v1::ListTasksRequest open;
    open.status = Status::kOpen;
    open.limit = 200;
    const auto tasks = call([&](runtime::Context& context) { return service_.list_tasks(context, open); });
    switch (random.below(7)) {
      case 0: open_request(number); break;
      case 1: presence(who, random.below(2) == 0 ? OnlineChange::kOnline : OnlineChange::kGone); break;
      case 2: presence(who, OnlineChange::kUnavailable); break;
      case 3: harness_->pass(seconds(static_cast<std::int64_t>(random.below(90)))); break;
      case 4: ASSERT_TRUE(call([&](runtime::Context& context) { return service_.return_unanswered(context); })); break;
      default:
        if (tasks->items.empty()) break;
        const v1::Task& task = tasks->items[random.below(tasks->items.size())];
        const char* const names[] = {"start", "solve", "return"};
        // Anybody tries; only the assignee may.
        const auto made = transition(task.id, names[random.below(3)], person_caller(consultant(who), {}), "random");
        if (made) {
          EXPECT_EQ(task.assignee.user_id, consultant(who));
        }
    }
    assign();
    open.status.reset();
    const auto now = call([&](runtime::Context& context) { return service_.list_tasks(context, open); });
    std::map<Uuid, int> held;
    std::set<Uuid> asking;
    for (const v1::Task& task : now->items) {
      const bool is_open = task.status == Status::kOpen;
      if (is_open) {
        EXPECT_TRUE(asking.insert(task.reporter.user_id).second) << "two open requests of one client";
        EXPECT_EQ(task.assignee.user_id.has_value(), has_person(task.substatus));
      }
      if (is_open && task.assignee.user_id) ++held[*task.assignee.user_id];
      const auto history = call([&](runtime::Context& context) { return service_.get_history(context, {task.id.text()}); });
      ASSERT_FALSE(history->items.empty());
      EXPECT_EQ(history->items.front().substatus, task.substatus);
    }
    for (const auto& [user, count] : held) EXPECT_LE(count, settings_.limit);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TaskServiceRandom, ::testing::Range<std::uint64_t>(0, 12));

// ---- one bad task

TEST_F(TaskServiceTest, B_40_ATaskThatCannotBeAssignedHoldsNobodyUp) {
  const Uuid bad = open_request(1).id;
  const Uuid good = open_request(2).id;
  break_task(bad);
  add_consultant(1);
  EXPECT_EQ(assign(), 1);
  EXPECT_EQ(get(good).assignee.user_id, consultant(1));
  EXPECT_FALSE(get(bad).assignee.user_id);
}

TEST_F(TaskServiceTest, M_1_OpenTasksAreCountedByGroupAndStatus) {
  open_request(1);
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  open_request(2);
  open_request(3);
  const auto figures = call([&](runtime::Context& context) { return service_.queue_figures(context); });
  ASSERT_TRUE(figures);
  std::map<std::string, std::int64_t> counts;
  for (const StatusCount& one : figures->open) counts[one.group + " " + std::string(v1::text_of(one.substatus))] = one.tasks;
  EXPECT_EQ(counts, (std::map<std::string, std::int64_t>{{"consultant assigned", 1}, {"consultant on-assignment", 2}}));
}

TEST_F(TaskServiceTest, B_40_ATaskThatCannotBeChangedIsLoggedOnceAndCounted) {
  const auto sink = std::make_shared<runtime::MemorySink>(runtime::LogFormat::kJson);
  runtime::Log log({.synchronous = true}, {sink});
  TaskService service(door(), users_, settings_, runtime::Logger(log, "tasks", "test"));
  const v1::Task bad = open_request(1);
  break_task(bad.id);
  add_consultant(1);
  for (int pass = 1; pass <= 3; ++pass) {
    EXPECT_EQ(call([&](runtime::Context& context) { return service.assign_waiting(context); }), 0);
    EXPECT_EQ(call([&](runtime::Context& context) { return service.queue_figures(context); })->failures, pass);
  }
  ASSERT_EQ(sink->lines().size(), 1u) << "not in each pass";
  const std::string line = sink->lines().front();
  EXPECT_NE(line.find(R"("level":"error")"), std::string::npos) << line;
  EXPECT_NE(line.find(bad.number), std::string::npos) << line;
  EXPECT_NE(line.find(R"("errorCode")"), std::string::npos) << line;
}

TEST_F(TaskServiceTest, B_40_ATaskThatCannotBeReturnedHoldsNobodyUp) {
  const Uuid bad = open_request(1).id;
  const Uuid good = open_request(2).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 2);
  break_task(bad);
  harness_->pass(minutes(2));
  EXPECT_EQ(sweep(), 2);
  EXPECT_EQ(get(good).substatus, Substatus::kOnAssignment);
  EXPECT_EQ(get(bad).substatus, Substatus::kAssigned);
  EXPECT_EQ(sweep(), 0) << "it is put off, else the loop would look at it without a pause";
  harness_->pass(minutes(2));
  EXPECT_EQ(sweep(), 1);
}

TEST_F(TaskServiceTest, B_40_ATaskThatCannotBeTakenAwayKeepsNoOther) {
  const Uuid bad = open_request(1).id;
  const Uuid good = open_request(2).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 2);
  break_task(bad);
  presence(1, OnlineChange::kGone);
  EXPECT_EQ(get(good).substatus, Substatus::kOnAssignment);
  EXPECT_EQ(get(bad).substatus, Substatus::kAssigned);
}

TEST_F(TaskServiceTest, WhoStandsBehindManyThatNobodyFreeMayHaveIsServed) {
  TaskService looks_at_four(door(), users_, {.batch = 4});
  const std::vector<EmbeddedFile> files{{"client-common-request.json", common_}};
  ASSERT_TRUE(call([&](runtime::Context& context) { return looks_at_four.load_models(context, files); }));
  add_consultant(1);
  std::vector<Uuid> refused;
  for (std::uint8_t i = 1; i <= 9; ++i) {
    refused.push_back(open_request(i).id);
    ASSERT_EQ(assign(), 1);
    ASSERT_TRUE(transition(refused.back(), "return", person_caller(consultant(1)), "not my field"));
  }
  const Uuid last = open_request(10).id;
  EXPECT_EQ(call([&](runtime::Context& context) { return looks_at_four.assign_waiting(context); }), 1);
  EXPECT_EQ(get(last).assignee.user_id, consultant(1));
}

// ---- who is left out, and what is told of it

TEST_F(TaskServiceTest, OnlyWhoGaveATaskBackIsLeftOutOfIt) {
  const Uuid task = open_request(1).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  presence(1, OnlineChange::kGone);
  presence(1, OnlineChange::kOnline);
  EXPECT_EQ(assign(), 1) << "the network was lost, not the will";
  ASSERT_TRUE(transition(task, "return", person_caller(id_of(9, 1), {"tasks.read", "tasks.manage"}), "somebody else knows her"));
  EXPECT_EQ(assign(), 1) << "the supervisor took it, and could give it to a person of their choice";
  ASSERT_TRUE(transition(task, "return", person_caller(consultant(1)), "not my field"));
  EXPECT_EQ(assign(), 0);
}

TEST_F(TaskServiceTest, TellsThatWhoIsFreeIsLeftOut) {
  const Uuid task = open_request(1).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  ASSERT_TRUE(transition(task, "return", person_caller(consultant(1)), "not my field"));
  EXPECT_EQ(get(task).waiting->reason, v1::WaitReason::kLeftOut);
  const auto places = call([&](runtime::Context& context) { return service_.queue_places(context); });
  EXPECT_EQ(places->at(0).reason, v1::WaitReason::kLeftOut);
  add_consultant(2);
  EXPECT_EQ(get(task).waiting->reason, v1::WaitReason::kAssigning);
}

TEST_F(TaskServiceTest, B_35_WhoLeavesAGroupGivesItsTasksBack) {
  const Uuid begun = open_request(1).id;
  const Uuid assigned = open_request(2).id;
  add_consultant(1);
  ASSERT_EQ(assign(), 2);
  ASSERT_TRUE(transition(begun, "start", person_caller(consultant(1))));
  person(1, {"consultant", "doctor-orthopedist"});
  EXPECT_EQ(get(begun).substatus, Substatus::kInProgress);
  EXPECT_EQ(get(assigned).substatus, Substatus::kAssigned);
  person(1, {"doctor-orthopedist"});
  EXPECT_EQ(get(begun).substatus, Substatus::kOnAssignment);
  EXPECT_EQ(get(assigned).substatus, Substatus::kOnAssignment);
  EXPECT_EQ(assign(), 0);
}

// ---- the group

TEST_F(TaskServiceTest, B_35_B_37_TheGroupIsTheOneOfTheType) {
  const v1::Task task = open_request(1);
  person(1, {"doctor-orthopedist", "consultant"});
  person(2, {"doctor-orthopedist"});
  const runtime::Caller manager = person_caller(id_of(9, 1), {"tasks.read", "tasks.manage"});
  const auto set = [&](std::optional<Uuid> user, std::optional<std::string> group) {
    v1::SetAssigneeRequest message;
    message.id = task.number;
    message.version = get(task.id).version;
    message.user_id = user;
    message.group = std::move(group);
    return call_as(manager, [&](runtime::Context& context) { return service_.set_assignee(context, message); });
  };
  const auto given = set(consultant(1), {});
  ASSERT_TRUE(given) << given.error().describe();
  EXPECT_EQ(given->assignee.user_id, consultant(1));
  EXPECT_EQ(given->assignee.group, "consultant") << "not the first one of the person's groups, nor a type of people";
  const std::int64_t version = given->version;
  EXPECT_EQ(set(consultant(2), {}).error().code, "tasks.not-in-group");
  EXPECT_EQ(set(consultant(1), "doctor-orthopedist").error().code, "tasks.not-in-group");
  EXPECT_EQ(set({}, "doctor-orthopedist").error().code, "tasks.not-in-group");
  EXPECT_EQ(set({}, "client").error().code, "tasks.not-in-group");
  EXPECT_EQ(get(task.id).version, version) << "what was refused changed nothing";
  const auto back = set({}, "consultant");
  ASSERT_TRUE(back) << back.error().describe();
  EXPECT_FALSE(back->assignee.user_id) << "a group alone has no person";
  EXPECT_EQ(back->assignee.group, "consultant");
  EXPECT_EQ(back->substatus, Substatus::kOnAssignment);
}

// ---- what is told

// With the status that the shipped types do without.
constexpr const char* kWithHold = R"({
  "type": "client", "subtype": "with-hold", "numberPrefix": "HLD", "group": "consultant", "oneOpenPerChannel": true,
  "transitions": [
    {"id": "report", "from": [], "to": "reported", "by": ["service"], "initial": true},
    {"id": "assign", "from": ["reported", "on-assignment"], "to": "assigned", "by": ["service", "manager"], "needsPerson": true},
    {"id": "start", "from": ["assigned", "on-hold"], "to": "in-progress", "by": ["assignee"]},
    {"id": "hold", "from": ["in-progress"], "to": "on-hold", "by": ["assignee"]},
    {"id": "return", "from": ["in-progress", "on-hold"], "to": "on-assignment", "by": ["service", "manager"]},
    {"id": "solve", "from": ["in-progress"], "to": "solved", "by": ["assignee"]},
    {"id": "cancel", "from": ["on-hold"], "to": "cancelled", "by": ["manager"], "needsReason": true}
  ]})";

// Walks tasks through a model by the calls that people and services make.
class TaskModels : public TaskServiceTest {
 protected:
  TaskModels() {
    const std::vector<EmbeddedFile> files{
        {"client-common-request.json", common_}, {"staff-escalation.json", escalation_}, {"with-hold.json", kWithHold}};
    EXPECT_TRUE(call([&](runtime::Context& context) { return walker_.load_models(context, files); }));
    for (std::uint8_t i = 1; i <= 2; ++i) {
      add_consultant(i);
      person(i, {"consultant", "supervisor"});
    }
  }

  v1::Task begin(const TaskModel& model) {
    v1::CreateTaskRequest wanted = request(1);
    wanted.type = {model.type, model.subtype};
    wanted.channel_id = context_of(service_caller()).new_id();
    return call([&](runtime::Context& context) { return walker_.create_task(context, wanted); }).value();
  }
  runtime::Caller maker_of(const TransitionRule& rule, const v1::Task& task) const {
    if (rule.allows(Actor::kAssignee) && task.assignee.user_id) return person_caller(*task.assignee.user_id);
    if (rule.allows(Actor::kManager)) return person_caller(consultant(1), {"tasks.read", "tasks.manage"});
    return service_caller();
  }
  Result<v1::Task> make(const TransitionRule& rule, const v1::Task& task) {
    if (rule.needs_person) {
      v1::SetAssigneeRequest message;
      message.id = task.number;
      message.version = task.version;
      message.user_id = task.assignee.user_id == consultant(1) ? consultant(2) : consultant(1);
      return call_as(maker_of(rule, task), [&](runtime::Context& context) { return walker_.set_assignee(context, message); });
    }
    v1::MakeTransitionRequest message;
    message.id = task.number;
    message.transition = rule.id;
    message.reason = "because";
    return call_as(maker_of(rule, task), [&](runtime::Context& context) { return walker_.make_transition(context, message); });
  }
  // A new task in this status, on the shortest way.
  std::optional<v1::Task> task_in(const TaskModel& model, Substatus status) {
    std::map<Substatus, std::vector<const TransitionRule*>> ways{{model.initial().to, {}}};
    std::vector<Substatus> reached{model.initial().to};
    for (std::size_t i = 0; i < reached.size(); ++i) {
      for (const TransitionRule* rule : model.leaving(reached[i])) {
        if (ways.contains(rule->to)) continue;
        ways[rule->to] = ways[reached[i]];
        ways[rule->to].push_back(rule);
        reached.push_back(rule->to);
      }
    }
    if (!ways.contains(status)) return std::nullopt;
    v1::Task task = begin(model);
    for (const TransitionRule* rule : ways[status]) {
      auto next = make(*rule, task);
      EXPECT_TRUE(next) << rule->id << ": " << next.error().describe();
      if (!next) return std::nullopt;
      task = *next;
    }
    return task;
  }
  std::vector<TaskModel> models() const {
    std::vector<TaskModel> all;
    for (const std::string_view json : {std::string_view(common_), std::string_view(escalation_), std::string_view(kWithHold)}) {
      auto model = parse_model(json);
      EXPECT_TRUE(model) << model.error().describe();
      all.push_back(std::move(*model));
    }
    return all;
  }

  TaskService walker_{door(), users_, {.limit = 1000}};
};

// B-31: given by hand; B-32: cancelled. Whoever waits for a task hears of each status that it comes to, once, and in what order.
TEST_F(TaskModels, B_31_B_32_EachTransitionIsToldOnce) {
  const std::map<Substatus, std::string> told{{Substatus::kReported, "tasks.v1.created"},   {Substatus::kOnAssignment, "tasks.v1.queued"},
                                              {Substatus::kAssigned, "tasks.v1.assigned"},  {Substatus::kInProgress, "tasks.v1.started"},
                                              {Substatus::kOnHold, "tasks.v1.held"},        {Substatus::kSolved, "tasks.v1.solved"},
                                              {Substatus::kCancelled, "tasks.v1.cancelled"}};
  std::set<Substatus> met;
  for (const TaskModel& model : models()) {
    for (const TransitionRule& rule : model.transitions) {
      for (const Substatus from : rule.from) {
        SCOPED_TRACE(model.subtype + " " + rule.id + " from " + std::string(text_of(from)));
        const auto task = task_in(model, from);
        ASSERT_TRUE(task);
        const std::size_t before = topics().size();
        const auto made = make(rule, *task);
        ASSERT_TRUE(made) << made.error().describe();
        EXPECT_EQ(made->substatus, rule.to);
        const auto all = topics();
        EXPECT_EQ(std::vector<std::string>(all.begin() + static_cast<std::ptrdiff_t>(before), all.end()),
                  std::vector<std::string>{told.at(rule.to)});
        met.insert(rule.to);
      }
    }
  }
  EXPECT_EQ(met.size(), told.size() - 1) << "all but the first one of each task";
}

TEST_F(TaskModels, B_33_WhatIsOnHoldGoesOnOrEndsAndIsNobodysForEver) {
  const TaskModel model = models().back();
  for (const char* name : {"start", "cancel", "return"}) {
    const auto held = task_in(model, Substatus::kOnHold);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->status, Status::kOpen) << "no status of an open task is final";
    EXPECT_TRUE(make(*model.find(name), *held)) << name;
  }
  // Its person is locked, or leaves the group: others get it.
  const auto left = [&](const std::function<Result<void>(Transaction&, const runtime::Context&)>& leave) {
    const auto held = task_in(model, Substatus::kOnHold);
    ASSERT_TRUE(held);
    EXPECT_TRUE(held->assignee.user_id);
    runtime::Context context = context_of(service_caller());
    ASSERT_TRUE(harness_->write(door(), [&](Transaction& transaction) { return leave(transaction, context); }));
    EXPECT_EQ(get(held->id).substatus, Substatus::kOnAssignment);
    EXPECT_FALSE(get(held->id).assignee.user_id);
  };
  left([&](Transaction& transaction, const runtime::Context& context) {
    return walker_.apply_person(transaction, context, {consultant(1), "Consultant", true, true, context.now(), {"supervisor"}});
  });
  person(1, {"consultant"});
  left([&](Transaction& transaction, const runtime::Context& context) { return walker_.apply_left(transaction, context, consultant(1)); });
}

// ---- escalations

TEST_F(TaskServiceTest, AnEscalationEndsWhenSomebodyHasTheCase) {
  const Uuid task = open_case(1, 71).id;
  const v1::Task called = escalate(1, 71);
  EXPECT_EQ(escalate(1, 71).id, called.id) << "asked again for the same case";
  EXPECT_EQ(called.status, Status::kOpen);
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  EXPECT_EQ(get(called.id).substatus, Substatus::kSolved);
  ASSERT_TRUE(transition(task, "return", person_caller(consultant(1)), "not my field"));
  const v1::Task again = escalate(1, 71);
  EXPECT_NE(again.id, called.id) << "the case waits again, and they are called again";
  ASSERT_TRUE(transition(task, "cancel", person_caller(id_of(9, 1), {"tasks.read", "tasks.manage"}), "asked by telephone"));
  EXPECT_EQ(get(again.id).substatus, Substatus::kSolved);
}

TEST_F(TaskServiceTest, ACallThatComesTooLateIsOverAtOnce) {
  open_case(1, 71);
  add_consultant(1);
  ASSERT_EQ(assign(), 1);
  EXPECT_EQ(escalate(1, 71).substatus, Substatus::kSolved);
}

TEST_F(TaskServiceTest, ALaterCaseOfTheSameChannelCallsAnew) {
  const Uuid first = open_case(1, 71).id;
  const v1::Task called = escalate(1, 71);
  ASSERT_TRUE(transition(called.id, "start", person_caller(id_of(9, 1), {"tasks.read", "tasks.manage"})));
  ASSERT_TRUE(transition(first, "cancel", person_caller(id_of(9, 1), {"tasks.read", "tasks.manage"}), "asked by telephone"));
  open_case(1, 72);
  const v1::Task later = escalate(1, 72);
  EXPECT_NE(later.id, called.id);
  EXPECT_EQ(later.status, Status::kOpen);
}

// ---- what people begin

TEST_F(TaskServiceTest, PeopleBeginOnlyWhatNoProcessBegins) {
  const auto make = [&](v1::TaskType type) {
    v1::CreateTaskRequest wanted = request(1);
    wanted.type = std::move(type);
    return call_as(person_caller(id_of(9, 1), {"tasks.create", "tasks.manage"}),
                   [&](runtime::Context& context) { return service_.create_task(context, wanted); });
  };
  const auto refused = make({"client", "common-request"});
  ASSERT_FALSE(refused) << "it would be a case that nothing carries on";
  EXPECT_EQ(refused.error().code, "tasks.made-by-process");
  EXPECT_EQ(refused.error().fields.at(0).name, "type");
  EXPECT_TRUE(topics().empty());
  EXPECT_TRUE(make({"staff", "escalation"}));
}

}  // namespace
}  // namespace consilium::tasks

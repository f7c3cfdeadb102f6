#include "services/tasks/model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "services/tasks/task.h"

namespace consilium::tasks {
namespace {

std::string shipped(const std::string& name) {
  std::ifstream file(std::filesystem::path(CONSILIUM_SOURCE_DIR) / "src/services/tasks/task_types" / name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TaskModel common_request() {
  auto model = parse_model(shipped("client-common-request.json"));
  EXPECT_TRUE(model) << model.error().describe();
  return std::move(*model);
}

TEST(TaskModel, ShippedOnesAreValid) {
  EXPECT_EQ(common_request().number_prefix, "MOI");
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(CONSILIUM_SOURCE_DIR) / "src/services/tasks/task_types")) {
    const auto model = parse_model(shipped(entry.path().filename().string()));
    EXPECT_TRUE(model) << entry.path().filename() << ": " << (model ? "" : model.error().describe());
    ++count;
  }
  EXPECT_GE(count, 2U);
}

// Wraps transitions into an otherwise valid model.
std::string model_with(const std::string& transitions, const std::string& more = "") {
  return R"({"type":"a","subtype":"b","numberPrefix":"P","group":"g",)" + more + R"("transitions":[)" + transitions + "]}";
}
constexpr const char* kStart = R"({"id":"report","from":[],"to":"reported","by":["service"],"initial":true})";
constexpr const char* kEnd = R"({"id":"solve","from":["reported"],"to":"solved","by":["service"]})";

TEST(TaskModel, RefusesInvalidOnesWithTheReason) {
  const std::string start = kStart;
  const std::string end = kEnd;
  struct Case {
    std::string json;
    std::string code;
  };
  const std::vector<Case> cases{
      {"[]", "malformed"},
      {"{", "malformed"},
      {R"({"type":"a"})", "required"},
      {model_with(start + "," + end, R"("more":1,)"), "unknown-member"},
      {model_with(""), "required"},
      {model_with(start + "," + R"({"id":"solve","from":["nowhere"],"to":"solved","by":["service"]})"), "unknown-value"},
      {model_with(start + "," + R"({"id":"solve","from":["reported"],"to":"solved","by":["anybody"]})"), "unknown-value"},
      {model_with(start + "," + R"({"id":"solve","from":["reported"],"to":"solved","by":[]})"), "required"},
      {model_with(start + "," + end + "," + end), "duplicate"},
      {model_with(end), "one-initial"},
      {model_with(start + "," + R"({"id":"again","from":[],"to":"reported","by":["service"],"initial":true})" + "," + end), "one-initial"},
      {model_with(start + "," + end + "," + R"({"id":"hold","from":["reported"],"to":"on-hold","by":["service"]})"), "trap"},
      {model_with(start + "," + end + "," + R"({"id":"start","from":["assigned"],"to":"solved","by":["service"]})"), "unreachable"},
      {model_with(start + "," + end + "," + R"({"id":"reopen","from":["solved"],"to":"reported","by":["service"]})"), "closed-not-final"},
      {model_with(start + "," + end, R"("assignment":{"rule":"r","order":"longest-waiting","strategy":"least-loaded"},)"), "no-assign"},
      {model_with(start + "," + end, R"("assignment":{"rule":"r","order":"any","strategy":"least-loaded"},)"), "unknown-value"},
      {model_with(start + "," + R"({"id":"solve","from":["reported"],"to":"solved","by":["service"],"initial":true})"), "wrong-start"},
  };
  for (const Case& one : cases) {
    const auto model = parse_model(one.json);
    ASSERT_FALSE(model) << one.json;
    EXPECT_EQ(model.error().code, "tasks.invalid-model");
    bool found = false;
    for (const FieldError& field : model.error().fields) found = found || field.code == one.code;
    EXPECT_TRUE(found) << one.code << " in " << model.error().describe();
  }
}

// A status that can be entered can be left for a closed one: one that cannot is a trap, however many steps later.
TEST(TaskModel, B_33_TrapsAreRefused) {
  const std::string to_hold = R"({"id":"hold","from":["reported"],"to":"on-hold","by":["service"]})";
  const std::string back = R"({"id":"resume","from":["on-hold"],"to":"reported","by":["service"]})";
  const std::string cancel = R"({"id":"cancel","from":["on-hold"],"to":"cancelled","by":["service"]})";
  const std::string on = R"({"id":"on","from":["on-hold"],"to":"assigned","by":["service"]})";
  const std::string again = R"({"id":"again","from":["assigned"],"to":"on-hold","by":["service"]})";
  const std::string rest = std::string(kStart) + "," + kEnd + "," + to_hold;
  const auto findings = [](const std::string& json) {
    std::vector<std::string> codes;
    const auto model = parse_model(json);
    if (model) return codes;
    for (const FieldError& field : model.error().fields) codes.push_back(field.code);
    return codes;
  };
  using Codes = std::vector<std::string>;
  EXPECT_EQ(findings(model_with(rest)), Codes{"trap"});
  EXPECT_EQ(findings(model_with(rest + "," + on + "," + again)), (Codes{"trap", "trap", "trap"})) << "a circle is a trap, too";
  EXPECT_EQ(findings(model_with(rest + "," + back)), Codes{});
  EXPECT_EQ(findings(model_with(rest + "," + cancel)), Codes{});
}

// The shipped ones, by looking at each status anew.
TEST(TaskModel, B_33_EveryOpenStatusOfTheShippedOnesCanEnd) {
  for (const char* name : {"client-common-request.json", "staff-escalation.json"}) {
    const auto model = parse_model(shipped(name));
    ASSERT_TRUE(model);
    for (const TransitionRule& rule : model->transitions) {
      std::set<Substatus> seen{rule.to};
      std::vector<Substatus> ahead{rule.to};
      bool ends = false;
      while (!ahead.empty()) {
        const Substatus here = ahead.back();
        ahead.pop_back();
        ends = ends || status_of(here) == Status::kClosed;
        for (const TransitionRule* next : model->leaving(here)) {
          if (seen.insert(next->to).second) ahead.push_back(next->to);
        }
      }
      EXPECT_TRUE(ends) << name << " " << rule.id;
    }
  }
}

Uuid person(std::uint8_t last) {
  Uuid id;
  id.bytes[15] = last;
  return id;
}

TaskRecord task_in(Substatus substatus) {
  TaskRecord task;
  task.substatus = substatus;
  task.group = "consultant";
  if (has_person(substatus)) task.assignee_user_id = person(1);
  return task;
}

constexpr TransitionTimes kTimes{Timestamp{1'000'000}, minutes(2)};

TEST(Transition, FollowsTheModelAndNothingElse) {
  const TaskModel model = common_request();
  const Maker service{true, false, std::nullopt, "tests"};
  for (const Substatus from : {Substatus::kReported, Substatus::kOnAssignment, Substatus::kAssigned, Substatus::kInProgress,
                               Substatus::kCancelled, Substatus::kSolved}) {
    for (const TransitionRule& rule : model.transitions) {
      TaskRecord task = task_in(from);
      const TaskRecord before = task;
      const Maker maker = rule.allows(Actor::kService) ? service : Maker{false, true, person(9), "user"};
      const auto made = make_transition(model, task, {rule.id, person(2), "Dora", "because"}, maker, kTimes);
      const bool legal = !rule.initial && rule.leaves(from);
      ASSERT_EQ(made.has_value(), legal) << rule.id;
      if (!legal) {
        EXPECT_EQ(made.error().code, "tasks.illegal-transition");
        EXPECT_EQ(task.version, before.version);
        continue;
      }
      EXPECT_EQ(task.substatus, rule.to);
      EXPECT_EQ(task.version, before.version + 1);
      EXPECT_EQ(made->substatus, task.substatus);
      // Invariant 3: who works on it is known exactly while somebody does.
      if (status_of(task.substatus) == Status::kOpen) {
        EXPECT_EQ(task.assignee_user_id.has_value(), has_person(task.substatus)) << rule.id;
      }
      EXPECT_EQ(task.queued_at.has_value(), task.substatus == Substatus::kOnAssignment);
      EXPECT_EQ(task.answer_due_at.has_value(), task.substatus == Substatus::kAssigned);
      EXPECT_EQ(task.closed_at.has_value(), task.status() == Status::kClosed);
    }
  }
}

TEST(Transition, AsksWhoMakesIt) {
  const TaskModel model = common_request();
  const auto attempt = [&](std::string transition, const Maker& maker) {
    TaskRecord task = task_in(Substatus::kAssigned);
    return make_transition(model, task, {std::move(transition), std::nullopt, "", "because"}, maker, kTimes);
  };
  const Maker assignee{false, false, person(1), "user"};
  const Maker other{false, false, person(2), "user"};
  EXPECT_TRUE(attempt("solve", assignee));
  EXPECT_EQ(attempt("solve", other).error().code, "tasks.not-yours");
  EXPECT_EQ(attempt("cancel", assignee).error().code, "tasks.not-yours");
  EXPECT_TRUE(attempt("solve", Maker{false, true, person(3), "user"}));
}

TEST(Transition, WantsAReasonWhereTheModelDoes) {
  const TaskModel model = common_request();
  TaskRecord task = task_in(Substatus::kAssigned);
  const auto made = make_transition(model, task, {"return", std::nullopt, "", std::nullopt}, {false, false, person(1), "user"}, kTimes);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "tasks.reason-required");
  ASSERT_EQ(made.error().fields.size(), 1u);
  EXPECT_EQ(made.error().fields[0].name, "reason");
}

TEST(Transition, OffersWhatTheMakerMayDo) {
  const TaskModel model = common_request();
  std::vector<std::string> offered;
  for (const TransitionRule* rule : available_transitions(model, task_in(Substatus::kAssigned), {false, false, person(1), "user"}))
    offered.push_back(rule->id);
  EXPECT_EQ(offered, (std::vector<std::string>{"start", "return", "solve"}));
}

TEST(Assignment, TakesTheLeastLoadedThenTheLongestIdleThenTheSmallestId) {
  std::vector<Candidate> candidates{
      {person(3), "c", 1, {50}}, {person(2), "b", 0, {20}}, {person(1), "a", 0, {20}}, {person(4), "d", 0, {30}}};
  EXPECT_EQ(choose_candidate(candidates, 3, {})->user_id, person(1));
  EXPECT_EQ(choose_candidate(candidates, 3, {person(1)})->user_id, person(2));
  EXPECT_EQ(choose_candidate(candidates, 3, {person(1), person(2)})->user_id, person(4));
  EXPECT_EQ(choose_candidate(candidates, 3, {person(1), person(2), person(4)})->user_id, person(3));
  EXPECT_EQ(choose_candidate(candidates, 1, {person(1), person(2), person(4)}), nullptr);
  EXPECT_EQ(choose_candidate({}, 3, {}), nullptr);
}

TEST(Number, HasSixDigitsAndGrowsBeyond) {
  EXPECT_EQ(format_number("MOI", 123), "MOI-000123");
  EXPECT_EQ(format_number("MOI", 1234567), "MOI-1234567");
}

}  // namespace
}  // namespace consilium::tasks

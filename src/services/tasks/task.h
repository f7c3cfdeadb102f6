// A task and what may happen to it: pure rules over values, no clock, no storage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "services/tasks/model.h"

namespace consilium::tasks {

// Tasks of this type are the office's own: the client whom one is about is not a party to it.
inline constexpr std::string_view kStaffTask = "staff";
// Nobody took a case for long: its supervisors are called.
inline constexpr std::string_view kEscalation = "escalation";

struct Feedback {
  v1::FeedbackAnswer answer = v1::FeedbackAnswer::kUnspecified;
  std::optional<std::string> text;
  Uuid user_id;
  Timestamp at;
};

// As stored. Texts are personal: they never reach logs or errors.
struct TaskRecord {
  Uuid id;
  std::string number;
  std::string type;
  std::string subtype;
  std::int64_t model_version = 0;  // a running task keeps the model that it started with
  Substatus substatus = Substatus::kUnspecified;
  Uuid reporter_user_id;
  std::string reporter_name;
  Timestamp reported_at;
  std::string group;
  std::optional<Uuid> assignee_user_id;
  std::string assignee_name;
  Timestamp assignee_at;
  std::optional<Uuid> channel_id;
  std::string title;
  std::string description;
  std::optional<std::string> details;  // JSON
  std::optional<Feedback> feedback;
  std::optional<Timestamp> queued_at;      // while it waits for a consultant
  std::optional<Timestamp> answer_due_at;  // while it is assigned and not answered
  std::optional<std::int64_t> process_instance;
  Timestamp created_at;
  Timestamp updated_at;
  std::optional<Timestamp> closed_at;
  std::int64_t version = 1;

  Status status() const { return status_of(substatus); }
};

struct HistoryRecord {
  Uuid task_id;
  Timestamp at;
  Substatus substatus = Substatus::kUnspecified;
  std::string group;
  std::optional<Uuid> user_id;
  std::optional<Uuid> changed_by_user_id;
  std::string changed_by;
  std::string transition;
  std::optional<std::string> reason;
};

// Who makes a transition.
struct Maker {
  bool is_service = false;
  bool is_manager = false;
  std::optional<Uuid> user_id;
  std::string name;  // service name, or `user`
};

// What a transition is made with.
struct TransitionOrder {
  std::string transition;
  std::optional<Uuid> person;  // the new assignee, where the transition needs one
  std::string person_name;
  std::optional<std::string> reason;
};

struct TransitionTimes {
  Timestamp now;
  Duration answer_within;  // an assigned task not answered by then goes back
};

// `assignee`: of the task, which has none yet when it is begun.
bool may_make(const TransitionRule& rule, const Maker& maker, const std::optional<Uuid>& assignee);

// Applies the order to the task, or says why not: `tasks.illegal-transition`, `tasks.not-yours`, `tasks.reason-required`.
// Returns the history row that goes with the change.
Result<HistoryRecord> make_transition(const TaskModel& model, TaskRecord& task, const TransitionOrder& order, const Maker& maker,
                                      TransitionTimes times);

// The transitions that this maker could make now.
std::vector<const TransitionRule*> available_transitions(const TaskModel& model, const TaskRecord& task, const Maker& maker);

// `MOI-000123`.
std::string format_number(std::string_view prefix, std::int64_t sequence);

// A consultant as the assignment sees them.
struct Candidate {
  Uuid user_id;
  std::string display_name;
  std::int64_t open_tasks = 0;
  Timestamp idle_since;  // when the last task ended, or when they came online
};

// How the chosen one stood among the others.
struct Choice {
  std::int64_t open_tasks = 0;
  Timestamp idle_since;
  std::int64_t at_limit = 0;
  std::int64_t left_out = 0;
  std::int64_t limit = 0;
};

// Fewest open tasks, then longest idle, then id; those at the limit are left out. Nullptr: nobody.
const Candidate* choose_candidate(const std::vector<Candidate>& candidates, std::int64_t limit, const std::vector<Uuid>& excluded);

}  // namespace consilium::tasks

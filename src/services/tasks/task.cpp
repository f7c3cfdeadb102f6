#include "services/tasks/task.h"

#include <algorithm>
#include <tuple>

namespace consilium::tasks {
namespace {

// What the new status means for the person and the clocks of the task.
void enter_status(TaskRecord& task, const TransitionRule& rule, const TransitionOrder& order, const Maker& maker, TransitionTimes times) {
  const Substatus before = task.substatus;
  task.substatus = rule.to;
  task.queued_at.reset();
  task.answer_due_at.reset();
  if (rule.needs_person) {
    task.assignee_user_id = order.person;
    task.assignee_name = order.person_name;
    task.assignee_at = times.now;
  } else if (rule.takes_caller && maker.user_id) {
    task.assignee_user_id = maker.user_id;
    task.assignee_name = order.person_name;
    task.assignee_at = times.now;
  }
  if (rule.to == Substatus::kOnAssignment) {
    task.assignee_user_id.reset();
    task.assignee_name.clear();
    task.assignee_at = times.now;
    task.queued_at = times.now;
  }
  if (rule.to == Substatus::kAssigned) task.answer_due_at = times.now + times.answer_within;
  if (status_of(rule.to) == Status::kClosed && status_of(before) == Status::kOpen) task.closed_at = times.now;
  task.updated_at = times.now;
  ++task.version;
}

}  // namespace

bool may_make(const TransitionRule& rule, const Maker& maker, const std::optional<Uuid>& assignee) {
  if (maker.is_service && rule.allows(Actor::kService)) return true;
  if (maker.is_manager && rule.allows(Actor::kManager)) return true;
  return rule.allows(Actor::kAssignee) && maker.user_id && maker.user_id == assignee;
}

Result<HistoryRecord> make_transition(const TaskModel& model, TaskRecord& task, const TransitionOrder& order, const Maker& maker,
                                      TransitionTimes times) {
  const TransitionRule* rule = model.find(order.transition);
  if (!rule || rule->initial || !rule->leaves(task.substatus)) {
    return fail(v1::errors::illegal_transition("Expected a transition that leaves the task's status"));
  }
  if (!may_make(*rule, maker, task.assignee_user_id))
    return fail(v1::errors::not_yours("Expected the assignee of the task, or somebody who manages tasks"));
  if (rule->needs_reason && (!order.reason || order.reason->empty())) {
    Error error = v1::errors::reason_required("Expected a reason");
    error.fields.push_back({"reason", "required", "Expected a reason"});
    return fail(std::move(error));
  }
  if (rule->needs_person && !order.person) return fail(v1::errors::illegal_transition("Expected a person to assign the task to"));
  enter_status(task, *rule, order, maker, times);

  HistoryRecord history;
  history.task_id = task.id;
  history.at = times.now;
  history.substatus = task.substatus;
  history.group = task.group;
  history.user_id = task.assignee_user_id;
  history.changed_by_user_id = maker.user_id;
  history.changed_by = maker.name;
  history.transition = rule->id;
  history.reason = order.reason;
  return history;
}

std::vector<const TransitionRule*> available_transitions(const TaskModel& model, const TaskRecord& task, const Maker& maker) {
  std::vector<const TransitionRule*> out = model.leaving(task.substatus);
  std::erase_if(out, [&](const TransitionRule* rule) { return !may_make(*rule, maker, task.assignee_user_id); });
  return out;
}

std::string format_number(std::string_view prefix, std::int64_t sequence) {
  std::string digits = std::to_string(sequence);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return std::string(prefix) + "-" + digits;
}

const Candidate* choose_candidate(const std::vector<Candidate>& candidates, std::int64_t limit, const std::vector<Uuid>& excluded) {
  const Candidate* best = nullptr;
  const auto rank = [](const Candidate& c) { return std::tie(c.open_tasks, c.idle_since, c.user_id); };
  for (const Candidate& candidate : candidates) {
    if (candidate.open_tasks >= limit) continue;
    if (std::find(excluded.begin(), excluded.end(), candidate.user_id) != excluded.end()) continue;
    if (!best || rank(candidate) < rank(*best)) best = &candidate;
  }
  return best;
}

}  // namespace consilium::tasks

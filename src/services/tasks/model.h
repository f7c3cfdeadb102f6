// What a type of task can go through, as data: statuses, transitions, who may make them, how it is assigned. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "consilium/tasks/v1/tasks.h"

namespace consilium::tasks {

using v1::Status;
using v1::Substatus;

// Who may make a transition. A manager is a caller with the permission `tasks.manage`.
enum class Actor : std::uint8_t { kService, kAssignee, kManager };

struct TransitionRule {
  std::string id;
  std::vector<Substatus> from;  // empty for the initial one
  Substatus to = Substatus::kUnspecified;
  std::vector<Actor> by;
  bool initial = false;
  bool needs_person = false;  // leads to a status with an assignee, who must be named
  bool needs_reason = false;
  bool takes_caller = false;  // the caller becomes the assignee

  bool leaves(Substatus status) const;
  bool allows(Actor actor) const;
};

struct AssignmentRule {
  std::string code;
};

struct TaskModel {
  std::string type;
  std::string subtype;
  std::string number_prefix;
  std::string group;
  bool one_open_per_channel = false;
  std::vector<TransitionRule> transitions;
  std::optional<AssignmentRule> assignment;

  const TransitionRule* find(std::string_view transition) const;
  const TransitionRule& initial() const;
  std::vector<const TransitionRule*> leaving(Substatus status) const;
  // No transition leaves it.
  bool is_final(Substatus status) const { return leaving(status).empty(); }
};

// Solved and cancelled are closed, everything else is open.
Status status_of(Substatus substatus);
// A person works on it: assigned, in progress or on hold.
bool has_person(Substatus substatus);

// Reads a model and checks it: one initial transition, unique ids, known statuses and actors, every status reachable and
// able to reach a closed one. The error lists all findings.
Result<TaskModel> parse_model(std::string_view json);

}  // namespace consilium::tasks

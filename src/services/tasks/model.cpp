#include "services/tasks/model.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <stdexcept>

namespace consilium::tasks {
namespace {

const std::map<std::string_view, Substatus> kSubstatuses{
    {"reported", Substatus::kReported}, {"on-assignment", Substatus::kOnAssignment},
    {"assigned", Substatus::kAssigned}, {"in-progress", Substatus::kInProgress},
    {"on-hold", Substatus::kOnHold},    {"cancelled", Substatus::kCancelled},
    {"solved", Substatus::kSolved},
};
const std::map<std::string_view, Actor> kActors{{"service", Actor::kService}, {"assignee", Actor::kAssignee}, {"manager", Actor::kManager}};

// Collects findings under the path where they were made.
class Findings {
 public:
  void add(std::string path, std::string code, std::string message) {
    fields_.push_back({std::move(path), std::move(code), std::move(message)});
  }
  bool none() const { return fields_.empty(); }
  Error error() && {
    Error error = make_error(ErrorKind::kValidation, "tasks.invalid-model", "Expected a valid task model");
    error.fields = std::move(fields_);
    return error;
  }

 private:
  std::vector<FieldError> fields_;
};

class ModelReader {
 public:
  Result<TaskModel> read(std::string_view text) {
    boost::system::error_code failure;
    const boost::json::value document = boost::json::parse(text, failure);
    if (failure || !document.is_object()) {
      findings_.add("", "malformed", "Expected a JSON object");
      return fail(std::move(findings_).error());
    }
    const auto& object = document.get_object();
    refuse_unknown(object, "", {"type", "subtype", "numberPrefix", "group", "oneOpenPerChannel", "transitions", "assignment"});
    model_.type = text_of(object, "", "type");
    model_.subtype = text_of(object, "", "subtype");
    model_.number_prefix = text_of(object, "", "numberPrefix");
    model_.group = text_of(object, "", "group");
    model_.one_open_per_channel = flag_of(object, "", "oneOpenPerChannel");
    read_transitions(object);
    read_assignment(object);
    if (findings_.none()) check_shape();
    if (!findings_.none()) return fail(std::move(findings_).error());
    return std::move(model_);
  }

 private:
  static std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "." + std::string(name);
  }

  void refuse_unknown(const boost::json::object& object, const std::string& path, const std::set<std::string_view>& known) {
    for (const auto& member : object) {
      if (!known.contains(member.key())) findings_.add(join(path, member.key()), "unknown-member", "Expected a known member");
    }
  }

  std::string text_of(const boost::json::object& object, const std::string& path, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (!value || !value->is_string() || value->get_string().empty()) {
      findings_.add(join(path, name), "required", "Expected a text");
      return {};
    }
    return std::string(value->get_string());
  }

  bool flag_of(const boost::json::object& object, const std::string& path, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (!value) return false;
    if (value->is_bool()) return value->get_bool();
    findings_.add(join(path, name), "wrong-type", "Expected true or false");
    return false;
  }

  template <class T>
  std::optional<T> known(const std::map<std::string_view, T>& table, const std::string& path, const boost::json::value& value) {
    const auto found = value.is_string() ? table.find(std::string_view(value.get_string())) : table.end();
    if (found != table.end()) return found->second;
    findings_.add(path, "unknown-value", "Expected one of the known values");
    return std::nullopt;
  }

  template <class T>
  std::vector<T> list_of(const boost::json::object& object, const std::string& path, std::string_view name,
                         const std::map<std::string_view, T>& table) {
    std::vector<T> out;
    const auto* value = object.if_contains(name);
    if (!value || !value->is_array()) {
      findings_.add(join(path, name), "required", "Expected a list");
      return out;
    }
    for (std::size_t i = 0; i < value->get_array().size(); ++i) {
      if (auto one = known(table, join(path, name) + "[" + std::to_string(i) + "]", value->get_array()[i])) out.push_back(*one);
    }
    return out;
  }

  void read_transitions(const boost::json::object& object) {
    const auto* list = object.if_contains("transitions");
    if (!list || !list->is_array() || list->get_array().empty()) {
      findings_.add("transitions", "required", "Expected a list of transitions");
      return;
    }
    for (std::size_t i = 0; i < list->get_array().size(); ++i) {
      const std::string path = "transitions[" + std::to_string(i) + "]";
      const auto& value = list->get_array()[i];
      if (!value.is_object()) {
        findings_.add(path, "wrong-type", "Expected an object");
        continue;
      }
      model_.transitions.push_back(read_transition(value.get_object(), path));
    }
  }

  TransitionRule read_transition(const boost::json::object& object, const std::string& path) {
    refuse_unknown(object, path, {"id", "from", "to", "by", "initial", "needsPerson", "needsReason", "takesCaller"});
    TransitionRule rule;
    rule.id = text_of(object, path, "id");
    rule.from = list_of(object, path, "from", kSubstatuses);
    if (const auto* to = object.if_contains("to")) {
      rule.to = known(kSubstatuses, join(path, "to"), *to).value_or(Substatus::kUnspecified);
    } else {
      findings_.add(join(path, "to"), "required", "Expected a status");
    }
    rule.by = list_of(object, path, "by", kActors);
    rule.initial = flag_of(object, path, "initial");
    rule.needs_person = flag_of(object, path, "needsPerson");
    rule.needs_reason = flag_of(object, path, "needsReason");
    rule.takes_caller = flag_of(object, path, "takesCaller");
    if (rule.initial != rule.from.empty())
      findings_.add(join(path, "from"), "wrong-start", "Expected statuses to leave, or an initial transition without any");
    if (rule.by.empty()) findings_.add(join(path, "by"), "required", "Expected somebody who may make it");
    return rule;
  }

  void read_assignment(const boost::json::object& object) {
    const auto* value = object.if_contains("assignment");
    if (!value) return;
    if (!value->is_object()) {
      findings_.add("assignment", "wrong-type", "Expected an object");
      return;
    }
    refuse_unknown(value->get_object(), "assignment", {"rule", "order", "strategy"});
    model_.assignment = AssignmentRule{text_of(value->get_object(), "assignment", "rule")};
    require_value(value->get_object(), "order", "longest-waiting");
    require_value(value->get_object(), "strategy", "least-loaded");
  }

  void require_value(const boost::json::object& object, std::string_view name, std::string_view only) {
    if (text_of(object, "assignment", name) != only)
      findings_.add(join("assignment", name), "unknown-value", "Expected " + std::string(only));
  }

  void check_shape() {
    std::set<std::string> ids;
    std::size_t initial = 0;
    for (std::size_t i = 0; i < model_.transitions.size(); ++i) {
      const TransitionRule& rule = model_.transitions[i];
      const std::string path = "transitions[" + std::to_string(i) + "]";
      if (!ids.insert(rule.id).second) findings_.add(path + ".id", "duplicate", "Expected an id that no other transition has");
      if (rule.initial) ++initial;
    }
    if (initial != 1) findings_.add("transitions", "one-initial", "Expected exactly one initial transition");
    if (model_.assignment && !(model_.find("assign") && model_.find("assign")->leaves(Substatus::kOnAssignment))) {
      findings_.add("assignment", "no-assign", "Expected a transition `assign` that leaves on-assignment");
    }
    if (findings_.none()) check_paths();
  }

  // Each status must be reachable from the start, and a closed one from it: no traps.
  void check_paths() {
    std::set<Substatus> reached{model_.initial().to};
    for (bool grew = true; grew;) {
      grew = false;
      for (const TransitionRule& rule : model_.transitions) {
        const bool starts = std::any_of(rule.from.begin(), rule.from.end(), [&](Substatus s) { return reached.contains(s); });
        if (starts && reached.insert(rule.to).second) grew = true;
      }
    }
    std::set<Substatus> ends;
    for (const Substatus status : reached) {
      if (status_of(status) == Status::kClosed) ends.insert(status);
      if (status_of(status) == Status::kClosed && !model_.is_final(status))
        findings_.add("transitions", "closed-not-final", "Expected no way out of a closed status");
    }
    for (bool grew = true; grew;) {
      grew = false;
      for (const TransitionRule& rule : model_.transitions) {
        if (!ends.contains(rule.to)) continue;
        for (const Substatus from : rule.from) grew = ends.insert(from).second || grew;
      }
    }
    for (std::size_t i = 0; i < model_.transitions.size(); ++i) {
      const TransitionRule& rule = model_.transitions[i];
      const std::string path = "transitions[" + std::to_string(i) + "]";
      for (const Substatus from : rule.from) {
        if (!reached.contains(from)) findings_.add(path + ".from", "unreachable", "Expected statuses that can be reached from the start");
      }
      if (!ends.contains(rule.to)) findings_.add(path + ".to", "trap", "Expected a status from which a closed one can be reached");
    }
  }

  TaskModel model_;
  Findings findings_;
};

}  // namespace

bool TransitionRule::leaves(Substatus status) const { return std::find(from.begin(), from.end(), status) != from.end(); }

bool TransitionRule::allows(Actor actor) const { return std::find(by.begin(), by.end(), actor) != by.end(); }

const TransitionRule* TaskModel::find(std::string_view transition) const {
  const auto found =
      std::find_if(transitions.begin(), transitions.end(), [&](const TransitionRule& rule) { return rule.id == transition; });
  return found == transitions.end() ? nullptr : &*found;
}

const TransitionRule& TaskModel::initial() const {
  const auto found = std::find_if(transitions.begin(), transitions.end(), [](const TransitionRule& rule) { return rule.initial; });
  if (found == transitions.end()) throw std::logic_error("a task model without an initial transition passed its check");
  return *found;
}

std::vector<const TransitionRule*> TaskModel::leaving(Substatus status) const {
  std::vector<const TransitionRule*> out;
  for (const TransitionRule& rule : transitions) {
    if (rule.leaves(status)) out.push_back(&rule);
  }
  return out;
}

Status status_of(Substatus substatus) {
  return substatus == Substatus::kSolved || substatus == Substatus::kCancelled ? Status::kClosed : Status::kOpen;
}

bool has_person(Substatus substatus) {
  return substatus == Substatus::kAssigned || substatus == Substatus::kInProgress || substatus == Substatus::kOnHold;
}

Result<TaskModel> parse_model(std::string_view json) { return ModelReader().read(json); }

}  // namespace consilium::tasks

// Expressions in the scope of an element instance, and where their values go.
#include <algorithm>
#include <limits>

#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {
namespace {

// The variables of an element instance and of all scopes around it, inner ones first; before them what a mapping has
// assigned so far.
class InstanceScope final : public feel::Scope {
 public:
  InstanceScope(const Instance& instance, Key scope, const Context* assigned = nullptr)
      : instance_(instance), scope_(scope), assigned_(assigned) {}

  const feel::Value* find(std::string_view name) const override {
    if (assigned_) {
      if (const auto found = assigned_->find(name); found != assigned_->end()) return &found->second;
    }
    for (Key key = scope_; key != 0;) {
      const ElementInstance* scope = instance_.find(key);
      if (!scope) break;
      if (const auto found = scope->variables.find(name); found != scope->variables.end()) return &found->second;
      key = scope->scope;
    }
    return nullptr;
  }

 private:
  const Instance& instance_;
  Key scope_;
  const Context* assigned_;
};

std::string explain(const feel::Expression& expression, const feel::Evaluation& result) {
  std::string text = "the expression '" + expression.source().substr(0, 200) + "'";
  if (result.gave_up) return text + " takes too much work";
  for (const std::string& problem : result.problems) text += "; " + problem;
  return text;
}

// Adds the size of `value` to `bytes`; false: too deep or more than `most`.
bool measure(const feel::Value& value, int depth, std::size_t most, std::size_t& bytes) {
  bytes += 8;
  if (const std::string* text = value.string()) bytes += text->size();
  if (bytes > most || depth > feel::kMaxJsonDepth) return false;
  if (const feel::List* list = value.list()) {
    return std::all_of(list->begin(), list->end(), [&](const feel::Value& item) { return measure(item, depth + 1, most, bytes); });
  }
  if (const Context* context = value.context()) {
    return std::all_of(context->begin(), context->end(), [&](const auto& member) {
      bytes += member.first.size();
      return measure(member.second, depth + 1, most, bytes);
    });
  }
  return true;
}

// Puts `value` at `path` below `root`, which becomes a context where it was none.
void assign(feel::Value& root, const std::vector<std::string>& path, std::size_t from, feel::Value value) {
  if (from == path.size()) {
    root = std::move(value);
    return;
  }
  Context members = root.context() ? *root.context() : Context();
  assign(members[path[from]], path, from + 1, std::move(value));
  root = feel::Value(std::move(members));
}

}  // namespace

std::string check_variable(const feel::Value& value) {
  std::size_t bytes = 0;
  if (measure(value, 1, kMaxVariableBytes, bytes)) return {};
  return bytes > kMaxVariableBytes ? "larger than 1 MB" : "nested deeper than 32 levels";
}

std::string check_variables(const Context& variables) {
  for (const auto& [name, value] : variables) {
    if (name.empty() || name.size() > kMaxNameBytes) return "the name of a variable must have 1 to 1024 bytes";
    if (const std::string problem = check_variable(value); !problem.empty()) return "the variable '" + name + "' is " + problem;
  }
  return {};
}

std::size_t size_of(const Context& variables) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : variables) {
    bytes += name.size();
    measure(value, 1, std::numeric_limits<std::size_t>::max(), bytes);
  }
  return bytes;
}

Processor::Evaluated<feel::Value> Processor::evaluate(const feel::Expression& expression, const Instance& instance, Key scope) const {
  feel::Evaluation result = expression.evaluate(InstanceScope(instance, scope));
  if (result.gave_up)
    return std::unexpected(Problem{error_type::kExtractValue, "Expected to evaluate an expression, but " + explain(expression, result)});
  return std::move(result.value);
}

Processor::Evaluated<std::string> Processor::evaluate_text(const feel::Expression& expression, std::string_view what,
                                                           const Instance& instance, Key scope) const {
  const feel::Evaluation result = expression.evaluate(InstanceScope(instance, scope));
  const std::string expected = "Expected the " + std::string(what) + " to be a text, but ";
  std::string text;
  if (const std::string* found = result.value.string())
    text = *found;
  else if (const feel::Decimal* number = result.value.number())
    text = number->text();
  else
    return std::unexpected(
        Problem{error_type::kExtractValue, expected + explain(expression, result) + " gives " + std::string(result.value.type_name())});
  if (text.empty()) return std::unexpected(Problem{error_type::kExtractValue, expected + "it is empty"});
  if (text.size() > kMaxNameBytes) return std::unexpected(Problem{error_type::kExtractValue, expected + "it is longer than 1024 bytes"});
  return text;
}

Processor::Evaluated<Timestamp> Processor::evaluate_timer(const model::TimerDefinition& timer, const Instance& instance, Key scope) const {
  const feel::Evaluation result = timer.value.evaluate(InstanceScope(instance, scope));
  const std::string* text = result.value.string();
  if (timer.kind == model::TimerDefinition::Kind::kDate) {
    const auto date = text ? parse_rfc3339(*text) : std::nullopt;
    if (!date)
      return std::unexpected(Problem{error_type::kExtractValue,
                                     "Expected the date of a timer, but " + explain(timer.value, result) + " gives no RFC 3339 time"});
    return std::min(*date, now_ + kMaxWait);
  }
  std::optional<Duration> length;
  if (result.value.duration())
    length = *result.value.duration();
  else if (text)
    length = parse_iso8601_duration(*text);
  if (!length)
    return std::unexpected(Problem{error_type::kExtractValue, "Expected the duration of a timer, but " + explain(timer.value, result) +
                                                                  " gives no ISO 8601 duration"});
  return now_ + std::clamp(*length, Duration{}, kMaxWait);
}

Processor::Evaluated<Processor::Wait> Processor::evaluate_wait(const Instance& instance, Key scope, model::ElementIndex target) const {
  const model::Element& element = instance.process->elements[target];
  Wait wait;
  wait.target = target;
  if (element.timer) {
    auto due = evaluate_timer(*element.timer, instance, scope);
    if (!due) return std::unexpected(std::move(due).error());
    wait.due = *due;
    return wait;
  }
  auto name = evaluate_text(element.message->name, "message name", instance, scope);
  if (!name) return std::unexpected(std::move(name).error());
  auto key = evaluate_text(element.message->correlation_key, "correlation key", instance, scope);
  if (!key) return std::unexpected(std::move(key).error());
  wait.name = std::move(*name);
  wait.correlation_key = std::move(*key);
  return wait;
}

// Later mappings see what earlier ones assigned. `extend`: a path into an existing context keeps its other members.
Processor::Evaluated<Context> Processor::evaluate_mappings(const std::vector<model::Mapping>& mappings, const Instance& instance, Key scope,
                                                           bool extend) const {
  Context assigned;
  for (const model::Mapping& mapping : mappings) {
    const InstanceScope names(instance, scope, &assigned);
    const feel::Evaluation result = mapping.source.evaluate(names);
    std::string problem = result.gave_up ? explain(mapping.source, result) : check_variable(result.value);
    feel::Value root;
    if (problem.empty()) {
      const feel::Value* existing = extend ? names.find(mapping.target[0]) : nullptr;
      if (const auto found = assigned.find(mapping.target[0]); found != assigned.end()) existing = &found->second;
      if (existing && mapping.target.size() > 1) root = *existing;
      assign(root, mapping.target, 1, feel::as_json(result.value));
      problem = check_variable(root);
    }
    if (!problem.empty())
      return std::unexpected(
          Problem{error_type::kIoMapping, "Expected to map a value to '" + mapping.target[0] + "', but it is " + problem});
    assigned.insert_or_assign(mapping.target[0], std::move(root));
  }
  return assigned;
}

// Each variable goes to the nearest scope, from `from` outwards, that has one of that name, else to the instance.
void Processor::merge(Key instance_key, Key from, const Context& variables) {
  const Instance& instance = *state_.instance(instance_key);
  std::map<Key, Context> changes;
  for (const auto& [name, value] : variables) {
    Key target = instance_key;
    for (Key key = from; key != 0; key = instance.find(key)->scope) {
      if (!instance.find(key)->variables.contains(name)) continue;
      target = key;
      break;
    }
    changes[target].emplace(name, feel::as_json(value));
  }
  for (auto& [scope, changed] : changes) writer_.append(VariablesSet{instance_key, scope, std::move(changed)});
}

// False: an incident was raised.
bool Processor::map_outputs(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const model::Element& definition = instance.element_of(element);
  const Key scope = element.scope;
  const std::optional<Context> result = element.result;
  if (definition.outputs.empty()) {
    if (!result || result->empty()) return true;
    merge(instance_key, definition.kind == model::ElementKind::kServiceTask ? element_instance : scope, *result);
    return true;
  }
  if (result && !result->empty()) writer_.append(VariablesSet{instance_key, element_instance, *result});
  auto mapped = evaluate_mappings(definition.outputs, instance, element_instance, true);
  if (!mapped) {
    raise(instance_key, element_instance, 0, mapped.error());
    return false;
  }
  merge(instance_key, scope, *mapped);
  return true;
}

Context Processor::visible_variables(const Instance& instance, Key scope) const {
  Context visible;
  for (Key key = scope; key != 0; key = instance.find(key)->scope) {
    const Context& own = instance.find(key)->variables;
    visible.insert(own.begin(), own.end());  // an inner one hides an outer one
  }
  return visible;
}

}  // namespace consilium::bpmn::engine

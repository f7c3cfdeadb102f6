// Expressions in the scope of an element instance, and where their values go.
#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <ranges>
#include <span>
#include <utility>

#include "base/utf8.h"
#include "bpmn/engine/instance_scope.h"
#include "bpmn/engine/processor.h"
#include "bpmn/model/timer_text.h"

namespace consilium::bpmn::engine {
namespace {

std::string explain(const feel::Expression& expression, const feel::Evaluation& result) {
  std::string text = "the expression '" + cut_utf8(expression.source(), 200) + "'";
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

// What mappings have made so far: variables, and of the one that is being made its members, level by level. Names are looked up in the
// innermost level first and then outwards; a level has a name in the one around it when it is whole.
class MappedVariables final : public feel::Scope {
 public:
  // `existing`: what is at a path already, and stays where it is not mapped; null: nothing.
  using Existing = std::function<const feel::Value*(std::span<const std::string> path)>;
  MappedVariables(const feel::Scope& around, Existing existing) : around_(around), existing_(std::move(existing)) {}

  const feel::Value* find(std::string_view name) const override {
    for (const Context& level : levels_ | std::views::reverse) {
      if (const auto found = level.find(name); found != level.end()) return &found->second;
    }
    return around_.find(name);
  }

  // Until then the level of `target` is open, and what is not around it is whole.
  void open(const std::vector<std::string>& target) {
    std::size_t same = 0;
    while (same < path_.size() && same + 1 < target.size() && path_[same] == target[same]) ++same;
    close(same);
    for (std::size_t at = same; at + 1 < target.size(); ++at) {
      path_.push_back(target[at]);
      levels_.emplace_back();
    }
  }
  void set(const std::string& name, feel::Value value) { levels_.back().insert_or_assign(name, std::move(value)); }
  Context take() {
    close(0);
    return std::move(levels_.front());
  }

 private:
  void close(std::size_t left) {
    while (path_.size() > left) {
      const feel::Value* existing = existing_(path_);
      Context whole = existing && existing->context() ? *existing->context() : Context();
      for (auto& [name, value] : levels_.back()) whole.insert_or_assign(name, std::move(value));
      const std::string name = std::move(path_.back());
      path_.pop_back();
      levels_.pop_back();
      set(name, feel::Value(std::move(whole)));
    }
  }

  const feel::Scope& around_;
  Existing existing_;
  std::vector<std::string> path_;
  std::vector<Context> levels_ = std::vector<Context>(1);  // the first has the variables
};

const feel::Value* value_at(const feel::Scope& scope, std::span<const std::string> path) {
  const feel::Value* value = scope.find(path[0]);
  for (const std::string& name : path.subspan(1)) {
    if (!value || !value->context()) return nullptr;
    const auto member = value->context()->find(name);
    value = member == value->context()->end() ? nullptr : &member->second;
  }
  return value;
}

}  // namespace

feel::Value as_variable(const feel::Value& value) { return as_json(value); }

std::string check_variable(const feel::Value& value) {
  std::size_t bytes = 0;
  if (measure(value, 1, kMaxVariableBytes, bytes)) return {};
  return bytes > kMaxVariableBytes ? "larger than 1 MB" : "nested deeper than 32 levels";
}

std::string check_variables(const Context& variables) {
  if (size_of(variables) > kMaxVariablesBytes) return "the variables are larger than 4 MB together";
  for (const auto& [name, value] : variables) {
    if (name.empty() || name.size() > kMaxNameBytes) return "the name of a variable must have 1 to 1024 bytes";
    if (const std::string problem = check_variable(value); !problem.empty()) return "the variable '" + name + "' is " + problem;
  }
  return {};
}

std::size_t size_of(const feel::Value& value) {
  std::size_t bytes = 0;
  measure(value, 1, std::numeric_limits<std::size_t>::max(), bytes);
  return bytes;
}

std::string Processor::check_room(const Instance& instance, std::size_t bytes) {
  return bytes == 0 || instance.bytes + bytes <= kMaxInstanceBytes ? "" : "its variables would be larger than 64 MB together";
}

std::size_t size_of(const Context& variables) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : variables) {
    bytes += name.size();
    measure(value, 1, std::numeric_limits<std::size_t>::max(), bytes);
  }
  return bytes;
}

feel::Evaluation Processor::compute(const feel::Expression& expression, const feel::Scope& names) const {
  feel::Evaluation result = expression.evaluate(names, {now_, options_.random});
  evaluated_ += result.steps;
  return result;
}

Processor::Evaluated<feel::Value> Processor::evaluate(const feel::Expression& expression, const Instance& instance, Key scope) const {
  feel::Evaluation result = compute(expression, InstanceScope(instance, scope));
  if (result.failed())
    return std::unexpected(Problem{error_type::kExtractValue, "Expected to evaluate an expression, but " + explain(expression, result)});
  return std::move(result.value);
}

Processor::Evaluated<std::string> Processor::text_of(const feel::Expression& expression, const feel::Evaluation& result,
                                                     std::string_view what, std::optional<std::string> text) {
  const auto fault = [&](const std::string& problem) {
    return std::unexpected(Problem{error_type::kExtractValue, "Expected the " + std::string(what) + " to be a text, but " + problem});
  };
  if (!text) return fault(explain(expression, result) + " gives " + std::string(result.value.type_name()));
  if (text->empty()) return fault("it is empty");
  if (text->size() > kMaxNameBytes) return fault("it is longer than 1024 bytes");
  return std::move(*text);
}

Processor::Evaluated<std::string> Processor::evaluate_text(const feel::Expression& expression, std::string_view what,
                                                           const Instance& instance, Key scope) const {
  const feel::Evaluation result = compute(expression, InstanceScope(instance, scope));
  const std::string* text = result.value.string();
  return text_of(expression, result, what, text ? std::optional(*text) : std::nullopt);
}

// Of these alone a number is as good as its text, as in Zeebe.
Processor::Evaluated<std::string> Processor::evaluate_correlation_key(const feel::Expression& expression, const Instance& instance,
                                                                      Key scope) const {
  const feel::Evaluation result = compute(expression, InstanceScope(instance, scope));
  std::optional<std::string> text;
  if (const std::string* found = result.value.string()) text = *found;
  if (const feel::Decimal* number = result.value.number()) text = number->text();
  return text_of(expression, result, "correlation key", std::move(text));
}

namespace {

// Of a date the beginning; what has no zone is in UTC.
std::optional<Timestamp> moment_of(const feel::Value& value) {
  if (const std::string* text = value.string()) return model::parse_moment(*text);
  if (const feel::DateTime* moment = value.date_time()) {
    const auto microseconds = moment->instant() / 1000;
    const auto fits = [](feel::WideInteger n) { return n >= Timestamp::min().microseconds && n <= Timestamp::max().microseconds; };
    if (fits(microseconds)) return Timestamp{static_cast<std::int64_t>(microseconds)};
  }
  return std::nullopt;
}

std::optional<model::Period> period_of(const feel::Value& value) {
  if (const std::string* text = value.string()) return model::parse_period(*text);
  if (const feel::YearMonthDuration* months = value.year_month_duration()) return model::Period{months->months, {}};
  if (const auto length = value.duration()) return model::Period{0, *length};
  return std::nullopt;
}

}  // namespace

// Nothing lasts longer than kMaxWait.
Processor::Evaluated<Processor::Schedule> Processor::evaluate_timer(const model::TimerDefinition& timer, const feel::Scope& names) const {
  using Kind = model::TimerDefinition::Kind;
  const feel::Evaluation result = compute(timer.value, names);
  const Timestamp latest = now_ + kMaxWait;
  const auto problem = [&](std::string_view what, std::string_view form) {
    return std::unexpected(Problem{error_type::kExtractValue, "Expected the " + std::string(what) + " of a timer, but " +
                                                                  explain(timer.value, result) + " gives no " + std::string(form)});
  };
  if (timer.kind == Kind::kDate) {
    const auto date = moment_of(result.value);
    if (!date) return problem("date", "date and time with a zone");
    return Schedule{std::min(*date, latest), 1, {}, {}};
  }
  if (timer.kind == Kind::kCycle) {
    auto schedule = evaluate_cycle(result.value);
    if (!schedule) return problem("cycle", "repeating ISO 8601 interval or cron expression");
    return *schedule;
  }
  const auto period = period_of(result.value);
  if (!period) return problem("duration", "ISO 8601 duration");
  return Schedule{std::clamp(model::later_by(now_, *period), now_, latest), 1, {}, {}};
}

std::optional<Processor::Schedule> Processor::evaluate_cycle(const feel::Value& value) const {
  const std::string* text = value.string();
  const auto cycle = text ? model::parse_cycle(*text) : std::nullopt;
  if (!cycle) return std::nullopt;
  const Timestamp latest = now_ + kMaxWait;
  const auto first = cycle->first(now_);
  if (!first) return std::nullopt;
  if (!cycle->has_fixed_interval()) return Schedule{std::min(*first, latest), cycle->repetitions, {}, *text};
  const Duration interval = std::clamp(cycle->interval.length, milliseconds(1), kMaxWait);
  return Schedule{std::clamp(*first, now_, latest), cycle->repetitions, interval, {}};
}

// The next turn of a timer that has just fired; nullopt: it was the last. One that is late, because nothing ran meanwhile, does not
// make up for the turns that it has missed: it goes on from now, as with Zeebe.
std::optional<Processor::Schedule> Processor::repeated(Timestamp due, std::int32_t repetitions, Duration interval,
                                                       const std::string& cycle) const {
  if (repetitions == 1) return std::nullopt;
  if (now_ - due > kTimerTolerance) due = now_;
  const std::int32_t left = repetitions < 0 ? repetitions : repetitions - 1;
  if (cycle.empty()) return Schedule{due + interval, left, interval, {}};
  const auto parsed = model::parse_cycle(cycle);
  const auto next = parsed ? parsed->next(due) : std::nullopt;
  if (!next) return std::nullopt;
  return Schedule{*next, left, {}, cycle};
}

// What `host` is to wait for by an event of `process`, which is that of the instance or what it migrates to. The key of a boundary message
// is that of the scope around, though the host have such a variable; all else is seen from the host, as with Zeebe.
Processor::Evaluated<Processor::Wait> Processor::evaluate_wait(const Instance& instance, Key host, const model::Process& process,
                                                               model::ElementIndex target) const {
  const model::Element& element = process.elements[target];
  Wait wait;
  wait.target = target;
  if (element.timer) {
    auto schedule = evaluate_timer(*element.timer, InstanceScope(instance, host));
    if (!schedule) return std::unexpected(std::move(schedule).error());
    wait.schedule = *schedule;
    return wait;
  }
  wait.is_signal = element.signal.has_value();
  auto name = wait.is_signal ? evaluate_text(element.signal->name, "signal name", instance, host)
                             : evaluate_text(element.message->name, "message name", instance, host);
  if (!name) return std::unexpected(std::move(name).error());
  wait.name = std::move(*name);
  if (wait.is_signal) return wait;
  const Key scope = element.kind == model::ElementKind::kBoundaryEvent ? instance.find(host)->scope : host;
  auto key = evaluate_correlation_key(element.message->correlation_key, instance, scope);
  if (!key) return std::unexpected(std::move(key).error());
  wait.correlation_key = std::move(*key);
  return wait;
}

Processor::Evaluated<std::int32_t> Processor::evaluate_retries(const model::JobDefinition& job, const Instance& instance, Key scope) const {
  if (job.retries.empty()) return job.default_retries;
  const auto value = evaluate(job.retries, instance, scope);
  if (!value) return std::unexpected(value.error());
  const auto number = value->number()           ? std::optional(*value->number())
                      : job.retries.is_static() ? feel::Decimal::parse(job.retries.text())
                                                : std::nullopt;
  const auto whole = number ? number->floor().to_integer() : std::nullopt;
  if (!whole) return std::unexpected(Problem{error_type::kExtractValue, "Expected the number of retries to be a number, but it is not"});
  const std::int64_t most = std::numeric_limits<std::int32_t>::max();
  return *whole > 0 ? static_cast<std::int32_t>(std::min(*whole, most)) : options_.retries_for_none;
}

Processor::Evaluated<std::int32_t> Processor::evaluate_priority(const model::JobDefinition& job, const Instance& instance,
                                                                Key scope) const {
  if (job.priority.empty()) return 0;
  const auto value = evaluate(job.priority, instance, scope);
  if (!value) return std::unexpected(value.error());
  const auto whole = value->number() ? value->number()->to_integer() : std::nullopt;
  if (whole && std::in_range<std::int32_t>(*whole)) return static_cast<std::int32_t>(*whole);
  return std::unexpected(Problem{error_type::kExtractValue, "Expected the priority of a job to be an integer of 32 bits, but '" +
                                                                cut_utf8(job.priority.source(), 200) + "' gives another " +
                                                                std::string(value->type_name())});
}

// A local time is one in UTC, as that is the zone of the engine; the name of a zone is left out.
std::string Processor::in_rfc3339(feel::DateTime moment) {
  moment.time.zone = feel::Zone::of_offset(moment.offset());
  return feel::format(moment);
}

// The headers of the model and those that are computed.
Processor::Evaluated<Context> Processor::evaluate_headers(const model::JobDefinition& job, const Instance& instance, Key scope) const {
  using Kind = model::ComputedHeader::Kind;
  Context headers = job.headers;
  for (const model::ComputedHeader& header : job.computed_headers) {
    const feel::Evaluation result = compute(header.value, InstanceScope(instance, scope));
    const std::string* text = result.value.string();
    // As in Zeebe: a time that is not there is no header, and no name.
    if (header.kind == Kind::kTime && !result.failed() && (result.value.is_null() || (text && text->empty()))) continue;
    if (header.kind == Kind::kText && text && text->empty()) continue;
    if (const feel::DateTime* moment = header.kind == Kind::kTime ? result.value.date_time() : nullptr) {
      headers.insert_or_assign(header.name, feel::Value(in_rfc3339(*moment)));
      continue;
    }
    if (const auto priority = header.kind == Kind::kPriority ? model::user_task_priority(result.value) : std::nullopt) {
      headers.insert_or_assign(header.name, feel::Value(std::to_string(*priority)));
      continue;
    }
    const feel::List* list = result.value.list();
    if (header.kind == Kind::kForm && text) {
      const Form* form = state_.form(find_version(instance, Deployable::kForm, *text, header.binding));
      if (!form)
        return std::unexpected(Problem{error_type::kFormNotFound, "Expected to find a form with id '" + cut_utf8(*text, 100) + "'" +
                                                                      among(header.binding) + ", but none is deployed"});
      headers.insert_or_assign(header.name, feel::Value(std::to_string(form->key)));
      continue;
    }
    const bool fits = header.kind == Kind::kTexts
                          ? list && std::all_of(list->begin(), list->end(), [](const feel::Value& item) { return item.string(); })
                          : text && (header.kind == Kind::kText || (header.kind == Kind::kTime && parse_rfc3339(*text)));
    if (!fits) {
      const char* const expected = header.kind == Kind::kTexts      ? "a list of texts"
                                   : header.kind == Kind::kTime     ? "a time"
                                   : header.kind == Kind::kPriority ? "an integer from 0 to 100"
                                                                    : "a text";
      return std::unexpected(Problem{error_type::kExtractValue, "Expected the header '" + header.name + "' to be " + expected + ", but " +
                                                                    explain(header.value, result) + " gives " +
                                                                    std::string(result.value.type_name())});
    }
    headers.insert_or_assign(header.name, list ? feel::Value(feel::to_json(result.value)) : result.value);
  }
  return headers;
}

// Later mappings see what earlier ones made; those of one variable stand together (reader.cpp).
Processor::Evaluated<Context> Processor::evaluate_mappings(const std::vector<model::Mapping>& mappings, const Instance& instance, Key scope,
                                                           Extends extends) const {
  const InstanceScope around(instance, scope);
  MappedVariables made(around, [&](std::span<const std::string> path) -> const feel::Value* {
    return extends == Extends::kYes ? value_at(around, path) : nullptr;
  });
  const auto fault = [](const std::string& variable, const std::string& problem) {
    return std::unexpected(Problem{error_type::kIoMapping, "Expected to map a value to '" + variable + "', but it is " + problem});
  };
  for (const model::Mapping& mapping : mappings) {
    made.open(mapping.target);
    const feel::Evaluation result = compute(mapping.source, made);
    const std::string problem = result.failed() ? explain(mapping.source, result) : check_variable(result.value);
    if (!problem.empty()) return fault(mapping.target[0], problem);
    made.set(mapping.target.back(), feel::as_json(result.value));
  }
  Context assigned = made.take();
  for (const auto& [name, value] : assigned) {
    if (const std::string problem = check_variable(value); !problem.empty()) return fault(name, problem);
  }
  if (const std::string problem = check_room(instance, assigned); !problem.empty())
    return std::unexpected(Problem{error_type::kIoMapping, "Expected the instance to hold what is mapped, but " + problem});
  if (mappings.size() > 1 && size_of(assigned) > kMaxVariablesBytes)
    return std::unexpected(Problem{error_type::kIoMapping, "Expected to map values, but they are larger than 4 MB together"});
  return assigned;
}

// Each variable goes to the nearest scope, from `from` outwards, that has one of that name, else to the instance.
void Processor::merge(Key instance_key, Key from, const Context& variables) {
  const Instance& instance = *state_.instance(instance_key);
  std::map<Key, Context> changes;
  for (const auto& [name, value] : variables) {
    Key target = instance_key;
    feel::Value kept = feel::as_json(value);
    for (Key key = from; key != 0; key = instance.find(key)->scope) {
      const Context& own = instance.find(key)->variables;
      const auto found = own.find(name);
      if (found == own.end() || found->second == kept) continue;
      target = key;
      break;
    }
    changes[target].emplace(name, std::move(kept));
  }
  for (auto& [scope, changed] : changes) writer_.append(VariablesSet{instance_key, scope, std::move(changed)});
}

// False: an incident was raised.
// What another element waited for, or what started the instance, stands at the event from when it begins.
bool Processor::stands_apart(const model::Element& event) {
  const bool starts = event.kind == model::ElementKind::kStartEvent && event.scope == model::kProcessElement;
  return event.kind == model::ElementKind::kBoundaryEvent || event.after_event_gateway || starts;
}

void Processor::take_event_variables(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  if (!element.result || element.result->empty() || !stands_apart(instance.element_of(element))) return;
  writer_.append(VariablesSet{instance_key, element_instance, *element.result});
}

bool Processor::map_outputs(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const model::Element& definition = instance.element_of(element);
  const Key scope = element.scope;
  // What started a process or event sub-process goes to its start event.
  const bool has_result = definition.kind != model::ElementKind::kProcess && definition.kind != model::ElementKind::kEventSubProcess;
  const bool iterates = element.loop_counter > 0;
  const std::optional<Context> result = has_result ? element.result : std::nullopt;
  if (definition.outputs.empty()) {
    if (!result || result->empty()) return true;
    const bool apart = stands_apart(definition);
    if (apart && definition.event == model::EventKind::kError) return true;  // the variables of an error stay there
    if (instance.bytes > kMaxInstanceBytes) {
      raise(instance_key, element_instance, 0,
            {error_type::kIoMapping, "Expected the instance to hold what came, but " + check_room(instance, 1)});
      return false;
    }
    merge(instance_key, apart ? scope : element_instance, *result);
    return true;
  }
  if (result && !result->empty() && !stands_apart(definition)) writer_.append(VariablesSet{instance_key, element_instance, *result});
  auto mapped = evaluate_mappings(definition.outputs, instance, element_instance, Extends::kYes);
  if (!mapped) {
    raise(instance_key, element_instance, 0, mapped.error());
    return false;
  }
  merge(instance_key, iterates ? element_instance : scope, *mapped);
  return true;
}

Context Processor::visible_variables(const Instance& instance, Key scope) const {
  Context visible;
  for (Key key = scope; key != 0; key = instance.find(key)->scope) {
    const Context& own = instance.find(key)->variables;
    visible.insert(own.begin(), own.end());  // an inner one hides an outer one
    const ElementInstance& around = *instance.find(key);
    if (!around.loop) continue;
    const std::string& collection = instance.element_of(around).loop->output_collection;
    if (!collection.empty()) visible.try_emplace(collection, around.loop->outputs);
  }
  return visible;
}

}  // namespace consilium::bpmn::engine

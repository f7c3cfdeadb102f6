// Random models with random paths through them, and our engine on such paths, for the comparison with other engines:
//   engine_paths make FIRST COUNT   prints a path a line (JSON), each made of its seed alone
//   engine_paths play               reads such lines and prints what our engine does: the lines of tests/peers/TraceExporter.java, and the
//                                   answers that the client got, between `path SEED` and `end`
// tests/peers/player.py plays the same paths on the real engine.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "bpmn/engine/engine.h"
#include "bpmn/engine/random_path.h"
#include "bpmn/feel/value.h"

namespace consilium::bpmn::engine {
namespace {

using feel::Context;
using feel::List;
using feel::Value;

const Value& member(const Context& context, std::string_view name) {
  static const Value kNone;
  const auto found = context.find(name);
  return found == context.end() ? kNone : found->second;
}
std::string text(const Context& context, std::string_view name) {
  const std::string* found = member(context, name).string();
  return found ? *found : "";
}
std::int64_t number(const Context& context, std::string_view name, std::int64_t otherwise = 0) {
  const feel::Decimal* found = member(context, name).number();
  return found ? found->to_integer().value_or(otherwise) : otherwise;
}
Context inner(const Context& context, std::string_view name) {
  const Context* found = member(context, name).context();
  return found ? *found : Context();
}

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}
std::string field(std::string_view value) { return escaped(value); }
std::string field(std::int64_t value) { return std::to_string(value); }

template <class... Fields>
void tell(std::string_view kind, const Fields&... fields) {
  std::string line(kind);
  ((line += '\t', line += field(fields)), ...);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
}

// Says each event in the words of the real engine's records.
class Teller {
 public:
  void operator()(const ProcessDeployed& event) {
    processes_[event.key] = event.process_id;
    const auto read = model::read_model(event.resource_name, event.xml, {});
    for (const auto& process : *read) {
      for (const auto& element : process->elements)
        if (element.loop) collections_[element.id] = element.loop->output_collection;
    }
  }
  void operator()(const LoopStarted& event) {
    const feel::List* items = member(event.items, "items").list();
    collected_[event.element_instance] = List(items->size());
    collection(event.instance, event.element_instance);
  }
  void operator()(const LoopOutputCollected& event) {
    collected_[event.element_instance][static_cast<std::size_t>(event.loop_counter - 1)] = member(event.output, "value");
    collection(event.instance, event.element_instance);
  }
  void operator()(const InstanceCreated& event) {
    if (first_ == 0) first_ = event.instance;
    elements_[event.instance] = {event.instance, 0, processes_.at(event.process_key)};
    variables(event.instance, event.instance, event.variables);
  }
  void operator()(const ChildStarted& event) { callers_[event.instance] = event.call_activity; }
  void operator()(const ElementActivating& event) {
    elements_[event.element_instance] = {event.instance, event.scope, event.element};
    element(event.element_instance, "ELEMENT_ACTIVATING");
  }
  void operator()(const ElementActivated& event) {
    // That an instance begins is part of its creation here; the real engine says it of its own.
    if (event.element_instance == event.instance) element(event.element_instance, "ELEMENT_ACTIVATING");
    element(event.element_instance, "ELEMENT_ACTIVATED");
  }
  void operator()(const ElementCompleting& event) { element(event.element_instance, "ELEMENT_COMPLETING"); }
  void operator()(const ElementCompleted& event) { ended(event.element_instance, "ELEMENT_COMPLETED"); }
  void operator()(const ElementTerminating& event) { element(event.element_instance, "ELEMENT_TERMINATING"); }
  void operator()(const ElementTerminated& event) { ended(event.element_instance, "ELEMENT_TERMINATED"); }
  void operator()(const FlowTaken& event) {
    tell("element", event.instance, std::int64_t{0}, event.scope, event.flow, "-", "SEQUENCE_FLOW_TAKEN", std::int64_t{-1});
  }
  void operator()(const VariablesSet& event) { variables(event.instance, event.scope, event.variables); }
  void operator()(const JobCreated& event) {
    tell("job", event.instance, event.job, event.element_instance, event.type, "CREATED", std::int64_t{event.retries});
  }
  void operator()(const JobCompleted& event) { job(event.instance, event.job, "COMPLETED"); }
  void operator()(const ListenerCompleted& event) { job(event.instance, event.job, "COMPLETED"); }
  void operator()(const JobErrorThrown& event) { job(event.instance, event.job, "ERROR_THROWN"); }
  void operator()(const IncidentCreated& event) {
    incidents_[event.incident] = event;
    incident(event, "CREATED");
  }
  void operator()(const IncidentResolved& event) {
    const auto found = incidents_.find(event.incident);
    incident(found->second, "RESOLVED");
    incidents_.erase(found);
  }
  // One event here; the real engine has one for each element, those of a scope together.
  void operator()(const InstanceMigrated& event) {
    std::vector<Key> scopes = {event.instance};
    element(event.instance, "ELEMENT_MIGRATED");
    for (std::size_t at = 0; at < scopes.size(); ++at) {
      for (const auto& [key, told] : elements_) {
        if (told.instance != event.instance || told.scope != scopes[at] || key == event.instance) continue;
        element(key, "ELEMENT_MIGRATED");
        scopes.push_back(key);
      }
    }
  }
  void operator()(const auto&) {}

  struct Element {
    Key instance = 0;
    Key scope = 0;
    std::string id;
  };
  Key first() const { return first_; }  // instance; 0: none has begun
  // Active ones.
  const std::map<Key, Element>& elements() const { return elements_; }
  const std::map<Key, IncidentCreated>& incidents() const { return incidents_; }

 private:
  void element(Key key, std::string_view intent) {
    const Element& told = elements_.at(key);
    const auto caller = callers_.find(told.scope == 0 ? key : 0);
    tell("element", told.instance, key, told.scope == 0 ? -1 : told.scope, told.id, "-", intent,
         caller == callers_.end() ? -1 : caller->second);
  }
  void ended(Key key, std::string_view intent) {
    element(key, intent);
    elements_.erase(key);
    std::erase_if(incidents_, [&](const auto& one) {
      if (one.second.element_instance != key) return false;
      incident(one.second, "RESOLVED");
      return true;
    });
  }
  // What a multi-instance activity has collected is a variable of its body.
  void collection(Key instance, Key body) {
    const std::string& name = collections_[elements_.at(body).id];
    if (!name.empty()) variables(instance, body, {{name, Value(collected_[body])}});
  }
  void variables(Key instance, Key scope, const Context& values) {
    for (const auto& [name, value] : values) tell("variable", instance, scope, name, feel::to_json(value));
  }
  void job(Key instance, Key key, std::string_view intent) { tell("job", instance, key, std::int64_t{0}, "-", intent, std::int64_t{0}); }
  void incident(const IncidentCreated& told, std::string_view intent) {
    tell("incident", told.instance, told.incident, told.element_instance, told.error_type, intent, told.job == 0 ? -1 : told.job,
         told.message);
  }

  Key first_ = 0;
  std::map<Key, std::string> processes_;
  std::map<std::string, std::string> collections_;  // of element ids
  std::map<Key, List> collected_;
  std::map<Key, Element> elements_;
  std::map<Key, Key> callers_;
  std::map<Key, IncidentCreated> incidents_;
};

constexpr int kFinishingRounds = 12;
constexpr std::size_t kEachRound = 3;  // of jobs and incidents

class Player {
 public:
  explicit Player(const Context& path) : path_(path) {}

  void play() {
    for (const Value& model : *member(path_, "models").list())
      if (!run(Deploy{{{text(*model.context(), "name"), text(*model.context(), "xml")}}})) return;
    begin();
    take_jobs();
    for (const Value& action : *member(path_, "actions").list()) {
      act(*action.context());
      take_jobs();
    }
    finish();
  }

 private:
  struct Held {
    std::string element;  // "listener " stands before it when the job is one's
    Key job = 0;
  };

  void begin() {
    const std::string by = text(path_, "begins by");
    const bool* by_signal = member(path_, "by signal").boolean();
    const Context variables = inner(path_, "variables");
    std::vector<std::string> begins_at;
    if (const auto* ids = member(path_, "begins at").list()) {
      for (const Value& id : *ids) begins_at.push_back(*id.string());
    }
    if (by.empty())
      perform("create", CreateInstance{text(path_, "process"), 0, variables, "", std::move(begins_at)});
    else if (by_signal && *by_signal)
      perform("signal", BroadcastSignal{by, variables});
    else
      perform("publish", PublishMessage{by, text(path_, "key"), "", {}, variables});
    instance_ = teller_.first();
  }

  Outcome execute(const Command& command) {
    Outcome outcome = engine_.execute(command, now_);
    for (const Event& event : outcome.events) std::visit(teller_, event);
    for (std::size_t at = 0; at < outcome.to_continue.size(); ++at) {
      const Outcome more = engine_.execute(Continue{outcome.to_continue[at]}, now_);
      for (const Event& event : more.events) std::visit(teller_, event);
      outcome.to_continue.insert(outcome.to_continue.end(), more.to_continue.begin(), more.to_continue.end());
    }
    return outcome;
  }
  bool run(const Command& command) {
    const Outcome outcome = execute(command);
    if (!outcome.rejection) return true;
    std::string words = outcome.rejection->message;
    for (const auto& finding : outcome.rejection->findings) words += " | " + finding.element_id + ": " + finding.message;
    tell("refused-model", words);
    return false;
  }
  void perform(std::string_view what, const Command& command) {
    static constexpr const char* kCodes[] = {"NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "ALREADY_EXISTS"};
    const Outcome outcome = execute(command);
    tell("answer", what, outcome.rejection ? kCodes[static_cast<int>(outcome.rejection->code)] : "OK");
  }
  // All that can be had, for ever: the worker that forgets its job is an action of its own.
  void take_jobs() {
    for (const std::string type : {"work", "io.camunda.zeebe:userTask", "before", "after"}) {
      const bool is_listener = type == "before" || type == "after";
      for (const ActivatedJob& job : execute(ActivateJobs{type, "player", 1000, days(1000), {}, kMaxActivatedBytes}).jobs) {
        tell("handed", job.instance, job.key, job.element_instance, job.element, feel::to_json(job.variables));
        held_.push_back({(is_listener ? "listener " : "") + job.element, job.key});
      }
    }
    std::sort(held_.begin(), held_.end(),
              [](const Held& a, const Held& b) { return std::tie(a.element, a.job) < std::tie(b.element, b.job); });
  }
  std::optional<Key> pick_job(std::int64_t pick) {
    if (held_.empty()) return std::nullopt;
    const auto place = held_.begin() + pick % static_cast<std::int64_t>(held_.size());
    const Key job = place->job;
    picked_ = place->element;
    held_.erase(place);
    return job;
  }
  std::optional<IncidentCreated> pick_incident(std::int64_t pick) const {
    std::vector<std::tuple<std::string, std::string, Key>> open;
    for (const auto& [key, incident] : teller_.incidents()) {
      const auto element = teller_.elements().find(incident.element_instance);
      open.emplace_back(incident.error_type, element == teller_.elements().end() ? "" : element->second.id, key);
    }
    if (open.empty()) return std::nullopt;
    std::sort(open.begin(), open.end());
    return teller_.incidents().at(std::get<2>(open[static_cast<std::size_t>(pick) % open.size()]));
  }
  std::optional<Key> pick_scope(std::int64_t pick) const {
    std::vector<std::pair<std::string, Key>> active;
    for (const auto& [key, element] : teller_.elements()) active.emplace_back(element.id, key);
    if (active.empty()) return std::nullopt;
    std::sort(active.begin(), active.end());
    return active[static_cast<std::size_t>(pick) % active.size()].second;
  }
  // At one leap, as the clock of the real engine is moved.
  void pass(Duration span) {
    now_ = now_ + span;
    while (engine_.state().has_due(now_)) execute(Tick{});
  }

  // What begins with one action is due before what begins with the next.
  void act(const Context& action) {
    now_ = now_ + milliseconds(1);
    const std::string what = text(action, "do");
    const std::int64_t pick = number(action, "pick");
    const Context variables = inner(action, "variables");
    if (what == "tick") return pass(hours(1));
    if (what == "complete") {
      if (const auto job = pick_job(pick)) perform(what, CompleteJob{*job, variables});
    } else if (what == "fail") {
      if (const auto job = pick_job(pick))
        perform(what, FailJob{*job, static_cast<std::int32_t>(number(action, "retries")), hours(number(action, "hours")), "", "no luck",
                              variables});
    } else if (what == "throw") {
      // Zeebe 8.5.8 fails inside (INTERNAL) when the job of a throw event throws an error; of listeners it takes errors, as no later one
      // does.
      const auto job = pick_job(pick);
      if (job && !picked_.starts_with("send") && !picked_.starts_with("listener "))
        perform(what, ThrowError{*job, text(action, "code"), "", variables});
    } else if (what == "publish") {
      perform(what,
              PublishMessage{text(action, "name"), text(action, "key"), text(action, "id"), hours(number(action, "hours")), variables});
    } else if (what == "signal") {
      perform(what, BroadcastSignal{text(action, "name"), variables});
    } else if (what == "set") {
      const bool* local = member(action, "local").boolean();
      if (const auto scope = member(action, "root").boolean() ? instance_ : pick_scope(pick))
        perform(what, SetVariables{*scope, variables, local && *local});
    } else if (what == "resolve") {
      const auto incident = pick_incident(pick);
      if (!incident) return;
      if (incident->job != 0) perform("retries", UpdateRetries{incident->job, static_cast<std::int32_t>(number(action, "retries", 1))});
      perform(what, ResolveIncident{incident->incident});
    } else if (what == "cancel") {
      perform(what, CancelInstance{instance_});
    } else if (what == "modify") {
      ModifyInstance command{instance_, {}, {}};
      if (const std::string element = text(action, "activate"); !element.empty()) command.activations.push_back({element, 0, {}});
      const bool* end = member(action, "end").boolean();
      const auto scope = pick_scope(pick);
      if (end && *end && scope && teller_.elements().at(*scope).scope != 0) command.terminations.push_back(*scope);
      add_named(action, command);
      if (!command.activations.empty() || !command.terminations.empty()) perform(what, command);
    } else if (what == "migrate") {
      migrate(text(action, "to"));
    }
  }

  // What a path made by hand begins, with variables and in which instance of what is around it, and what it ends.
  void add_named(const Context& action, ModifyInstance& command) {
    if (const auto* begun = member(action, "begin").list()) {
      for (const Value& each : *begun) {
        const Context& one = *each.context();
        const std::string around = text(one, "in");
        ModifyInstance::Activation activation{text(one, "element"), around.empty() ? 0 : first_of(around), {}};
        for (const Value& given : *member(one, "variables").list()) {
          const Context& to = *given.context();
          activation.variables.push_back({text(to, "scope"), *member(to, "variables").context()});
        }
        command.activations.push_back(std::move(activation));
      }
    }
    if (const auto* ended = member(action, "end named").list()) {
      for (const Value& id : *ended) command.terminations.push_back(first_of(*id.string()));
    }
  }

  // The oldest active instance of an element; 0: none.
  Key first_of(const std::string& id) const {
    for (const auto& [key, element] : teller_.elements())
      if (element.id == id && element.instance == instance_) return key;
    return 0;
  }

  // To the same elements of the other process.
  void migrate(const std::string& process) {
    MigrateInstance command{instance_, engine_.state().newest(process)->key, {}};
    std::set<std::string> ids;
    for (const auto& [key, element] : teller_.elements())
      if (element.instance == instance_ && key != instance_) ids.insert(element.id);
    for (const std::string& id : ids) command.mapping.emplace_back(id, id);
    perform("migrate", command);
  }

  // Whatever is still under way is brought to its end the same way, and cancelled when it does not come to one.
  void finish() {
    for (int round = 0; round < kFinishingRounds && !teller_.elements().empty(); ++round) {
      for (const Value& value : *member(path_, "finish").list()) {
        const Context& action = *value.context();
        const std::string what = text(action, "do");
        const std::size_t times = what == "complete" ? held_.size() : what == "resolve" ? teller_.incidents().size() : 1;
        for (std::size_t time = 0; time < std::min(times, kEachRound); ++time) act(action);
        take_jobs();
      }
    }
    if (!teller_.elements().empty()) act({{"do", Value("cancel")}});
  }

  const Context& path_;
  Engine engine_;
  Teller teller_;
  Timestamp now_{1'800'000'000'000'000};
  Key instance_ = 0;
  std::vector<Held> held_;
  std::string picked_;  // element of the job picked last
};

int play() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto path = feel::parse_variables(line);
    if (!path) {
      std::fprintf(stderr, "no path: %s\n", path.error().c_str());
      return 1;
    }
    tell("path", number(*path, "seed"));
    Player(*path).play();
    tell("end");
  }
  return 0;
}

int make(std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) std::printf("%s\n", feel::to_json(random_path(seed)).c_str());
  return 0;
}

}  // namespace
}  // namespace consilium::bpmn::engine

int main(int count, char** words) {
  using namespace consilium::bpmn::engine;
  const std::string verb = count > 1 ? words[1] : "";
  if (verb == "play") return play();
  if (verb == "make" && count == 4) return make(std::stoull(words[2]), std::stoull(words[3]));
  std::fprintf(stderr, "engine_paths make FIRST COUNT | engine_paths play\n");
  return 2;
}

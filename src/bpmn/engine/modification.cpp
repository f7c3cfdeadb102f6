// Instances that begin at given elements; modification and migration of running ones.
#include <algorithm>
#include <array>
#include <ranges>

#include "base/utf8.h"
#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;
using model::ElementKind;

namespace {

// Zeebe's name: `START_EVENT`.
std::string type_name(const Element& element) {
  std::string name;
  for (const char c : model::name_of(element.kind)) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper) name += '_';
    name += static_cast<char>(upper || c < 'a' ? c : c - 'a' + 'A');
  }
  return name;
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// One element instance is of it.
bool is_of(const FlowScope& scope, const ElementInstance& element) {
  return element.element == scope.element && element.loop.has_value() == scope.is_body;
}

// It is that element instance, or one around it.
bool is_around(const Instance& instance, Key key, const FlowScope& scope) {
  for (; key != 0; key = instance.find(key)->scope) {
    if (is_of(scope, *instance.find(key))) return true;
  }
  return false;
}

// The scopes around an element, the process first.
std::vector<FlowScope> scopes_around(const model::Process& process, ElementIndex element) {
  std::vector<FlowScope> scopes;
  while (element != model::kProcessElement) {
    element = process.elements[element].scope;
    scopes.insert(scopes.begin(), {element, false});
    if (process.elements[element].loop) scopes.insert(scopes.begin(), {element, true});
  }
  return scopes;
}

// Why it cannot be begun by itself; empty when it can.
std::string why_unsupported(const Element& element) {
  if (element.kind == ElementKind::kStartEvent || element.kind == ElementKind::kBoundaryEvent || element.kind == ElementKind::kProcess)
    return "The activation of elements with type " + quoted(type_name(element)) + " is not supported";
  if (element.after_event_gateway) return "The activation of events belonging to an event-based gateway is not supported";
  return {};
}

bool is_in_loop(const model::Process& process, const Element& element) {
  return std::ranges::any_of(scopes_around(process, process.by_id.at(element.id)), &FlowScope::is_body);
}

}  // namespace

// ---- beginning at given elements

std::string Processor::find_start_fault(const Definition& definition, const CreateInstance& command) const {
  const model::Process& process = *definition.process;
  for (const std::string& id : command.start_elements) {
    if (!process.find(id)) return "no element found with id " + quoted(cut_utf8(id, 100)) + ".";
  }
  for (const std::string& id : command.start_elements) {
    if (const std::string why = why_unsupported(*process.find(id)); !why.empty())
      return "the element with id " + quoted(id) + " cannot be one of them. " + why + ".";
    if (is_in_loop(process, *process.find(id)))
      return "the element with id " + quoted(id) + " is in a multi-instance sub-process, in which nothing can be begun by itself.";
  }
  // Where the process itself would stand still before anything began, nothing begins.
  Instance instance;
  instance.key = writer_.next_key();
  instance.process = definition.process;
  ElementInstance& root = instance.elements[instance.key];
  root.key = instance.key;
  root.variables = command.variables;
  for (const ElementIndex target : waits_around(instance, root)) {
    if (!process.elements[target].is_awaited()) continue;
    if (const auto wait = evaluate_wait(instance, root.key, process, target); !wait)
      return "its event sub-process " + quoted(process.elements[process.elements[target].scope].id) + " cannot wait. " +
             wait.error().message;
  }
  return {};
}

void Processor::begin_at(Key instance, const std::vector<std::string>& elements) {
  if (!begin_scope(instance, instance)) return;
  std::set<Key> scopes;
  for (const std::string& element : elements) begin_element(instance, {element, 0, {}}, scopes);
}

// ---- modification

void Processor::operator()(const ModifyInstance& command) {
  const Instance* instance = state_.instance(command.instance);
  if (!instance)
    return reject(Rejection::Code::kNotFound,
                  "Expected to modify process instance but no process instance found with key '" + std::to_string(command.instance) + "'");
  const std::string expected = "Expected to modify instance of process " + quoted(instance->process->id) + " but ";
  if (const std::string fault = find_fault(*instance, command); !fault.empty())
    return reject(Rejection::Code::kInvalidArgument, expected + "it contains one or more " + fault);
  const bool is_called = instance->parent != 0 && command.activations.empty();
  if (is_called && what_ends(*instance, command.terminations, {}).contains(instance->key))
    return reject(Rejection::Code::kInvalidArgument,
                  expected +
                      "the given instructions would terminate the instance. The instance was created by a call activity in the parent "
                      "process. To terminate this instance please modify the parent process instead.");
  if (command.effect == Effect::kOnlyChecked) return;
  std::set<Key> scopes;
  for (const ModifyInstance::Activation& activation : command.activations) begin_element(command.instance, activation, scopes);
  if (instance->elements.size() > kMaxStepsPerCommand) {  // one that holds very much ends step by step
    const std::set<Key> ending = what_ends(*instance, command.terminations, scopes);
    for (const Key key : ending) {
      if (!ending.contains(instance->find(key)->scope)) push(Step::Kind::kTerminate, command.instance, key);
    }
  } else {
    for (const Key key : command.terminations) end_element(command.instance, key, scopes);
  }
  for (const Key scope : scopes) {
    const Instance* after = state_.instance(command.instance);
    const ElementInstance* element = after ? after->find(scope) : nullptr;
    if (element && element->interrupted && !element->loop) writer_.append(ScopeResumed{command.instance, scope});
  }
}

// At once, and with it each scope around it that is left with nothing in it, but for those in which something is about to begin.
void Processor::end_element(Key instance_key, Key key, const std::set<Key>& scopes) {
  while (key != 0) {
    const Instance* instance = state_.instance(instance_key);
    const ElementInstance* element = instance ? instance->find(key) : nullptr;
    if (!element || element->state == Lifecycle::kTerminating) return;
    const Key scope = element->scope;
    end_at_once(instance_key, key);
    instance = state_.instance(instance_key);
    const ElementInstance* around = instance ? instance->find(scope) : nullptr;
    if (!around || around->children > 0 || around->active_flows > 0 || scopes.contains(scope)) return;
    key = scope;
  }
}

// From outside to inside it begins to end, the youngest first, and ends the other way round: what ends last in a scope ends that too.
void Processor::end_at_once(Key instance_key, Key element_instance) {
  std::vector<std::pair<Key, Key>> open = {{instance_key, element_instance}}, ending;
  while (!open.empty()) {
    const auto [owner, key] = open.back();
    open.pop_back();
    const Key child = state_.instance(owner)->find(key)->child;
    writer_.append(ElementTerminating{owner, key});
    ending.emplace_back(owner, key);
    if (child != 0 && state_.instance(child)) open.emplace_back(child, child);
    for (const Key inner : state_.instance(owner)->children_of(key)) open.emplace_back(owner, inner);
  }
  for (const auto& [owner_key, key] : std::views::reverse(ending)) {
    const Instance* owner = state_.instance(owner_key);
    const ElementInstance* element = owner ? owner->find(key) : nullptr;
    if (element && element->children == 0) finish_terminating(owner_key, key);
  }
}

std::string Processor::find_fault(const Instance& instance, const ModifyInstance& command) const {
  if (command.activations.size() + command.terminations.size() > kMaxInstructions)
    return "instructions than the " + std::to_string(kMaxInstructions) + " that are allowed";
  std::size_t bytes = 0;
  for (const ModifyInstance::Activation& activation : command.activations) {
    for (const ModifyInstance::Variables& given : activation.variables) bytes += size_of(given.variables);
  }
  if (const std::string problem = check_room(instance, bytes); !problem.empty()) return "variable instructions, but " + problem;
  std::string unknown;
  for (const ModifyInstance::Activation& activation : command.activations) {
    if (!instance.process->find(activation.element)) unknown += (unknown.empty() ? "" : ", ") + quoted(activation.element);
  }
  if (!unknown.empty()) return "activate instructions with an element that could not be found: " + unknown;
  for (const ModifyInstance::Activation& activation : command.activations) {
    if (std::string fault = find_fault(instance, activation); !fault.empty()) return fault;
  }
  for (const Key key : command.terminations) {
    if (!instance.find(key)) unknown += (unknown.empty() ? "" : ", ") + quoted(std::to_string(key));
  }
  if (!unknown.empty()) return "terminate instructions with an element instance that could not be found: " + unknown;
  return {};
}

std::string Processor::find_fault(const Instance& instance, const ModifyInstance::Activation& activation) const {
  const model::Process& process = *instance.process;
  const ElementIndex target = process.by_id.at(activation.element);
  if (const std::string why = why_unsupported(process.elements[target]); !why.empty())
    return "activate instructions for elements that are unsupported: " + quoted(activation.element) + ". " + why + ".";
  const std::vector<FlowScope> scopes = scopes_around(process, target);
  if (activation.ancestor != 0) {
    const ElementInstance* ancestor = instance.find(activation.ancestor);
    if (!ancestor || ancestor->state != Lifecycle::kActivated)
      return "activate instructions with an ancestor scope key that does not exist, or is not in an active state: " +
             quoted(std::to_string(activation.ancestor));
    if (std::ranges::none_of(scopes, [&](const FlowScope& scope) { return is_of(scope, *ancestor); }))
      return "activate instructions with an ancestor scope key that is not an ancestor of the element to activate: " +
             quoted(activation.element);
  }
  for (const ModifyInstance::Variables& given : activation.variables) {
    const bool known = given.scope.empty() || given.scope == activation.element || std::ranges::any_of(scopes, [&](const FlowScope& scope) {
                         return process.elements[scope.element].id == given.scope;
                       });
    if (!known) return "variable instructions with a scope element id that could not be found: " + quoted(given.scope);
    if (const std::string problem = check_variables(given.variables); !problem.empty()) return "variable instructions, but " + problem;
  }
  Key within = activation.ancestor != 0 ? activation.ancestor : instance.key;
  for (const FlowScope& scope : scopes) {
    const bool is_below_named = activation.ancestor != 0 && !is_around(instance, activation.ancestor, scope);
    const std::expected<Key, std::string> found =
        within == 0 || is_below_named ? std::expected<Key, std::string>(0) : find_scope(instance, within, scope);
    if (!found) return found.error();
    within = *found;  // 0: it and those below are made
    if (within == 0 && process.elements[scope.element].loop)
      return "activate instructions that would result in the activation of multi-instance element " +
             quoted(process.elements[scope.element].id) + ", which is currently unsupported.";
  }
  return {};
}

// The active instance of `scope` at or below `within`; 0: there is none.
std::expected<Key, std::string> Processor::find_scope(const Instance& instance, Key within, const FlowScope& scope) const {
  const auto lies_within = [&](Key key) {
    while (key != 0 && key != within) key = instance.find(key)->scope;
    return key != 0;
  };
  if (is_around(instance, within, scope)) return within;  // it settles what is around it
  Key found = 0;
  for (const auto& [key, element] : instance.elements) {
    if (!is_of(scope, element) || element.state != Lifecycle::kActivated || !lies_within(key)) continue;
    if (found != 0)
      return std::unexpected("activate instructions for an element that has a flow scope with more than one active instance: " +
                             quoted(instance.process->elements[scope.element].id) +
                             ". Can't decide in which instance of the flow scope the element should be activated. Please specify an "
                             "ancestor element instance key for this activate instruction.");
    found = key;
  }
  return found;
}

void Processor::begin_element(Key instance_key, const ModifyInstance::Activation& activation, std::set<Key>& scopes) {
  const model::ProcessPointer process = state_.instance(instance_key)->process;
  const ElementIndex target = process->by_id.at(activation.element);
  const auto give_variables = [&](Key key, std::string_view element) {
    for (const ModifyInstance::Variables& given : activation.variables) {
      if (given.scope == element && !given.variables.empty()) writer_.append(VariablesSet{instance_key, key, given.variables});
    }
  };
  give_variables(instance_key, "");
  scopes.insert(instance_key);
  Key within = activation.ancestor != 0 ? activation.ancestor : instance_key;
  for (const FlowScope& scope : scopes_around(*process, target)) {
    const std::string& id = process->elements[scope.element].id;
    const Instance& instance = *state_.instance(instance_key);
    const bool is_below_named = activation.ancestor != 0 && !is_around(instance, activation.ancestor, scope);  // where all is made anew
    Key found = is_below_named ? 0 : find_scope(instance, within, scope).value_or(within);
    const bool is_new = found == 0;
    if (is_new) {
      found = writer_.next_key();
      writer_.append(ElementActivating{instance_key, found, within, id, taken_by(instance_key, within, scope.element)});
    }
    if (is_of(scope, *state_.instance(instance_key)->find(found))) give_variables(found, id);
    if (is_new && !begin_scope(instance_key, found)) return;
    within = found;
    scopes.insert(found);
  }
  Step& step = push(Step::Kind::kBegin, instance_key, within);
  step.element = activation.element;
  step.result.emplace();
  for (const ModifyInstance::Variables& given : activation.variables) {
    if (given.scope != activation.element) continue;
    for (const auto& [name, value] : given.variables) step.result->insert_or_assign(name, value);
  }
}

void Processor::begin_in(const Instance& instance, const ElementInstance& scope, const Step& step) {
  const ElementIndex element = instance.process->by_id.at(step.element);
  if (!instance.lets_go_on(scope, element)) return;
  const Key instance_key = instance.key, key = writer_.next_key();
  writer_.append(ElementActivating{instance_key, key, scope.key, step.element, taken_by(instance_key, scope.key, element)});
  if (step.result && !step.result->empty()) writer_.append(VariablesSet{instance_key, key, *step.result});
  go_on_activating(instance_key, key);
}

// How many of the scope's tokens an element takes that begins without one of its own: as many as if they had come, as far as there are
// any. So does Zeebe, and a scope may complete while a token waits at a gateway of it.
std::int32_t Processor::taken_by(Key instance_key, Key scope, ElementIndex element) const {
  const Instance& instance = *state_.instance(instance_key);
  const Element& definition = instance.process->elements[element];
  const std::int32_t there = instance.find(scope)->active_flows;
  switch (definition.kind) {
    case ElementKind::kStartEvent:
    case ElementKind::kBoundaryEvent: return 0;
    case ElementKind::kIntermediateCatchEvent:
      return definition.incoming.empty() || definition.after_event_gateway ? 0 : std::min(there, 1);
    case ElementKind::kParallelGateway: return std::min(there, static_cast<std::int32_t>(definition.incoming.size()));
    case ElementKind::kInclusiveGateway: return definition.joins() ? tokens_at(*instance.find(scope), definition) : std::min(there, 1);
    case ElementKind::kEventSubProcess: return instance.process->elements[definition.start_event].interrupting ? there : 0;
    default: return std::min(there, 1);
  }
}

// As when a token had come, but nothing in it begins by itself, and its inputs are not applied: it has what the modification gives
// it. False: an incident was raised.
bool Processor::begin_scope(Key instance_key, Key scope) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(scope);
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, waits_around(instance, element), waits, element.key)) return false;
  open_waits(instance_key, scope, waits);
  activated(instance_key, scope);
  return true;
}

// A scope that is left without anything in it ends as well, and so on outwards.
std::set<Key> Processor::what_ends(const Instance& instance, const std::vector<Key>& element_instances, const std::set<Key>& kept) {
  std::set<Key> ending(element_instances.begin(), element_instances.end());
  std::vector<Key> open(ending.begin(), ending.end());
  std::map<Key, std::int32_t> ended;  // children of a scope
  while (!open.empty()) {
    const ElementInstance* element = instance.find(open.back());
    open.pop_back();
    const ElementInstance* scope = element ? instance.find(element->scope) : nullptr;
    if (!scope || ++ended[scope->key] < scope->children || scope->active_flows > 0 || kept.contains(scope->key)) continue;
    if (ending.insert(scope->key).second) open.push_back(scope->key);
  }
  return ending;
}

// ---- migration

void Processor::operator()(const MigrateInstance& command) {
  const Instance* instance = state_.instance(command.instance);
  if (!instance)
    return reject(Rejection::Code::kNotFound,
                  "Expected to migrate process instance but no process instance found with key '" + std::to_string(command.instance) + "'");
  const Definition* target = state_.definition(command.target);
  if (!target)
    return reject(Rejection::Code::kNotFound,
                  "Expected to migrate process instance to process definition but no process definition found with key '" +
                      std::to_string(command.target) + "'");
  const std::string expected = "Expected to migrate process instance " + quoted(std::to_string(command.instance)) + " but ";
  if (const std::string fault = find_fault(*instance, *target, command); !fault.empty())
    return reject(Rejection::Code::kInvalidArgument, expected + fault);
  const std::map<std::string, std::string> mapping(command.mapping.begin(), command.mapping.end());
  std::map<Key, std::vector<Wait>> waits;
  for (const auto& [key, element] : instance->elements) {
    if (key == instance->key) continue;
    std::string fault = find_fault(*instance, element, *target, mapping);
    if (fault.empty()) fault = find_wait_fault(*instance, element, *target, mapping, waits[key]);
    if (!fault.empty()) return reject(Rejection::Code::kInvalidState, expected + fault);
  }
  if (command.effect == Effect::kOnlyChecked) return;
  Context names;
  for (const auto& [from, to] : mapping) names.emplace(from, feel::Value(to));
  writer_.append(InstanceMigrated{command.instance, command.target, std::move(names)});
  for (const auto& [key, opened] : waits) open_waits(command.instance, key, opened);
}

std::string Processor::find_fault(const Instance& instance, const Definition& target, const MigrateInstance& command) const {
  std::set<std::string> sources;
  for (const auto& [from, to] : command.mapping) {
    if (!sources.insert(from).second) return "the mapping instructions contain duplicate source element ids '[" + from + "]'.";
    if (!instance.process->find(from))
      return "mapping instructions contain a non-existing source process element id " + quoted(from) +
             ". Elements provided in mapping instructions must exist in the source process definition.";
    if (!target.process->find(to))
      return "mapping instructions contain a non-existing target process element id " + quoted(to) +
             ". Elements provided in mapping instructions must exist in the target process definition.";
  }
  const Key holder = instance.lock_key.empty() ? 0 : state_.locked_by(target.process->id, instance.lock_key);
  if (holder != 0 && holder != instance.key)
    return "the target process has the active instance " + quoted(std::to_string(holder)) +
           " that a message with the same correlation key started.";
  return {};
}

// What repeats or has begun only in part stays where it is, as with Zeebe 8.5.
std::string Processor::find_fault(const Instance& instance, const ElementInstance& element, const Definition& target,
                                  const std::map<std::string, std::string>& mapping) const {
  const Element& from = instance.element_of(element);
  const auto found = mapping.find(from.id);
  if (found == mapping.end())
    return "no mapping instruction defined for active element with id " + quoted(from.id) +
           ". Elements cannot be migrated without a mapping.";
  const Element& to = *target.process->find(found->second);
  if (from.kind != to.kind)
    return "active element with id " + quoted(from.id) + " and type " + quoted(type_name(from)) + " is mapped to an element with id " +
           quoted(to.id) + " and different type " + quoted(type_name(to)) + ". Elements must be mapped to elements of the same type.";
  const ElementInstance& around = *instance.find(element.scope);
  const std::string& scope = target.process->elements[to.scope].id;
  const auto becomes = mapping.find(instance.element_of(around).id);
  const bool same_scope = around.scope == 0 ? to.scope == model::kProcessElement : becomes != mapping.end() && becomes->second == scope;
  if (!same_scope)
    return "the flow scope of active element with id " + quoted(from.id) +
           " is changed. The flow scope of the active element is expected to be the same in the target process.";
  constexpr std::array kMovable = {ElementKind::kServiceTask, ElementKind::kUserTask, ElementKind::kSubProcess, ElementKind::kCallActivity};
  if (std::ranges::find(kMovable, from.kind) == kMovable.end())
    return "active element with id " + quoted(from.id) + " has an unsupported type. The migration of a " + quoted(type_name(from)) +
           " is not supported.";
  const auto stays = [](const Element& e) { return e.loop || !e.event_sub_processes.empty(); };
  const bool has_begun = element.state == Lifecycle::kActivated || element.incident != 0 || element.is_heard();
  if (stays(from) || stays(to) || !has_begun)
    return "active element with id " + quoted(from.id) +
           " repeats, has event sub-processes or has not begun yet. Migrating such elements is not possible yet.";
  const bool has_tokens = element.active_flows > 0 || around.active_flows > 0 || !instance.pending.empty();
  const bool root_waits =
      !instance.process->elements[0].event_sub_processes.empty() || !target.process->elements[0].event_sub_processes.empty();
  if (has_tokens || root_waits)
    return "a token waits at a gateway, or its process has event sub-processes. Migrating such instances is not possible yet.";
  return {};
}

// Its message boundary events end, and those of the element that it becomes begin: gathered in `waits`. Events of other kinds hold it, and
// so do those that are mapped, or of one name on both sides: which of the two was heard would be left open.
std::string Processor::find_wait_fault(const Instance& instance, const ElementInstance& element, const Definition& target,
                                       const std::map<std::string, std::string>& mapping, std::vector<Wait>& waits) const {
  const Element& from = instance.element_of(element);
  const Element& to = *target.process->find(mapping.at(from.id));
  const std::string active = "active element with id " + quoted(from.id);
  const auto holding = [](const model::Process& process, const Element& e) -> const Element* {
    for (const ElementIndex event : e.boundary_events) {
      if (process.elements[event].event != model::EventKind::kMessage) return &process.elements[event];
    }
    return nullptr;
  };
  for (const Element* event : {holding(*instance.process, from), holding(*target.process, to)}) {
    if (event)
      return active + " has the boundary event " + quoted(event->id) +
             ", or is mapped to an element that has. Of boundary events only those of messages let their element migrate.";
  }
  std::set<std::string_view> names;
  for (const Key key : instance.waits_of(element.key)) {
    const auto subscription = instance.subscriptions.find(key);
    if (subscription == instance.subscriptions.end()) continue;
    names.insert(subscription->second.name);
    if (const std::string& id = instance.process->elements[subscription->second.target].id; mapping.contains(id))
      return active + " is subscribed to mapped catch event with id " + quoted(id) +
             ". Migrating active elements with mapped catch events is not possible yet.";
  }
  for (const ElementIndex index : to.boundary_events) {
    const std::string& id = target.process->elements[index].id;
    const std::string becomes = active + " is mapped to element with id " + quoted(to.id) + " that must be subscribed to ";
    if (std::ranges::any_of(mapping, [&](const auto& item) { return item.second == id; }))
      return becomes + "mapped catch event with id " + quoted(id) +
             ". Migrating active elements with mapped catch events is not possible yet.";
    if (element.state == Lifecycle::kActivating) continue;  // it will wait when it has begun
    auto wait = evaluate_wait(instance, element.key, *target.process, index);
    if (!wait) return becomes + "message catch event with id " + quoted(id) + ". " + wait.error().message;
    if (names.contains(wait->name))
      return active + " attempts to subscribe to a message it is already subscribed to with name " + quoted(wait->name) +
             ". Migrating active elements that stay subscribed to a message is not possible yet.";
    waits.push_back(std::move(*wait));
  }
  return {};
}

}  // namespace consilium::bpmn::engine

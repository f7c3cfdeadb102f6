// Inclusive gateways that join: one goes on as soon as no more tokens can come to it. That is asked when nothing else is to be done, so
// that no token is on its way: each is in an element instance, or waits at a gateway.
#include <algorithm>

#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;
using model::ElementKind;

namespace {

bool joins_inclusively(const Element& element) { return element.kind == ElementKind::kInclusiveGateway && element.joins(); }

// The elements from which a token may come to one of these flows, not by way of `gateway`.
std::vector<bool> ways_to(const model::Process& process, const std::vector<model::FlowIndex>& flows, ElementIndex gateway) {
  std::vector<bool> found(process.elements.size());
  std::vector<ElementIndex> open;
  const auto reach = [&](ElementIndex element) {
    if (element == gateway || found[element]) return;
    found[element] = true;
    open.push_back(element);
  };
  for (const model::FlowIndex flow : flows) reach(process.flows[flow].source);
  while (!open.empty()) {
    const Element& element = process.elements[open.back()];
    open.pop_back();
    for (const model::FlowIndex flow : element.incoming) reach(process.flows[flow].source);
    for (const ElementIndex thrower : element.link_sources) reach(thrower);
    if (element.kind == ElementKind::kBoundaryEvent) reach(element.attached_to);
  }
  return found;
}

// Those that go on now, of the gateways of a scope where tokens wait. A token that waits at another gateway counts as one that may come,
// unless none would go on then: as with Zeebe nothing waits for what is stuck.
std::vector<ElementIndex> ready_joins(const Instance& instance, const ElementInstance& scope) {
  const model::Process& process = *instance.process;
  std::set<ElementIndex> waiting;
  for (const auto& [flow, tokens] : scope.waiting_tokens) waiting.insert(process.flows[flow].target);
  std::set<ElementIndex> active;
  for (const Key child : instance.children_of(scope.key)) active.insert(instance.find(child)->element);
  std::vector<ElementIndex> ready;
  std::vector<ElementIndex> held;
  for (const ElementIndex index : waiting) {
    const Element& gateway = process.elements[index];
    if (!joins_inclusively(gateway)) continue;
    std::vector<model::FlowIndex> open;
    std::ranges::copy_if(gateway.incoming, std::back_inserter(open),
                         [&](model::FlowIndex flow) { return !scope.waiting_tokens.contains(flow); });
    const std::vector<bool> leads_here = ways_to(process, open, index);
    const auto may_come = [&](ElementIndex from) { return leads_here[from]; };
    if (std::ranges::any_of(active, may_come)) continue;
    (std::ranges::any_of(waiting, may_come) ? held : ready).push_back(index);
  }
  if (ready.empty() && !held.empty()) ready.push_back(held.front());
  return ready;
}

}  // namespace

// On how many of its flows.
std::int32_t Processor::tokens_at(const ElementInstance& scope, const Element& gateway) {
  return static_cast<std::int32_t>(
      std::ranges::count_if(gateway.incoming, [&](model::FlowIndex flow) { return scope.waiting_tokens.contains(flow); }));
}

// An instance that goes on may have got there in an earlier command.
void Processor::note_joins(const Instance& instance) {
  if (!instance.process->has_inclusive_joins) return;
  for (const auto& [key, element] : instance.elements) {
    if (!element.waiting_tokens.empty()) joins_.emplace(instance.key, key);
  }
}

// Where steps of the instance are still to be done, it is asked again after them.
void Processor::go_on_at_joins() {
  joins_.merge(writer_.take_changed_scopes());
  if (joins_.empty()) return;
  std::set<Key> moving;
  for (const Step& step : steps_) moving.insert(step.instance);
  for (const auto& [instance_key, scope_key] : std::exchange(joins_, {})) {
    const Instance* instance = state_.instance(instance_key);
    const ElementInstance* scope = instance ? instance->find(scope_key) : nullptr;
    if (!scope || scope->state != Lifecycle::kActivated || !instance->pending.empty() || moving.contains(instance_key)) continue;
    for (const ElementIndex gateway : ready_joins(*instance, *scope)) {
      const Element& definition = instance->process->elements[gateway];
      push_activate(instance_key, scope_key, definition, tokens_at(*scope, definition), std::nullopt);
    }
  }
}

}  // namespace consilium::bpmn::engine

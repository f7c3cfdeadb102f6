// What is deployed, and deleted again: all of a deployment or nothing of it.
#include <algorithm>
#include <iterator>

#include "bpmn/dmn/reader.h"
#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

namespace {

// What is deployed as it was before, under the same name: no new version, or one all the same.
enum class Unchanged : std::uint8_t { kKept, kDeployedAgain };

// An element that takes what was deployed together with its process.
struct BoundElement {
  std::string file;
  std::string element;
  Deployable kind = Deployable::kProcess;
  std::optional<std::string> id;  // absent: an expression says it
};

std::string_view name_of(Deployable kind) {
  return kind == Deployable::kProcess ? "process" : kind == Deployable::kForm ? "form" : "decision";
}

std::vector<BoundElement> bound_elements(const std::string& file, const model::Process& process) {
  std::vector<BoundElement> found;
  const auto look = [&](const model::Element& element, Deployable kind, const model::Binding& binding, const feel::Expression& id) {
    if (binding.kind != model::Binding::Kind::kDeployment) return;
    found.push_back({file, element.id, kind, id.is_static() ? std::optional(id.text()) : std::nullopt});
  };
  for (const model::Element& element : process.elements) {
    if (element.called) look(element, Deployable::kProcess, element.called->binding, element.called->process_id);
    if (element.decision) look(element, Deployable::kDecision, element.decision->binding, element.decision->decision_id);
    if (!element.job) continue;
    for (const model::ComputedHeader& header : element.job->computed_headers)
      look(element, Deployable::kForm, header.binding, header.value);
  }
  return found;
}

}  // namespace

// What a deployment would do, and all that is wrong with it.
struct Processor::Plan {
  Unchanged unchanged = Unchanged::kKept;
  std::vector<Event> events;
  std::vector<DeployedProcess> processes;
  std::vector<DeployedRequirements> requirements;
  std::vector<DeployedForm> forms;
  std::vector<model::Finding> findings;
  std::set<std::pair<Deployable, std::string>> ids;
  std::vector<BoundElement> bound_elements;
  std::set<Key> bound;  // processes that have such elements
  Key next = 0;

  void find_unbound();
  std::vector<ProcessBound::Target> targets() const;
  bool is_new(Deployable kind, const std::string& id) { return ids.insert({kind, id}).second; }
};

void Processor::Plan::find_unbound() {
  for (const BoundElement& element : bound_elements) {
    if (!element.id || ids.contains({element.kind, *element.id})) continue;
    findings.push_back(
        {element.file, element.element,
         "the " + std::string(name_of(element.kind)) + " '" + *element.id + "' is bound to the deployment, but is not part of it"});
  }
}

std::vector<ProcessBound::Target> Processor::Plan::targets() const {
  std::vector<ProcessBound::Target> all;
  for (const DeployedProcess& process : processes) all.push_back({Deployable::kProcess, process.process_id, process.key});
  for (const DeployedRequirements& file : requirements) {
    for (const DeployedDecision& decision : file.decisions) all.push_back({Deployable::kDecision, decision.id, decision.key});
  }
  for (const DeployedForm& form : forms) all.push_back({Deployable::kForm, form.id, form.key});
  return all;
}

void Processor::plan_resources(const Deploy& command, Plan& plan) const {
  plan.next = writer_.next_key() + 1;
  for (const Resource& resource : command.resources) {
    if (resource.name.ends_with(".dmn"))
      plan_decisions(resource, plan);
    else if (resource.name.ends_with(".form"))
      plan_form(resource, plan);
    else if (resource.name.ends_with(".bpmn") || resource.name.ends_with(".xml"))
      plan_model(resource, command.replaced, plan);
    else
      plan.findings.push_back({resource.name, "", "unknown resource type: the name must end in .bpmn, .xml, .dmn or .form"});
  }
  plan.find_unbound();
}

// A process that is bound to its deployment and has not changed, but what it is bound to has: it needs a new version, and as with newer
// versions of Zeebe all of the deployment gets one.
bool Processor::binds_anew(const Plan& plan) const {
  if (plan.bound.empty()) return false;
  const std::vector<ProcessBound::Target> targets = plan.targets();
  return std::ranges::any_of(plan.bound, [&](Key process) {
    const ProcessBound* before = state_.bound(process);
    return state_.definition(process) && (!before || !std::ranges::is_permutation(before->targets, targets));
  });
}

void Processor::operator()(const Deploy& command) {
  if (command.resources.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to deploy at least one resource, but none given");
  const Key deployment = writer_.next_key();
  Plan plan;
  plan_resources(command, plan);
  if (plan.findings.empty() && binds_anew(plan)) {
    plan = Plan{Unchanged::kDeployedAgain};
    plan_resources(command, plan);
  }
  if (!plan.findings.empty()) {
    reject(Rejection::Code::kInvalidArgument, "Expected to deploy new resources, but encountered the following errors:");
    outcome_.rejection->findings = std::move(plan.findings);
    return;
  }
  const std::vector<ProcessBound::Target> targets = plan.bound.empty() ? std::vector<ProcessBound::Target>() : plan.targets();
  outcome_.processes = std::move(plan.processes);
  outcome_.requirements = std::move(plan.requirements);
  outcome_.forms = std::move(plan.forms);
  if (command.effect == Effect::kOnlyChecked) return;
  outcome_.key = deployment;
  writer_.append(DeploymentMade{deployment});
  std::vector<std::pair<Key, Key>> replaced;  // by which process
  for (Event& event : plan.events) {
    const auto* deployed = std::get_if<ProcessDeployed>(&event);
    const Definition* before = deployed ? state_.newest(deployed->process_id) : nullptr;
    if (deployed) replaced.emplace_back(before ? before->key : 0, deployed->key);
    writer_.append(std::move(event));
  }
  for (const auto& [before, now] : replaced) {
    if (plan.bound.contains(now)) writer_.append(ProcessBound{now, targets});
  }
  for (const auto& [before, now] : replaced) {
    if (before != 0) cancel_starts(before);
    schedule_starts(*state_.definition(now));
  }
}

// The same content under the same name is no new version.
void Processor::plan_model(const Resource& resource, Deploy::Replaced replaced, Plan& plan) const {
  model::ReadOptions options;
  if (options_.known_job_types) options.known_job_types = &*options_.known_job_types;
  auto read = model::read_model(resource.name, resource.content, options);
  if (!read) {
    plan.findings.insert(plan.findings.end(), read.error().begin(), read.error().end());
    return;
  }
  if (read->size() * resource.content.size() > kMaxFileBytes)
    plan.findings.push_back({resource.name, "", "the file holds too many processes for its size: in several files they can be deployed"});
  for (const model::ProcessPointer& process : *read) {
    if (!plan.is_new(Deployable::kProcess, process->id))
      plan.findings.push_back({resource.name, process->id, "the process is deployed twice at once"});
    std::vector<BoundElement> bound = bound_elements(resource.name, *process);
    const bool is_bound = !bound.empty();
    std::ranges::move(bound, std::back_inserter(plan.bound_elements));
    const Definition* newest = state_.newest(process->id);
    const bool is_same = newest && newest->xml == resource.content && newest->resource_name == resource.name;
    if (is_same && plan.unchanged == Unchanged::kKept) {
      plan.processes.push_back({process->id, newest->version, newest->key, resource.name});
      if (is_bound) plan.bound.insert(newest->key);
      continue;
    }
    if (replaced == Deploy::Replaced::kLeft && was_deployed(process->id, resource)) {
      plan.processes.push_back({process->id, newest->version, newest->key, resource.name});
      continue;
    }
    find_start_faults(resource.name, *process, plan.findings);
    const std::int32_t version = state_.next_version(Deployable::kProcess, process->id);
    plan.processes.push_back({process->id, version, plan.next, resource.name});
    if (is_bound) plan.bound.insert(plan.next);
    plan.events.emplace_back(ProcessDeployed{plan.next++, process->id, version, resource.name, resource.content});
  }
}

bool Processor::was_deployed(std::string_view process_id, const Resource& resource) const {
  const Definition* newest = state_.newest(process_id);
  for (std::int32_t version = newest ? newest->version : 0; version > 0; --version) {
    const Definition* known = state_.version(process_id, version);
    if (known && known->resource_name == resource.name && known->xml == resource.content) return true;
  }
  return false;
}

namespace {

DeployedRequirements described(const Requirements& deployed, const dmn::Model& model) {
  DeployedRequirements made{deployed.id, model.name, deployed.version, deployed.key, deployed.resource_name, {}};
  for (const DecisionsDeployed::Decision& decision : deployed.decisions)
    made.decisions.push_back({decision.id, model.find_decision(decision.id)->name, decision.version, decision.key});
  return made;
}

}  // namespace

DeployedRequirements describe(const Requirements& deployed) { return described(deployed, *deployed.model); }

void Processor::plan_decisions(const Resource& resource, Plan& plan) const {
  dmn::ReadResult read = dmn::read_model(resource.name, resource.content, {}, dmn::Types::kIgnored);
  plan.findings.insert(plan.findings.end(), read.findings.begin(), read.findings.end());
  if (!read.model) return;
  const dmn::Model& model = *read.model;
  const auto find = [&](const std::string& id, const char* message) { plan.findings.push_back({resource.name, id, message}); };
  if (model.id.empty() || model.id.size() > model::kMaxIdBytes) find("", "the definitions need an id up to 255 bytes");
  if (!plan.is_new(Deployable::kRequirements, model.id)) find(model.id, "the decision requirements are deployed twice at once");
  for (const dmn::Decision& decision : model.decisions) {
    if (!plan.is_new(Deployable::kDecision, decision.id)) find(decision.id, "the decision is deployed twice at once");
    if (!decision.has_logic) find(decision.id, "the decision has no expression");
    if (decision.version_tag.size() > model::kMaxIdBytes) find(decision.id, "the version tag is longer than 255 bytes");
  }
  const Requirements* newest = state_.newest_requirements(model.id);
  const bool is_same = newest && newest->xml == resource.content && newest->resource_name == resource.name &&
                       plan.unchanged == Unchanged::kKept &&
                       std::all_of(newest->decisions.begin(), newest->decisions.end(),
                                   [&](const auto& decision) { return state_.newest_decision(decision.id) == decision.key; });
  if (is_same) {
    plan.requirements.push_back(describe(*newest));
    return;
  }
  Requirements made;
  made.key = plan.next++;
  made.id = model.id;
  made.version = state_.next_version(Deployable::kRequirements, model.id);
  made.resource_name = resource.name;
  for (const dmn::Decision& decision : model.decisions)
    made.decisions.push_back({plan.next++, decision.id, state_.next_version(Deployable::kDecision, decision.id)});
  plan.requirements.push_back(described(made, model));
  plan.events.emplace_back(
      DecisionsDeployed{made.key, made.id, made.version, made.resource_name, resource.content, std::move(made.decisions)});
}

// Of its content only the id and the version tag are looked at.
void Processor::plan_form(const Resource& resource, Plan& plan) const {
  const auto find = [&](std::string message) { plan.findings.push_back({resource.name, "", std::move(message)}); };
  auto form = read_form(resource.content);
  if (!form) return find(std::move(form).error());
  const std::string& id = form->id;
  if (!plan.is_new(Deployable::kForm, id)) return find("the form '" + id + "' is deployed twice at once");
  const Form* newest = state_.newest_form(id);
  if (plan.unchanged == Unchanged::kKept && newest && newest->content == resource.content && newest->resource_name == resource.name) {
    plan.forms.push_back({id, newest->version, newest->key, resource.name});
    return;
  }
  const std::int32_t version = state_.next_version(Deployable::kForm, id);
  plan.forms.push_back({id, version, plan.next, resource.name});
  plan.events.emplace_back(FormDeployed{plan.next++, id, version, resource.name, resource.content});
}

// ---- bindings

// 0: there is none.
Key Processor::find_version(const Instance& instance, Deployable kind, std::string_view id, const model::Binding& binding) const {
  switch (binding.kind) {
    case model::Binding::Kind::kLatest: return state_.newest_key(kind, id);
    case model::Binding::Kind::kDeployment: return state_.deployed_with(instance.process_key, kind, id);
    case model::Binding::Kind::kVersionTag: return state_.tagged(kind, id, binding.version_tag);
  }
  return 0;
}

// Of which it is not: for the message that there is none.
std::string Processor::among(const model::Binding& binding) {
  switch (binding.kind) {
    case model::Binding::Kind::kLatest: return "";
    case model::Binding::Kind::kDeployment: return " in the deployment of this version of the process";
    case model::Binding::Kind::kVersionTag: return " with the version tag '" + binding.version_tag + "'";
  }
  return "";
}

// ---- deletion

void Processor::operator()(const DeleteResource& command) {
  if (const Definition* definition = state_.definition(command.resource)) return delete_process(*definition);
  if (state_.requirements(command.resource)) return writer_.append(DecisionsDeleted{command.resource});
  if (state_.form(command.resource)) return writer_.append(FormDeleted{command.resource});
  reject(Rejection::Code::kNotFound,
         "Expected to delete resource but no resource found with key `" + std::to_string(command.resource) + "`");
}

// The version before it is the newest one then, and what starts it is heard again.
void Processor::delete_process(const Definition& definition) {
  const Key key = definition.key;
  if (state_.active_instances(key) > 0)
    return reject(Rejection::Code::kInvalidState,
                  "Expected to delete resource with key `" + std::to_string(key) + "` but there are still running instances");
  const std::string id = definition.process->id;
  const bool was_newest = state_.newest(id) == &definition;
  cancel_starts(key);
  writer_.append(ProcessDeleted{key});
  if (const Definition* before = was_newest ? state_.newest(id) : nullptr) schedule_starts(*before);
}

}  // namespace consilium::bpmn::engine

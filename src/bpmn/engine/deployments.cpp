// What is deployed, and deleted again: all of a deployment or nothing of it.
#include <algorithm>

#include "bpmn/dmn/reader.h"
#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

// What a deployment would do, and all that is wrong with it.
struct Processor::Plan {
  std::vector<Event> events;
  std::vector<DeployedProcess> processes;
  std::vector<DeployedRequirements> requirements;
  std::vector<DeployedForm> forms;
  std::vector<model::Finding> findings;
  std::set<std::pair<Deployable, std::string>> ids;
  Key next = 0;

  bool is_new(Deployable kind, const std::string& id) { return ids.insert({kind, id}).second; }
};

void Processor::operator()(const Deploy& command) {
  if (command.resources.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to deploy at least one resource, but none given");
  Plan plan;
  const Key deployment = writer_.next_key();
  plan.next = deployment + 1;
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
  if (!plan.findings.empty()) {
    reject(Rejection::Code::kInvalidArgument,
           "Expected to deploy new resources, but " + std::to_string(plan.findings.size()) + " problems were found in them");
    outcome_.rejection->findings = std::move(plan.findings);
    return;
  }
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
  for (const model::ProcessPointer& process : *read) {
    if (!plan.is_new(Deployable::kProcess, process->id))
      plan.findings.push_back({resource.name, process->id, "the process is deployed twice at once"});
    const Definition* newest = state_.newest(process->id);
    if (newest && newest->xml == resource.content && newest->resource_name == resource.name) {
      plan.processes.push_back({process->id, newest->version, newest->key, resource.name});
      continue;
    }
    if (replaced == Deploy::Replaced::kLeft && was_deployed(process->id, resource)) {
      plan.processes.push_back({process->id, newest->version, newest->key, resource.name});
      continue;
    }
    find_start_faults(resource.name, *process, plan.findings);
    const std::int32_t version = state_.next_version(Deployable::kProcess, process->id);
    plan.processes.push_back({process->id, version, plan.next, resource.name});
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
  }
  const Requirements* newest = state_.newest_requirements(model.id);
  const bool is_same = newest && newest->xml == resource.content && newest->resource_name == resource.name &&
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

// Of its content only the id is looked at.
void Processor::plan_form(const Resource& resource, Plan& plan) const {
  const auto find = [&](std::string message) { plan.findings.push_back({resource.name, "", std::move(message)}); };
  if (resource.content.size() > model::kMaxModelBytes) return find("larger than 4 MB");
  const auto parsed = feel::parse_json(resource.content, resource.content.size());
  if (!parsed) return find("no JSON: " + parsed.error());
  const Context* members = parsed->context();
  const auto member = members ? members->find("id") : Context::const_iterator();
  const std::string* id = members && member != members->end() ? member->second.string() : nullptr;
  if (!id || id->empty() || id->size() > model::kMaxIdBytes) return find("the form needs an id up to 255 bytes");
  if (!plan.is_new(Deployable::kForm, *id)) return find("the form '" + *id + "' is deployed twice at once");
  const Form* newest = state_.newest_form(*id);
  if (newest && newest->content == resource.content && newest->resource_name == resource.name) {
    plan.forms.push_back({*id, newest->version, newest->key, resource.name});
    return;
  }
  const std::int32_t version = state_.next_version(Deployable::kForm, *id);
  plan.forms.push_back({*id, version, plan.next, resource.name});
  plan.events.emplace_back(FormDeployed{plan.next++, *id, version, resource.name, resource.content});
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

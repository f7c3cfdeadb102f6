#include "bpmn/instance_views.h"

#include <algorithm>

namespace consilium::bpmn {

using process::InstanceState;
using process::Key;

namespace {

std::string header_of(const engine::Job& job, std::string_view name) {
  const auto found = job.headers.find("io.camunda.zeebe:" + std::string(name));
  const std::string* text = found == job.headers.end() ? nullptr : found->second.string();
  return text ? *text : std::string();
}

// Headers are texts: a list is one of JSON.
std::vector<std::string> texts_of(const engine::Job& job, std::string_view name) {
  const auto parsed = feel::parse_json(header_of(job, name));
  const feel::List* list = parsed ? parsed->list() : nullptr;
  std::vector<std::string> texts;
  if (!list) return texts;
  for (const feel::Value& each : *list) {
    if (const std::string* text = each.string()) texts.push_back(*text);
  }
  return texts;
}

process::UserTaskView user_task_of(const engine::Job& job) {
  process::UserTaskView view;
  view.assignee = header_of(job, "assignee");
  view.candidate_users = texts_of(job, "candidateUsers");
  view.candidate_groups = texts_of(job, "candidateGroups");
  view.due = parse_rfc3339(header_of(job, "dueDate"));
  view.follow_up = parse_rfc3339(header_of(job, "followUpDate"));
  view.form_key = header_of(job, "formKey");
  if (const auto priority = feel::parse_json(header_of(job, "priority")))
    view.priority = model::user_task_priority(*priority);
  return view;
}

process::JobView job_view_of(const engine::Job& job) {
  process::JobView view;
  view.key = job.key;
  view.type = job.type;
  view.retries = job.retries;
  view.priority = job.priority;
  if (job.type == model::kUserTaskJobType) view.user_task = user_task_of(job);
  switch (job.state) {
    case engine::JobState::kActivatable: view.state = process::JobState::kWaiting; break;
    case engine::JobState::kActivated: view.state = process::JobState::kWithWorker; break;
    case engine::JobState::kBackingOff: view.state = process::JobState::kBackingOff; break;
    case engine::JobState::kFailed:
    case engine::JobState::kErrorThrown: view.state = process::JobState::kFailed; break;
  }
  if (view.state == process::JobState::kWithWorker) view.worker = job.worker;
  if (view.state == process::JobState::kWithWorker || view.state == process::JobState::kBackingOff) view.due = job.due;
  return view;
}

std::vector<process::WaitView> waits_of(const engine::Instance& instance, Key element_instance) {
  std::vector<process::WaitView> waits;
  const auto& elements = instance.process->elements;
  for (const auto& [key, timer] : instance.timers) {
    if (timer.element_instance == element_instance)
      waits.push_back({process::WaitView::Kind::kTimer, elements[timer.target].id, {}, {}, timer.due});
  }
  for (const auto& [key, subscription] : instance.subscriptions) {
    if (subscription.element_instance != element_instance) continue;
    const auto kind = subscription.is_signal ? process::WaitView::Kind::kSignal : process::WaitView::Kind::kMessage;
    waits.push_back({kind, elements[subscription.target].id, subscription.name, subscription.correlation_key, std::nullopt});
  }
  return waits;
}

void add_detail(process::ActiveElement& view, const engine::Instance& instance) {
  const engine::ElementInstance& element = *instance.find(view.element_instance_key);
  view.name = instance.element_of(element).name;
  view.scope_key = element.scope;
  view.started_at = element.started_at;
  if (!element.variables.empty()) view.variables = feel::to_json(element.variables);
  if (element.job != 0) view.job = job_view_of(instance.jobs.at(element.job));
  view.waits = waits_of(instance, element.key);
  view.called_instance_key = element.child;
}

process::DecisionName name_of(const engine::DecisionsDeployed::Decision& decision, const engine::Requirements& file) {
  return {decision.key, decision.id, file.model->find_decision(decision.id)->name, decision.version};
}

}  // namespace

process::InstanceView view_of(const engine::Instance& instance) {
  process::InstanceView view;
  view.key = instance.key;
  view.process_id = instance.process->id;
  view.version = instance.version;
  view.has_incident = !instance.incidents.empty();
  view.started_at = instance.started_at;
  view.variables = feel::to_json(instance.elements.at(instance.key).variables);
  for (const auto& [key, element] : instance.elements) {
    if (key == instance.key) continue;
    const model::Element& definition = instance.element_of(element);
    process::ActiveElement active;
    active.element_id = definition.id;
    active.element_type = model::name_of(definition.kind);
    active.element_instance_key = key;
    view.active.push_back(std::move(active));
  }
  return view;
}

process::InstanceView detail_of(const engine::Instance& instance) {
  process::InstanceView view = view_of(instance);
  view.model_key = instance.process_key;
  view.parent_key = instance.parent;
  for (process::ActiveElement& element : view.active) add_detail(element, instance);
  for (const auto& [key, incident] : instance.incidents) view.incidents.push_back(view_of_incident(instance, key));
  return view;
}

bool fits(const engine::Instance& instance, const process::InstanceFilter& filter) {
  if (!filter.process_id.empty() && instance.process->id != filter.process_id) return false;
  if (filter.version != 0 && instance.version != filter.version) return false;
  if (filter.has_incident && *filter.has_incident == instance.incidents.empty()) return false;
  if (filter.element_id.empty()) return true;
  const auto wanted = instance.process->by_id.find(filter.element_id);
  return wanted != instance.process->by_id.end() &&
         std::any_of(instance.elements.begin(), instance.elements.end(),
                     [&](const auto& element) { return element.second.element == wanted->second && element.first != instance.key; });
}

std::vector<process::ElementRecord> records_of(const engine::Instance& instance) {
  std::vector<process::ElementRecord> active;
  for (const auto& [key, element] : instance.elements) {
    const model::Element& definition = instance.element_of(element);
    active.push_back(
        {key, definition.id, std::string(model::name_of(definition.kind)), InstanceState::kActive, element.started_at, std::nullopt});
  }
  return active;
}

process::Incident view_of_incident(const engine::Instance& instance, Key key) {
  const engine::Incident& incident = instance.incidents.at(key);
  const model::Element& element = instance.element_of(instance.elements.at(incident.element_instance));
  return {key, instance.key, instance.process->id, element.id, incident.job, incident.error_type, incident.message,
          incident.created_at, incident.element_instance};
}

process::DecisionView view_of_decision(const engine::State& state, Key key) {
  const engine::Requirements& file = *state.requirements_of_decision(key);
  process::DecisionView view;
  for (const engine::DecisionsDeployed::Decision& each : file.decisions) {
    if (each.key == key) view.decision = name_of(each, file);
  }
  view.resource_name = file.resource_name;
  view.is_newest = state.newest_decision(view.decision.id) == key;
  view.requirements = {file.key, file.id, file.model->name, file.version};
  return view;
}

process::DecisionView detail_of_decision(const engine::State& state, Key key) {
  process::DecisionView view = view_of_decision(state, key);
  const engine::Requirements& file = *state.requirements_of_decision(key);
  view.xml = file.xml;
  for (const engine::DecisionsDeployed::Decision& each : file.decisions) view.file.push_back(name_of(each, file));
  return view;
}

void add_active(std::vector<process::ElementRecord>& ended, std::vector<process::ElementRecord> active) {
  const auto older = [](const auto& a, const auto& b) { return a.element_instance_key < b.element_instance_key; };
  std::sort(ended.begin(), ended.end(), older);
  std::erase_if(active, [&](const auto& record) { return std::binary_search(ended.begin(), ended.end(), record, older); });
  ended.insert(ended.end(), std::make_move_iterator(active.begin()), std::make_move_iterator(active.end()));
  std::sort(ended.begin(), ended.end(), older);
}

process::InstancePage page_of(std::vector<process::InstanceView> views, Key looked_down_to, std::size_t limit) {
  // One that ended between the two looks is in both: the later look is right.
  std::stable_sort(views.begin(), views.end(),
                   [](const auto& a, const auto& b) { return a.key != b.key ? a.key > b.key : a.ended_at > b.ended_at; });
  views.erase(std::unique(views.begin(), views.end(), [](const auto& a, const auto& b) { return a.key == b.key; }), views.end());
  if (looked_down_to != 0) std::erase_if(views, [&](const auto& view) { return view.key < looked_down_to; });
  process::InstancePage page;
  page.next = looked_down_to;
  if (views.size() >= limit) {
    views.resize(limit);
    page.next = views.back().key;
  }
  page.items = std::move(views);
  return page;
}

}  // namespace consilium::bpmn

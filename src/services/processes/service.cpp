#include "services/processes/service.h"

#include <charconv>

#include "base/cursor.h"

namespace consilium::processes {
namespace {

v1::InstanceState state_of(process::InstanceState state) {
  switch (state) {
    case process::InstanceState::kActive: return v1::InstanceState::kActive;
    case process::InstanceState::kCompleted: return v1::InstanceState::kCompleted;
    case process::InstanceState::kTerminated: return v1::InstanceState::kTerminated;
  }
  return v1::InstanceState::kUnspecified;
}

std::optional<process::InstanceState> port_state_of(const std::optional<v1::InstanceState>& state) {
  if (!state) return std::nullopt;
  switch (*state) {
    case v1::InstanceState::kActive: return process::InstanceState::kActive;
    case v1::InstanceState::kCompleted: return process::InstanceState::kCompleted;
    case v1::InstanceState::kTerminated: return process::InstanceState::kTerminated;
    case v1::InstanceState::kUnspecified: break;
  }
  return std::nullopt;
}

template <class T>
std::optional<T> unless_empty(T value) {
  return value == T() ? std::nullopt : std::optional(std::move(value));
}

v1::Incident view_of(process::Incident incident) {
  v1::Incident out;
  out.key = incident.key;
  out.instance_key = incident.instance_key;
  out.process_id = std::move(incident.process_id);
  out.element_id = std::move(incident.element_id);
  out.error_type = std::move(incident.error_type);
  out.message = std::move(incident.message);
  out.created_at = incident.created_at;
  out.element_instance_key = incident.element_instance_key;
  out.job_key = unless_empty(incident.job_key);
  return out;
}

v1::JobState state_of(process::JobState state) {
  switch (state) {
    case process::JobState::kWaiting: return v1::JobState::kWaiting;
    case process::JobState::kWithWorker: return v1::JobState::kWithWorker;
    case process::JobState::kBackingOff: return v1::JobState::kBackingOff;
    case process::JobState::kFailed: return v1::JobState::kFailed;
  }
  return v1::JobState::kUnspecified;
}

v1::UserTask view_of(process::UserTaskView task) {
  v1::UserTask out;
  out.assignee = unless_empty(std::move(task.assignee));
  out.candidate_users = std::move(task.candidate_users);
  out.candidate_groups = std::move(task.candidate_groups);
  out.due_at = task.due;
  out.follow_up_at = task.follow_up;
  out.form_key = unless_empty(std::move(task.form_key));
  out.priority = task.priority;
  return out;
}

v1::Job view_of(process::JobView job) {
  v1::Job out;
  out.key = job.key;
  out.type = std::move(job.type);
  out.state = state_of(job.state);
  out.retries = job.retries;
  out.worker = unless_empty(std::move(job.worker));
  out.due_at = job.due;
  out.priority = job.priority;
  if (job.user_task) out.user_task = view_of(std::move(*job.user_task));
  return out;
}

v1::WaitKind kind_of(process::WaitView::Kind kind) {
  switch (kind) {
    case process::WaitView::Kind::kTimer: return v1::WaitKind::kTimer;
    case process::WaitView::Kind::kMessage: return v1::WaitKind::kMessage;
    case process::WaitView::Kind::kSignal: return v1::WaitKind::kSignal;
  }
  return v1::WaitKind::kUnspecified;
}

v1::Wait view_of(process::WaitView wait) {
  v1::Wait out;
  out.kind = kind_of(wait.kind);
  out.element_id = std::move(wait.element_id);
  out.name = unless_empty(std::move(wait.name));
  out.correlation_key = unless_empty(std::move(wait.correlation_key));
  out.due_at = wait.due;
  return out;
}

v1::ActiveElement view_of(process::ActiveElement element) {
  v1::ActiveElement out;
  out.element_id = std::move(element.element_id);
  out.element_type = std::move(element.element_type);
  out.element_instance_key = element.element_instance_key;
  out.name = unless_empty(std::move(element.name));
  out.scope_key = unless_empty(element.scope_key);
  out.started_at = unless_empty(element.started_at);
  if (!element.variables.empty()) out.variables = JsonText{std::move(element.variables)};
  if (element.job) out.job = view_of(std::move(*element.job));
  for (process::WaitView& wait : element.waits) out.waits.push_back(view_of(std::move(wait)));
  out.called_instance_key = unless_empty(element.called_instance_key);
  return out;
}

v1::Instance view_of(process::InstanceView view) {
  v1::Instance out;
  out.key = view.key;
  out.process_id = std::move(view.process_id);
  out.version = view.version;
  out.state = state_of(view.state);
  out.has_incident = view.has_incident;
  out.started_at = view.started_at;
  out.ended_at = view.ended_at;
  out.variables = JsonText{std::move(view.variables)};
  for (process::ActiveElement& element : view.active) out.active.push_back(view_of(std::move(element)));
  out.model_key = unless_empty(view.model_key);
  out.parent_key = unless_empty(view.parent_key);
  for (process::Incident& incident : view.incidents) out.incidents.push_back(view_of(std::move(incident)));
  return out;
}

v1::ElementRecord view_of(process::ElementRecord record) {
  v1::ElementRecord out;
  out.element_instance_key = record.element_instance_key;
  out.element_id = std::move(record.element_id);
  out.element_type = std::move(record.element_type);
  out.state = state_of(record.state);
  out.started_at = record.started_at;
  out.ended_at = record.ended_at;
  return out;
}

v1::Model view_of(process::ModelView model) {
  v1::Model out;
  out.key = model.key;
  out.process_id = std::move(model.process_id);
  out.version = model.version;
  out.name = std::move(model.name);
  out.resource_name = std::move(model.resource_name);
  out.deployed_at = model.deployed_at;
  out.newest = model.is_newest;
  out.active = model.active;
  out.stuck = model.stuck;
  out.xml = unless_empty(std::move(model.xml));
  return out;
}

v1::FileDecision view_of(process::DecisionName name) { return {name.key, std::move(name.id), std::move(name.name), name.version}; }

v1::Decision view_of(process::DecisionView view) {
  v1::Decision out;
  out.key = view.decision.key;
  out.decision_id = std::move(view.decision.id);
  out.version = view.decision.version;
  out.name = std::move(view.decision.name);
  out.resource_name = std::move(view.resource_name);
  out.newest = view.is_newest;
  out.requirements_id = std::move(view.requirements.id);
  out.requirements_name = std::move(view.requirements.name);
  out.requirements_version = view.requirements.version;
  out.xml = unless_empty(std::move(view.xml));
  for (process::DecisionName& each : view.file) out.file.push_back(view_of(std::move(each)));
  return out;
}

v1::Process view_of(process::DeployedProcess process) { return {process.key, std::move(process.process_id), process.version}; }

// The engine's words become ours.
Error translate(Error error) {
  Error ours = error;
  if (error.code == "process.not-found" || error.code == "process.job-not-found")
    ours = v1::errors::not_found(error.detail);
  else if (error.code == "process.invalid-model")
    ours = v1::errors::invalid_model(error.detail);
  else if (error.code == "process.invalid-variables")
    ours = v1::errors::invalid_variables(error.detail);
  else if (error.code == "process.invalid-request")
    ours = v1::errors::impossible(error.detail);
  else if (error.code == "process.conflict")
    ours = v1::errors::conflict(error.detail);
  else
    return error;
  ours.fields = error.fields;
  return std::move(ours).caused_by(std::move(error));
}

// Keys rise with time, so that the last key of a page is its cursor.
Result<process::Key> before_of(const std::optional<std::string>& cursor) {
  if (!cursor) return process::Key{0};
  process::Key key = 0;
  const auto [end, failure] = std::from_chars(cursor->data(), cursor->data() + cursor->size(), key);
  if (failure != std::errc() || end != cursor->data() + cursor->size() || key <= 0)
    return fail(v1::errors::bad_cursor("Expected a cursor that this list gave"));
  return key;
}

// Newest first; where as many came as were asked for, there may be more before the last one.
template <class Reply, class Views>
Reply page_of(Views views, int limit, auto key_of) {
  Reply reply;
  if (views.size() == static_cast<std::size_t>(limit)) reply.next_cursor = std::to_string(key_of(views.back()));
  for (auto& view : views) reply.items.push_back(view_of(std::move(view)));
  return reply;
}

}  // namespace

Task<Result<v1::ListProcessesReply>> ProcessService::list_processes(runtime::Context& context, v1::ListProcessesRequest) {
  auto processes = co_await engine_.processes(context);
  if (!processes) co_return fail(std::move(processes).error());
  v1::ListProcessesReply reply;
  for (process::DeployedProcess& one : *processes) reply.items.push_back(view_of(std::move(one)));
  co_return reply;
}

Task<Result<v1::ListInstancesReply>> ProcessService::list_instances(runtime::Context& context, v1::ListInstancesRequest request) {
  CO_ASSIGN_OR_RETURN(const process::Key before, before_of(request.cursor));
  process::InstanceFilter filter;
  filter.process_id = request.process_id.value_or("");
  filter.version = request.version.value_or(0);
  filter.state = port_state_of(request.state);
  filter.has_incident = request.has_incident;
  filter.element_id = request.element_id.value_or("");
  filter.before = before;
  filter.limit = page_size_of(request.limit);
  auto page = co_await engine_.instances(context, std::move(filter));
  if (!page) co_return fail(std::move(page).error());
  v1::ListInstancesReply reply;
  if (page->next != 0) reply.next_cursor = std::to_string(page->next);
  for (process::InstanceView& view : page->items) reply.items.push_back(view_of(std::move(view)));
  co_return reply;
}

Task<Result<v1::Instance>> ProcessService::get_instance(runtime::Context& context, v1::GetInstanceRequest request) {
  auto view = co_await engine_.instance(context, request.key);
  if (!view) co_return fail(translate(std::move(view).error()));
  co_return view_of(std::move(*view));
}

Task<Result<v1::ListIncidentsReply>> ProcessService::list_incidents(runtime::Context& context, v1::ListIncidentsRequest request) {
  CO_ASSIGN_OR_RETURN(const process::Key before, before_of(request.cursor));
  const int limit = page_size_of(request.limit);
  auto page = co_await engine_.incidents(context, before, limit);
  if (!page) co_return fail(std::move(page).error());
  const auto key_of = [](const process::Incident& incident) { return incident.key; };
  auto reply = page_of<v1::ListIncidentsReply>(std::move(page->items), limit, key_of);
  if (request.count.value_or(false)) reply.total = static_cast<std::int32_t>(page->open);
  co_return reply;
}

// The engine has transactions of its own, or is elsewhere: what was asked stands before it is done.
template <class T, class Change>
Task<Result<T>> ProcessService::audited(runtime::Context& context, std::string_view call, database::Value subject, Change change) {
  const database::AuditEntry audit = database::audit_entry(context, call, std::move(subject), "asked");
  const auto ask = [&](database::Transaction& transaction) { return audit_.insert(transaction, audit); };
  CO_TRY(co_await database_.write(context, ask));
  auto changed = co_await change();
  if (!changed) changed = fail(translate(std::move(changed).error()));
  const std::string outcome = changed ? "done" : changed.error().code;
  const auto finish = [&](database::Transaction& transaction) { return audit_.finish(transaction, audit.id, outcome); };
  const auto finished = co_await database_.write(context, finish);
  if (changed && !finished) co_return fail(finished.error());
  co_return changed;
}

Task<Result<v1::Nothing>> ProcessService::resolve_incident(runtime::Context& context, v1::ResolveIncidentRequest request) {
  const auto change = [&] { return engine_.resolve_incident(context, request.key); };
  CO_TRY(co_await audited<void>(context, "ResolveIncident", request.key, change));
  co_return v1::Nothing{};
}

Task<Result<v1::ListModelsReply>> ProcessService::list_models(runtime::Context& context, v1::ListModelsRequest request) {
  CO_ASSIGN_OR_RETURN(const process::Key before, before_of(request.cursor));
  const int limit = page_size_of(request.limit);
  auto models = co_await engine_.models(context, request.process_id.value_or(""), before, limit);
  if (!models) co_return fail(std::move(models).error());
  const auto key_of = [](const process::ModelView& model) { return model.key; };
  co_return page_of<v1::ListModelsReply>(std::move(*models), limit, key_of);
}

Task<Result<v1::Model>> ProcessService::get_model(runtime::Context& context, v1::GetModelRequest request) {
  auto model = co_await engine_.model(context, request.key);
  if (!model) co_return fail(translate(std::move(model).error()));
  co_return view_of(std::move(*model));
}

Task<Result<v1::ListDecisionsReply>> ProcessService::list_decisions(runtime::Context& context, v1::ListDecisionsRequest request) {
  CO_ASSIGN_OR_RETURN(const process::Key before, before_of(request.cursor));
  const int limit = page_size_of(request.limit);
  auto decisions = co_await engine_.decisions(context, request.decision_id.value_or(""), before, limit);
  if (!decisions) co_return fail(std::move(decisions).error());
  const auto key_of = [](const process::DecisionView& view) { return view.decision.key; };
  co_return page_of<v1::ListDecisionsReply>(std::move(*decisions), limit, key_of);
}

Task<Result<v1::Decision>> ProcessService::get_decision(runtime::Context& context, v1::GetDecisionRequest request) {
  auto decision = co_await engine_.decision(context, request.key);
  if (!decision) co_return fail(translate(std::move(decision).error()));
  co_return view_of(std::move(*decision));
}

namespace {

std::vector<process::Resource> resources_of(std::vector<v1::ModelFile> files) {
  std::vector<process::Resource> resources;
  for (v1::ModelFile& file : files) resources.push_back({std::move(file.name), std::move(file.xml)});
  return resources;
}

// `file#element`
v1::ModelProblem problem_of(FieldError field) {
  v1::ModelProblem problem;
  const auto end = field.name.rfind('#');
  problem.file = field.name.substr(0, end);
  if (end != std::string::npos) problem.element_id = unless_empty(field.name.substr(end + 1));
  problem.message = std::move(field.message);
  return problem;
}

v1::DeployModelsReply reply_of(process::Deployment deployed) {
  v1::DeployModelsReply reply;
  for (process::DeployedProcess& process : deployed.processes) reply.items.push_back(view_of(std::move(process)));
  for (process::DecisionName& decision : deployed.decisions) reply.decisions.push_back(view_of(std::move(decision)));
  for (process::DeployedForm& form : deployed.forms) reply.forms.push_back({form.key, std::move(form.id), form.version});
  return reply;
}

}  // namespace

Task<Result<v1::DeployModelsReply>> ProcessService::deploy_models(runtime::Context& context, v1::DeployModelsRequest request) {
  std::vector<process::Resource> resources = resources_of(std::move(request.files));
  if (request.dry_run) {
    auto checked = co_await engine_.check_deployment(context, std::move(resources));
    if (checked) co_return reply_of(std::move(*checked));
    if (checked.error().code != "process.invalid-model") co_return fail(translate(std::move(checked).error()));
    v1::DeployModelsReply reply;
    for (FieldError& field : checked.error().fields) reply.problems.push_back(problem_of(std::move(field)));
    co_return reply;
  }
  const database::Value subject = resources.empty() ? database::Value(database::Null{}) : database::Value(resources.front().name);
  const auto change = [&] { return engine_.deploy(context, std::move(resources)); };
  auto deployed = co_await audited<process::Deployment>(context, "DeployModels", subject, change);
  if (!deployed) co_return fail(std::move(deployed).error());
  co_return reply_of(std::move(*deployed));
}

Task<Result<std::optional<v1::Instance>>> ProcessService::find_answer(runtime::Context& context,
                                                                      const std::optional<database::IdempotentRequest>& once) {
  if (!once) co_return std::nullopt;
  const auto find = [&](database::Transaction& transaction) { return idempotency_.find(transaction, *once); };
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> stored, co_await database_.read(context, find));
  if (!stored) co_return std::nullopt;
  CO_ASSIGN_OR_RETURN(v1::Instance answer, decode_wire<v1::Instance>(*stored));
  co_return answer;
}

Task<Result<v1::Instance>> ProcessService::start_new(runtime::Context& context, v1::StartInstanceRequest request, std::string engine_key) {
  std::string variables = request.variables ? std::move(request.variables->text) : std::string("{}");
  auto key = co_await engine_.start_version(context, std::move(request.process_id), request.version.value_or(0), std::move(variables),
                                            std::move(engine_key));
  if (!key) co_return fail(std::move(key).error());
  auto started = co_await engine_.instance(context, *key);
  if (!started) co_return fail(std::move(started).error());
  co_return view_of(std::move(*started));
}

// The engine knows the key as well: when we end between its commit and ours, a repeat meets the same instance.
Task<Result<v1::Instance>> ProcessService::start_instance(runtime::Context& context, v1::StartInstanceRequest request) {
  CO_ASSIGN_OR_RETURN(const auto once, database::idempotent_request(context, "StartInstance", encode_wire(request)));
  CO_ASSIGN_OR_RETURN(std::optional<v1::Instance> earlier, co_await find_answer(context, once));
  if (earlier) co_return std::move(*earlier);
  const std::string engine_key = once ? once->call + "/" + once->caller + "/" + once->key : std::string();
  const database::Value subject = request.process_id;
  const auto change = [&] { return start_new(context, std::move(request), engine_key); };
  auto started = co_await audited<v1::Instance>(context, "StartInstance", subject, change);
  if (!started || !once) co_return started;
  const std::string answer = encode_wire(*started);
  const auto keep = [&](database::Transaction& transaction) { return idempotency_.keep(transaction, *once, answer); };
  CO_TRY(co_await database_.write(context, keep));
  co_return started;
}

Task<Result<v1::ListElementsReply>> ProcessService::list_elements(runtime::Context& context, v1::ListElementsRequest request) {
  CO_ASSIGN_OR_RETURN(const process::Key before, before_of(request.cursor));
  const int limit = page_size_of(request.limit);
  auto records = co_await engine_.elements(context, request.key, before, limit);
  if (!records) co_return fail(translate(std::move(records).error()));
  const auto key_of = [](const process::ElementRecord& record) { return record.element_instance_key; };
  co_return page_of<v1::ListElementsReply>(std::move(*records), limit, key_of);
}

Task<Result<v1::CountElementsReply>> ProcessService::count_elements(runtime::Context& context, v1::CountElementsRequest request) {
  auto counts = co_await engine_.count_elements(context, request.key);
  if (!counts) co_return fail(translate(std::move(counts).error()));
  v1::CountElementsReply reply;
  reply.only_newest = counts->only_newest;
  for (process::ElementCount& count : counts->items)
    reply.items.push_back({std::move(count.element_id), count.completed, count.terminated, count.active});
  co_return reply;
}

Task<Result<v1::Nothing>> ProcessService::cancel_instance(runtime::Context& context, v1::CancelInstanceRequest request) {
  const auto change = [&] { return engine_.cancel(context, request.key); };
  CO_TRY(co_await audited<void>(context, "CancelInstance", request.key, change));
  co_return v1::Nothing{};
}

Task<Result<v1::Nothing>> ProcessService::set_variables(runtime::Context& context, v1::SetVariablesRequest request) {
  process::VariableChange wanted;
  wanted.instance_key = request.key;
  wanted.scope_key = request.scope_key.value_or(0);
  wanted.variables = std::move(request.variables.text);
  if (request.local) wanted.where = process::VariableChange::Where::kInScope;
  const auto change = [&] { return engine_.set_variables(context, std::move(wanted)); };
  CO_TRY(co_await audited<void>(context, "SetVariables", request.key, change));
  co_return v1::Nothing{};
}

Task<Result<v1::Nothing>> ProcessService::modify_instance(runtime::Context& context, v1::ModifyInstanceRequest request) {
  process::Modification wanted;
  wanted.instance_key = request.key;
  wanted.end = std::move(request.end);
  for (v1::Beginning& begin : request.begin) {
    std::string variables = begin.variables ? std::move(begin.variables->text) : std::string();
    wanted.begin.push_back({std::move(begin.element_id), begin.ancestor_key.value_or(0), std::move(variables)});
  }
  if (request.dry_run) {
    wanted.effect = process::Effect::kOnlyChecked;
    auto checked = co_await engine_.modify(context, std::move(wanted));
    if (!checked) co_return fail(translate(std::move(checked).error()));
    co_return v1::Nothing{};
  }
  const auto change = [&] { return engine_.modify(context, std::move(wanted)); };
  CO_TRY(co_await audited<void>(context, "ModifyInstance", request.key, change));
  co_return v1::Nothing{};
}

Task<Result<v1::MigrateInstancesReply>> ProcessService::migrate_instances(runtime::Context& context, v1::MigrateInstancesRequest request) {
  process::Migration wanted;
  wanted.target_key = request.target_key;
  wanted.instance_keys = std::move(request.instance_keys);
  for (v1::ElementMapping& mapping : request.mapping) wanted.mapping.emplace_back(std::move(mapping.from), std::move(mapping.to));
  Result<std::vector<process::MigrationOutcome>> outcomes = std::vector<process::MigrationOutcome>();
  if (request.dry_run) {
    wanted.effect = process::Effect::kOnlyChecked;
    outcomes = co_await engine_.migrate(context, std::move(wanted));
    if (!outcomes) outcomes = fail(translate(std::move(outcomes).error()));
  } else {
    const auto change = [&] { return engine_.migrate(context, std::move(wanted)); };
    outcomes = co_await audited<std::vector<process::MigrationOutcome>>(context, "MigrateInstances", request.target_key, change);
  }
  if (!outcomes) co_return fail(std::move(outcomes).error());
  v1::MigrateInstancesReply reply;
  for (process::MigrationOutcome& outcome : *outcomes) {
    const bool refused = !outcome.refusal.empty();
    reply.items.push_back({outcome.instance_key, !refused && !request.dry_run, unless_empty(std::move(outcome.refusal))});
  }
  co_return reply;
}

Task<Result<v1::Nothing>> ProcessService::retry_job(runtime::Context& context, v1::RetryJobRequest request) {
  const auto change = [&] { return engine_.retry_job(context, request.key, request.retries.value_or(1)); };
  CO_TRY(co_await audited<void>(context, "RetryJob", request.key, change));
  co_return v1::Nothing{};
}

}  // namespace consilium::processes

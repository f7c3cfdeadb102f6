#include "bpmn/gateway/messages.h"

#include <algorithm>

#include "base/validation.h"

namespace consilium::bpmn {
namespace {

namespace protocol = gateway_protocol;
using engine::Rejection;
using net::RpcStatus;

constexpr char kDefaultTenant[] = "<default>";

std::unexpected<RpcStatus> refuse(int code, std::string message) { return std::unexpected(RpcStatus{code, std::move(message)}); }

std::expected<engine::Context, RpcStatus> variables_of(const std::string& text) {
  if (text.empty()) return engine::Context();
  auto parsed = feel::parse_variables(text);
  if (!parsed) return refuse(kInvalidArgument, "Expected variables as a JSON object, but the text is not one: " + parsed.error());
  return std::move(*parsed);
}

std::expected<void, RpcStatus> check_tenant(const char* call, const std::string& tenant) {
  if (tenant.empty() || tenant == kDefaultTenant) return {};
  return refuse(kInvalidArgument, "Expected to handle gRPC request " + std::string(call) + " with tenant identifier '" +
                                      tenant.substr(0, 100) + "', but multi-tenancy is disabled");
}
std::expected<void, RpcStatus> check_tenants(const char* call, const std::vector<std::string>& tenants) {
  for (const std::string& tenant : tenants) {
    if (auto checked = check_tenant(call, tenant); !checked) return checked;
  }
  return {};
}

std::string chosen(engine::Context variables, const std::vector<std::string>& names) {
  if (!names.empty())
    std::erase_if(variables, [&](const auto& variable) { return std::ranges::find(names, variable.first) == names.end(); });
  return feel::to_json(variables);
}

protocol::ProcessMetadata metadata_of(const engine::DeployedProcess& process) {
  protocol::ProcessMetadata metadata;
  metadata.bpmn_process_id = process.process_id;
  metadata.version = process.version;
  metadata.process_definition_key = process.key;
  metadata.resource_name = process.resource_name;
  metadata.tenant_id = kDefaultTenant;
  return metadata;
}

protocol::DecisionMetadata metadata_of(const engine::DeployedRequirements& requirements, const engine::DeployedDecision& decision) {
  protocol::DecisionMetadata metadata;
  metadata.dmn_decision_id = decision.id;
  metadata.dmn_decision_name = decision.name;
  metadata.version = decision.version;
  metadata.decision_key = decision.key;
  metadata.dmn_decision_requirements_id = requirements.id;
  metadata.decision_requirements_key = requirements.key;
  metadata.tenant_id = kDefaultTenant;
  return metadata;
}

protocol::DecisionRequirementsMetadata metadata_of(const engine::DeployedRequirements& requirements) {
  protocol::DecisionRequirementsMetadata metadata;
  metadata.dmn_decision_requirements_id = requirements.id;
  metadata.dmn_decision_requirements_name = requirements.name;
  metadata.version = requirements.version;
  metadata.decision_requirements_key = requirements.key;
  metadata.resource_name = requirements.resource_name;
  metadata.tenant_id = kDefaultTenant;
  return metadata;
}

protocol::FormMetadata metadata_of(const engine::DeployedForm& form) {
  protocol::FormMetadata metadata;
  metadata.form_id = form.id;
  metadata.version = form.version;
  metadata.form_key = form.key;
  metadata.resource_name = form.resource_name;
  metadata.tenant_id = kDefaultTenant;
  return metadata;
}

// In the order of the protocol's reference: models, decisions, their requirements, forms.
std::vector<protocol::Deployment> deployments_of(const engine::Outcome& deployed) {
  std::vector<protocol::Deployment> deployments;
  for (const engine::DeployedProcess& process : deployed.processes) deployments.emplace_back().process = metadata_of(process);
  for (const engine::DeployedRequirements& requirements : deployed.requirements) {
    for (const engine::DeployedDecision& decision : requirements.decisions)
      deployments.emplace_back().decision = metadata_of(requirements, decision);
  }
  for (const engine::DeployedRequirements& requirements : deployed.requirements)
    deployments.emplace_back().decision_requirements = metadata_of(requirements);
  for (const engine::DeployedForm& form : deployed.forms) deployments.emplace_back().form = metadata_of(form);
  return deployments;
}

protocol::MatchedDecisionRule message_of(const dmn::MatchedRule& rule) {
  protocol::MatchedDecisionRule message;
  message.rule_id = rule.id;
  message.rule_index = rule.index;
  for (const dmn::EvaluatedOutput& output : rule.outputs) {
    protocol::EvaluatedDecisionOutput& made = message.evaluated_outputs.emplace_back();
    made.output_id = output.id;
    made.output_name = output.name;
    made.output_value = feel::to_json(output.value);
  }
  return message;
}

protocol::EvaluatedDecision message_of(const dmn::EvaluatedDecision& evaluated, const engine::DeployedRequirements& requirements) {
  protocol::EvaluatedDecision message;
  for (const engine::DeployedDecision& decision : requirements.decisions) {
    if (decision.id != evaluated.id) continue;
    message.decision_key = decision.key;
    message.decision_version = decision.version;
  }
  message.decision_id = evaluated.id;
  message.decision_name = evaluated.name;
  message.decision_type = evaluated.type;
  message.decision_output = feel::to_json(evaluated.output);
  for (const dmn::MatchedRule& rule : evaluated.rules) message.matched_rules.push_back(message_of(rule));
  for (const dmn::EvaluatedInput& input : evaluated.inputs) {
    protocol::EvaluatedDecisionInput& made = message.evaluated_inputs.emplace_back();
    made.input_id = input.id;
    made.input_name = input.name;
    made.input_value = feel::to_json(input.value);
  }
  message.tenant_id = kDefaultTenant;
  return message;
}

template <class Request>
Understood<Asked> about_variables(const char* name, const Request& request, process::Key key, auto command) {
  auto variables = variables_of(request.variables);
  if (!variables) return std::unexpected(std::move(variables).error());
  command.variables = std::move(*variables);
  return Asked{name, std::move(command), key};
}

}  // namespace

// ---- refusals

RpcStatus status_of(const char* command, const Rejection& rejection) {
  const auto [code, name] = [&]() -> std::pair<int, const char*> {
    switch (rejection.code) {
      case Rejection::Code::kNotFound: return {kNotFound, "NOT_FOUND"};
      case Rejection::Code::kInvalidArgument: return {kInvalidArgument, "INVALID_ARGUMENT"};
      case Rejection::Code::kAlreadyExists: return {kAlreadyExists, "ALREADY_EXISTS"};
      case Rejection::Code::kInvalidState: break;
    }
    return {kFailedPrecondition, "INVALID_STATE"};
  }();
  RpcStatus status{code, "Command '" + std::string(command) + "' rejected with code '" + name + "': " + rejection.message};
  for (const model::Finding& finding : rejection.findings)
    status.message += "\n'" + finding.file + "': " +
                      (finding.element_id.empty() ? finding.message : "- Element: " + finding.element_id + "\n    - ERROR: " + finding.message);
  return status;
}

RpcStatus status_of(const Error& error) {
  if (error.code == "process.overloaded") return {kResourceExhausted, error.detail};
  if (error.kind == ErrorKind::kDeadlineExceeded) return {kDeadlineExceeded, error.detail};
  if (error.kind == ErrorKind::kCancelled) return {kCancelled, error.detail};
  if (error.kind == ErrorKind::kInternal) return {kInternal, "The engine failed"};
  return {kUnavailable, error.detail};
}

Duration span_of(std::int64_t given) { return milliseconds(std::clamp<std::int64_t>(given, 0, engine::kMaxWait.microseconds / 1000)); }

// ---- models and decisions

Understood<Asked> understand(protocol::DeployProcessRequest request) {
  engine::Deploy command;
  for (protocol::ProcessRequestObject& process : request.processes)
    command.resources.push_back({std::move(process.name), std::move(process.definition)});
  return Asked{"CREATE", std::move(command)};
}

Understood<Asked> understand(protocol::DeployResourceRequest request) {
  if (auto checked = check_tenant("DeployResource", request.tenant_id); !checked) return std::unexpected(checked.error());
  engine::Deploy command;
  for (protocol::Resource& resource : request.resources)
    command.resources.push_back({std::move(resource.name), std::move(resource.content)});
  return Asked{"CREATE", std::move(command)};
}

Understood<Asked> understand(protocol::DeleteResourceRequest request) {
  return Asked{"DELETE", engine::DeleteResource{request.resource_key}, request.resource_key};
}

Understood<Asked> understand(protocol::EvaluateDecisionRequest request) {
  if (auto checked = check_tenant("EvaluateDecision", request.tenant_id); !checked) return std::unexpected(checked.error());
  auto variables = variables_of(request.variables);
  if (!variables) return std::unexpected(std::move(variables).error());
  return Asked{"EVALUATE", engine::EvaluateDecision{std::max<std::int64_t>(request.decision_key, 0), std::move(request.decision_id),
                                                    std::move(*variables)}};
}

void tell(protocol::DeployProcessResponse& reply, const engine::Outcome& outcome, process::Key) {
  reply.key = outcome.key;
  for (const engine::DeployedProcess& process : outcome.processes) reply.processes.push_back(metadata_of(process));
}

void tell(protocol::DeployResourceResponse& reply, const engine::Outcome& outcome, process::Key) {
  reply.key = outcome.key;
  reply.tenant_id = kDefaultTenant;
  reply.deployments = deployments_of(outcome);
}

void tell(protocol::EvaluateDecisionResponse& reply, const engine::Outcome& outcome, process::Key) {
  const engine::Evaluation& evaluation = *outcome.evaluation;
  reply.decision_instance_key = outcome.key;
  reply.decision_key = evaluation.decision.key;
  reply.decision_id = evaluation.decision.id;
  reply.decision_name = evaluation.decision.name;
  reply.decision_version = evaluation.decision.version;
  reply.decision_requirements_id = evaluation.requirements.id;
  reply.decision_requirements_key = evaluation.requirements.key;
  if (!evaluation.result.failure) reply.decision_output = feel::to_json(evaluation.result.output);
  for (const dmn::EvaluatedDecision& evaluated : evaluation.result.evaluated)
    reply.evaluated_decisions.push_back(message_of(evaluated, evaluation.requirements));
  if (evaluation.result.failure) {
    reply.failed_decision_id = evaluation.result.failure->decision_id;
    reply.failure_message = evaluation.result.failure->message;
  }
  reply.tenant_id = kDefaultTenant;
}

// ---- instances

Understood<Creation> understand(protocol::CreateProcessInstanceRequest request) {
  if (auto checked = check_tenant("CreateProcessInstance", request.tenant_id); !checked) return std::unexpected(checked.error());
  Creation creation;
  creation.process_key = request.process_definition_key;
  creation.process_id = std::move(request.bpmn_process_id);
  if (request.version >= 0) creation.version = request.version;
  auto variables = variables_of(request.variables);
  if (!variables) return std::unexpected(std::move(variables).error());
  creation.variables = std::move(*variables);
  for (protocol::ProcessInstanceCreationStartInstruction& instruction : request.start_instructions)
    creation.start_elements.push_back(std::move(instruction.element_id));
  return creation;
}

protocol::CreateProcessInstanceResponse message_of(const Created& created) {
  protocol::CreateProcessInstanceResponse message;
  message.process_definition_key = created.process_key;
  message.bpmn_process_id = created.process_id;
  message.version = created.version;
  message.process_instance_key = created.instance;
  message.tenant_id = kDefaultTenant;
  return message;
}

protocol::CreateProcessInstanceWithResultResponse message_of(Created created, const std::vector<std::string>& names) {
  protocol::CreateProcessInstanceWithResultResponse message;
  message.process_definition_key = created.process_key;
  message.bpmn_process_id = created.process_id;
  message.version = created.version;
  message.process_instance_key = created.instance;
  message.variables = chosen(std::move(created.variables), names);
  message.tenant_id = kDefaultTenant;
  return message;
}

Understood<Asked> understand(protocol::CancelProcessInstanceRequest request) {
  return Asked{"CANCEL", engine::CancelInstance{request.process_instance_key}, request.process_instance_key};
}

Understood<Asked> understand(protocol::ModifyProcessInstanceRequest request) {
  engine::ModifyInstance command;
  command.instance = request.process_instance_key;
  for (protocol::ActivateInstruction& instruction : request.activate_instructions) {
    engine::ModifyInstance::Activation activation;
    activation.element = std::move(instruction.element_id);
    activation.ancestor = std::max<std::int64_t>(instruction.ancestor_element_instance_key, 0);
    for (protocol::VariableInstruction& given : instruction.variable_instructions) {
      auto variables = variables_of(given.variables);
      if (!variables) return std::unexpected(std::move(variables).error());
      activation.variables.push_back({std::move(given.scope_id), std::move(*variables)});
    }
    command.activations.push_back(std::move(activation));
  }
  for (const protocol::TerminateInstruction& instruction : request.terminate_instructions)
    command.terminations.push_back(instruction.element_instance_key);
  return Asked{"MODIFY", std::move(command), request.process_instance_key};
}

Understood<Asked> understand(protocol::MigrateProcessInstanceRequest request) {
  engine::MigrateInstance command;
  command.instance = request.process_instance_key;
  command.target = request.migration_plan.target_process_definition_key;
  for (protocol::MappingInstruction& one : request.migration_plan.mapping_instructions)
    command.mapping.emplace_back(std::move(one.source_element_id), std::move(one.target_element_id));
  return Asked{"MIGRATE", std::move(command), request.process_instance_key};
}

Understood<Asked> understand(protocol::SetVariablesRequest request) {
  return about_variables("UPDATE", request, request.element_instance_key,
                         engine::SetVariables{request.element_instance_key, {}, request.local});
}

void tell(protocol::SetVariablesResponse& reply, const engine::Outcome&, process::Key asked) { reply.key = asked; }

Understood<Asked> understand(protocol::ResolveIncidentRequest request) {
  return Asked{"RESOLVE", engine::ResolveIncident{request.incident_key}, request.incident_key};
}

// ---- messages and signals

Understood<Asked> understand(protocol::PublishMessageRequest request) {
  if (auto checked = check_tenant("PublishMessage", request.tenant_id); !checked) return std::unexpected(checked.error());
  auto variables = variables_of(request.variables);
  if (!variables) return std::unexpected(std::move(variables).error());
  return Asked{"PUBLISH", engine::PublishMessage{std::move(request.name), std::move(request.correlation_key), std::move(request.message_id),
                                                 span_of(request.time_to_live), std::move(*variables)}};
}

void tell(protocol::PublishMessageResponse& reply, const engine::Outcome& outcome, process::Key) {
  reply.key = outcome.key;
  reply.tenant_id = kDefaultTenant;
}

Understood<Asked> understand(protocol::BroadcastSignalRequest request) {
  if (auto checked = check_tenant("BroadcastSignal", request.tenant_id); !checked) return std::unexpected(checked.error());
  auto variables = variables_of(request.variables);
  if (!variables) return std::unexpected(std::move(variables).error());
  return Asked{"BROADCAST", engine::BroadcastSignal{std::move(request.signal_name), std::move(*variables)}};
}

void tell(protocol::BroadcastSignalResponse& reply, const engine::Outcome& outcome, process::Key) {
  reply.key = outcome.key;
  reply.tenant_id = kDefaultTenant;
}

// ---- jobs

Understood<engine::ActivateJobs> understand(protocol::ActivateJobsRequest request) {
  if (auto checked = check_tenants("ActivateJobs", request.tenant_ids); !checked) return std::unexpected(checked.error());
  engine::ActivateJobs command;
  command.type = std::move(request.type);
  command.worker = std::move(request.worker);
  command.most = request.max_jobs_to_activate;
  command.lock = span_of(request.timeout);
  command.fetch_variables = std::move(request.fetch_variable);
  return command;
}

Understood<engine::ActivateJobs> understand(protocol::StreamActivatedJobsRequest request) {
  if (is_blank(request.type)) return refuse(kInvalidArgument, "Expected to stream activated jobs of a type, but it is blank");
  if (request.timeout < 1)
    return refuse(kInvalidArgument,
                  "Expected to stream activated jobs with a timeout above 0, but it is '" + std::to_string(request.timeout) + "'");
  if (auto checked = check_tenants("StreamActivatedJobs", request.tenant_ids); !checked) return std::unexpected(checked.error());
  engine::ActivateJobs command;
  command.type = std::move(request.type);
  command.worker = std::move(request.worker);
  command.most = kStreamedJobs;
  command.lock = span_of(request.timeout);
  command.fetch_variables = std::move(request.fetch_variable);
  command.most_bytes = kStreamedBytes;
  return command;
}

protocol::ActivatedJob message_of(const engine::ActivatedJob& job) {
  protocol::ActivatedJob message;
  message.key = job.key;
  message.type = job.type;
  message.process_instance_key = job.instance;
  message.bpmn_process_id = job.process_id;
  message.process_definition_version = job.process_version;
  message.process_definition_key = job.process_key;
  message.element_id = job.element;
  message.element_instance_key = job.element_instance;
  message.custom_headers = feel::to_json(job.headers);
  message.worker = job.worker;
  message.retries = job.retries;
  message.deadline = job.deadline.microseconds / 1000;
  message.variables = feel::to_json(job.variables);
  message.tenant_id = kDefaultTenant;
  return message;
}

std::size_t size_of(const protocol::ActivatedJob& job) {
  return job.type.size() + job.bpmn_process_id.size() + job.element_id.size() + job.custom_headers.size() + job.worker.size() +
         job.variables.size() + 150;
}

Understood<Asked> understand(protocol::CompleteJobRequest request) {
  return about_variables("COMPLETE", request, request.job_key, engine::CompleteJob{request.job_key, {}});
}

Understood<Asked> understand(protocol::FailJobRequest request) {
  engine::FailJob command;
  command.job = request.job_key;
  command.retries = request.retries;
  command.retry_in = span_of(request.retry_back_off);
  command.message = std::move(request.error_message);
  return about_variables("FAIL", request, request.job_key, std::move(command));
}

Understood<Asked> understand(protocol::ThrowErrorRequest request) {
  engine::ThrowError command{request.job_key, std::move(request.error_code), std::move(request.error_message), {}};
  return about_variables("THROW_ERROR", request, request.job_key, std::move(command));
}

Understood<Asked> understand(protocol::UpdateJobRetriesRequest request) {
  return Asked{"UPDATE_RETRIES", engine::UpdateRetries{request.job_key, request.retries}, request.job_key};
}

Understood<Asked> understand(protocol::UpdateJobTimeoutRequest request) {
  return Asked{"UPDATE_TIMEOUT", engine::UpdateTimeout{request.job_key, span_of(request.timeout)}, request.job_key};
}

}  // namespace consilium::bpmn

#include "bpmn/gateway/gateway.h"

#include <algorithm>

namespace consilium::bpmn {
namespace {

namespace protocol = gateway_protocol;
using engine::Rejection;
using net::RpcStatus;

constexpr char kService[] = "/gateway_protocol.Gateway/";
constexpr char kDefaultTenant[] = "<default>";
constexpr Duration kGiveBack = milliseconds(1);

// Numbers of gRPC.
enum Code {
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14
};

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
    status.message += "\n'" + finding.file + "': - Element: " + finding.element_id + "\n    - ERROR: " + finding.message;
  return status;
}

// Of the engine as a whole.
RpcStatus status_of(const Error& error) {
  if (error.code == "process.overloaded") return {kResourceExhausted, error.detail};
  if (error.kind == ErrorKind::kDeadlineExceeded) return {kDeadlineExceeded, error.detail};
  if (error.kind == ErrorKind::kCancelled) return {1, error.detail};
  if (error.kind == ErrorKind::kInternal) return {kInternal, "The engine failed"};
  return {kUnavailable, error.detail};
}

RpcStatus status_of_bytes() { return {kInvalidArgument, "Expected a message of the protocol, but the bytes are none"}; }
RpcStatus status_of_size() { return {kResourceExhausted, "Expected an answer below 4 MB, but it is larger: fetch fewer variables"}; }

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

// Milliseconds as clients give them; no sum of it overflows.
Duration span_of(std::int64_t given) { return milliseconds(std::clamp<std::int64_t>(given, 0, engine::kMaxWait.microseconds / 1000)); }

std::string chosen(engine::Context variables, const std::vector<std::string>& names) {
  if (!names.empty())
    std::erase_if(variables, [&](const auto& variable) { return std::ranges::find(names, variable.first) == names.end(); });
  return feel::to_json(variables);
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

protocol::ProcessMetadata metadata_of(const engine::DeployedProcess& process) {
  protocol::ProcessMetadata metadata;
  metadata.bpmn_process_id = process.process_id;
  metadata.version = process.version;
  metadata.process_definition_key = process.key;
  metadata.resource_name = process.resource_name;
  metadata.tenant_id = kDefaultTenant;
  return metadata;
}

// A deployment has no key of its own here: that of its newest model stands for it.
process::Key key_of(const std::vector<engine::DeployedProcess>& deployed) {
  process::Key newest = 0;
  for (const engine::DeployedProcess& process : deployed) newest = std::max(newest, process.key);
  return newest;
}

std::expected<Creation, RpcStatus> creation_of(const protocol::CreateProcessInstanceRequest& request) {
  if (auto checked = check_tenant("CreateProcessInstance", request.tenant_id); !checked) return std::unexpected(checked.error());
  if (!request.start_instructions.empty())
    return refuse(kUnimplemented, "Expected to start at the start event, but start instructions are given: they are not supported yet");
  Creation creation;
  creation.process_key = std::max<std::int64_t>(request.process_definition_key, 0);
  creation.process_id = request.bpmn_process_id;
  creation.version = std::max(request.version, 0);
  if (creation.process_key == 0 && creation.process_id.empty())
    return refuse(kInvalidArgument,
                  "Command 'CREATE' rejected with code 'INVALID_ARGUMENT': Expected at least a bpmnProcessId or a key greater than -1, but "
                  "none given");
  auto variables = variables_of(request.variables);
  if (!variables) return std::unexpected(std::move(variables).error());
  creation.variables = std::move(*variables);
  return creation;
}

}  // namespace

// ---- the calls as gRPC's

template <class Request, class Reply>
net::ForeignMethod Gateway::unary(const char* name, Call<Request, Reply> call) {
  return {kService + std::string(name), [this, call](runtime::Context& context, std::string bytes, net::RpcStream& out) {
            return answer(context, call, std::move(bytes), out);
          }};
}

template <class Request, class Reply>
Task<RpcStatus> Gateway::answer(runtime::Context& context, Call<Request, Reply> call, std::string bytes, net::RpcStream& out) {
  auto request = decode_wire<Request>(bytes);
  bytes = std::string();
  if (!request) co_return status_of_bytes();
  auto reply = co_await (this->*call)(context, std::move(*request));
  if (!reply) co_return std::move(reply).error();
  std::string encoded = encode_wire(*reply);
  if (encoded.size() > kMaxAnswerBytes) co_return status_of_size();
  co_await out.write(std::move(encoded));
  co_return RpcStatus();
}

template <class Request>
net::ForeignMethod Gateway::stream(const char* name, StreamCall<Request> call) {
  return {kService + std::string(name), [this, call](runtime::Context& context, std::string bytes, net::RpcStream& out) {
            return answer_stream(context, call, std::move(bytes), out);
          }};
}

template <class Request>
Task<RpcStatus> Gateway::answer_stream(runtime::Context& context, StreamCall<Request> call, std::string bytes, net::RpcStream& out) {
  auto request = decode_wire<Request>(bytes);
  if (!request) co_return status_of_bytes();
  RpcStatus status = co_await (this->*call)(context, std::move(*request), out);
  co_return status;
}

net::ForeignMethod Gateway::missing(const char* name) {
  return {kService + std::string(name), [name](runtime::Context&, std::string, net::RpcStream&) { return answer_missing(name); }};
}

Task<RpcStatus> Gateway::answer_missing(const char* name) {
  RpcStatus status{kUnimplemented, "Expected a call that this engine offers, but " + std::string(name) + " is not supported yet"};
  co_return status;
}

std::vector<net::ForeignMethod> Gateway::methods() {
  return {unary("Topology", &Gateway::topology),
          unary("DeployProcess", &Gateway::deploy_process),
          unary("DeployResource", &Gateway::deploy_resource),
          unary("CreateProcessInstance", &Gateway::create),
          unary("CreateProcessInstanceWithResult", &Gateway::create_with_result),
          unary("CancelProcessInstance", &Gateway::cancel),
          unary("PublishMessage", &Gateway::publish),
          stream("ActivateJobs", &Gateway::activate_jobs),
          stream("StreamActivatedJobs", &Gateway::stream_jobs),
          unary("CompleteJob", &Gateway::complete_job),
          unary("FailJob", &Gateway::fail_job),
          unary("ThrowError", &Gateway::throw_error),
          unary("UpdateJobRetries", &Gateway::update_retries),
          unary("UpdateJobTimeout", &Gateway::update_timeout),
          unary("SetVariables", &Gateway::set_variables),
          unary("ResolveIncident", &Gateway::resolve_incident),
          missing("DeleteResource"),
          missing("BroadcastSignal"),
          missing("ModifyProcessInstance"),
          missing("MigrateProcessInstance"),
          missing("EvaluateDecision")};
}

Task<Gateway::Answer<engine::Outcome>> Gateway::perform(runtime::Context& context, const char* name, engine::Command command) {
  auto decided = co_await engine_.perform(context, std::move(command));
  if (!decided) co_return std::unexpected(status_of(decided.error()));
  if (!*decided) co_return std::unexpected(status_of(name, decided->error()));
  co_return std::move(**decided);
}

// A key says which partition it is of.
Task<Gateway::Answer<engine::Outcome>> Gateway::perform_on(runtime::Context& context, const char* name, process::Key key,
                                                           engine::Command command) {
  if (engine::partition_of(key) != partition_)
    co_return refuse(kUnavailable, "Expected the key of a known partition, but there is no partition " +
                                       std::to_string(engine::partition_of(key)) + " that " + std::to_string(key) + " could be of");
  auto outcome = co_await perform(context, name, std::move(command));
  co_return outcome;
}

// ---- models and instances

Task<Gateway::Answer<protocol::TopologyResponse>> Gateway::topology(runtime::Context&, protocol::TopologyRequest) {
  protocol::Partition partition;
  partition.partition_id = partition_;
  protocol::BrokerInfo broker;
  broker.host = host_;
  broker.port = port_;
  broker.version = kGatewayVersion;
  broker.partitions.push_back(partition);
  protocol::TopologyResponse reply;
  reply.brokers.push_back(std::move(broker));
  reply.cluster_size = 1;
  reply.partitions_count = 1;
  reply.replication_factor = 1;
  reply.gateway_version = kGatewayVersion;
  co_return reply;
}

Task<Gateway::Answer<std::vector<engine::DeployedProcess>>> Gateway::deploy(runtime::Context& context, engine::Deploy command) {
  auto outcome = co_await perform(context, "CREATE", std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return std::move(outcome->processes);
}

Task<Gateway::Answer<protocol::DeployProcessResponse>> Gateway::deploy_process(runtime::Context& context,
                                                                               protocol::DeployProcessRequest request) {
  engine::Deploy command;
  for (protocol::ProcessRequestObject& process : request.processes)
    command.resources.push_back({std::move(process.name), std::move(process.definition)});
  auto deployed = co_await deploy(context, std::move(command));
  if (!deployed) co_return std::unexpected(std::move(deployed).error());
  protocol::DeployProcessResponse reply;
  reply.key = key_of(*deployed);
  for (const engine::DeployedProcess& process : *deployed) reply.processes.push_back(metadata_of(process));
  co_return reply;
}

Task<Gateway::Answer<protocol::DeployResourceResponse>> Gateway::deploy_resource(runtime::Context& context,
                                                                                 protocol::DeployResourceRequest request) {
  if (auto checked = check_tenant("DeployResource", request.tenant_id); !checked) co_return std::unexpected(checked.error());
  engine::Deploy command;
  for (protocol::Resource& resource : request.resources)
    command.resources.push_back({std::move(resource.name), std::move(resource.content)});
  auto deployed = co_await deploy(context, std::move(command));
  if (!deployed) co_return std::unexpected(std::move(deployed).error());
  protocol::DeployResourceResponse reply;
  reply.key = key_of(*deployed);
  reply.tenant_id = kDefaultTenant;
  for (const engine::DeployedProcess& process : *deployed) {
    protocol::Deployment deployment;
    deployment.process = metadata_of(process);
    reply.deployments.push_back(std::move(deployment));
  }
  co_return reply;
}

Task<Gateway::Answer<protocol::CreateProcessInstanceResponse>> Gateway::create(runtime::Context& context,
                                                                               protocol::CreateProcessInstanceRequest request) {
  auto creation = creation_of(request);
  if (!creation) co_return std::unexpected(std::move(creation).error());
  auto created = co_await engine_.create(context, std::move(*creation));
  if (!created) co_return std::unexpected(status_of(created.error()));
  if (!*created) co_return std::unexpected(status_of("CREATE", created->error()));
  protocol::CreateProcessInstanceResponse reply;
  reply.process_definition_key = (*created)->process_key;
  reply.bpmn_process_id = (*created)->process_id;
  reply.version = (*created)->version;
  reply.process_instance_key = (*created)->instance;
  reply.tenant_id = kDefaultTenant;
  co_return reply;
}

Task<Gateway::Answer<protocol::CreateProcessInstanceWithResultResponse>> Gateway::create_with_result(
    runtime::Context& context, protocol::CreateProcessInstanceWithResultRequest request) {
  auto creation = creation_of(request.request);
  if (!creation) co_return std::unexpected(std::move(creation).error());
  const Duration limit = request.request_timeout > 0 ? span_of(request.request_timeout) : kDefaultResultWait;
  auto created = co_await engine_.create_and_wait(context, std::move(*creation), limit);
  if (!created) co_return std::unexpected(status_of(created.error()));
  if (!*created) co_return std::unexpected(status_of("CREATE_WITH_AWAITING_RESULT", created->error()));
  protocol::CreateProcessInstanceWithResultResponse reply;
  reply.process_definition_key = (*created)->process_key;
  reply.bpmn_process_id = (*created)->process_id;
  reply.version = (*created)->version;
  reply.process_instance_key = (*created)->instance;
  reply.variables = chosen(std::move((*created)->variables), request.fetch_variables);
  reply.tenant_id = kDefaultTenant;
  co_return reply;
}

Task<Gateway::Answer<protocol::CancelProcessInstanceResponse>> Gateway::cancel(runtime::Context& context,
                                                                               protocol::CancelProcessInstanceRequest request) {
  engine::Command command = engine::CancelInstance{request.process_instance_key};
  auto outcome = co_await perform_on(context, "CANCEL", request.process_instance_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return protocol::CancelProcessInstanceResponse();
}

Task<Gateway::Answer<protocol::SetVariablesResponse>> Gateway::set_variables(runtime::Context& context,
                                                                             protocol::SetVariablesRequest request) {
  auto variables = variables_of(request.variables);
  if (!variables) co_return std::unexpected(std::move(variables).error());
  engine::SetVariables command{request.element_instance_key, std::move(*variables), request.local};
  auto outcome = co_await perform_on(context, "UPDATE", request.element_instance_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  protocol::SetVariablesResponse reply;
  reply.key = request.element_instance_key;
  co_return reply;
}

Task<Gateway::Answer<protocol::ResolveIncidentResponse>> Gateway::resolve_incident(runtime::Context& context,
                                                                                   protocol::ResolveIncidentRequest request) {
  engine::Command command = engine::ResolveIncident{request.incident_key};
  auto outcome = co_await perform_on(context, "RESOLVE", request.incident_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return protocol::ResolveIncidentResponse();
}

Task<Gateway::Answer<protocol::PublishMessageResponse>> Gateway::publish(runtime::Context& context,
                                                                         protocol::PublishMessageRequest request) {
  if (auto checked = check_tenant("PublishMessage", request.tenant_id); !checked) co_return std::unexpected(checked.error());
  auto variables = variables_of(request.variables);
  if (!variables) co_return std::unexpected(std::move(variables).error());
  engine::PublishMessage command{std::move(request.name), std::move(request.correlation_key), std::move(request.message_id),
                                 span_of(request.time_to_live), std::move(*variables)};
  auto outcome = co_await perform(context, "PUBLISH", std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  protocol::PublishMessageResponse reply;
  reply.key = outcome->key;
  reply.tenant_id = kDefaultTenant;
  co_return reply;
}

// ---- jobs

Task<RpcStatus> Gateway::activate_jobs(runtime::Context& context, protocol::ActivateJobsRequest request, net::RpcStream& out) {
  if (auto checked = check_tenants("ActivateJobs", request.tenant_ids); !checked) co_return checked.error();
  engine::ActivateJobs command;
  command.type = std::move(request.type);
  command.worker = std::move(request.worker);
  command.most = request.max_jobs_to_activate;
  command.lock = span_of(request.timeout);
  command.fetch_variables = std::move(request.fetch_variable);
  Duration limit = kDefaultPoll;
  if (request.request_timeout != 0) limit = span_of(request.request_timeout);
  auto jobs = co_await engine_.activate_jobs(context, std::move(command), limit);
  if (!jobs) co_return status_of(jobs.error());
  if (!*jobs) co_return status_of("ACTIVATE", jobs->error());
  protocol::ActivateJobsResponse reply;
  std::size_t bytes = 0;
  std::size_t sent = 0;
  for (std::size_t i = 0; i < (*jobs)->size(); ++i) {
    protocol::ActivatedJob job = message_of((**jobs)[i]);
    const std::size_t size = size_of(job);
    if (size > kMaxAnswerBytes) {
      co_await refuse_large(context, job.key);
      continue;
    }
    if (bytes + size > kMaxAnswerBytes) {
      const bool written = co_await out.write(encode_wire(reply));
      if (!written) {
        co_await give_back(context, **jobs, sent);
        co_return RpcStatus();
      }
      sent = i;
      bytes = 0;
      reply.jobs.clear();
    }
    bytes += size;
    reply.jobs.push_back(std::move(job));
  }
  if (reply.jobs.empty()) co_return RpcStatus();
  const bool written = co_await out.write(encode_wire(reply));
  if (!written) co_await give_back(context, **jobs, sent);
  co_return RpcStatus();
}

// As many at a time as the reader takes: while it reads slowly the others' streams and polls get the jobs.
Task<RpcStatus> Gateway::stream_jobs(runtime::Context& context, protocol::StreamActivatedJobsRequest request, net::RpcStream& out) {
  if (auto checked = check_tenants("StreamActivatedJobs", request.tenant_ids); !checked) co_return checked.error();
  engine::ActivateJobs command;
  command.type = std::move(request.type);
  command.worker = std::move(request.worker);
  command.most = kStreamedJobs;
  command.lock = span_of(request.timeout);
  command.fetch_variables = std::move(request.fetch_variable);
  command.most_bytes = kStreamedBytes;
  while (!context.cancelled()) {
    auto jobs = co_await engine_.activate_jobs(context, command, std::nullopt);
    if (!jobs) co_return status_of(jobs.error());
    if (!*jobs) co_return status_of("ACTIVATE", jobs->error());
    for (std::size_t i = 0; i < (*jobs)->size(); ++i) {
      const protocol::ActivatedJob job = message_of((**jobs)[i]);
      if (size_of(job) > kMaxAnswerBytes) {
        co_await refuse_large(context, job.key);
        continue;
      }
      const bool written = co_await out.write(encode_wire(job));
      if (written) continue;
      co_await give_back(context, **jobs, i);
      co_return RpcStatus();
    }
  }
  co_return RpcStatus();
}

// Nobody has read them: they go to the next who asks, and cost no retry.
Task<void> Gateway::give_back(runtime::Context& context, const std::vector<engine::ActivatedJob>& jobs, std::size_t from) {
  runtime::Context inside(context.scheduler(), context.random());  // the caller is gone, the work is not
  for (std::size_t i = from; i < jobs.size(); ++i) {
    engine::Command command = engine::YieldJob{jobs[i].key, kGiveBack};
    const auto returned = co_await engine_.perform(inside, std::move(command));
    if (!returned) co_return;  // its lock runs out
  }
}

// No client could read it: an incident, as somebody has to make its variables smaller.
Task<void> Gateway::refuse_large(runtime::Context& context, process::Key job) {
  engine::FailJob command;
  command.job = job;
  command.retries = 0;
  command.error_code = "MESSAGE_SIZE_EXCEEDED";
  command.message = "Expected a job below 4 MB, but its variables are larger";
  engine::Command failed = std::move(command);
  co_await engine_.perform(context, std::move(failed));
}

Task<Gateway::Answer<protocol::CompleteJobResponse>> Gateway::complete_job(runtime::Context& context,
                                                                           protocol::CompleteJobRequest request) {
  auto variables = variables_of(request.variables);
  if (!variables) co_return std::unexpected(std::move(variables).error());
  engine::CompleteJob command{request.job_key, std::move(*variables)};
  auto outcome = co_await perform_on(context, "COMPLETE", request.job_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return protocol::CompleteJobResponse();
}

Task<Gateway::Answer<protocol::FailJobResponse>> Gateway::fail_job(runtime::Context& context, protocol::FailJobRequest request) {
  auto variables = variables_of(request.variables);
  if (!variables) co_return std::unexpected(std::move(variables).error());
  engine::FailJob command;
  command.job = request.job_key;
  command.retries = request.retries;
  command.retry_in = span_of(request.retry_back_off);
  command.message = std::move(request.error_message);
  command.variables = std::move(*variables);
  auto outcome = co_await perform_on(context, "FAIL", request.job_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return protocol::FailJobResponse();
}

Task<Gateway::Answer<protocol::ThrowErrorResponse>> Gateway::throw_error(runtime::Context& context, protocol::ThrowErrorRequest request) {
  auto variables = variables_of(request.variables);
  if (!variables) co_return std::unexpected(std::move(variables).error());
  engine::ThrowError command{request.job_key, std::move(request.error_code), std::move(request.error_message), std::move(*variables)};
  auto outcome = co_await perform_on(context, "THROW_ERROR", request.job_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return protocol::ThrowErrorResponse();
}

Task<Gateway::Answer<protocol::UpdateJobRetriesResponse>> Gateway::update_retries(runtime::Context& context,
                                                                                  protocol::UpdateJobRetriesRequest request) {
  engine::Command command = engine::UpdateRetries{request.job_key, request.retries};
  auto outcome = co_await perform_on(context, "UPDATE_RETRIES", request.job_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return protocol::UpdateJobRetriesResponse();
}

Task<Gateway::Answer<protocol::UpdateJobTimeoutResponse>> Gateway::update_timeout(runtime::Context& context,
                                                                                  protocol::UpdateJobTimeoutRequest request) {
  engine::Command command = engine::UpdateTimeout{request.job_key, span_of(request.timeout)};
  auto outcome = co_await perform_on(context, "UPDATE_TIMEOUT", request.job_key, std::move(command));
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return protocol::UpdateJobTimeoutResponse();
}

}  // namespace consilium::bpmn

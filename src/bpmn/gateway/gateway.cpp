#include "bpmn/gateway/gateway.h"

#include <algorithm>

namespace consilium::bpmn {
namespace {

namespace protocol = gateway_protocol;
using net::RpcStatus;

constexpr char kService[] = "/gateway_protocol.Gateway/";
constexpr Duration kGiveBack = milliseconds(1);

RpcStatus status_of_bytes() { return {kInvalidArgument, "Expected a message of the protocol, but the bytes are none"}; }
RpcStatus status_of_size() { return {kResourceExhausted, "Expected an answer below 4 MB, but it is larger: fetch fewer variables"}; }

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

// One command of the engine and what it gave.
template <class Request, class Reply>
Task<Gateway::Answer<Reply>> Gateway::perform(runtime::Context& context, Request request) {
  auto asked = understand(std::move(request));
  if (!asked) co_return std::unexpected(std::move(asked).error());
  const process::Key key = asked->key.value_or(0);
  if (asked->key && engine::partition_of(key) != partition_) {  // a key says which partition it is of
    RpcStatus unknown{kUnavailable, "Expected the key of a known partition, but there is no partition " +
                                        std::to_string(engine::partition_of(key)) + " that " + std::to_string(key) + " could be of"};
    co_return std::unexpected(std::move(unknown));
  }
  auto decided = co_await engine_.perform(context, std::move(asked->command));
  if (!decided) co_return std::unexpected(status_of(decided.error()));
  if (!*decided) co_return std::unexpected(status_of(asked->name, decided->error()));
  Reply reply;
  tell(reply, **decided, key);
  co_return reply;
}

template <class Request, class Reply>
net::ForeignMethod Gateway::command(const char* name) {
  return unary(name, &Gateway::perform<Request, Reply>);
}

std::vector<net::ForeignMethod> Gateway::methods() {
  using namespace gateway_protocol;
  return {unary("Topology", &Gateway::topology),
          command<DeployProcessRequest, DeployProcessResponse>("DeployProcess"),
          command<DeployResourceRequest, DeployResourceResponse>("DeployResource"),
          command<DeleteResourceRequest, DeleteResourceResponse>("DeleteResource"),
          command<EvaluateDecisionRequest, EvaluateDecisionResponse>("EvaluateDecision"),
          unary("CreateProcessInstance", &Gateway::create),
          unary("CreateProcessInstanceWithResult", &Gateway::create_with_result),
          command<CancelProcessInstanceRequest, CancelProcessInstanceResponse>("CancelProcessInstance"),
          command<ModifyProcessInstanceRequest, ModifyProcessInstanceResponse>("ModifyProcessInstance"),
          command<MigrateProcessInstanceRequest, MigrateProcessInstanceResponse>("MigrateProcessInstance"),
          command<SetVariablesRequest, SetVariablesResponse>("SetVariables"),
          command<ResolveIncidentRequest, ResolveIncidentResponse>("ResolveIncident"),
          command<PublishMessageRequest, PublishMessageResponse>("PublishMessage"),
          command<BroadcastSignalRequest, BroadcastSignalResponse>("BroadcastSignal"),
          stream("ActivateJobs", &Gateway::activate_jobs),
          stream("StreamActivatedJobs", &Gateway::stream_jobs),
          command<CompleteJobRequest, CompleteJobResponse>("CompleteJob"),
          command<FailJobRequest, FailJobResponse>("FailJob"),
          command<ThrowErrorRequest, ThrowErrorResponse>("ThrowError"),
          command<UpdateJobRetriesRequest, UpdateJobRetriesResponse>("UpdateJobRetries"),
          command<UpdateJobTimeoutRequest, UpdateJobTimeoutResponse>("UpdateJobTimeout")};
}

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

// ---- instances

Task<Gateway::Answer<protocol::CreateProcessInstanceResponse>> Gateway::create(runtime::Context& context,
                                                                               protocol::CreateProcessInstanceRequest request) {
  auto creation = understand(std::move(request));
  if (!creation) co_return std::unexpected(std::move(creation).error());
  auto created = co_await engine_.create(context, std::move(*creation));
  if (!created) co_return std::unexpected(status_of(created.error()));
  if (!*created) co_return std::unexpected(status_of("CREATE", created->error()));
  co_return message_of(**created);
}

Task<Gateway::Answer<protocol::CreateProcessInstanceWithResultResponse>> Gateway::create_with_result(
    runtime::Context& context, protocol::CreateProcessInstanceWithResultRequest request) {
  auto creation = understand(std::move(request.request));
  if (!creation) co_return std::unexpected(std::move(creation).error());
  const Duration limit = request.request_timeout > 0 ? span_of(request.request_timeout) : kDefaultResultWait;
  auto created = co_await engine_.create_and_wait(context, std::move(*creation), limit);
  if (!created) co_return std::unexpected(status_of(created.error()));
  if (!*created) co_return std::unexpected(status_of("CREATE_WITH_AWAITING_RESULT", created->error()));
  co_return message_of(std::move(**created), request.fetch_variables);
}

// ---- jobs

Task<RpcStatus> Gateway::activate_jobs(runtime::Context& context, protocol::ActivateJobsRequest request, net::RpcStream& out) {
  const std::int64_t given = request.request_timeout;
  auto command = understand(std::move(request));
  if (!command) co_return std::move(command).error();
  Duration limit = kDefaultPoll;
  if (given != 0) limit = span_of(given);
  auto jobs = co_await engine_.activate_jobs(context, std::move(*command), limit);
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
  auto command = understand(std::move(request));
  if (!command) co_return std::move(command).error();
  while (!context.cancelled()) {
    auto jobs = co_await engine_.activate_jobs(context, *command, std::nullopt);
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
    engine::Command command = engine::YieldJob{jobs[i].key, kGiveBack, jobs[i].deadline};
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

}  // namespace consilium::bpmn

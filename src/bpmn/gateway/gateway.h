// The gateway that Zeebe's clients speak to: their calls as commands of the engine, the engine's refusals in their words. What a
// call changes is kept before it is answered.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "bpmn/local_process_engine.h"
#include "net/rpc.h"
#include "zeebe/gateway.h"

namespace consilium::bpmn {

// The version of the protocol: clients look at it to know which calls there are.
inline constexpr char kGatewayVersion[] = "8.5.8";
inline constexpr Duration kDefaultPoll = seconds(10);                  // of ActivateJobs whose request time-out is 0
inline constexpr Duration kDefaultResultWait = seconds(15);            // of CreateProcessInstanceWithResult
inline constexpr std::size_t kMaxAnswerBytes = 4 * 1024 * 1024 - 512;  // what clients accept
inline constexpr std::int32_t kStreamedJobs = 32;                      // that one stream takes at a time
inline constexpr std::size_t kStreamedBytes = 256 * 1024;              // of variables, of those

class Gateway {
 public:
  // The engine outlives the gateway and the calls of its methods.
  Gateway(LocalProcessEngine& engine, std::int32_t partition) : engine_(engine), partition_(partition) {}

  // Where it listens, for Topology; before the first call.
  void set_address(std::string host, int port) {
    host_ = std::move(host);
    port_ = port;
  }

  // The 21 calls.
  std::vector<net::ForeignMethod> methods();

 private:
  template <class T>
  using Answer = std::expected<T, net::RpcStatus>;
  template <class Request, class Reply>
  using Call = Task<Answer<Reply>> (Gateway::*)(runtime::Context&, Request);
  template <class Request>
  using StreamCall = Task<net::RpcStatus> (Gateway::*)(runtime::Context&, Request, net::RpcStream&);

  template <class Request, class Reply>
  net::ForeignMethod unary(const char* name, Call<Request, Reply> call);
  template <class Request, class Reply>
  Task<net::RpcStatus> answer(runtime::Context& context, Call<Request, Reply> call, std::string bytes, net::RpcStream& out);
  template <class Request>
  net::ForeignMethod stream(const char* name, StreamCall<Request> call);
  template <class Request>
  Task<net::RpcStatus> answer_stream(runtime::Context& context, StreamCall<Request> call, std::string bytes, net::RpcStream& out);
  static net::ForeignMethod missing(const char* name);
  static Task<net::RpcStatus> answer_missing(const char* name);

  Task<Answer<gateway_protocol::TopologyResponse>> topology(runtime::Context& context, gateway_protocol::TopologyRequest request);
  Task<Answer<gateway_protocol::DeployProcessResponse>> deploy_process(runtime::Context& context,
                                                                       gateway_protocol::DeployProcessRequest request);
  Task<Answer<gateway_protocol::DeployResourceResponse>> deploy_resource(runtime::Context& context,
                                                                         gateway_protocol::DeployResourceRequest request);
  Task<Answer<gateway_protocol::CreateProcessInstanceResponse>> create(runtime::Context& context,
                                                                       gateway_protocol::CreateProcessInstanceRequest request);
  Task<Answer<gateway_protocol::CreateProcessInstanceWithResultResponse>> create_with_result(
      runtime::Context& context, gateway_protocol::CreateProcessInstanceWithResultRequest request);
  Task<Answer<gateway_protocol::CancelProcessInstanceResponse>> cancel(runtime::Context& context,
                                                                       gateway_protocol::CancelProcessInstanceRequest request);
  Task<Answer<gateway_protocol::PublishMessageResponse>> publish(runtime::Context& context,
                                                                 gateway_protocol::PublishMessageRequest request);
  Task<net::RpcStatus> activate_jobs(runtime::Context& context, gateway_protocol::ActivateJobsRequest request, net::RpcStream& out);
  Task<net::RpcStatus> stream_jobs(runtime::Context& context, gateway_protocol::StreamActivatedJobsRequest request, net::RpcStream& out);
  Task<Answer<gateway_protocol::CompleteJobResponse>> complete_job(runtime::Context& context, gateway_protocol::CompleteJobRequest request);
  Task<Answer<gateway_protocol::FailJobResponse>> fail_job(runtime::Context& context, gateway_protocol::FailJobRequest request);
  Task<Answer<gateway_protocol::ThrowErrorResponse>> throw_error(runtime::Context& context, gateway_protocol::ThrowErrorRequest request);
  Task<Answer<gateway_protocol::UpdateJobRetriesResponse>> update_retries(runtime::Context& context,
                                                                          gateway_protocol::UpdateJobRetriesRequest request);
  Task<Answer<gateway_protocol::UpdateJobTimeoutResponse>> update_timeout(runtime::Context& context,
                                                                          gateway_protocol::UpdateJobTimeoutRequest request);
  Task<Answer<gateway_protocol::SetVariablesResponse>> set_variables(runtime::Context& context,
                                                                     gateway_protocol::SetVariablesRequest request);
  Task<Answer<gateway_protocol::ResolveIncidentResponse>> resolve_incident(runtime::Context& context,
                                                                           gateway_protocol::ResolveIncidentRequest request);

  Task<Answer<engine::Outcome>> perform(runtime::Context& context, const char* name, engine::Command command);
  Task<Answer<engine::Outcome>> perform_on(runtime::Context& context, const char* name, process::Key key, engine::Command command);
  Task<Answer<std::vector<engine::DeployedProcess>>> deploy(runtime::Context& context, engine::Deploy command);
  Task<void> refuse_large(runtime::Context& context, process::Key job);
  Task<void> give_back(runtime::Context& context, const std::vector<engine::ActivatedJob>& jobs, std::size_t from);

  LocalProcessEngine& engine_;
  std::int32_t partition_;
  std::string host_;
  int port_ = 0;
};

}  // namespace consilium::bpmn

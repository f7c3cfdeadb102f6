// The gateway that Zeebe's clients speak to: their calls as commands of the engine, the engine's refusals in their words. What a
// call changes is kept before it is answered.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "bpmn/gateway/messages.h"
#include "bpmn/local_process_engine.h"
#include "net/rpc.h"
#include "zeebe/gateway.h"

namespace consilium::bpmn {

// The version of the protocol: clients look at it to know which calls there are.
inline constexpr char kGatewayVersion[] = "8.5.8";
inline constexpr Duration kDefaultPoll = seconds(10);                  // of ActivateJobs whose request time-out is 0
inline constexpr Duration kDefaultResultWait = seconds(15);            // of CreateProcessInstanceWithResult
inline constexpr std::size_t kMaxAnswerBytes = 4 * 1024 * 1024 - 512;  // what clients accept

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
  template <class Request, class Reply>
  net::ForeignMethod command(const char* name);
  template <class Request, class Reply>
  Task<Answer<Reply>> perform(runtime::Context& context, Request request);

  Task<Answer<gateway_protocol::TopologyResponse>> topology(runtime::Context& context, gateway_protocol::TopologyRequest request);
  Task<Answer<gateway_protocol::CreateProcessInstanceResponse>> create(runtime::Context& context,
                                                                       gateway_protocol::CreateProcessInstanceRequest request);
  Task<Answer<gateway_protocol::CreateProcessInstanceWithResultResponse>> create_with_result(
      runtime::Context& context, gateway_protocol::CreateProcessInstanceWithResultRequest request);
  Task<net::RpcStatus> activate_jobs(runtime::Context& context, gateway_protocol::ActivateJobsRequest request, net::RpcStream& out);
  Task<net::RpcStatus> stream_jobs(runtime::Context& context, gateway_protocol::StreamActivatedJobsRequest request, net::RpcStream& out);
  Task<void> refuse_large(runtime::Context& context, process::Key job);
  Task<void> give_back(runtime::Context& context, const std::vector<engine::ActivatedJob>& jobs, std::size_t from);

  LocalProcessEngine& engine_;
  std::int32_t partition_;
  std::string host_;
  int port_ = 0;
};

}  // namespace consilium::bpmn

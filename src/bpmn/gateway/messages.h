// The messages of the protocol as commands of the engine, and what these give as messages again. Pure: bytes of strangers end here.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "bpmn/local_process_engine.h"
#include "net/rpc.h"
#include "zeebe/gateway.h"

namespace consilium::bpmn {

inline constexpr std::int32_t kStreamedJobs = 32;          // that one stream takes at a time
inline constexpr std::size_t kStreamedBytes = 256 * 1024;  // of variables, of those

// What a message asks for.
struct Asked {
  const char* name;  // of the command, as refusals tell it
  engine::Command command;
  std::optional<process::Key> key;  // whose partition must be ours
};

template <class T>
using Understood = std::expected<T, net::RpcStatus>;

Understood<Asked> understand(gateway_protocol::DeployProcessRequest request);
Understood<Asked> understand(gateway_protocol::DeployResourceRequest request);
Understood<Asked> understand(gateway_protocol::DeleteResourceRequest request);
Understood<Asked> understand(gateway_protocol::EvaluateDecisionRequest request);
Understood<Asked> understand(gateway_protocol::CancelProcessInstanceRequest request);
Understood<Asked> understand(gateway_protocol::ModifyProcessInstanceRequest request);
Understood<Asked> understand(gateway_protocol::MigrateProcessInstanceRequest request);
Understood<Asked> understand(gateway_protocol::SetVariablesRequest request);
Understood<Asked> understand(gateway_protocol::ResolveIncidentRequest request);
Understood<Asked> understand(gateway_protocol::PublishMessageRequest request);
Understood<Asked> understand(gateway_protocol::BroadcastSignalRequest request);
Understood<Asked> understand(gateway_protocol::CompleteJobRequest request);
Understood<Asked> understand(gateway_protocol::FailJobRequest request);
Understood<Asked> understand(gateway_protocol::ThrowErrorRequest request);
Understood<Asked> understand(gateway_protocol::UpdateJobRetriesRequest request);
Understood<Asked> understand(gateway_protocol::UpdateJobTimeoutRequest request);
Understood<Creation> understand(gateway_protocol::CreateProcessInstanceRequest request);
Understood<engine::ActivateJobs> understand(gateway_protocol::ActivateJobsRequest request);
Understood<engine::ActivateJobs> understand(gateway_protocol::StreamActivatedJobsRequest request);

// What a command gave, for those messages that say anything of it.
template <class Reply>
void tell(Reply&, const engine::Outcome&, process::Key) {}
void tell(gateway_protocol::DeployProcessResponse& reply, const engine::Outcome& outcome, process::Key);
void tell(gateway_protocol::DeployResourceResponse& reply, const engine::Outcome& outcome, process::Key);
void tell(gateway_protocol::EvaluateDecisionResponse& reply, const engine::Outcome& outcome, process::Key);
void tell(gateway_protocol::SetVariablesResponse& reply, const engine::Outcome& outcome, process::Key asked);
void tell(gateway_protocol::PublishMessageResponse& reply, const engine::Outcome& outcome, process::Key);
void tell(gateway_protocol::BroadcastSignalResponse& reply, const engine::Outcome& outcome, process::Key);
gateway_protocol::CreateProcessInstanceResponse message_of(const Created& created);
// With the variables of these names; empty: all.
gateway_protocol::CreateProcessInstanceWithResultResponse message_of(Created created, const std::vector<std::string>& names);
gateway_protocol::ActivatedJob message_of(const engine::ActivatedJob& job);
// About as many bytes as it takes.
std::size_t size_of(const gateway_protocol::ActivatedJob& job);

net::RpcStatus status_of(const char* command, const engine::Rejection& rejection);
// Of the engine as a whole.
net::RpcStatus status_of(const Error& error);

// Milliseconds as clients give them; no sum of it overflows.
Duration span_of(std::int64_t given);

using namespace net::grpc_code;

}  // namespace consilium::bpmn

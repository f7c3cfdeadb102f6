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
  for (process::ActiveElement& element : view.active)
    out.active.push_back({std::move(element.element_id), std::move(element.element_type), element.element_instance_key});
  return out;
}

// The engine's words for "no such thing" become ours.
Error translate(Error error) {
  if (error.kind != ErrorKind::kNotFound) return error;
  return v1::errors::not_found("Expected a process instance or incident that exists").caused_by(std::move(error));
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

}  // namespace

Task<Result<v1::ListProcessesReply>> ProcessService::list_processes(runtime::Context& context, v1::ListProcessesRequest) {
  auto processes = co_await engine_.processes(context);
  if (!processes) co_return fail(std::move(processes).error());
  v1::ListProcessesReply reply;
  for (process::DeployedProcess& one : *processes) reply.items.push_back({one.key, std::move(one.process_id), one.version});
  co_return reply;
}

Task<Result<v1::ListInstancesReply>> ProcessService::list_instances(runtime::Context& context, v1::ListInstancesRequest request) {
  CO_ASSIGN_OR_RETURN(const process::Key before, before_of(request.cursor));
  const int limit = page_size_of(request.limit);
  auto instances = co_await engine_.instances(context, request.process_id.value_or(""), port_state_of(request.state), before, limit);
  if (!instances) co_return fail(std::move(instances).error());
  v1::ListInstancesReply reply;
  if (instances->size() == static_cast<std::size_t>(limit)) reply.next_cursor = std::to_string(instances->back().key);
  for (process::InstanceView& view : *instances) reply.items.push_back(view_of(std::move(view)));
  co_return reply;
}

Task<Result<v1::Instance>> ProcessService::get_instance(runtime::Context& context, v1::GetInstanceRequest request) {
  auto view = co_await engine_.instance(context, request.key);
  if (!view) co_return fail(translate(std::move(view).error()));
  co_return view_of(std::move(*view));
}

Task<Result<v1::ListIncidentsReply>> ProcessService::list_incidents(runtime::Context& context, v1::ListIncidentsRequest) {
  auto incidents = co_await engine_.incidents(context);
  if (!incidents) co_return fail(std::move(incidents).error());
  v1::ListIncidentsReply reply;
  for (process::Incident& incident : *incidents) {
    reply.items.push_back({incident.key, incident.instance_key, std::move(incident.process_id), std::move(incident.element_id),
                           std::move(incident.error_type), std::move(incident.message), incident.created_at});
  }
  co_return reply;
}

Task<Result<v1::Nothing>> ProcessService::resolve_incident(runtime::Context& context, v1::ResolveIncidentRequest request) {
  // The engine has transactions of its own, or is elsewhere: what was asked stands before it is done.
  const database::AuditEntry audit = database::audit_entry(context, "ResolveIncident", request.key, "asked");
  const auto ask = [&](database::Transaction& transaction) { return audit_.insert(transaction, audit); };
  CO_TRY(co_await database_.write(context, ask));
  auto resolved = co_await engine_.resolve_incident(context, request.key);
  if (!resolved) resolved = fail(translate(std::move(resolved).error()));
  const std::string outcome = resolved ? "done" : resolved.error().code;
  const auto finish = [&](database::Transaction& transaction) { return audit_.finish(transaction, audit.id, outcome); };
  const auto finished = co_await database_.write(context, finish);
  if (!resolved) co_return fail(std::move(resolved).error());
  if (!finished) co_return fail(finished.error());
  co_return v1::Nothing{};
}

}  // namespace consilium::processes

// The public face of the process engine: what is deployed, what runs, what is stuck. The engine itself is behind its port.
#pragma once

#include "consilium/processes/v1/processes_service.h"
#include "ports/database/audit.h"
#include "ports/database/idempotency.h"
#include "ports/process_engine/process_engine.h"

namespace consilium::processes {

// No state of its own but the audit of what people did to processes and the answers to repeated starts; calls may come on any loop.
class ProcessService final : public v1::Processes {
 public:
  ProcessService(database::Database& database, process::ProcessEngine& engine) : database_(database), engine_(engine) {}

  Task<Result<v1::ListProcessesReply>> list_processes(runtime::Context& context, v1::ListProcessesRequest request) override;
  Task<Result<v1::ListInstancesReply>> list_instances(runtime::Context& context, v1::ListInstancesRequest request) override;
  Task<Result<v1::Instance>> get_instance(runtime::Context& context, v1::GetInstanceRequest request) override;
  Task<Result<v1::ListIncidentsReply>> list_incidents(runtime::Context& context, v1::ListIncidentsRequest request) override;
  Task<Result<v1::Nothing>> resolve_incident(runtime::Context& context, v1::ResolveIncidentRequest request) override;
  Task<Result<v1::ListModelsReply>> list_models(runtime::Context& context, v1::ListModelsRequest request) override;
  Task<Result<v1::Model>> get_model(runtime::Context& context, v1::GetModelRequest request) override;
  Task<Result<v1::DeployModelsReply>> deploy_models(runtime::Context& context, v1::DeployModelsRequest request) override;
  Task<Result<v1::ListDecisionsReply>> list_decisions(runtime::Context& context, v1::ListDecisionsRequest request) override;
  Task<Result<v1::Decision>> get_decision(runtime::Context& context, v1::GetDecisionRequest request) override;
  Task<Result<v1::Instance>> start_instance(runtime::Context& context, v1::StartInstanceRequest request) override;
  Task<Result<v1::ListElementsReply>> list_elements(runtime::Context& context, v1::ListElementsRequest request) override;
  Task<Result<v1::CountElementsReply>> count_elements(runtime::Context& context, v1::CountElementsRequest request) override;
  Task<Result<v1::Nothing>> cancel_instance(runtime::Context& context, v1::CancelInstanceRequest request) override;
  Task<Result<v1::Nothing>> set_variables(runtime::Context& context, v1::SetVariablesRequest request) override;
  Task<Result<v1::Nothing>> modify_instance(runtime::Context& context, v1::ModifyInstanceRequest request) override;
  Task<Result<v1::MigrateInstancesReply>> migrate_instances(runtime::Context& context, v1::MigrateInstancesRequest request) override;
  Task<Result<v1::Nothing>> retry_job(runtime::Context& context, v1::RetryJobRequest request) override;

 private:
  // `change`, which runs on the engine, with a row in the audit that stands before it is made.
  template <class T, class Change>
  Task<Result<T>> audited(runtime::Context& context, std::string_view call, database::Value subject, Change change);
  Task<Result<std::optional<v1::Instance>>> find_answer(runtime::Context& context, const std::optional<database::IdempotentRequest>& once);
  Task<Result<v1::Instance>> start_new(runtime::Context& context, v1::StartInstanceRequest request, std::string engine_key);

  database::Database& database_;
  process::ProcessEngine& engine_;
  const database::AuditTable audit_{"processes"};
  const database::IdempotencyTable idempotency_{"processes"};
};

}  // namespace consilium::processes

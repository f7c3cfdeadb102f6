// The public face of the process engine: what is deployed, what runs, what is stuck. The engine itself is behind its port.
#pragma once

#include "consilium/processes/v1/processes_service.h"
#include "ports/database/audit.h"
#include "ports/process_engine/process_engine.h"

namespace consilium::processes {

// No state of its own but the audit of what people did to processes; calls may come on any loop.
class ProcessService final : public v1::Processes {
 public:
  ProcessService(database::Database& database, process::ProcessEngine& engine) : database_(database), engine_(engine) {}

  Task<Result<v1::ListProcessesReply>> list_processes(runtime::Context& context, v1::ListProcessesRequest request) override;
  Task<Result<v1::ListInstancesReply>> list_instances(runtime::Context& context, v1::ListInstancesRequest request) override;
  Task<Result<v1::Instance>> get_instance(runtime::Context& context, v1::GetInstanceRequest request) override;
  Task<Result<v1::ListIncidentsReply>> list_incidents(runtime::Context& context, v1::ListIncidentsRequest request) override;
  Task<Result<v1::Nothing>> resolve_incident(runtime::Context& context, v1::ResolveIncidentRequest request) override;

 private:
  database::Database& database_;
  process::ProcessEngine& engine_;
  const database::AuditTable audit_{"processes"};
};

}  // namespace consilium::processes

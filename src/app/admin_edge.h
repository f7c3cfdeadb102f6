// Administration of a running server: plain JSON over `DATA/admin.sock`, which only its owner may open. Not part of the
// public API; the command line is its one client. Called on the main loop.
//
//   GET /people?cursor=C · POST /people/client|consultant|expert|staff (body as in the contract of users)
//   POST /people/lock|unlock|reset {username} · PUT /log {service, level} · POST /backup {file} · POST /verify
//   GET, POST /processes/… as in the public API
//   GET /cases/NUMBER[?texts=true] · GET /refusals?cursor=C · GET /dead-letters?cursor=C · POST /dead-letters/replay {id}
//
// Failures: {code, detail, fields} with the status of their kind. Each call that changes something or shows what people wrote
// has a row in `operator_audit`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/platform.h"
#include "gateway/router.h"
#include "net/http.h"
#include "ports/database/audit.h"
#include "runtime/blocking_pool.h"
#include "runtime/data_folder.h"
#include "runtime/health.h"
#include "runtime/log.h"

namespace consilium::app {

// All outlive the edge.
struct AdminParts {
  Platform& platform;
  database::Store& store;
  const runtime::DataFolder& folder;
  runtime::BlockingPool& pool;  // for backup and verify
  runtime::Log& log;
  RandomSource& random;
  const runtime::Health& health;
  std::string base_url;  // of the pages, for one-time links
};

class AdminEdge final : public net::HttpApplication {
 public:
  explicit AdminEdge(AdminParts parts);

  static std::vector<database::Migration> migrations() { return {database::AuditTable::migration(kService, 1)}; }
  static constexpr std::string_view kService = "operator";  // whose tables these are

  Task<net::HttpResponse> handle(runtime::Scheduler& loop, net::HttpRequest request) override;
  Task<net::UpgradeAnswer> upgrade(runtime::Scheduler& loop, net::HttpRequest request) override;

 private:
  using Answer = Result<std::string>;  // JSON
  // `answer` on record.
  Task<Answer> recorded(runtime::Context& context, const net::HttpRequest& request);
  Task<Answer> answer(runtime::Context& context, const net::HttpRequest& request);
  // The same routes as in the public API.
  Task<Answer> ask_processes(runtime::Context& context, const net::HttpRequest& request);
  Task<Answer> list_people(runtime::Context& context, std::string_view query);
  Task<Answer> list_refusals(runtime::Context& context, std::string_view query);
  Task<Answer> list_dead_letters(runtime::Context& context, std::string_view query);
  Task<Answer> replay(runtime::Context& context, std::string body);
  Task<Answer> add(runtime::Context& context, std::string kind, std::string body);
  Task<Result<users::v1::User>> create(runtime::Context& context, std::string kind, std::string body);
  Task<Answer> change(runtime::Context& context, std::string action, std::string body);
  Task<Answer> back_up(runtime::Context& context, std::string body);
  Task<Answer> verify(runtime::Context& context);
  Answer set_level(std::string_view body);

  AdminParts parts_;
  runtime::Logger logger_;
  database::Database& database_;
  gateway::Router processes_;
  const database::AuditTable audit_{kService};
};

}  // namespace consilium::app

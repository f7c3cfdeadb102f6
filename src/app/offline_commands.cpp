#include "app/offline_commands.h"

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>

#include "app/admin_client.h"
#include "app/backup.h"
#include "ports/database/sqlite/maintenance.h"
#include "runtime/data_folder.h"

namespace consilium::app {
namespace {

namespace json = boost::json;

using Findings = std::vector<std::string>;

Result<Findings> ask_server(const runtime::Config& config) {
  ASSIGN_OR_RETURN(const json::value answer, call_server(admin_socket_of(config), {"POST", "/verify", "{}"}));
  return json::value_to<Findings>(answer.at("findings"));
}

// So damaged that it cannot be checked is a finding too.
Result<Findings> read_folder(const runtime::Config& config) {
  const std::string database = config.data.text + "/consilium.db";
  if (!std::filesystem::exists(database)) return fail(ErrorKind::kNotFound, "data.missing", "Expected a database at " + database);
  ASSIGN_OR_RETURN(const auto folder, runtime::DataFolder::open(config.data.text, runtime::kEngineDataVersion));
  database::sqlite::Options options;
  options.path = folder.database();
  auto findings = database::sqlite::find_damage(options);
  if (!findings) return Findings{findings.error().describe()};
  return findings;
}

int exit_code_of(const Error& error) {
  const int code = report_failure(error);
  return error.code.starts_with("data.") ? kExitConfiguration : code;
}

}  // namespace

int verify(const Operator& me) {
  auto findings = ask_server(me.config);
  if (!findings && findings.error().code == "admin.not-running") findings = read_folder(me.config);
  if (!findings) return exit_code_of(findings.error());
  if (me.form == OutputForm::kJson) {
    std::printf("%s\n", json::serialize(json::object{{"findings", json::value_from(*findings)}}).c_str());
  } else {
    for (const std::string& finding : *findings) std::printf("%s\n", finding.c_str());
  }
  if (findings->empty()) {
    std::fprintf(stderr, "The stored data is sound: pages, indexes, references.\n");
    return kExitDone;
  }
  std::fprintf(stderr, "The stored data is damaged: stop the server and restore the last backup.\n");
  return kExitFailed;
}

int restore(const Operator& me, const std::string& file) {
  if (const auto restored = restore_backup(file, me.config.data.text); !restored) return exit_code_of(restored.error());
  std::fprintf(stderr, "Restored into %s.\n", me.config.data.text.c_str());
  return kExitDone;
}

}  // namespace consilium::app

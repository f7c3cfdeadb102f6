// What people and services asked for that must stay known: administrative calls, and whatever was refused to anybody. Each
// service has a table of its own, `<service>_audit`, whose rows are never deleted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/database/database.h"
#include "runtime/context.h"

namespace consilium::database {

struct AuditEntry {
  Uuid id;
  Timestamp at;
  std::string actor;  // `user:<id>`, `service:<name>`, `anonymous`
  std::optional<Uuid> session_id;
  std::string call;     // `LockUser`
  Value subject;        // the id or key of what it was about, or null
  std::string outcome;  // `done`, the code of the error, or `asked` while nobody knows
  std::string request_id;
  std::string remote_address;

  bool operator==(const AuditEntry&) const = default;
};

AuditEntry audit_entry(const runtime::Context& context, std::string_view call, Value subject, std::string outcome = "done");

// A service holds one for its table.
class AuditTable {
 public:
  explicit AuditTable(std::string_view service);

  // Makes the table; `number` is its place among the service's migrations.
  static Migration migration(std::string_view service, int number);

  Result<void> insert(Transaction& transaction, const AuditEntry& entry) const;
  // For effects that are not in the transaction of their entry: `outcome` in the place of `asked`.
  Result<void> finish(Transaction& transaction, Uuid id, std::string_view outcome) const;
  // Of one subject, oldest first, at most 1,000.
  Result<std::vector<AuditEntry>> list(Transaction& transaction, const Value& subject) const;

 private:
  std::string insert_sql_;
  std::string finish_sql_;
  std::string list_sql_;
};

}  // namespace consilium::database

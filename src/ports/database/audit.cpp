#include "ports/database/audit.h"

namespace consilium::database {
namespace {

constexpr std::string_view kColumns = "id, at, actor, session_id, call, subject_id, outcome, request_id, remote_address";

std::string table_of(std::string_view service) { return std::string(service) + "_audit"; }

}  // namespace

AuditEntry audit_entry(const runtime::Context& context, std::string_view call, Value subject, std::string outcome) {
  AuditEntry entry;
  entry.id = context.new_id();
  entry.at = context.now();
  entry.actor = context.caller.name();
  if (entry.actor.empty()) entry.actor = "anonymous";
  if (context.caller.is_user()) entry.session_id = context.caller.session_id;
  entry.call = call;
  entry.subject = std::move(subject);
  entry.outcome = std::move(outcome);
  entry.request_id = context.request_id;
  entry.remote_address = context.remote_address;
  return entry;
}

AuditTable::AuditTable(std::string_view service) {
  const std::string table = table_of(service);
  insert_sql_ = "INSERT INTO " + table + " (" + std::string(kColumns) + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
  finish_sql_ = "UPDATE " + table + " SET outcome = ? WHERE id = ?";
  list_sql_ = "SELECT " + std::string(kColumns) + " FROM " + table + " WHERE subject_id = ? ORDER BY at, id LIMIT 1000";
}

// The subject has the type of its service: the bytes of an id, or a key.
Migration AuditTable::migration(std::string_view service, int number) {
  const std::string table = table_of(service);
  return {number, "create_audit",
          "CREATE TABLE " + table +
              " (\n"
              "  id BLOB PRIMARY KEY,\n"
              "  at INTEGER NOT NULL,\n"
              "  actor TEXT NOT NULL,\n"
              "  session_id BLOB,\n"
              "  call TEXT NOT NULL,\n"
              "  subject_id BLOB,\n"
              "  outcome TEXT NOT NULL,\n"
              "  request_id TEXT NOT NULL,\n"
              "  remote_address TEXT NOT NULL\n"
              ");\n"
              "CREATE INDEX " +
              table + "_at ON " + table + " (at);\nCREATE INDEX " + table + "_subject ON " + table + " (subject_id, at);\n"};
}

Result<void> AuditTable::insert(Transaction& transaction, const AuditEntry& entry) const {
  TRY(transaction.execute(insert_sql_, entry.id, entry.at, entry.actor, entry.session_id, entry.call, entry.subject, entry.outcome,
                          entry.request_id, entry.remote_address));
  return {};
}

Result<void> AuditTable::finish(Transaction& transaction, Uuid id, std::string_view outcome) const {
  TRY(transaction.execute(finish_sql_, outcome, id));
  return {};
}

Result<std::vector<AuditEntry>> AuditTable::list(Transaction& transaction, const Value& subject) const {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query(list_sql_, subject));
  std::vector<AuditEntry> entries;
  for (const Row& row : rows)
    entries.push_back(
        {row.uuid(0), row.timestamp(1), row.text(2), row.optional_uuid(3), row.text(4), row.at(5), row.text(6), row.text(7), row.text(8)});
  return entries;
}

}  // namespace consilium::database

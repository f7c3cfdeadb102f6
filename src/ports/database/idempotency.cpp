#include "ports/database/idempotency.h"

#include <algorithm>

#include "base/digest.h"

namespace consilium::database {
namespace {

bool is_valid_key(std::string_view key) {
  return key.size() <= kMaxIdempotencyKey && std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<std::optional<IdempotentRequest>> idempotent_request(const runtime::Context& context, std::string_view call, std::string_view body) {
  if (context.idempotency_key.empty()) return std::nullopt;
  if (!is_valid_key(context.idempotency_key))
    return fail(ErrorKind::kValidation, "request.bad-idempotency-key", "Expected an Idempotency-Key of at most 64 printable characters");
  std::string caller = context.caller.name();
  if (caller.empty()) return std::nullopt;
  return IdempotentRequest{std::move(caller), std::string(call), context.idempotency_key, sha256(body), context.now()};
}

IdempotencyTable::IdempotencyTable(std::string_view service) {
  const std::string table = std::string(service) + "_idempotency";
  find_sql_ = "SELECT body_hash, answer FROM " + table + " WHERE caller = ? AND call = ? AND key = ? AND expires_at > ?";
  keep_sql_ = "INSERT INTO " + table +
              " (caller, call, key, body_hash, answer, expires_at) VALUES (?, ?, ?, ?, ?, ?) "
              "ON CONFLICT (caller, call, key) DO UPDATE SET body_hash = excluded.body_hash, answer = excluded.answer, "
              "expires_at = excluded.expires_at";
  sweep_sql_ = "DELETE FROM " + table + " WHERE (caller, call, key) IN (SELECT caller, call, key FROM " + table +
               " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)";
}

Migration IdempotencyTable::migration(std::string_view service, int number) {
  const std::string table = std::string(service) + "_idempotency";
  return {number, "create_idempotency",
          "CREATE TABLE " + table +
              " (\n"
              "  caller TEXT NOT NULL,\n"
              "  call TEXT NOT NULL,\n"
              "  key TEXT NOT NULL,\n"
              "  body_hash BLOB NOT NULL,\n"
              "  answer BLOB NOT NULL,\n"
              "  expires_at INTEGER NOT NULL,\n"
              "  PRIMARY KEY (caller, call, key)\n"
              ");\n"
              "CREATE INDEX " +
              table + "_expiry ON " + table + " (expires_at);\n"};
}

Result<std::optional<std::string>> IdempotencyTable::find(Transaction& transaction, const IdempotentRequest& request) const {
  ASSIGN_OR_RETURN(const std::optional<Row> row, transaction.query_one(find_sql_, request.caller, request.call, request.key, request.now));
  if (!row) return std::nullopt;
  if (row->blob(0) != request.body_hash)
    return fail(ErrorKind::kValidation, "request.idempotency-key-reused", "Expected a new Idempotency-Key for another request");
  return row->blob(1);
}

Result<void> IdempotencyTable::keep(Transaction& transaction, const IdempotentRequest& request, std::string answer) const {
  TRY(transaction.execute(sweep_sql_, request.now, kIdempotencySweep));
  TRY(transaction.execute(keep_sql_, request.caller, request.call, request.key, Blob{request.body_hash}, Blob{std::move(answer)},
                          request.now + kIdempotencyRetention));
  return {};
}

}  // namespace consilium::database

#include "ports/bus/inbox.h"

namespace consilium::bus {

Result<std::string> once(database::Transaction& transaction, std::string_view service, const runtime::Context& context,
                         std::string_view key, const std::function<Result<std::string>()>& effect) {
  if (key.empty() || key.size() > kMaxInboxKey) return fail(ErrorKind::kInternal, "inbox.bad-key", "Expected a key of 1 to 200 characters");
  const std::string table = std::string(service) + "_inbox";
  ASSIGN_OR_RETURN(const auto known, transaction.query_one("SELECT answer FROM " + table + " WHERE key = ?", key));
  if (known) return known->text(0);
  ASSIGN_OR_RETURN(std::string answer, effect());
  TRY(transaction.execute("INSERT INTO " + table + "(key, answer, at) VALUES (?, ?, ?)", key, answer, context.now()));
  return answer;
}

Result<std::int64_t> forget_answers(database::Transaction& transaction, std::string_view service, Timestamp before, int limit) {
  const std::string table = std::string(service) + "_inbox";
  return transaction.execute("DELETE FROM " + table + " WHERE key IN (SELECT key FROM " + table + " WHERE at < ? ORDER BY at LIMIT ?)",
                             before, limit);
}

}  // namespace consilium::bus

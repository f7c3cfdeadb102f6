// Creating calls that may be repeated: the answer is kept in the transaction of its effect under (caller, call, key), so
// that a repeated request gets the first answer and has no second effect. Each service has a table of its own,
// `<service>_idempotency`. Only successes are kept: a refused request may be tried again with the same key.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/codec.h"
#include "ports/database/database.h"
#include "runtime/context.h"

namespace consilium::database {

inline constexpr std::size_t kMaxIdempotencyKey = 64;  // characters, printable ASCII
inline constexpr Duration kIdempotencyRetention = hours(24);
// Expired answers that each new one clears away.
inline constexpr int kIdempotencySweep = 10;

// A request that carries a key, with everything the transaction needs of it.
struct IdempotentRequest {
  std::string caller;  // `user:<id>` or `service:<name>`
  std::string call;    // `CreateClient`
  std::string key;
  std::string body_hash;
  Timestamp now;
};

// nullopt without a key, or for a caller who is nobody in particular (what anonymous callers get is never kept).
// `body` is the request in any one encoding. Error `request.bad-idempotency-key` (kValidation).
Result<std::optional<IdempotentRequest>> idempotent_request(const runtime::Context& context, std::string_view call, std::string_view body);

// A service holds one for its table.
class IdempotencyTable {
 public:
  explicit IdempotencyTable(std::string_view service);

  // Makes the table; `number` is its place among the service's migrations.
  static Migration migration(std::string_view service, int number);

  // Runs `step` unless the answer is stored. The same key with another body: `request.idempotency-key-reused` (kValidation).
  template <class Reply, class Step>
  Result<Reply> once(Transaction& transaction, const std::optional<IdempotentRequest>& request, Step step) const {
    if (!request) return step();
    ASSIGN_OR_RETURN(const std::optional<std::string> stored, find(transaction, *request));
    if (stored) return decode_wire<Reply>(*stored);
    Result<Reply> reply = step();
    if (!reply) return reply;
    TRY(keep(transaction, *request, encode_wire(*reply)));
    return reply;
  }

  Result<std::optional<std::string>> find(Transaction& transaction, const IdempotentRequest& request) const;
  Result<void> keep(Transaction& transaction, const IdempotentRequest& request, std::string answer) const;

 private:
  std::string find_sql_;
  std::string keep_sql_;
  std::string sweep_sql_;
};

}  // namespace consilium::database

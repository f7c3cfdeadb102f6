// Commands that may come twice (jobs of the process engine, calls with an idempotency key) take effect once: their key
// and answer are stored with their effect, and a repetition gets the stored answer.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ports/database/database.h"
#include "runtime/context.h"

namespace consilium::bus {

inline constexpr std::size_t kMaxInboxKey = 200;  // characters

// Inside a transaction of `service`. An error of `effect` is not stored: the next try runs it again.
// Errors: `inbox.bad-key` (kInternal) for an empty or longer key.
Result<std::string> once(database::Transaction& transaction, std::string_view service, const runtime::Context& context,
                         std::string_view key, const std::function<Result<std::string>()>& effect);

// Deletes answers stored before `before`, at most `limit`; returns how many.
Result<std::int64_t> forget_answers(database::Transaction& transaction, std::string_view service, Timestamp before, int limit);

}  // namespace consilium::bus

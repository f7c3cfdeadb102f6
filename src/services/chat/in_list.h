// Statements with `IN (?, ?, …)` for any number of ids: a fixed few lengths, so that they stay prepared, filled up with
// NULL, which is equal to nothing.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "ports/database/database.h"

namespace consilium::chat {

class InList {
 public:
  static constexpr std::array<std::size_t, 3> kLengths = {1, 16, 64};

  // `before` ends where the list stands, `after` goes on behind it. Objects live as long as the process.
  InList(std::string_view before, std::string_view after);

  // One statement for each 64 ids, in their order; `first` and `last` are bound before and behind the list.
  Result<database::Rows> query(database::Transaction& transaction, std::span<const database::Value> first, std::span<const Uuid> ids,
                               std::span<const database::Value> last = {}) const;
  Result<std::int64_t> execute(database::Transaction& transaction, std::span<const database::Value> first, std::span<const Uuid> ids,
                               std::span<const database::Value> last = {}) const;

 private:
  template <class Step>
  Result<void> each(std::span<const database::Value> first, std::span<const Uuid> ids, std::span<const database::Value> last,
                    Step step) const;

  std::array<std::string, kLengths.size()> statements_;
};

}  // namespace consilium::chat

#include "services/chat/in_list.h"

#include <algorithm>
#include <iterator>

namespace consilium::chat {

using database::Value;

InList::InList(std::string_view before, std::string_view after) {
  for (std::size_t i = 0; i < kLengths.size(); ++i) {
    std::string& sql = statements_[i];
    sql = before;
    sql += " (?";
    for (std::size_t k = 1; k < kLengths[i]; ++k) sql += ", ?";
    sql += ") ";
    sql += after;
  }
}

template <class Step>
Result<void> InList::each(std::span<const Value> first, std::span<const Uuid> ids, std::span<const Value> last, Step step) const {
  while (!ids.empty()) {
    const std::size_t count = std::min(ids.size(), kLengths.back());
    const auto* const length = std::lower_bound(kLengths.begin(), kLengths.end(), count);
    std::vector<Value> values(first.begin(), first.end());
    for (const Uuid& id : ids.first(count)) values.push_back(database::to_value(id));
    values.resize(first.size() + *length, database::Null{});
    values.insert(values.end(), last.begin(), last.end());
    TRY(step(std::string_view(statements_[static_cast<std::size_t>(length - kLengths.begin())]), values));
    ids = ids.subspan(count);
  }
  return {};
}

Result<database::Rows> InList::query(database::Transaction& transaction, std::span<const Value> first, std::span<const Uuid> ids,
                                     std::span<const Value> last) const {
  database::Rows all;
  TRY(each(first, ids, last, [&](std::string_view sql, const std::vector<Value>& values) -> Result<void> {
    ASSIGN_OR_RETURN(auto rows, transaction.select(sql, values));
    std::move(rows.begin(), rows.end(), std::back_inserter(all));
    return {};
  }));
  return all;
}

Result<std::int64_t> InList::execute(database::Transaction& transaction, std::span<const Value> first, std::span<const Uuid> ids,
                                     std::span<const Value> last) const {
  std::int64_t changed = 0;
  TRY(each(first, ids, last, [&](std::string_view sql, const std::vector<Value>& values) -> Result<void> {
    ASSIGN_OR_RETURN(const std::int64_t rows, transaction.run(sql, values));
    changed += rows;
    return {};
  }));
  return changed;
}

}  // namespace consilium::chat

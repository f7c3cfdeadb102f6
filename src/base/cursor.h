// Where a page of a list ended. Lists are ordered by time of creation, newest first, then by id, so that a walk over
// all pages meets each row once, whatever is added meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"

namespace consilium {

inline constexpr std::int32_t kDefaultPageSize = 50;
inline constexpr std::int32_t kMaxPageSize = 200;

// What `limit` of a list request means; out of bounds it is clamped.
std::int32_t page_size_of(std::optional<std::int32_t> limit);

// The last row of a page. The next page holds the rows with (created, id) below it:
// `WHERE (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`.
struct Cursor {
  Timestamp created;
  Uuid id;
  bool operator==(const Cursor&) const = default;

  // 32 characters that tell clients nothing.
  std::string text() const;
  // nullopt for what `text` does not make.
  static std::optional<Cursor> parse(std::string_view text);
};

}  // namespace consilium

#include "base/cursor.h"

#include <algorithm>

#include "base/base64.h"

namespace consilium {
namespace {

constexpr std::size_t kTimeSize = 8;
constexpr std::size_t kCursorSize = kTimeSize + 16;

}  // namespace

std::int32_t page_size_of(std::optional<std::int32_t> limit) { return std::clamp(limit.value_or(kDefaultPageSize), 1, kMaxPageSize); }

std::string Cursor::text() const {
  const auto time = static_cast<std::uint64_t>(created.microseconds);
  std::string bytes;
  for (std::size_t i = 0; i < kTimeSize; ++i) bytes += static_cast<char>(time >> (56 - 8 * i) & 255);
  bytes += id.raw();
  return encode_base64url(bytes);
}

std::optional<Cursor> Cursor::parse(std::string_view text) {
  const auto bytes = decode_base64url(text);
  if (!bytes || bytes->size() != kCursorSize) return std::nullopt;
  std::uint64_t time = 0;
  for (std::size_t i = 0; i < kTimeSize; ++i) time = time << 8 | static_cast<unsigned char>((*bytes)[i]);
  return Cursor{{static_cast<std::int64_t>(time)}, *Uuid::from_raw(std::string_view(*bytes).substr(kTimeSize))};
}

}  // namespace consilium

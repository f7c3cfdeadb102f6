// UUIDs. New ones are version 7 (RFC 9562 §5.7): ordered by time of creation, to the millisecond.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"

namespace consilium {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
  std::string text() const;  // lower-case, 36 characters
  std::string_view raw() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

  static std::optional<Uuid> parse(std::string_view text);    // 36 characters, either case
  static std::optional<Uuid> from_raw(std::string_view raw);  // exactly 16 bytes
};

// 48 bits of milliseconds, version and variant, 74 random bits.
Uuid make_uuid_v7(Timestamp now, RandomSource& random);

}  // namespace consilium

template <>
struct std::hash<consilium::Uuid> {
  std::size_t operator()(const consilium::Uuid& id) const noexcept {
    std::size_t mixed = 0;  // the last eight bytes are random
    for (std::size_t i = 8; i < 16; ++i) mixed = mixed << 8 | id.bytes[i];
    return mixed;
  }
};

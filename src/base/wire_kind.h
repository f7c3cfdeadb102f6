// The scalar types of protobuf and how they lie on the wire.
#pragma once

#include <cstdint>

namespace consilium {

enum class WireKind : std::uint8_t {
  kInt32,
  kInt64,
  kUint32,
  kUint64,
  kSint32,
  kSint64,
  kFixed32,
  kFixed64,
  kSfixed32,
  kSfixed64,
  kBool,
  kFloat,
  kDouble,
  kEnum,
  kText,
  kBytes,
  kMessage,
};

inline constexpr int kVarint = 0;
inline constexpr int kFixed64 = 1;
inline constexpr int kDelimited = 2;
inline constexpr int kFixed32 = 5;

constexpr int wire_type_of(WireKind kind) {
  switch (kind) {
    case WireKind::kFixed32:
    case WireKind::kSfixed32:
    case WireKind::kFloat: return kFixed32;
    case WireKind::kFixed64:
    case WireKind::kSfixed64:
    case WireKind::kDouble: return kFixed64;
    case WireKind::kText:
    case WireKind::kBytes:
    case WireKind::kMessage: return kDelimited;
    default: return kVarint;
  }
}

}  // namespace consilium

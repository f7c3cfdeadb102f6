// Reads protobuf's binary form (proto3) on libprotobuf's coded stream, straight into generated messages. Fields that
// the message does not know, or that come in another wire type, are skipped; nesting is bounded.
#pragma once

#include <google/protobuf/io/coded_stream.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/wire_kind.h"

namespace consilium {

inline constexpr int kMaxWireDepth = 32;

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : in_(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size())) {}

  // Number of the next field, whose value must be taken or skipped then; 0 at the end of the message or when broken.
  int next();
  void skip();
  bool broken() const { return broken_; }
  Result<void> finish() const;

  template <WireKind kKind, class Value>
  void take(Value& out) {
    if (type_ != wire_type_of(kKind)) return skip();
    if (!take_value<kKind>(out)) broken_ = true;
  }
  template <WireKind kKind, class Value>
  void take(std::optional<Value>& out) {
    if (type_ != wire_type_of(kKind)) return skip();
    if (!out) out.emplace();
    if (!take_value<kKind>(*out)) broken_ = true;
  }
  template <WireKind kKind, class Value>
  void take(std::vector<Value>& out) {
    if constexpr (wire_type_of(kKind) != kDelimited) {
      if (type_ == kDelimited) return take_packed<kKind>(out);
    }
    if (type_ != wire_type_of(kKind)) return skip();
    Value value{};
    if (!take_value<kKind>(value)) broken_ = true;
    out.push_back(std::move(value));
  }
  template <WireKind kKind, class Value>
  void take(std::map<std::string, Value>& out) {
    if (type_ != kDelimited) return skip();
    std::string name;
    Value value{};
    const bool good = nested([&] {
      while (const int field = next()) {
        if (field == 1) {
          take<WireKind::kText>(name);
        } else if (field == 2) {
          take<kKind>(value);
        } else {
          skip();
        }
      }
    });
    if (!good) {
      broken_ = true;
      return;
    }
    out.insert_or_assign(std::move(name), std::move(value));
  }

 private:
  template <class Read>
  bool nested(Read read) {
    std::uint32_t length = 0;
    if (depth_ >= kMaxWireDepth || !in_.ReadVarint32(&length) || !fits(length)) return false;
    const auto limit = in_.PushLimit(static_cast<int>(length));
    ++depth_;
    read();
    --depth_;
    const bool whole = !broken_ && in_.BytesUntilLimit() == 0;
    in_.PopLimit(limit);
    return whole;
  }

  template <WireKind kKind, class Value>
  void take_packed(std::vector<Value>& out) {
    std::uint32_t length = 0;
    if (!in_.ReadVarint32(&length) || !fits(length)) {
      broken_ = true;
      return;
    }
    const auto limit = in_.PushLimit(static_cast<int>(length));
    while (!broken_ && in_.BytesUntilLimit() > 0) {
      Value value{};
      if (!take_value<kKind>(value)) broken_ = true;
      out.push_back(std::move(value));
    }
    in_.PopLimit(limit);
  }

  template <WireKind kKind, class Value>
  bool take_value(Value& out) {
    if constexpr (kKind == WireKind::kMessage) {
      return nested([&] { read_wire(*this, out); });
    } else if constexpr (kKind == WireKind::kText || kKind == WireKind::kBytes) {
      std::string bytes;
      return delimited(bytes, kKind == WireKind::kText) && assign(std::move(bytes), out);
    } else if constexpr (wire_type_of(kKind) == kFixed32) {
      std::uint32_t bits = 0;
      if (!in_.ReadLittleEndian32(&bits)) return false;
      out = from_bits<Value>(bits);
      return true;
    } else if constexpr (wire_type_of(kKind) == kFixed64) {
      std::uint64_t bits = 0;
      if (!in_.ReadLittleEndian64(&bits)) return false;
      if constexpr (requires { out.microseconds; }) {
        out.microseconds = static_cast<std::int64_t>(bits);
      } else {
        out = from_bits<Value>(bits);
      }
      return true;
    } else {
      std::uint64_t bits = 0;
      if (!in_.ReadVarint64(&bits)) return false;
      if constexpr (kKind == WireKind::kSint32)
        bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(unzigzag(static_cast<std::uint32_t>(bits))));
      if constexpr (kKind == WireKind::kSint64) bits = unzigzag(bits);
      if constexpr (requires { out.microseconds; }) {
        out.microseconds = static_cast<std::int64_t>(bits);
      } else if constexpr (std::is_same_v<Value, bool>) {
        out = bits != 0;
      } else if constexpr (std::is_enum_v<Value>) {
        out = static_cast<Value>(static_cast<std::int32_t>(bits));
      } else {
        out = static_cast<Value>(bits);
      }
      return true;
    }
  }

  template <class Value, class Bits>
  static Value from_bits(Bits bits) {
    if constexpr (std::is_floating_point_v<Value>) {
      static_assert(sizeof(Value) == sizeof(Bits));
      return __builtin_bit_cast(Value, bits);
    } else {
      return static_cast<Value>(bits);
    }
  }
  static std::int32_t unzigzag(std::uint32_t n) { return static_cast<std::int32_t>(n >> 1 ^ (0 - (n & 1))); }
  static std::uint64_t unzigzag(std::uint64_t n) { return n >> 1 ^ (0 - (n & 1)); }

  bool fits(std::uint32_t length) const;
  bool delimited(std::string& out, bool is_text);
  bool skip_group(std::uint32_t number, int depth);
  bool skip_value(std::uint32_t tag, int depth);

  static bool assign(std::string&& bytes, std::string& out) {
    out = std::move(bytes);
    return true;
  }
  static bool assign(std::string&& bytes, Uuid& out);
  static bool assign(std::string&& bytes, Date& out);
  static bool assign(std::string&& bytes, JsonText& out);
  static bool assign(std::string&& bytes, Secret& out);

  google::protobuf::io::CodedInputStream in_;
  std::uint32_t tag_ = 0;
  int type_ = 0;
  int depth_ = 0;
  bool broken_ = false;
};

}  // namespace consilium

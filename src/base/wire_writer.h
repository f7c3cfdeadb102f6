// Writes protobuf's binary form (proto3) on libprotobuf's coded stream. Fields that hold their default are left out
// unless they are optional.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/codec.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/wire_kind.h"

namespace consilium {

class WireWriter {
 public:
  // Appends to `out`, which holds all of it once the writer is gone.
  explicit WireWriter(std::string& out) : stream_(&out), out_(&stream_) {}

  template <WireKind kKind, class Value>
  void put(int field, const Value& value) {
    if (!is_default<kKind>(value)) put_field<kKind>(field, value);
  }
  template <WireKind kKind, class Value>
  void put(int field, const std::optional<Value>& value) {
    if (value) put_field<kKind>(field, *value);
  }
  template <WireKind kKind, class Value>
  void put(int field, const std::vector<Value>& values) {
    if constexpr (wire_type_of(kKind) == kDelimited) {
      for (const Value& value : values) put_field<kKind>(field, value);
    } else if (!values.empty()) {
      std::string packed;
      {
        WireWriter items(packed);
        for (auto&& value : values) items.put_value<kKind>(static_cast<const Value&>(value));
      }
      put_delimited(field, packed);
    }
  }
  template <WireKind kKind, class Value>
  void put(int field, const std::map<std::string, Value>& values) {
    for (const auto& [name, value] : values) {
      std::string entry;
      {
        WireWriter members(entry);
        members.put_field<WireKind::kText>(1, name);
        members.put_field<kKind>(2, value);
      }
      put_delimited(field, entry);
    }
  }

 private:
  template <WireKind kKind, class Value>
  static bool is_default(const Value& value) {
    if constexpr (kKind == WireKind::kMessage) {
      return false;  // a message that is not optional is always there
    } else if constexpr (kKind == WireKind::kText || kKind == WireKind::kBytes) {
      return text_of_value(value).empty();
    } else if constexpr (std::is_same_v<Value, double>) {
      return __builtin_bit_cast(std::uint64_t, value) == 0;
    } else if constexpr (std::is_same_v<Value, float>) {
      return __builtin_bit_cast(std::uint32_t, value) == 0;
    } else {
      return value == Value{};
    }
  }

  template <WireKind kKind, class Value>
  void put_field(int field, const Value& value) {
    if constexpr (kKind == WireKind::kMessage) {
      std::string nested;
      {
        WireWriter members(nested);
        write_wire(members, value);
      }
      put_delimited(field, nested);
    } else if constexpr (kKind == WireKind::kText || kKind == WireKind::kBytes) {
      put_delimited(field, text_of_value(value));
    } else {
      put_tag(field, wire_type_of(kKind));
      put_value<kKind>(value);
    }
  }

  template <WireKind kKind, class Value>
  void put_value(const Value& value) {
    if constexpr (std::is_same_v<Value, double>) {
      out_.WriteLittleEndian64(__builtin_bit_cast(std::uint64_t, value));
    } else if constexpr (std::is_same_v<Value, float>) {
      out_.WriteLittleEndian32(__builtin_bit_cast(std::uint32_t, value));
    } else {
      std::int64_t number = 0;
      if constexpr (requires { value.microseconds; }) {
        number = value.microseconds;
      } else {
        number = static_cast<std::int64_t>(value);
      }
      put_integer<kKind>(number);
    }
  }

  template <WireKind kKind>
  void put_integer(std::int64_t number) {
    const auto bits = static_cast<std::uint64_t>(number);
    if constexpr (wire_type_of(kKind) == kFixed64) {
      out_.WriteLittleEndian64(bits);
    } else if constexpr (wire_type_of(kKind) == kFixed32) {
      out_.WriteLittleEndian32(static_cast<std::uint32_t>(bits));
    } else if constexpr (kKind == WireKind::kSint32 || kKind == WireKind::kSint64) {
      out_.WriteVarint64(bits << 1 ^ static_cast<std::uint64_t>(number >> 63));
    } else {
      out_.WriteVarint64(bits);
    }
  }

  void put_tag(int field, int type) { out_.WriteTag(static_cast<std::uint32_t>(field) << 3 | static_cast<std::uint32_t>(type)); }
  void put_delimited(int field, std::string_view bytes);

  static std::string_view text_of_value(const std::string& value) { return value; }
  static std::string text_of_value(const Uuid& value) { return value.is_nil() ? std::string() : value.text(); }
  static std::string text_of_value(Date value) { return value == kNoDate ? std::string() : format_date(value); }
  static std::string_view text_of_value(const JsonText& value) {
    return value.text == "null" ? std::string_view() : std::string_view(value.text);
  }
  static std::string_view text_of_value(const Secret& value) { return value.reveal(); }

  google::protobuf::io::StringOutputStream stream_;
  google::protobuf::io::CodedOutputStream out_;
};

}  // namespace consilium

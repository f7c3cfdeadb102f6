// Writes JSON text front to back. Generated `write_json` functions call it; services call `encode_json`.
#pragma once

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

namespace consilium {

// Kept correct by its caller: a value after each name, begin and end in pairs. Strings must be valid UTF-8.
class JsonWriter {
 public:
  enum class Masking { kNone, kPersonal };

  explicit JsonWriter(Masking masking = Masking::kNone) : masking_(masking) {}

  void begin_object() { begin('{'); }
  void end_object() { out_ += '}'; }
  void begin_list() { begin('['); }
  void end_list() { out_ += ']'; }
  // `quoted` is a name as it stands in the text: in quotes, escaped, with its colon.
  void member(std::string_view quoted) {
    separate();
    out_ += quoted;
  }
  void name(std::string_view name) {
    text(name);
    out_ += ':';
  }

  void text(std::string_view value);
  void base64(std::string_view bytes);
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void number(double value);  // shortest form that reads back the same; `null` when not finite
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void null() { raw("null"); }
  void raw(std::string_view json) {
    separate();
    out_ += json;
  }

  bool masks() const { return masking_ == Masking::kPersonal; }
  std::string take() { return std::move(out_); }

 private:
  void begin(char bracket) {
    separate();
    out_ += bracket;
  }
  // A comma unless the value is the first of its list or object, or follows a name.
  void separate() {
    if (out_.empty()) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_ += ',';
  }

  std::string out_;
  Masking masking_;
};

inline void write_json(JsonWriter& out, const std::string& value) { out.text(value); }
inline void write_json(JsonWriter& out, bool value) { out.boolean(value); }
inline void write_json(JsonWriter& out, std::int32_t value) { out.integer(value); }
inline void write_json(JsonWriter& out, std::int64_t value) { out.integer(value); }
inline void write_json(JsonWriter& out, std::uint32_t value) { out.unsigned_integer(value); }
inline void write_json(JsonWriter& out, std::uint64_t value) { out.unsigned_integer(value); }
inline void write_json(JsonWriter& out, double value) { out.number(value); }
void write_json(JsonWriter& out, float value);
inline void write_json(JsonWriter& out, const Uuid& value) { out.text(value.text()); }
inline void write_json(JsonWriter& out, Timestamp value) { out.text(format_rfc3339(value)); }
inline void write_json(JsonWriter& out, Duration value) { out.text(format_iso8601(value)); }
inline void write_json(JsonWriter& out, Date value) { out.text(format_date(value)); }
inline void write_json(JsonWriter& out, const JsonText& value) { out.raw(value.text); }
inline void write_json(JsonWriter& out, const Secret& value) { out.text(value.reveal()); }

template <class Enum>
  requires std::is_enum_v<Enum>
void write_json(JsonWriter& out, Enum value) {
  out.text(text_of(value));
}

template <class Item>
void write_json(JsonWriter& out, const std::vector<Item>& items) {
  out.begin_list();
  for (auto&& item : items) write_json(out, static_cast<const Item&>(item));
  out.end_list();
}

template <class Item>
void write_json(JsonWriter& out, const std::map<std::string, Item>& items) {
  out.begin_object();
  for (const auto& [name, item] : items) {
    out.name(name);
    write_json(out, item);
  }
  out.end_object();
}

// Process keys: strings of digits.
inline void write_json_key(JsonWriter& out, std::int64_t value) { out.text(std::to_string(value)); }
inline void write_json_bytes(JsonWriter& out, const std::string& value) { out.base64(value); }

template <class Item>
void write_json_key(JsonWriter& out, const std::vector<Item>& items) {
  out.begin_list();
  for (const Item& item : items) write_json_key(out, item);
  out.end_list();
}

template <class Item>
void write_json_bytes(JsonWriter& out, const std::vector<Item>& items) {
  out.begin_list();
  for (const Item& item : items) write_json_bytes(out, item);
  out.end_list();
}

}  // namespace consilium

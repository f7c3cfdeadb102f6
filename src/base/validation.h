// Checks messages against the rules of their contract. Generated `check` functions call it; services call `validate`.
// Field codes: required, too-long, too-short, out-of-range, bad-format, bad-character, too-many, too-few,
// unknown-value, in-future, conflict (more than one of a oneof).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/codec.h"
#include "base/id.h"
#include "base/member_path.h"
#include "base/secret.h"
#include "base/time.h"

namespace consilium {

inline constexpr std::size_t kMaxViolations = 64;  // further ones are not listed

enum class TextFormat : std::uint8_t { kNone, kEmail, kPhone, kUrl, kLanguage, kName };

// Lengths in code points; 0: no bound. `characters` is a class as `[a-z0-9-]`.
struct TextRules {
  bool required = false;
  std::uint32_t min_length = 0;
  std::uint32_t max_length = 0;
  TextFormat format = TextFormat::kNone;
  std::string_view characters;
};

struct IntegerRules {
  bool required = false;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

struct TimeRules {
  bool required = false;
  bool not_future = false;
};

struct ListRules {
  bool required = false;
  std::uint32_t min_items = 0;
  std::uint32_t max_items = 0;  // 0: no bound
};

// Each alone, for handwritten rules. All expect valid UTF-8.
bool is_email(std::string_view text);     // ASCII, one @, a domain of two labels or more; <= 254 characters
bool is_phone(std::string_view text);     // E.164: `+` and 7 to 15 digits, the first not 0
bool is_url(std::string_view text);       // absolute http or https with a host, without a person's name in it; <= 2048
bool is_language(std::string_view text);  // BCP 47: `en`, `pt-BR`; <= 35
bool is_name(std::string_view text);      // no space at its ends, no control or bidirectional-override characters
bool has_only(std::string_view text, std::string_view characters);
bool is_blank(std::string_view text);

class Violations {
 public:
  explicit Violations(Timestamp now) : now_(now) {}

  // One step into the message, for as long as it lives.
  class Scope {
   public:
    Scope(Violations& out, std::string_view name) : out_(out) { out_.path_.enter(name); }
    Scope(Violations& out, std::size_t index) : out_(out) { out_.path_.enter(index); }
    ~Scope() { out_.path_.leave(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Violations& out_;
  };

  // At the place of the current scope.
  void add(std::string_view code, std::string_view message);

  void value(const std::string& value, const TextRules& rules);
  void value(const Secret& value, const TextRules& rules) { text(value.reveal(), rules, rules.required); }
  void value(const JsonText& value, const TextRules& rules);
  void value(const Uuid& value, const TextRules& rules);
  void value(Date value, const TimeRules& rules);
  void value(Timestamp value, const TimeRules& rules);
  void value(Duration value, const IntegerRules& rules) { integer(value.microseconds, rules); }
  void value(bool, const IntegerRules&) {}
  void value(double value, const IntegerRules& rules);
  template <class Integer>
    requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
  void value(Integer value, const IntegerRules& rules) {
    if (rules.required && value == 0) return add("required", "Expected a value");
    if constexpr (std::is_same_v<Integer, std::uint64_t>) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return out_of_range(rules);
    }
    integer(static_cast<std::int64_t>(value), rules);
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void value(Enum value, const IntegerRules& rules) {
    if (value == Enum{}) {
      if (rules.required) add("required", "Expected a value");
    } else if (text_of(value).empty()) {
      add("unknown-value", "Expected one of the values that the contract names");
    }
  }
  // Absent is a violation when the rules require it; a present one may not be blank then.
  template <class Value, class Rules>
  void value(const std::optional<Value>& optional, const Rules& rules) {
    if (!optional) {
      if (rules.required) add("required", "Expected a value");
      return;
    }
    present(*optional, rules);
  }

  void count(std::size_t items, const ListRules& rules);

  template <class Value, class Rules>
  void items(const std::vector<Value>& values, const Rules& rules) {
    for (std::size_t i = 0; i < values.size() && i < kMaxChecked; ++i) {
      const Scope scope(*this, i);
      present(static_cast<const Value&>(values[i]), rules);
    }
  }
  template <class Value, class Rules>
  void items(const std::map<std::string, Value>& values, const Rules& rules) {
    for (const auto& [name, item] : values) {
      const Scope scope(*this, std::string_view(name));
      present(item, rules);
    }
  }

  Result<void> finish();

  static constexpr std::size_t kMaxChecked = 100'000;  // items of one list

 private:
  // Like `value`, of something that is there: empty text is checked against its bounds too.
  template <class Value, class Rules>
  void present(const Value& item, const Rules& rules) {
    if constexpr (std::is_same_v<Value, std::string>) {
      text(item, rules, true);
    } else if constexpr (std::is_same_v<Value, Secret>) {
      text(item.reveal(), rules, true);
    } else if constexpr (std::is_integral_v<Value> || std::is_floating_point_v<Value>) {
      IntegerRules there = rules;
      there.required = false;  // 0 is a value
      value(item, there);
    } else {
      value(item, rules);
    }
  }
  void text(const std::string& value, const TextRules& rules, bool is_there);
  void integer(std::int64_t value, const IntegerRules& rules);
  void out_of_range(const IntegerRules& rules);

  Timestamp now_;
  MemberPath path_;
  std::vector<FieldError> found_;
};

}  // namespace consilium

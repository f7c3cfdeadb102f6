// What FEEL expressions compute with and what process variables hold: JSON values, and what only expressions know: calendar
// values, ranges and functions. Values are immutable and cheap to copy.
#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "bpmn/feel/decimal.h"
#include "bpmn/feel/temporal.h"

namespace consilium::bpmn::feel {

class Function;
class Value;
using List = std::vector<Value>;
using Context = std::map<std::string, Value, std::less<>>;
struct Range;

enum class Kind : std::uint8_t {
  kNull,
  kBoolean,
  kNumber,
  kString,
  kDate,
  kTime,
  kDateTime,
  kDayTimeDuration,
  kYearMonthDuration,
  kList,
  kContext,
  kRange,
  kFunction
};

class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}                                                                    // NOLINT
  Value(bool value) : held_(value) {}                                                         // NOLINT
  Value(int value) : held_(Decimal(value)) {}                                                 // NOLINT
  Value(std::int64_t value) : held_(Decimal(value)) {}                                        // NOLINT
  Value(Decimal value) : held_(value) {}                                                      // NOLINT
  Value(std::string value) : held_(std::make_shared<const std::string>(std::move(value))) {}  // NOLINT
  Value(std::string_view value) : Value(std::string(value)) {}                                // NOLINT
  Value(const char* value) : Value(std::string(value)) {}                                     // NOLINT
  Value(Date value) : held_(value) {}                                                         // NOLINT
  Value(TimeOfDay value) : held_(value) {}                                                    // NOLINT
  Value(DateTime value) : held_(value) {}                                                     // NOLINT
  Value(DayTimeDuration value) : held_(value) {}                                              // NOLINT
  Value(YearMonthDuration value) : held_(value) {}                                            // NOLINT
  Value(Duration value) : held_(DayTimeDuration{WideInteger{value.microseconds} * 1000}) {}   // NOLINT
  Value(List value);                                                                          // NOLINT
  Value(Context value);                                                                       // NOLINT
  Value(Range value);                                                                         // NOLINT
  Value(std::shared_ptr<const Function> value) : held_(std::move(value)) {}                   // NOLINT

  Kind kind() const { return static_cast<Kind>(held_.index()); }
  bool is_null() const { return held_.index() == 0; }
  // Pointers into the value; null when it is of another type.
  const bool* boolean() const { return std::get_if<bool>(&held_); }
  const Decimal* number() const { return std::get_if<Decimal>(&held_); }
  const std::string* string() const {
    const auto* pointer = std::get_if<std::shared_ptr<const std::string>>(&held_);
    return pointer ? pointer->get() : nullptr;
  }
  const Date* date() const { return std::get_if<Date>(&held_); }
  const TimeOfDay* time() const { return std::get_if<TimeOfDay>(&held_); }
  const DateTime* date_time() const { return std::get_if<DateTime>(&held_); }
  const DayTimeDuration* day_time_duration() const { return std::get_if<DayTimeDuration>(&held_); }
  const YearMonthDuration* year_month_duration() const { return std::get_if<YearMonthDuration>(&held_); }
  // A days and time duration, cut to microseconds; nullopt when it is of another type or longer than that can count.
  std::optional<Duration> duration() const;
  const List* list() const { return inside<List>(); }
  const Context* context() const { return inside<Context>(); }
  const Range* range() const;
  const std::shared_ptr<const Function>* function() const { return std::get_if<std::shared_ptr<const Function>>(&held_); }

  // `NULL`, `BOOLEAN`, `NUMBER`, `STRING`, `DURATION`, `ARRAY`, `OBJECT` …: as incident messages name them.
  std::string_view type_name() const;

  // How many values there are in it when all of it is written out, shared parts as often as they occur; saturated.
  std::uint32_t weight() const;
  std::uint16_t depth() const;
  // It is a function, or one is in it.
  bool holds_function() const;

  // The same value: same type, same parts. (What FEEL calls equal is `feel::equal`.)
  bool operator==(const Value& other) const;

 private:
  // What is shared between copies, measured once, when it is made.
  template <class T>
  struct Shared {
    T content;
    std::uint32_t weight = 1;
    std::uint16_t depth = 1;
    bool holds_function = false;
  };
  template <class T>
  using Pointer = std::shared_ptr<const Shared<T>>;
  struct SharedRange;

  template <class T>
  const T* inside() const {
    const auto* pointer = std::get_if<Pointer<T>>(&held_);
    return pointer ? &(*pointer)->content : nullptr;
  }
  template <class Holder, class T, class Measure>
  static std::shared_ptr<const Holder> share(T content, Measure measure);

  // In the order of Kind.
  std::variant<std::monostate, bool, Decimal, std::shared_ptr<const std::string>, Date, TimeOfDay, DateTime, DayTimeDuration,
               YearMonthDuration, Pointer<List>, Pointer<Context>, std::shared_ptr<const SharedRange>, std::shared_ptr<const Function>>
      held_;
};

// An end that is null is open to infinity.
struct Range {
  Value start;
  Value end;
  bool start_included = false;
  bool end_included = false;
  bool unary = false;  // written as `(< 5)`: it may be open, and equals only what is written so

  bool operator==(const Range&) const = default;
};

struct Value::SharedRange {
  Range content;
  std::uint32_t weight = 1;
  std::uint16_t depth = 1;
  bool holds_function = false;
};

inline const Range* Value::range() const {
  const auto* pointer = std::get_if<std::shared_ptr<const SharedRange>>(&held_);
  return pointer ? &(*pointer)->content : nullptr;
}

inline constexpr int kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxJsonBytes = 4 * 1024 * 1024;

// One JSON text; of repeated members the last one counts. The error says what is wrong and at which byte.
std::expected<Value, std::string> parse_json(std::string_view text, std::size_t most_bytes = kMaxJsonBytes);
// The same, and it must be an object: what variables are.
std::expected<Context, std::string> parse_variables(std::string_view text, std::size_t most_bytes = kMaxJsonBytes);
// Calendar values become ISO 8601 texts, ranges texts as FEEL writes them, functions null. Members in order of their names, so
// that equal values have equal texts.
std::string to_json(const Value& value);
std::string to_json(const Context& context);
// The value as a process variable keeps it: what JSON does not know as its text, so that a restart changes nothing.
Value as_json(const Value& value);
// What the function `string` gives: a text without quotes at the top, and with them inside lists and contexts.
std::string to_text(const Value& value);

}  // namespace consilium::bpmn::feel

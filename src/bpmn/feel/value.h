// What FEEL expressions compute with and what process variables hold: JSON values, plus durations. Values are immutable
// and cheap to copy.
#pragma once

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

namespace consilium::bpmn::feel {

class Value;
using List = std::vector<Value>;
using Context = std::map<std::string, Value, std::less<>>;

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
  Value(Duration value) : held_(value) {}                                                     // NOLINT
  Value(List value) : held_(std::make_shared<const List>(std::move(value))) {}                // NOLINT
  Value(Context value) : held_(std::make_shared<const Context>(std::move(value))) {}          // NOLINT

  bool is_null() const { return std::holds_alternative<std::monostate>(held_); }
  // Pointers into the value; null when it is of another type.
  const bool* boolean() const { return std::get_if<bool>(&held_); }
  const Decimal* number() const { return std::get_if<Decimal>(&held_); }
  const std::string* string() const { return inside<std::string>(); }
  const Duration* duration() const { return std::get_if<Duration>(&held_); }
  const List* list() const { return inside<List>(); }
  const Context* context() const { return inside<Context>(); }

  // `NULL`, `BOOLEAN`, `NUMBER`, `STRING`, `DURATION`, `ARRAY`, `OBJECT`: Zeebe's names in incident messages.
  std::string_view type_name() const;

  bool operator==(const Value& other) const;

 private:
  template <class T>
  const T* inside() const {
    const auto* pointer = std::get_if<std::shared_ptr<const T>>(&held_);
    return pointer ? pointer->get() : nullptr;
  }

  std::variant<std::monostate, bool, Decimal, Duration, std::shared_ptr<const std::string>, std::shared_ptr<const List>,
               std::shared_ptr<const Context>>
      held_;
};

inline constexpr int kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxJsonBytes = 4 * 1024 * 1024;

// One JSON text; of repeated members the last one counts. The error says what is wrong and at which byte.
std::expected<Value, std::string> parse_json(std::string_view text, std::size_t most_bytes = kMaxJsonBytes);
// The same, and it must be an object: what variables are.
std::expected<Context, std::string> parse_variables(std::string_view text, std::size_t most_bytes = kMaxJsonBytes);
// Durations become ISO 8601 text. Members in order of their names, so that equal values have equal texts.
std::string to_json(const Value& value);
std::string to_json(const Context& context);

}  // namespace consilium::bpmn::feel

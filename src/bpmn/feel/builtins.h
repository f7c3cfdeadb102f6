// The functions that every expression may call. A new one is a row of a table in one of the builtins_*.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

class Machine;
class Pattern;

// One call of a function of the language: its arguments, and the machine that evaluates.
class Call {
 public:
  Call(Machine& machine, std::string_view name, std::span<const Value> arguments, std::span<const std::string> names = {},
       const Pattern* pattern = nullptr)
      : machine_(machine), name_(name), arguments_(arguments), names_(names), pattern_(pattern) {}

  Machine& machine() { return machine_; }
  std::size_t size() const { return arguments_.size(); }
  std::span<const Value> arguments() const { return arguments_; }
  // Null when it was not given.
  const Value& operator[](std::size_t index) const;
  bool has(std::size_t index) const { return index < arguments_.size() && !arguments_[index].is_null(); }

  // Of its arguments, when it was compiled with the expression; else null.
  const Pattern* pattern() const { return pattern_; }
  // Whether the caller wrote `name: …`.
  bool names(std::string_view parameter) const;

  // Null, and the reason among the problems of the evaluation.
  Value fail(std::string_view reason);

 private:
  Machine& machine_;
  std::string_view name_;
  std::span<const Value> arguments_;
  std::span<const std::string> names_;
  const Pattern* pattern_;
};

// What of its arguments a function reads, and so what a call of it costs beside the call itself.
enum class Reads : std::uint8_t {
  kAll,     // lists, contexts and texts from end to end: counted before each call
  kOutside  // no more than their outside, or it counts by itself what it goes through
};

struct Builtin {
  std::string_view name;  // may hold spaces: `is defined`
  // The names of its parameters, for each form it may be called in: `from | year, month, day`. `?` marks those that may be left
  // out, `...` the last one that may be repeated.
  std::string_view parameters;
  Value (*call)(Call& call);
  Reads reads = Reads::kAll;
};

// Calls the function, unless that would be too much work. There is no other way to call one.
Value run_builtin(const Builtin& builtin, Call& call);

const Builtin* find_builtin(std::string_view name);
// Whether one of its parameters may be a list; else a list of one item is that item to it.
bool takes_lists(const Builtin& builtin);
// The name of a parameter, in its first form; empty: it has no so many.
std::string_view parameter_of(const Builtin& builtin, std::size_t index);
bool takes(const Builtin& builtin, std::size_t arguments);
bool takes(const Builtin& builtin, std::span<const std::string> names);
// Where each of the named arguments belongs; nullopt: no form of it has them.
std::optional<std::vector<std::size_t>> places(const Builtin& builtin, std::span<const std::string> names);
// All of them, by name.
std::vector<const Builtin*> all_builtins();

// The tables.
std::span<const Builtin> conversion_builtins();
std::span<const Builtin> text_builtins();
std::span<const Builtin> number_builtins();
std::span<const Builtin> list_builtins();
std::span<const Builtin> context_builtins();
std::span<const Builtin> temporal_builtins();
std::span<const Builtin> range_builtins();

// What stands in `@"…"`: a date, a time, both, or a duration; null when it is none.
Value parse_at_literal(std::string_view text);

}  // namespace consilium::bpmn::feel

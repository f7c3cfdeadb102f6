// The functions that every expression may call. A new one is a row of the table in builtins.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

struct Builtin {
  std::string_view name;  // may hold spaces: `is defined`
  int least = 0;          // arguments
  int most = 0;
  // Null with `problem` set when the arguments do not fit.
  Value (*call)(std::span<const Value> arguments, std::string& problem);
};

// All of them, longest name first.
std::span<const Builtin> builtins();

}  // namespace consilium::bpmn::feel

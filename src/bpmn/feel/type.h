// The types that expressions name (`instance of`, parameters) and that decision models define.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

struct Ast;
struct Type;
using TypePointer = std::shared_ptr<const Type>;

struct Type {
  enum class Kind : std::uint8_t {
    kAny,
    kNull,
    kNumber,
    kString,
    kBoolean,
    kDate,
    kTime,
    kDateTime,
    kDayTimeDuration,
    kYearMonthDuration,
    kList,      // of `element`
    kContext,   // with `members`
    kRange,     // of `element`
    kFunction,  // from `parameters` to `result`
    kUnknown,   // a name that nothing defines: no value is of it
  };
  Kind kind = Kind::kAny;
  std::string name;  // as the model defines it
  TypePointer element;
  std::vector<std::pair<std::string, TypePointer>> members;
  std::vector<TypePointer> parameters;
  TypePointer result;
  std::vector<std::shared_ptr<const Ast>> allowed;  // tests that values pass as well, each of them
};

// `number`, `date and time`, `dateTime` …; null: not a type of the language.
TypePointer basic_type(std::string_view name);
TypePointer any_type();
// Of the language, as the messages write it: `list<number>`.
std::string describe(const Type& type);
// Whether each value of `type` is one of `of`.
bool conforms(const Type& type, const Type& of);

}  // namespace consilium::bpmn::feel

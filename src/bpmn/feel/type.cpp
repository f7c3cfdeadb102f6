#include "bpmn/feel/type.h"

#include <algorithm>
#include <map>

namespace consilium::bpmn::feel {
namespace {

struct Named {
  std::string_view name;
  Type::Kind kind;
};
constexpr Named kBasic[] = {{"Any", Type::Kind::kAny},
                            {"Null", Type::Kind::kNull},
                            {"number", Type::Kind::kNumber},
                            {"string", Type::Kind::kString},
                            {"boolean", Type::Kind::kBoolean},
                            {"date", Type::Kind::kDate},
                            {"time", Type::Kind::kTime},
                            {"date and time", Type::Kind::kDateTime},
                            {"days and time duration", Type::Kind::kDayTimeDuration},
                            {"years and months duration", Type::Kind::kYearMonthDuration},
                            {"list", Type::Kind::kList},
                            {"context", Type::Kind::kContext},
                            {"range", Type::Kind::kRange},
                            {"function", Type::Kind::kFunction},
                            // As models and other tools spell them.
                            {"any", Type::Kind::kAny},
                            {"dateTime", Type::Kind::kDateTime},
                            {"dayTimeDuration", Type::Kind::kDayTimeDuration},
                            {"yearMonthDuration", Type::Kind::kYearMonthDuration},
                            {"day-time-duration", Type::Kind::kDayTimeDuration},
                            {"year-month-duration", Type::Kind::kYearMonthDuration},
                            {"date-time", Type::Kind::kDateTime},
                            {"integer", Type::Kind::kNumber},
                            {"long", Type::Kind::kNumber},
                            {"double", Type::Kind::kNumber},
                            {"decimal", Type::Kind::kNumber}};

TypePointer make(Type::Kind kind) {
  auto type = std::make_shared<Type>();
  type->kind = kind;
  return type;
}

}  // namespace

TypePointer any_type() {
  static const TypePointer any = make(Type::Kind::kAny);
  return any;
}

TypePointer basic_type(std::string_view name) {
  static const std::map<std::string_view, TypePointer> known = [] {
    std::map<std::string_view, TypePointer> made;
    for (const auto& [spelled, kind] : kBasic) made.emplace(spelled, make(kind));
    return made;
  }();
  const auto found = known.find(name);
  return found == known.end() ? nullptr : found->second;
}

std::string describe(const Type& type) {
  if (!type.name.empty()) return type.name;
  std::string out;
  for (const auto& [spelled, kind] : kBasic) {
    if (kind != type.kind) continue;
    out = spelled;
    break;
  }
  if (type.kind == Type::Kind::kFunction && type.result) {
    out += '<';
    for (std::size_t i = 0; i < type.parameters.size(); ++i) out += (i > 0 ? ", " : "") + describe(*type.parameters[i]);
    return out + "> -> " + describe(*type.result);
  }
  if (type.element) return out + '<' + describe(*type.element) + '>';
  if (type.kind == Type::Kind::kContext && !type.members.empty()) {
    out += '<';
    for (std::size_t i = 0; i < type.members.size(); ++i)
      out += (i > 0 ? ", " : "") + type.members[i].first + ": " + describe(*type.members[i].second);
    out += '>';
  }
  return out;
}

bool conforms(const Type& type, const Type& of) {
  if (of.kind == Type::Kind::kAny || type.kind == Type::Kind::kNull || &type == &of) return true;
  if (type.kind != of.kind) return false;
  const auto part = [](const TypePointer& a, const TypePointer& b) { return !b || conforms(a ? *a : *any_type(), *b); };
  switch (of.kind) {
    case Type::Kind::kList:
    case Type::Kind::kRange: return part(type.element, of.element);
    case Type::Kind::kContext:
      return std::all_of(of.members.begin(), of.members.end(), [&](const auto& wanted) {
        return std::any_of(type.members.begin(), type.members.end(),
                           [&](const auto& given) { return given.first == wanted.first && part(given.second, wanted.second); });
      });
    case Type::Kind::kFunction:
      if (!of.result) return true;  // any function
      if (type.parameters.size() != of.parameters.size() || !part(type.result, of.result)) return false;
      for (std::size_t i = 0; i < of.parameters.size(); ++i) {
        if (!conforms(*of.parameters[i], *type.parameters[i])) return false;  // it must take at least what is asked for
      }
      return true;
    default: return true;
  }
}

}  // namespace consilium::bpmn::feel

#include <map>
#include <set>

#include "emit.h"
#include "names.h"
#include "text.h"

namespace consilium::generator {
namespace {

std::string text_format(options::Format format) {
  switch (format) {
    case options::EMAIL: return "kEmail";
    case options::PHONE: return "kPhone";
    case options::URL: return "kUrl";
    case options::LANGUAGE: return "kLanguage";
    case options::NAME: return "kName";
    default: return "";
  }
}

// The initialiser of the rules of one value, `TextRules{.max_length = 100}`; empty when it has none.
std::string value_rules(const Field& field) {
  const options::FieldRules& rules = field.rules;
  std::vector<std::string> parts;
  const bool is_single = field.shape == Shape::kPlain || field.shape == Shape::kOptional;
  if (rules.required() && is_single) parts.emplace_back(".required = true");
  const auto braces = [&parts](const std::string& type) { return parts.empty() ? "" : type + "{" + join(parts, ", ") + "}"; };
  switch (field.type) {
    case Type::kText:
    case Type::kSecret:
    case Type::kJson:
    case Type::kBytes:
    case Type::kUuid:
      if (rules.min_length() > 0) parts.push_back(".min_length = " + std::to_string(rules.min_length()));
      if (rules.max_length() > 0) parts.push_back(".max_length = " + std::to_string(rules.max_length()));
      if (const std::string format = text_format(rules.format()); !format.empty()) parts.push_back(".format = TextFormat::" + format);
      if (!rules.characters().empty()) parts.push_back(".characters = " + quoted(rules.characters()));
      return braces("TextRules");
    case Type::kDate:
    case Type::kTimestamp:
      if (rules.not_future()) parts.emplace_back(".not_future = true");
      return braces("TimeRules");
    case Type::kEnum: return "IntegerRules{" + join(parts, ", ") + "}";  // that the value is known
    case Type::kMessage: return "";
    default:
      if (rules.has_min()) parts.push_back(".min = " + std::to_string(rules.min()));
      if (rules.has_max()) parts.push_back(".max = " + std::to_string(rules.max()));
      return braces("IntegerRules");
  }
}

std::string list_rules(const Field& field) {
  std::vector<std::string> parts;
  if (field.rules.required()) parts.emplace_back(".required = true");
  if (field.rules.min_items() > 0) parts.push_back(".min_items = " + std::to_string(field.rules.min_items()));
  if (field.rules.max_items() > 0) parts.push_back(".max_items = " + std::to_string(field.rules.max_items()));
  return parts.empty() ? "" : "ListRules{" + join(parts, ", ") + "}";
}

void emit_nested(Text& out, const Field& field) {
  switch (field.shape) {
    case Shape::kPlain: out.add("    check(out, value.$name$);\n", {{"name", field.name}}); return;
    case Shape::kOptional:
      if (field.required()) out.add("    if (!value.$name$) out.add(\"required\", \"Expected a value\");\n", {{"name", field.name}});
      out.add("    if (value.$name$) check(out, *value.$name$);\n", {{"name", field.name}});
      return;
    case Shape::kList:
      out.add(R"(    for (std::size_t i = 0; i < value.$name$.size() && i < Violations::kMaxChecked; ++i) {
      const Violations::Scope item(out, i);
      check(out, value.$name$[i]);
    }
)",
              {{"name", field.name}});
      return;
    case Shape::kMap:
      out.add(R"(    for (const auto& [name, item] : value.$name$) {
      const Violations::Scope place(out, std::string_view(name));
      check(out, item);
    }
)",
              {{"name", field.name}});
      return;
  }
}

void emit_field(Text& out, const Field& field) {
  const std::string rules = value_rules(field);
  const bool is_many = field.shape == Shape::kList || field.shape == Shape::kMap;
  const std::string many = is_many ? list_rules(field) : "";
  if (rules.empty() && many.empty() && field.type != Type::kMessage) return;
  out.add("  {\n    const Violations::Scope scope(out, $name$);\n", {{"name", quoted(field.json_name)}});
  if (!many.empty()) out.add("    out.count(value.$name$.size(), $rules$);\n", {{"name", field.name}, {"rules", many}});
  if (field.type == Type::kMessage) {
    emit_nested(out, field);
  } else if (!rules.empty()) {
    out.add("    out.$call$(value.$name$, $rules$);\n", {{"call", is_many ? "items" : "value"}, {"name", field.name}, {"rules", rules}});
  }
  out.add("  }\n");
}

// At most one member of a oneof may be set.
void emit_oneofs(Text& out, const Message& message) {
  std::map<std::string, std::vector<const Field*>> oneofs;
  for (const Field& field : message.fields) {
    if (!field.oneof.empty()) oneofs[field.oneof].push_back(&field);
  }
  for (const auto& [name, fields] : oneofs) {
    std::vector<std::string> set;
    std::vector<std::string> names;
    for (const Field* field : fields) {
      set.push_back("(value." + field->name + " ? 1 : 0)");
      names.push_back(field->json_name);
    }
    out.add(R"(  if ($count$ > 1) {
    const Violations::Scope scope(out, $first$);
    out.add("conflict", "Expected at most one of $names$");
  }
)",
            {{"count", join(set, " + ")}, {"first", quoted(names.front())}, {"names", join(names, ", ")}});
  }
}

void emit_check(Text& out, const Message& message) {
  Text body;
  for (const Field& field : message.fields) emit_field(body, field);
  emit_oneofs(body, message);
  const std::string text = body.take();
  out.add("\nvoid check($unused$Violations& out, $unused$const $name$& value) {\n",
          {{"name", message.name}, {"unused", text.empty() ? "[[maybe_unused]] " : ""}});
  out.raw(text).add("}\n");
}

}  // namespace

std::string emit_validation_source(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add("#include \"$path$_codec.h\"\n\n#include \"base/validation.h\"\n\nnamespace $space$ {\n",
          {{"path", file.path}, {"space", file.space}});
  for (const auto& message : file.messages) emit_check(out, *message);
  out.add("\n}  // namespace $space$\n\nnamespace consilium {\n", {{"space", file.space}});
  for (const auto& message : file.messages) {
    out.add(R"(
template <>
Result<void> validate(const $type$& message, Timestamp now) {
  Violations out(now);
  check(out, message);
  return out.finish();
}
)",
            {{"type", message->qualified("")}});
  }
  out.add("\n}  // namespace consilium\n");
  return out.take();
}

}  // namespace consilium::generator

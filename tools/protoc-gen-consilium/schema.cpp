#include "schema.h"

#include <algorithm>

#include "base/validation.h"
#include "names.h"

namespace consilium::generator {
namespace {

// As `format_iso8601` writes them: `format: duration` (RFC 3339) knows no fractions of a second.
constexpr const char* kDurationPattern = "^-?P([0-9]+W)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\\.[0-9]{1,6})?S)?)?$";
constexpr const char* kExampleUuid = "0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f";

// `is_name` of base/validation.h but for the invisible characters beyond 16 bits: no controls and no marks that hide what is written,
// no space at the ends.
std::string name_pattern() {
  const std::string hidden = R"(\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb)";
  const std::string end = "[^\\s" + hidden + "]";
  return "^(" + end + "([^" + hidden + "]*" + end + ")?)?$";
}

void add_text_rules(json::object& schema, const options::FieldRules& rules) {
  if (rules.min_length() > 0 || rules.required()) schema["minLength"] = std::max(rules.min_length(), 1U);
  if (rules.max_length() > 0) schema["maxLength"] = rules.max_length();
  if (!rules.characters().empty()) schema["pattern"] = "^" + rules.characters() + "*$";
  // What is required is not blank; a format says more.
  if (rules.required() && rules.format() == options::NONE && !schema.contains("pattern")) schema["pattern"] = "\\S";
}

void add_text_format(json::object& schema, options::Format format) {
  switch (format) {
    case options::EMAIL:
      schema["format"] = "email";
      schema["maxLength"] = 254;
      return;
    case options::PHONE: schema["pattern"] = "^\\+[1-9][0-9]{6,14}$"; return;
    case options::URL:
      schema["format"] = "uri";
      schema["pattern"] = "^https?://";
      schema["maxLength"] = 2048;
      return;
    case options::NAME: schema["pattern"] = name_pattern(); return;
    case options::LANGUAGE: schema["pattern"] = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"; return;
    default: return;
  }
}

void add_bounds(json::object& schema, const Field& field) {
  const options::FieldRules& rules = field.rules;
  if (rules.has_min()) schema["minimum"] = rules.min();
  if (rules.has_max()) schema["maximum"] = rules.max();
}

json::object integer_schema(const Field& field) {
  json::object schema{{"type", "integer"}};
  const std::string kind = field.wire_kind();
  if (kind == "kUint32" || kind == "kUint64" || kind == "kFixed32" || kind == "kFixed64") {
    schema["minimum"] = 0;
  } else {
    schema["format"] = kind.ends_with("32") ? "int32" : "int64";
  }
  add_bounds(schema, field);
  return schema;
}

// Any JSON; how long its text may be has no word in JSON Schema.
json::object json_schema(const Field& field) {
  json::object schema;
  if (field.rules.max_length() > 0) schema["x-max-length"] = field.rules.max_length();
  if (field.required()) schema["not"] = json::object{{"type", "null"}};
  return schema;
}

json::object string_of(std::string_view format) { return {{"type", "string"}, {"format", format}}; }

// Schema of one value, without list, map and null around it.
json::object element_schema(const Field& field) {
  switch (field.type) {
    case Type::kText: {
      json::object schema{{"type", "string"}};
      add_text_format(schema, field.rules.format());
      add_text_rules(schema, field.rules);
      return schema;
    }
    case Type::kSecret: {
      json::object schema = string_of("password");
      add_text_rules(schema, field.rules);
      return schema;
    }
    case Type::kUuid: return string_of("uuid");
    case Type::kDate: return string_of("date");
    case Type::kTimestamp: return string_of("date-time");
    case Type::kDuration: return {{"type", "string"}, {"pattern", kDurationPattern}};
    // Zero is "none", which is not sent where a key must be.
    case Type::kKey: return {{"type", "string"}, {"pattern", field.required() ? "^-?[1-9][0-9]{0,17}$" : "^-?[0-9]{1,19}$"}};
    case Type::kBytes: return {{"type", "string"}, {"contentEncoding", "base64"}};
    case Type::kJson: return json_schema(field);
    case Type::kVersion: return {{"type", "integer"}, {"format", "int64"}, {"minimum", 0}};
    case Type::kInteger: return integer_schema(field);
    case Type::kReal: {
      json::object schema{{"type", "number"}};
      add_bounds(schema, field);
      return schema;
    }
    case Type::kBoolean: return {{"type", "boolean"}};
    case Type::kEnum: return reference_to(public_name(*field.enumeration));
    case Type::kMessage: return reference_to(public_name(*field.message));
  }
  return {};
}

// The first character of a class, `[a-z0-9-]` -> `a`.
char first_of(const std::string& characters) { return characters.size() > 2 ? characters[1] : 'a'; }

std::string example_text(const Field& field) {
  const options::FieldRules& rules = field.rules;
  switch (rules.format()) {
    case options::EMAIL: return "anna@example.org";
    case options::PHONE: return "+491701234567";
    case options::URL: return "https://example.org/photo.png";
    case options::LANGUAGE: return "en";
    case options::NAME: return field.json_name == "lastName" ? "Berg" : "Anna";
    default: break;
  }
  std::string text = kebab_case(field.descriptor->name());
  std::replace(text.begin(), text.end(), '-', ' ');
  if (!rules.characters().empty()) {
    const auto is_refused = [&](char c) { return !has_only(std::string_view(&c, 1), rules.characters()); };
    std::erase_if(text, is_refused);
    if (text.empty()) text = first_of(rules.characters());
  }
  if (rules.max_length() > 0 && text.size() > rules.max_length()) text.resize(rules.max_length());
  while (text.size() < rules.min_length()) text += rules.characters().empty() ? 'a' : first_of(rules.characters());
  return text;
}

// The messages around the value that is spelled out: one that holds itself ends there.
using Around = std::vector<const Message*>;

json::object example_message(const Message& message, const FieldFilter& shown, Around& around);

json::value example_element(const Field& field, Around& around) {
  const options::FieldRules& rules = field.rules;
  switch (field.type) {
    case Type::kText:
    case Type::kSecret: return json::value(example_text(field));
    case Type::kUuid: return kExampleUuid;
    case Type::kDate: return "1980-05-17";
    case Type::kTimestamp: return "2026-01-31T09:30:00.000Z";
    case Type::kDuration: return "PT30S";
    case Type::kKey: return "2251799813685249";
    case Type::kBytes: return "AQID";
    case Type::kJson: return json::object{};
    case Type::kVersion: return 1;
    case Type::kInteger: return rules.has_min() && rules.min() > 1 ? rules.min() : rules.has_max() && rules.max() < 1 ? rules.max() : 1;
    case Type::kReal: return 1.5;
    case Type::kBoolean: return true;
    case Type::kEnum: {
      for (const EnumValue& value : field.enumeration->values) {
        if (!field.enumeration->is_none(value)) return json::value(value.text);
      }
      return nullptr;
    }
    case Type::kMessage: return example_message(*field.message, [](const Field& inner) { return !inner.rules.edge(); }, around);
  }
  return nullptr;
}

json::value example_value(const Field& field, Around& around) {
  const bool ends = field.message != nullptr && std::find(around.begin(), around.end(), field.message) != around.end();
  if (field.shape == Shape::kList) return ends ? json::array{} : json::array{example_element(field, around)};
  if (field.shape == Shape::kMap) return ends ? json::object{} : json::object{{"name", example_element(field, around)}};
  return example_element(field, around);
}

json::object example_message(const Message& message, const FieldFilter& shown, Around& around) {
  json::object example;
  around.push_back(&message);
  for (const Field& field : message.fields) {
    if (!shown(field)) continue;
    const bool optional = field.shape == Shape::kOptional && !field.required();
    if (!optional) example[field.json_name] = example_value(field, around);
    if (field.nullable) example[field.json_name] = nullptr;
  }
  around.pop_back();
  return example;
}

bool is_scalar(const json::value& value) { return !value.is_object() && !value.is_array(); }

void print(const json::value& value, int indent, std::string& out);

void print_list(const json::array& list, int indent, std::string& out) {
  if (std::all_of(list.begin(), list.end(), is_scalar)) {
    out += '[';
    for (std::size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : ", ") + json::serialize(list[i]);
    out += ']';
    return;
  }
  const std::string space(static_cast<std::size_t>(indent), ' ');
  out += "[\n";
  for (std::size_t i = 0; i < list.size(); ++i) {
    out += space + "  ";
    print(list[i], indent + 2, out);
    out += i + 1 < list.size() ? ",\n" : "\n";
  }
  out += space + "]";
}

void print(const json::value& value, int indent, std::string& out) {
  if (value.is_array()) return print_list(value.get_array(), indent, out);
  if (!value.is_object() || value.get_object().empty()) {
    out += json::serialize(value);
    return;
  }
  const std::string space(static_cast<std::size_t>(indent), ' ');
  out += "{\n";
  std::size_t left = value.get_object().size();
  for (const auto& [name, member] : value.get_object()) {
    out += space + "  " + json::serialize(json::string(name)) + ": ";
    print(member, indent + 2, out);
    out += --left > 0 ? ",\n" : "\n";
  }
  out += space + "}";
}

}  // namespace

json::object reference_to(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

json::object schema_of(const Enum& enumeration) {
  json::array values;
  for (const EnumValue& value : enumeration.values) {
    if (!enumeration.is_none(value)) values.emplace_back(value.text);
  }
  json::object schema{{"type", "string"}, {"enum", std::move(values)}};
  if (!enumeration.comment.empty()) schema["description"] = enumeration.comment;
  return schema;
}

json::object schema_of(const Field& field) {
  json::object schema = element_schema(field);
  if (field.shape == Shape::kList) {
    schema = {{"type", "array"}, {"items", std::move(schema)}};
    if (field.rules.min_items() > 0 || field.required()) schema["minItems"] = std::max(field.rules.min_items(), 1U);
    if (field.rules.max_items() > 0) schema["maxItems"] = field.rules.max_items();
  }
  if (field.shape == Shape::kMap) schema = {{"type", "object"}, {"additionalProperties", std::move(schema)}};
  if (field.nullable && schema.contains("type")) schema["type"] = json::array{schema["type"], "null"};
  if (!field.comment.empty()) schema["description"] = field.comment;
  return schema;
}

json::object schema_of(const Message& message, const SchemaRules& rules) {
  json::object properties;
  json::array mandatory;
  for (const Field& field : message.fields) {
    if (!rules.shown(field)) continue;
    json::object schema = schema_of(field);
    if (rules.takes_null && field.shape == Shape::kOptional)
      schema = {{"anyOf", json::array{std::move(schema), json::object{{"type", "null"}}}}};
    properties[field.json_name] = std::move(schema);
    if (rules.is_mandatory(message, field)) mandatory.emplace_back(field.json_name);
  }
  json::object schema{{"type", "object"}};
  if (!message.comment.empty()) schema["description"] = message.comment;
  schema["properties"] = std::move(properties);
  if (!mandatory.empty()) schema["required"] = std::move(mandatory);
  if (rules.closed) schema["additionalProperties"] = false;
  return schema;
}

json::object example_of(const Message& message, const FieldFilter& shown) {
  Around around;
  return example_message(message, shown, around);
}

std::string pretty(const json::value& value) {
  std::string out;
  print(value, 0, out);
  return out + '\n';
}

}  // namespace consilium::generator

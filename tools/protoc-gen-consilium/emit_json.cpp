#include "emit.h"
#include "names.h"
#include "text.h"

namespace consilium::generator {
namespace {

// Keys and bytes are strings in JSON, which their C++ types do not tell.
std::string form_of(const Field& field) {
  if (field.type == Type::kKey) return "_key";
  if (field.type == Type::kBytes) return "_bytes";
  return "";
}

// The condition under which a member that is not optional is written; empty: always.
std::string presence(const Field& field, const std::string& space) {
  std::string value = "value." + field.name;
  if (field.shape == Shape::kOptional) return value;
  if (field.shape != Shape::kPlain) return "";
  if (field.type == Type::kUuid) return "!" + value + ".is_nil()";
  if (field.type == Type::kDate) return value + " != kNoDate";
  if (field.type == Type::kEnum && field.enumeration->is_none(field.enumeration->values.front()))
    return value + " != " + field.element_type(space) + "::" + field.enumeration->values.front().name;
  return "";
}

void emit_write_member(Text& out, const Field& field, const std::string& space) {
  const std::string condition = presence(field, space);
  const std::string indent = condition.empty() ? "  " : "    ";
  const std::string value = (field.shape == Shape::kOptional ? "*value." : "value.") + field.name;
  const std::string name = quoted(quoted(field.json_name) + ":");
  const std::string write = "write_json" + form_of(field) + "(out, " + value + ");\n";
  if (!condition.empty()) out.add("  if ($condition$) {\n", {{"condition", condition}});
  out.raw(indent + "out.member(" + name + ");\n");
  if (field.rules.secret() || field.rules.personal()) {
    out.raw(indent + "if (out.masks()) {\n" + indent + "  out.text(\"***\");\n" + indent + "} else {\n" + indent + "  " + write + indent +
            "}\n");
  } else {
    out.raw(indent + write);
  }
  if (condition.empty()) return;
  out.add("  }");
  if (field.nullable) out.add(" else {\n    out.member($name$);\n    out.null();\n  }", {{"name", name}});
  out.add("\n");
}

void emit_write(Text& out, const Message& message) {
  out.add("\nvoid write_json(JsonWriter& out, $unused$const $name$& value) {\n  out.begin_object();\n",
          {{"name", message.name}, {"unused", message.fields.empty() ? "[[maybe_unused]] " : ""}});
  for (const Field& field : message.fields) emit_write_member(out, field, message.file->space);
  out.add("  out.end_object();\n}\n");
}

const Field* cleared_field(const Message& message) {
  for (const Field& field : message.fields) {
    if (field.rules.cleared()) return &field;
  }
  return nullptr;
}

void emit_read_member(Text& out, const Field& field, std::size_t index, const Field* cleared) {
  const std::string read =
      "read_json" + (field.nullable && form_of(field).empty() ? "_nullable" : form_of(field)) + "(in, value." + field.name + ");";
  out.add("      case $index$: ", {{"index", std::to_string(index)}});
  if (cleared != nullptr && field.shape == Shape::kOptional) {
    out.add(R"({
        if (in.take_null()) {
          value.$cleared$.push_back($name$);
        } else {
          $read$
        }
        break;
      }
)",
            {{"cleared", cleared->name}, {"name", quoted(field.json_name)}, {"read", read}});
    return;
  }
  out.add("$read$ break;\n", {{"read", read}});
}

void emit_read(Text& out, const Message& message) {
  if (message.fields.empty()) {
    out.add(R"(
void read_json(JsonReader& in, [[maybe_unused]] $name$& value) {
  JsonReader::Object object(in, {});
  while (object.next()) {
  }
}
)",
            {{"name", message.name}});
    return;
  }
  std::vector<std::string> names;
  for (const Field& field : message.fields) names.push_back(quoted(field.json_name));
  out.add(R"(
void read_json(JsonReader& in, $name$& value) {
  static constexpr std::string_view kMembers[] = {$members$};
  JsonReader::Object object(in, kMembers);
  while (const auto member = object.next()) {
    switch (*member) {
)",
          {{"name", message.name}, {"members", join(names, ", ")}});
  for (std::size_t i = 0; i < message.fields.size(); ++i) emit_read_member(out, message.fields[i], i, cleared_field(message));
  out.add("    }\n  }\n}\n");
}

void emit_entry_points(Text& out, const Message& message) {
  out.add(R"(
template <>
std::string encode_json(const $type$& message) {
  JsonWriter out;
  write_json(out, message);
  return out.take();
}

template <>
std::string encode_json_masked(const $type$& message) {
  JsonWriter out(JsonWriter::Masking::kPersonal);
  write_json(out, message);
  return out.take();
}

template <>
Result<$type$> decode_json<$type$>(std::string_view text, UnknownMembers unknown) {
  JsonReader in(text, unknown);
  $type$ message;
  read_json(in, message);
  TRY(in.finish());
  return message;
}
)",
          {{"type", message.qualified("")}});
}

}  // namespace

std::string emit_json_source(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add("#include \"$path$_codec.h\"\n", {{"path", file.path}});
  out.add("\n#include \"base/json_reader.h\"\n#include \"base/json_writer.h\"\n\nnamespace $space$ {\n", {{"space", file.space}});
  for (const auto& message : file.messages) {
    emit_write(out, *message);
    emit_read(out, *message);
  }
  out.add("\n}  // namespace $space$\n\nnamespace consilium {\n", {{"space", file.space}});
  for (const auto& message : file.messages) emit_entry_points(out, *message);
  out.add("\n}  // namespace consilium\n");
  return out.take();
}

}  // namespace consilium::generator

#include "emit.h"
#include "names.h"
#include "text.h"

namespace consilium::generator {
namespace {

std::string initial_value(const Field& field, const std::string& space) {
  if (field.shape != Shape::kPlain) return "";
  switch (field.type) {
    case Type::kDate: return " = kNoDate";
    case Type::kKey:
    case Type::kVersion:
    case Type::kInteger:
    case Type::kReal: return " = 0";
    case Type::kBoolean: return " = false";
    case Type::kEnum: return " = " + field.element_type(space) + "::" + field.enumeration->values.front().name;
    default: return "";
  }
}

void emit_enum(Text& out, const Enum& enumeration) {
  out.add("\n").comment(enumeration.comment);
  out.add("enum class $name$ : std::int32_t {\n", {{"name", enumeration.name}});
  for (const EnumValue& value : enumeration.values) {
    out.comment(value.comment, 2);
    out.add("  $name$ = $number$,\n", {{"name", value.name}, {"number", std::to_string(value.number)}});
  }
  out.add("};\n");
  out.add("// As in JSON; empty for a value that the contract does not name.\n");
  out.add("std::string_view text_of($name$ value);\n", {{"name", enumeration.name}});
  out.add("bool from_text(std::string_view text, $name$& out);\n", {{"name", enumeration.name}});
}

void emit_message(Text& out, const Message& message) {
  const std::string& space = message.file->space;
  out.add("\n").comment(message.comment);
  out.add("struct $name$ {\n", {{"name", message.name}});
  if (message.event) {
    out.add("  static constexpr std::string_view kTopic = $topic$;\n", {{"topic", quoted(message.event->topic)}});
    out.add("  static constexpr std::string_view kKey = $key$;\n\n", {{"key", quoted(message.event->key->json_name)}});
  }
  for (const Field& field : message.fields) {
    out.comment(field.comment, 2);
    out.add("  $type$ $name$$value$;\n", {{"type", field.cpp_type(space)}, {"name", field.name}, {"value", initial_value(field, space)}});
  }
  out.add("$gap$  bool operator==(const $name$&) const = default;\n};\n",
          {{"gap", message.fields.empty() ? "" : "\n"}, {"name", message.name}});
}

void emit_errors(Text& out, const Service& service) {
  if (service.errors.empty()) return;
  out.add("\n// `detail` is technical English that may reach the caller: no personal data.\nnamespace errors {\n");
  for (const ErrorCode& error : service.errors) {
    out.add("\n").comment("`" + error.code + "`: " + error.help);
    out.add("Error $function$(std::string_view detail = {});\n", {{"function", error.function}});
  }
  out.add("\n// All of them, in the order of the contract.\nstd::span<const ErrorEntry> catalogue();\n\n}  // namespace errors\n");
}

void emit_codec_declarations(Text& out, const File& file) {
  out.add("\nnamespace consilium {\n");
  for (const auto& message : file.messages) {
    out.add(R"(
template <>
std::string encode_json(const $type$& message);
template <>
std::string encode_json_masked(const $type$& message);
template <>
Result<$type$> decode_json<$type$>(std::string_view text, UnknownMembers unknown);
template <>
std::string encode_wire(const $type$& message);
template <>
Result<$type$> decode_wire<$type$>(std::string_view bytes);
template <>
Result<void> validate(const $type$& message, Timestamp now);
)",
            {{"type", message->qualified("")}});
  }
  out.add("\n}  // namespace consilium\n");
}

void emit_enum_texts(Text& out, const Enum& enumeration) {
  out.add("\nstd::string_view text_of($name$ value) {\n  switch (value) {\n", {{"name", enumeration.name}});
  for (const EnumValue& value : enumeration.values)
    out.add("    case $enum$::$name$: return $text$;\n", {{"enum", enumeration.name}, {"name", value.name}, {"text", quoted(value.text)}});
  out.add("  }\n  return {};\n}\n");
  out.add("\nbool from_text(std::string_view text, $name$& out) {\n", {{"name", enumeration.name}});
  for (const EnumValue& value : enumeration.values) {
    if (enumeration.is_none(value)) continue;
    out.add("  if (text == $text$) return out = $enum$::$name$, true;\n",
            {{"enum", enumeration.name}, {"name", value.name}, {"text", quoted(value.text)}});
  }
  out.add("  return false;\n}\n");
}

void emit_error_texts(Text& out, const Service& service) {
  if (service.errors.empty()) return;
  out.add("\nnamespace errors {\n");
  for (const ErrorCode& error : service.errors) {
    out.add("\nError $function$(std::string_view detail) { return make_error(ErrorKind::$kind$, $code$, detail); }\n",
            {{"function", error.function}, {"kind", error.kind}, {"code", quoted(error.code)}});
  }
  out.add("\nstd::span<const ErrorEntry> catalogue() {\n  static constexpr ErrorEntry kEntries[] = {\n");
  for (const ErrorCode& error : service.errors) {
    out.add("      {$code$, ErrorKind::$kind$, $help$},\n",
            {{"code", quoted(error.code)}, {"kind", error.kind}, {"help", quoted(error.help)}});
  }
  out.add("  };\n  return kEntries;\n}\n\n}  // namespace errors\n");
}

}  // namespace

std::string banner(const File& file, std::string_view mark) {
  return std::string(mark) + " Generated by protoc-gen-consilium from " + file.path + ".proto: change that instead.\n";
}

std::string emit_cpp_header(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add(R"(#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/codec.h"
#include "base/error.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/time.h"
)");
  for (const File* import : file.imports) out.add("#include \"$path$.h\"\n", {{"path", import->path}});
  out.add("\nnamespace $space$ {\n", {{"space", file.space}});
  for (const auto& enumeration : file.enums) emit_enum(out, *enumeration);
  for (const auto& message : file.messages) emit_message(out, *message);
  for (const auto& service : file.services) emit_errors(out, *service);
  out.add("\n}  // namespace $space$\n", {{"space", file.space}});
  emit_codec_declarations(out, file);
  return out.take();
}

std::string emit_cpp_source(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add("#include \"$path$.h\"\n\nnamespace $space$ {\n", {{"path", file.path}, {"space", file.space}});
  for (const auto& enumeration : file.enums) emit_enum_texts(out, *enumeration);
  for (const auto& service : file.services) emit_error_texts(out, *service);
  out.add("\n}  // namespace $space$\n", {{"space", file.space}});
  return out.take();
}

std::string emit_codec_header(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add("// For generated code alone.\n#pragma once\n\n#include \"$path$.h\"\n", {{"path", file.path}});
  for (const File* import : file.imports) out.add("#include \"$path$_codec.h\"\n", {{"path", import->path}});
  out.add("\nnamespace $space$ {\n", {{"space", file.space}});
  for (const auto& message : file.messages) {
    out.add(R"(
void write_json(JsonWriter& out, const $name$& value);
void read_json(JsonReader& in, $name$& value);
void write_wire(WireWriter& out, const $name$& value);
void read_wire(WireReader& in, $name$& value);
void check(Violations& out, const $name$& value);
)",
            {{"name", message->name}});
  }
  out.add("\n}  // namespace $space$\n", {{"space", file.space}});
  return out.take();
}

}  // namespace consilium::generator

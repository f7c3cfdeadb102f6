#include <algorithm>

#include "emit.h"
#include "names.h"
#include "text.h"

namespace consilium::generator {
namespace {

std::vector<const Field*> by_number(const Message& message) {
  std::vector<const Field*> fields;
  for (const Field& field : message.fields) fields.push_back(&field);
  std::sort(fields.begin(), fields.end(), [](const Field* a, const Field* b) { return a->number < b->number; });
  return fields;
}

void emit_write(Text& out, const Message& message) {
  const bool empty = message.fields.empty();
  out.add("\nvoid write_wire($unused$WireWriter& out, $unused$const $name$& value) {\n",
          {{"name", message.name}, {"unused", empty ? "[[maybe_unused]] " : ""}});
  for (const Field* field : by_number(message)) {
    out.add("  out.put<WireKind::$kind$>($number$, value.$name$);\n",
            {{"kind", field->wire_kind()}, {"number", std::to_string(field->number)}, {"name", field->name}});
  }
  out.add("}\n");
}

// Of a oneof the last one on the wire stays.
void emit_clear_others(Text& out, const Message& message, const Field& chosen) {
  if (chosen.oneof.empty()) return;
  for (const Field& field : message.fields) {
    if (field.oneof == chosen.oneof && &field != &chosen) out.add("        value.$name$.reset();\n", {{"name", field.name}});
  }
}

void emit_read(Text& out, const Message& message) {
  out.add(R"(
void read_wire(WireReader& in, $unused$$name$& value) {
  while (const int field = in.next()) {
    switch (field) {
)",
          {{"name", message.name}, {"unused", message.fields.empty() ? "[[maybe_unused]] " : ""}});
  for (const Field* field : by_number(message)) {
    out.add("      case $number$:\n", {{"number", std::to_string(field->number)}});
    emit_clear_others(out, message, *field);
    out.add("        in.take<WireKind::$kind$>(value.$name$);\n        break;\n", {{"kind", field->wire_kind()}, {"name", field->name}});
  }
  out.add("      default: in.skip();\n    }\n  }\n}\n");
}

void emit_entry_points(Text& out, const Message& message) {
  out.add(R"(
template <>
std::string encode_wire(const $type$& message) {
  std::string bytes;
  {
    WireWriter out(bytes);
    write_wire(out, message);
  }
  return bytes;
}

template <>
Result<$type$> decode_wire<$type$>(std::string_view bytes) {
  WireReader in(bytes);
  $type$ message;
  read_wire(in, message);
  TRY(in.finish());
  return message;
}
)",
          {{"type", message.qualified("")}});
}

}  // namespace

std::string emit_wire_source(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add("#include \"$path$_codec.h\"\n", {{"path", file.path}});
  out.add("\n#include \"base/wire_reader.h\"\n#include \"base/wire_writer.h\"\n\nnamespace $space$ {\n", {{"space", file.space}});
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

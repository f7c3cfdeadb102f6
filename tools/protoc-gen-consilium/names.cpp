#include "names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace consilium::generator {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr std::array<std::string_view, 60> kKeywords{
    "alignas",  "and",      "asm",      "auto",      "bool",   "break",    "case",     "catch",    "char",    "class",
    "concept",  "const",    "continue", "default",   "delete", "do",       "double",   "else",     "enum",    "errors",
    "explicit", "export",   "extern",   "false",     "float",  "for",      "friend",   "goto",     "if",      "inline",
    "int",      "long",     "mutable",  "namespace", "new",    "not",      "operator", "or",       "private", "protected",
    "public",   "register", "requires", "return",    "short",  "signed",   "sizeof",   "static",   "struct",  "switch",
    "template", "this",     "throw",    "true",      "try",    "typename", "union",    "unsigned", "using",   "virtual"};

}  // namespace

std::string snake_case(std::string_view camel) {
  std::string out;
  for (std::size_t i = 0; i < camel.size(); ++i) {
    const bool starts_word =
        is_upper(camel[i]) && i > 0 && (!is_upper(camel[i - 1]) || (i + 1 < camel.size() && std::islower(camel[i + 1])));
    if (starts_word && camel[i - 1] != '_') out += '_';
    out += to_lower(camel[i]);
  }
  return out;
}

std::string upper_snake(std::string_view camel) {
  std::string out = snake_case(camel);
  std::transform(out.begin(), out.end(), out.begin(), to_upper);
  return out;
}

std::string camel_case(std::string_view snake) {
  std::string out;
  bool start = true;
  for (const char c : snake) {
    if (c == '_' || c == '-') {
      start = true;
      continue;
    }
    out += start ? to_upper(c) : to_lower(c);
    start = false;
  }
  return out;
}

std::string lower_camel(std::string_view snake) {
  std::string out = camel_case(snake);
  if (!out.empty()) out[0] = to_lower(out[0]);
  return out;
}

std::string kebab_case(std::string_view snake) {
  std::string out;
  for (const char c : snake) out += c == '_' ? '-' : to_lower(c);
  return out;
}

std::string cpp_identifier(std::string name) {
  if (std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end()) name += '_';
  return name;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) out += separator;
    out += part;
  }
  return out;
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace consilium::generator

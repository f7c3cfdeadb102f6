#include "text.h"

#include <algorithm>
#include <stdexcept>

#include "names.h"

namespace consilium::generator {

std::string fill(std::string_view text, Values values) {
  std::string out;
  for (;;) {
    const auto start = text.find('$');
    out += text.substr(0, start);
    if (start == std::string_view::npos) return out;
    text.remove_prefix(start + 1);
    const auto end = text.find('$');
    if (end == std::string_view::npos) throw std::logic_error("template without a closing dollar: " + std::string(text));
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (name.empty()) {
      out += '$';
      continue;
    }
    const auto* const value = std::find_if(values.begin(), values.end(), [&](const auto& entry) { return entry.first == name; });
    if (value == values.end()) throw std::logic_error("template without a value for " + std::string(name));
    out += value->second;
  }
}

Text& Text::comment(std::string_view comment, int indent, std::string_view mark) {
  if (comment.empty()) return *this;
  for (const std::string& line : split(comment, '\n')) {
    std::string whole = std::string(static_cast<std::size_t>(indent), ' ') + std::string(mark) + line;
    whole.erase(whole.find_last_not_of(' ') + 1);
    out_ += whole + '\n';
  }
  return *this;
}

}  // namespace consilium::generator

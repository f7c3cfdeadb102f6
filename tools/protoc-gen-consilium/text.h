// Text of an output file, built by templates: `$name$` stands for a value, `$$` for a dollar.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace consilium::generator {

using Values = std::initializer_list<std::pair<std::string_view, std::string>>;

// A name without a value is a bug and throws.
std::string fill(std::string_view text, Values values);

class Text {
 public:
  Text& add(std::string_view text, Values values = {}) {
    out_ += fill(text, values);
    return *this;
  }
  Text& raw(std::string_view text) {
    out_ += text;
    return *this;
  }
  // A comment as `// line` at `indent` spaces; nothing when it is empty.
  Text& comment(std::string_view comment, int indent = 0, std::string_view mark = "// ");
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace consilium::generator

#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {
namespace {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  std::expected<Value, std::string> read() {
    Value value;
    if (!read_value(value, 0)) return std::unexpected(problem_);
    skip_space();
    if (at_ != text_.size()) return std::unexpected("unexpected text after the value at byte " + std::to_string(at_));
    return value;
  }

 private:
  bool refuse(std::string_view what) {
    if (problem_.empty()) problem_ = std::string(what) + " at byte " + std::to_string(at_);
    return false;
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return refuse("unknown word");
    at_ += word.size();
    return true;
  }

  bool read_value(Value& out, int depth) {
    if (depth > kMaxJsonDepth) return refuse("nested too deep");
    skip_space();
    if (at_ >= text_.size()) return refuse("unexpected end");
    switch (text_[at_]) {
      case '{': return read_object(out, depth);
      case '[': return read_array(out, depth);
      case '"': {
        std::string text;
        if (!read_string(text)) return false;
        out = Value(std::move(text));
        return true;
      }
      case 't': out = Value(true); return take_word("true");
      case 'f': out = Value(false); return take_word("false");
      case 'n': out = Value(); return take_word("null");
      default: return read_number(out);
    }
  }

  bool read_object(Value& out, int depth) {
    ++at_;
    Context members;
    if (!take('}')) {
      do {
        skip_space();
        std::string name;
        if (at_ >= text_.size() || text_[at_] != '"') return refuse("expected a member name");
        if (!read_string(name)) return false;
        if (!take(':')) return refuse("expected ':'");
        Value value;
        if (!read_value(value, depth + 1)) return false;
        members.insert_or_assign(std::move(name), std::move(value));
      } while (take(','));
      if (!take('}')) return refuse("expected '}'");
    }
    out = Value(std::move(members));
    return true;
  }

  bool read_array(Value& out, int depth) {
    ++at_;
    List items;
    if (!take(']')) {
      do {
        if (!read_value(items.emplace_back(), depth + 1)) return false;
      } while (take(','));
      if (!take(']')) return refuse("expected ']'");
    }
    out = Value(std::move(items));
    return true;
  }

  bool read_number(Value& out) {
    const std::size_t start = at_;
    while (at_ < text_.size() && std::string_view("+-.0123456789eE").find(text_[at_]) != std::string_view::npos) ++at_;
    const std::string_view form = text_.substr(start, at_ - start);
    const std::string_view digits = form.starts_with('-') ? form.substr(1) : form;
    const bool padded = digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
    const auto number = padded ? std::nullopt : Decimal::parse(form);
    if (!number) {
      at_ = start;
      return refuse("malformed number");
    }
    out = Value(*number);
    return true;
  }

  bool read_hex(unsigned& out) {
    if (at_ + 4 > text_.size()) return refuse("cut \\u escape");
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      unsigned digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<unsigned>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<unsigned>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<unsigned>(c - 'A' + 10);
      else
        return refuse("malformed \\u escape");
      out = out * 16 + digit;
    }
    return true;
  }

  static void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }

  bool read_escape(std::string& out) {
    if (at_ >= text_.size()) return refuse("cut escape");
    switch (text_[at_++]) {
      case '"': out += '"'; return true;
      case '\\': out += '\\'; return true;
      case '/': out += '/'; return true;
      case 'b': out += '\b'; return true;
      case 'f': out += '\f'; return true;
      case 'n': out += '\n'; return true;
      case 'r': out += '\r'; return true;
      case 't': out += '\t'; return true;
      case 'u': break;
      default: return refuse("unknown escape");
    }
    unsigned code = 0;
    if (!read_hex(code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return refuse("lone surrogate");
    if (code >= 0xD800 && code <= 0xDBFF) {
      unsigned low = 0;
      if (text_.substr(at_, 2) != "\\u") return refuse("lone surrogate");
      at_ += 2;
      if (!read_hex(low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return refuse("lone surrogate");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
    return true;
  }

  bool read_string(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return refuse("control character in a string");
      ++at_;
      if (c != '\\')
        out += c;
      else if (!read_escape(out))
        return false;
    }
    return refuse("unterminated string");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string problem_;
};

void write_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write_value(std::string& out, const Value& value);

void write_context(std::string& out, const Context& context) {
  out += '{';
  bool first = true;
  for (const auto& [name, member] : context) {
    if (!first) out += ',';
    first = false;
    write_string(out, name);
    out += ':';
    write_value(out, member);
  }
  out += '}';
}

void write_value(std::string& out, const Value& value) {
  if (const auto* boolean = value.boolean()) {
    out += *boolean ? "true" : "false";
  } else if (const auto* number = value.number()) {
    out += number->text();
  } else if (const auto* text = value.string()) {
    write_string(out, *text);
  } else if (const auto* duration = value.duration()) {
    write_string(out, format_iso8601(*duration));
  } else if (const auto* list = value.list()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      write_value(out, (*list)[i]);
    }
    out += ']';
  } else if (const auto* context = value.context()) {
    write_context(out, *context);
  } else {
    out += "null";
  }
}

}  // namespace

std::string_view Value::type_name() const {
  if (boolean()) return "BOOLEAN";
  if (number()) return "NUMBER";
  if (string()) return "STRING";
  if (duration()) return "DURATION";
  if (list()) return "ARRAY";
  if (context()) return "OBJECT";
  return "NULL";
}

bool Value::operator==(const Value& other) const {
  if (held_.index() != other.held_.index()) return false;
  if (const auto* text = string()) return *text == *other.string();
  if (const auto* items = list()) return *items == *other.list();
  if (const auto* members = context()) return *members == *other.context();
  return held_ == other.held_;
}

std::expected<Value, std::string> parse_json(std::string_view text, std::size_t most_bytes) {
  if (text.size() > most_bytes) return std::unexpected("larger than " + std::to_string(most_bytes) + " bytes");
  return JsonReader(text).read();
}

std::expected<Context, std::string> parse_variables(std::string_view text, std::size_t most_bytes) {
  if (text.empty()) return Context();
  auto value = parse_json(text, most_bytes);
  if (!value) return std::unexpected(std::move(value).error());
  if (value->is_null()) return Context();
  const Context* context = value->context();
  if (!context) return std::unexpected("expected an object, but it is of another type");
  return *context;
}

std::string to_json(const Value& value) {
  std::string out;
  write_value(out, value);
  return out;
}

std::string to_json(const Context& context) {
  std::string out;
  write_context(out, context);
  return out;
}

}  // namespace consilium::bpmn::feel

#include "bpmn/feel/value.h"

#include <limits>
#include <utility>

#include "base/utf8.h"

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

// Of the types whose text is the value: nullopt for others.
std::optional<std::string> plain_text(const Value& value) {
  switch (value.kind()) {
    case Kind::kDate: return format(*value.date());
    case Kind::kTime: return format(*value.time());
    case Kind::kDateTime: return format(*value.date_time());
    case Kind::kDayTimeDuration: return format(*value.day_time_duration());
    case Kind::kYearMonthDuration: return format(*value.year_month_duration());
    case Kind::kRange: return to_text(value);
    default: return std::nullopt;
  }
}

void write_value(std::string& out, const Value& value) {
  if (const auto* boolean = value.boolean()) {
    out += *boolean ? "true" : "false";
  } else if (const auto* number = value.number()) {
    out += number->text();
  } else if (const auto* text = value.string()) {
    write_string(out, *text);
  } else if (const auto* list = value.list()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      write_value(out, (*list)[i]);
    }
    out += ']';
  } else if (const auto* context = value.context()) {
    write_context(out, *context);
  } else if (const auto form = plain_text(value)) {
    write_string(out, *form);
  } else {
    out += "null";
  }
}

void append_text(std::string& out, const Value& value);

void append_range(std::string& out, const Range& range) {
  out += range.start_included ? '[' : '(';
  append_text(out, range.start);
  out += "..";
  append_text(out, range.end);
  out += range.end_included ? ']' : ')';
}

// As an expression would write it.
void append_text(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Kind::kList: {
      out += '[';
      for (bool first = true; const Value& item : *value.list()) {
        if (!std::exchange(first, false)) out += ", ";
        append_text(out, item);
      }
      out += ']';
      return;
    }
    case Kind::kContext: {
      out += '{';
      for (bool first = true; const auto& [name, member] : *value.context()) {
        if (!std::exchange(first, false)) out += ", ";
        const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ' ' || (c & 0x80) != 0;
        });
        plain ? void(out += name) : write_string(out, name);
        out += ": ";
        append_text(out, member);
      }
      out += '}';
      return;
    }
    case Kind::kRange: return append_range(out, *value.range());
    case Kind::kFunction: out += "function"; return;
    default: break;
  }
  if (const auto form = plain_text(value))
    out += *form;
  else
    write_value(out, value);
}

std::uint32_t added(std::uint32_t a, std::uint32_t b) {
  return b > std::numeric_limits<std::uint32_t>::max() - a ? std::numeric_limits<std::uint32_t>::max() : a + b;
}

std::uint16_t deeper(std::uint16_t depth) {
  return depth == std::numeric_limits<std::uint16_t>::max() ? depth : static_cast<std::uint16_t>(depth + 1);
}

}  // namespace

template <class Holder, class T, class Measure>
std::shared_ptr<const Holder> Value::share(T content, Measure measure) {
  auto made = std::make_shared<Holder>();
  const auto add = [&](const Value& part) {
    made->weight = added(made->weight, part.weight());
    made->depth = std::max(made->depth, deeper(part.depth()));
    made->holds_function = made->holds_function || part.holds_function();
  };
  measure(content, add);
  made->content = std::move(content);
  return made;
}

Value::Value(List value)
    : held_(share<Shared<List>>(std::move(value), [](const List& items, auto add) {
        for (const Value& item : items) add(item);
      })) {}

Value::Value(Context value)
    : held_(share<Shared<Context>>(std::move(value), [](const Context& members, auto add) {
        for (const auto& [name, member] : members) add(member);
      })) {}

Value::Value(Range value)
    : held_(share<SharedRange>(std::move(value), [](const Range& range, auto add) {
        add(range.start);
        add(range.end);
      })) {}

std::uint32_t Value::weight() const {
  if (const auto* list = std::get_if<Pointer<List>>(&held_)) return (*list)->weight;
  if (const auto* context = std::get_if<Pointer<Context>>(&held_)) return (*context)->weight;
  if (const auto* range = std::get_if<std::shared_ptr<const SharedRange>>(&held_)) return (*range)->weight;
  if (const std::string* text = string()) return static_cast<std::uint32_t>(1 + text->size() / 64);
  return 1;
}

std::uint16_t Value::depth() const {
  if (const auto* list = std::get_if<Pointer<List>>(&held_)) return (*list)->depth;
  if (const auto* context = std::get_if<Pointer<Context>>(&held_)) return (*context)->depth;
  if (const auto* range = std::get_if<std::shared_ptr<const SharedRange>>(&held_)) return (*range)->depth;
  return 0;
}

bool Value::holds_function() const {
  if (const auto* list = std::get_if<Pointer<List>>(&held_)) return (*list)->holds_function;
  if (const auto* context = std::get_if<Pointer<Context>>(&held_)) return (*context)->holds_function;
  return function() != nullptr;
}

std::string_view Value::type_name() const {
  static constexpr std::string_view kNames[] = {"NULL",     "BOOLEAN",  "NUMBER", "STRING", "DATE",  "TIME",    "DATE_TIME",
                                                "DURATION", "DURATION", "ARRAY",  "OBJECT", "RANGE", "FUNCTION"};
  return kNames[held_.index()];
}

std::optional<Duration> Value::duration() const {
  const DayTimeDuration* duration = day_time_duration();
  if (!duration) return std::nullopt;
  const WideInteger microseconds = duration->nanoseconds / 1000;
  if (microseconds > std::numeric_limits<std::int64_t>::max() || microseconds < std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return Duration{static_cast<std::int64_t>(microseconds)};
}

bool Value::operator==(const Value& other) const {
  if (held_.index() != other.held_.index()) return false;
  if (const auto* text = string()) return *text == *other.string();
  if (const auto* items = list()) return items == other.list() || *items == *other.list();
  if (const auto* members = context()) return members == other.context() || *members == *other.context();
  if (const auto* ends = range()) return *ends == *other.range();
  return held_ == other.held_;
}

Value as_json(const Value& value) {
  if (const List* list = value.list()) {
    List copy;
    copy.reserve(list->size());
    for (const Value& item : *list) copy.push_back(as_json(item));
    return copy;
  }
  if (const Context* context = value.context()) {
    Context copy;
    for (const auto& [name, member] : *context) copy.emplace(name, as_json(member));
    return copy;
  }
  if (value.function()) return {};
  if (auto text = plain_text(value)) return std::move(*text);
  return value;
}

std::string to_text(const Value& value) {
  if (const std::string* text = value.string()) return *text;
  std::string out;
  append_text(out, value);
  return out;
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

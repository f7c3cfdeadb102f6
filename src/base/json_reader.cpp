#include "base/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace consilium {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

bool is_json(std::string_view text) {
  JsonReader reader(text, UnknownMembers::kIgnore);
  std::string ignored;
  reader.raw(ignored);
  return reader.finish().has_value();
}

JsonReader::JsonReader(std::string_view text, UnknownMembers unknown) : text_(text), unknown_(unknown) {
  if (!is_valid_utf8(text_)) syntax("Expected valid UTF-8");
}

char JsonReader::peek() {
  if (broken_) return '\0';
  while (position_ < text_.size() && is_space(text_[position_])) ++position_;
  return position_ < text_.size() ? text_[position_] : '\0';
}

bool JsonReader::take(char c) {
  if (peek() != c || broken_ || position_ >= text_.size()) return false;
  ++position_;
  return true;
}

bool JsonReader::expect(char c) {
  if (take(c)) return true;
  const char wanted[] = {'E', 'x', 'p', 'e', 'c', 't', 'e', 'd', ' ', '\'', c, '\'', '\0'};
  syntax(wanted);
  return false;
}

void JsonReader::syntax(std::string_view what) {
  if (broken_) return;
  broken_ = true;
  notes_.clear();  // what was noted before may be a consequence of the broken text
  notes_.push_back({path_.text(), "syntax", std::string(what) + " at byte " + std::to_string(position_)});
}

void JsonReader::note(std::string_view code, std::string_view message) {
  if (broken_ || notes_.size() >= kMaxFieldErrors) return;
  notes_.push_back({path_.text(), std::string(code), std::string(message)});
}

bool JsonReader::wrong_type(std::string_view wanted) {
  note("wrong-type", "Expected " + std::string(wanted));
  skip();
  return false;
}

bool JsonReader::text(std::string& out) {
  if (peek() != '"') return wrong_type("a string");
  return parse_string(out);
}

bool JsonReader::boolean(bool& out) {
  const char c = peek();
  if (c != 't' && c != 'f') return wrong_type("true or false");
  const std::string_view word = c == 't' ? "true" : "false";
  if (text_.substr(position_, word.size()) != word) {
    syntax("Expected true or false");
    return false;
  }
  position_ += word.size();
  out = c == 't';
  return true;
}

// The characters of a number by the grammar of JSON; empty and broken when they are none.
std::string_view JsonReader::number_token() {
  const std::size_t start = position_;
  const auto digits = [this] {
    const std::size_t first = position_;
    while (position_ < text_.size() && is_digit(text_[position_])) ++position_;
    return position_ - first;
  };
  const auto here = [this](char c) { return position_ < text_.size() && text_[position_] == c; };
  if (here('-')) ++position_;
  const bool leading_zero = here('0');
  const std::size_t whole = digits();
  bool good = whole > 0 && !(leading_zero && whole > 1);
  if (good && here('.')) {
    ++position_;
    good = digits() > 0;
  }
  if (good && (here('e') || here('E'))) {
    ++position_;
    if (here('+') || here('-')) ++position_;
    good = digits() > 0;
  }
  if (good) return text_.substr(start, position_ - start);
  syntax("Expected a number");
  return {};
}

bool JsonReader::integer(std::int64_t& out, std::int64_t min, std::int64_t max) {
  const char c = peek();
  if (c != '-' && !is_digit(c)) return wrong_type("a whole number");
  const std::string_view token = number_token();
  if (token.empty()) return false;
  if (token.find_first_of(".eE") != std::string_view::npos) {
    note("wrong-type", "Expected a whole number");
    return false;
  }
  std::int64_t value = 0;
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), value);
  if (parsed.ec != std::errc() || value < min || value > max) {
    note("out-of-range", "Expected a number from " + std::to_string(min) + " to " + std::to_string(max));
    return false;
  }
  out = value;
  return true;
}

bool JsonReader::number(double& out) {
  const char c = peek();
  if (c != '-' && !is_digit(c)) return wrong_type("a number");
  const std::string_view token = number_token();
  if (token.empty()) return false;
  double value = 0;
  if (std::from_chars(token.data(), token.data() + token.size(), value).ec != std::errc()) {
    note("out-of-range", "Expected a number that a double can hold");
    return false;
  }
  out = value;
  return true;
}

bool JsonReader::base64(std::string& out) {
  std::string digits;
  if (!text(digits)) return false;
  const auto refuse = [this] {
    note("bad-format", "Expected base64 with padding");
    return false;
  };
  if (digits.size() % 4 != 0) return refuse();
  const std::size_t padding = digits.ends_with("==") ? 2 : digits.ends_with('=') ? 1 : 0;
  digits.resize(digits.size() - padding);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : digits) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (is_digit(c)) {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      return refuse();
    }
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xFF);
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) return refuse();  // one value, one text
  out = std::move(bytes);
  return true;
}

bool JsonReader::raw(std::string& out) {
  peek();
  const std::size_t start = position_;
  if (!skip_strictly(1)) return false;
  out.assign(text_.substr(start, position_ - start));
  return true;
}

bool JsonReader::take_null() {
  if (peek() != 'n' || text_.substr(position_, 4) != "null") return false;
  position_ += 4;
  return true;
}

bool JsonReader::take_absent() {
  if (!take_null()) return false;
  if (unknown_ == UnknownMembers::kRefuse) note("wrong-type", "Expected no null: leave the member out");
  return true;
}

void JsonReader::skip() { skip_strictly(depth_ + 1); }

bool JsonReader::skip_strictly(int depth) {
  const char c = peek();
  if (broken_) return false;
  if ((c == '{' || c == '[') && depth > kMaxJsonDepth) {
    syntax("Expected at most 32 levels");
    return false;
  }
  if (c == '{') return skip_members(depth);
  if (c == '[') {
    take('[');
    if (take(']')) return true;
    do {
      if (!skip_strictly(depth + 1)) return false;
    } while (take(','));
    return expect(']');
  }
  if (c == '"') {
    std::string ignored;
    return parse_string(ignored);
  }
  if (c == '-' || is_digit(c)) return !number_token().empty();
  if (take_null()) return true;
  bool ignored = false;
  if (c == 't' || c == 'f') return boolean(ignored);
  syntax("Expected a value");
  return false;
}

bool JsonReader::skip_members(int depth) {
  std::vector<std::string> names;
  std::string name;
  take('{');
  for (bool first = true; next_member(first, name); first = false) {
    names.push_back(std::move(name));
    if (!skip_strictly(depth + 1)) return false;
  }
  if (broken_) return false;
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) == names.end()) return true;
  note("duplicate-member", "Expected each member once");
  return true;
}

bool JsonReader::parse_string(std::string& out) {
  ++position_;
  out.clear();
  while (position_ < text_.size()) {
    const std::size_t start = position_;
    while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\\' &&
           static_cast<unsigned char>(text_[position_]) >= 0x20)
      ++position_;
    out.append(text_, start, position_ - start);
    if (position_ == text_.size()) break;
    const char c = text_[position_];
    if (c == '"') {
      ++position_;
      return true;
    }
    if (c != '\\') {
      syntax("Expected an escape instead of a control character");
      return false;
    }
    ++position_;
    if (!parse_escape(out)) return false;
  }
  syntax("Expected the end of a string");
  return false;
}

bool JsonReader::parse_hex(std::uint32_t& out) {
  const std::string_view digits = text_.substr(std::min(position_, text_.size()), 4);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
  if (digits.size() < 4 || parsed.ec != std::errc() || parsed.ptr != digits.data() + 4) {
    syntax("Expected four hexadecimal digits");
    return false;
  }
  position_ += 4;
  return true;
}

bool JsonReader::parse_escape(std::string& out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char c = position_ < text_.size() ? text_[position_++] : '\0';
  if (const auto letter = kLetters.find(c); letter != std::string_view::npos) {
    out += kMeanings[letter];
    return true;
  }
  std::uint32_t unit = 0;
  if (c != 'u') {
    syntax("Expected an escape of JSON");
    return false;
  }
  if (!parse_hex(unit)) return false;
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    std::uint32_t low = 0;
    const bool pair = text_.substr(position_, 2) == "\\u";
    position_ += pair ? 2 : 0;
    if (pair && !parse_hex(low)) return false;
    unit = low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00) : 0xDC00;
  }
  if (unit == 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) {
    syntax("Expected an escape of a character other than NUL and half a pair");
    return false;
  }
  append_utf8(out, unit);
  return true;
}

bool JsonReader::open(char bracket, std::string_view wanted) {
  if (peek() != bracket) return wrong_type(wanted);
  if (depth_ + 1 > kMaxJsonDepth) {
    syntax("Expected at most 32 levels");
    return false;
  }
  ++position_;
  ++depth_;
  return true;
}

// The name of the next member up to its colon; false at the closing bracket, which is taken, or when the text is broken.
bool JsonReader::next_member(bool first, std::string& name) {
  if (take('}')) {
    return false;
  }
  if (broken_ || (!first && !expect(','))) return false;
  if (peek() != '"') {
    syntax("Expected the name of a member");
    return false;
  }
  return parse_string(name) && expect(':');
}

JsonReader::Object::Object(JsonReader& in, std::span<const std::string_view> names)
    : in_(in), names_(names), open_(in_.open('{', "an object")) {}

JsonReader::Object::~Object() {
  if (open_) --in_.depth_;
}

std::optional<std::size_t> JsonReader::Object::known(const std::string& name) {
  const auto place = std::find(names_.begin(), names_.end(), name);
  const auto refuse = [&](std::string_view code, std::string_view message) {
    in_.path_.enter(std::string_view(name));
    in_.note(code, message);
    in_.path_.leave();
    in_.skip();
    return std::nullopt;
  };
  if (in_.depth_ == 1 && std::find(in_.reserved_.begin(), in_.reserved_.end(), name) != in_.reserved_.end())
    return refuse("reserved-member", "Expected this member in the path or the header alone");
  if (place == names_.end()) {
    if (in_.unknown_ == UnknownMembers::kRefuse) return refuse("unknown-member", "Expected no member of this name");
    in_.skip();
    return std::nullopt;
  }
  const auto index = static_cast<std::size_t>(place - names_.begin());
  if (seen_.test(index)) return refuse("duplicate-member", "Expected each member once");
  seen_.set(index);
  return index;
}

std::optional<std::size_t> JsonReader::Object::next() {
  if (!open_) return std::nullopt;
  if (inside_) in_.path_.leave();
  inside_ = false;
  std::string name;
  while (in_.next_member(first_, name)) {
    first_ = false;
    const auto index = known(name);
    if (!index) continue;
    in_.path_.enter(names_[*index]);
    inside_ = true;
    return index;
  }
  return std::nullopt;
}

JsonReader::Map::Map(JsonReader& in) : in_(in), open_(in_.open('{', "an object")) {}

JsonReader::Map::~Map() {
  if (open_) --in_.depth_;
}

const std::string* JsonReader::Map::next() {
  if (!open_) return nullptr;
  if (!first_) in_.path_.leave();
  if (!in_.next_member(first_, name_)) return nullptr;
  first_ = false;
  in_.path_.enter(std::string_view(name_));
  return &name_;
}

JsonReader::List::List(JsonReader& in) : in_(in), open_(in_.open('[', "a list")) {}

JsonReader::List::~List() {
  if (open_) --in_.depth_;
}

bool JsonReader::List::next() {
  if (!open_) return false;
  if (index_ > 0) in_.path_.leave();
  if (in_.take(']') || in_.broken_) return false;
  if (index_ > 0 && !in_.expect(',')) return false;
  if (index_ > 0 && in_.peek() == ']') {
    in_.syntax("Expected a value");
    return false;
  }
  in_.path_.enter(index_++);
  return true;
}

Result<void> JsonReader::finish() {
  if (peek() != '\0' || (!broken_ && position_ < text_.size())) syntax("Expected the end of the text");
  if (notes_.empty()) return {};
  Error error = make_error(ErrorKind::kMalformed, "request.malformed", "Expected JSON that fits the contract");
  error.fields = std::move(notes_);
  return fail(std::move(error));
}

void read_json(JsonReader& in, float& out) {
  double value = 0;
  if (!in.number(value)) return;
  constexpr double kRoundsToInfinity = 0x1.ffffffp127;  // and all above it
  if (std::abs(value) >= kRoundsToInfinity) return in.note("out-of-range", "Expected a number that a float can hold");
  out = static_cast<float>(value);
}

void read_json(JsonReader& in, std::int32_t& out) {
  std::int64_t value = 0;
  if (in.integer(value, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()))
    out = static_cast<std::int32_t>(value);
}

void read_json(JsonReader& in, std::uint32_t& out) {
  std::int64_t value = 0;
  if (in.integer(value, 0, std::numeric_limits<std::uint32_t>::max())) out = static_cast<std::uint32_t>(value);
}

void read_json(JsonReader& in, std::uint64_t& out) {
  std::int64_t value = 0;
  if (in.integer(value, 0, kMaxJsonInteger)) out = static_cast<std::uint64_t>(value);
}

void read_json(JsonReader& in, Uuid& out) {
  std::string text;
  if (!in.text(text)) return;
  const auto id = Uuid::parse(text);
  if (!id) return in.note("bad-format", "Expected a UUID");
  out = *id;
}

void read_json(JsonReader& in, Timestamp& out) {
  std::string text;
  if (!in.text(text)) return;
  const auto time = parse_rfc3339(text);
  if (!time) return in.note("bad-format", "Expected an RFC 3339 time");
  out = *time;
}

void read_json(JsonReader& in, Duration& out) {
  std::string text;
  if (!in.text(text)) return;
  const auto duration = parse_iso8601_duration(text);
  if (!duration) return in.note("bad-format", "Expected an ISO 8601 duration of days and times of day");
  out = *duration;
}

void read_json(JsonReader& in, Date& out) {
  std::string text;
  if (!in.text(text)) return;
  const auto date = parse_date(text);
  if (!date) return in.note("bad-format", "Expected a date as YYYY-MM-DD");
  out = *date;
}

void read_json(JsonReader& in, Secret& out) {
  std::string text;
  if (in.text(text)) out = Secret(std::move(text));
}

void read_json_key(JsonReader& in, std::int64_t& out) {
  std::string text;
  if (!in.text(text)) return;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return in.note("bad-format", "Expected a string of digits");
  out = value;
}

}  // namespace consilium

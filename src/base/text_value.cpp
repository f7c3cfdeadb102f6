#include "base/text_value.h"

#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace consilium {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  Number value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return false;
  out = value;
  return true;
}

template <class Value>
bool store(const std::optional<Value>& parsed, Value& out) {
  if (parsed) out = *parsed;
  return parsed.has_value();
}

}  // namespace

bool from_text(std::string_view text, std::string& out) {
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos) return false;
  out = text;
  return true;
}

bool from_text(std::string_view text, bool& out) {
  if (text != "true" && text != "false") return false;
  out = text == "true";
  return true;
}

bool from_text(std::string_view text, std::int32_t& out) { return parse_number(text, out); }
bool from_text(std::string_view text, std::int64_t& out) { return parse_number(text, out); }
bool from_text(std::string_view text, std::uint32_t& out) { return parse_number(text, out); }
bool from_text(std::string_view text, std::uint64_t& out) { return parse_number(text, out); }

bool from_text(std::string_view text, double& out) {
  double value = 0;
  if (!parse_number(text, value) || !std::isfinite(value)) return false;
  out = value;
  return true;
}

bool from_text(std::string_view text, Uuid& out) { return store(Uuid::parse(text), out); }
bool from_text(std::string_view text, Timestamp& out) { return store(parse_rfc3339(text), out); }
bool from_text(std::string_view text, Duration& out) { return store(parse_iso8601_duration(text), out); }
bool from_text(std::string_view text, Date& out) { return store(parse_date(text), out); }

bool from_text(std::string_view text, Secret& out) {
  std::string value;
  if (!from_text(text, value)) return false;
  out = Secret(std::move(value));
  return true;
}

std::string encode_segment(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool unreserved =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace consilium

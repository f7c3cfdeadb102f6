#include "base/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

namespace consilium {
namespace {

// What stands after the backslash; 0: the character stands for itself; 'u': needs \u00XX.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes[0x7F] = 'u';
  return escapes;
}

constexpr std::array<char, 256> kEscapes = make_escapes();

template <class Number>
void append_number(std::string& out, Number value) {
  char digits[40];
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, result.ptr);
}

}  // namespace

void JsonWriter::text(std::string_view value) {
  separate();
  out_ += '"';
  std::size_t start = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto c = static_cast<unsigned char>(value[i]);
    const char escape = kEscapes[c];
    if (escape == 0) continue;
    out_.append(value, start, i - start);
    start = i + 1;
    out_ += '\\';
    out_ += escape;
    if (escape == 'u') {
      static constexpr std::string_view kHex = "0123456789abcdef";
      out_ += "00";
      out_ += kHex[c >> 4];
      out_ += kHex[c & 15];
    }
  }
  out_.append(value, start);
  out_ += '"';
}

void JsonWriter::base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  separate();
  out_ += '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t offset) -> std::uint32_t {
      return i + offset < bytes.size() ? static_cast<unsigned char>(bytes[i + offset]) : 0;
    };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    out_ += kDigits[group >> 18];
    out_ += kDigits[group >> 12 & 63];
    out_ += i + 1 < bytes.size() ? kDigits[group >> 6 & 63] : '=';
    out_ += i + 2 < bytes.size() ? kDigits[group & 63] : '=';
  }
  out_ += '"';
}

void JsonWriter::integer(std::int64_t value) {
  separate();
  append_number(out_, value);
}

void JsonWriter::unsigned_integer(std::uint64_t value) {
  separate();
  append_number(out_, value);
}

void JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  append_number(out_, value);
}

void write_json(JsonWriter& out, float value) {
  if (!std::isfinite(value)) return out.null();
  std::string digits;
  append_number(digits, value);
  out.raw(digits);
}

}  // namespace consilium

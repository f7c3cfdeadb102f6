// Values as text: ids, times, durations, dates, numbers, base64url, cursors, UTF-8, and the formats that contracts name.
// Every input is tried as each of them. What was printed reads back the same.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/cursor.h"
#include "base/fuzz_testing.h"
#include "base/id.h"
#include "base/text_value.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/validation.h"

namespace consilium {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

void fuzz_id(std::string_view text) {
  if (const auto id = Uuid::parse(text)) {
    require(Uuid::parse(id->text()) == id && Uuid::from_raw(id->raw()) == id && id->text().size() == 36);
    require(id->is_nil() == (*id == Uuid{}));
    static_cast<void>(std::hash<Uuid>()(*id));
  }
  if (const auto id = Uuid::from_raw(text)) require(id->raw() == text && Uuid::parse(id->text()) == id);
}

void fuzz_time(std::string_view text) {
  if (const auto time = parse_rfc3339(text)) {
    const std::string written = format_rfc3339(*time);
    const auto again = parse_rfc3339(written);
    // Written to the millisecond.
    require(again && again->microseconds <= time->microseconds && time->microseconds - again->microseconds < 1000);
    require(format_rfc3339(*again) == written && written.starts_with(format_date(date_of(*time))));
  }
  if (const auto date = parse_date(text)) {
    require(format_date(*date) == text && date_of(start_of(*date)) == *date);
    require(date_of(start_of(*date) + days(1) - microseconds(1)) == *date);
  }
}

void fuzz_duration(std::string_view text) {
  if (const auto duration = parse_iso8601_duration(text)) {
    require(parse_iso8601_duration(format_iso8601(*duration)) == duration);
    static_cast<void>(duration->milliseconds());
    require(std::isfinite(duration->seconds()));
  }
  if (const auto duration = parse_short_duration(text)) {
    require(duration->microseconds >= 0 && parse_short_duration(format_short(*duration)) == duration);
  }
}

void fuzz_base64(std::string_view text) {
  if (const auto bytes = decode_base64url(text)) require(encode_base64url(*bytes) == text);
  require(decode_base64url(encode_base64url(text)) == text);
  if (const auto cursor = Cursor::parse(text)) require(cursor->text() == text && Cursor::parse(cursor->text()) == cursor);
}

template <class Integer>
void fuzz_integer(std::string_view text) {
  Integer value{};
  if (!from_text(text, value)) return;
  Integer again{};
  require(from_text(std::to_string(value), again) && again == value);
}

void fuzz_value(std::string_view text) {
  fuzz_integer<std::int32_t>(text);
  fuzz_integer<std::int64_t>(text);
  fuzz_integer<std::uint32_t>(text);
  fuzz_integer<std::uint64_t>(text);
  bool flag = false;
  if (from_text(text, flag)) require(text == (flag ? "true" : "false"));
  double number = 0;
  if (from_text(text, number)) require(std::isfinite(number));
  Uuid id;
  require(from_text(text, id) == Uuid::parse(text).has_value());
  Timestamp time;
  require(from_text(text, time) == parse_rfc3339(text).has_value());
  Duration duration;
  require(from_text(text, duration) == parse_iso8601_duration(text).has_value());
  Date date;
  require(from_text(text, date) == parse_date(text).has_value());
  std::string plain;
  Secret secret;
  const bool readable = is_valid_utf8(text) && text.find('\0') == std::string_view::npos;
  require(from_text(text, plain) == readable && from_text(text, secret) == readable && secret.reveal() == plain);
  require(is_ascii(encode_segment(text)) && encode_segment(text).find('/') == std::string::npos);
}

void fuzz_utf8(std::string_view text) {
  if (!is_valid_utf8(text)) return;
  std::string written;
  std::size_t count = 0;
  for (std::string_view rest = text; !rest.empty(); ++count) {
    const char32_t c = take_code_point(rest);
    require(c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF));
    append_utf8(written, c);
  }
  require(written == text && count == count_code_points(text));
}

// They expect valid UTF-8.
void fuzz_formats(std::string_view text) {
  if (!is_valid_utf8(text)) return;
  if (is_email(text)) require(is_ascii(text) && text.size() <= 254 && std::count(text.begin(), text.end(), '@') == 1);
  if (is_phone(text)) require(text.size() <= 16 && text[0] == '+' && has_only(text.substr(1), "[0-9]"));
  if (is_url(text)) require(text.starts_with("http") && text.find(' ') == std::string_view::npos && text.size() <= 2048);
  if (is_language(text)) require(has_only(text, "[a-zA-Z0-9-]") && text.size() <= 35);
  if (is_name(text)) {
    require(text.find('\n') == std::string_view::npos && text.find('\0') == std::string_view::npos && !text.ends_with(' '));
    // RIGHT-TO-LEFT OVERRIDE and ZERO WIDTH SPACE.
    require(text.find("\xE2\x80\xAE") == std::string_view::npos && text.find("\xE2\x80\x8B") == std::string_view::npos);
    require(text.empty() || !is_blank(text));
  }
}

void fuzz_text_value(std::string_view text) {
  fuzz_id(text);
  fuzz_time(text);
  fuzz_duration(text);
  fuzz_base64(text);
  fuzz_value(text);
  fuzz_utf8(text);
  fuzz_formats(text);
}

}  // namespace
}  // namespace consilium

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::fuzz_text_value(consilium::fuzz_input(data, size));
  return 0;
}

#include "runtime/log_format.h"

#include <array>
#include <charconv>
#include <cmath>

#include "runtime/context.h"

namespace consilium::runtime {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kEllipsis = "\xe2\x80\xa6";

// Length of the UTF-8 sequence at the start of `text` and its code point; length 0 when it is none.
struct CodePoint {
  std::size_t length;
  std::uint32_t value;
};

CodePoint read_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {0, 0};
  std::uint32_t value = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  static constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {0, 0};
  return {length, value};
}

void append_hex(std::string& out, std::string_view prefix, std::uint32_t value, int digits) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  out += prefix;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kDigits[value >> shift & 0xf];
}

// C0, DEL, C1 and the characters that reorder text: they could forge what a terminal shows.
bool is_control(std::uint32_t value) {
  return value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069) ||
         value == 0x2028 || value == 0x2029;
}

template <class AppendControl>
void append_clean(std::string& out, std::string_view text, std::size_t limit, AppendControl append_control) {
  const std::size_t end = text.size() > limit ? limit : text.size();
  std::size_t at = 0;
  while (at < end) {
    const CodePoint point = read_code_point(text.substr(at));
    if (point.length == 0) {
      out += kReplacement;
      ++at;
      continue;
    }
    if (at + point.length > end) break;  // the cut goes between characters
    if (is_control(point.value) || point.value == '"' || point.value == '\\') {
      append_control(point.value, text.substr(at, point.length));
    } else {
      out.append(text, at, point.length);
    }
    at += point.length;
  }
  if (text.size() > limit) out += kEllipsis;
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

struct JsonStyle {
  std::string& out;

  void begin(std::string_view name) {
    out += out.empty() ? '{' : ',';
    append_json_string(out, name, Log::kMaxName);
    out += ':';
  }
  void text(std::string_view value, std::size_t limit = Log::kMaxValue) { append_json_string(out, value, limit); }
};

struct HumanStyle {
  std::string& out;

  void begin(std::string_view name) {
    out += ' ';
    bare(name, Log::kMaxName);
    out += '=';
  }
  void text(std::string_view value, std::size_t limit = Log::kMaxValue) {
    const bool quoted = value.empty() || value.find_first_of(" =\"") != std::string_view::npos;
    if (quoted) out += '"';
    append_clean(out, value, limit, [&](std::uint32_t point, std::string_view bytes) { visible(point, bytes, quoted); });
    if (quoted) out += '"';
  }
  void bare(std::string_view value, std::size_t limit) {
    append_clean(out, value, limit, [&](std::uint32_t point, std::string_view bytes) { visible(point, bytes, false); });
  }
  void visible(std::uint32_t point, std::string_view bytes, bool quoted) {
    if (point == '\n') {
      out += "\\n";
    } else if (point == '\t') {
      out += "\\t";
    } else if (point == '"' || point == '\\') {
      if (quoted) out += '\\';
      out += bytes;
    } else {
      append_hex(out, "\\u", point, 4);
    }
  }
};

template <class Style>
void append_error(Style& style, const Error& error) {
  style.begin("errorCode");
  style.text(error.code);
  style.begin("errorKind");
  style.text(status_of(error.kind).name);
  if (!error.detail.empty()) {
    style.begin("errorDetail");
    style.text(error.detail);
  }
  if (error.cause != nullptr) {
    style.begin("errorCause");
    style.text(error.cause->describe());
  }
}

template <class Style>
void append_value(Style& style, const Field& field) {
  switch (field.kind) {
    case Field::Kind::kText: style.text(field.text); return;
    case Field::Kind::kInteger: append_number(style.out, field.integer); return;
    case Field::Kind::kUnsigned: append_number(style.out, field.unsigned_integer); return;
    case Field::Kind::kReal:
      if (std::isfinite(field.real)) {
        append_number(style.out, field.real);
      } else {
        style.text(std::isnan(field.real) ? "NaN" : field.real > 0 ? "Infinity" : "-Infinity");
      }
      return;
    case Field::Kind::kBoolean: style.out += field.boolean ? "true" : "false"; return;
    case Field::Kind::kUuid: style.text(field.uuid->text()); return;
    case Field::Kind::kTime: style.text(format_rfc3339(Timestamp{field.integer})); return;
    case Field::Kind::kDuration: style.text(format_iso8601(Duration{field.integer})); return;
    case Field::Kind::kMasked: style.text(Secret::masked()); return;
    case Field::Kind::kLazy: style.text(field.lazy.render(field.lazy.object)); return;
    case Field::Kind::kError: return;  // append_field writes its parts
  }
}

bool is_reserved(std::string_view name) {
  for (const std::string_view taken :
       {"time", "level", "service", "component", "instance", "message", "rid", "sid", "user", "caller", "client"}) {
    if (name == taken) return true;
  }
  return false;
}

template <class Style>
void append_field(Style& style, const Field& field) {
  if (field.kind == Field::Kind::kError) return append_error(style, *field.error);
  if (is_reserved(field.name)) {
    style.begin(std::string(field.name) + "_");
  } else {
    style.begin(field.name);
  }
  append_value(style, field);
}

template <class Style>
void append_context(Style& style, const Context& context) {
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    style.begin(name);
    style.text(value);
  };
  add("rid", context.request_id);
  if (!context.caller.session_id.is_nil()) add("sid", context.caller.session_id.text());
  if (!context.caller.user_id.is_nil()) add("user", context.caller.user_id.text());
  add("caller", context.caller.service);
  if (context.client != ClientType::kNone) add("client", name_of(context.client));
}

}  // namespace

void append_json_string(std::string& out, std::string_view text, std::size_t limit) {
  out += '"';
  append_clean(out, text, limit, [&](std::uint32_t point, std::string_view bytes) {
    switch (point) {
      case '"': out += "\\\""; return;
      case '\\': out += "\\\\"; return;
      case '\n': out += "\\n"; return;
      case '\r': out += "\\r"; return;
      case '\t': out += "\\t"; return;
      default: break;
    }
    if (point < 0x20 || point >= 0x7f) {
      append_hex(out, "\\u", point, 4);
    } else {
      out += bytes;
    }
  });
  out += '"';
}

std::string format_json_line(const LogRecord& record) {
  std::string line;
  line.reserve(256);
  JsonStyle style{line};
  const auto add = [&](std::string_view name, std::string_view value, std::size_t limit) {
    style.begin(name);
    style.text(value, limit);
  };
  add("time", format_rfc3339(record.time), Log::kMaxValue);
  add("level", name_of(record.level), Log::kMaxValue);
  add("service", record.service, Log::kMaxName);
  add("component", record.component, Log::kMaxName);
  if (!record.instance.empty()) add("instance", record.instance, Log::kMaxName);
  add("message", record.message, Log::kMaxMessage);
  if (record.context != nullptr) append_context(style, *record.context);
  for (const Field& field : record.fields) append_field(style, field);
  line += '}';
  return line;
}

std::string format_human_line(const LogRecord& record) {
  std::string line;
  line.reserve(256);
  HumanStyle style{line};
  line += format_rfc3339(record.time);
  line += ' ';
  line += name_of(record.level);
  line.append(6 - name_of(record.level).size(), ' ');
  style.bare(record.service, Log::kMaxName);
  line += '/';
  style.bare(record.component, Log::kMaxName);
  line += ": ";
  style.bare(record.message, Log::kMaxMessage);
  if (record.context != nullptr) append_context(style, *record.context);
  for (const Field& field : record.fields) append_field(style, field);
  return line;
}

}  // namespace consilium::runtime

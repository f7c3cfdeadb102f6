// Points in time and lengths of time, both int64 microseconds. Nothing here reads a clock: `runtime::Scheduler` does.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace consilium {

// A length of time in microseconds; may be negative.
struct Duration {
  std::int64_t microseconds = 0;

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr std::int64_t milliseconds() const { return microseconds / 1000; }
  constexpr double seconds() const { return static_cast<double>(microseconds) / 1e6; }
};

constexpr Duration microseconds(std::int64_t n) { return {n}; }
constexpr Duration milliseconds(std::int64_t n) { return {n * 1000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000}; }
constexpr Duration minutes(std::int64_t n) { return {n * 60'000'000}; }
constexpr Duration hours(std::int64_t n) { return {n * 3'600'000'000}; }
constexpr Duration days(std::int64_t n) { return {n * 86'400'000'000}; }

constexpr Duration operator+(Duration a, Duration b) { return {a.microseconds + b.microseconds}; }
constexpr Duration operator-(Duration a, Duration b) { return {a.microseconds - b.microseconds}; }
constexpr Duration operator*(Duration a, std::int64_t n) { return {a.microseconds * n}; }
constexpr Duration operator/(Duration a, std::int64_t n) { return {a.microseconds / n}; }

// A point in time: microseconds since 1970-01-01T00:00:00Z.
struct Timestamp {
  std::int64_t microseconds = 0;

  constexpr auto operator<=>(const Timestamp&) const = default;
  static constexpr Timestamp min() { return {std::numeric_limits<std::int64_t>::min()}; }
  static constexpr Timestamp max() { return {std::numeric_limits<std::int64_t>::max()}; }
};

constexpr Timestamp operator+(Timestamp t, Duration d) { return {t.microseconds + d.microseconds}; }
constexpr Timestamp operator-(Timestamp t, Duration d) { return {t.microseconds - d.microseconds}; }
constexpr Duration operator-(Timestamp a, Timestamp b) { return {a.microseconds - b.microseconds}; }

// A calendar date without a time of day, as `YYYY-MM-DD`.
struct Date {
  int year = 1970;
  int month = 1;
  int day = 1;

  constexpr auto operator<=>(const Date&) const = default;
};

// RFC 3339 in UTC with milliseconds: `2026-01-31T09:30:00.000Z`.
std::string format_rfc3339(Timestamp time);
// Any offset, up to nine fraction digits (cut to microseconds); nullopt when malformed or outside the years 0 to 9999, in UTC.
std::optional<Timestamp> parse_rfc3339(std::string_view text);

// ISO 8601 durations of weeks, days and times of day (`P1DT2H`, `PT0.5S`). Months and years have no fixed length: refused.
std::string format_iso8601(Duration duration);
std::optional<Duration> parse_iso8601_duration(std::string_view text);

// Configuration form: a whole number and one of `us ms s m h d`, e.g. `30s`.
std::string format_short(Duration duration);
std::optional<Duration> parse_short_duration(std::string_view text);

std::string format_date(Date date);
std::optional<Date> parse_date(std::string_view text);  // refuses days that do not exist
Date date_of(Timestamp time);                           // in UTC
Timestamp start_of(Date date);                          // midnight UTC

}  // namespace consilium

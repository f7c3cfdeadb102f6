// The calendar values of FEEL: dates, times of day, both together, and the two kinds of durations, to the nanosecond and for the
// years that XML Schema knows.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace consilium::bpmn::feel {

inline constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
inline constexpr std::int64_t kNanosecondsPerDay = 86'400 * kNanosecondsPerSecond;
inline constexpr int kMaxYear = 999'999'999;

using WideInteger = __int128;

// A zone of the time zone database; there is one object a name for the life of the process.
class NamedZone {
 public:
  static const NamedZone* find(std::string_view name);
  ~NamedZone();
  NamedZone(const NamedZone&) = delete;
  NamedZone& operator=(const NamedZone&) = delete;

  const std::string& name() const { return name_; }
  // Seconds east of UTC, of a local time given as seconds since 1970 on that zone's clocks.
  std::int32_t offset_at_local(std::int64_t local_seconds) const;
  std::int32_t standard_offset() const;

 private:
  NamedZone(std::string name, void* zone) : name_(std::move(name)), zone_(zone) {}
  std::string name_;
  void* zone_;  // icu::TimeZone
};

struct Zone {
  enum class Kind : std::uint8_t { kLocal, kOffset, kNamed };
  Kind kind = Kind::kLocal;
  std::int32_t offset = 0;  // seconds east of UTC
  const NamedZone* named = nullptr;

  static Zone of_offset(std::int32_t seconds) { return {Kind::kOffset, seconds, nullptr}; }
  bool operator==(const Zone&) const = default;
};

struct TimeOfDay {
  std::int64_t nanoseconds = 0;  // since midnight
  Zone zone;

  bool operator==(const TimeOfDay&) const = default;
  std::int32_t offset() const;  // seconds east of UTC; 0 for a local time
};

struct DateTime {
  Date date;
  TimeOfDay time;

  bool operator==(const DateTime&) const = default;
  std::int32_t offset() const;
  WideInteger instant() const;  // nanoseconds since 1970, in UTC; a local time as if it were in UTC
};

struct DayTimeDuration {
  WideInteger nanoseconds = 0;
  bool operator==(const DayTimeDuration&) const = default;
};

struct YearMonthDuration {
  std::int64_t months = 0;
  auto operator<=>(const YearMonthDuration&) const = default;
};

std::int64_t days_of(const Date& date);  // since 1970-01-01
std::optional<Date> date_of_days(std::int64_t days);
int days_in_month(std::int64_t year, int month);
int weekday_of(const Date& date);  // Monday is 1
int day_of_year(const Date& date);
int week_of_year(const Date& date);  // ISO 8601
std::optional<Date> make_date(std::int64_t year, std::int64_t month, std::int64_t day);
// Adds months; a day that the month lacks becomes its last.
std::optional<Date> add_months(const Date& date, std::int64_t months);
std::optional<DateTime> add_nanoseconds(const DateTime& moment, WideInteger nanoseconds);
TimeOfDay add_nanoseconds(const TimeOfDay& time, WideInteger nanoseconds);
std::optional<DayTimeDuration> make_duration(WideInteger nanoseconds);  // nullopt: out of range
// From `from` to `to`, whole months.
YearMonthDuration months_between(const Date& from, const Date& to);
DateTime date_time_of(Timestamp time);  // in UTC

std::string format(const Date& date);
std::string format(const TimeOfDay& time);
std::string format(const DateTime& moment);
std::string format(const DayTimeDuration& duration);
std::string format(const YearMonthDuration& duration);

// nullopt: malformed, or such a day or time does not exist.
std::optional<Date> parse_calendar_date(std::string_view text);
std::optional<TimeOfDay> parse_time_of_day(std::string_view text);
std::optional<DateTime> parse_date_time(std::string_view text);
std::optional<DayTimeDuration> parse_day_time_duration(std::string_view text);
std::optional<YearMonthDuration> parse_year_month_duration(std::string_view text);

}  // namespace consilium::bpmn::feel

// What the texts of timers say: moments, lengths of time, cycles. All calendar arithmetic is in UTC.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace consilium::bpmn::model {

// Of what follows: whatever is longer is none of it.
inline constexpr std::size_t kMaxTimerTextBytes = 256;

// Calendar months and a fixed length: `P1Y2M3DT4H`.
struct Period {
  std::int64_t months = 0;
  Duration length;

  bool operator==(const Period&) const = default;
};
std::optional<Period> parse_period(std::string_view text);
// A day that the month lacks becomes its last. What is further away than the calendar reaches is at its end.
Timestamp later_by(Timestamp from, const Period& period);

// RFC 3339, with or without seconds; a zone in brackets may follow its offset: `2030-01-01T10:00+01:00[Europe/Berlin]`.
std::optional<Timestamp> parse_moment(std::string_view text);

// A cron expression of six fields as Spring has it (`0 0 9-17 * * MON-FRI`), or a name for one (`@daily`).
class Cron {
 public:
  static std::optional<Cron> parse(std::string_view text);
  // The first moment after that one which fits; nullopt: there is none.
  std::optional<Timestamp> next(Timestamp after) const;

 private:
  using Bits = std::bitset<60>;
  // What is said of days by their place in the month.
  struct DayRule {
    enum class Kind : std::uint8_t { kLast, kLastWorkday, kWorkdayNear, kLastWeekday, kNthWeekday };
    Kind kind = Kind::kLast;
    int number = 0;   // days before the last; day of the month; which weekday of its kind
    int weekday = 0;  // Monday is 1

    bool operator==(const DayRule&) const = default;
  };

  bool read_fields(const std::array<std::string_view, 6>& fields);
  bool read_days(std::string_view field);
  bool read_weekdays(std::string_view field);
  // Each of them once.
  static void add(std::vector<DayRule>& rules, const DayRule& rule);
  static bool fits(const DayRule& rule, const Date& date);
  bool fits(const Date& date) const;

  Bits seconds_, minutes_, hours_;
  Bits days_, months_;  // from 1
  Bits weekdays_;       // Sunday is 0
  std::vector<DayRule> day_rules_;
  std::vector<DayRule> weekday_rules_;
};

// `R3/PT10S`, `R/2030-01-01T00:00:00Z/P1M`, `R3//PT10S` without a start, `0 0 9-17 * * MON-FRI`. No interval is empty, and `R0` means once,
// as with Zeebe.
struct Cycle {
  std::int32_t repetitions = -1;  // -1: for ever
  Period interval;
  std::optional<Timestamp> start;
  std::optional<Cron> cron;

  // nullopt: never. A start that has passed counts for nothing.
  std::optional<Timestamp> first(Timestamp now) const;
  std::optional<Timestamp> next(Timestamp after) const;
  // Its interval is the same at all times.
  bool has_fixed_interval() const { return !cron && interval.months == 0; }
};
std::optional<Cycle> parse_cycle(std::string_view text);

}  // namespace consilium::bpmn::model

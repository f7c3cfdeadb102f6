#include "base/time.h"

#include <array>
#include <cstdio>

namespace consilium {
namespace {

constexpr std::int64_t kMicrosecondsPerDay = 86'400'000'000;

// Days since 1970-01-01 in the proleptic Gregorian calendar; March-based years make leap days fall last.
std::int64_t days_from_civil(Date date) {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

Date civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  Date date;
  date.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  date.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  date.year = static_cast<int>(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
  return date;
}

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int year, int month) {
  static constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads text from left to right; each step says whether it found what it wanted.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  bool take(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_either(char a, char b) { return take(a) || take(b); }

  std::optional<int> fixed(int digits) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      if (!is_digit(peek())) return std::nullopt;
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  // At most 12 digits, so that products with the units below stay within int64 after their own check.
  std::optional<std::int64_t> number() {
    std::int64_t value = 0;
    int digits = 0;
    while (is_digit(peek())) {
      if (++digits > 12) return std::nullopt;
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    return value;
  }

  // Fraction digits as microseconds; what is finer is cut.
  std::optional<std::int64_t> fraction() {
    std::int64_t value = 0;
    int digits = 0;
    while (is_digit(peek())) {
      if (++digits > 9) return std::nullopt;
      if (digits <= 6) value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    for (int i = digits; i < 6; ++i) value *= 10;
    return value;
  }

 private:
  std::string_view rest_;
};

std::optional<Date> read_date(Reader& reader) {
  const auto year = reader.fixed(4);
  if (!year || !reader.take('-')) return std::nullopt;
  const auto month = reader.fixed(2);
  if (!month || *month < 1 || *month > 12 || !reader.take('-')) return std::nullopt;
  const auto day = reader.fixed(2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  return Date{*year, *month, *day};
}

std::optional<std::int64_t> read_offset(Reader& reader) {
  if (reader.take_either('Z', 'z')) return 0;
  const std::int64_t sign = reader.peek() == '-' ? -1 : 1;
  if (!reader.take_either('+', '-')) return std::nullopt;
  const auto hour = reader.fixed(2);
  if (!hour || *hour > 23 || !reader.take(':')) return std::nullopt;
  const auto minute = reader.fixed(2);
  if (!minute || *minute > 59) return std::nullopt;
  return sign * (*hour * 60 + *minute) * 60'000'000;
}

bool add_checked(std::int64_t& total, std::int64_t count, std::int64_t unit) {
  std::int64_t product = 0;
  return !__builtin_mul_overflow(count, unit, &product) && !__builtin_add_overflow(total, product, &total);
}

}  // namespace

std::string format_rfc3339(Timestamp time) {
  std::int64_t day = time.microseconds / kMicrosecondsPerDay;
  std::int64_t rest = time.microseconds % kMicrosecondsPerDay;
  if (rest < 0) {
    rest += kMicrosecondsPerDay;
    --day;
  }
  const Date date = civil_from_days(day);
  const auto milliseconds_of_day = static_cast<int>(rest / 1000);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", date.year, date.month, date.day, milliseconds_of_day / 3'600'000,
                milliseconds_of_day / 60'000 % 60, milliseconds_of_day / 1000 % 60, milliseconds_of_day % 1000);
  return text;
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  const auto date = read_date(reader);
  if (!date || !(reader.take_either('T', 't') || reader.take(' '))) return std::nullopt;
  const auto hour = reader.fixed(2);
  if (!hour || *hour > 23 || !reader.take(':')) return std::nullopt;
  const auto minute = reader.fixed(2);
  if (!minute || *minute > 59 || !reader.take(':')) return std::nullopt;
  const auto second = reader.fixed(2);
  if (!second || *second > 60) return std::nullopt;  // 60: a leap second, which runs into the next minute
  std::int64_t fraction = 0;
  if (reader.take('.')) {
    const auto read = reader.fraction();
    if (!read) return std::nullopt;
    fraction = *read;
  }
  const auto offset = read_offset(reader);
  if (!offset || !reader.done()) return std::nullopt;
  const std::int64_t second_of_day = *hour * 3600 + *minute * 60 + *second;
  const Timestamp time{start_of(*date).microseconds + second_of_day * 1'000'000 + fraction - *offset};
  // An offset or a leap second may lead out of the years that can be written.
  if (time < start_of({0, 1, 1}) || time >= start_of({10'000, 1, 1})) return std::nullopt;
  return time;
}

std::string format_iso8601(Duration duration) {
  std::int64_t rest = duration.microseconds;
  if (rest == 0) return "PT0S";
  std::string text = rest < 0 ? "-P" : "P";
  std::uint64_t left = rest < 0 ? 0 - static_cast<std::uint64_t>(rest) : static_cast<std::uint64_t>(rest);
  const auto take = [&](std::uint64_t unit, char mark) {
    if (left < unit) return;
    text += std::to_string(left / unit) + mark;
    left %= unit;
  };
  take(86'400'000'000, 'D');
  if (left == 0) return text;
  text += 'T';
  take(3'600'000'000, 'H');
  take(60'000'000, 'M');
  if (left == 0) return text;
  text += std::to_string(left / 1'000'000);
  if (const std::uint64_t fraction = left % 1'000'000; fraction != 0) {
    std::string digits = std::to_string(1'000'000 + fraction).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += '.' + digits;
  }
  return text + 'S';
}

std::optional<Duration> parse_iso8601_duration(std::string_view text) {
  Reader reader(text);
  const bool negative = reader.take('-');
  if (!reader.take('P')) return std::nullopt;
  struct Unit {
    char mark;
    std::int64_t size;
  };
  static constexpr std::array<Unit, 2> kDateUnits{{{'W', 604'800'000'000}, {'D', 86'400'000'000}}};
  static constexpr std::array<Unit, 3> kTimeUnits{{{'H', 3'600'000'000}, {'M', 60'000'000}, {'S', 1'000'000}}};
  std::int64_t total = 0;
  bool any = false;
  bool in_time = false;
  std::size_t next_unit = 0;
  while (!reader.done()) {
    if (!in_time && reader.take('T')) {
      in_time = true;
      next_unit = 0;
      if (reader.done()) return std::nullopt;
    }
    const auto count = reader.number();
    if (!count) return std::nullopt;
    std::optional<std::int64_t> fraction;
    if (reader.take('.') || reader.take(',')) {
      fraction = reader.fraction();
      if (!fraction) return std::nullopt;
    }
    const std::size_t unit_count = in_time ? kTimeUnits.size() : kDateUnits.size();
    const Unit* units = in_time ? kTimeUnits.data() : kDateUnits.data();
    while (next_unit < unit_count && !reader.take(units[next_unit].mark)) ++next_unit;
    if (next_unit == unit_count) return std::nullopt;
    const Unit unit = units[next_unit++];
    if (fraction && unit.mark != 'S') return std::nullopt;
    if (!add_checked(total, *count, unit.size) || !add_checked(total, fraction.value_or(0), 1)) return std::nullopt;
    any = true;
  }
  if (!any) return std::nullopt;
  return Duration{negative ? -total : total};
}

std::string format_short(Duration duration) {
  static constexpr std::array<std::pair<std::int64_t, std::string_view>, 6> kUnits{
      {{86'400'000'000, "d"}, {3'600'000'000, "h"}, {60'000'000, "m"}, {1'000'000, "s"}, {1000, "ms"}, {1, "us"}}};
  if (duration.microseconds == 0) return "0s";
  for (const auto& [size, name] : kUnits) {
    if (duration.microseconds % size == 0) return std::to_string(duration.microseconds / size) + std::string(name);
  }
  return std::to_string(duration.microseconds) + "us";
}

std::optional<Duration> parse_short_duration(std::string_view text) {
  Reader reader(text);
  const auto count = reader.number();
  if (!count) return std::nullopt;
  std::int64_t unit = 0;
  if (reader.take('u')) {
    unit = reader.take('s') ? 1 : 0;
  } else if (reader.take('m')) {
    unit = reader.take('s') ? 1000 : 60'000'000;
  } else if (reader.take('s')) {
    unit = 1'000'000;
  } else if (reader.take('h')) {
    unit = 3'600'000'000;
  } else if (reader.take('d')) {
    unit = 86'400'000'000;
  }
  std::int64_t total = 0;
  if (unit == 0 || !reader.done() || !add_checked(total, *count, unit)) return std::nullopt;
  return Duration{total};
}

std::string format_date(Date date) {
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
  return text;
}

std::optional<Date> parse_date(std::string_view text) {
  Reader reader(text);
  auto date = read_date(reader);
  if (!date || !reader.done()) return std::nullopt;
  return date;
}

Date date_of(Timestamp time) {
  std::int64_t day = time.microseconds / kMicrosecondsPerDay;
  if (time.microseconds % kMicrosecondsPerDay < 0) --day;
  return civil_from_days(day);
}

Timestamp start_of(Date date) { return {days_from_civil(date) * kMicrosecondsPerDay}; }

}  // namespace consilium

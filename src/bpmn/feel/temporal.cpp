#include "bpmn/feel/temporal.h"

#include <unicode/timezone.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace consilium::bpmn::feel {
namespace {

constexpr std::int32_t kMaxOffset = 18 * 3600;
constexpr WideInteger kMaxNanoseconds = WideInteger{1'000'000'000'000} * kNanosecondsPerDay;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0); }

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void append_fraction(std::string& out, std::int64_t nanoseconds) {
  if (nanoseconds == 0) return;
  std::string digits;
  append_padded(digits, nanoseconds, 9);
  digits.erase(digits.find_last_not_of('0') + 1);
  out += '.';
  out += digits;
}

void append_offset(std::string& out, std::int32_t offset) {
  if (offset == 0) {
    out += 'Z';
    return;
  }
  out += offset < 0 ? '-' : '+';
  const std::int32_t size = offset < 0 ? -offset : offset;
  append_padded(out, size / 3600, 2);
  out += ':';
  append_padded(out, size / 60 % 60, 2);
  if (size % 60 == 0) return;
  out += ':';
  append_padded(out, size % 60, 2);
}

void append_zone(std::string& out, const Zone& zone) {
  if (zone.kind == Zone::Kind::kOffset) append_offset(out, zone.offset);
  if (zone.kind == Zone::Kind::kNamed) out += '@' + zone.named->name();
}

// Reads a text from the left; what does not fit makes it fail and stay so.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }
  // Exactly or at least `least` digits, at most `most`.
  std::optional<std::int64_t> digits(std::size_t least, std::size_t most) {
    const std::size_t start = at_;
    std::int64_t value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      if (at_ - start == most) return std::nullopt;
      value = value * 10 + (text_[at_++] - '0');
    }
    if (at_ - start < least) return std::nullopt;
    return value;
  }
  // The digits after a point, as nanoseconds; what is finer is cut.
  std::optional<std::int64_t> fraction() {
    std::int64_t value = 0;
    std::size_t count = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_, ++count) {
      if (count < 9) value = value * 10 + (peek() - '0');
    }
    if (count == 0) return std::nullopt;
    for (; count < 9; ++count) value *= 10;
    return value;
  }
  std::string_view rest() { return text_.substr(std::exchange(at_, text_.size())); }

  std::optional<Date> date() {
    const bool negative = take('-');
    const std::size_t start = at_;
    const auto year = digits(4, 9);
    if (!year || (at_ - start > 4 && text_[start] == '0') || !take('-')) return std::nullopt;
    const auto month = digits(2, 2);
    if (!month || !take('-')) return std::nullopt;
    const auto day = digits(2, 2);
    if (!day) return std::nullopt;
    return make_date(negative ? -*year : *year, *month, *day);
  }

  // 24:00:00 is the midnight at the end of the day: `next_day`.
  std::optional<TimeOfDay> time(bool* next_day) {
    const auto hour = digits(2, 2);
    if (!hour || !take(':')) return std::nullopt;
    const auto minute = digits(2, 2);
    if (!minute || !take(':')) return std::nullopt;
    const auto second = digits(2, 2);
    if (!second) return std::nullopt;
    std::int64_t nanoseconds = 0;
    if (take('.')) {
      const auto part = fraction();
      if (!part) return std::nullopt;
      nanoseconds = *part;
    }
    if (*minute > 59 || *second > 59 || *hour > 24) return std::nullopt;
    if (*hour == 24 && (*minute != 0 || *second != 0 || nanoseconds != 0 || !next_day)) return std::nullopt;
    if (*hour == 24) *next_day = true;
    TimeOfDay time;
    time.nanoseconds = ((*hour % 24 * 60 + *minute) * 60 + *second) * kNanosecondsPerSecond + nanoseconds;
    if (!zone(time.zone)) return std::nullopt;
    return time;
  }

 private:
  bool zone(Zone& out) {
    if (at_end()) return true;
    if (take('Z') || take('z')) {
      out = Zone::of_offset(0);
      return at_end();
    }
    if (take('@')) {
      out.named = NamedZone::find(rest());
      out.kind = Zone::Kind::kNamed;
      return out.named != nullptr;
    }
    const bool negative = peek() == '-';
    if (!negative && peek() != '+') return false;
    ++at_;
    const auto hours = digits(2, 2);
    if (!hours || !take(':')) return false;
    const auto minutes = digits(2, 2);
    if (!minutes || *minutes > 59) return false;
    std::int64_t seconds = 0;
    if (take(':')) {
      const auto given = digits(2, 2);
      if (!given || *given > 59) return false;
      seconds = *given;
    }
    const auto offset = static_cast<std::int32_t>(*hours * 3600 + *minutes * 60 + seconds);
    if (offset > kMaxOffset) return false;
    out = Zone::of_offset(negative ? -offset : offset);
    return at_end();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const NamedZone* NamedZone::find(std::string_view name) {
  // Bounded: only zones of the database get in.
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<NamedZone>, std::less<>> known;
  const std::lock_guard lock(mutex);
  if (const auto found = known.find(name); found != known.end()) return found->second.get();
  if (name.empty() || name.size() > 64) return nullptr;
  if (name.starts_with("GMT") && name.size() > 3) return nullptr;  // offsets are written otherwise
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!plain || name == "Etc/Unknown") return nullptr;
  std::unique_ptr<icu::TimeZone> zone(
      icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8({name.data(), static_cast<int>(name.size())})));
  if (!zone || *zone == icu::TimeZone::getUnknown()) return nullptr;
  std::unique_ptr<NamedZone> made(new NamedZone(std::string(name), zone.release()));
  return known.emplace(std::string(name), std::move(made)).first->second.get();
}

NamedZone::~NamedZone() { delete static_cast<icu::TimeZone*>(zone_); }

std::int32_t NamedZone::offset_at_local(std::int64_t local_seconds) const {
  UErrorCode status = U_ZERO_ERROR;
  std::int32_t raw = 0, saving = 0;
  static_cast<const icu::TimeZone*>(zone_)->getOffset(static_cast<double>(local_seconds) * 1000.0, true, raw, saving, status);
  return U_SUCCESS(status) ? (raw + saving) / 1000 : 0;
}

std::int32_t NamedZone::standard_offset() const { return static_cast<const icu::TimeZone*>(zone_)->getRawOffset() / 1000; }

std::int32_t TimeOfDay::offset() const { return zone.kind == Zone::Kind::kNamed ? zone.named->standard_offset() : zone.offset; }

std::int32_t DateTime::offset() const {
  if (time.zone.kind != Zone::Kind::kNamed) return time.zone.offset;
  return time.zone.named->offset_at_local(days_of(date) * 86'400 + time.nanoseconds / kNanosecondsPerSecond);
}

WideInteger DateTime::instant() const {
  return WideInteger{days_of(date)} * kNanosecondsPerDay + time.nanoseconds - WideInteger{offset()} * kNanosecondsPerSecond;
}

// Years that begin in March make the leap day the last one.
std::int64_t days_of(const Date& date) {
  const std::int64_t year = std::int64_t{date.year} - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_divide(year, 400);
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

std::optional<Date> date_of_days(std::int64_t days) {
  if (days > 400'000'000'000 || days < -400'000'000'000) return std::nullopt;
  days += 719'468;
  const std::int64_t era = floor_divide(days, 146'097);
  const std::int64_t of_era = days - era * 146'097;
  const std::int64_t year_of_era = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * of_year + 2) / 153;
  const std::int64_t day = of_year - (153 * month + 2) / 5 + 1;
  const std::int64_t real_month = month < 10 ? month + 3 : month - 9;
  return make_date(year_of_era + era * 400 + (real_month <= 2 ? 1 : 0), real_month, day);
}

int days_in_month(std::int64_t year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

int weekday_of(const Date& date) {
  const std::int64_t days = days_of(date) + 3;  // 1970-01-01 was a Thursday
  return static_cast<int>(days - floor_divide(days, 7) * 7) + 1;
}

int day_of_year(const Date& date) { return static_cast<int>(days_of(date) - days_of({date.year, 1, 1})) + 1; }

int week_of_year(const Date& date) {
  const auto weeks_in = [](int year) {  // 53 when it begins or ends on a Thursday
    return weekday_of({year, 1, 1}) == 4 || weekday_of({year, 12, 31}) == 4 ? 53 : 52;
  };
  const int week = (day_of_year(date) - weekday_of(date) + 10) / 7;
  if (week < 1) return weeks_in(date.year - 1);
  return week > weeks_in(date.year) ? 1 : week;
}

std::optional<Date> make_date(std::int64_t year, std::int64_t month, std::int64_t day) {
  if (year < -kMaxYear || year > kMaxYear || month < 1 || month > 12 || day < 1) return std::nullopt;
  if (day > days_in_month(year, static_cast<int>(month))) return std::nullopt;
  return Date{static_cast<int>(year), static_cast<int>(month), static_cast<int>(day)};
}

std::optional<Date> add_months(const Date& date, std::int64_t months) {
  std::int64_t total = 0;
  if (__builtin_add_overflow(std::int64_t{date.year} * 12 + date.month - 1, months, &total)) return std::nullopt;
  const std::int64_t year = floor_divide(total, 12);
  const auto month = static_cast<int>(total - year * 12) + 1;
  if (year < -kMaxYear || year > kMaxYear) return std::nullopt;
  return make_date(year, month, std::min(date.day, days_in_month(year, month)));
}

std::optional<DateTime> add_nanoseconds(const DateTime& moment, WideInteger nanoseconds) {
  const WideInteger total = WideInteger{days_of(moment.date)} * kNanosecondsPerDay + moment.time.nanoseconds + nanoseconds;
  WideInteger days = total / kNanosecondsPerDay;
  if (total % kNanosecondsPerDay < 0) --days;
  if (days > 400'000'000'000 || days < -400'000'000'000) return std::nullopt;
  const auto date = date_of_days(static_cast<std::int64_t>(days));
  if (!date) return std::nullopt;
  return DateTime{*date, {static_cast<std::int64_t>(total - days * kNanosecondsPerDay), moment.time.zone}};
}

TimeOfDay add_nanoseconds(const TimeOfDay& time, WideInteger nanoseconds) {
  auto total = static_cast<std::int64_t>((time.nanoseconds + nanoseconds) % kNanosecondsPerDay);
  if (total < 0) total += kNanosecondsPerDay;
  return {total, time.zone};
}

std::optional<DayTimeDuration> make_duration(WideInteger nanoseconds) {
  if (nanoseconds > kMaxNanoseconds || nanoseconds < -kMaxNanoseconds) return std::nullopt;
  return DayTimeDuration{nanoseconds};
}

YearMonthDuration months_between(const Date& from, const Date& to) {
  const auto count = [](const Date& early, const Date& late) {
    const std::int64_t months = (std::int64_t{late.year} - early.year) * 12 + late.month - early.month;
    return late.day < early.day ? months - 1 : months;
  };
  return {to < from ? -count(to, from) : count(from, to)};
}

DateTime date_time_of(Timestamp time) {
  const std::int64_t day = floor_divide(time.microseconds, 86'400'000'000);
  return {*date_of_days(day), {(time.microseconds - day * 86'400'000'000) * 1000, Zone::of_offset(0)}};
}

std::string format(const Date& date) {
  std::string out = date.year < 0 ? "-" : "";
  append_padded(out, date.year < 0 ? -std::int64_t{date.year} : date.year, 4);
  out += '-';
  append_padded(out, date.month, 2);
  out += '-';
  append_padded(out, date.day, 2);
  return out;
}

std::string format(const TimeOfDay& time) {
  std::string out;
  const std::int64_t seconds = time.nanoseconds / kNanosecondsPerSecond;
  append_padded(out, seconds / 3600, 2);
  out += ':';
  append_padded(out, seconds / 60 % 60, 2);
  out += ':';
  append_padded(out, seconds % 60, 2);
  append_fraction(out, time.nanoseconds % kNanosecondsPerSecond);
  append_zone(out, time.zone);
  return out;
}

std::string format(const DateTime& moment) { return format(moment.date) + 'T' + format(moment.time); }

std::string format(const DayTimeDuration& duration) {
  if (duration.nanoseconds == 0) return "PT0S";
  const WideInteger size = duration.nanoseconds < 0 ? -duration.nanoseconds : duration.nanoseconds;
  const auto days = static_cast<std::int64_t>(size / kNanosecondsPerDay);
  const auto rest = static_cast<std::int64_t>(size % kNanosecondsPerDay);
  std::string out = duration.nanoseconds < 0 ? "-P" : "P";
  if (days != 0) out += std::to_string(days) + 'D';
  if (rest == 0) return out;
  const std::int64_t seconds = rest / kNanosecondsPerSecond;
  out += 'T';
  if (seconds / 3600 != 0) out += std::to_string(seconds / 3600) + 'H';
  if (seconds / 60 % 60 != 0) out += std::to_string(seconds / 60 % 60) + 'M';
  if (rest % (60 * kNanosecondsPerSecond) == 0) return out;
  out += std::to_string(seconds % 60);
  append_fraction(out, rest % kNanosecondsPerSecond);
  return out + 'S';
}

std::string format(const YearMonthDuration& duration) {
  if (duration.months == 0) return "P0M";
  std::string out = duration.months < 0 ? "-P" : "P";
  const std::int64_t size = duration.months < 0 ? -duration.months : duration.months;
  if (size / 12 != 0) out += std::to_string(size / 12) + 'Y';
  if (size % 12 != 0) out += std::to_string(size % 12) + 'M';
  return out;
}

std::optional<Date> parse_calendar_date(std::string_view text) {
  Reader reader(text);
  const auto date = reader.date();
  return reader.at_end() ? date : std::nullopt;
}

std::optional<TimeOfDay> parse_time_of_day(std::string_view text) {
  bool next_day = false;
  return Reader(text).time(&next_day);
}

std::optional<DateTime> parse_date_time(std::string_view text) {
  Reader reader(text);
  const auto date = reader.date();
  if (!date) return std::nullopt;
  if (reader.at_end()) return DateTime{*date, {}};
  if (!reader.take('T')) return std::nullopt;
  bool next_day = false;
  const auto time = reader.time(&next_day);
  if (!time) return std::nullopt;
  if (!next_day) return DateTime{*date, *time};
  return add_nanoseconds(DateTime{*date, *time}, kNanosecondsPerDay);
}

std::optional<DayTimeDuration> parse_day_time_duration(std::string_view text) {
  Reader reader(text);
  const bool negative = reader.take('-');
  if (!reader.take('P')) return std::nullopt;
  WideInteger total = 0;
  bool any = false, in_time = false;
  int last = 0;  // units must fall
  while (!reader.at_end()) {
    if (!in_time && reader.take('T')) {
      in_time = true;
      any = false;
      continue;
    }
    const auto count = reader.digits(1, 18);
    if (!count) return std::nullopt;
    WideInteger unit = 0;
    int rank = 0;
    std::int64_t fraction = 0;
    if (in_time && reader.take('.')) {
      const auto part = reader.fraction();
      if (reader.peek() != 'S') return std::nullopt;
      fraction = part.value_or(0);  // `0.S` has none
    }
    const char letter = reader.peek();
    reader.take(letter);
    if (!in_time && letter == 'D') {
      unit = kNanosecondsPerDay;
      rank = 1;
    } else if (!in_time && letter == 'W') {
      unit = WideInteger{7} * kNanosecondsPerDay;
      rank = 0;
    } else if (in_time && letter == 'H') {
      unit = 3600 * kNanosecondsPerSecond;
      rank = 2;
    } else if (in_time && letter == 'M') {
      unit = 60 * kNanosecondsPerSecond;
      rank = 3;
    } else if (in_time && letter == 'S') {
      unit = kNanosecondsPerSecond;
      rank = 4;
    } else {
      return std::nullopt;
    }
    if (rank < last || (rank == last && any)) return std::nullopt;
    last = rank + (rank == 4 ? 1 : 0);
    any = true;
    if (WideInteger{*count} > kMaxNanoseconds / unit) return std::nullopt;
    total += WideInteger{*count} * unit + fraction;
  }
  if (!any) return std::nullopt;
  return make_duration(negative ? -total : total);
}

std::optional<YearMonthDuration> parse_year_month_duration(std::string_view text) {
  Reader reader(text);
  const bool negative = reader.take('-');
  if (!reader.take('P')) return std::nullopt;
  std::int64_t months = 0;
  bool any = false;
  while (!reader.at_end()) {
    const auto count = reader.digits(1, 16);
    if (!count) return std::nullopt;
    if (!any && reader.take('Y'))
      months = *count * 12;
    else if (reader.take('M') && reader.at_end())
      months += *count;
    else
      return std::nullopt;
    any = true;
  }
  if (!any) return std::nullopt;
  return YearMonthDuration{negative ? -months : months};
}

}  // namespace consilium::bpmn::feel

#include "bpmn/model/timer_text.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

#include "bpmn/feel/temporal.h"

namespace consilium::bpmn::model {
namespace {

constexpr std::int64_t kDay = days(1).microseconds;
constexpr int kSearchedDays = 41 * 366;  // a 29 February that falls on a given weekday comes back within 40 years
constexpr std::int64_t kMostMonths = 12 * 10'000;
const Timestamp kEarliest = start_of({0, 1, 1});
const Timestamp kLatest = start_of({9999, 12, 31});

std::int64_t day_of(Timestamp time) { return time.microseconds / kDay - (time.microseconds % kDay < 0 ? 1 : 0); }

Timestamp within_calendar(Timestamp time) { return std::clamp(time, kEarliest, kLatest); }

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<int> digits_in(std::string_view text) {
  if (text.empty() || text.size() > 4 || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return static_cast<int>(*number_in(text));
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool is_same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return upper(x) == upper(y); });
}

template <class Each>
bool for_parts(std::string_view text, char separator, Each each) {
  while (true) {
    const auto end = text.find(separator);
    if (!each(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

// ---- fields of a cron expression

struct Field {
  int first;
  int last;
  std::string_view names;   // of three letters each, of the values from 1 on
  bool goes_round = false;  // its values are counted modulo 7
};
constexpr Field kSeconds{0, 59}, kHours{0, 23}, kDays{1, 31}, kMonths{1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"};
constexpr Field kWeekdays{0, 7, "MONTUEWEDTHUFRISATSUN", true};

std::optional<int> value_of(std::string_view text, const Field& field) {
  for (std::size_t at = 0; at + 3 <= field.names.size() && text.size() == 3; at += 3) {
    if (is_same(text, field.names.substr(at, 3))) return 1 + static_cast<int>(at / 3);
  }
  const auto value = digits_in(text);
  if (!value || *value < field.first || *value > field.last) return std::nullopt;
  return value;
}

struct Values {
  int first = 0;
  int last = 0;
};

// `*`, `5`, `1-5`, `SAT-MON`.
std::optional<Values> range_of(std::string_view text, const Field& field) {
  if (text == "*") return Values{field.first, field.last};
  const auto dash = text.find('-');
  const auto first = value_of(text.substr(0, dash), field);
  if (!first) return std::nullopt;
  if (dash == std::string_view::npos) return Values{*first, *first};
  const auto last = value_of(text.substr(dash + 1), field);
  if (!last || (*first > *last && !field.goes_round)) return std::nullopt;
  return Values{*first, *first > *last ? *last + 7 : *last};
}

// One part of a list: a range, perhaps with a step.
template <class Bits>
bool add_part(std::string_view part, const Field& field, Bits& bits) {
  const auto slash = part.find('/');
  auto values = range_of(part.substr(0, slash), field);
  if (!values) return false;
  int step = 1;
  if (slash != std::string_view::npos) {
    const auto given = digits_in(part.substr(slash + 1));
    if (!given || *given == 0) return false;
    step = *given;
    if (part.substr(0, slash).find('-') == std::string_view::npos) values->last = field.last;
  }
  for (int value = values->first; value <= values->last; value += step)
    bits.set(static_cast<std::size_t>(field.goes_round ? value % 7 : value));
  return true;
}

template <class Bits>
bool read_field(std::string_view text, const Field& field, Bits& bits) {
  return for_parts(text, ',', [&](std::string_view part) { return add_part(part, field, bits); });
}

struct Macro {
  std::string_view name;
  std::string_view fields;
};
constexpr Macro kMacros[] = {{"@yearly", "0 0 0 1 1 *"}, {"@annually", "0 0 0 1 1 *"}, {"@monthly", "0 0 0 1 * *"},
                             {"@weekly", "0 0 0 * * 0"}, {"@daily", "0 0 0 * * *"},    {"@midnight", "0 0 0 * * *"},
                             {"@hourly", "0 0 * * * *"}};

bool is_workday(const Date& date) { return feel::weekday_of(date) <= 5; }

// The workday that is nearest to a day of the month, and in the same month.
int workday_near(int year, int month, int day) {
  const int last = feel::days_in_month(year, month);
  day = std::min(day, last);
  const int weekday = feel::weekday_of({year, month, day});
  if (weekday == 6) return day > 1 ? day - 1 : day + 2;
  if (weekday == 7) return day < last ? day + 1 : day - 2;
  return day;
}

// Adds `4H` or `1.5S` to the period.
bool add_unit(Period& period, std::string_view count, char mark, bool in_time, std::int64_t sign) {
  const auto dot = count.find('.');
  const std::string_view whole = count.substr(0, dot);
  const auto number = whole.size() <= 12 ? number_in(whole) : std::nullopt;
  if (!number || *number < 0 || (dot != std::string_view::npos && mark != 'S')) return false;
  if (!in_time && (mark == 'Y' || mark == 'M')) {
    period.months += sign * *number * (mark == 'Y' ? 12 : 1);
    return true;
  }
  const std::int64_t unit = mark == 'W'   ? 7 * kDay
                            : mark == 'D' ? kDay
                            : mark == 'H' ? hours(1).microseconds
                            : mark == 'M' ? minutes(1).microseconds
                                          : 1'000'000;
  std::int64_t fraction = 0;
  if (dot != std::string_view::npos) {
    std::string digits(count.substr(dot + 1));
    if (digits.empty() || digits.size() > 9 || digits.find('.') != std::string::npos) return false;
    digits.resize(6, '0');
    fraction = *number_in(digits);
  }
  std::int64_t length = 0;
  return !__builtin_mul_overflow(sign * *number, unit, &length) && !__builtin_add_overflow(length, sign * fraction, &length) &&
         !__builtin_add_overflow(period.length.microseconds, length, &period.length.microseconds);
}

}  // namespace

// ---- moments and lengths

std::optional<Period> parse_period(std::string_view text) {
  if (text.size() > kMaxTimerTextBytes) return std::nullopt;
  const auto take = [&](char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
  };
  const std::int64_t all = take('-') ? -1 : 1;
  if (!take('P')) return std::nullopt;
  Period period;
  std::string_view units = "YMWD";
  bool in_time = false, any = false;
  while (!text.empty()) {
    if (!in_time && take('T')) {
      in_time = true;
      any = false;
      units = "HMS";
      continue;
    }
    const std::int64_t sign = take('-') ? -all : all;
    const auto end = text.find_first_not_of("0123456789.");
    const auto place = end == std::string_view::npos ? end : units.find(text[end]);
    if (place == std::string_view::npos || !add_unit(period, text.substr(0, end), text[end], in_time, sign)) return std::nullopt;
    units.remove_prefix(place + 1);
    text.remove_prefix(end + 1);
    any = true;
  }
  if (!any) return std::nullopt;
  return period;
}

Timestamp later_by(Timestamp from, const Period& period) {
  const Timestamp start = within_calendar(from);
  const std::int64_t day = day_of(start);
  Timestamp moved = start;
  if (period.months != 0) {
    const auto date = std::abs(period.months) > kMostMonths ? std::nullopt : feel::add_months(*feel::date_of_days(day), period.months);
    if (!date) return period.months < 0 ? kEarliest : kLatest;
    const Timestamp midnight{feel::days_of(*date) * kDay};
    if (midnight < kEarliest || midnight > kLatest) return within_calendar(midnight);
    moved = midnight + Duration{start.microseconds - day * kDay};
  }
  const Duration room = period.length < Duration{} ? kEarliest - moved : kLatest - moved;
  if (period.length < Duration{} ? period.length < room : period.length > room) return moved + room;
  return moved + period.length;
}

std::optional<Timestamp> parse_moment(std::string_view text) {
  if (text.size() > kMaxTimerTextBytes) return std::nullopt;
  if (text.ends_with(']')) {
    const auto bracket = text.find('[');
    if (bracket == std::string_view::npos) return std::nullopt;
    if (!feel::NamedZone::find(text.substr(bracket + 1, text.size() - bracket - 2))) return std::nullopt;
    text = text.substr(0, bracket);
  }
  if (const auto moment = parse_rfc3339(text)) return moment;
  constexpr std::size_t kMinutesEnd = 16;  // `2030-01-01T10:00`
  if (text.size() <= kMinutesEnd || text[kMinutesEnd] == ':') return std::nullopt;
  return parse_rfc3339(std::string(text.substr(0, kMinutesEnd)) + ":00" + std::string(text.substr(kMinutesEnd)));
}

// ---- cron

std::optional<Cron> Cron::parse(std::string_view text) {
  if (text.size() > kMaxTimerTextBytes) return std::nullopt;
  const auto* const macro =
      std::find_if(std::begin(kMacros), std::end(kMacros), [&](const Macro& known) { return is_same(known.name, text); });
  if (macro != std::end(kMacros)) text = macro->fields;
  std::array<std::string_view, 6> fields;
  std::size_t count = 0;
  constexpr std::string_view kSpace = " \t";
  for (auto at = text.find_first_not_of(kSpace); at != std::string_view::npos; ++count) {
    if (count == fields.size()) return std::nullopt;
    text.remove_prefix(at);
    fields[count] = text.substr(0, text.find_first_of(kSpace));
    text.remove_prefix(fields[count].size());
    at = text.find_first_not_of(kSpace);
  }
  Cron cron;
  if (count != fields.size() || !cron.read_fields(fields)) return std::nullopt;
  return cron;
}

bool Cron::read_fields(const std::array<std::string_view, 6>& fields) {
  return read_field(fields[0], kSeconds, seconds_) && read_field(fields[1], kSeconds, minutes_) && read_field(fields[2], kHours, hours_) &&
         read_days(fields[3]) && read_field(fields[4], kMonths, months_) && read_weekdays(fields[5]);
}

// `L`, `L-3`, `LW`, `15W` beside numbers.
bool Cron::read_days(std::string_view field) {
  return for_parts(field == "?" ? "*" : field, ',', [this](std::string_view part) {
    if (is_same(part, "L")) {
      add(day_rules_, {DayRule::Kind::kLast, 0, 0});
    } else if (is_same(part, "LW")) {
      add(day_rules_, {DayRule::Kind::kLastWorkday, 0, 0});
    } else if (part.size() > 2 && is_same(part.substr(0, 2), "L-")) {
      const auto before = digits_in(part.substr(2));
      if (!before || *before < 1 || *before > 30) return false;
      add(day_rules_, {DayRule::Kind::kLast, *before, 0});
    } else if (!part.empty() && upper(part.back()) == 'W') {
      const auto day = value_of(part.substr(0, part.size() - 1), kDays);
      if (!day) return false;
      add(day_rules_, {DayRule::Kind::kWorkdayNear, *day, 0});
    } else {
      return add_part(part, kDays, days_);
    }
    return true;
  });
}

// `5L`, `FRI#2` beside numbers and names.
bool Cron::read_weekdays(std::string_view field) {
  return for_parts(field == "?" ? "*" : field, ',', [this](std::string_view part) {
    const auto hash = part.find('#');
    const bool is_last = !part.empty() && upper(part.back()) == 'L';
    if (hash == std::string_view::npos && !is_last) return add_part(part, kWeekdays, weekdays_);
    const auto weekday = value_of(is_last ? part.substr(0, part.size() - 1) : part.substr(0, hash), kWeekdays);
    const auto number = is_last ? std::optional(0) : digits_in(part.substr(hash + 1));
    if (!weekday || !number || (!is_last && (*number < 1 || *number > 5))) return false;
    add(weekday_rules_, {is_last ? DayRule::Kind::kLastWeekday : DayRule::Kind::kNthWeekday, *number, *weekday == 0 ? 7 : *weekday});
    return true;
  });
}

void Cron::add(std::vector<DayRule>& rules, const DayRule& rule) {
  if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(rule);
}

bool Cron::fits(const DayRule& rule, const Date& date) {
  const int last = feel::days_in_month(date.year, date.month);
  switch (rule.kind) {
    case DayRule::Kind::kLast: return date.day == last - rule.number;
    case DayRule::Kind::kLastWorkday:
      return is_workday(date) && (date.day == last || (feel::weekday_of(date) == 5 && last - date.day <= 2));
    case DayRule::Kind::kWorkdayNear: return rule.number <= last && date.day == workday_near(date.year, date.month, rule.number);
    case DayRule::Kind::kLastWeekday: return feel::weekday_of(date) == rule.weekday && date.day > last - 7;
    case DayRule::Kind::kNthWeekday: return feel::weekday_of(date) == rule.weekday && (date.day - 1) / 7 + 1 == rule.number;
  }
  return false;
}

bool Cron::fits(const Date& date) const {
  const auto matches = [&](const DayRule& rule) { return fits(rule, date); };
  const auto day = static_cast<std::size_t>(date.day), weekday = static_cast<std::size_t>(feel::weekday_of(date) % 7);
  if (!months_[static_cast<std::size_t>(date.month)]) return false;
  if (!days_[day] && std::none_of(day_rules_.begin(), day_rules_.end(), matches)) return false;
  return weekdays_[weekday] || std::any_of(weekday_rules_.begin(), weekday_rules_.end(), matches);
}

std::optional<Timestamp> Cron::next(Timestamp after) const {
  const auto find = [](const Bits& bits, std::size_t from) {
    while (from < bits.size() && !bits[from]) ++from;
    return from;
  };
  const auto at_or_after = [&](std::int64_t second_of_day) -> std::optional<std::int64_t> {
    const auto hour = static_cast<std::size_t>(second_of_day / 3600), minute = static_cast<std::size_t>(second_of_day / 60 % 60);
    for (std::size_t h = find(hours_, hour); h < hours_.size(); h = find(hours_, h + 1)) {
      for (std::size_t m = find(minutes_, h == hour ? minute : 0); m < minutes_.size(); m = find(minutes_, m + 1)) {
        const bool is_first = h == hour && m == minute;
        const std::size_t s = find(seconds_, is_first ? static_cast<std::size_t>(second_of_day % 60) : 0);
        if (s < seconds_.size()) return static_cast<std::int64_t>(h * 3600 + m * 60 + s);
      }
    }
    return std::nullopt;
  };
  if (after < kEarliest || after > kLatest) return std::nullopt;
  const std::int64_t first_day = day_of(after);
  std::int64_t from = (after.microseconds - first_day * kDay) / 1'000'000 + 1;
  for (std::int64_t day = first_day; day < first_day + kSearchedDays; ++day, from = 0) {
    const auto date = feel::date_of_days(day);
    if (!date || from >= kDay / 1'000'000 || !fits(*date)) continue;
    if (const auto second = at_or_after(from)) return Timestamp{day * kDay + *second * 1'000'000};
  }
  return std::nullopt;
}

// ---- cycles

std::optional<Timestamp> Cycle::first(Timestamp now) const {
  if (cron) return cron->next(now);
  return start && *start > now ? *start : later_by(now, interval);
}

std::optional<Timestamp> Cycle::next(Timestamp after) const {
  if (cron) return cron->next(after);
  return later_by(after, interval);
}

std::optional<Cycle> parse_cycle(std::string_view text) {
  if (text.size() > kMaxTimerTextBytes) return std::nullopt;
  Cycle cycle;
  if (!text.starts_with('R')) {
    cycle.cron = Cron::parse(text);
    if (!cycle.cron || !cycle.cron->next(Timestamp{})) return std::nullopt;
    return cycle;
  }
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  if (const std::string_view count = text.substr(1, slash - 1); !count.empty()) {
    const auto repetitions = number_in(count);
    if (!repetitions || *repetitions < -1 || *repetitions > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    cycle.repetitions = *repetitions == 0 ? 1 : static_cast<std::int32_t>(*repetitions);
  }
  text.remove_prefix(slash + 1);
  if (const auto second = text.find('/'); second != std::string_view::npos) {
    if (second > 0) cycle.start = parse_moment(text.substr(0, second));
    if (second > 0 && !cycle.start) return std::nullopt;
    text.remove_prefix(second + 1);
  }
  const auto interval = parse_period(text);
  if (!interval || interval->months < 0 || interval->length < Duration{} || *interval == Period{}) return std::nullopt;
  cycle.interval = *interval;
  return cycle;
}

}  // namespace consilium::bpmn::model

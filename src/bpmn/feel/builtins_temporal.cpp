#include "bpmn/feel/builtins.h"
#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::feel {
namespace {

template <class T>
Value value_of(Call& call, const std::optional<T>& value, std::string_view reason) {
  return value ? Value(*value) : call.fail(reason);
}

std::optional<std::int64_t> whole_at(Call& call, std::size_t index) {
  return call[index].number() ? call[index].number()->to_integer() : std::nullopt;
}

Value to_date(Call& call) {
  if (call.size() == 1) {
    if (call[0].date()) return call[0];
    if (call[0].date_time()) return call[0].date_time()->date;
    if (!call[0].string()) return call.fail("expected a text, date, or date and time");
    return value_of(call, parse_calendar_date(*call[0].string()), "expected a date such as 2024-02-29");
  }
  const auto year = whole_at(call, 0), month = whole_at(call, 1), day = whole_at(call, 2);
  if (!year || !month || !day) return call.fail("expected whole numbers");
  return value_of(call, make_date(*year, *month, *day), "there is no such day");
}

// Of seconds with their fraction; nullopt: not a time of the day.
std::optional<std::int64_t> nanoseconds_of(std::optional<std::int64_t> hour, std::optional<std::int64_t> minute, const Value& second) {
  if (!hour || !minute || *hour < 0 || *hour > 23 || *minute < 0 || *minute > 59 || !second.number()) return std::nullopt;
  const auto scaled = Decimal::multiply(*second.number(), Decimal(kNanosecondsPerSecond));
  const auto cut = scaled ? scaled->rounded_to(0, Decimal::Rounding::kDown) : std::nullopt;
  const auto nanoseconds = cut ? cut->to_integer() : std::nullopt;
  if (!nanoseconds || second.number()->is_negative() || *nanoseconds >= 60 * kNanosecondsPerSecond) return std::nullopt;
  return (*hour * 60 + *minute) * 60 * kNanosecondsPerSecond + *nanoseconds;
}

// An offset as a duration, a zone by its name, or neither.
std::optional<Zone> zone_of(const Value& value) {
  if (value.is_null()) return Zone{};
  if (value.string()) {
    const NamedZone* named = NamedZone::find(*value.string());
    if (!named) return std::nullopt;
    return Zone{Zone::Kind::kNamed, 0, named};
  }
  if (!value.day_time_duration()) return std::nullopt;
  const WideInteger seconds = value.day_time_duration()->nanoseconds / kNanosecondsPerSecond;
  if (seconds > 18 * 3600 || seconds < -18 * 3600) return std::nullopt;
  return Zone::of_offset(static_cast<std::int32_t>(seconds));
}

Value to_time(Call& call) {
  if (call.size() == 1) {
    if (call[0].time()) return call[0];
    if (call[0].date_time()) return call[0].date_time()->time;
    if (call[0].date()) return TimeOfDay{0, Zone::of_offset(0)};
    if (!call[0].string()) return call.fail("expected a text, time, or date and time");
    return value_of(call, parse_time_of_day(*call[0].string()), "expected a time such as 13:45:00+01:00");
  }
  const auto nanoseconds = nanoseconds_of(whole_at(call, 0), whole_at(call, 1), call[2]);
  const auto zone = zone_of(call[3]);
  if (!nanoseconds || !zone) return call.fail("there is no such time");
  return TimeOfDay{*nanoseconds, *zone};
}

Value to_date_time(Call& call) {
  if (call.size() == 1) {
    if (call[0].date_time()) return call[0];
    if (call[0].date()) return DateTime{*call[0].date(), {0, Zone::of_offset(0)}};
    if (!call[0].string()) return call.fail("expected a text");
    return value_of(call, parse_date_time(*call[0].string()), "expected a date and time such as 2024-02-29T13:45:00+01:00");
  }
  if (call.size() == 2) {
    // The second is a time, or the name of the zone that the first is to be told in.
    const Date* date = call[0].date_time() ? &call[0].date_time()->date : call[0].date();
    if (date && call[1].time()) return DateTime{*date, *call[1].time()};
    const auto zone = call[1].string() ? zone_of(call[1]) : std::nullopt;
    if (!call[0].date_time() || !zone) return call.fail("expected a date and a time");
    const DateTime& moment = *call[0].date_time();
    if (moment.time.zone.kind == Zone::Kind::kLocal) return DateTime{moment.date, {moment.time.nanoseconds, *zone}};
    // The offset of an instant: that of its own clocks is at most some hours off.
    const auto utc =
        add_nanoseconds(DateTime{moment.date, {moment.time.nanoseconds, *zone}}, -WideInteger{moment.offset()} * kNanosecondsPerSecond);
    auto local = utc;
    for (int i = 0; i < 2 && utc && local; ++i) local = add_nanoseconds(*utc, WideInteger{local->offset()} * kNanosecondsPerSecond);
    return value_of(call, local, "a date out of range");
  }
  const auto year = whole_at(call, 0), month = whole_at(call, 1), day = whole_at(call, 2);
  const auto date = year && month && day ? make_date(*year, *month, *day) : std::nullopt;
  const auto nanoseconds = nanoseconds_of(whole_at(call, 3), whole_at(call, 4), call[5]);
  const auto zone = zone_of(call[6]);
  if (!date || !nanoseconds || !zone) return call.fail("there is no such time");
  return DateTime{*date, {*nanoseconds, *zone}};
}

Value to_duration(Call& call) {
  if (call[0].day_time_duration() || call[0].year_month_duration()) return call[0];
  if (!call[0].string()) return call.fail("expected a text");
  if (const auto parsed = parse_day_time_duration(*call[0].string())) return *parsed;
  return value_of(call, parse_year_month_duration(*call[0].string()), "expected an ISO 8601 duration such as P1DT2H or P1Y6M");
}

std::optional<DateTime> moment_at(Call& call, std::size_t index) {
  if (call[index].date()) return DateTime{*call[index].date(), {}};
  return call[index].date_time() ? std::optional(*call[index].date_time()) : std::nullopt;
}

Value years_and_months(Call& call) {
  const auto from = moment_at(call, 0), to = moment_at(call, 1);
  if (!from || !to) return call.fail("expected two dates");
  return months_between(from->date, to->date);
}

Value now(Call& call) {
  const auto& time = call.machine().environment().now;
  return time ? Value(date_time_of(*time)) : call.fail("there is no clock here");
}

Value today(Call& call) {
  const auto& time = call.machine().environment().now;
  return time ? Value(date_time_of(*time).date) : call.fail("there is no clock here");
}

// How often and how far apart, as a timer takes it: `R3/PT5S`.
Value cycle(Call& call) {
  const bool is_counted = call.size() == 2;
  const Value& interval = call[is_counted ? 1 : 0];
  std::string text = "R";
  if (is_counted && !call[0].is_null()) {
    const auto repetitions = call[0].number() ? call[0].number()->to_integer() : std::nullopt;
    if (!repetitions) return call.fail("expected a whole number of repetitions");
    text += std::to_string(*repetitions);
  }
  if (const auto* length = interval.day_time_duration()) return text + "/" + format(*length);
  if (const auto* months = interval.year_month_duration()) return text + "/" + format(*months);
  return call.fail("expected a duration");
}

template <class Use>
Value with_date(Call& call, Use use) {
  const auto moment = moment_at(call, 0);
  return moment ? Value(use(moment->date)) : call.fail("expected a date");
}

Value year_day(Call& call) {
  return with_date(call, [](const Date& date) { return day_of_year(date); });
}
Value year_week(Call& call) {
  return with_date(call, [](const Date& date) { return week_of_year(date); });
}
Value week_day(Call& call) {
  static constexpr const char* kNames[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  return with_date(call, [](const Date& date) { return kNames[weekday_of(date) - 1]; });
}
Value year_month(Call& call) {
  static constexpr const char* kNames[] = {"January", "February", "March",     "April",   "May",      "June",
                                           "July",    "August",   "September", "October", "November", "December"};
  return with_date(call, [](const Date& date) { return kNames[date.month - 1]; });
}
Value last_day(Call& call) {
  return with_date(call, [](const Date& date) { return Date{date.year, date.month, days_in_month(date.year, date.month)}; });
}

constexpr Builtin kTable[] = {{"date", "from | year, month, day", to_date},
                              {"time", "from | hour, minute, second, offset?", to_time},
                              {"date and time",
                               "from | date, time | date, timezone | year, month, day, hour, minute, second, offset? | year, month, day, "
                               "hour, minute, second, timezone",
                               to_date_time},
                              {"duration", "from", to_duration},
                              {"years and months duration", "from, to", years_and_months},
                              {"now", "", now},
                              {"today", "", today},
                              {"cycle", "repetitions, interval | interval", cycle},
                              {"day of year", "date", year_day},
                              {"day of week", "date", week_day},
                              {"month of year", "date", year_month},
                              {"week of year", "date", year_week},
                              {"last day of month", "date", last_day}};

}  // namespace

std::span<const Builtin> temporal_builtins() { return kTable; }

}  // namespace consilium::bpmn::feel

#include "bpmn/model/timer_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace consilium::bpmn::model {
namespace {

Timestamp at(std::string_view text) { return parse_moment(text).value(); }

// The next few moments of a cron expression, without their seconds of a thousandth.
std::string turns(std::string_view expression, std::string_view from, int count = 3) {
  const auto cron = Cron::parse(expression);
  if (!cron) return "refused";
  std::string text;
  auto moment = cron->next(at(from));
  for (int i = 0; i < count && moment; ++i, moment = cron->next(*moment)) {
    const std::string written = format_rfc3339(*moment);
    text += (text.empty() ? "" : " ") + (written.substr(11, 8) == "00:00:00" ? written.substr(0, 10) : written.substr(0, 19));
  }
  return text.empty() ? "never" : text;
}

TEST(TimerText, ReadsMoments) {
  EXPECT_EQ(at("2030-01-01T10:00:00+01:00[Europe/Berlin]"), at("2030-01-01T09:00:00Z"));
  EXPECT_EQ(at("2030-01-01T10:00Z"), at("2030-01-01T10:00:00Z"));
  for (const char* text : {"", "2030-01-01", "2030-01-01T10:00:00", "2030-01-01T10:00:00Z[Nowhere/Else]", "[Europe/Berlin]", "]",
                           "2030-01-01T10:00:", "2030-01-01T10:00"})
    EXPECT_FALSE(parse_moment(text)) << text;
}

TEST(TimerText, ReadsLengthsOfMonths) {
  EXPECT_EQ(parse_period("P1Y2M3DT4H"), (Period{14, days(3) + hours(4)}));
  EXPECT_EQ(parse_period("P1M"), (Period{1, {}}));
  EXPECT_EQ(parse_period("PT1M"), (Period{0, minutes(1)}));
  EXPECT_EQ(parse_period("P1W1D"), (Period{0, days(8)}));
  EXPECT_EQ(parse_period("PT-5.25S"), (Period{0, milliseconds(-5250)}));
  EXPECT_EQ(parse_period("-P1DT-2H"), (Period{0, hours(-22)}));
  EXPECT_EQ(parse_period("-P1M2D"), (Period{-1, days(-2)}));
  for (const char* text :
       {"", "P", "P1", "PT", "P1M1Y", "P1YT", "P9999999999999Y", "P1.5D", "PT1.S", "PT1.1.1S", "P999999999999D", "P1M-P1D", "1M", "P1MP1D"})
    EXPECT_FALSE(parse_period(text)) << text;
  EXPECT_EQ(later_by(at("2030-01-31T10:00:00Z"), {1, {}}), at("2030-02-28T10:00:00Z"));
  EXPECT_EQ(later_by(at("2032-01-31T10:00:00Z"), {1, hours(14)}), at("2032-03-01T00:00:00Z"));
  EXPECT_EQ(later_by(at("2030-01-31T10:00:00Z"), {-2, {}}), at("2029-11-30T10:00:00Z"));
  EXPECT_EQ(later_by(at("2030-01-31T10:00:00Z"), {12 * 9999, {}}), later_by(Timestamp::max(), {}));
  EXPECT_EQ(later_by(at("2030-01-31T10:00:00Z"), {0, Duration{std::numeric_limits<std::int64_t>::max()}}), later_by(Timestamp::max(), {}));
}

TEST(TimerText, CronFieldsAreListsRangesStepsAndNames) {
  constexpr char kFriday[] = "2026-01-02T16:30:00Z";
  EXPECT_EQ(turns("0 0 9-17 * * MON-FRI", kFriday), "2026-01-02T17:00:00 2026-01-05T09:00:00 2026-01-05T10:00:00");
  EXPECT_EQ(turns("*/20 * * * * *", kFriday), "2026-01-02T16:30:20 2026-01-02T16:30:40 2026-01-02T16:31:00");
  EXPECT_EQ(turns("0 5/25 * * * ?", kFriday), "2026-01-02T16:55:00 2026-01-02T17:05:00 2026-01-02T17:30:00");
  EXPECT_EQ(turns("0,30 0 0 1 JAN,jul *", kFriday, 2), "2026-07-01 2026-07-01T00:00:30");
  EXPECT_EQ(turns("0 0 0 13 * FRI", kFriday, 2), "2026-02-13 2026-03-13");
  EXPECT_EQ(turns("0 0 0 * * 0", kFriday, 2), "2026-01-04 2026-01-11");
  EXPECT_EQ(turns("0 0 0 * * 7", kFriday, 2), "2026-01-04 2026-01-11");
  EXPECT_EQ(turns("0 0 0 * * SUN-TUE", kFriday, 4), "2026-01-04 2026-01-05 2026-01-06 2026-01-11");
  EXPECT_EQ(turns("0 0 0 * * SAT-MON", kFriday, 4), "2026-01-03 2026-01-04 2026-01-05 2026-01-10");
  EXPECT_EQ(turns("0 0 0 * * 5-2/2", kFriday, 4), "2026-01-04 2026-01-06 2026-01-09 2026-01-11");
  EXPECT_EQ(turns("  0\t0  0 * * * ", kFriday, 1), "2026-01-03");
  EXPECT_EQ(turns("0 0 0 29 2 MON", kFriday, 2), "2044-02-29 2072-02-29");
  EXPECT_EQ(turns("0 0 0 30 2 *", kFriday), "never");
}

TEST(TimerText, CronKnowsTheEndsOfMonthsAndTheNearestWorkday) {
  constexpr char kNewYear[] = "2026-01-01T00:00:00Z";
  EXPECT_EQ(turns("0 0 0 L * *", kNewYear), "2026-01-31 2026-02-28 2026-03-31");
  EXPECT_EQ(turns("0 0 0 L-2 * *", kNewYear), "2026-01-29 2026-02-26 2026-03-29");
  EXPECT_EQ(turns("0 0 0 LW * *", kNewYear), "2026-01-30 2026-02-27 2026-03-31");
  EXPECT_EQ(turns("0 0 0 1W * *", kNewYear), "2026-02-02 2026-03-02 2026-04-01");
  EXPECT_EQ(turns("0 0 0 15W * *", kNewYear), "2026-01-15 2026-02-16 2026-03-16");
  EXPECT_EQ(turns("0 0 0 L,15 * *", kNewYear), "2026-01-15 2026-01-31 2026-02-15");
  EXPECT_EQ(turns("0 0 0 ? * FRIL", kNewYear), "2026-01-30 2026-02-27 2026-03-27");
  EXPECT_EQ(turns("0 0 0 ? * 5#2", kNewYear), "2026-01-09 2026-02-13 2026-03-13");
  EXPECT_EQ(turns("0 0 0 ? * MON#5", kNewYear, 2), "2026-03-30 2026-06-29");
}

TEST(TimerText, CronHasNamesForUsualSchedules) {
  constexpr char kMoment[] = "2026-03-04T05:06:07Z";
  EXPECT_EQ(turns("@yearly", kMoment, 1), "2027-01-01");
  EXPECT_EQ(turns("@annually", kMoment, 1), "2027-01-01");
  EXPECT_EQ(turns("@monthly", kMoment, 1), "2026-04-01");
  EXPECT_EQ(turns("@weekly", kMoment, 1), "2026-03-08");
  EXPECT_EQ(turns("@daily", kMoment, 1), "2026-03-05");
  EXPECT_EQ(turns("@midnight", kMoment, 1), "2026-03-05");
  EXPECT_EQ(turns("@hourly", kMoment, 1), "2026-03-04T06:00:00");
}

TEST(TimerText, CronRefusesWhatItDoesNotKnow) {
  for (const char* text : {"",
                           "* * * * *",
                           "* * * * * * *",
                           "@reboot",
                           "nonsense",
                           "60 * * * * *",
                           "* 60 * * * *",
                           "* * 24 * * *",
                           "* * * 32 * *",
                           "* * * 0 * *",
                           "* * * * 13 *",
                           "* * * * 0 *",
                           "* * * * * 8",
                           "? * * * * *",
                           "* * * * ? *",
                           "* */0 * * * *",
                           "* 1,,2 * * * *",
                           "* 1- * * * *",
                           "* -1 * * * *",
                           "* 1/ * * * *",
                           "* * * W * *",
                           "* * * L-0 * *",
                           "* * * L-31 * *",
                           "* * * 32W * *",
                           "* * * * * L",
                           "* * * * * MON#6",
                           "* * * * * MON#0",
                           "* * * * * #1",
                           "* * * * JANU *",
                           "* 00001 * * * *",
                           "* 99999999999 * * * *",
                           "@daily ."})
    EXPECT_EQ(turns(text, "2026-01-01T00:00:00Z"), "refused") << text;
}

TEST(TimerText, TextsHaveALimitOfLength) {
  const auto padded = [](std::string text, std::size_t size) { return text + std::string(size - text.size(), ' '); };
  EXPECT_TRUE(Cron::parse(padded("0 0 0 1 1 *", kMaxTimerTextBytes)));
  EXPECT_FALSE(Cron::parse(padded("0 0 0 1 1 *", kMaxTimerTextBytes + 1)));
  EXPECT_FALSE(parse_cycle(padded("0 0 0 1 1 *", kMaxTimerTextBytes + 1)));
  const auto zeros = [](std::size_t size) { return std::string(size, '0'); };
  EXPECT_FALSE(parse_cycle("R" + zeros(kMaxTimerTextBytes) + "3/PT1S"));
  EXPECT_TRUE(parse_cycle("R" + zeros(100) + "3/PT1S"));
  EXPECT_FALSE(parse_period("PT1." + zeros(kMaxTimerTextBytes) + "S"));
  EXPECT_FALSE(parse_moment("2030-01-01T10:00:00." + zeros(kMaxTimerTextBytes) + "Z"));
  std::string rules = "0 0 0 30W";  // of no day at all, so that every day is tried
  while (rules.size() < 1'000'000) rules += ",30W";
  EXPECT_FALSE(parse_cycle(rules + " 2 *"));
}

TEST(TimerText, CyclesRepeatAtAnIntervalOrByTheCalendar) {
  const Timestamp now = at("2026-01-31T00:00:00Z");
  const auto plain = parse_cycle("R3/PT10S");
  ASSERT_TRUE(plain && plain->has_fixed_interval());
  EXPECT_EQ(plain->repetitions, 3);
  EXPECT_EQ(plain->first(now), now + seconds(10));
  const auto monthly = parse_cycle("R/2026-01-31T10:00:00Z/P1M");
  ASSERT_TRUE(monthly && !monthly->has_fixed_interval());
  EXPECT_EQ(monthly->first(now), at("2026-01-31T10:00:00Z"));
  EXPECT_EQ(monthly->first(at("2026-02-10T00:00:00Z")), at("2026-03-10T00:00:00Z")) << "a start that has passed";
  EXPECT_EQ(parse_cycle("R0/PT1S")->repetitions, 1);
  const auto without_start = parse_cycle("R3//PT1S");
  ASSERT_TRUE(without_start);
  EXPECT_FALSE(without_start->start);
  EXPECT_EQ(without_start->first(now), now + seconds(1));
  EXPECT_EQ(monthly->next(at("2026-01-31T10:00:00Z")), at("2026-02-28T10:00:00Z"));
  const auto cron = parse_cycle("@daily");
  ASSERT_TRUE(cron);
  EXPECT_EQ(cron->repetitions, -1);
  EXPECT_EQ(cron->first(now), at("2026-02-01T00:00:00Z"));
  for (const char* text : {"R", "R3", "R-2/PT1S", "R99999999999/PT1S", "Rx/PT1S", "R/PT1S/PT1S", "R/2026-01-01/PT1S", "R/", "r/PT1S",
                           "PT1S", "R/PT0S", "R/-PT1S", "R/P-1M", "0 0 0 30 2 *"})
    EXPECT_FALSE(parse_cycle(text)) << text;
}

}  // namespace
}  // namespace consilium::bpmn::model

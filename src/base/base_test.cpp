#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/id.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"

namespace consilium {
namespace {

TEST(Time, PrintsAndReadsRfc3339) {
  EXPECT_EQ(format_rfc3339(Timestamp{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(Timestamp{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(parse_rfc3339("2026-01-31T09:30:00+02:00"), parse_rfc3339("2026-01-31T07:30:00Z"));
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.123456789Z")->microseconds, 123456);
  for (const char* wrong :
       {"", "2026-02-29T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00Zx",
        "2026-1-01T00:00:00Z", "2026-01-01T00:00:00.Z", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:60Z", "0000-01-01T00:00:00+01:00"}) {
    EXPECT_FALSE(parse_rfc3339(wrong)) << wrong;
  }
}

TEST(Time, ReadsWhatCanBeWrittenAlone) {
  for (const char* text : {"0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_rfc3339(*time), text);
  }
}

TEST(Time, RoundTripsRandomTimes) {
  SeededRandom random(7);
  for (int i = 0; i < 2000; ++i) {
    const Timestamp time{static_cast<std::int64_t>(random.below(253'402'300'799'000)) * 1000};
    EXPECT_EQ(parse_rfc3339(format_rfc3339(time)), time);
    const Date date = date_of(time);
    EXPECT_EQ(parse_date(format_date(date)), date);
    const Duration duration{static_cast<std::int64_t>(random.next() >> 16)};
    EXPECT_EQ(parse_iso8601_duration(format_iso8601(duration)), duration) << format_iso8601(duration);
    EXPECT_EQ(parse_iso8601_duration(format_iso8601(duration * -1)), duration * -1);
  }
}

TEST(Time, ReadsIsoDurations) {
  EXPECT_EQ(parse_iso8601_duration("PT30S"), seconds(30));
  EXPECT_EQ(parse_iso8601_duration("P1DT2H3M4.5S"), days(1) + hours(2) + minutes(3) + milliseconds(4500));
  EXPECT_EQ(parse_iso8601_duration("P2W"), days(14));
  for (const char* wrong : {"", "P", "PT", "P1M", "P1Y", "PT1", "PT1S1M", "PT1.5M", "1S", "PT1SX", "P999999999999W"}) {
    EXPECT_FALSE(parse_iso8601_duration(wrong)) << wrong;
  }
}

TEST(Time, ReadsConfigurationDurations) {
  EXPECT_EQ(parse_short_duration("2h"), hours(2));
  EXPECT_EQ(parse_short_duration("150ms"), milliseconds(150));
  EXPECT_EQ(format_short(minutes(90)), "90m");
  for (const char* wrong : {"", "5", "m", "5 m", "-5s", "5mm", "999999999999d"}) EXPECT_FALSE(parse_short_duration(wrong)) << wrong;
}

TEST(Uuid, RoundTripsAndRefuses) {
  SeededRandom random(3);
  const Uuid id = make_uuid_v7(Timestamp{1'700'000'000'000'000}, random);
  EXPECT_EQ(Uuid::parse(id.text()), id);
  EXPECT_EQ(Uuid::from_raw(id.raw()), id);
  EXPECT_EQ(id.text()[14], '7');
  EXPECT_FALSE(Uuid::parse("not-a-uuid"));
  EXPECT_FALSE(Uuid::parse(id.text() + "0"));
}

TEST(Uuid, AreOrderedByTime) {
  SeededRandom random(5);
  Uuid previous{};
  for (std::int64_t ms = 0; ms < 1000; ++ms) {
    const Uuid id = make_uuid_v7(Timestamp{ms * 1000}, random);
    EXPECT_LT(previous, id);
    previous = id;
  }
}

TEST(Random, BoundIsKeptAndSeedRepeats) {
  SeededRandom a(11);
  SeededRandom b(11);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto value = a.below(7);
    EXPECT_EQ(value, b.below(7));
    EXPECT_LT(value, 7u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST(Secret, B_70_PrintsAsStars) {
  std::ostringstream out;
  out << Secret("hunter2") << ' ' << Personal("Anna");
  EXPECT_EQ(out.str(), "*** ***");
}

TEST(Error, DescribesItsCauses) {
  const Error error =
      make_error(ErrorKind::kConflict, "tasks.closed", "Expected an open task").caused_by(make_error(ErrorKind::kInternal, "disk"));
  EXPECT_EQ(error.describe(), "tasks.closed: Expected an open task <- disk");
  EXPECT_EQ(status_of(error.kind).http, 409);
}

Task<int> three() { co_return 3; }
Task<int> sum(int times) {
  int total = 0;
  for (int i = 0; i < times; ++i) total += co_await three();
  co_return total;
}
Task<int> throwing() {
  throw std::runtime_error("broken");
  co_return 0;
}

struct Driver {
  struct promise_type {
    Driver get_return_object() { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};
Driver drive(Task<int> task, int& out, std::string& error) {
  try {
    out = co_await std::move(task);
  } catch (const std::exception& exception) {
    error = exception.what();
  }
}

// Sanitizers undo the tail call that keeps the stack flat; there a loop must merely fit it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kManyAwaits = 2'000;
#else
constexpr int kManyAwaits = 200'000;
#endif

TEST(Task, ReturnsValuesWithoutGrowingTheStack) {
  int out = 0;
  std::string error;
  drive(sum(kManyAwaits), out, error);
  EXPECT_EQ(out, 3 * kManyAwaits);
}

TEST(Task, CarriesExceptions) {
  int out = 0;
  std::string error;
  drive(throwing(), out, error);
  EXPECT_EQ(error, "broken");
}

Result<int> halve(int n) {
  if (n % 2 != 0) return fail(ErrorKind::kValidation, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  ASSIGN_OR_RETURN(const int half, halve(n));
  return halve(half);
}

TEST(Result, PassesErrorsOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().code, "odd");
}

}  // namespace
}  // namespace consilium

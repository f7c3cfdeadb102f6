// The end of an outbox is read once for all groups of the process, and nothing is missed or told twice.
#include "ports/bus/local/recent_events.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ports/bus/local/outbox_source.h"
#include "ports/bus/tables.h"
#include "ports/database/store_harness.h"

namespace consilium::bus {
namespace {

// An outbox that counts how often it is asked.
class CountingSource final : public EventSource {
 public:
  explicit CountingSource(EventSource& outbox) : outbox_(outbox) {}
  Task<Result<std::vector<Event>>> read(runtime::Context& context, Reading reading) override {
    ++reads;
    if (fails) co_return fail(ErrorKind::kUnavailable, "test.away", "Expected an outbox, but it is away");
    co_return co_await outbox_.read(context, std::move(reading));
  }
  Task<Result<std::int64_t>> newest(runtime::Context& context, std::string producer) override {
    return outbox_.newest(context, std::move(producer));
  }
  void on_new(const std::string& producer, std::function<void()> wake) override { outbox_.on_new(producer, std::move(wake)); }

  int reads = 0;
  bool fails = false;

 private:
  EventSource& outbox_;
};

class RecentEventsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(harness_->store().migrate("shop", {{1, "bus", bus_tables_sql("shop")}})); }

  void publish_some(int count, std::size_t bytes = 1) {
    const auto published = harness_->write(harness_->store().service("shop"), [&](database::Transaction& transaction) -> Result<int> {
      const runtime::Context work(harness_->loop(), random_);
      for (int i = 0; i < count; ++i) TRY(publish(transaction, "shop", work, {"shop.v1.sold", "k", std::string(bytes, 'x')}));
      return count;
    });
    ASSERT_TRUE(published) << published.error().describe();
  }

  static Task<void> read_one(RecentEventsTest& test, std::int64_t after, int limit, std::vector<std::int64_t>& positions) {
    runtime::Context context(test.harness_->loop(), test.random_);
    Reading reading{"shop", "post.group", after, after, limit};
    const auto events = co_await test.recent_.read(context, std::move(reading));
    positions.clear();
    if (!events) positions.push_back(-1);
    for (std::size_t i = 0; events && i < events->size(); ++i) positions.push_back((*events)[i].position);
  }
  std::vector<std::int64_t> read(std::int64_t after, int limit = 64) {
    std::vector<std::int64_t> positions;
    harness_->run(read_one(*this, after, limit, positions));
    return positions;
  }

  SeededRandom random_{1};
  std::unique_ptr<database::testing::StoreHarness> harness_ = database::testing::simulated_harness({});
  OutboxSource outbox_{harness_->store()};
  CountingSource counting_{outbox_};
  RecentEvents recent_{harness_->loop(), harness_->store(), counting_};
};

using Positions = std::vector<std::int64_t>;

bool all_told(const std::vector<Positions>& found) {
  return std::ranges::none_of(found, [](const Positions& one) { return one.empty(); });
}

TEST_F(RecentEventsTest, GroupsAtTheEndShareOneRead) {
  publish_some(2);
  EXPECT_EQ(read(0), (Positions{1, 2}));
  const int first = counting_.reads;
  for (int group = 0; group < 5; ++group) {
    EXPECT_EQ(read(0), (Positions{1, 2}));
    EXPECT_EQ(read(2), Positions{});
  }
  EXPECT_EQ(counting_.reads, first);
  publish_some(1);
  EXPECT_EQ(read(2), Positions{3});
  EXPECT_EQ(read(1), (Positions{2, 3}));
  EXPECT_EQ(counting_.reads, first + 1);
}

TEST_F(RecentEventsTest, WhoComesWhileItIsReadWaitsForIt) {
  publish_some(3);
  EXPECT_EQ(read(3), Positions{});
  publish_some(2);
  const int before = counting_.reads;
  std::vector<Positions> found(6);
  for (Positions& one : found) harness_->loop().spawn("group", read_one(*this, 3, 64, one));
  harness_->wait_until([&] { return all_told(found); });
  for (const Positions& one : found) EXPECT_EQ(one, (Positions{4, 5}));
  EXPECT_EQ(counting_.reads, before + 1);
}

TEST_F(RecentEventsTest, GivesNoMoreThanAskedForAndAllInTheEnd) {
  publish_some(150);
  std::int64_t position = 0;
  for (int reads = 0; position < 150; ++reads) {
    ASSERT_LT(reads, 20);
    const Positions next = read(position, 10);
    ASSERT_FALSE(next.empty());
    ASSERT_LE(next.size(), 10U);
    EXPECT_EQ(next.front(), position + 1);
    position = next.back();
  }
  EXPECT_EQ(read(150), Positions{});
}

TEST_F(RecentEventsTest, WhoIsFurtherBackThanWhatIsKeptReadsTheOutbox) {
  EXPECT_EQ(read(0), Positions{});
  for (int i = 0; i < 5; ++i) publish_some(64);
  EXPECT_EQ(read(300).back(), 320);
  EXPECT_EQ(read(0, 3), (Positions{1, 2, 3}));
  EXPECT_EQ(read(319), Positions{320});
}

TEST_F(RecentEventsTest, KeepsNoMoreThanItsBytes) {
  EXPECT_EQ(read(0), Positions{});
  publish_some(1, kRecentBytes + 1);
  publish_some(1);
  EXPECT_EQ(read(0), (Positions{1, 2}));
  EXPECT_EQ(read(1), Positions{2});
}

TEST_F(RecentEventsTest, AnErrorIsToldAndTriedAgain) {
  EXPECT_EQ(read(0), Positions{});
  publish_some(1);
  counting_.fails = true;
  std::vector<Positions> found(3);
  for (Positions& one : found) harness_->loop().spawn("group", read_one(*this, 0, 64, one));
  harness_->wait_until([&] { return all_told(found); });
  for (const Positions& one : found) EXPECT_EQ(one, Positions{-1});
  counting_.fails = false;
  EXPECT_EQ(read(0), Positions{1});
}

}  // namespace
}  // namespace consilium::bus

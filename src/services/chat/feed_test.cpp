#include "services/chat/feed.h"

#include <gtest/gtest.h>

#include "runtime/simulated_scheduler.h"

namespace consilium::chat {
namespace {

Uuid id(std::uint8_t n) {
  Uuid uuid;
  uuid.bytes[15] = n;
  return uuid;
}

Signal signal_to(std::vector<Uuid> people) { return {"typing", "{}", Timestamp{}, std::move(people)}; }

Task<void> wait_and_note(Feed& feed, runtime::Scheduler& loop, std::uint64_t heard, Duration at_most, std::vector<Timestamp>& ended,
                         std::vector<std::string>& errors) {
  const auto waited = co_await feed.wait(loop, heard, at_most);
  ended.push_back(loop.steady_now());
  if (!waited) errors.push_back(waited.error().code);
}

class FeedTest : public ::testing::Test {
 protected:
  void start(std::uint64_t heard, Duration at_most) { loop.spawn("hub", wait_and_note(feed, loop, heard, at_most, ended, errors)); }

  runtime::SimulatedWorld world{1};
  Feed feed;
  runtime::SimulatedScheduler& loop = world.add_loop("hub");
  std::vector<Timestamp> ended;
  std::vector<std::string> errors;
};

TEST_F(FeedTest, ARingWakesAllThatWait) {
  start(feed.rings(), seconds(10));
  start(feed.rings(), seconds(20));
  world.run_for(seconds(1));
  EXPECT_TRUE(ended.empty());
  feed.ring();
  world.run_for(microseconds(1));
  EXPECT_EQ(ended.size(), 2u);
  world.run_until_idle();
  EXPECT_EQ(ended.size(), 2u);
  EXPECT_EQ(world.pending_events(), 0u);
}

TEST_F(FeedTest, ARingBetweenLookingAndWaitingIsNotMissed) {
  const std::uint64_t heard = feed.rings();
  feed.ring();
  start(heard, seconds(10));
  world.run_for(microseconds(1));
  EXPECT_EQ(ended.size(), 1u);
}

TEST_F(FeedTest, WaitingEndsByItself) {
  start(feed.rings(), seconds(10));
  world.run_until_idle();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0] - Timestamp{}, seconds(10));
  feed.ring();
  world.run_until_idle();
  EXPECT_EQ(ended.size(), 1u);
}

TEST_F(FeedTest, SoManyMayWait) {
  for (std::size_t i = 0; i < kMaxFeedWaiters; ++i) start(feed.rings(), seconds(10));
  world.run_for(seconds(1));
  EXPECT_TRUE(ended.empty());
  start(feed.rings(), seconds(10));
  world.run_for(seconds(1));
  EXPECT_EQ(errors, (std::vector<std::string>{"chat.too-many-hubs"}));
  feed.ring();
  world.run_until_idle();
  EXPECT_EQ(ended.size(), kMaxFeedWaiters + 1);
}

TEST_F(FeedTest, ALoopThatCrashesLeavesNothingBehind) {
  const runtime::NodeId node = world.add_node("other");
  runtime::SimulatedScheduler& other = world.add_loop(node, "other");
  other.spawn("hub", wait_and_note(feed, other, feed.rings(), seconds(10), ended, errors));
  world.run_for(seconds(1));
  world.crash(node);
  feed.ring();
  world.run_until_idle();
  EXPECT_TRUE(ended.empty());
}

TEST_F(FeedTest, SignalsAreTakenOnceInOrder) {
  feed.signal(signal_to({id(1)}));
  feed.signal(signal_to({id(2), id(3)}));
  feed.signal(signal_to({}));  // nobody to tell
  Feed::Taken taken = feed.take_after(0, 1000);
  ASSERT_EQ(taken.signals.size(), 2u);
  EXPECT_EQ(taken.signals[1].people.size(), 2u);
  EXPECT_EQ(taken.position, 2);
  EXPECT_TRUE(feed.take_after(taken.position, 1000).signals.empty());
  EXPECT_TRUE(feed.take_after(-1, 1000).signals.empty());
  EXPECT_EQ(feed.take_after(-1, 1000).position, 2);
  EXPECT_EQ(feed.take_after(77, 1000).position, 2);  // of an earlier process
}

TEST_F(FeedTest, WholeSignalsUpToTheBound) {
  for (std::uint8_t i = 0; i < 5; ++i) feed.signal(signal_to({id(1), id(2), id(3)}));
  Feed::Taken taken = feed.take_after(0, 7);
  EXPECT_EQ(taken.signals.size(), 2u);
  EXPECT_EQ(taken.position, 2);
  EXPECT_EQ(feed.take_after(4, 1).signals.size(), 1u);
  EXPECT_EQ(feed.take_after(0, 15).signals.size(), 5u);
}

TEST_F(FeedTest, OnlyTheNewestSignalsAreKept) {
  for (std::size_t i = 0; i < kMaxSignals; ++i) feed.signal(signal_to({id(1)}));
  EXPECT_EQ(feed.take_after(0, 1'000'000).signals.size(), kMaxSignals);
  feed.signal(signal_to({id(2)}));
  const Feed::Taken taken = feed.take_after(0, 1'000'000);
  EXPECT_EQ(taken.signals.size(), kMaxSignals);
  EXPECT_EQ(taken.position, static_cast<std::int64_t>(kMaxSignals) + 1);
  EXPECT_EQ(taken.signals.back().people.at(0), id(2));
}

}  // namespace
}  // namespace consilium::chat

// 200 people whose sockets are away for half a minute, while things happen to them: each of them gets each missed event once.
#include <gtest/gtest.h>

#include "cast.h"
#include "invariants.h"

namespace consilium::simulation {
namespace {

constexpr int kPeople = 200;
constexpr Duration kAway = seconds(30);
constexpr Duration kBackWithin = seconds(15);
constexpr int kPostsEach = 3;

// Keeps a socket while allowed to, and writes when told to, socket or not.
class Reader final : public Page {
 public:
  using Page::Page;
  void start(const bool* connected, const bool* over) { cluster_.people().spawn("reader", live(this, connected, over)); }
  bool is_connected() const { return has_socket(); }
  void cut() { cut_socket(); }
  void write(int posts) { cluster_.people().spawn("writer", write_some(this, posts)); }
  bool has_written() const { return writing_ == 0; }

 private:
  static Task<void> live(Reader* self, const bool* connected, const bool* over) {
    self->cluster_.people().spawn("ping", ping(self, over));
    while (!*over) {
      co_await self->cluster_.people().sleep_for(seconds(1));
      if (!self->cluster_.is_up()) continue;
      if (self->cookie().empty()) co_await self->log_in();
      if (!self->cookie().empty() && *connected) co_await self->keep_socket();
    }
  }

  static Task<void> write_some(Reader* self, int posts) {
    ++self->writing_;
    auto channels = co_await self->call("GET", "/channels", "");
    for (int i = 0; i < posts && channels.ok(); ++i) {
      std::string channel = text_at(items_of(channels.body).front(), "id");
      std::string client_id = self->name() + "-" + std::to_string(self->next_++);
      const auto written = co_await self->post(std::move(channel), std::move(client_id), "My knee hurts");
      if (!written.ok()) --i;
      co_await self->cluster_.people().sleep_for(seconds(2));
    }
    --self->writing_;
  }

  int writing_ = 0;
  int next_ = 1;
};

class Sockets : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.start());
    const auto people = cluster_.ask(add_people(&cluster_));
    ASSERT_TRUE(people && *people);
    const auto clients = cluster_.ask(add_clients(&cluster_, "reader", kPeople));
    ASSERT_TRUE(clients && *clients) << (*clients).error().describe();
    for (int i = 1; i <= kPeople; ++i) {
      readers_.push_back(std::make_unique<Reader>(cluster_, "reader-" + std::to_string(i)));
      pages_.push_back(readers_.back().get());
      readers_.back()->start(&connected_, &over_);
    }
    ASSERT_TRUE(cluster_.run_until([this] { return all_connected(); }, minutes(5))) << "not all logged in";
    cluster_.run_for(seconds(5));
  }

  void TearDown() override {
    over_ = true;
    cluster_.run_for(seconds(15));
    EXPECT_EQ(cluster_.failures(), std::vector<std::string>());
  }

  bool all_connected() const {
    return std::ranges::all_of(readers_, [](const auto& reader) { return reader->is_connected(); });
  }
  bool all_have_written() const {
    return std::ranges::all_of(readers_, [](const auto& reader) { return reader->has_written(); });
  }
  std::vector<std::size_t> events_of_each() const {
    std::vector<std::size_t> counts;
    for (const auto& reader : readers_) counts.push_back(reader->events().size());
    return counts;
  }
  // The pages find a gap or a repetition by themselves; here: that each got at least these many, and as many as its log has.
  void expect_missed_events(const std::vector<std::size_t>& before, std::size_t at_least) {
    const std::vector<std::size_t> after = events_of_each();
    for (std::size_t i = 0; i < before.size(); ++i) ASSERT_GE(after[i], before[i] + at_least) << readers_[i]->name();
    check_invariants(cluster_, pages_, Moment::kQuiet);
  }

  Tally tally_;
  Cluster cluster_{5, tally_};
  std::vector<std::unique_ptr<Reader>> readers_;
  Pages pages_;
  bool connected_ = true;
  bool over_ = false;
};

TEST_F(Sockets, U_2_B_25_ThatAreCutForHalfAMinuteGetEachMissedEventOnce) {
  connected_ = false;
  for (const auto& reader : readers_) {
    reader->cut();
    reader->write(kPostsEach);
  }
  cluster_.run_for(milliseconds(100));
  const std::vector<std::size_t> before = events_of_each();
  cluster_.run_for(kAway);
  ASSERT_TRUE(all_have_written());
  EXPECT_EQ(events_of_each(), before) << "the sockets are away";
  connected_ = true;
  EXPECT_TRUE(cluster_.run_until([this] { return all_connected(); }, kBackWithin)) << "not all are back";
  cluster_.run_for(seconds(5));
  expect_missed_events(before, kPostsEach);
}

TEST_F(Sockets, U_2_OfAServerThatWasAwayForHalfAMinuteComeBackWithEachMissedEventOnce) {
  for (const auto& reader : readers_) reader->write(kPostsEach);
  cluster_.run_for(seconds(3));  // in the middle of it: some events are told, some are on their way
  const std::vector<std::size_t> before = events_of_each();
  cluster_.crash(Cluster::Crash::kKill);
  cluster_.world().run_for(kAway);
  ASSERT_TRUE(cluster_.start());
  EXPECT_TRUE(cluster_.run_until([this] { return all_connected(); }, kBackWithin)) << "not all are back";
  ASSERT_TRUE(cluster_.run_until([this] { return all_have_written(); }, minutes(2)));
  cluster_.run_for(seconds(5));
  expect_missed_events(before, 1);
}

}  // namespace
}  // namespace consilium::simulation

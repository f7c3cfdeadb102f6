// What every implementation of the bus promises, on every implementation of the database.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "ports/bus/inbox.h"
#include "ports/bus/local/away_groups.h"
#include "ports/bus/local/group_tables.h"
#include "ports/bus/local/local_bus.h"
#include "ports/bus/local/outbox_source.h"
#include "ports/bus/local/recent_events.h"
#include "ports/bus/remote/in_memory_testing.h"
#include "ports/bus/tables.h"
#include "ports/database/store_harness.h"
#include "runtime/log_sink.h"
#include "runtime/panic_testing.h"

namespace consilium::bus {
namespace {

using database::testing::Limits;
using database::testing::StoreHarness;

// Where the bus reads the producer's events: in the database, or as another process would.
enum class Way { kSameDatabase, kOverRpc };

struct Implementation {
  const char* name;
  std::unique_ptr<StoreHarness> (*make)(Limits);
  Way way = Way::kSameDatabase;
};

// What runs at the producer, and the way to it.
class Producer {
 public:
  Producer(StoreHarness& harness, RandomSource& random, EventSource& outbox, LocalBusOptions options)
      : away(harness.store()),
        server(outbox, {"shop"},
               [this](std::string producer, std::string group, std::int64_t position) {
                 away.passed(std::move(producer), std::move(group), position);
               }),
        bus(harness.loop(), random, harness.store(), outbox, options),
        source(harness.loop(), random, {}) {
    bus.own("shop");
    bus.respect(away);
    source.add("shop", events);
  }

  AwayGroups away;
  OutboxServer server;
  testing::NoObserver observer;
  events::v1::LocalEvents local{server, observer};
  testing::InMemoryChannel channel{events::v1::rpc_methods(local)};
  events::v1::RemoteEvents events{channel};
  LocalBus bus;  // looks after the outbox
  RemoteSource source;
};

// Two services: `shop` publishes, `post` consumes and keeps what it did in `post_done`.
class BusContract : public ::testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    harness_ = GetParam().make({});
    migrate();
    open_bus({});
  }
  void TearDown() override {
    close_bus();
    drop_bus();
    harness_.reset();
  }

  void migrate() {
    const auto made = harness_->store().migrate("events", AwayGroups::migrations());
    ASSERT_TRUE(made) << made.error().describe();
    for (const char* service : {"shop", "post"}) {
      const std::string own =
          service == std::string("post")
              ? "CREATE TABLE post_done(number INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL, text TEXT NOT NULL) STRICT;"
              : std::string();
      const auto done = harness_->store().migrate(service, {{1, "bus", bus_tables_sql(service)}, {2, "own", own}});
      ASSERT_TRUE(done) << done.error().describe();
    }
  }
  void open_bus(LocalBusOptions options) {
    source_ = std::make_unique<OutboxSource>(harness_->store());
    recent_ = std::make_unique<RecentEvents>(harness_->loop(), harness_->store(), *source_);
    if (GetParam().way == Way::kOverRpc) producer_ = std::make_unique<Producer>(*harness_, random_, *source_, options);
    EventSource& read_from = producer_ ? static_cast<EventSource&>(producer_->source) : *recent_;
    bus_ =
        std::make_unique<LocalBus>(harness_->loop(), random_, harness_->store(), read_from, options, runtime::Logger(log_, "bus", "test"));
    if (!producer_) bus_->own("shop");
  }
  void add(Consumer consumer) {
    if (producer_) producer_->away.expect(consumer.producer, consumer.group);
    bus_->add(std::move(consumer));
  }
  static Task<void> start_all(BusContract& test) {
    test.bus_->start();
    if (test.producer_) test.producer_->bus.start();
    if (test.producer_) test.producer_->source.start();
    co_return;
  }
  void start() {
    harness_->run(start_all(*this));
    started_bus_ = true;
  }
  void close_bus() {
    if (!std::exchange(started_bus_, false)) return;
    harness_->run(bus_->stop());
    if (!producer_) return;
    producer_->server.stop();
    harness_->run(producer_->source.stop());
    harness_->run(producer_->bus.stop());
  }
  void drop_bus() {
    bus_.reset();
    producer_.reset();
    recent_.reset();
    source_.reset();
  }
  void restart(LocalBusOptions options = {}) {
    drop_bus();
    harness_->reopen();
    open_bus(options);
  }

  database::Database& shop() { return harness_->store().service("shop"); }
  database::Database& post() { return harness_->store().service("post"); }
  runtime::Context context() { return runtime::Context(harness_->loop(), random_); }

  // Publishes `key:text` events in one transaction.
  void publish_all(std::vector<std::pair<std::string, std::string>> events, std::string topic = "shop.v1.sold") {
    const auto published = harness_->write(shop(), [this, events, topic](database::Transaction& transaction) -> Result<int> {
      const runtime::Context work = context();
      for (const auto& [key, text] : events) TRY(publish(transaction, "shop", work, {topic, key, text}));
      return 0;
    });
    ASSERT_TRUE(published) << published.error().describe();
  }

  // Writes the payload down; fails as often as `failures_` says for it.
  Consumer applying(std::string group = "post.on-sold") {
    Consumer consumer{.service = "post", .group = std::move(group), .producer = "shop", .topics = {"shop.v1.sold"}};
    consumer.apply = [this](database::Transaction& transaction, const runtime::Context&, const Event& event) -> Result<void> {
      TRY(transaction.execute("INSERT INTO post_done(event, text) VALUES (?, ?)", event.id, event.key + ":" + event.payload));
      return outcome_of(event.payload);
    };
    return consumer;
  }
  Result<void> outcome_of(const std::string& payload) {
    const std::lock_guard lock(mutex_);
    ++tries_[payload];
    if (failures_[payload] == 0) return {};
    if (failures_[payload] > 0) --failures_[payload];
    if (payload == "throws") runtime::testing::throw_from_deep_inside("a bug of the consumer");
    if (payload == "away") return fail(ErrorKind::kUnavailable, "post.away", "not now");
    return fail(ErrorKind::kConflict, "post.refused", "no");
  }
  std::size_t calls_made() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }
  int tries_of(const std::string& payload) {
    const std::lock_guard lock(mutex_);
    return tries_[payload];
  }
  void set_failures(const std::string& payload, int times) {
    const std::lock_guard lock(mutex_);
    failures_[payload] = times;
  }
  Consumer handling() {
    Consumer consumer{.service = "post", .group = "post.call", .producer = "shop", .topics = {"shop.v1.sold"}};
    consumer.handle = [this](runtime::Context& work, const Event& event) { return handle(*this, work, event); };
    return consumer;
  }
  static Task<Result<void>> handle(BusContract& test, runtime::Context& work, const Event& event) {
    ++test.started_;
    ++test.at_once_;
    test.most_at_once_ = std::max(test.most_at_once_.load(), test.at_once_.load());
    co_await work.scheduler().sleep_for(milliseconds(1));
    --test.at_once_;
    auto outcome = test.outcome_of(event.payload);
    if (outcome) {
      const std::lock_guard lock(test.mutex_);
      test.calls_.push_back(event.key + ":" + event.payload);
    }
    co_return outcome;
  }

  std::vector<std::string> done() {
    const auto rows = harness_->read(
        post(), [](database::Transaction& transaction) { return transaction.query("SELECT text FROM post_done ORDER BY number"); });
    std::vector<std::string> texts;
    if (!rows) return {rows.error().describe()};
    for (const auto& row : *rows) texts.push_back(row.text(0));
    return texts;
  }
  std::vector<std::string> done_of(const std::string& key) {
    auto texts = done();
    std::erase_if(texts, [&](const std::string& text) { return !text.starts_with(key + ":"); });
    return texts;
  }
  std::int64_t count(const std::string& table) {
    const auto row =
        harness_->read(harness_->store().privileged(),
                       [sql = "SELECT count(*) FROM " + table](database::Transaction& transaction) { return transaction.query_one(sql); });
    return row ? (*row)->integer(0) : -1;
  }
  void wait_for_done(std::size_t number) {
    for (std::size_t seen = 0; seen < number; seen = done().size()) let_time_pass();
  }
  void let_time_pass() { harness_->pass(milliseconds(5)); }
  DeadLetterPage dead_page(DeadLetterQuery query) {
    DeadLetterPage page;
    harness_->run(list_dead(*this, std::move(query), page));
    return page;
  }
  std::vector<DeadLetter> dead_letters() { return dead_page({.limit = 100}).items; }
  static Task<void> list_dead(BusContract& test, DeadLetterQuery query, DeadLetterPage& out) {
    runtime::Context work = test.context();
    auto page = co_await test.bus_->dead_letters(work, std::move(query));
    EXPECT_TRUE(page);
    out = std::move(*page);
  }
  static Task<void> replay_one(BusContract& test, std::string group, Uuid id, std::string& code) {
    runtime::Context work = test.context();
    work.caller.kind = runtime::Caller::Kind::kUser;
    work.caller.user_id = kAdministrator;
    work.request_id = "replaying";
    const auto replayed = co_await test.bus_->replay(work, group, id);
    code = replayed ? "none" : replayed.error().code;
  }
  std::string replay(std::string group, Uuid id) {
    std::string code;
    harness_->run(replay_one(*this, std::move(group), id, code));
    return code;
  }
  static Task<void> measure(BusContract& test, GroupFigures& out) {
    runtime::Context work = test.context();
    auto figures = co_await test.bus_->figures(work);
    EXPECT_TRUE(figures && !figures->empty());
    out = figures->front();
  }
  GroupFigures figures() {
    GroupFigures first;
    harness_->run(measure(*this, first));
    return first;
  }

  // What was logged of events that were given up.
  std::vector<std::string> told_of_dead() {
    std::vector<std::string> lines = sink_->lines();
    std::erase_if(lines, [](const std::string& line) { return line.find("Event given up") == std::string::npos; });
    return lines;
  }

  static constexpr Uuid kAdministrator{{7}};
  SeededRandom random_{5};
  std::shared_ptr<runtime::MemorySink> sink_ = std::make_shared<runtime::MemorySink>(runtime::LogFormat::kJson);
  runtime::Log log_{{.synchronous = true}, {sink_}};
  std::unique_ptr<StoreHarness> harness_;
  std::unique_ptr<OutboxSource> source_;
  std::unique_ptr<RecentEvents> recent_;
  std::unique_ptr<Producer> producer_;  // of Way::kOverRpc
  bool started_bus_ = false;
  std::unique_ptr<LocalBus> bus_;
  std::mutex mutex_;
  std::map<std::string, int> failures_;  // -1: always
  std::map<std::string, int> tries_;
  std::vector<std::string> calls_;
  std::atomic<int> started_{0};
  std::atomic<int> at_once_{0};
  std::atomic<int> most_at_once_{0};
};

using Texts = std::vector<std::string>;

std::string hex(const Uuid& id) {
  std::string text = id.text();
  std::erase(text, '-');
  return text;
}

TEST_P(BusContract, B_36_NothingLeavesARolledBackTransaction) {
  add(applying());
  start();
  const auto failed = harness_->write(shop(), [this](database::Transaction& transaction) -> Result<int> {
    const runtime::Context work = context();
    EXPECT_TRUE(publish(transaction, "shop", work, {"shop.v1.sold", "a", "ghost"}));
    return fail(ErrorKind::kConflict, "shop.no", "no");
  });
  EXPECT_FALSE(failed);
  publish_all({{"a", "1"}});
  wait_for_done(1);
  EXPECT_EQ(done(), Texts{"a:1"});
}

TEST_P(BusContract, R_1_RefusesATopicOfAnotherService) {
  add(applying());
  start();
  const auto failed = harness_->write(
      shop(), [this](database::Transaction& transaction) { return publish(transaction, "shop", context(), {"post.v1.x", "a", "1"}); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kInternal);
}

TEST_P(BusContract, DeliversInOrderAndOnlyTheTopicsAskedFor) {
  add(applying());
  start();
  Texts expected;
  for (int i = 0; i < 200; ++i) {
    publish_all({{"k", std::to_string(i)}}, i % 3 == 0 ? "shop.v1.other" : "shop.v1.sold");
    if (i % 3 != 0) expected.push_back("k:" + std::to_string(i));
  }
  wait_for_done(expected.size());
  EXPECT_EQ(done(), expected);
  EXPECT_EQ(figures().handled, expected.size());
}

// What was published while nobody consumed comes after the start, once.
TEST_P(BusContract, B_72_GoesOnWhereItStoppedAfterARestart) {
  publish_all({{"a", "1"}, {"a", "2"}});
  add(applying());
  start();
  wait_for_done(2);
  close_bus();
  publish_all({{"a", "3"}, {"b", "4"}});
  restart();
  add(applying());
  start();
  wait_for_done(4);
  let_time_pass();
  EXPECT_EQ(done(), (Texts{"a:1", "a:2", "a:3", "b:4"}));
}

// Each group gets every event, each once.
TEST_P(BusContract, B_55_GroupsAreIndependent) {
  failures_["1"] = 1;
  add(applying("post.first"));
  add(applying("post.second"));
  EXPECT_THROW(bus_->add(applying("post.second")), std::logic_error);
  start();
  publish_all({{"a", "1"}, {"b", "2"}});
  wait_for_done(4);
  auto texts = done();
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(texts, (Texts{"a:1", "a:1", "b:2", "b:2"}));
}

// A failing event is tried again, later ones of its key wait for it, others do not.
TEST_P(BusContract, B_54_AFailingEventHoldsBackItsKeyAlone) {
  failures_["1"] = 1;
  failures_["throws"] = 1;
  add(applying());
  start();
  publish_all({{"a", "1"}, {"a", "2"}, {"b", "3"}, {"c", "throws"}, {"a", "4"}, {"c", "5"}});
  wait_for_done(6);
  EXPECT_EQ(done().front(), "b:3");
  EXPECT_EQ(done_of("a"), (Texts{"a:1", "a:2", "a:4"}));
  EXPECT_EQ(done_of("c"), (Texts{"c:throws", "c:5"}));
  EXPECT_EQ(tries_of("1"), 2);
  EXPECT_EQ(tries_of("2"), 1);
  let_time_pass();
  EXPECT_EQ(count("post_parked"), 0);
  const GroupFigures now = figures();
  EXPECT_EQ(now.handled, 6U);
  EXPECT_EQ(now.failed, 2U);
  EXPECT_EQ(now.lag, 0);
}

TEST_P(BusContract, P_1_AHandlerThatThrowsIsCountedAndItsEventComesAgain) {
  runtime::testing::PanicWatch panics;
  failures_["throws"] = 2;
  for (Consumer consumer : {applying(), handling()}) {
    consumer.retry.first = milliseconds(1);
    add(std::move(consumer));
  }
  start();
  publish_all({{"c", "throws"}, {"a", "1"}, {"c", "5"}});
  wait_for_done(3);
  while (calls_made() < 3) let_time_pass();
  EXPECT_EQ(done_of("c"), (Texts{"c:throws", "c:5"})) << "in order, once";
  EXPECT_EQ(panics.count("bus:post.on-sold") + panics.count("bus:post.call"), 2U);
  EXPECT_EQ(panics.lines(), 2U);
  EXPECT_TRUE(panics.all_show_the_throw("a bug of the consumer"));
}

// A newer program published it: passing over it in silence would lose it, reading it as the old one would be wrong.
TEST_P(BusContract, V_1_AnUnknownVersionOfAnEventIsADeadLetterAtOnce) {
  add(applying());
  add(handling());
  start();
  publish_all({{"a", "new form"}}, "shop.v2.sold");
  publish_all({{"a", "1"}, {"b", "2"}});
  publish_all({{"b", "of no interest"}}, "shop.v2.returned");
  wait_for_done(1);
  while (dead_letters().size() < 2 || calls_made() == 0) let_time_pass();
  EXPECT_EQ(done(), Texts{"b:2"}) << "others go on, those of its key wait behind it";
  std::set<std::string> groups;
  for (const DeadLetter& letter : dead_letters()) {
    groups.insert(letter.group);
    EXPECT_EQ(letter.event.topic, "shop.v2.sold");
    EXPECT_EQ(letter.event.payload, "new form");
    EXPECT_EQ(letter.error_code, "event.unknown-version");
    EXPECT_EQ(letter.attempts, 1) << "trying again mends nothing";
  }
  EXPECT_EQ(groups, (std::set<std::string>{"post.call", "post.on-sold"}));
  EXPECT_EQ(tries_of("new form"), 0) << "no handler saw it";
  // The program is updated, and somebody replays it.
  close_bus();
  restart();
  Consumer newer = applying();
  newer.topics.emplace_back("shop.v2.sold");
  add(newer);
  start();
  const auto letters = dead_letters();
  const auto own = std::ranges::find_if(letters, [](const DeadLetter& letter) { return letter.group == "post.on-sold"; });
  ASSERT_NE(own, letters.end());
  EXPECT_EQ(replay("post.on-sold", own->event.id), "none");
  wait_for_done(3);
  EXPECT_EQ(done_of("a"), (Texts{"a:new form", "a:1"}));
}

TEST_P(BusContract, TellsHowFarAGroupIsBehind) {
  publish_all({{"a", "1"}, {"a", "2"}, {"b", "3"}});
  add(applying());
  let_time_pass();
  const GroupFigures before = figures();
  EXPECT_TRUE(before.is_known);
  EXPECT_EQ(before.lag, 3);
  EXPECT_GT(before.behind, Duration{});
  start();
  wait_for_done(3);
  let_time_pass();
  const GroupFigures after = figures();
  EXPECT_EQ(after.lag, 0);
  EXPECT_EQ(after.behind, Duration{});
}

TEST_P(BusContract, ADeadLetterIsKeptListedAndReplayedInOrder) {
  failures_["1"] = -1;
  Consumer consumer = applying();
  consumer.retry.attempts = 1;
  add(consumer);
  start();
  publish_all({{"a", "1"}, {"a", "2"}, {"b", "3"}});
  wait_for_done(1);
  publish_all({{"a", "4"}});
  while (count("post_parked") < 3) let_time_pass();
  const auto letters = dead_letters();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].group, "post.on-sold");
  EXPECT_EQ(letters[0].event.payload, "1");
  EXPECT_EQ(letters[0].event.key, "a");
  EXPECT_EQ(letters[0].error_code, "post.refused");
  EXPECT_EQ(letters[0].attempts, 1);
  EXPECT_EQ(letters[0].waiting, 2);
  ASSERT_EQ(told_of_dead().size(), 1U);
  GroupFigures now = figures();
  EXPECT_EQ(now.dead, 1);
  EXPECT_EQ(now.parked, 2);
  EXPECT_EQ(replay("post.on-sold", Uuid{}), "bus.dead-letter-not-found");
  EXPECT_EQ(replay("post.nobody", letters[0].event.id), "bus.group-not-found");
  EXPECT_EQ(count("events_audit"), 0);
  EXPECT_EQ(replay("post.on-sold", letters[0].event.id), "none");  // fails again: dead again
  while (tries_of("1") < 2 || dead_letters().empty()) let_time_pass();
  EXPECT_EQ(told_of_dead().size(), 2U);
  EXPECT_EQ(done(), Texts{"b:3"});
  set_failures("1", 0);
  EXPECT_EQ(replay("post.on-sold", letters[0].event.id), "none");
  wait_for_done(4);
  EXPECT_EQ(done(), (Texts{"b:3", "a:1", "a:2", "a:4"}));
  EXPECT_TRUE(dead_letters().empty());
  EXPECT_EQ(count("events_audit WHERE user_id = x'" + hex(kAdministrator) + "' AND consumer_group = 'post.on-sold' AND event_id = x'" +
                  hex(letters[0].event.id) + "' AND request_id = 'replaying'"),
            2);
}

// Whoever reads the log learns which event, and nothing of what it says.
TEST_P(BusContract, TellsInTheLogWhatWasGivenUp) {
  failures_["a secret"] = -1;
  Consumer consumer = applying();
  consumer.retry.attempts = 2;
  add(consumer);
  Consumer caller = handling();
  caller.retry.attempts = 1;
  add(caller);
  start();
  publish_all({{"a", "a secret"}, {"b", "3"}});
  harness_->wait_until([this] { return told_of_dead().size() == 2; });
  const auto lines = told_of_dead();
  ASSERT_EQ(lines.size(), 2U);
  for (const std::string& line : lines) {
    EXPECT_NE(line.find(R"("level":"error")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("topic":"shop.v1.sold")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("key":"a")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("errorCode":"post.refused")"), std::string::npos) << line;
    EXPECT_NE(line.find(dead_letters()[0].event.id.text()), std::string::npos) << line;
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
  }
  const std::string all = lines[0] + lines[1];
  EXPECT_NE(all.find(R"("group":"post.on-sold")"), std::string::npos) << all;
  EXPECT_NE(all.find(R"("group":"post.call")"), std::string::npos) << all;
  EXPECT_NE(all.find(R"("attempts":2)"), std::string::npos) << all;
  EXPECT_EQ(replay("post.call", dead_letters()[0].event.id), "none");
  harness_->wait_until([this] { return told_of_dead().size() == 3; });
  EXPECT_NE(told_of_dead()[2].find(R"("group":"post.call")"), std::string::npos) << told_of_dead()[2];
}

TEST_P(BusContract, ListsDeadLettersPageByPageNewestFirst) {
  for (const char* group : {"post.first", "post.second"}) {
    Consumer consumer = applying(group);
    consumer.retry.attempts = 1;
    add(consumer);
  }
  start();
  constexpr int kEvents = 5;
  for (int i = 0; i < kEvents; ++i) {
    set_failures(std::to_string(i), -1);
    publish_all({{"k" + std::to_string(i), std::to_string(i)}});
  }
  harness_->wait_until([this] { return dead_letters().size() == 2 * kEvents; });
  const auto all = dead_letters();
  EXPECT_TRUE(std::ranges::is_sorted(all, std::greater(), place_of));
  std::vector<DeadLetterPlace> met;
  DeadLetterQuery query{.service = "post", .limit = 3};
  for (;;) {
    const DeadLetterPage page = dead_page(query);
    EXPECT_EQ(page.total, 2 * kEvents);
    if (page.items.empty()) break;
    EXPECT_LE(page.items.size(), 3U);
    for (const DeadLetter& letter : page.items) met.push_back(place_of(letter));
    query.before = met.back();
  }
  std::vector<DeadLetterPlace> expected;
  for (const DeadLetter& letter : all) expected.push_back(place_of(letter));
  EXPECT_EQ(met, expected);
  EXPECT_EQ(dead_page({.group = "post.first", .limit = 100}).items.size(), std::size_t{kEvents});
  EXPECT_EQ(dead_page({.group = "post.first", .limit = 1}).total, kEvents);
  EXPECT_TRUE(dead_page({.service = "shop", .limit = 100}).items.empty());
}

// What an event needs may be away for longer than all attempts take: that does not make it a dead letter.
TEST_P(BusContract, WhatIsAwaySpendsNoAttempt) {
  failures_["away"] = 1;
  Consumer consumer = applying();
  consumer.retry.attempts = 1;
  add(consumer);
  start();
  publish_all({{"a", "away"}, {"a", "2"}});
  wait_for_done(2);
  EXPECT_EQ(done(), (Texts{"a:away", "a:2"}));
  EXPECT_EQ(tries_of("away"), 2);
  EXPECT_TRUE(dead_letters().empty());
}

// Times kept by a clock that was an hour ahead hold nothing up.
TEST_P(BusContract, AClockSetBackHoldsUpNoParkedEvent) {
  failures_["1"] = 1;
  add(applying());
  start();
  publish_all({{"a", "1"}, {"a", "2"}});
  harness_->wait_until([this] { return count("post_parked") == 2; });
  const auto ahead = harness_->write(post(), [](database::Transaction& transaction) {
    return transaction.execute("UPDATE post_parked SET next_try = next_try + ?", hours(1).microseconds);
  });
  ASSERT_TRUE(ahead);
  wait_for_done(2);
  EXPECT_EQ(done(), (Texts{"a:1", "a:2"}));
}

TEST_P(BusContract, HandlesKeysBesideEachOtherAndAKeyInOrder) {
  failures_["x"] = 1;
  add(handling());
  start();
  std::vector<std::pair<std::string, std::string>> events;
  for (int i = 0; i < 40; ++i) events.emplace_back("k" + std::to_string(i % 20), std::to_string(i));
  events.emplace_back("bad", "x");
  events.emplace_back("bad", "y");
  publish_all(events);
  harness_->wait_until([this] {
    const std::lock_guard lock(mutex_);
    return calls_.size() >= 42;
  });
  std::map<std::string, Texts> by_key;
  for (const std::string& call : calls_) by_key[call.substr(0, call.find(':'))].push_back(call.substr(call.find(':') + 1));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(by_key["k" + std::to_string(i)], (Texts{std::to_string(i), std::to_string(i + 20)}));
  EXPECT_EQ(by_key["bad"], (Texts{"x", "y"}));
  EXPECT_GT(most_at_once_, 1);
  EXPECT_LE(most_at_once_, static_cast<int>(kKeysAtOnce));
}

TEST_P(BusContract, B_73_StopWaitsForTheHandlerThatRuns) {
  add(handling());
  start();
  publish_all({{"a", "1"}});
  harness_->wait_until([this] { return started_ == 1; });
  close_bus();
  EXPECT_EQ(calls_, Texts{"a:1"});
  restart();
  add(handling());
  start();
  let_time_pass();
  EXPECT_EQ(calls_, Texts{"a:1"});  // its position was stored
}

TEST_P(BusContract, DeletesWhatAllGroupsPassedAndIsOld) {
  restart(
      {.look_every = milliseconds(50), .keep_events = milliseconds(50), .keep_answers = milliseconds(50), .clean_every = milliseconds(20)});
  add(applying());
  Consumer stuck{.service = "post", .group = "post.other", .producer = "shop", .topics = {"shop.v1.never"}};
  stuck.apply = [](database::Transaction&, const runtime::Context&, const Event&) -> Result<void> { return {}; };
  add(stuck);
  start();
  const auto answered = harness_->write(post(), [this](database::Transaction& transaction) {
    return once(transaction, "post", context(), "k", [] { return Result<std::string>("a"); });
  });
  ASSERT_TRUE(answered);
  publish_all({{"a", "1"}, {"b", "2"}});
  wait_for_done(2);
  while (count("shop_outbox") > 0 || count("post_inbox") > 0) let_time_pass();
  // More than one deletion takes, twice.
  std::vector<std::pair<std::string, std::string>> many(2 * kDeletedAtOnce + 1, {"x", "never"});
  publish_all(many, "shop.v1.other");
  while (count("shop_outbox") > 0) let_time_pass();
  publish_all({{"a", "3"}});  // positions go on rising
  wait_for_done(3);
  EXPECT_EQ(done(), (Texts{"a:1", "b:2", "a:3"}));
}

TEST_P(BusContract, AnInboxAnswersARepetitionWithTheStoredAnswer) {
  int runs = 0;
  const auto call = [&](std::string key, bool succeed) {
    return harness_->write(post(), [&, key, succeed](database::Transaction& transaction) {
      return once(transaction, "post", context(), key, [&]() -> Result<std::string> {
        ++runs;
        TRY(transaction.execute("INSERT INTO post_done(event, text) VALUES (x'00', ?)", key));
        if (!succeed) return fail(ErrorKind::kConflict, "post.refused", "no");
        return "answer " + std::to_string(runs);
      });
    });
  };
  EXPECT_FALSE(call("job-1", false));
  EXPECT_TRUE(done().empty());
  EXPECT_EQ(call("job-1", true), "answer 2");
  EXPECT_EQ(call("job-1", true), "answer 2");
  EXPECT_EQ(call("job-2", true), "answer 3");
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(done(), (Texts{"job-1", "job-2"}));
  EXPECT_EQ(call(std::string(kMaxInboxKey, 'k'), true), "answer 4");
  EXPECT_EQ(call(std::string(kMaxInboxKey + 1, 'k'), true).error().code, "inbox.bad-key");
  EXPECT_EQ(call("", true).error().code, "inbox.bad-key");
}

TEST(RetryDelay, DoublesFromOneSecondToFiveMinutes) {
  EXPECT_EQ(retry_delay({}, 1), seconds(1));
  EXPECT_EQ(retry_delay({}, 2), seconds(2));
  EXPECT_EQ(retry_delay({}, 9), seconds(256));
  EXPECT_EQ(retry_delay({}, 10), minutes(5));
  EXPECT_EQ(retry_delay({}, 1'000'000), minutes(5));
}

INSTANTIATE_TEST_SUITE_P(All, BusContract,
                         ::testing::Values(Implementation{"Threaded", database::testing::threaded_harness},
                                           Implementation{"Simulated", database::testing::simulated_harness},
                                           Implementation{"ThreadedRemote", database::testing::threaded_harness, Way::kOverRpc},
                                           Implementation{"SimulatedRemote", database::testing::simulated_harness, Way::kOverRpc}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace consilium::bus

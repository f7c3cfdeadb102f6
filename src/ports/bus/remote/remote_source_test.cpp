// Two processes: each with a store of its own and a loop of its own.
#include "ports/bus/remote/remote_source.h"

#include <gtest/gtest.h>

#include <atomic>

#include "ports/bus/local/away_groups.h"
#include "ports/bus/local/local_bus.h"
#include "ports/bus/local/outbox_source.h"
#include "ports/bus/remote/in_memory_testing.h"
#include "ports/bus/tables.h"
#include "ports/database/store_harness.h"

namespace consilium::bus {
namespace {

using database::testing::StoreHarness;

constexpr LocalBusOptions kEager{
    .look_every = milliseconds(50), .keep_events = milliseconds(1), .keep_answers = days(1), .clean_every = milliseconds(20)};

// The owner of the outboxes of `shop`, which others read, and of `mail`, which nobody reads.
struct Shop {
  Shop(StoreHarness& where, RandomSource& random)
      : harness(where), outbox(where.store()), away(where.store()), bus(where.loop(), random, where.store(), outbox, kEager) {
    bus.own("shop");
    bus.own("mail");
    bus.respect(away);
    away.expect("shop", "post.on-sold");
  }
  static Task<void> start_all(Shop& shop) {
    shop.bus.start();
    co_return;
  }
  void start() { harness.run(start_all(*this)); }
  void stop() {
    server.stop();
    harness.run(bus.stop());
  }

  StoreHarness& harness;
  OutboxSource outbox;
  AwayGroups away;
  LocalBus bus;
  OutboxServer server{outbox, {"shop"}, [this](std::string producer, std::string group, std::int64_t position) {
                        away.passed(std::move(producer), std::move(group), position);
                      }};
  testing::NoObserver observer;
  events::v1::LocalEvents local{server, observer};
  testing::InMemoryChannel channel{events::v1::rpc_methods(local)};
  events::v1::RemoteEvents events{channel};
};

// The consumer: writes down what it got.
struct Post {
  Post(StoreHarness& where, RandomSource& random, Shop& shop)
      : harness(where), source(where.loop(), random, {}), bus(where.loop(), random, where.store(), source, kEager) {
    source.add("shop", shop.events);
    Consumer consumer{.service = "post", .group = "post.on-sold", .producer = "shop", .topics = {"shop.v1.sold"}};
    consumer.apply = [](database::Transaction& transaction, const runtime::Context&, const Event& event) -> Result<void> {
      TRY(transaction.execute("INSERT INTO post_done(text) VALUES (?)", event.payload));
      return {};
    };
    bus.add(std::move(consumer));
  }
  static Task<void> start_all(Post& post) {
    post.bus.start();
    post.source.start();
    co_return;
  }
  void start() { harness.run(start_all(*this)); }
  void stop() {
    harness.run(source.stop());
    harness.run(bus.stop());
  }

  StoreHarness& harness;
  RemoteSource source;
  LocalBus bus;
};

class RemoteSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    migrate(*shop_harness_, "events", AwayGroups::migrations());
    for (const char* service : {"shop", "mail"}) migrate(*shop_harness_, service, {{1, "bus", bus_tables_sql(service)}});
    migrate(*post_harness_, "post",
            {{1, "bus", bus_tables_sql("post")},
             {2, "own", "CREATE TABLE post_done(number INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL) STRICT;"}});
    shop_ = std::make_unique<Shop>(*shop_harness_, random_);
    post_ = std::make_unique<Post>(*post_harness_, random_, *shop_);
  }
  void TearDown() override {
    post_->stop();
    shop_->stop();
    post_.reset();
    shop_.reset();
  }
  static void migrate(StoreHarness& harness, const char* service, std::vector<database::Migration> migrations) {
    const auto done = harness.store().migrate(service, std::move(migrations));
    ASSERT_TRUE(done) << done.error().describe();
  }

  void publish_one(const std::string& service, const std::string& text) {
    const runtime::Context work(shop_harness_->loop(), random_);
    const auto published =
        shop_harness_->write(shop_harness_->store().service(service), [&](database::Transaction& transaction) -> Result<int> {
          TRY(publish(transaction, service, work, {service + ".v1.sold", "key", text}));
          return 0;
        });
    ASSERT_TRUE(published) << published.error().describe();
  }
  static std::int64_t number(StoreHarness& harness, const std::string& sql) {
    const auto row =
        harness.read(harness.store().privileged(), [&](database::Transaction& transaction) { return transaction.query_one(sql); });
    return row ? (*row)->optional_integer(0).value_or(-1) : -2;
  }
  std::int64_t kept_by(const std::string& service) { return number(*shop_harness_, "SELECT count(*) FROM " + service + "_outbox"); }
  std::vector<std::string> done() {
    const auto rows = post_harness_->read(post_harness_->store().service("post"), [](database::Transaction& transaction) {
      return transaction.query("SELECT text FROM post_done ORDER BY number");
    });
    std::vector<std::string> texts;
    for (const auto& row : *rows) texts.push_back(row.text(0));
    return texts;
  }
  // Nobody reads `mail`: when its event is gone, the cleaning has passed.
  void let_clean() {
    publish_one("mail", "letter");
    shop_harness_->wait_until([this] { return kept_by("mail") == 0; });
  }

  static Task<void> ask(RemoteSourceTest& test, Reading reading, std::string& code) {
    const auto read = co_await test.post_->source.read(test.somebody_, std::move(reading));
    code = read ? "none" : read.error().code;
  }
  std::string read_code(Reading reading) {
    std::string code;
    post_harness_->run(ask(*this, std::move(reading), code));
    return code;
  }
  template <class Reply>
  static Task<void> keep(Task<Result<Reply>> call, std::optional<Result<Reply>>& out) {
    out.emplace(co_await std::move(call));
  }
  // For a thread that waits.
  template <class Reply>
  static Task<void> keep_and_tell(Task<Result<Reply>> call, std::optional<Result<Reply>>& out, std::atomic<bool>& told) {
    out.emplace(co_await std::move(call));
    told = true;
  }

  SystemRandom random_;  // two loops and two stores draw from it
  std::unique_ptr<StoreHarness> shop_harness_ = database::testing::threaded_harness({});
  std::unique_ptr<StoreHarness> post_harness_ = database::testing::threaded_harness({});
  runtime::Context somebody_{post_harness_->loop(), random_};
  std::unique_ptr<Shop> shop_;
  std::unique_ptr<Post> post_;
};

TEST_F(RemoteSourceTest, EachEventHasOneEffectThoughTheWayIsCutAndAnswersAreLost) {
  shop_->start();
  post_->start();
  std::vector<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    shop_->channel.cut = i % 20 >= 15;
    shop_->channel.lose_answers = i % 20 >= 10;
    expected.push_back(std::to_string(i));
    publish_one("shop", expected.back());
    if (i % 20 == 17) post_harness_->wait_until([this, before = shop_->channel.refused.load()] { return shop_->channel.refused > before; });
  }
  shop_->channel.cut = false;
  shop_->channel.lose_answers = false;
  post_harness_->wait_until([&] { return done().size() >= expected.size(); });
  EXPECT_EQ(done(), expected);
}

TEST_F(RemoteSourceTest, EventsAreKeptForAGroupThatIsAway) {
  shop_->start();
  publish_one("shop", "1");
  let_clean();
  EXPECT_EQ(kept_by("shop"), 1);  // it never came: it is only expected
  post_->start();
  shop_harness_->wait_until([this] { return kept_by("shop") == 0; });
  EXPECT_EQ(done(), std::vector<std::string>{"1"});

  // Both sides end; the owner comes back alone and remembers.
  post_->stop();
  shop_->stop();
  post_.reset();
  shop_ = std::make_unique<Shop>(*shop_harness_, random_);
  shop_->start();
  publish_one("shop", "2");
  let_clean();
  EXPECT_EQ(kept_by("shop"), 1);
  post_ = std::make_unique<Post>(*post_harness_, random_, *shop_);
  post_->start();
  shop_harness_->wait_until([this] { return kept_by("shop") == 0; });
  EXPECT_EQ(done(), (std::vector<std::string>{"1", "2"}));
}

// A stranger holds events back for as long as it shows itself, not for ever.
TEST_F(RemoteSourceTest, ForgetsAGroupThatNobodyExpects) {
  shop_->start();
  post_->start();
  publish_one("shop", "1");
  post_harness_->wait_until([this] { return done().size() == 1; });
  shop_->away.passed("shop", "old.group", 0);
  shop_harness_->wait_until([this] { return number(*shop_harness_, "SELECT count(*) FROM events_group") == 2; });
  publish_one("shop", "2");
  let_clean();
  EXPECT_GE(kept_by("shop"), 1);
  const auto aged = shop_harness_->write(shop_harness_->store().service("events"), [](database::Transaction& transaction) {
    return transaction.execute("UPDATE events_group SET at = at - ? WHERE consumer_group = 'old.group'", days(31));
  });
  ASSERT_TRUE(aged);
  shop_harness_->wait_until([this] { return kept_by("shop") == 0; });
}

TEST_F(RemoteSourceTest, SaysWhyItCannotRead) {
  shop_->start();
  publish_one("shop", "1");
  EXPECT_EQ(read_code({"shop", "post.on-sold", 0, 0, 10}), "none");
  // The group was here in a life of the outbox that the backup does not know.
  EXPECT_EQ(read_code({"shop", "post.on-sold", 5, 5, 10}), "events.ahead");
  post_->source.add("mail", shop_->events);
  EXPECT_EQ(read_code({"mail", "post.on-mail", 0, 0, 10}), "events.elsewhere");
  shop_->channel.cut = true;
  EXPECT_EQ(read_code({"shop", "post.on-sold", 0, 0, 10}), "rpc.unavailable");
}

TEST_F(RemoteSourceTest, PeopleDoNotReadEvents) {
  std::optional<Result<events::v1::ReadReply>> reply;
  events::v1::ReadRequest request;
  request.producer = "shop";
  request.group = "post.on-sold";
  request.limit = 1;
  post_harness_->run(keep(shop_->events.read(somebody_, request), reply));
  ASSERT_FALSE(*reply);
  EXPECT_EQ(reply->error().kind, ErrorKind::kForbidden);
}

TEST_F(RemoteSourceTest, AWaitEndsWithNewsAndWithTheServer) {
  shop_->start();
  runtime::Context context = somebody_.for_service("bus", runtime::ClientType::kEvent);
  events::v1::AwaitRequest request;
  request.producer = "shop";
  request.after = 0;
  request.wait = seconds(30);
  std::optional<Result<events::v1::AwaitReply>> first;
  std::atomic<bool> has_first{false};
  post_harness_->loop().spawn("wait", keep_and_tell(shop_->events.await(context, request), first, has_first));
  publish_one("shop", "1");
  post_harness_->wait_until([&] { return has_first.load(); });
  ASSERT_TRUE(*first);
  EXPECT_EQ((*first)->newest, 1);
  request.after = 1;
  std::optional<Result<events::v1::AwaitReply>> second;
  std::atomic<bool> has_second{false};
  post_harness_->loop().spawn("wait", keep_and_tell(shop_->events.await(context, request), second, has_second));
  shop_->server.stop();
  post_harness_->wait_until([&] { return has_second.load(); });
  ASSERT_FALSE(*second);
  EXPECT_EQ(second->error().kind, ErrorKind::kUnavailable);
}

TEST_F(RemoteSourceTest, AnswersLessWhenEventsAreLarge) {
  const std::string large(kMostBytesOfReply * 2 / 3, 'x');
  shop_->start();
  publish_one("shop", large);
  publish_one("shop", large);
  post_->start();
  post_harness_->wait_until([this] { return done().size() == 2; });
  EXPECT_EQ(done(), (std::vector<std::string>{large, large}));
}

}  // namespace
}  // namespace consilium::bus

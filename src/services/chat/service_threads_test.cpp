// The calls from several real loops at once, over the real store: what virtual time cannot show.
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/temporary_folder_testing.h"
#include "services/chat/chat_rig_test.h"

namespace consilium::chat::testing {
namespace {

constexpr std::size_t kLoops = 3;

template <class T>
class Box {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  std::vector<T> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [&] { return values_.size() >= count; }));
    return values_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

class Threads : public ::testing::Test {
 protected:
  Threads() {
    database::sqlite::Options options;
    options.path = folder.path() + "/chat.db";
    store = std::move(*database::sqlite::open_threaded(std::move(options)));
    EXPECT_TRUE(store->migrate("chat", migrations()));
    chat = std::make_unique<ChatService>(store->service("chat"), catalogue, Secret("0123456789abcdef0123456789abcdef"));
    loops.start();
  }
  ~Threads() override {
    store->close();
    loops.stop();
    loops.join();
    chat.reset();
  }

  template <class Reply, class Request>
  static Task<void> keep(ChatService& chat, Task<Result<Reply>> (v1::Chat::*method)(runtime::Context&, Request), runtime::Scheduler& loop,
                         RandomSource& random, runtime::Caller caller, Request request, Box<Result<Reply>>& box) {
    runtime::Context context(loop, random);
    context.caller = std::move(caller);
    v1::Chat& contract = chat;
    auto reply = co_await (contract.*method)(context, std::move(request));
    box.put(std::move(reply));
  }
  template <class Reply, class Request>
  void start(std::size_t loop, Task<Result<Reply>> (v1::Chat::*method)(runtime::Context&, Request), runtime::Caller caller,
             std::type_identity_t<Request> request, Box<Result<Reply>>& box) {
    loops.at(loop % kLoops).spawn("call", keep(*chat, method, loops.at(loop % kLoops), random, std::move(caller), std::move(request), box));
  }
  template <class Reply, class Request>
  Reply call(Task<Result<Reply>> (v1::Chat::*method)(runtime::Context&, Request), std::type_identity_t<Request> request) {
    Box<Result<Reply>> box;
    start(0, method, service(), std::move(request), box);
    return box.wait_for(1).front().value();
  }
  static runtime::Caller service() {
    runtime::Caller caller;
    caller.kind = runtime::Caller::Kind::kService;
    return caller;
  }
  static runtime::Caller person(const Uuid& id) {
    runtime::Caller caller;
    caller.kind = runtime::Caller::Kind::kUser;
    caller.user_id = id;
    return caller;
  }

  Uuid new_id() { return make_uuid_v7(loops.at(0).now(), random); }
  Uuid add_client() {
    const Uuid id = new_id();
    call(&v1::Chat::create_chat_user, {id, "Client", v1::MemberKind::kClient, "en", {}});
    return id;
  }

  runtime::TemporaryFolder folder;
  SystemRandom random;
  MessageCatalogue catalogue = shipped_catalogue();
  std::unique_ptr<database::Store> store;
  std::unique_ptr<ChatService> chat;
  runtime::LoopGroup loops{"chat", kLoops};
};

TEST_F(Threads, FiftyAtOnceWithOneClientIdMakeOnePost) {
  const Uuid anna = add_client();
  const Uuid channel = call(&v1::Chat::create_channel, {v1::ChannelKind::kCommon, anna, "Questions"}).channel_id;
  Box<Result<v1::Post>> answers;
  for (std::size_t i = 0; i < 50; ++i) start(i, &v1::Chat::create_post, person(anna), {channel, "hello", "once"}, answers);
  std::set<Uuid> ids;
  for (const auto& answer : answers.wait_for(50)) {
    ASSERT_TRUE(answer) << answer.error().describe();
    ids.insert(answer->id);
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(call(&v1::Chat::read_events, {anna, 0, 1000}).events.size(), 2u);  // joined, posted
}

TEST_F(Threads, HubsHearEverythingOnceInOrderWhileManyWrite) {
  constexpr std::size_t kClients = 20;
  constexpr std::size_t kPosts = 5;
  Box<Result<v1::Post>> answers;
  v1::ReadFeedReply last = call(&v1::Chat::read_feed, {-1, -1, {}});
  for (std::size_t i = 0; i < kClients; ++i) {
    const Uuid client = add_client();
    const Uuid channel = call(&v1::Chat::create_channel, {v1::ChannelKind::kCommon, client, "Questions"}).channel_id;
    for (std::size_t k = 0; k < kPosts; ++k) start(i + k, &v1::Chat::create_post, person(client), {channel, "hello", {}}, answers);
  }
  std::map<Uuid, std::int64_t> sequences;
  std::size_t heard = 0;
  while (heard < kClients * (kPosts + 1)) {
    last = call(&v1::Chat::read_feed, {last.position, last.volatile_position, seconds(30)});
    ASSERT_FALSE(last.events.empty());
    for (const v1::PersonEvent& event : last.events) EXPECT_EQ(event.sequence, ++sequences[event.user_id]);
    heard += last.events.size();
  }
  for (const auto& answer : answers.wait_for(kClients * kPosts)) EXPECT_TRUE(answer) << answer.error().describe();
  EXPECT_EQ(heard, kClients * (kPosts + 1));
}

}  // namespace
}  // namespace consilium::chat::testing

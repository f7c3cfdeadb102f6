// For tests: the chat over SQLite on virtual time. Everything runs in one thread but for the store's own, which are waited
// for, so that a run is the same each time.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>

#include "consilium/chat/v1/chat_events.h"
#include "ports/database/sqlite/threaded_store.h"
#include "runtime/observed_call.h"
#include "runtime/simulated_scheduler.h"
#include "runtime/temporary_folder_testing.h"
#include "services/chat/migrations.h"
#include "services/chat/service.h"

namespace consilium::chat::testing {

// Waits for each piece of work where it is given in.
class WaitingDatabase final : public database::Database {
 public:
  explicit WaitingDatabase(database::Database& inner) : inner_(inner) {}

  void enqueue(Mode mode, Work work, Done done) override {
    std::mutex mutex;
    std::condition_variable changed;
    bool finished = false;
    std::optional<Error> fate;
    inner_.enqueue(mode, std::move(work), [&](std::optional<Error> error) {
      const std::lock_guard lock(mutex);
      fate = std::move(error);
      finished = true;
      changed.notify_one();
    });
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return finished; });
    }
    done(std::move(fate));
  }

 private:
  database::Database& inner_;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline MessageCatalogue shipped_catalogue() {
  MessageCatalogue catalogue;
  for (const char* language : {"en", "ru"}) {
    const auto added =
        catalogue.add(language, read_text(std::filesystem::path(CONSILIUM_SOURCE_DIR) / "locales" / (std::string(language) + ".json")));
    EXPECT_TRUE(added) << added.error().describe();
  }
  return catalogue;
}

struct Published {
  std::string topic;
  std::string key;
  std::string payload;
};

class Rig {
 public:
  explicit Rig(std::uint64_t seed = 1, Settings settings = {}) : world(seed), random(seed), settings_(settings) {
    database::sqlite::Options options;
    options.path = folder_.path() + "/chat.db";
    options.synchronous = database::sqlite::Synchronous::kOffForTests;
    auto opened = database::sqlite::open_threaded(std::move(options));
    EXPECT_TRUE(opened) << opened.error().describe();
    store_ = std::move(*opened);
    const auto migrated = store_->migrate("chat", migrations());
    EXPECT_TRUE(migrated) << migrated.error().describe();
    database_ = std::make_unique<WaitingDatabase>(store_->service("chat"));
    restart();
  }
  ~Rig() {
    chat.reset();
    store_->close();
  }

  // The process anew: what was in memory is gone.
  void restart() { chat = std::make_unique<ChatService>(*database_, catalogue, Secret("0123456789abcdef0123456789abcdef"), settings_); }

  runtime::Caller person(const Uuid& id) const {
    runtime::Caller caller;
    caller.kind = runtime::Caller::Kind::kUser;
    caller.user_id = id;
    return caller;
  }
  runtime::Caller service() const {
    runtime::Caller caller;
    caller.kind = runtime::Caller::Kind::kService;
    caller.service = "tests";
    return caller;
  }

  // Through the declared rules, as callers in the same process come.
  template <class Reply, class Request>
  Result<Reply> call(const runtime::Caller& caller, Task<Result<Reply>> (v1::Chat::*method)(runtime::Context&, Request),
                     std::type_identity_t<Request> request, std::string idempotency_key = {}) {
    runtime::Context context(loop, random);
    context.caller = caller;
    context.idempotency_key = std::move(idempotency_key);
    auto call = start(context, method, std::move(request));
    world.run_until([&] { return call->has_value(); }, minutes(2));
    if (!call->has_value()) return fail(internal_error("The call did not end"));
    return std::move(**call);
  }
  // `context` outlives the call.
  template <class Reply, class Request>
  std::shared_ptr<std::optional<Result<Reply>>> start(runtime::Context& context,
                                                      Task<Result<Reply>> (v1::Chat::*method)(runtime::Context&, Request),
                                                      std::type_identity_t<Request> request) {
    auto answer = std::make_shared<std::optional<Result<Reply>>>();
    loop.spawn("call", keep<Reply, Request>(*chat, method, context, std::move(request), answer));
    return answer;
  }

  Result<void> run(Task<Result<void>> (ChatService::*job)(runtime::Context&)) {
    runtime::Context context(loop, random);
    context.caller = service();
    auto answer = std::make_shared<std::optional<Result<void>>>();
    loop.spawn("job", keep_job(*chat, job, context, answer));
    world.run_until([&] { return answer->has_value(); }, minutes(2));
    return answer->value();
  }

  // --- People and channels ---

  Uuid new_id() { return make_uuid_v7(loop.now(), random); }

  Uuid add_person(v1::MemberKind kind, std::string name, std::string language = "en", std::optional<std::string> photo = {}) {
    v1::CreateChatUserRequest request;
    request.user_id = new_id();
    request.display_name = std::move(name);
    request.kind = kind;
    request.language = std::move(language);
    request.photo_url = std::move(photo);
    const auto reply = call(service(), &v1::Chat::create_chat_user, request);
    EXPECT_TRUE(reply) << reply.error().describe();
    return request.user_id;
  }
  Uuid add_client(std::string name = "Anna Client", std::string language = "en") {
    return add_person(v1::MemberKind::kClient, std::move(name), std::move(language));
  }
  Uuid add_consultant(std::string name = "Clara Consultant", std::string language = "en", std::optional<std::string> photo = {}) {
    return add_person(v1::MemberKind::kConsultant, std::move(name), std::move(language), std::move(photo));
  }
  Uuid add_channel(const Uuid& client) {
    const auto reply = call(service(), &v1::Chat::create_channel, {v1::ChannelKind::kCommon, client, "Questions"});
    EXPECT_TRUE(reply) << reply.error().describe();
    return reply->channel_id;
  }
  Result<v1::Nothing> subscribe(const Uuid& channel, const Uuid& user, v1::MemberAccess access = v1::MemberAccess::kWrite,
                                std::optional<Timestamp> until = {}, std::optional<std::int64_t> fence = {}) {
    return call(service(), &v1::Chat::subscribe, {channel, user, access, until, fence});
  }

  Result<v1::Post> post(const Uuid& user, const Uuid& channel, std::string text, std::optional<std::string> client_id = {}) {
    return call(person(user), &v1::Chat::create_post, {channel, std::move(text), std::move(client_id)});
  }
  // A post past the limit of posting.
  v1::Post say(const Uuid& user, const Uuid& channel, std::string text) {
    world.run_for(milliseconds(200));
    auto reply = post(user, channel, std::move(text));
    EXPECT_TRUE(reply) << reply.error().describe();
    return *reply;
  }
  Result<v1::Post> bot_post(const Uuid& channel, std::string code, std::string parameters, std::optional<Uuid> to = {},
                            std::string key = {}) {
    v1::BotPostRequest request;
    request.channel_id = channel;
    request.code = std::move(code);
    request.parameters = JsonText{std::move(parameters)};
    request.to_user_id = to;
    request.idempotency_key = key.empty() ? new_id().text() : std::move(key);
    return call(service(), &v1::Chat::bot_post, request);
  }
  Result<v1::Post> bot_text(const Uuid& channel, std::string text, std::optional<Uuid> to = {}) {
    v1::BotPostRequest request;
    request.channel_id = channel;
    request.text = std::move(text);
    request.to_user_id = to;
    request.idempotency_key = new_id().text();
    return call(service(), &v1::Chat::bot_post, request);
  }
  Result<std::vector<v1::Post>> posts(const Uuid& user, const Uuid& channel) {
    auto reply = call(person(user), &v1::Chat::list_posts, {channel, 200, {}});
    if (!reply) return fail(reply.error());
    return reply->items;
  }
  std::vector<std::string> texts(const Uuid& user, const Uuid& channel) {
    std::vector<std::string> all;
    const auto list = posts(user, channel);
    EXPECT_TRUE(list) << list.error().describe();
    for (const v1::Post& one : *list) all.push_back(one.text);
    return all;
  }
  Result<v1::Channel> channel(const Uuid& user, const Uuid& id) { return call(person(user), &v1::Chat::get_channel, {id}); }
  std::vector<v1::Member> members(const Uuid& user, const Uuid& id) {
    const auto reply = channel(user, id);
    EXPECT_TRUE(reply) << reply.error().describe();
    return reply->members;
  }
  Result<v1::Nothing> mark_read(const Uuid& user, const Uuid& channel, const Uuid& post_id) {
    return call(person(user), &v1::Chat::mark_read, {channel, post_id});
  }
  Result<v1::Post> press(const Uuid& user, const v1::Post& shown, std::string action, std::optional<std::string> text = {}) {
    for (const v1::Action& offered : shown.actions) {
      if (offered.id == action) return call(person(user), &v1::Chat::press_action, {shown.id, action, offered.token, std::move(text)});
    }
    return fail(internal_error("The post does not offer the action"));
  }

  // --- Logs ---

  v1::ReadEventsReply events(const Uuid& user, std::int64_t after = 0, std::int32_t limit = 1000) {
    auto reply = call(service(), &v1::Chat::read_events, {user, after, limit});
    EXPECT_TRUE(reply) << reply.error().describe();
    return *reply;
  }
  std::vector<std::string> event_types(const Uuid& user, std::int64_t after = 0) {
    std::vector<std::string> types;
    for (const v1::PersonEvent& event : events(user, after).events) types.push_back(event.type);
    return types;
  }
  std::int64_t sequence(const Uuid& user) { return events(user).last_sequence; }
  v1::ReadFeedReply feed(std::int64_t after, std::int64_t volatile_after = -1, Duration wait = {}) {
    auto reply = call(service(), &v1::Chat::read_feed, {after, volatile_after, wait});
    EXPECT_TRUE(reply) << reply.error().describe();
    return *reply;
  }

  // --- Presence ---

  Uuid open_socket(const Uuid& user) { return open_socket(user, new_id()); }
  Uuid open_socket(const Uuid& user, const Uuid& session) {
    const Uuid socket = new_id();
    const auto reply = call(service(), &v1::Chat::open_socket, {socket, user, session});
    EXPECT_TRUE(reply) << reply.error().describe();
    return socket;
  }
  void renew(std::vector<Uuid> sockets, std::optional<Duration> silent_for = std::nullopt) {
    EXPECT_TRUE(call(service(), &v1::Chat::renew_sockets, {std::move(sockets), silent_for}));
  }
  void close_socket(const Uuid& socket) { EXPECT_TRUE(call(service(), &v1::Chat::close_socket, {socket})); }
  v1::PresenceReply choose(const Uuid& user, v1::PresenceStatus status) {
    auto reply = call(person(user), &v1::Chat::set_presence, {status});
    EXPECT_TRUE(reply) << reply.error().describe();
    return *reply;
  }
  v1::PresenceStatus presence(const Uuid& user) {
    const auto reply = call(service(), &v1::Chat::get_presences, {{user}});
    EXPECT_TRUE(reply) << reply.error().describe();
    return reply->items.empty() ? v1::PresenceStatus::kUnspecified : reply->items.front().effective;
  }

  // --- Behind the scenes ---

  database::Rows query(std::string_view sql) {
    std::optional<Result<database::Rows>> rows;
    database_->enqueue(
        database::Database::Mode::kRead,
        [&](database::Transaction& transaction) {
          rows.emplace(transaction.select(sql, {}));
          return rows->has_value();
        },
        [](const std::optional<Error>&) {});
    EXPECT_TRUE(rows && *rows);
    return std::move(**rows);
  }
  std::int64_t count(std::string_view sql) { return query(sql).front().integer(0); }
  std::vector<Published> published(std::string_view topic) {
    std::vector<Published> events;
    for (const database::Row& row : query("SELECT topic, key, payload FROM chat_outbox ORDER BY position")) {
      if (row.text(0) == topic) events.push_back({row.text(0), row.text(1), row.text(2)});
    }
    return events;
  }

  runtime::SimulatedWorld world;
  runtime::SimulatedScheduler& loop = world.add_loop("chat");
  SeededRandom random;
  MessageCatalogue catalogue = shipped_catalogue();
  std::unique_ptr<ChatService> chat;

 private:
  template <class Reply, class Request>
  static Task<void> keep(ChatService& chat, Task<Result<Reply>> (v1::Chat::*method)(runtime::Context&, Request), runtime::Context& context,
                         Request request, std::shared_ptr<std::optional<Result<Reply>>> answer) {
    v1::Chat& contract = chat;
    auto reply = co_await runtime::checked_call(contract, method, context, std::move(request));
    answer->emplace(std::move(reply));
  }
  static Task<void> keep_job(ChatService& chat, Task<Result<void>> (ChatService::*job)(runtime::Context&), runtime::Context& context,
                             std::shared_ptr<std::optional<Result<void>>> answer) {
    auto reply = co_await (chat.*job)(context);
    answer->emplace(std::move(reply));
  }

  Settings settings_;
  runtime::TemporaryFolder folder_;
  std::unique_ptr<database::Store> store_;
  std::unique_ptr<WaitingDatabase> database_;
};

inline std::string code_of(const Error& error) { return error.code; }
template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "" : result.error().code;
}

}  // namespace consilium::chat::testing

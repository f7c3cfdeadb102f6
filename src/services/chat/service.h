// The chat engine of the platform: the calls of the contract. May be called from any loop; what it keeps in memory (the
// bell of the feed, who typed lately) may be lost with the process, everything else is in the database.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/message_catalogue.h"
#include "base/secret.h"
#include "consilium/chat/v1/chat_service.h"
#include "ports/database/idempotency.h"
#include "runtime/event.h"
#include "runtime/log.h"
#include "services/chat/feed.h"
#include "services/chat/lease_clock.h"
#include "services/chat/render.h"
#include "services/chat/settings.h"

namespace consilium::chat {

inline constexpr std::int32_t kMaxFeedBatch = 1'000;  // durable events, and people of volatile ones, of one answer
inline constexpr Duration kMaxFeedWait = seconds(30);
inline constexpr std::size_t kRenewalStep = 1'000;  // sockets of one transaction
inline constexpr std::size_t kMaxTypingNotes = 10'000;
inline constexpr Duration kForgetSocketAfter = hours(1);  // a silent one; renewed later it counts no more

class ChatService final : public v1::Chat {
 public:
  // `database` is the door of the service `chat`, brought up to `migrations()`; it and the catalogue outlive the service.
  // `action_key`: at least 32 random bytes, the same in all processes of the platform.
  ChatService(database::Database& database, const MessageCatalogue& catalogue, Secret action_key, Settings settings = {});

  // For people.
  Task<Result<v1::ListChannelsReply>> list_channels(runtime::Context& context, v1::ListChannelsRequest request) override;
  Task<Result<v1::Channel>> get_channel(runtime::Context& context, v1::GetChannelRequest request) override;
  Task<Result<v1::ListPostsReply>> list_posts(runtime::Context& context, v1::ListPostsRequest request) override;
  Task<Result<v1::Post>> create_post(runtime::Context& context, v1::CreatePostRequest request) override;
  Task<Result<v1::Nothing>> mark_read(runtime::Context& context, v1::MarkReadRequest request) override;
  Task<Result<v1::Post>> press_action(runtime::Context& context, v1::PressActionRequest request) override;
  Task<Result<v1::PresenceReply>> set_presence(runtime::Context& context, v1::SetPresenceRequest request) override;
  Task<Result<v1::PresenceReply>> get_presence(runtime::Context& context, v1::GetPresenceRequest request) override;

  // For services.
  Task<Result<v1::ChatUserReply>> create_chat_user(runtime::Context& context, v1::CreateChatUserRequest request) override;
  Task<Result<v1::Nothing>> delete_chat_user(runtime::Context& context, v1::ChatUserRequest request) override;
  Task<Result<v1::ChannelReply>> create_channel(runtime::Context& context, v1::CreateChannelRequest request) override;
  Task<Result<v1::Nothing>> subscribe(runtime::Context& context, v1::SubscribeRequest request) override;
  Task<Result<v1::Nothing>> unsubscribe(runtime::Context& context, v1::UnsubscribeRequest request) override;
  Task<Result<v1::Post>> bot_post(runtime::Context& context, v1::BotPostRequest request) override;
  Task<Result<v1::AskBotReply>> ask_bot(runtime::Context& context, v1::AskBotRequest request) override;
  Task<Result<v1::Post>> get_post(runtime::Context& context, v1::GetPostRequest request) override;
  Task<Result<v1::GetPresencesReply>> get_presences(runtime::Context& context, v1::GetPresencesRequest request) override;

  // For hubs.
  Task<Result<v1::OpenSocketReply>> open_socket(runtime::Context& context, v1::OpenSocketRequest request) override;
  Task<Result<v1::Nothing>> renew_sockets(runtime::Context& context, v1::RenewSocketsRequest request) override;
  Task<Result<v1::Nothing>> close_socket(runtime::Context& context, v1::CloseSocketRequest request) override;
  Task<Result<v1::Nothing>> typing(runtime::Context& context, v1::TypingRequest request) override;
  Task<Result<v1::NotifyReply>> notify(runtime::Context& context, v1::NotifyRequest request) override;
  Task<Result<v1::ReadFeedReply>> read_feed(runtime::Context& context, v1::ReadFeedRequest request) override;
  Task<Result<v1::ReadEventsReply>> read_events(runtime::Context& context, v1::ReadEventsRequest request) override;

  // For the consumer of users' events: a new name, photo or language. Nothing when there is no such account.
  Task<Result<void>> change_profile(runtime::Context& context, store::Person person);

  // Notices leases and memberships that ran out. For one loop of one process at a time; more do no harm.
  Task<Result<void>> sweep(runtime::Context& context);
  // Shortens the event logs.
  Task<Result<void>> trim(runtime::Context& context);
  // Does both until `stop`, once. The loop, this object and `random` outlive what is started.
  void start(runtime::Scheduler& loop, RandomSource& random, runtime::Logger logger = {});
  // After the step that is under way. On the loop of `start`.
  Task<void> stop();
  // Hubs that wait are answered `server.stopping`, now and from now on. Any thread.
  void end_feeds();

  const Settings& settings() const { return settings_; }
  // New posts since the start, of people and of the bot; any thread.
  std::uint64_t posts() const { return posts_.load(std::memory_order_relaxed); }

 private:
  using Transaction = database::Transaction;
  using Signals = std::vector<Signal>;

  // Inside the transaction of the call of that name.
  Result<v1::Post> create_post_in(Transaction& transaction, const runtime::Context& context, const Uuid& author,
                                  const v1::CreatePostRequest& request, store::StoredPost post) const;
  Result<v1::Post> repeated_post(Transaction& transaction, const store::StoredPost& wanted, const Reader& author) const;
  Result<bool> mark_read_in(Transaction& transaction, const Uuid& reader, const v1::MarkReadRequest& request, Timestamp now) const;
  Result<v1::Post> press_action_in(Transaction& transaction, const runtime::Context& context, const Uuid& person,
                                   const v1::PressActionRequest& request, Timestamp now) const;
  Result<v1::Post> bot_post_in(Transaction& transaction, const runtime::Context& context, store::StoredPost post,
                               std::span<const Uuid> people) const;
  Result<std::vector<v1::Channel>> complete_channels(Transaction& transaction, const Reader& reader,
                                                     std::span<const store::ChannelRow> rows, store::Present present) const;
  Result<v1::ListPostsReply> list_posts_in(Transaction& transaction, const Uuid& reader, const v1::ListPostsRequest& request,
                                           Timestamp now) const;
  Result<Signals> delete_chat_user_in(Transaction& transaction, const runtime::Context& context, const Uuid& user, Timestamp now) const;
  Result<Signals> open_socket_in(Transaction& transaction, const runtime::Context& context, const v1::OpenSocketRequest& request,
                                 Timestamp now) const;
  Result<Signals> sweep_in(Transaction& transaction, const runtime::Context& context, Timestamp now) const;
  Result<std::vector<v1::PersonEvent>> render_events(Transaction& transaction, std::span<const store::StoredEvent> events,
                                                     store::Present present) const;
  // A notice that is not kept.
  Task<Result<v1::NotifyReply>> signal(runtime::Context& context, const v1::NotifyRequest& request, Timestamp lease_now);
  Result<v1::ReadEventsReply> read_events_in(Transaction& transaction, const v1::ReadEventsRequest& request, store::Present present) const;

  store::Present present_of(const runtime::Context& context) const { return {context.now(), lease_clock_.now(context)}; }
  // Writes what became of these people's presence; the signals are for after the commit.
  Result<Signals> settle_presence(Transaction& transaction, const runtime::Context& context, std::span<const Uuid> users,
                                  Timestamp now) const;
  Result<v1::Post> render_for(Transaction& transaction, const store::StoredPost& post, const Reader& reader, Timestamp now) const;
  void send(Signals signals);
  bool may_tell_typing(const Uuid& person, const Uuid& channel, Timestamp steady_now);

  // Shared with what runs: it may be given up without `stop`.
  struct Background {
    Background(runtime::Scheduler& on, RandomSource& random, runtime::Logger to);

    const runtime::Context base;
    const runtime::Logger logger;
    runtime::Gate stopping;
    runtime::Gate ended;
    int running = 0;
  };
  using Step = Task<Result<void>> (ChatService::*)(runtime::Context&);
  Task<void> repeat(std::shared_ptr<Background> background, const char* name, Duration interval, Step step);

  database::Database& database_;
  const Settings settings_;
  const ActionTokens tokens_;
  const Renderer renderer_;
  const database::IdempotencyTable idempotency_{"chat"};
  LeaseClock lease_clock_;
  Feed feed_;
  std::atomic<std::uint64_t> posts_{0};
  std::atomic<bool> feeds_ended_{false};
  std::shared_ptr<Background> background_;
  std::mutex typing_mutex_;
  std::map<std::pair<Uuid, Uuid>, Timestamp> typing_;
};

}  // namespace consilium::chat

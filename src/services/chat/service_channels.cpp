// People, channels and members.
#include "base/cursor.h"
#include "runtime/rounds.h"
#include "services/chat/callers.h"
#include "services/chat/service.h"

namespace consilium::chat {

ChatService::ChatService(database::Database& database, const MessageCatalogue& catalogue, Secret action_key, Settings settings)
    : database_(database), settings_(settings), tokens_(std::move(action_key)), renderer_(catalogue, tokens_, settings_.token_life) {}

// --- For people ---

Task<Result<v1::ListChannelsReply>> ChatService::list_channels(runtime::Context& context, v1::ListChannelsRequest request) {
  CO_ASSIGN_OR_RETURN(const Uuid user, person_calling(context));
  std::optional<store::PageStart> start;
  if (request.cursor) {
    const auto cursor = Cursor::parse(*request.cursor);
    if (!cursor) co_return fail(v1::errors::bad_cursor());
    start = store::PageStart{cursor->created, cursor->id};
  }
  const store::Present present = present_of(context);
  const std::int32_t size = page_size_of(request.limit);
  const auto work = [&](Transaction& transaction) -> Result<v1::ListChannelsReply> {
    ASSIGN_OR_RETURN(const auto person, store::find_person(transaction, user));
    if (!person) return v1::ListChannelsReply{};
    ASSIGN_OR_RETURN(auto rows, store::list_channels(transaction, user, present.now, start, size + 1));
    v1::ListChannelsReply reply;
    if (rows.size() > static_cast<std::size_t>(size)) {
      rows.pop_back();
      reply.next_cursor = Cursor{rows.back().created_at, rows.back().id}.text();
    }
    ASSIGN_OR_RETURN(reply.items, complete_channels(transaction, {user, person->language, person->kind}, rows, present));
    return reply;
  };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

Task<Result<v1::Channel>> ChatService::get_channel(runtime::Context& context, v1::GetChannelRequest request) {
  CO_ASSIGN_OR_RETURN(const Uuid user, person_calling(context));
  const store::Present present = present_of(context);
  const auto work = [&](Transaction& transaction) -> Result<v1::Channel> {
    ASSIGN_OR_RETURN(const auto person, store::find_person(transaction, user));
    ASSIGN_OR_RETURN(const auto row, store::channel_as_seen(transaction, request.id, user, present.now));
    if (!person || !row) return fail(v1::errors::channel_not_found());
    ASSIGN_OR_RETURN(auto channels, complete_channels(transaction, {user, person->language, person->kind}, {&*row, 1}, present));
    return std::move(channels.front());
  };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

// Members and last posts of all rows at once.
Result<std::vector<v1::Channel>> ChatService::complete_channels(Transaction& transaction, const Reader& reader,
                                                                std::span<const store::ChannelRow> rows, store::Present present) const {
  std::vector<Uuid> ids;
  std::vector<v1::Channel> channels;
  std::map<Uuid, std::size_t> place;
  for (const store::ChannelRow& row : rows) {
    place[row.id] = channels.size();
    ids.push_back(row.id);
    v1::Channel channel;
    channel.id = row.id;
    channel.kind = row.kind;
    channel.display_name = row.display_name;
    channel.unread_count = row.unread;
    channel.created_at = row.created_at;
    channels.push_back(std::move(channel));
  }
  ASSIGN_OR_RETURN(const auto members, store::members_of(transaction, ids, present));
  for (const store::MemberRow& member : members) channels[place[member.channel_id]].members.push_back(member_of(member));
  ASSIGN_OR_RETURN(const auto posts, store::last_posts(transaction, ids, reader.user_id));
  std::vector<const store::StoredPost*> pointers;
  for (const store::StoredPost& post : posts) pointers.push_back(&post);
  ASSIGN_OR_RETURN(const store::People people, store::find_people(transaction, people_named_in(pointers)));
  for (const store::StoredPost& post : posts)
    channels[place[post.channel_id]].last_post = renderer_.post(post, reader, people, present.now);
  return channels;
}

// --- For services ---

Task<Result<v1::ChatUserReply>> ChatService::create_chat_user(runtime::Context& context, v1::CreateChatUserRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  const store::Person person{request.user_id, request.kind, request.display_name, request.language, request.photo_url, true};
  const auto work = [&](Transaction& transaction) -> Result<v1::ChatUserReply> {
    TRY(store::save_person(transaction, person, now));
    return v1::ChatUserReply{person.id};
  };
  auto reply = co_await database_.write(context, work);
  co_return reply;
}

Task<Result<void>> ChatService::change_profile(runtime::Context& context, store::Person person) {
  const auto work = [&](Transaction& transaction) { return store::change_profile(transaction, person); };
  auto changed = co_await database_.write(context, work);
  co_return changed;
}

Task<Result<v1::Nothing>> ChatService::delete_chat_user(runtime::Context& context, v1::ChatUserRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) { return delete_chat_user_in(transaction, context, request.user_id, now); };
  auto signals = co_await database_.write(context, work);
  if (!signals) co_return fail(std::move(signals).error());
  send(std::move(*signals));
  feed_.ring();
  co_return v1::Nothing{};
}

namespace {

// The others and the one who leaves hear of it.
Result<void> end_and_tell(database::Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now) {
  const store::Happening left{store::EventType::kChannelLeft, 0, channel, user};
  TRY(store::end_membership(transaction, channel, user, now));
  TRY(store::tell_members(transaction, channel, now, left));
  return store::tell_person(transaction, user, now, left);
}

}  // namespace

// The person's posts stay, under their name.
Result<ChatService::Signals> ChatService::delete_chat_user_in(Transaction& transaction, const runtime::Context& context, const Uuid& user,
                                                              Timestamp now) const {
  ASSIGN_OR_RETURN(const auto person, store::find_person(transaction, user));
  if (!person) {
    // Remembered, so that a creation which is still under way makes nobody who is there.
    TRY(store::save_person(transaction, {user, v1::MemberKind::kUnspecified, "", "en", std::nullopt, false}, now));
    return Signals{};
  }
  if (!person->active) return Signals{};
  TRY(store::deactivate(transaction, user));
  TRY(store::drop_sockets(transaction, user));
  const Uuid users[] = {user};
  ASSIGN_OR_RETURN(Signals signals, settle_presence(transaction, context, users, now));
  ASSIGN_OR_RETURN(const auto channels, store::channels_of(transaction, user));
  for (const Uuid& channel : channels) TRY(end_and_tell(transaction, channel, user, now));
  return signals;
}

Task<Result<v1::ChannelReply>> ChatService::create_channel(runtime::Context& context, v1::CreateChannelRequest request) {
  CO_TRY(require_service(context));
  const store::ChannelRow row{context.new_id(), request.kind, request.client_user_id, request.display_name, context.now(), 0};
  const auto work = [&](Transaction& transaction) -> Result<v1::ChannelReply> {
    ASSIGN_OR_RETURN(const auto existing, store::find_channel_of_client(transaction, row.client_user_id, row.kind));
    if (existing) return v1::ChannelReply{*existing};
    ASSIGN_OR_RETURN(const auto person, store::find_person(transaction, row.client_user_id));
    if (!person || !person->active) return fail(v1::errors::user_not_found());
    TRY(store::insert_channel(transaction, row));
    TRY(store::save_membership(transaction, row.id, person->id, {v1::MemberAccess::kWrite, kNoEnd}, row.created_at));
    TRY(store::tell_members(transaction, row.id, row.created_at, {store::EventType::kChannelJoined, 0, row.id, person->id}));
    return v1::ChannelReply{row.id};
  };
  auto reply = co_await database_.write(context, work);
  if (reply) feed_.ring();
  co_return reply;
}

Task<Result<v1::Nothing>> ChatService::subscribe(runtime::Context& context, v1::SubscribeRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) -> Result<v1::Nothing> {
    ASSIGN_OR_RETURN(const auto channel, store::find_channel(transaction, request.channel_id));
    if (!channel) return fail(v1::errors::channel_not_found());
    ASSIGN_OR_RETURN(const auto person, store::find_person(transaction, request.user_id));
    if (!person || !person->active) return fail(v1::errors::user_not_found());
    ASSIGN_OR_RETURN(const std::int64_t taken, store::find_fence(transaction, request.channel_id, request.user_id));
    if (is_overtaken(taken, request.access, request.fence)) return v1::Nothing{};
    if (request.fence) TRY(store::save_fence(transaction, request.channel_id, request.user_id, *request.fence, now));
    ASSIGN_OR_RETURN(const auto standing, store::find_standing(transaction, request.channel_id, request.user_id, now));
    const auto current = standing ? std::optional(standing->membership) : std::nullopt;
    const auto wanted = subscribed(current, request.access, request.until, now, settings_.read_after_release);
    if (wanted == current) return v1::Nothing{};
    if (!wanted) {
      TRY(end_and_tell(transaction, request.channel_id, request.user_id, now));
      return v1::Nothing{};
    }
    TRY(store::save_membership(transaction, request.channel_id, request.user_id, *wanted, now));
    TRY(store::tell_members(transaction, request.channel_id, now,
                            {store::EventType::kChannelJoined, 0, request.channel_id, request.user_id}));
    return v1::Nothing{};
  };
  auto reply = co_await database_.write(context, work);
  if (reply) feed_.ring();
  co_return reply;
}

Task<Result<v1::Nothing>> ChatService::unsubscribe(runtime::Context& context, v1::UnsubscribeRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) -> Result<v1::Nothing> {
    ASSIGN_OR_RETURN(const auto channel, store::find_channel(transaction, request.channel_id));
    if (!channel) return fail(v1::errors::channel_not_found());
    ASSIGN_OR_RETURN(const auto standing, store::find_standing(transaction, request.channel_id, request.user_id, now));
    if (standing) TRY(end_and_tell(transaction, request.channel_id, request.user_id, now));
    return v1::Nothing{};
  };
  auto reply = co_await database_.write(context, work);
  if (reply) feed_.ring();
  co_return reply;
}

// --- In the background ---

Result<ChatService::Signals> ChatService::sweep_in(Transaction& transaction, const runtime::Context& context, Timestamp now) const {
  const Timestamp of_leases = lease_clock_.now(context);
  TRY(store::shorten_leases(transaction, of_leases + settings_.lease));
  ASSIGN_OR_RETURN(const auto people, store::people_run_out(transaction, of_leases));
  TRY(store::mark_run_out(transaction, people, of_leases));
  ASSIGN_OR_RETURN(Signals signals, settle_presence(transaction, context, people, now));
  ASSIGN_OR_RETURN(const auto ended, store::memberships_run_out(transaction, now));
  for (const store::Ended& one : ended) TRY(end_and_tell(transaction, one.channel_id, one.user_id, now));
  return signals;
}

Task<Result<void>> ChatService::sweep(runtime::Context& context) {
  while (true) {
    const auto [now, of_leases] = present_of(context);
    // Mostly there is nothing to do: found out without the writer.
    const auto look = [&](Transaction& transaction) -> Result<bool> {
      ASSIGN_OR_RETURN(const auto people, store::people_run_out(transaction, of_leases));
      ASSIGN_OR_RETURN(const auto ended, store::memberships_run_out(transaction, now));
      ASSIGN_OR_RETURN(const bool too_long, store::has_leases_after(transaction, of_leases + settings_.lease));
      return !people.empty() || !ended.empty() || too_long;
    };
    const auto due = co_await database_.read(context, look);
    if (!due) co_return fail(due.error());
    if (!*due) co_return Result<void>();
    const auto work = [&](Transaction& transaction) { return sweep_in(transaction, context, now); };
    auto signals = co_await database_.write(context, work);
    if (!signals) co_return fail(std::move(signals).error());
    send(std::move(*signals));
    feed_.ring();
  }
}

Task<Result<void>> ChatService::trim(runtime::Context& context) {
  const Timestamp oldest = context.now() - settings_.event_retention;
  while (true) {
    const auto work = [&](Transaction& transaction) -> Result<std::int64_t> {
      ASSIGN_OR_RETURN(const std::int64_t old, store::trim_old(transaction, oldest));
      ASSIGN_OR_RETURN(const std::int64_t many, store::trim_long(transaction, settings_.events_per_person));
      ASSIGN_OR_RETURN(const std::int64_t notices, store::trim_notices(transaction, oldest));
      ASSIGN_OR_RETURN(const std::int64_t sockets, store::forget_sockets(transaction, lease_clock_.now(context) - kForgetSocketAfter));
      return old + many + notices + sockets;
    };
    const auto gone = co_await database_.write(context, work);
    if (!gone) co_return fail(gone.error());
    if (*gone == 0) co_return Result<void>();
  }
}

ChatService::Background::Background(runtime::Scheduler& on, RandomSource& random, runtime::Logger to)
    : base(on, random), logger(to), stopping(on), ended(on) {}

void ChatService::start(runtime::Scheduler& loop, RandomSource& random, runtime::Logger logger) {
  background_ = std::make_shared<Background>(loop, random, logger);
  background_->running = 2;
  loop.spawn("chat.sweep", repeat(background_, "chat.sweep", settings_.sweep_interval, &ChatService::sweep));
  loop.spawn("chat.trim", repeat(background_, "chat.trim", settings_.trim_interval, &ChatService::trim));
}

Task<void> ChatService::stop() {
  if (!background_) co_return;
  background_->stopping.open();
  co_await background_->ended.wait();
}

// A failed step (a full disk, say) is tried again at the next turn.
Task<void> ChatService::repeat(std::shared_ptr<Background> background, const char* name, Duration interval, Step step) {
  runtime::Rounds rounds(name, background->logger);
  while (!co_await background->stopping.wait_for(interval)) {
    runtime::Context context = background->base.for_service("chat", runtime::ClientType::kTimer);
    const auto one = [this, &context, step] { return (this->*step)(context); };
    co_await rounds.run(one);
  }
  if (--background->running == 0) background->ended.open();
}

}  // namespace consilium::chat

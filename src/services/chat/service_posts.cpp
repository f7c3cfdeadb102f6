// Posts: writing, reading, marking as read, pressing buttons, and the bot.
#include <limits>

#include "base/cursor.h"
#include "consilium/chat/v1/chat_events.h"
#include "services/chat/bot.h"
#include "services/chat/callers.h"
#include "services/chat/post_text.h"
#include "services/chat/predefined_posts.h"
#include "services/chat/service.h"

namespace consilium::chat {
namespace {

Reader reader_of(const store::Person& person) { return {person.id, person.language, person.kind}; }

v1::PostCreated created_event(const store::StoredPost& post, v1::ChannelKind channel_kind) {
  v1::PostCreated event;
  event.post_id = post.id;
  event.channel_id = post.channel_id;
  event.channel_kind = channel_kind;
  event.author_kind = post.by_bot() ? v1::AuthorKind::kBot : v1::AuthorKind::kUser;
  if (!post.by_bot()) event.author_id = post.author_id;
  event.at = post.at;
  return event;
}

bool same_content(const store::StoredPost& left, const store::StoredPost& right) {
  return left.channel_id == right.channel_id && left.text == right.text && left.recipient_id == right.recipient_id;
}

const ActionRule* find_action(const store::StoredPost& post, std::string_view id) {
  const PredefinedPost* predefined = post.code ? find_predefined_post(*post.code) : nullptr;
  if (!predefined) return nullptr;
  for (const ActionRule& rule : predefined->actions) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

}  // namespace

Result<v1::Post> ChatService::render_for(Transaction& transaction, const store::StoredPost& post, const Reader& reader,
                                         Timestamp now) const {
  const store::StoredPost* const posts[] = {&post};
  ASSIGN_OR_RETURN(const store::People people, store::find_people(transaction, people_named_in(posts)));
  return renderer_.post(post, reader, people, now);
}

// --- Writing ---

Task<Result<v1::Post>> ChatService::create_post(runtime::Context& context, v1::CreatePostRequest request) {
  CO_ASSIGN_OR_RETURN(const Uuid author, person_calling(context));
  CO_TRY(check_post_text(request.text));
  CO_ASSIGN_OR_RETURN(const auto once, database::idempotent_request(
                                           context, "CreatePost", context.idempotency_key.empty() ? std::string() : encode_wire(request)));
  store::StoredPost post;
  post.id = context.new_id();
  post.channel_id = request.id;
  post.author_id = author;
  post.at = context.now();
  post.text = request.text;
  post.dedup_key = request.client_id;
  const auto work = [&](Transaction& transaction) -> Result<v1::Post> {
    return idempotency_.once<v1::Post>(transaction, once, [&] { return create_post_in(transaction, context, author, request, post); });
  };
  auto reply = co_await database_.write(context, work);
  if (reply && reply->id == post.id) ++posts_;  // not when it repeats an earlier one
  if (reply) feed_.ring();
  co_return reply;
}

// The hot path is five statements whatever the number of members: standing, post, two for the logs, outbox.
Result<v1::Post> ChatService::create_post_in(Transaction& transaction, const runtime::Context& context, const Uuid& author,
                                             const v1::CreatePostRequest& request, store::StoredPost post) const {
  ASSIGN_OR_RETURN(const auto standing, store::find_standing(transaction, request.id, author, post.at));
  if (!standing) return fail(v1::errors::channel_not_found());
  const Reader reader = reader_of(standing->person);
  std::optional<Error> refusal;
  if (standing->membership.access != v1::MemberAccess::kWrite) {
    refusal = v1::errors::read_only();
  } else if (const auto wait = wait_before_post(standing->recent_posts, post.at, settings_)) {
    refusal = v1::errors::too_fast().retry_in(*wait);
  }
  if (refusal) {
    // Who only asks again for what was stored is answered all the same.
    if (!post.dedup_key) return fail(std::move(*refusal));
    ASSIGN_OR_RETURN(const auto stored, store::find_post_once(transaction, author, *post.dedup_key));
    if (!stored) return fail(std::move(*refusal));
    return repeated_post(transaction, post, reader);
  }
  ASSIGN_OR_RETURN(const bool fresh, store::insert_post(transaction, post));
  if (!fresh) return repeated_post(transaction, post, reader);
  TRY(store::tell_members_of_post(transaction, post, with_post(standing->recent_posts, post.at, settings_)));
  v1::PostCreated event = created_event(post, standing->channel_kind);
  event.member_kind = standing->person.kind;
  TRY(v1::publish(transaction, context, event));
  post.author_name = standing->person.display_name;
  return renderer_.post(post, reader, {}, post.at);
}

Result<v1::Post> ChatService::repeated_post(Transaction& transaction, const store::StoredPost& wanted, const Reader& author) const {
  ASSIGN_OR_RETURN(const auto stored, store::find_post_once(transaction, wanted.author_id, *wanted.dedup_key));
  if (!stored) return fail(internal_error("A post that was there is gone"));
  if (!same_content(*stored, wanted)) return fail(v1::errors::client_id_reused());
  return renderer_.post(*stored, author, {}, wanted.at);
}

// --- Reading ---

Task<Result<v1::ListPostsReply>> ChatService::list_posts(runtime::Context& context, v1::ListPostsRequest request) {
  CO_ASSIGN_OR_RETURN(const Uuid reader, person_calling(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) { return list_posts_in(transaction, reader, request, now); };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

Result<v1::ListPostsReply> ChatService::list_posts_in(Transaction& transaction, const Uuid& reader, const v1::ListPostsRequest& request,
                                                      Timestamp now) const {
  ASSIGN_OR_RETURN(const auto standing, store::find_standing(transaction, request.id, reader, now));
  if (!standing) return fail(v1::errors::channel_not_found());
  // Order is by position, which the cursor's post has.
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (request.cursor) {
    const auto cursor = Cursor::parse(*request.cursor);
    if (!cursor) return fail(v1::errors::bad_cursor());
    ASSIGN_OR_RETURN(const auto last, store::find_post_for(transaction, cursor->id, reader, now));
    if (!last || last->channel_id != request.id) return fail(v1::errors::bad_cursor());
    before = last->position;
  }
  const std::int32_t size = page_size_of(request.limit);
  ASSIGN_OR_RETURN(auto rows, store::list_posts(transaction, request.id, reader, before, size + 1));
  v1::ListPostsReply reply;
  if (rows.size() > static_cast<std::size_t>(size)) {
    rows.pop_back();
    reply.next_cursor = Cursor{rows.back().at, rows.back().id}.text();
  }
  std::vector<const store::StoredPost*> posts;
  for (const store::StoredPost& row : rows) posts.push_back(&row);
  ASSIGN_OR_RETURN(const store::People people, store::find_people(transaction, people_named_in(posts)));
  for (const store::StoredPost& row : rows) reply.items.push_back(renderer_.post(row, reader_of(standing->person), people, now));
  return reply;
}

Task<Result<v1::Post>> ChatService::get_post(runtime::Context& context, v1::GetPostRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) -> Result<v1::Post> {
    ASSIGN_OR_RETURN(const auto post, store::find_post(transaction, request.id));
    if (!post) return fail(v1::errors::post_not_found());
    return render_for(transaction, *post, {Uuid{}, context.language}, now);
  };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

Task<Result<v1::Nothing>> ChatService::mark_read(runtime::Context& context, v1::MarkReadRequest request) {
  CO_ASSIGN_OR_RETURN(const Uuid reader, person_calling(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) { return mark_read_in(transaction, reader, request, now); };
  const auto moved = co_await database_.write(context, work);
  if (!moved) co_return fail(moved.error());
  if (*moved) feed_.ring();
  co_return v1::Nothing{};
}

// Reading only goes forward. Others hear of the newest post that they may know of.
Result<bool> ChatService::mark_read_in(Transaction& transaction, const Uuid& reader, const v1::MarkReadRequest& request,
                                       Timestamp now) const {
  ASSIGN_OR_RETURN(const auto standing, store::find_standing(transaction, request.id, reader, now));
  if (!standing) return fail(v1::errors::channel_not_found());
  ASSIGN_OR_RETURN(const auto post, store::find_post_for(transaction, request.post_id, reader, now));
  if (!post || post->channel_id != request.id) return fail(v1::errors::post_not_found());
  if (post->position <= standing->last_read) return false;
  std::int64_t shown = post->position;
  if (post->recipient_id) {
    ASSIGN_OR_RETURN(shown, store::last_shown_before(transaction, request.id, post->position));
  }
  TRY(store::save_read(transaction, request.id, reader, post->position, shown));
  if (shown > standing->last_read_shown) {
    TRY(store::tell_members_of_read(transaction, request.id, reader, post->position, shown, now));
  } else {
    TRY(store::tell_person(transaction, reader, now, {store::EventType::kChannelRead, post->position, request.id, reader}));
  }
  return true;
}

// --- Buttons ---

Task<Result<v1::Post>> ChatService::press_action(runtime::Context& context, v1::PressActionRequest request) {
  CO_ASSIGN_OR_RETURN(const Uuid person, person_calling(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) { return press_action_in(transaction, context, person, request, now); };
  auto reply = co_await database_.write(context, work);
  if (reply) feed_.ring();
  co_return reply;
}

Result<v1::Post> ChatService::press_action_in(Transaction& transaction, const runtime::Context& context, const Uuid& person,
                                              const v1::PressActionRequest& request, Timestamp now) const {
  ASSIGN_OR_RETURN(auto post, store::find_post_for(transaction, request.id, person, now));
  if (!post) return fail(v1::errors::post_not_found());
  ASSIGN_OR_RETURN(const auto presser, store::find_person(transaction, person));
  if (!presser) return fail(v1::errors::post_not_found());
  const ActionRule* action = find_action(*post, request.action_id);
  const bool offered = action && presser->kind == v1::MemberKind::kClient;
  if (!offered || !tokens_.valid(request.token, request.id, request.action_id, person, now)) return fail(v1::errors::bad_action());
  if (request.text && !action->takes_text)
    return fail(validation_error({FieldError{"text", "not-taken", "Expected no text with this action"}}));
  if (request.text) TRY(check_post_text(*request.text));

  ASSIGN_OR_RETURN(const auto earlier, store::find_choice(transaction, post->position, person));
  const ChoiceFate fate = fate_of_choice(earlier, request.action_id, request.text, now, settings_.choice_change);
  if (fate == ChoiceFate::kFinal) return fail(v1::errors::action_final());
  if (fate == ChoiceFate::kStore) {
    const Choice choice{request.action_id, request.text, earlier ? earlier->first_at : now};
    TRY(store::save_choice(transaction, post->position, person, choice, now));
    TRY(store::tell_person(transaction, person, now, {store::EventType::kPostUpdated, post->position, std::nullopt, std::nullopt}));
    v1::ActionPressed event;
    event.post_id = post->id;
    event.channel_id = post->channel_id;
    event.user_id = person;
    event.code = post->code.value_or("");
    event.parameters = JsonText{post->parameters.value_or("{}")};
    event.action_id = request.action_id;
    event.text = request.text;
    event.at = now;
    TRY(v1::publish(transaction, context, event));
    post->chosen_action = request.action_id;
  }
  return render_for(transaction, *post, reader_of(*presser), now);
}

// --- The bot ---

Task<Result<v1::Post>> ChatService::bot_post(runtime::Context& context, v1::BotPostRequest request) {
  CO_TRY(require_service(context));
  store::StoredPost post;
  post.id = context.new_id();
  post.channel_id = request.channel_id;
  post.recipient_id = request.to_user_id;
  post.at = context.now();
  post.dedup_key = request.idempotency_key;
  std::vector<Uuid> people;
  if (request.text.has_value() == request.code.has_value())
    co_return fail(validation_error({FieldError{"code", "required", "Expected either a text or a code"}}));
  if (request.text) {
    CO_TRY(check_post_text(*request.text));
    post.text = request.text;
  } else {
    const PredefinedPost* predefined = find_predefined_post(*request.code);
    if (!predefined) co_return fail(v1::errors::unknown_code());
    CO_ASSIGN_OR_RETURN(const auto parameters, read_parameters(*predefined, request.parameters ? request.parameters->text : "{}"));
    for (const Parameter& parameter : parameters) {
      if (parameter.type == ParameterType::kPerson) people.push_back(std::get<Uuid>(parameter.value));
    }
    post.code = request.code;
    post.parameters = write_parameters(parameters);
  }
  const auto work = [&](Transaction& transaction) { return bot_post_in(transaction, context, post, people); };
  auto reply = co_await database_.write(context, work);
  if (reply && reply->id == post.id) ++posts_;
  if (reply) feed_.ring();
  co_return reply;
}

Result<v1::Post> ChatService::bot_post_in(Transaction& transaction, const runtime::Context& context, store::StoredPost post,
                                          std::span<const Uuid> people) const {
  Reader reader{Uuid{}, context.language};
  ASSIGN_OR_RETURN(const auto stored, store::find_post_once(transaction, post.author_id, *post.dedup_key));
  if (stored) return render_for(transaction, *stored, reader, post.at);
  ASSIGN_OR_RETURN(const auto channel, store::find_channel(transaction, post.channel_id));
  if (!channel) return fail(v1::errors::channel_not_found());
  ASSIGN_OR_RETURN(const store::People known, store::find_people(transaction, people));
  for (const Uuid& person : people) {
    if (!known.contains(person)) return fail(v1::errors::user_not_found("A parameter names somebody without a chat account"));
  }
  if (post.recipient_id) {
    ASSIGN_OR_RETURN(const auto standing, store::find_standing(transaction, post.channel_id, *post.recipient_id, post.at));
    if (!standing) return fail(v1::errors::user_not_found("Expected a member of the channel"));
    reader.language = standing->person.language;
  }
  TRY(store::insert_post(transaction, post));
  if (post.recipient_id) {
    TRY(store::tell_person(transaction, *post.recipient_id, post.at,
                           {store::EventType::kPostCreated, post.position, std::nullopt, std::nullopt}));
  } else {
    TRY(store::tell_members_of_post(transaction, post, {}));
    TRY(v1::publish(transaction, context, created_event(post, channel->kind)));
  }
  return renderer_.post(post, reader, known, post.at);
}

Task<Result<v1::AskBotReply>> ChatService::ask_bot(runtime::Context& context, v1::AskBotRequest request) {
  CO_TRY(require_service(context));
  const auto topic = find_bot_topic(request.text, request.language);
  v1::AskBotReply reply;
  reply.found = topic.has_value();
  if (topic) reply.answer = renderer_.catalogue().render(request.language, "bot." + std::string(*topic));
  co_return reply;
}

}  // namespace consilium::chat

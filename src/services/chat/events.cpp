#include "services/chat/events.h"

#include "base/json_writer.h"
#include "consilium/sessions/v1/sessions.h"
#include "consilium/users/v1/users.h"
#include "ports/bus/event_payload.h"

namespace consilium::chat {
namespace {

Task<Result<void>> remove_person(ChatService& chat, runtime::Context& context, bus::Event event) {
  CO_ASSIGN_OR_RETURN(const auto deleted, bus::decode_event<users::v1::Deleted>(event));
  v1::ChatUserRequest request;
  request.user_id = deleted.user_id;
  const auto done = co_await chat.delete_chat_user(context, request);
  if (!done) co_return fail(done.error());
  co_return Result<void>();
}

Task<Result<void>> take_profile(ChatService& chat, users::v1::Users& users, runtime::Context& context, bus::Event event) {
  CO_ASSIGN_OR_RETURN(const auto changed, bus::decode_event<users::v1::ProfileChanged>(event));
  users::v1::GetUserRequest request;
  request.id = changed.user_id;
  const auto user = co_await users.get_user(context, request);
  if (!user && user.error().kind == ErrorKind::kNotFound) co_return Result<void>();
  if (!user) co_return fail(user.error());
  store::Person person;
  person.id = user->id;
  person.display_name = display_name_of(*user);
  person.language = user->language;
  person.photo_url = user->photo_url;
  auto taken = co_await chat.change_profile(context, std::move(person));
  co_return taken;
}

// Every hub that holds a socket of the session closes it: the signal goes to all of them.
Task<Result<void>> tell_session_closed(ChatService& chat, runtime::Context& context, bus::Event event) {
  CO_ASSIGN_OR_RETURN(const auto closed, bus::decode_event<sessions::v1::Closed>(event));
  JsonWriter data;
  data.begin_object();
  data.name("sessionId");
  write_json(data, closed.session_id);
  data.name("reason");
  data.text(closed.reason);
  data.end_object();
  v1::NotifyRequest request;
  request.user_ids.push_back(closed.user_id);
  request.type = "session.closed";
  request.data = JsonText{data.take()};
  const auto told = co_await chat.notify(context, std::move(request));
  if (!told) co_return fail(told.error());
  co_return Result<void>();
}

}  // namespace

std::string display_name_of(const users::v1::User& user) { return user.first_name + " " + user.last_name; }

std::vector<bus::Consumer> consumers(ChatService& chat, users::v1::Users& users) {
  bus::Consumer deleted;
  deleted.service = "chat";
  deleted.group = "chat.on-user-deleted";
  deleted.producer = "users";
  deleted.topics = {std::string(users::v1::Deleted::kTopic)};
  deleted.handle = [&chat](runtime::Context& context, const bus::Event& event) { return remove_person(chat, context, event); };

  bus::Consumer changed;
  changed.service = "chat";
  changed.group = "chat.on-profile-changed";
  changed.producer = "users";
  changed.topics = {std::string(users::v1::ProfileChanged::kTopic)};
  changed.handle = [&chat, &users](runtime::Context& context, const bus::Event& event) {
    return take_profile(chat, users, context, event);
  };

  bus::Consumer closed;
  closed.service = "chat";
  closed.group = "chat.on-session-closed";
  closed.producer = "sessions";
  closed.topics = {std::string(sessions::v1::Closed::kTopic)};
  closed.handle = [&chat](runtime::Context& context, const bus::Event& event) { return tell_session_closed(chat, context, event); };

  std::vector<bus::Consumer> all;
  all.push_back(std::move(closed));
  all.push_back(std::move(deleted));
  all.push_back(std::move(changed));
  return all;
}

}  // namespace consilium::chat

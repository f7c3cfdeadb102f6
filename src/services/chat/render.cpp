#include "services/chat/render.h"

#include <algorithm>

#include "base/json_writer.h"
#include "services/chat/predefined_posts.h"

namespace consilium::chat {
namespace {

// Stored parameters were checked when they came; a later version of the product may have dropped the code or a parameter.
std::vector<Parameter> parameters_of(const PredefinedPost& predefined, const store::StoredPost& post) {
  auto parameters = read_parameters(predefined, post.parameters.value_or("{}"));
  return parameters ? std::move(*parameters) : std::vector<Parameter>();
}

MessageArgument argument_of(const Parameter& parameter, const store::People& people) {
  if (const auto* text = std::get_if<std::string>(&parameter.value)) return {parameter.name, *text};
  if (const auto* number = std::get_if<std::int64_t>(&parameter.value)) return {parameter.name, *number};
  const Uuid& id = std::get<Uuid>(parameter.value);
  if (parameter.type != ParameterType::kPerson) return {parameter.name, id.text()};
  const auto person = people.find(id);
  return {parameter.name, person == people.end() ? std::string() : person->second.display_name};
}

std::optional<std::string> photo_of(const PredefinedPost& predefined, std::span<const Parameter> parameters, const store::People& people) {
  for (const Parameter& parameter : parameters) {
    if (parameter.name != predefined.photo_of || parameter.type != ParameterType::kPerson) continue;
    const auto person = people.find(std::get<Uuid>(parameter.value));
    return person == people.end() ? std::nullopt : person->second.photo_url;
  }
  return std::nullopt;
}

std::string write_read(const store::StoredEvent& stored) {
  v1::ReadUpTo read{stored.channel_id.value_or(Uuid{}), stored.member_id.value_or(Uuid{}), std::nullopt};
  if (stored.post) read.post_id = stored.post->id;
  return encode_json(read);
}

std::string write_left(const store::StoredEvent& stored) {
  return encode_json(v1::MemberLeft{stored.channel_id.value_or(Uuid{}), stored.member_id.value_or(Uuid{})});
}

std::string write_joined(const store::StoredEvent& stored, const store::MemberRow& member) {
  return encode_json(v1::MemberJoined{stored.channel_id.value_or(Uuid{}), member_of(member)});
}

}  // namespace

std::vector<Uuid> people_named_in(std::span<const store::StoredPost* const> posts) {
  std::vector<Uuid> people;
  for (const store::StoredPost* post : posts) {
    const PredefinedPost* predefined = post->code ? find_predefined_post(*post->code) : nullptr;
    if (!predefined) continue;
    for (const Parameter& parameter : parameters_of(*predefined, *post)) {
      if (parameter.type == ParameterType::kPerson) people.push_back(std::get<Uuid>(parameter.value));
    }
  }
  std::sort(people.begin(), people.end());
  people.erase(std::unique(people.begin(), people.end()), people.end());
  return people;
}

v1::Member member_of(const store::MemberRow& row) {
  v1::Member member;
  member.user_id = row.person.id;
  member.display_name = row.person.display_name;
  member.kind = row.person.kind;
  member.access = row.access;
  member.photo_url = row.person.photo_url;
  member.last_read_post_id = row.last_read_post_id;
  member.presence = row.presence;
  return member;
}

v1::Post Renderer::post(const store::StoredPost& stored, const Reader& reader, const store::People& people, Timestamp now) const {
  v1::Post post;
  post.id = stored.id;
  post.channel_id = stored.channel_id;
  post.author_kind = stored.by_bot() ? v1::AuthorKind::kBot : v1::AuthorKind::kUser;
  if (!stored.by_bot()) post.author_id = stored.author_id;
  post.author_name = stored.by_bot() ? catalogue_.render(reader.language, "bot.name") : stored.author_name;
  post.text = stored.text.value_or("");
  post.at = stored.at;
  post.ephemeral = stored.recipient_id.has_value();
  if (!stored.by_bot() && stored.author_id == reader.user_id) post.client_id = stored.dedup_key;
  if (stored.code) add_predefined(post, stored, reader, people, now);
  return post;
}

void Renderer::add_predefined(v1::Post& post, const store::StoredPost& stored, const Reader& reader, const store::People& people,
                              Timestamp now) const {
  post.code = stored.code;
  if (stored.parameters) post.parameters = JsonText{*stored.parameters};
  const PredefinedPost* predefined = find_predefined_post(*stored.code);
  if (!predefined) return;
  const std::vector<Parameter> parameters = parameters_of(*predefined, stored);
  std::vector<MessageArgument> arguments;
  for (const Parameter& parameter : parameters) arguments.push_back(argument_of(parameter, people));
  post.text = catalogue_.render(reader.language, "post." + *stored.code, arguments);
  post.image_url = photo_of(*predefined, parameters, people);
  if (reader.kind != v1::MemberKind::kClient) return;
  for (const ActionRule& rule : predefined->actions) {
    v1::Action action;
    action.id = std::string(rule.id);
    action.label = catalogue_.render(reader.language, "action." + action.id);
    action.style = rule.style;
    action.token = tokens_.make(stored.id, rule.id, reader.user_id, now + token_life_);
    action.takes_text = rule.takes_text;
    action.chosen = stored.chosen_action == rule.id;
    post.actions.push_back(std::move(action));
  }
}

// What a person wrote looks the same to all but its author, whose device may know it again by its own id.
std::string Renderer::write_post(const store::StoredEvent& stored, const store::People& people, SharedTexts& texts, Timestamp now) const {
  const store::StoredPost& seen = *stored.post;
  const bool is_own = seen.author_id == stored.user_id && seen.dedup_key;
  const Reader reader{stored.user_id, stored.language, stored.kind};
  if (seen.code || seen.by_bot() || is_own) return encode_json(post(seen, reader, people, now));
  const auto [place, fresh] = texts.try_emplace(&seen);
  if (fresh) place->second = encode_json(post(seen, reader, people, now));
  return place->second;
}

v1::PersonEvent Renderer::event(const store::StoredEvent& stored, const store::People& people,
                                const std::optional<store::MemberRow>& member, SharedTexts& texts, Timestamp now) const {
  v1::PersonEvent event;
  event.user_id = stored.user_id;
  event.sequence = stored.sequence;
  event.at = stored.at;
  event.type = stored.type == store::EventType::kNotice ? stored.name : std::string(store::name_of(stored.type));
  switch (stored.type) {
    case store::EventType::kPostCreated:
    case store::EventType::kPostUpdated:
      if (stored.post) event.data.text = write_post(stored, people, texts, now);
      break;
    case store::EventType::kChannelRead: event.data.text = write_read(stored); break;
    case store::EventType::kChannelLeft: event.data.text = write_left(stored); break;
    case store::EventType::kChannelJoined:
      if (member) event.data.text = write_joined(stored, *member);
      break;
    case store::EventType::kNotice: event.data.text = stored.data; break;
  }
  return event;
}

}  // namespace consilium::chat

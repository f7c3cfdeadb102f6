#include "ports/bus/remote/dead_letters.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/cursor.h"
#include "runtime/when_all.h"

namespace consilium::bus {
namespace {

constexpr std::string_view kPermission = "events.manage";
constexpr std::size_t kCursorText = 32;  // of base/cursor.h; the group follows
constexpr char kBeforeEvent = ':';       // in an id, after the group

struct LetterId {
  std::string group;
  Uuid event_id;
};

std::optional<LetterId> parse_id(std::string_view id) {
  const std::size_t end = id.rfind(kBeforeEvent);
  if (end == std::string_view::npos) return std::nullopt;
  const auto event_id = Uuid::parse(id.substr(end + 1));
  if (!event_id) return std::nullopt;
  return LetterId{std::string(id.substr(0, end)), *event_id};
}

// `tasks.people` → `tasks`: groups have the name of who consumes in front.
std::string_view service_of(std::string_view group) { return group.substr(0, group.find('.')); }

DeadLetterPlace place_of(const events::v1::DeadLetter& letter) { return {letter.parked_at, letter.event_id, letter.group}; }

std::string cursor_of(const events::v1::DeadLetter& letter) { return Cursor{letter.parked_at, letter.event_id}.text() + letter.group; }

Result<std::optional<DeadLetterPlace>> place_before(const std::optional<std::string>& cursor) {
  if (!cursor) return std::optional<DeadLetterPlace>();
  const std::string_view text = *cursor;
  const auto row = Cursor::parse(text.substr(0, kCursorText));
  if (!row || text.size() <= kCursorText) return fail(events::v1::errors::bad_cursor("Expected a cursor that this list gave"));
  return DeadLetterPlace{row->created, row->id, std::string(text.substr(kCursorText))};
}

events::v1::DeadLetter message_of(DeadLetter letter) {
  events::v1::DeadLetter message;
  message.id = letter.group + kBeforeEvent + letter.event.id.text();
  message.service = service_of(letter.group);
  message.event_id = letter.event.id;
  message.topic = std::move(letter.event.topic);
  message.key = std::move(letter.event.key);
  message.at = letter.event.at;
  message.parked_at = letter.parked_at;
  message.attempts = letter.attempts;
  message.error_code = std::move(letter.error_code);
  message.waiting = static_cast<std::int32_t>(std::min<std::int64_t>(letter.waiting, std::numeric_limits<std::int32_t>::max()));
  message.request_id = std::move(letter.event.request_id);
  message.group = std::move(letter.group);
  return message;
}

Result<void> require_permission(const runtime::Context& context) {
  if (context.caller.may(kPermission)) return {};
  return fail(ErrorKind::kForbidden, "request.forbidden", "Expected a caller with the permission " + std::string(kPermission));
}

Error not_found() { return events::v1::errors::dead_letter_not_found("Expected the id of an event that its group gave up"); }

// Cuts the page, and says where the next one begins.
void end_page(events::v1::ListDeadLettersReply& reply, std::size_t size) {
  if (reply.items.size() > size) {
    reply.items.resize(size);
    reply.next_cursor = cursor_of(reply.items.back());
  }
}

}  // namespace

Task<Result<events::v1::ListDeadLettersReply>> DeadLetterServer::list_dead_letters(runtime::Context& context,
                                                                                   events::v1::ListDeadLettersRequest request) {
  CO_TRY(require_permission(context));
  if (request.service && !services_.contains(*request.service))
    co_return fail(
        make_error(ErrorKind::kUnavailable, "events.elsewhere", "Expected a service that runs in this process").retry_in(seconds(5)));
  const std::int32_t size = page_size_of(request.limit);
  DeadLetterQuery query;
  CO_ASSIGN_OR_RETURN(query.before, place_before(request.cursor));
  query.service = request.service.value_or("");
  query.group = request.group.value_or("");
  query.limit = size + 1;
  CO_ASSIGN_OR_RETURN(DeadLetterPage page, co_await bus_.dead_letters(context, std::move(query)));
  events::v1::ListDeadLettersReply reply;
  for (DeadLetter& letter : page.items) reply.items.push_back(message_of(std::move(letter)));
  end_page(reply, static_cast<std::size_t>(size));
  if (request.count.value_or(false)) reply.total = static_cast<std::int32_t>(page.total);
  co_return reply;
}

Task<Result<events::v1::DeadLetterReplayed>> DeadLetterServer::replay_dead_letter(runtime::Context& context,
                                                                                  events::v1::ReplayDeadLetterRequest request) {
  CO_TRY(require_permission(context));
  const auto id = parse_id(request.id);
  if (!id) co_return fail(not_found());
  auto replayed = co_await bus_.replay(context, id->group, id->event_id);
  if (!replayed && replayed.error().kind == ErrorKind::kNotFound) co_return fail(not_found().caused_by(std::move(replayed).error()));
  if (!replayed) co_return fail(std::move(replayed).error());
  co_return events::v1::DeadLetterReplayed{};
}

struct DividedDeadLetters::Part {
  std::string service;
  DeadLetters& door;
  runtime::Context context;
  events::v1::ListDeadLettersRequest request;
  Result<events::v1::ListDeadLettersReply> reply;
};

Task<void> DividedDeadLetters::ask(Part& part) { part.reply = co_await part.door.list_dead_letters(part.context, part.request); }

Task<Result<events::v1::ListDeadLettersReply>> DividedDeadLetters::list_dead_letters(runtime::Context& context,
                                                                                     events::v1::ListDeadLettersRequest request) {
  std::optional<std::string> only = request.service;
  if (!only && request.group) only = service_of(*request.group);
  const Timestamp patience = context.scheduler().steady_now() + kPatience;
  std::vector<Part> parts;
  for (const auto& [service, door] : doors_) {
    if (only && service != *only) continue;
    Part& part = parts.emplace_back(service, *door, context, request);
    part.context.deadline = std::min(context.deadline.value_or(patience), patience);
    part.request.service = service;
  }
  std::vector<Task<void>> asking;
  for (Part& part : parts) asking.push_back(ask(part));
  co_await runtime::when_all(std::move(asking));

  events::v1::ListDeadLettersReply all;
  bool has_more = false;
  std::int32_t total = 0;
  for (Part& part : parts) {
    const bool is_away =
        !part.reply && (part.reply.error().kind == ErrorKind::kUnavailable || part.reply.error().kind == ErrorKind::kDeadlineExceeded);
    if (is_away) {
      all.unreachable.push_back(part.service);
      continue;
    }
    if (!part.reply) co_return fail(std::move(part.reply).error());
    has_more = has_more || part.reply->next_cursor;
    total += part.reply->total.value_or(0);
    for (events::v1::DeadLetter& letter : part.reply->items) all.items.push_back(std::move(letter));
  }
  std::ranges::sort(all.items, std::greater(), [](const events::v1::DeadLetter& letter) { return place_of(letter); });
  end_page(all, static_cast<std::size_t>(page_size_of(request.limit)));
  if (has_more && !all.items.empty()) all.next_cursor = cursor_of(all.items.back());
  if (request.count.value_or(false)) all.total = total;
  co_return all;
}

Task<Result<events::v1::DeadLetterReplayed>> DividedDeadLetters::replay_dead_letter(runtime::Context& context,
                                                                                    events::v1::ReplayDeadLetterRequest request) {
  const auto id = parse_id(request.id);
  const auto door = id ? doors_.find(service_of(id->group)) : doors_.end();
  if (door == doors_.end()) co_return fail(not_found());
  auto replayed = co_await door->second->replay_dead_letter(context, std::move(request));
  co_return replayed;
}

}  // namespace consilium::bus

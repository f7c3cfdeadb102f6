// Posts, choices, and each person's log.
#include <algorithm>
#include <map>

#include "services/chat/in_list.h"
#include "services/chat/store.h"

namespace consilium::chat::store {
namespace {

using database::Blob;
using database::Null;
using database::Row;
using database::to_value;
using database::Value;

#define POST_COLUMNS                                                                                                                    \
  "p.position, p.post_id, p.channel_id, p.author_id, p.recipient_id, p.at, p.text, p.code, p.parameters, p.dedup_key, a.display_name, " \
  "h.action "
// Binds the reader.
#define POST_JOINS " LEFT JOIN chat_users a ON a.user_id = p.author_id LEFT JOIN chat_choices h ON h.post = p.position AND h.user_id = ? "
// Binds the reader.
#define VISIBLE " (p.recipient_id IS NULL OR p.recipient_id = ?) "

StoredPost post_from(const Row& row, std::size_t at) {
  StoredPost post;
  post.position = row.integer(at);
  post.id = row.uuid(at + 1);
  post.channel_id = row.uuid(at + 2);
  post.author_id = row.uuid(at + 3);
  post.recipient_id = row.optional_uuid(at + 4);
  post.at = row.timestamp(at + 5);
  post.text = row.optional_text(at + 6);
  post.code = row.optional_text(at + 7);
  post.parameters = row.optional_text(at + 8);
  post.dedup_key = row.optional_text(at + 9);
  post.author_name = row.optional_text(at + 10).value_or("");
  post.chosen_action = row.optional_text(at + 11);
  return post;
}

std::optional<StoredPost> first_post(const std::optional<Row>& row) {
  if (!row) return std::nullopt;
  return post_from(*row, 0);
}

std::vector<StoredPost> posts_from(const database::Rows& rows) {
  std::vector<StoredPost> posts;
  for (const Row& row : rows) posts.push_back(post_from(row, 0));
  return posts;
}

std::optional<std::int64_t> unless_zero(std::int64_t number) { return number == 0 ? std::nullopt : std::optional(number); }

#define ADVANCE "UPDATE chat_logs SET last_sequence = last_sequence + 1 "
// Binds channel and present.
#define OF_MEMBERS "(SELECT m.user_id FROM chat_members m WHERE m.channel_id = ? AND m.ended = 0 AND m.until > ?)"
#define APPEND "INSERT INTO chat_events (user_id, sequence, at, type, post, channel_id, member_id, name, data) "
// Binds channel and present; the order decides positions.
#define TO_MEMBERS                                                                                                        \
  " FROM chat_members m JOIN chat_logs l ON l.user_id = m.user_id WHERE m.channel_id = ? AND m.ended = 0 AND m.until > ?" \
  " ORDER BY m.user_id"

// The reader is the person whose log it is.
#define EVENT_SELECT                                                                                                              \
  "SELECT e.position, e.user_id, e.sequence, e.at, e.type, e.channel_id, e.member_id, e.name, e.data, u.language, u.kind, e.post" \
  " FROM chat_events e LEFT JOIN chat_users u ON u.user_id = e.user_id "

StoredEvent event_from(const Row& row) {
  StoredEvent event;
  event.position = row.integer(0);
  event.user_id = row.uuid(1);
  event.sequence = row.integer(2);
  event.at = row.timestamp(3);
  event.type = static_cast<EventType>(row.integer(4));
  event.channel_id = row.optional_uuid(5);
  event.member_id = row.optional_uuid(6);
  event.name = row.optional_text(7).value_or("");
  event.data = row.optional_text(8).value_or("");
  event.language = row.optional_text(9).value_or("en");
  event.kind = static_cast<v1::MemberKind>(row.optional_integer(10).value_or(0));
  return event;
}

using Posts = std::map<std::int64_t, std::shared_ptr<const StoredPost>>;

// As nobody in particular sees it; null when it is not there.
Result<std::shared_ptr<const StoredPost>> shared_post(Transaction& transaction, std::int64_t position, Posts& known) {
  const auto [place, fresh] = known.try_emplace(position);
  if (!fresh) return place->second;
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT " POST_COLUMNS "FROM chat_posts p" POST_JOINS "WHERE p.position = ?",
                                                         Uuid{}, position));
  if (row) place->second = std::make_shared<const StoredPost>(post_from(*row, 0));
  return place->second;
}

// Only a predefined post has buttons, and so a choice.
Result<std::shared_ptr<const StoredPost>> post_for(Transaction& transaction, std::shared_ptr<const StoredPost> post, const Uuid& reader) {
  if (!post || !post->code) return post;
  ASSIGN_OR_RETURN(const auto choice, find_choice(transaction, post->position, reader));
  if (!choice) return post;
  StoredPost chosen = *post;
  chosen.chosen_action = choice->action;
  return std::make_shared<const StoredPost>(std::move(chosen));
}

// A post goes to all members of its channel, so each is read once for all its events.
Result<std::vector<StoredEvent>> events_from(Transaction& transaction, const database::Rows& rows) {
  std::vector<StoredEvent> events;
  events.reserve(rows.size());
  Posts posts;
  for (const Row& row : rows) {
    StoredEvent& event = events.emplace_back(event_from(row));
    if (row.is_null(11)) continue;
    ASSIGN_OR_RETURN(auto post, shared_post(transaction, row.integer(11), posts));
    ASSIGN_OR_RETURN(event.post, post_for(transaction, std::move(post), event.user_id));
  }
  return events;
}

}  // namespace

Result<bool> insert_post(Transaction& transaction, StoredPost& post) {
  ASSIGN_OR_RETURN(
      const auto row,
      transaction.query_one("INSERT INTO chat_posts (post_id, channel_id, author_id, recipient_id, at, text, code, parameters, dedup_key)"
                            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                            " ON CONFLICT (author_id, dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING RETURNING position",
                            post.id, post.channel_id, post.author_id, post.recipient_id, post.at, post.text, post.code, post.parameters,
                            post.dedup_key));
  if (!row) return false;
  post.position = row->integer(0);
  return true;
}

Result<std::optional<StoredPost>> find_post_once(Transaction& transaction, const Uuid& author, std::string_view dedup_key) {
  ASSIGN_OR_RETURN(const auto row,
                   transaction.query_one("SELECT " POST_COLUMNS "FROM chat_posts p" POST_JOINS "WHERE p.author_id = ? AND p.dedup_key = ?",
                                         author, author, dedup_key));
  return first_post(row);
}

Result<std::optional<StoredPost>> find_post(Transaction& transaction, const Uuid& id) {
  ASSIGN_OR_RETURN(const auto row,
                   transaction.query_one("SELECT " POST_COLUMNS "FROM chat_posts p" POST_JOINS "WHERE p.post_id = ?", Uuid{}, id));
  return first_post(row);
}

Result<std::optional<StoredPost>> find_post_for(Transaction& transaction, const Uuid& id, const Uuid& reader, Timestamp now) {
  ASSIGN_OR_RETURN(
      const auto row,
      transaction.query_one("SELECT " POST_COLUMNS "FROM chat_posts p" POST_JOINS
                            "JOIN chat_members m ON m.channel_id = p.channel_id AND m.user_id = ? AND m.ended = 0 AND m.until > ?"
                            " WHERE p.post_id = ? AND" VISIBLE,
                            reader, reader, now, id, reader));
  return first_post(row);
}

Result<std::vector<StoredPost>> list_posts(Transaction& transaction, const Uuid& channel, const Uuid& reader, std::int64_t before,
                                           std::int32_t limit) {
  ASSIGN_OR_RETURN(const auto rows,
                   transaction.query("SELECT " POST_COLUMNS "FROM chat_posts p" POST_JOINS
                                     "WHERE p.channel_id = ? AND p.position < ? AND" VISIBLE "ORDER BY p.position DESC LIMIT ?",
                                     reader, channel, before, reader, limit));
  return posts_from(rows);
}

Result<std::vector<StoredPost>> last_posts(Transaction& transaction, std::span<const Uuid> channels, const Uuid& reader) {
  static const InList statement(
      "SELECT " POST_COLUMNS
      "FROM chat_channels c JOIN chat_posts p ON p.position = (SELECT q.position FROM chat_posts q WHERE q.channel_id = c.channel_id"
      " AND (q.recipient_id IS NULL OR q.recipient_id = ?) ORDER BY q.position DESC LIMIT 1)" POST_JOINS "WHERE c.channel_id IN",
      "");
  const Value readers[] = {to_value(reader), to_value(reader)};
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, readers, channels));
  return posts_from(rows);
}

Result<std::int64_t> last_shown_before(Transaction& transaction, const Uuid& channel, std::int64_t position) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT position FROM chat_posts WHERE channel_id = ? AND position <= ?"
                                                         " AND recipient_id IS NULL ORDER BY position DESC LIMIT 1",
                                                         channel, position));
  return row ? row->integer(0) : 0;
}

Result<std::optional<Choice>> find_choice(Transaction& transaction, std::int64_t post, const Uuid& user) {
  ASSIGN_OR_RETURN(const auto row,
                   transaction.query_one("SELECT action, text, first_at FROM chat_choices WHERE post = ? AND user_id = ?", post, user));
  if (!row) return std::nullopt;
  return Choice{row->text(0), row->optional_text(1), row->timestamp(2)};
}

Result<void> save_choice(Transaction& transaction, std::int64_t post, const Uuid& user, const Choice& choice, Timestamp now) {
  TRY(
      transaction.execute("INSERT INTO chat_choices (post, user_id, action, text, first_at, at) VALUES (?, ?, ?, ?, ?, ?)"
                          " ON CONFLICT (post, user_id) DO UPDATE SET action = excluded.action, text = excluded.text, at = excluded.at",
                          post, user, choice.action, choice.text, choice.first_at, now));
  return {};
}

std::string_view name_of(EventType type) {
  switch (type) {
    case EventType::kPostCreated: return "post.created";
    case EventType::kPostUpdated: return "post.updated";
    case EventType::kChannelRead: return "channel.read";
    case EventType::kChannelJoined: return "channel.joined";
    case EventType::kChannelLeft: return "channel.left";
    case EventType::kNotice: break;
  }
  return "";
}

Result<void> tell_members(Transaction& transaction, const Uuid& channel, Timestamp now, const Happening& happening) {
  TRY(transaction.execute(ADVANCE "WHERE user_id IN " OF_MEMBERS, channel, now));
  TRY(transaction.execute(APPEND "SELECT l.user_id, l.last_sequence, ?, ?, ?, ?, ?, NULL, NULL" TO_MEMBERS, now,
                          static_cast<int>(happening.type), unless_zero(happening.post), happening.channel_id, happening.member_id, channel,
                          now));
  return {};
}

// The hot path of posting: two statements for all members.
Result<void> tell_members_of_post(Transaction& transaction, const StoredPost& post, const RecentPosts& recent) {
  TRY(
      transaction.execute("UPDATE chat_logs SET last_sequence = last_sequence + 1,"
                          " recent_posts = CASE WHEN user_id = ? THEN ? ELSE recent_posts END WHERE user_id IN " OF_MEMBERS,
                          post.author_id, Blob{recent.bytes()}, post.channel_id, post.at));
  TRY(transaction.execute(APPEND "SELECT l.user_id, l.last_sequence, ?, 1, ?, NULL, NULL, NULL, NULL" TO_MEMBERS, post.at, post.position,
                          post.channel_id, post.at));
  return {};
}

Result<void> tell_members_of_read(Transaction& transaction, const Uuid& channel, const Uuid& reader, std::int64_t read, std::int64_t shown,
                                  Timestamp now) {
  TRY(transaction.execute(ADVANCE "WHERE user_id IN " OF_MEMBERS, channel, now));
  TRY(transaction.execute(APPEND
                          "SELECT l.user_id, l.last_sequence, ?, 3, CASE WHEN l.user_id = ? THEN ? ELSE ? END, ?, ?, NULL, NULL" TO_MEMBERS,
                          now, reader, read, shown, channel, reader, channel, now));
  return {};
}

Result<void> tell_person(Transaction& transaction, const Uuid& person, Timestamp now, const Happening& happening) {
  TRY(transaction.execute(ADVANCE "WHERE user_id = ?", person));
  TRY(transaction.execute(APPEND "SELECT user_id, last_sequence, ?, ?, ?, ?, ?, NULL, NULL FROM chat_logs WHERE user_id = ?", now,
                          static_cast<int>(happening.type), unless_zero(happening.post), happening.channel_id, happening.member_id,
                          person));
  return {};
}

Result<bool> tell_notice(Transaction& transaction, std::span<const Uuid> people, std::string_view name, std::string_view data,
                         std::string_view idempotency_key, Timestamp now) {
  ASSIGN_OR_RETURN(const std::int64_t fresh, transaction.execute("INSERT INTO chat_notices (idempotency_key, at) VALUES (?, ?)"
                                                                 " ON CONFLICT (idempotency_key) DO NOTHING",
                                                                 idempotency_key, now));
  if (fresh == 0) return false;
  static const InList advance(ADVANCE "WHERE user_id IN", "");
  static const InList append(APPEND "SELECT user_id, last_sequence, ?, 0, NULL, NULL, NULL, ?, ? FROM chat_logs WHERE user_id IN",
                             "ORDER BY user_id");
  TRY(advance.execute(transaction, {}, people));
  const Value values[] = {to_value(now), to_value(name), to_value(data)};
  TRY(append.execute(transaction, values, people));
  return true;
}

Result<std::set<Uuid>> people_with_logs(Transaction& transaction, std::span<const Uuid> people) {
  static const InList statement("SELECT user_id FROM chat_logs WHERE user_id IN", "");
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, {}, people));
  std::set<Uuid> kept;
  for (const Row& row : rows) kept.insert(row.uuid(0));
  return kept;
}

Result<std::vector<StoredEvent>> events_after(Transaction& transaction, std::int64_t position, std::int32_t limit) {
  ASSIGN_OR_RETURN(const auto rows, transaction.query(EVENT_SELECT "WHERE e.position > ? ORDER BY e.position LIMIT ?", position, limit));
  return events_from(transaction, rows);
}

Result<std::vector<StoredEvent>> events_of(Transaction& transaction, const Uuid& person, std::int64_t after, std::int32_t limit) {
  ASSIGN_OR_RETURN(const auto rows, transaction.query(EVENT_SELECT "WHERE e.user_id = ? AND e.sequence > ? ORDER BY e.sequence LIMIT ?",
                                                      person, after, limit));
  return events_from(transaction, rows);
}

Result<std::int64_t> last_position(Transaction& transaction) {
  // When all is trimmed, zero will do: positions are never given twice, so whatever comes is behind it.
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT max(position) FROM chat_events"));
  return row ? row->optional_integer(0).value_or(0) : 0;
}

Result<std::optional<std::int64_t>> first_sequence(Transaction& transaction, const Uuid& person) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT min(sequence) FROM chat_events WHERE user_id = ?", person));
  if (!row) return std::nullopt;
  return row->optional_integer(0);
}

Result<std::int64_t> trim_old(Transaction& transaction, Timestamp before) {
  return transaction.execute(
      "DELETE FROM chat_events WHERE position IN (SELECT position FROM chat_events ORDER BY position LIMIT ?) AND at < ?", kMaxTrim,
      before);
}

Result<std::int64_t> trim_long(Transaction& transaction, std::int64_t keep) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT user_id, last_sequence, trimmed_to FROM chat_logs"
                                                         " WHERE last_sequence - trimmed_to > ? ORDER BY user_id LIMIT 1",
                                                         keep));
  if (!row) return 0;
  const std::int64_t end = std::min(row->integer(1) - keep, row->integer(2) + kMaxTrim);
  TRY(transaction.execute("DELETE FROM chat_events WHERE user_id = ? AND sequence <= ?", row->uuid(0), end));
  TRY(transaction.execute("UPDATE chat_logs SET trimmed_to = ? WHERE user_id = ?", end, row->uuid(0)));
  return end - row->integer(2);
}

Result<std::int64_t> trim_notices(Transaction& transaction, Timestamp before) {
  return transaction.execute(
      "DELETE FROM chat_notices WHERE idempotency_key IN"
      " (SELECT idempotency_key FROM chat_notices WHERE at < ? ORDER BY at LIMIT ?)",
      before, kMaxTrim);
}

}  // namespace consilium::chat::store

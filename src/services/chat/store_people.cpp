// People, channels and members.
#include "services/chat/in_list.h"
#include "services/chat/store.h"

namespace consilium::chat::store {
namespace {

using database::Row;
using database::to_value;
using database::Value;

// The state of a running membership; binds the present.
#define RUNNING(member) member ".ended = 0 AND " member ".until > ? "

Person person_from(const Row& row, std::size_t at) {
  return {
      row.uuid(at),       static_cast<v1::MemberKind>(row.integer(at + 1)), row.text(at + 2), row.text(at + 3), row.optional_text(at + 4),
      row.boolean(at + 5)};
}
#define PERSON_COLUMNS "u.user_id, u.kind, u.display_name, u.language, u.photo_url, u.active"

ChannelRow channel_from(const Row& row) {
  return {row.uuid(0), static_cast<v1::ChannelKind>(row.integer(1)), row.uuid(2), row.text(3), row.timestamp(4), 0};
}
#define CHANNEL_COLUMNS "c.channel_id, c.kind, c.client_user_id, c.display_name, c.created_at"

#define UNREAD_COLUMN                                                                     \
  ", (SELECT count(*) FROM (SELECT 1 FROM chat_posts p WHERE p.channel_id = m.channel_id" \
  " AND p.position > m.last_read AND p.author_id <> m.user_id"                            \
  " AND (p.recipient_id IS NULL OR p.recipient_id = m.user_id) LIMIT 1000)) "

ChannelRow seen_channel_from(const Row& row) {
  ChannelRow channel = channel_from(row);
  channel.unread = static_cast<std::int32_t>(row.integer(5));
  return channel;
}

MemberRow member_from(const Row& row) {
  MemberRow member;
  member.channel_id = row.uuid(0);
  member.person = person_from(row, 1);
  member.access = static_cast<v1::MemberAccess>(row.integer(7));
  member.last_read_post_id = row.optional_uuid(8);
  const auto chosen = static_cast<v1::PresenceStatus>(row.optional_integer(9).value_or(static_cast<int>(v1::PresenceStatus::kOffline)));
  member.presence = effective_presence(chosen, row.boolean(10));
  return member;
}
// Binds the present of leases.
#define MEMBER_SELECT                                                                        \
  "SELECT m.channel_id, " PERSON_COLUMNS                                                     \
  ", m.access, r.post_id, o.chosen,"                                                         \
  " EXISTS (SELECT 1 FROM chat_sockets s WHERE s.user_id = m.user_id AND s.lease_until > ?)" \
  " FROM chat_members m JOIN chat_users u ON u.user_id = m.user_id"                          \
  " LEFT JOIN chat_posts r ON r.position = m.last_read_shown LEFT JOIN chat_presence o ON o.user_id = m.user_id "

}  // namespace

Result<std::optional<Person>> find_person(Transaction& transaction, const Uuid& id) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT " PERSON_COLUMNS " FROM chat_users u WHERE u.user_id = ?", id));
  if (!row) return std::nullopt;
  return person_from(*row, 0);
}

Result<People> find_people(Transaction& transaction, std::span<const Uuid> ids) {
  static const InList statement("SELECT " PERSON_COLUMNS " FROM chat_users u WHERE u.user_id IN", "");
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, {}, ids));
  People people;
  for (const Row& row : rows) people[row.uuid(0)] = person_from(row, 0);
  return people;
}

Result<void> save_person(Transaction& transaction, const Person& person, Timestamp now) {
  TRY(transaction.execute(
      "INSERT INTO chat_users (user_id, kind, display_name, language, photo_url, active, created_at)"
      " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET"
      " display_name = excluded.display_name, language = excluded.language, photo_url = excluded.photo_url",
      person.id, static_cast<int>(person.kind), person.display_name, person.language, person.photo_url, person.active, now));
  TRY(ensure_log(transaction, person.id));
  return ensure_presence(transaction, person.id, initial_presence(person.kind), now);
}

Result<void> change_profile(Transaction& transaction, const Person& person) {
  TRY(transaction.execute("UPDATE chat_users SET display_name = ?, language = ?, photo_url = ? WHERE user_id = ?", person.display_name,
                          person.language, person.photo_url, person.id));
  return {};
}

Result<void> deactivate(Transaction& transaction, const Uuid& id) {
  TRY(transaction.execute("UPDATE chat_users SET active = 0 WHERE user_id = ?", id));
  return {};
}

Result<void> ensure_log(Transaction& transaction, const Uuid& id) {
  TRY(
      transaction.execute("INSERT INTO chat_logs (user_id, last_sequence, trimmed_to, recent_posts) VALUES (?, 0, 0, ?)"
                          " ON CONFLICT (user_id) DO NOTHING",
                          id, database::Blob{}));
  return {};
}

Result<std::int64_t> last_sequence(Transaction& transaction, const Uuid& id) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT last_sequence FROM chat_logs WHERE user_id = ?", id));
  return row ? row->integer(0) : 0;
}

Result<std::optional<ChannelRow>> find_channel(Transaction& transaction, const Uuid& id) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT " CHANNEL_COLUMNS " FROM chat_channels c WHERE c.channel_id = ?", id));
  if (!row) return std::nullopt;
  return channel_from(*row);
}

Result<std::optional<Uuid>> find_channel_of_client(Transaction& transaction, const Uuid& client, v1::ChannelKind kind) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT channel_id FROM chat_channels WHERE client_user_id = ? AND kind = ?",
                                                         client, static_cast<int>(kind)));
  if (!row) return std::nullopt;
  return row->uuid(0);
}

Result<void> insert_channel(Transaction& transaction, const ChannelRow& channel) {
  TRY(transaction.execute("INSERT INTO chat_channels (channel_id, kind, client_user_id, display_name, created_at) VALUES (?, ?, ?, ?, ?)",
                          channel.id, static_cast<int>(channel.kind), channel.client_user_id, channel.display_name, channel.created_at));
  return {};
}

Result<std::optional<Standing>> find_standing(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now) {
  ASSIGN_OR_RETURN(
      const auto row,
      transaction.query_one("SELECT " PERSON_COLUMNS ", m.access, m.until, c.kind, m.last_read, m.last_read_shown, l.recent_posts"
                            " FROM chat_members m JOIN chat_channels c ON c.channel_id = m.channel_id"
                            " JOIN chat_users u ON u.user_id = m.user_id JOIN chat_logs l ON l.user_id = m.user_id"
                            " WHERE m.channel_id = ? AND m.user_id = ? AND " RUNNING("m"),
                            channel, user, now));
  if (!row) return std::nullopt;
  Standing standing;
  standing.person = person_from(*row, 0);
  standing.membership = {static_cast<v1::MemberAccess>(row->integer(6)), row->timestamp(7)};
  standing.channel_kind = static_cast<v1::ChannelKind>(row->integer(8));
  standing.last_read = row->integer(9);
  standing.last_read_shown = row->integer(10);
  standing.recent_posts = RecentPosts::from_bytes(row->blob(11));
  return standing;
}

Result<void> save_membership(Transaction& transaction, const Uuid& channel, const Uuid& user, const Membership& membership, Timestamp now) {
  TRY(
      transaction.execute("INSERT INTO chat_members (channel_id, user_id, access, until, ended, last_read, last_read_shown, joined_at)"
                          " VALUES (?, ?, ?, ?, 0, 0, 0, ?) ON CONFLICT (channel_id, user_id) DO UPDATE SET"
                          " access = excluded.access, until = excluded.until, ended = 0",
                          channel, user, static_cast<int>(membership.access), membership.until, now));
  return {};
}

Result<std::int64_t> find_fence(Transaction& transaction, const Uuid& channel, const Uuid& user) {
  ASSIGN_OR_RETURN(const auto row,
                   transaction.query_one("SELECT fence FROM chat_members WHERE channel_id = ? AND user_id = ?", channel, user));
  return row ? row->integer(0) : 0;
}

Result<void> save_fence(Transaction& transaction, const Uuid& channel, const Uuid& user, std::int64_t fence, Timestamp now) {
  TRY(transaction.execute(
      "INSERT INTO chat_members (channel_id, user_id, access, until, ended, last_read, last_read_shown, joined_at, fence)"
      " VALUES (?1, ?2, ?3, ?4, 1, 0, 0, ?4, ?5) ON CONFLICT (channel_id, user_id) DO UPDATE SET fence = excluded.fence",
      channel, user, static_cast<int>(v1::MemberAccess::kRead), now, fence));
  return {};
}

Result<void> end_membership(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now) {
  TRY(transaction.execute("UPDATE chat_members SET ended = 1, until = min(until, ?) WHERE channel_id = ? AND user_id = ?", now, channel,
                          user));
  return {};
}

Result<void> save_read(Transaction& transaction, const Uuid& channel, const Uuid& user, std::int64_t last_read,
                       std::int64_t last_read_shown) {
  TRY(transaction.execute("UPDATE chat_members SET last_read = ?, last_read_shown = ? WHERE channel_id = ? AND user_id = ?", last_read,
                          last_read_shown, channel, user));
  return {};
}

Result<std::vector<ChannelRow>> list_channels(Transaction& transaction, const Uuid& user, Timestamp now, std::optional<PageStart> start,
                                              std::int32_t limit) {
  // A first page starts beyond every channel.
  const Timestamp created = start ? start->created : Timestamp::max();
  const Uuid id = start ? start->id : Uuid{};
  ASSIGN_OR_RETURN(
      const auto rows,
      transaction.query("SELECT " CHANNEL_COLUMNS UNREAD_COLUMN
                        "FROM chat_members m JOIN chat_channels c ON c.channel_id = m.channel_id WHERE m.user_id = ? AND " RUNNING(
                            "m") "AND (c.created_at, c.channel_id) < (?, ?) ORDER BY c.created_at DESC, c.channel_id DESC LIMIT ?",
                        user, now, created, id, limit));
  std::vector<ChannelRow> channels;
  for (const Row& row : rows) channels.push_back(seen_channel_from(row));
  return channels;
}

Result<std::optional<ChannelRow>> channel_as_seen(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT " CHANNEL_COLUMNS UNREAD_COLUMN
                                                         "FROM chat_members m JOIN chat_channels c ON c.channel_id = m.channel_id"
                                                         " WHERE m.channel_id = ? AND m.user_id = ? AND " RUNNING("m"),
                                                         channel, user, now));
  if (!row) return std::nullopt;
  return seen_channel_from(*row);
}

Result<std::vector<MemberRow>> members_of(Transaction& transaction, std::span<const Uuid> channels, Present present) {
  static const InList statement(MEMBER_SELECT "WHERE m.channel_id IN", "AND " RUNNING("m") "ORDER BY m.channel_id, m.joined_at, m.user_id");
  const Value of_leases[] = {to_value(present.of_leases)};
  const Value now[] = {to_value(present.now)};
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, of_leases, channels, now));
  std::vector<MemberRow> members;
  for (const Row& row : rows) members.push_back(member_from(row));
  return members;
}

Result<std::optional<MemberRow>> find_member(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one(MEMBER_SELECT "WHERE m.channel_id = ? AND m.user_id = ?", now, channel, user));
  if (!row) return std::nullopt;
  return member_from(*row);
}

Result<std::vector<Uuid>> channels_of(Transaction& transaction, const Uuid& user) {
  ASSIGN_OR_RETURN(const auto rows, transaction.query("SELECT channel_id FROM chat_members WHERE user_id = ? AND ended = 0", user));
  std::vector<Uuid> channels;
  for (const Row& row : rows) channels.push_back(row.uuid(0));
  return channels;
}

Result<std::vector<Ended>> memberships_run_out(Transaction& transaction, Timestamp now) {
  ASSIGN_OR_RETURN(const auto rows,
                   transaction.query("SELECT channel_id, user_id FROM chat_members WHERE ended = 0 AND until < 9223372036854775807"
                                     " AND until <= ? ORDER BY until, channel_id, user_id LIMIT ?",
                                     now, kMaxSweep));
  std::vector<Ended> ended;
  for (const Row& row : rows) ended.push_back({row.uuid(0), row.uuid(1)});
  return ended;
}

Result<std::vector<Uuid>> running_members(Transaction& transaction, const Uuid& channel, Timestamp now) {
  ASSIGN_OR_RETURN(const auto rows,
                   transaction.query("SELECT m.user_id FROM chat_members m WHERE m.channel_id = ? AND " RUNNING("m"), channel, now));
  std::vector<Uuid> members;
  for (const Row& row : rows) members.push_back(row.uuid(0));
  return members;
}

Result<std::set<Uuid>> present_members(Transaction& transaction, std::span<const Uuid> channels, Timestamp now) {
  static const InList statement("SELECT m.user_id FROM chat_members m WHERE m.channel_id IN", "AND " RUNNING("m"));
  const Value present[] = {to_value(now)};
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, {}, channels, present));
  std::set<Uuid> members;
  for (const Row& row : rows) members.insert(row.uuid(0));
  return members;
}

}  // namespace consilium::chat::store

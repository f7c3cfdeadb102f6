// The chat's tables. Every function is one or a few statements inside the caller's transaction.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ports/database/database.h"
#include "services/chat/chat.h"

namespace consilium::chat::store {

using database::Transaction;

inline constexpr std::int32_t kMaxUnread = 1'000;    // counted no further
inline constexpr std::int32_t kMaxAudience = 1'000;  // of one presence signal
inline constexpr std::int32_t kMaxSweep = 100;       // rows of one step of a sweep
inline constexpr std::int32_t kMaxTrim = 1'000;      // rows of one step of trimming

// --- People ---

struct Person {
  Uuid id;
  v1::MemberKind kind = v1::MemberKind::kUnspecified;
  std::string display_name;
  std::string language;
  std::optional<std::string> photo_url;
  bool active = true;
};
using People = std::map<Uuid, Person>;

Result<std::optional<Person>> find_person(Transaction& transaction, const Uuid& id);
Result<People> find_people(Transaction& transaction, std::span<const Uuid> ids);
// Also makes the log and the presence. An existing account gets the new name, language and photo.
Result<void> save_person(Transaction& transaction, const Person& person, Timestamp now);
Result<void> change_profile(Transaction& transaction, const Person& person);
Result<void> deactivate(Transaction& transaction, const Uuid& id);
Result<void> ensure_log(Transaction& transaction, const Uuid& id);
Result<std::int64_t> last_sequence(Transaction& transaction, const Uuid& id);

// --- Channels and members ---

struct ChannelRow {
  Uuid id;
  v1::ChannelKind kind = v1::ChannelKind::kUnspecified;
  Uuid client_user_id;
  std::string display_name;
  Timestamp created_at;
  // As a member sees it.
  std::int32_t unread = 0;
};

struct MemberRow {
  Uuid channel_id;
  Person person;
  v1::MemberAccess access = v1::MemberAccess::kUnspecified;
  std::optional<Uuid> last_read_post_id;
  v1::PresenceStatus presence = v1::PresenceStatus::kOffline;
};

// A running membership, with what a command about one channel needs.
struct Standing {
  Membership membership;
  v1::ChannelKind channel_kind = v1::ChannelKind::kUnspecified;
  Person person;
  std::int64_t last_read = 0;
  std::int64_t last_read_shown = 0;
  RecentPosts recent_posts;
};

Result<std::optional<ChannelRow>> find_channel(Transaction& transaction, const Uuid& id);
Result<std::optional<Uuid>> find_channel_of_client(Transaction& transaction, const Uuid& client, v1::ChannelKind kind);
Result<void> insert_channel(Transaction& transaction, const ChannelRow& channel);

// The running membership; absent when it never was, ended or ran out.
Result<std::optional<Standing>> find_standing(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now);
Result<void> save_membership(Transaction& transaction, const Uuid& channel, const Uuid& user, const Membership& membership, Timestamp now);
// Of the last wish about the membership, also when it is over; 0: none had one.
Result<std::int64_t> find_fence(Transaction& transaction, const Uuid& channel, const Uuid& user);
// Also of a person who was never a member.
Result<void> save_fence(Transaction& transaction, const Uuid& channel, const Uuid& user, std::int64_t fence, Timestamp now);
Result<void> end_membership(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now);
Result<void> save_read(Transaction& transaction, const Uuid& channel, const Uuid& user, std::int64_t last_read,
                       std::int64_t last_read_shown);

struct PageStart {
  Timestamp created;
  Uuid id;
};
// Of running memberships, newest channel first, after `start`.
Result<std::vector<ChannelRow>> list_channels(Transaction& transaction, const Uuid& user, Timestamp now, std::optional<PageStart> start,
                                              std::int32_t limit);
Result<std::optional<ChannelRow>> channel_as_seen(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now);
// What is compared with ends of memberships, and with leases (lease_clock.h).
struct Present {
  Timestamp now;
  Timestamp of_leases;
};
// Those who may read one of the channels now.
Result<std::set<Uuid>> present_members(Transaction& transaction, std::span<const Uuid> channels, Timestamp now);
Result<std::vector<MemberRow>> members_of(Transaction& transaction, std::span<const Uuid> channels, Present present);
Result<std::vector<Uuid>> channels_of(Transaction& transaction, const Uuid& user);

struct Ended {
  Uuid channel_id;
  Uuid user_id;
};
Result<std::vector<Ended>> memberships_run_out(Transaction& transaction, Timestamp now);

// --- Posts ---

struct StoredPost {
  std::int64_t position = 0;
  Uuid id;
  Uuid channel_id;
  Uuid author_id;  // nil: the bot
  std::optional<Uuid> recipient_id;
  Timestamp at;
  std::optional<std::string> text;
  std::optional<std::string> code;
  std::optional<std::string> parameters;
  std::optional<std::string> dedup_key;
  // Of others.
  std::string author_name;
  std::optional<std::string> chosen_action;  // by the reader

  bool by_bot() const { return author_id.is_nil(); }
};

// False: the author's dedup key is taken, nothing was stored. Sets the position.
Result<bool> insert_post(Transaction& transaction, StoredPost& post);
Result<std::optional<StoredPost>> find_post_once(Transaction& transaction, const Uuid& author, std::string_view dedup_key);
// Whoever may see it.
Result<std::optional<StoredPost>> find_post(Transaction& transaction, const Uuid& id);
// As `reader` sees it: of a running membership, and not for another alone.
Result<std::optional<StoredPost>> find_post_for(Transaction& transaction, const Uuid& id, const Uuid& reader, Timestamp now);
// Visible to `reader`, whose membership was checked; newest first, before position `before`.
Result<std::vector<StoredPost>> list_posts(Transaction& transaction, const Uuid& channel, const Uuid& reader, std::int64_t before,
                                           std::int32_t limit);
// The newest of each of these channels that `reader` may see.
Result<std::vector<StoredPost>> last_posts(Transaction& transaction, std::span<const Uuid> channels, const Uuid& reader);
Result<std::int64_t> last_shown_before(Transaction& transaction, const Uuid& channel, std::int64_t position);

Result<std::optional<Choice>> find_choice(Transaction& transaction, std::int64_t post, const Uuid& user);
Result<void> save_choice(Transaction& transaction, std::int64_t post, const Uuid& user, const Choice& choice, Timestamp now);

// --- Each person's log ---

enum class EventType : std::uint8_t {
  kNotice = 0,  // of another service: `name` and `data`
  kPostCreated = 1,
  kPostUpdated = 2,
  kChannelRead = 3,
  kChannelJoined = 4,
  kChannelLeft = 5,
};
std::string_view name_of(EventType type);

struct Happening {
  EventType type = EventType::kNotice;
  std::int64_t post = 0;
  std::optional<Uuid> channel_id;
  std::optional<Uuid> member_id;
};

// To every running member of the channel.
Result<void> tell_members(Transaction& transaction, const Uuid& channel, Timestamp now, const Happening& happening);
// Also notes the times of the author's posts.
Result<void> tell_members_of_post(Transaction& transaction, const StoredPost& post, const RecentPosts& recent);
// The reader hears of `read`, which may be a post for them alone, the others of `shown`.
Result<void> tell_members_of_read(Transaction& transaction, const Uuid& channel, const Uuid& reader, std::int64_t read, std::int64_t shown,
                                  Timestamp now);
Result<void> tell_person(Transaction& transaction, const Uuid& person, Timestamp now, const Happening& happening);
// False: the key was used before, nothing was told.
Result<bool> tell_notice(Transaction& transaction, std::span<const Uuid> people, std::string_view name, std::string_view data,
                         std::string_view idempotency_key, Timestamp now);
// Of these people, whoever has an event log, in which a notice is kept.
Result<std::set<Uuid>> people_with_logs(Transaction& transaction, std::span<const Uuid> people);

struct StoredEvent {
  std::int64_t position = 0;
  Uuid user_id;
  std::int64_t sequence = 0;
  Timestamp at;
  EventType type = EventType::kNotice;
  std::optional<Uuid> channel_id;
  std::optional<Uuid> member_id;
  std::string name;
  std::string data;
  // Of the person whose log it is.
  std::string language;
  v1::MemberKind kind = v1::MemberKind::kUnspecified;
  // Events of one post share it, unless it looks different to each reader.
  std::shared_ptr<const StoredPost> post;
};

Result<std::vector<StoredEvent>> events_after(Transaction& transaction, std::int64_t position, std::int32_t limit);
Result<std::vector<StoredEvent>> events_of(Transaction& transaction, const Uuid& person, std::int64_t after, std::int32_t limit);
Result<std::int64_t> last_position(Transaction& transaction);
// The oldest number that is kept; nullopt when nothing is.
Result<std::optional<std::int64_t>> first_sequence(Transaction& transaction, const Uuid& person);
// Members as they are now, for events that tell of one.
Result<std::optional<MemberRow>> find_member(Transaction& transaction, const Uuid& channel, const Uuid& user, Timestamp now);

// Each does one bounded step and says how many rows went.
Result<std::int64_t> trim_old(Transaction& transaction, Timestamp before);
Result<std::int64_t> trim_long(Transaction& transaction, std::int64_t keep);
Result<std::int64_t> trim_notices(Transaction& transaction, Timestamp before);

// --- Presence ---

enum class SocketState : std::uint8_t { kOpen = 0, kClosed = 1, kLapsed = 2 };

struct PresenceRow {
  Uuid user_id;
  v1::MemberKind kind = v1::MemberKind::kUnspecified;
  v1::PresenceStatus chosen = v1::PresenceStatus::kOffline;
  v1::PresenceStatus told = v1::PresenceStatus::kOffline;
  Timestamp since;
  bool live = false;

  v1::PresenceStatus effective() const { return effective_presence(chosen, live); }
};

Result<void> ensure_presence(Transaction& transaction, const Uuid& user, v1::PresenceStatus chosen, Timestamp now);
Result<void> save_chosen(Transaction& transaction, const Uuid& user, v1::PresenceStatus chosen, Timestamp now);
Result<void> save_told(Transaction& transaction, const Uuid& user, v1::PresenceStatus told, Timestamp now);
// Times of leases are those of the lease clock.
Result<std::vector<PresenceRow>> presences_of(Transaction& transaction, std::span<const Uuid> users, Timestamp now);
// Everybody who shares a channel with the person, and the person.
Result<std::vector<Uuid>> audience_of(Transaction& transaction, const Uuid& user, Timestamp now);
Result<std::vector<Uuid>> running_members(Transaction& transaction, const Uuid& channel, Timestamp now);

Result<void> open_socket(Transaction& transaction, const Uuid& socket, const Uuid& user, const Uuid& session, Timestamp lease_until);
// Sockets that others gave up and that live again: their people.
Result<std::vector<Uuid>> people_of_lapsed(Transaction& transaction, std::span<const Uuid> sockets);
Result<void> renew_sockets(Transaction& transaction, std::span<const Uuid> sockets, Timestamp lease_until);
Result<void> close_socket(Transaction& transaction, const Uuid& socket, Timestamp lease_until);
Result<void> drop_sockets(Transaction& transaction, const Uuid& user);
// Of these people, whoever has an open socket: one that closed holds the presence for a lease, but brings nothing.
Result<std::set<Uuid>> people_with_sockets(Transaction& transaction, std::span<const Uuid> people, Timestamp now);
struct SessionSockets {
  Uuid user_id;
  bool reached = false;  // one of them is open and in its lease
};
// Of these sessions, those that have sockets.
Result<std::map<Uuid, SessionSockets>> sockets_of_sessions(Transaction& transaction, std::span<const Uuid> sessions, Timestamp now);
// People of sockets whose lease ran out since the last look.
Result<std::vector<Uuid>> people_run_out(Transaction& transaction, Timestamp now);
// Leases that end after `last`: the clock was set back between the process that gave them and this one.
Result<bool> has_leases_after(Transaction& transaction, Timestamp last);
Result<void> shorten_leases(Transaction& transaction, Timestamp last);
// Marks those; closed ones go.
Result<void> mark_run_out(Transaction& transaction, std::span<const Uuid> people, Timestamp now);
// Those silent since `before`.
Result<std::int64_t> forget_sockets(Transaction& transaction, Timestamp before);

}  // namespace consilium::chat::store

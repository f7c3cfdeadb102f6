// The rules of the chat, pure: no clock, no database, no random.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "consilium/chat/v1/chat.h"
#include "services/chat/settings.h"

namespace consilium::chat {

// The end of a membership that has none.
inline constexpr Timestamp kNoEnd = Timestamp::max();

// What a membership becomes.
struct Membership {
  v1::MemberAccess access = v1::MemberAccess::kUnspecified;
  Timestamp until = kNoEnd;
  bool operator==(const Membership&) const = default;
};

// `current`: the running membership, if there is one. nullopt: there is to be none. A repeated release does not prolong
// the time of reading.
std::optional<Membership> subscribed(const std::optional<Membership>& current, v1::MemberAccess access, std::optional<Timestamp> until,
                                     Timestamp now, Duration read_after_release);

// Whether a wish came too late: a later one was taken before it. `taken`: the fence of the last one taken, 0 when none had one.
bool is_overtaken(std::int64_t taken, v1::MemberAccess access, std::optional<std::int64_t> fence);

// The times of a person's newest posts, oldest first, at most as many as the limit allows in its window.
struct RecentPosts {
  std::vector<Timestamp> times;

  std::string bytes() const;
  static RecentPosts from_bytes(std::string_view bytes);
};

// nullopt: the post may be written. Else how long to wait. Times after `now` (the clock was set back) do not count.
std::optional<Duration> wait_before_post(const RecentPosts& recent, Timestamp now, const Settings& settings);
RecentPosts with_post(RecentPosts recent, Timestamp now, const Settings& settings);

// What others see of a person.
v1::PresenceStatus effective_presence(v1::PresenceStatus chosen, bool has_live_socket);
// What a person has chosen before they choose: clients are there, consultants say when they are ready.
v1::PresenceStatus initial_presence(v1::MemberKind kind);

// A button pressed earlier.
struct Choice {
  std::string action;
  std::optional<std::string> text;
  Timestamp first_at;
};

enum class ChoiceFate {
  kStore,   // new or changed
  kRepeat,  // the same again: nothing happens
  kFinal,   // too late to change
};
ChoiceFate fate_of_choice(const std::optional<Choice>& earlier, std::string_view action, const std::optional<std::string>& text,
                          Timestamp now, Duration choice_change);

}  // namespace consilium::chat

#include "services/chat/chat.h"

#include <algorithm>

namespace consilium::chat {
namespace {

constexpr std::size_t kTimeBytes = 8;

std::size_t limit_of(const Settings& settings) { return static_cast<std::size_t>(std::max(settings.posts_in_window, 1)); }

}  // namespace

std::optional<Membership> subscribed(const std::optional<Membership>& current, v1::MemberAccess access, std::optional<Timestamp> until,
                                     Timestamp now, Duration read_after_release) {
  if (access == v1::MemberAccess::kWrite) return Membership{access, kNoEnd};
  const bool reads_already = current && current->access == v1::MemberAccess::kRead;
  if (!until && reads_already) return current;
  const Timestamp end = until ? *until : now + read_after_release;
  if (end <= now) return std::nullopt;
  return Membership{v1::MemberAccess::kRead, end};
}

bool is_overtaken(std::int64_t taken, v1::MemberAccess access, std::optional<std::int64_t> fence) {
  if (!fence) return false;
  return access == v1::MemberAccess::kWrite ? *fence < taken : *fence <= taken;
}

std::string RecentPosts::bytes() const {
  std::string out;
  for (const Timestamp time : times) {
    const auto number = static_cast<std::uint64_t>(time.microseconds);
    for (std::size_t i = 0; i < kTimeBytes; ++i) out += static_cast<char>(number >> (8 * i) & 0xff);
  }
  return out;
}

RecentPosts RecentPosts::from_bytes(std::string_view bytes) {
  RecentPosts recent;
  for (; bytes.size() >= kTimeBytes; bytes.remove_prefix(kTimeBytes)) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < kTimeBytes; ++i) number |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    recent.times.push_back({static_cast<std::int64_t>(number)});
  }
  return recent;
}

std::optional<Duration> wait_before_post(const RecentPosts& recent, Timestamp now, const Settings& settings) {
  std::vector<Timestamp> counted;
  for (const Timestamp time : recent.times) {
    if (time <= now && time > now - settings.post_window) counted.push_back(time);
  }
  if (counted.size() < limit_of(settings)) return std::nullopt;
  // When the oldest that fills the window has left it.
  const Timestamp blocking = counted[counted.size() - limit_of(settings)];
  return blocking + settings.post_window - now;
}

RecentPosts with_post(RecentPosts recent, Timestamp now, const Settings& settings) {
  std::erase_if(recent.times, [&](Timestamp time) { return time <= now - settings.post_window; });
  recent.times.push_back(now);
  const std::size_t most = limit_of(settings);
  if (recent.times.size() > most) recent.times.erase(recent.times.begin(), recent.times.end() - static_cast<std::ptrdiff_t>(most));
  return recent;
}

v1::PresenceStatus effective_presence(v1::PresenceStatus chosen, bool has_live_socket) {
  return has_live_socket ? chosen : v1::PresenceStatus::kOffline;
}

v1::PresenceStatus initial_presence(v1::MemberKind kind) {
  return kind == v1::MemberKind::kClient ? v1::PresenceStatus::kOnline : v1::PresenceStatus::kOffline;
}

ChoiceFate fate_of_choice(const std::optional<Choice>& earlier, std::string_view action, const std::optional<std::string>& text,
                          Timestamp now, Duration choice_change) {
  if (!earlier) return ChoiceFate::kStore;
  if (earlier->action == action && earlier->text == text) return ChoiceFate::kRepeat;
  return now < earlier->first_at + choice_change ? ChoiceFate::kStore : ChoiceFate::kFinal;
}

}  // namespace consilium::chat

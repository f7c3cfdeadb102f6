// Random people doing random things: what must hold whatever they do (DOMAIN §17.9, §17.10, §17.12).
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "services/chat/chat_rig_test.h"

namespace consilium::chat::testing {
namespace {

constexpr int kPeople = 6;
constexpr int kChannels = 3;

// What the run knows of the truth.
struct KnownPost {
  Uuid channel;
  std::optional<Uuid> recipient;
  std::set<Uuid> members;  // when it was written
};

class Play {
 public:
  explicit Play(std::uint64_t seed) : rig(seed) {
    for (int i = 0; i < kPeople; ++i)
      people.push_back(i < kChannels ? rig.add_client("Client " + std::to_string(i)) : rig.add_consultant());
    for (int i = 0; i < kChannels; ++i) {
      channels.push_back(rig.add_channel(people[static_cast<std::size_t>(i)]));
      access[{channels.back(), people[static_cast<std::size_t>(i)]}] = v1::MemberAccess::kWrite;
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
    check_logs();
    check_feed();
  }

 private:
  const Uuid& any(const std::vector<Uuid>& from) { return from[rig.random.below(from.size())]; }

  void step() {
    rig.world.run_for(milliseconds(static_cast<std::int64_t>(rig.random.below(400))));
    const Uuid person = any(people);
    const Uuid channel = any(channels);
    switch (rig.random.below(10)) {
      case 0: return change_membership(person, channel);
      case 1: return write_for_one(person, channel);
      case 2: return read(person, channel);
      case 3: return rig.random.below(8) == 0 ? rig.restart() : list(person, channel);
      case 4: return list(person, channel);
      default: return write(person, channel);
    }
  }

  std::optional<v1::MemberAccess> access_of(const Uuid& channel, const Uuid& person) const {
    const auto found = access.find({channel, person});
    return found == access.end() ? std::nullopt : std::optional(found->second);
  }

  std::set<Uuid> members_of(const Uuid& channel) const {
    std::set<Uuid> members;
    for (const Uuid& person : people) {
      if (access_of(channel, person)) members.insert(person);
    }
    return members;
  }

  void change_membership(const Uuid& person, const Uuid& channel) {
    const bool owner = access.contains({channel, person}) &&
                       person == people[static_cast<std::size_t>(std::find(channels.begin(), channels.end(), channel) - channels.begin())];
    if (owner) return;
    switch (rig.random.below(3)) {
      case 0:
        ASSERT_TRUE(rig.subscribe(channel, person, v1::MemberAccess::kWrite));
        access[{channel, person}] = v1::MemberAccess::kWrite;
        return;
      case 1:
        ASSERT_TRUE(rig.subscribe(channel, person, v1::MemberAccess::kRead));
        access[{channel, person}] = v1::MemberAccess::kRead;
        return;
      default: ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::unsubscribe, {channel, person})); access.erase({channel, person});
    }
  }

  void write(const Uuid& person, const Uuid& channel) {
    // Few ids, so that they meet again.
    const std::string client_id = "c" + std::to_string(rig.random.below(30));
    const std::string text = "text " + std::to_string(rig.random.below(3));
    const auto reply = rig.post(person, channel, text, client_id);
    const auto right = access_of(channel, person);
    const auto known = by_client_id.find({person, client_id});
    if (!right) {
      EXPECT_EQ(code_of(reply), "chat.channel-not-found");
    } else if (known != by_client_id.end()) {
      const bool same = known->second.channel_id == channel && known->second.text == text;
      EXPECT_EQ(code_of(reply), same ? "" : "chat.client-id-reused");
      if (same && reply) {
        EXPECT_EQ(reply->id, known->second.id);
      }
    } else if (*right == v1::MemberAccess::kRead) {
      EXPECT_EQ(code_of(reply), "chat.read-only");
    } else if (reply) {
      by_client_id[{person, client_id}] = *reply;
      posts[reply->id] = {channel, std::nullopt, members_of(channel)};
      order[channel].push_back(reply->id);
    } else {
      EXPECT_EQ(code_of(reply), "chat.too-fast");
    }
  }

  void write_for_one(const Uuid& person, const Uuid& channel) {
    const auto reply = rig.bot_text(channel, "only for one", person);
    if (!access_of(channel, person)) {
      EXPECT_EQ(code_of(reply), "chat.user-not-found");
      return;
    }
    ASSERT_TRUE(reply);
    posts[reply->id] = {channel, person, {person}};
    order[channel].push_back(reply->id);
  }

  std::vector<Uuid> visible(const Uuid& person, const Uuid& channel) {
    std::vector<Uuid> ids;
    for (const Uuid& id : order[channel]) {
      if (!posts[id].recipient || posts[id].recipient == person) ids.push_back(id);
    }
    return ids;
  }

  void list(const Uuid& person, const Uuid& channel) {
    const auto reply = rig.posts(person, channel);
    if (!access_of(channel, person)) {
      EXPECT_EQ(code_of(reply), "chat.channel-not-found");
      return;
    }
    ASSERT_TRUE(reply);
    std::vector<Uuid> wanted = visible(person, channel);
    std::reverse(wanted.begin(), wanted.end());
    if (wanted.size() > 200) wanted.resize(200);
    ASSERT_EQ(reply->size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ((*reply)[i].id, wanted[i]);
  }

  void read(const Uuid& person, const Uuid& channel) {
    if (order[channel].empty()) return;
    const Uuid id = any(order[channel]);
    const auto reply = rig.mark_read(person, channel, id);
    if (!access_of(channel, person)) {
      EXPECT_EQ(code_of(reply), "chat.channel-not-found");
    } else if (posts[id].recipient && posts[id].recipient != person) {
      EXPECT_EQ(code_of(reply), "chat.post-not-found");
    } else {
      EXPECT_TRUE(reply);
    }
  }

  // No gap, no duplicate; each post in the log of exactly those who were members then, once; nothing of another's.
  void check_logs() {
    for (const Uuid& person : people) {
      const v1::ReadEventsReply log = rig.events(person);
      EXPECT_EQ(static_cast<std::int64_t>(log.events.size()), log.last_sequence);
      std::set<Uuid> heard;
      std::int64_t wanted = 1;
      for (const v1::PersonEvent& event : log.events) {
        EXPECT_EQ(event.sequence, wanted++);
        EXPECT_EQ(event.user_id, person);
        for (const auto& [id, post] : posts) {
          if (post.recipient && post.recipient != person) {
            EXPECT_EQ(event.data.text.find(id.text()), std::string::npos);
          }
        }
        if (event.type != "post.created") continue;
        const auto post = decode_json<v1::Post>(event.data.text, UnknownMembers::kRefuse);
        ASSERT_TRUE(post);
        EXPECT_TRUE(heard.insert(post->id).second);
      }
      for (const auto& [id, post] : posts) EXPECT_EQ(heard.contains(id), post.members.contains(person)) << id.text();
    }
    EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts"), static_cast<std::int64_t>(posts.size()));
  }

  // The feed is all logs together.
  void check_feed() {
    std::map<Uuid, std::int64_t> last;
    std::size_t count = 0;
    for (v1::ReadFeedReply batch = rig.feed(0); !batch.events.empty(); batch = rig.feed(batch.position)) {
      for (const v1::PersonEvent& event : batch.events) EXPECT_EQ(event.sequence, ++last[event.user_id]);
      count += batch.events.size();
    }
    EXPECT_EQ(static_cast<std::int64_t>(count), rig.count("SELECT sum(last_sequence) FROM chat_logs"));
  }

  Rig rig;
  std::vector<Uuid> people;
  std::vector<Uuid> channels;
  std::map<std::pair<Uuid, Uuid>, v1::MemberAccess> access;
  std::map<std::pair<Uuid, std::string>, v1::Post> by_client_id;
  std::map<Uuid, KnownPost> posts;
  std::map<Uuid, std::vector<Uuid>> order;
};

// CONSILIUM_SEED=n replays one.
TEST(ChatProperties, HoldForRandomPeople) {
  const char* replay = std::getenv("CONSILIUM_SEED");
  const std::uint64_t first = replay ? std::strtoull(replay, nullptr, 10) : 1;
  const std::uint64_t last = replay ? first : 12;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    Play(seed).run(250);
    if (HasFailure()) {
      FAIL() << "replay with: CONSILIUM_SEED=" << seed << " services_chat_test --gtest_filter=ChatProperties.*";
    }
  }
}

}  // namespace
}  // namespace consilium::chat::testing

// The calls, on SQLite and virtual time.
#include "services/chat/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "consilium/sessions/v1/sessions.h"
#include "consilium/users/v1/users_rpc.h"
#include "services/chat/chat_rig_test.h"
#include "services/chat/events.h"
#include "services/chat/predefined_posts.h"

namespace consilium::chat::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using S = v1::PresenceStatus;

constexpr v1::MemberAccess kRead = v1::MemberAccess::kRead;
constexpr v1::MemberAccess kWrite = v1::MemberAccess::kWrite;

// A client, her channel, and a consultant in it.
class Chat : public ::testing::Test {
 protected:
  Chat() {
    anna = rig.add_client("Anna Client");
    channel = rig.add_channel(anna);
    clara = rig.add_consultant("Clara Consultant");
    david = rig.add_consultant("David Other");
    EXPECT_TRUE(rig.subscribe(channel, clara));
  }

  Rig rig;
  Uuid anna;
  Uuid channel;
  Uuid clara;
  Uuid david;
};

// --- The texts that ship ---

TEST(Locales, EveryPredefinedPostHasATextThatNeedsOnlyRequiredParameters) {
  const MessageCatalogue catalogue = shipped_catalogue();
  for (const std::string& language : catalogue.languages()) {
    EXPECT_TRUE(catalogue.has(language, "bot.name"));
    for (const PredefinedPost& post : predefined_posts()) {
      const std::string key = "post." + std::string(post.code);
      EXPECT_TRUE(catalogue.has(language, key)) << language << " " << key;
      for (const std::string& name : catalogue.arguments_of(language, key)) {
        EXPECT_TRUE(std::any_of(post.parameters.begin(), post.parameters.end(),
                                [&](const ParameterRule& rule) {
                                  return rule.name == name && rule.presence == Presence::kRequired && rule.type != ParameterType::kId;
                                }))
            << language << " " << key << " " << name;
      }
      for (const ActionRule& action : post.actions) EXPECT_TRUE(catalogue.has(language, "action." + std::string(action.id)));
    }
  }
}

// --- People and channels ---

Task<void> stop_and_tell(ChatService& chat, bool& stopped) {
  co_await chat.stop();
  stopped = true;
}

TEST_F(Chat, B_20_B_23_ChatUsersAndChannelsAreMadeOnce) {
  v1::CreateChatUserRequest request{anna, "Anna Renamed", v1::MemberKind::kClient, "ru", std::nullopt};
  const auto again = rig.call(rig.service(), &v1::Chat::create_chat_user, request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->chat_user_id, anna);
  EXPECT_EQ(rig.add_channel(anna), channel);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_channels"), 1);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_users"), 3);
  EXPECT_EQ(rig.channel(clara, channel)->members.at(0).display_name, "Anna Renamed");
}

// By whomever it is asked for, however many ask at once.
TEST_F(Chat, B_20_FiftyAtOnceMakeOneAccountAndOneChannel) {
  const Uuid late = rig.new_id();
  std::vector<std::unique_ptr<runtime::Context>> contexts;
  std::vector<std::shared_ptr<std::optional<Result<v1::ChatUserReply>>>> accounts;
  for (int i = 0; i < 50; ++i) {
    contexts.push_back(std::make_unique<runtime::Context>(rig.loop, rig.random));
    contexts.back()->caller = rig.service();
    accounts.push_back(rig.start(*contexts.back(), &v1::Chat::create_chat_user, {late, "Late", v1::MemberKind::kClient, "en", {}}));
  }
  rig.world.run_for(seconds(1));
  for (const auto& account : accounts) {
    ASSERT_TRUE(account->has_value() && account->value()) << "each is answered";
    EXPECT_EQ((*account)->value().chat_user_id, late);
  }
  std::vector<std::shared_ptr<std::optional<Result<v1::ChannelReply>>>> channels;
  for (const auto& context : contexts)
    channels.push_back(rig.start(*context, &v1::Chat::create_channel, {v1::ChannelKind::kCommon, late, "Questions"}));
  rig.world.run_for(seconds(1));
  std::set<Uuid> ids;
  for (const auto& made : channels) {
    ASSERT_TRUE(made->has_value() && made->value());
    ids.insert((*made)->value().channel_id);
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_users"), 4);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_channels"), 2);
}

TEST_F(Chat, B_21_UnknownPeopleAndChannelsAreNamed) {
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::create_channel, {v1::ChannelKind::kCommon, rig.new_id(), "x"})),
            "chat.user-not-found");
  EXPECT_EQ(code_of(rig.subscribe(channel, rig.new_id())), "chat.user-not-found");
  EXPECT_EQ(code_of(rig.subscribe(rig.new_id(), clara)), "chat.channel-not-found");
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::unsubscribe, {rig.new_id(), clara})), "chat.channel-not-found");
  EXPECT_TRUE(rig.call(rig.service(), &v1::Chat::unsubscribe, {channel, david}));
  EXPECT_TRUE(rig.call(rig.service(), &v1::Chat::delete_chat_user, {rig.new_id()}));
}

TEST_F(Chat, WhoWasRemovedBeforeTheirCreationArrivedIsNotThere) {
  const Uuid late = rig.new_id();
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::delete_chat_user, {late}));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::create_chat_user, {late, "Late", v1::MemberKind::kClient, "en", {}}));
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::create_channel, {v1::ChannelKind::kCommon, late, "Late"})), "chat.user-not-found");
}

TEST_F(Chat, PeopleMayNotMakeTheCallsOfServicesNorServicesThoseOfPeople) {
  const auto person = rig.person(anna);
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::create_chat_user, {rig.new_id(), "x", v1::MemberKind::kClient, "en", {}})),
            "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::delete_chat_user, {clara})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::create_channel, {v1::ChannelKind::kCommon, anna, "x"})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::subscribe, {channel, anna, kWrite, {}})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::unsubscribe, {channel, clara})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::bot_post, {channel, "x", {}, {}, {}, "k"})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::ask_bot, {"hello", "en"})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::get_post, {rig.new_id()})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::get_presences, {{clara}})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::open_socket, {rig.new_id(), anna, rig.new_id()})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::renew_sockets, {{rig.new_id()}})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::close_socket, {rig.new_id()})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::notify, {{clara}, "task.created", {"{}"}, {}})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::read_feed, {0, 0, {}})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(person, &v1::Chat::read_events, {clara, 0, 10})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::list_channels, {})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::create_post, {channel, "x", {}})), "request.forbidden");
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::set_presence, {S::kOnline})), "request.forbidden");
}

TEST_F(Chat, AForeignChannelIsNotFound) {
  const v1::Post post = rig.say(anna, channel, "hello");
  EXPECT_EQ(code_of(rig.channel(david, channel)), "chat.channel-not-found");
  EXPECT_EQ(code_of(rig.posts(david, channel)), "chat.channel-not-found");
  EXPECT_EQ(code_of(rig.post(david, channel, "hi")), "chat.channel-not-found");
  EXPECT_EQ(code_of(rig.mark_read(david, channel, post.id)), "chat.channel-not-found");
  EXPECT_EQ(code_of(rig.call(rig.person(david), &v1::Chat::typing, {channel, {}})), "chat.channel-not-found");
  EXPECT_EQ(code_of(rig.call(rig.person(david), &v1::Chat::press_action, {post.id, "yes", "x", {}})), "chat.post-not-found");
  EXPECT_TRUE(rig.call(rig.person(david), &v1::Chat::list_channels, {})->items.empty());
  EXPECT_THAT(rig.event_types(david), IsEmpty());
}

TEST_F(Chat, ChannelsAreListedInPagesWithMembersAndTheLastPost) {
  std::vector<Uuid> all = {channel};
  for (int i = 0; i < 4; ++i) {
    rig.world.run_for(milliseconds(i % 2));  // some at the same time
    all.push_back(rig.add_channel(rig.add_client("Client " + std::to_string(i))));
    ASSERT_TRUE(rig.subscribe(all.back(), clara));
  }
  rig.say(anna, channel, "first");
  rig.say(anna, channel, "second");
  std::set<Uuid> seen;
  std::optional<std::string> cursor;
  int pages = 0;
  do {
    const auto page = rig.call(rig.person(clara), &v1::Chat::list_channels, {2, cursor});
    ASSERT_TRUE(page);
    EXPECT_LE(page->items.size(), 2u);
    for (const v1::Channel& one : page->items) {
      EXPECT_TRUE(seen.insert(one.id).second);
      EXPECT_EQ(one.members.size(), 2u);
      if (one.id == channel) {
        EXPECT_EQ(one.last_post->text, "second");
        EXPECT_EQ(one.unread_count, 2);
      } else {
        EXPECT_FALSE(one.last_post);
      }
    }
    cursor = page->next_cursor;
    ++pages;
  } while (cursor);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, std::set<Uuid>(all.begin(), all.end()));
  EXPECT_EQ(code_of(rig.call(rig.person(clara), &v1::Chat::list_channels, {2, "rubbish"})), "chat.bad-cursor");
}

// --- Memberships ---

TEST_F(Chat, AConsultantWritesWhileTheTaskIsTheirsThenReadsForADay) {
  EXPECT_TRUE(rig.post(clara, channel, "I am here"));
  ASSERT_TRUE(rig.subscribe(channel, clara, kRead));
  EXPECT_EQ(code_of(rig.post(clara, channel, "one more")), "chat.read-only");
  EXPECT_EQ(code_of(rig.call(rig.person(clara), &v1::Chat::typing, {channel, {}})), "chat.channel-not-found");
  const v1::Post later = rig.say(anna, channel, "thanks");
  EXPECT_TRUE(rig.mark_read(clara, channel, later.id));
  EXPECT_THAT(rig.texts(clara, channel), ElementsAre("thanks", "I am here"));

  rig.world.run_for(hours(23));
  ASSERT_TRUE(rig.subscribe(channel, clara, kRead));  // the job is repeated
  EXPECT_TRUE(rig.channel(clara, channel));
  rig.world.run_for(hours(1));
  EXPECT_EQ(code_of(rig.channel(clara, channel)), "chat.channel-not-found");
  rig.say(anna, channel, "is anybody there?");

  const std::int64_t before = rig.sequence(anna);
  ASSERT_TRUE(rig.run(&ChatService::sweep));
  EXPECT_THAT(rig.event_types(anna, before), ElementsAre("channel.left"));
  EXPECT_EQ(rig.event_types(clara).back(), "channel.left");
  EXPECT_THAT(rig.event_types(clara), Not(Contains("is anybody there?")));
  ASSERT_TRUE(rig.run(&ChatService::sweep));
  EXPECT_EQ(rig.sequence(anna), before + 1);
  EXPECT_EQ(rig.channel(anna, channel)->members.size(), 1u);
}

// The job that admits is cancelled with its case while its call is on the way: the call comes after the release.
TEST_F(Chat, AWishThatWasOvertakenChangesNothing) {
  ASSERT_TRUE(rig.subscribe(channel, david, kRead, std::nullopt, 12));
  ASSERT_TRUE(rig.subscribe(channel, david, v1::MemberAccess::kWrite, std::nullopt, 11));
  EXPECT_EQ(code_of(rig.post(david, channel, "I am here")), "chat.read-only");
  ASSERT_TRUE(rig.subscribe(channel, david, v1::MemberAccess::kWrite, std::nullopt, 20));
  ASSERT_TRUE(rig.subscribe(channel, david, kRead, std::nullopt, 12));
  EXPECT_TRUE(rig.post(david, channel, "I am here")) << "the release of the former case comes late";
  ASSERT_TRUE(rig.subscribe(channel, david, kRead, std::nullopt, 20));
  EXPECT_TRUE(rig.post(david, channel, "still here")) << "given to the same person again: the release came first";
}

TEST_F(Chat, AWishIsOvertakenAlsoByOneThatLeftNoMembership) {
  ASSERT_TRUE(rig.subscribe(channel, david, kRead, rig.loop.now(), 12));
  ASSERT_TRUE(rig.subscribe(channel, david, v1::MemberAccess::kWrite, std::nullopt, 11));
  EXPECT_EQ(code_of(rig.channel(david, channel)), "chat.channel-not-found");
  ASSERT_TRUE(rig.subscribe(channel, david, kRead, rig.loop.now() + hours(1), 30));
  rig.world.run_for(minutes(50));
  ASSERT_TRUE(rig.subscribe(channel, david, kRead, rig.loop.now() + hours(1), 30)) << "the job is repeated";
  rig.world.run_for(minutes(11));
  EXPECT_EQ(code_of(rig.channel(david, channel)), "chat.channel-not-found");
}

TEST_F(Chat, ANewTaskGivesTheRightToWriteAgainAndWhatWasReadIsRemembered) {
  const v1::Post post = rig.say(anna, channel, "hello");
  ASSERT_TRUE(rig.mark_read(clara, channel, post.id));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::unsubscribe, {channel, clara}));
  EXPECT_EQ(code_of(rig.channel(clara, channel)), "chat.channel-not-found");
  rig.say(anna, channel, "again");
  ASSERT_TRUE(rig.subscribe(channel, clara));
  EXPECT_TRUE(rig.post(clara, channel, "back"));
  EXPECT_EQ(rig.channel(clara, channel)->unread_count, 1);
}

TEST_F(Chat, JoiningAndLeavingIsToldOnceToEveryMember) {
  const std::int64_t before = rig.sequence(anna);
  ASSERT_TRUE(rig.subscribe(channel, david));
  ASSERT_TRUE(rig.subscribe(channel, david));
  ASSERT_TRUE(rig.subscribe(channel, david, kRead));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::unsubscribe, {channel, david}));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::unsubscribe, {channel, david}));
  EXPECT_THAT(rig.event_types(anna, before), ElementsAre("channel.joined", "channel.joined", "channel.left"));
  EXPECT_THAT(rig.event_types(david), ElementsAre("channel.joined", "channel.joined", "channel.left"));
  const auto joined = boost::json::parse(rig.events(anna, before).events.at(0).data.text).as_object();
  EXPECT_EQ(joined.at("channelId").as_string(), channel.text());
  EXPECT_EQ(joined.at("member").at("userId").as_string(), david.text());
  EXPECT_EQ(joined.at("member").at("displayName").as_string(), "David Other");
  const auto left = boost::json::parse(rig.events(anna, before).events.at(2).data.text).as_object();
  EXPECT_EQ(left, (boost::json::object{{"channelId", channel.text()}, {"userId", david.text()}}));
}

TEST_F(Chat, AReadEndInThePastEndsTheMembership) {
  ASSERT_TRUE(rig.subscribe(channel, clara, kRead, rig.loop.now()));
  EXPECT_EQ(code_of(rig.channel(clara, channel)), "chat.channel-not-found");
  EXPECT_EQ(rig.event_types(clara).back(), "channel.left");
}

TEST_F(Chat, ADeletedPersonIsGoneButTheirPostsKeepTheirName) {
  rig.say(clara, channel, "I will help");
  rig.choose(clara, S::kOnline);
  rig.open_socket(clara);
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::delete_chat_user, {clara}));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::delete_chat_user, {clara}));
  EXPECT_EQ(rig.posts(anna, channel)->at(0).author_name, "Clara Consultant");
  EXPECT_EQ(rig.channel(anna, channel)->members.size(), 1u);
  EXPECT_EQ(code_of(rig.post(clara, channel, "hm")), "chat.channel-not-found");
  EXPECT_EQ(code_of(rig.subscribe(channel, clara)), "chat.user-not-found");
  EXPECT_EQ(rig.presence(clara), S::kOffline);
  EXPECT_EQ(rig.event_types(anna).back(), "channel.left");
  rig.open_socket(clara);
  EXPECT_EQ(rig.presence(clara), S::kOffline);
}

// --- Posts ---

TEST_F(Chat, APostIsAnsweredStoredToldAndPublished) {
  const auto post = rig.post(anna, channel, "Hello <b>there</b>", "device-1");
  ASSERT_TRUE(post);
  EXPECT_EQ(post->channel_id, channel);
  EXPECT_EQ(post->author_kind, v1::AuthorKind::kUser);
  EXPECT_EQ(post->author_id, anna);
  EXPECT_EQ(post->author_name, "Anna Client");
  EXPECT_EQ(post->text, "Hello <b>there</b>");
  EXPECT_EQ(post->client_id, "device-1");
  EXPECT_FALSE(post->ephemeral);
  EXPECT_EQ(rig.posts(anna, channel)->at(0), *post);

  // The same for others, but for what the author's device alone needs.
  v1::Post seen = *post;
  seen.client_id.reset();
  EXPECT_EQ(rig.posts(clara, channel)->at(0), seen);
  const v1::PersonEvent event = rig.events(clara).events.back();
  EXPECT_EQ(event.type, "post.created");
  EXPECT_EQ(event.data.text, encode_json(seen));
  EXPECT_EQ(rig.events(anna).events.back().data.text, encode_json(*post));

  const auto published = rig.published("chat.v1.post-created");
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0].key, channel.text());
  const auto told = decode_json<v1::PostCreated>(published[0].payload, UnknownMembers::kRefuse);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->post_id, post->id);
  EXPECT_EQ(told->author_kind, v1::AuthorKind::kUser);
  EXPECT_EQ(told->member_kind, v1::MemberKind::kClient);
  EXPECT_EQ(told->channel_kind, v1::ChannelKind::kCommon);
  EXPECT_THAT(published[0].payload, Not(HasSubstr("Hello")));
}

TEST_F(Chat, PostsArePagedNewestFirst) {
  for (int i = 0; i < 7; ++i) rig.say(i % 2 ? clara : anna, channel, std::to_string(i));
  std::string all;
  std::optional<std::string> cursor;
  do {
    const auto page = rig.call(rig.person(anna), &v1::Chat::list_posts, {channel, 3, cursor});
    ASSERT_TRUE(page);
    for (const v1::Post& post : page->items) all += post.text;
    cursor = page->next_cursor;
    all += "|";
    rig.say(clara, channel, "later");
  } while (cursor);
  EXPECT_EQ(all, "654|321|0|");
}

TEST_F(Chat, ACursorOfAnotherListIsRefused) {
  const Uuid boris = rig.add_client("Boris");
  const Uuid other = rig.add_channel(boris);
  for (int i = 0; i < 3; ++i) rig.say(boris, other, "x");
  const auto page = rig.call(rig.person(boris), &v1::Chat::list_posts, {other, 2, {}});
  ASSERT_TRUE(page && page->next_cursor);
  EXPECT_EQ(code_of(rig.call(rig.person(anna), &v1::Chat::list_posts, {channel, 2, page->next_cursor})), "chat.bad-cursor");
  EXPECT_EQ(code_of(rig.call(rig.person(anna), &v1::Chat::list_posts, {channel, 2, "rubbish"})), "chat.bad-cursor");
}

TEST_F(Chat, TheSameClientIdAnswersTheStoredPost) {
  const auto first = rig.post(anna, channel, "hello", "a");
  const std::int64_t told = rig.sequence(clara);
  const auto second = rig.post(anna, channel, "hello", "a");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(rig.sequence(clara), told);
  EXPECT_EQ(rig.published("chat.v1.post-created").size(), 1u);
  EXPECT_EQ(code_of(rig.post(anna, channel, "other", "a")), "chat.client-id-reused");
  EXPECT_TRUE(rig.post(clara, channel, "other", "a"));  // ids are each author's own
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts"), 2);
}

TEST_F(Chat, AClientIdIsNotGoodForAnotherChannel) {
  const Uuid other = rig.add_channel(rig.add_client("Boris"));
  ASSERT_TRUE(rig.subscribe(other, clara));
  ASSERT_TRUE(rig.post(clara, channel, "hello", "a"));
  EXPECT_EQ(code_of(rig.post(clara, other, "hello", "a")), "chat.client-id-reused");
}

TEST_F(Chat, WhoAsksAgainIsAnsweredBeyondTheLimitAndWithoutTheRight) {
  const auto first = rig.post(clara, channel, "hello", "a");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(rig.post(clara, channel, "more"));
  EXPECT_EQ(code_of(rig.post(clara, channel, "more")), "chat.too-fast");
  EXPECT_EQ(rig.post(clara, channel, "hello", "a")->id, first->id);
  ASSERT_TRUE(rig.subscribe(channel, clara, kRead));
  EXPECT_EQ(rig.post(clara, channel, "hello", "a")->id, first->id);
  EXPECT_EQ(code_of(rig.post(clara, channel, "other", "a")), "chat.client-id-reused");
}

TEST_F(Chat, FiftyAtOnceWithOneClientIdMakeOnePost) {
  std::vector<std::unique_ptr<runtime::Context>> contexts;
  std::vector<std::shared_ptr<std::optional<Result<v1::Post>>>> answers;
  for (int i = 0; i < 50; ++i) {
    contexts.push_back(std::make_unique<runtime::Context>(rig.loop, rig.random));
    contexts.back()->caller = rig.person(anna);
    answers.push_back(rig.start(*contexts.back(), &v1::Chat::create_post, {channel, "hello", "a"}));
  }
  rig.world.run_for(seconds(1));
  std::set<Uuid> ids;
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer->has_value());
    ASSERT_TRUE(**answer) << (*answer)->error().describe();
    ids.insert((*answer)->value().id);
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts"), 1);
  EXPECT_EQ(rig.published("chat.v1.post-created").size(), 1u);
}

TEST_F(Chat, TheIdempotencyKeyOfTheHeaderIsKept) {
  const auto first = rig.call(rig.person(anna), &v1::Chat::create_post, {channel, "hello", {}}, "key-1");
  const auto second = rig.call(rig.person(anna), &v1::Chat::create_post, {channel, "hello", {}}, "key-1");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(code_of(rig.call(rig.person(anna), &v1::Chat::create_post, {channel, "other", {}}, "key-1")), "request.idempotency-key-reused");
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts"), 1);
}

TEST_F(Chat, TheSixthPostOfASecondIsTooFast) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(rig.post(anna, channel, "x"));
  const auto sixth = rig.post(anna, channel, "x");
  ASSERT_EQ(code_of(sixth), "chat.too-fast");
  EXPECT_EQ(sixth.error().kind, ErrorKind::kRateLimited);
  ASSERT_TRUE(sixth.error().retry_after);
  EXPECT_TRUE(rig.post(clara, channel, "others may"));
  rig.world.run_for(*sixth.error().retry_after - microseconds(1));
  EXPECT_EQ(code_of(rig.post(anna, channel, "x")), "chat.too-fast");
  rig.restart();  // the limit is not lost with the process
  EXPECT_EQ(code_of(rig.post(anna, channel, "x")), "chat.too-fast");
  rig.world.run_for(microseconds(1));
  EXPECT_TRUE(rig.post(anna, channel, "x"));
}

TEST_F(Chat, ForbiddenTextsAreNotStored) {
  for (const std::string& text : {std::string("a\x01"), std::string("  "), std::string(4001, 'x'), std::string("\xff")}) {
    const auto refused = rig.post(anna, channel, text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kValidation);
  }
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts"), 0);
}

// --- Ephemeral posts (§17.9) ---

TEST_F(Chat, AnEphemeralPostIsSeenByOnePersonAlone) {
  const v1::Post before = rig.say(anna, channel, "hello");
  const std::int64_t told_anna = rig.sequence(anna);
  const std::int64_t told_clara = rig.sequence(clara);
  const auto secret = rig.bot_text(channel, "only for Clara", clara);
  ASSERT_TRUE(secret);
  EXPECT_TRUE(secret->ephemeral);

  EXPECT_EQ(rig.sequence(anna), told_anna);
  EXPECT_THAT(rig.event_types(clara, told_clara), ElementsAre("post.created"));
  EXPECT_TRUE(rig.posts(clara, channel)->at(0).ephemeral);
  EXPECT_THAT(rig.texts(anna, channel), ElementsAre("hello"));
  EXPECT_EQ(rig.channel(anna, channel)->last_post->id, before.id);
  EXPECT_EQ(rig.channel(clara, channel)->last_post->id, secret->id);
  EXPECT_EQ(rig.channel(anna, channel)->unread_count, 0);
  EXPECT_EQ(rig.channel(clara, channel)->unread_count, 2);
  EXPECT_EQ(code_of(rig.mark_read(anna, channel, secret->id)), "chat.post-not-found");
  EXPECT_EQ(rig.published("chat.v1.post-created").size(), 1u);
}

TEST_F(Chat, OthersDoNotLearnThatAnEphemeralPostWasRead) {
  const v1::Post post = rig.say(anna, channel, "hello");
  const auto secret = rig.bot_text(channel, "only for Clara", clara);
  const std::int64_t before = rig.sequence(anna);
  ASSERT_TRUE(rig.mark_read(clara, channel, secret->id));
  const auto told = rig.events(anna, before).events;
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0].data.text, AllOf(HasSubstr(post.id.text()), Not(HasSubstr(secret->id.text()))));
  EXPECT_THAT(rig.events(clara).events.back().data.text, HasSubstr(secret->id.text()));
  for (const v1::Member& member : rig.members(anna, channel)) EXPECT_NE(member.last_read_post_id, secret->id);
  EXPECT_EQ(rig.channel(clara, channel)->unread_count, 0);

  const auto another = rig.bot_text(channel, "again for Clara", clara);
  ASSERT_TRUE(rig.mark_read(clara, channel, another->id));
  EXPECT_EQ(rig.sequence(anna), before + 1);
}

TEST_F(Chat, AnEphemeralPostNeedsAMemberToReadIt) {
  EXPECT_EQ(code_of(rig.bot_text(channel, "for nobody", david)), "chat.user-not-found");
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts"), 0);
}

// --- Predefined posts ---

TEST_F(Chat, PredefinedPostsAreShownInEachReadersLanguage) {
  const Uuid david_ru = rig.add_consultant("Давид", "ru");
  ASSERT_TRUE(rig.subscribe(channel, david_ru));
  const auto post = rig.bot_post(channel, "client.task-solved", R"({"taskNum": "MOI-000123"})");
  ASSERT_TRUE(post) << post.error().describe();
  const v1::Post english = rig.posts(anna, channel)->at(0);
  const v1::Post russian = rig.posts(david_ru, channel)->at(0);
  EXPECT_EQ(english.text, rig.catalogue.render("en", "post.client.task-solved", {{"taskNum", "MOI-000123"}}));
  EXPECT_EQ(russian.text, rig.catalogue.render("ru", "post.client.task-solved", {{"taskNum", "MOI-000123"}}));
  EXPECT_NE(english.text, russian.text);
  EXPECT_EQ(english.author_kind, v1::AuthorKind::kBot);
  EXPECT_FALSE(english.author_id);
  EXPECT_EQ(russian.author_name, rig.catalogue.render("ru", "bot.name"));
  EXPECT_EQ(english.code, "client.task-solved");
  EXPECT_EQ(english.parameters->text, R"({"taskNum":"MOI-000123"})");
  EXPECT_THAT(rig.events(david_ru).events.back().data.text, HasSubstr(boost::json::serialize(boost::json::value(russian.text))));
  EXPECT_EQ(rig.catalogue.missing_keys(), 0u);
}

TEST_F(Chat, APersonInAPredefinedPostIsShownByNameAndPhoto) {
  const Uuid elena = rig.add_consultant("Elena Expert", "en", "https://example.org/elena.png");
  const auto post = rig.bot_post(channel, "client.request-assigned", R"({"consultant": ")" + elena.text() + R"("})", anna);
  ASSERT_TRUE(post) << post.error().describe();
  const v1::Post seen = rig.posts(anna, channel)->at(0);
  EXPECT_THAT(seen.text, HasSubstr("Elena Expert"));
  EXPECT_EQ(seen.image_url, "https://example.org/elena.png");
  EXPECT_EQ(rig.channel(anna, channel)->last_post->text, seen.text);
  EXPECT_EQ(rig.events(anna).events.back().data.text, encode_json(seen));
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts WHERE text IS NOT NULL"), 0);
}

TEST_F(Chat, B_27_UnknownCodesPeopleAndParametersAreRefused) {
  EXPECT_EQ(code_of(rig.bot_post(channel, "client.unheard-of", "{}")), "chat.unknown-code");
  const auto missing = rig.bot_post(channel, "client.task-solved", "{}");
  ASSERT_EQ(code_of(missing), "chat.bad-parameters");
  EXPECT_EQ(missing.error().fields.at(0).name, "parameters.taskNum");
  EXPECT_EQ(code_of(rig.bot_post(channel, "client.hello", R"({"client": ")" + rig.new_id().text() + R"("})")), "chat.user-not-found");
  EXPECT_EQ(code_of(rig.bot_post(rig.new_id(), "client.new-request", "{}")), "chat.channel-not-found");
  v1::BotPostRequest both{channel, "text", "client.new-request", {}, {}, "k"};
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::bot_post, both)), "request.invalid");
  v1::BotPostRequest neither{channel, {}, {}, {}, {}, "k"};
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::bot_post, neither)), "request.invalid");
}

TEST_F(Chat, ARepeatedBotPostAnswersTheStoredOne) {
  const auto first = rig.bot_post(channel, "client.new-request", "{}", {}, "job-7");
  const auto second = rig.bot_post(channel, "client.new-request", "{}", {}, "job-7");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_posts"), 1);
  const auto got = rig.call(rig.service(), &v1::Chat::get_post, {first->id});
  EXPECT_EQ(got->text, first->text);
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::get_post, {channel})), "chat.post-not-found");
}

TEST_F(Chat, TheBotAnswersInTheLanguageAsked) {
  const auto english = rig.call(rig.service(), &v1::Chat::ask_bot, {"Hello!", "en"});
  ASSERT_TRUE(english && english->found);
  EXPECT_EQ(english->answer, rig.catalogue.render("en", "bot.greeting"));
  const auto russian = rig.call(rig.service(), &v1::Chat::ask_bot, {"Часы работы?", "ru"});
  ASSERT_TRUE(russian && russian->found);
  EXPECT_EQ(russian->answer, rig.catalogue.render("ru", "bot.opening-hours"));
  const auto none = rig.call(rig.service(), &v1::Chat::ask_bot, {"my tooth hurts", "en"});
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->found);
  EXPECT_EQ(none->answer, "");
  EXPECT_EQ(rig.catalogue.missing_keys(), 0u);
}

// --- Buttons ---

class Feedback : public Chat {
 protected:
  Feedback() {
    task = rig.new_id();
    EXPECT_TRUE(rig.bot_post(channel, "client.feedback", R"({"taskId": ")" + task.text() + R"("})"));
    shown = rig.posts(anna, channel)->at(0);
  }
  Uuid task;
  v1::Post shown;
};

TEST_F(Feedback, B_26_OnlyTheClientIsOfferedTheButtons) {
  ASSERT_EQ(shown.actions.size(), 3u);
  EXPECT_EQ(shown.actions[0].id, "yes");
  EXPECT_EQ(shown.actions[1].id, "partially");
  EXPECT_EQ(shown.actions[2].id, "no");
  EXPECT_EQ(shown.actions[0].label, "Yes");
  EXPECT_TRUE(shown.actions[0].takes_text);
  EXPECT_TRUE(rig.posts(clara, channel)->at(0).actions.empty());
}

TEST_F(Feedback, B_26_PressingStoresTheChoiceAndPublishesItOnce) {
  const auto pressed = rig.press(anna, shown, "partially", "It hurts less");
  ASSERT_TRUE(pressed) << pressed.error().describe();
  EXPECT_TRUE(pressed->actions[1].chosen);
  EXPECT_FALSE(pressed->actions[0].chosen);
  EXPECT_TRUE(rig.posts(anna, channel)->at(0).actions[1].chosen);
  EXPECT_EQ(rig.event_types(anna).back(), "post.updated");
  EXPECT_NE(rig.event_types(clara).back(), "post.updated");
  ASSERT_TRUE(rig.press(anna, shown, "partially", "It hurts less"));

  const auto published = rig.published("chat.v1.action-pressed");
  ASSERT_EQ(published.size(), 1u);
  const auto event = decode_json<v1::ActionPressed>(published[0].payload, UnknownMembers::kRefuse);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->post_id, shown.id);
  EXPECT_EQ(event->user_id, anna);
  EXPECT_EQ(event->code, "client.feedback");
  EXPECT_THAT(event->parameters.text, HasSubstr(task.text()));
  EXPECT_EQ(event->action_id, "partially");
  EXPECT_EQ(event->text, "It hurts less");
}

TEST_F(Feedback, B_26_AChoiceMayChangeForTenMinutes) {
  ASSERT_TRUE(rig.press(anna, shown, "no"));
  rig.world.run_for(minutes(9));
  ASSERT_TRUE(rig.press(anna, shown, "yes"));
  EXPECT_EQ(rig.published("chat.v1.action-pressed").size(), 2u);
  rig.world.run_for(minutes(1));
  EXPECT_EQ(code_of(rig.press(anna, shown, "no")), "chat.action-final");
  EXPECT_TRUE(rig.press(anna, shown, "yes"));
  EXPECT_EQ(rig.published("chat.v1.action-pressed").size(), 2u);
}

TEST_F(Feedback, B_26_AForgedForeignOrExpiredTokenIsRefused) {
  const auto press_with = [&](const Uuid& user, const std::string& action, const std::string& token) {
    return code_of(rig.call(rig.person(user), &v1::Chat::press_action, {shown.id, action, token, {}}));
  };
  EXPECT_EQ(press_with(anna, "yes", "forged"), "chat.bad-action");
  EXPECT_EQ(press_with(anna, "yes", shown.actions[2].token), "chat.bad-action");
  EXPECT_EQ(press_with(clara, "yes", shown.actions[0].token), "chat.bad-action");
  EXPECT_EQ(press_with(david, "yes", shown.actions[0].token), "chat.post-not-found");
  EXPECT_EQ(press_with(anna, "maybe", shown.actions[0].token), "chat.bad-action");
  ASSERT_TRUE(rig.bot_post(channel, "client.feedback", R"({"taskId": ")" + task.text() + R"("})"));
  const v1::Post other = rig.posts(anna, channel)->at(0);
  EXPECT_EQ(press_with(anna, "yes", other.actions[0].token), "chat.bad-action");
  rig.world.run_for(days(7));
  EXPECT_EQ(press_with(anna, "yes", shown.actions[0].token), "chat.bad-action");
  EXPECT_TRUE(rig.press(anna, rig.posts(anna, channel)->at(1), "yes"));
}

TEST_F(Feedback, NoTokenAndNoTextOfAPredefinedPostIsInTheLog) {
  for (const auto& row : rig.query("SELECT coalesce(data, '') || coalesce(name, '') FROM chat_events")) EXPECT_EQ(row.text(0), "");
}

// --- Reading ---

TEST_F(Chat, ReadingGoesForwardOnlyAndIsToldToAll) {
  const v1::Post first = rig.say(anna, channel, "1");
  const v1::Post second = rig.say(anna, channel, "2");
  rig.say(clara, channel, "my own");
  EXPECT_EQ(rig.channel(clara, channel)->unread_count, 2);
  EXPECT_EQ(rig.channel(anna, channel)->unread_count, 1);
  const std::int64_t before = rig.sequence(anna);
  ASSERT_TRUE(rig.mark_read(clara, channel, second.id));
  ASSERT_TRUE(rig.mark_read(clara, channel, first.id));
  ASSERT_TRUE(rig.mark_read(clara, channel, second.id));
  EXPECT_EQ(rig.channel(clara, channel)->unread_count, 0);
  EXPECT_THAT(rig.event_types(anna, before), ElementsAre("channel.read"));
  EXPECT_EQ(boost::json::parse(rig.events(anna, before).events.at(0).data.text),
            (boost::json::value{{"channelId", channel.text()}, {"userId", clara.text()}, {"postId", second.id.text()}}));
  EXPECT_EQ(rig.event_types(clara).back(), "channel.read");
  for (const v1::Member& member : rig.members(anna, channel)) {
    if (member.user_id == clara) {
      EXPECT_EQ(member.last_read_post_id, second.id);
    } else {
      EXPECT_FALSE(member.last_read_post_id);
    }
  }
  EXPECT_EQ(code_of(rig.mark_read(clara, channel, rig.new_id())), "chat.post-not-found");
}

// --- Presence ---

TEST_F(Chat, B_22_B_23_EachOfTheFiveStatusesIsSetAndReadBack) {
  const Uuid socket = rig.open_socket(clara);
  for (const S status : {S::kOnline, S::kAway, S::kDnd, S::kOffline, S::kOoo}) {
    const auto set = rig.choose(clara, status);
    EXPECT_EQ(set.status, status);
    EXPECT_EQ(set.effective, status);
    const auto read = rig.call(rig.person(clara), &v1::Chat::get_presence, {});
    EXPECT_EQ(read->status, status);
    EXPECT_EQ(rig.presence(clara), status);
    for (const v1::Member& member : rig.members(anna, channel)) {
      EXPECT_EQ(member.presence, member.user_id == clara ? status : S::kOffline);
    }
    rig.renew({socket});
  }
}

TEST_F(Chat, WithoutASocketEverybodyIsOffline) {
  const auto chosen = rig.choose(clara, S::kOnline);
  EXPECT_EQ(chosen.status, S::kOnline);
  EXPECT_EQ(chosen.effective, S::kOffline);
  EXPECT_TRUE(rig.published("chat.v1.presence-changed").empty());
  rig.open_socket(clara);
  EXPECT_EQ(rig.presence(clara), S::kOnline);
  const auto published = rig.published("chat.v1.presence-changed");
  ASSERT_EQ(published.size(), 1u);
  const auto event = decode_json<v1::PresenceChanged>(published[0].payload, UnknownMembers::kRefuse);
  EXPECT_EQ(event->user_id, clara);
  EXPECT_EQ(event->effective, S::kOnline);
  EXPECT_EQ(event->kind, v1::MemberKind::kConsultant);
}

TEST_F(Chat, ASilentSocketIsLostAfterThirtySecondsAndFoundAgainWhenRenewed) {
  rig.chat->start(rig.loop, rig.random);
  rig.choose(clara, S::kOnline);
  const Uuid socket = rig.open_socket(clara);
  for (int i = 0; i < 6; ++i) {
    rig.world.run_for(seconds(10));
    rig.renew({socket});
  }
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 1u);
  rig.world.run_for(milliseconds(29'999));
  EXPECT_EQ(rig.presence(clara), S::kOnline);
  rig.world.run_for(milliseconds(1'101));
  EXPECT_EQ(rig.presence(clara), S::kOffline);
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 2u);
  rig.world.run_for(minutes(5));
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 2u);
  rig.renew({socket});
  EXPECT_EQ(rig.presence(clara), S::kOnline);
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 3u);
}

TEST_F(Chat, NothingIsSweptAfterTheStop) {
  rig.chat->start(rig.loop, rig.random);
  rig.choose(clara, S::kOnline);
  rig.open_socket(clara);
  bool stopped = false;
  rig.loop.spawn("stop", stop_and_tell(*rig.chat, stopped));
  rig.world.run_for(milliseconds(100));
  EXPECT_TRUE(stopped);
  rig.world.run_for(minutes(5));
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 1u);
}

TEST_F(Chat, TheLeaseCountsFromTheLastSignOfLifeOfThePage) {
  rig.chat->start(rig.loop, rig.random);
  rig.choose(clara, S::kOnline);
  const Uuid socket = rig.open_socket(clara);
  rig.world.run_for(seconds(25));
  rig.renew({socket}, seconds(9));
  rig.world.run_for(milliseconds(20'900));
  EXPECT_EQ(rig.presence(clara), S::kOnline);
  rig.world.run_for(milliseconds(1'200));
  EXPECT_EQ(rig.presence(clara), S::kOffline);
}

TEST_F(Chat, AClosedSocketKeepsThePersonForOneLease) {
  rig.chat->start(rig.loop, rig.random);
  rig.choose(clara, S::kOnline);
  const Uuid one = rig.open_socket(clara);
  const Uuid two = rig.open_socket(clara);
  rig.close_socket(one);
  for (int i = 0; i < 6; ++i) {
    rig.world.run_for(seconds(10));
    rig.renew({one, two});
  }
  EXPECT_EQ(rig.presence(clara), S::kOnline);
  rig.close_socket(two);
  rig.world.run_for(seconds(29));
  rig.renew({one, two});  // late messages of a hub do not open them again
  EXPECT_EQ(rig.presence(clara), S::kOnline);
  rig.world.run_for(milliseconds(2'100));
  EXPECT_EQ(rig.presence(clara), S::kOffline);
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 2u);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_sockets"), 0);
}

TEST_F(Chat, ReloadingThePageIsNotSeenByOthers) {
  rig.chat->start(rig.loop, rig.random);
  rig.choose(clara, S::kOnline);
  rig.close_socket(rig.open_socket(clara));
  rig.world.run_for(seconds(5));
  const Uuid socket = rig.open_socket(clara);
  for (int i = 0; i < 6; ++i) {
    rig.renew({socket});
    rig.world.run_for(seconds(10));
  }
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 1u);
}

// Two devices, each logged in by itself: one that logs out takes nothing from the other.
TEST_F(Chat, B_24_OneDeviceThatLeavesClosesTheChatOfNoOther) {
  rig.chat->start(rig.loop, rig.random);
  rig.choose(clara, S::kOnline);
  const Uuid phone = rig.open_socket(clara);
  const Uuid desk = rig.open_socket(clara);
  rig.close_socket(phone);
  const std::int64_t before = rig.sequence(clara);
  for (int i = 0; i < 12; ++i) {
    rig.world.run_for(seconds(10));
    rig.renew({desk});
    EXPECT_EQ(rig.presence(clara), S::kOnline) << i;
  }
  rig.say(anna, channel, "are you there?");
  EXPECT_THAT(rig.event_types(clara, before), ElementsAre("post.created"));
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 1u) << "nobody was told that she had gone";
  rig.close_socket(desk);
  rig.world.run_for(minutes(1));
  EXPECT_EQ(rig.presence(clara), S::kOffline) << "the last one";
}

TEST_F(Chat, LeasesOutliveARestart) {
  rig.choose(clara, S::kOnline);
  rig.open_socket(clara);
  rig.restart();
  rig.world.run_for(seconds(20));
  ASSERT_TRUE(rig.run(&ChatService::sweep));
  EXPECT_EQ(rig.presence(clara), S::kOnline);
  rig.world.run_for(seconds(10));
  ASSERT_TRUE(rig.run(&ChatService::sweep));
  EXPECT_EQ(rig.presence(clara), S::kOffline);
  EXPECT_EQ(rig.published("chat.v1.presence-changed").size(), 2u);
}

TEST_F(Chat, PresenceIsSignalledToThoseWhoShareAChannel) {
  const v1::ReadFeedReply start = rig.feed(-1);
  rig.choose(clara, S::kOnline);
  rig.open_socket(clara);
  const v1::ReadFeedReply news = rig.feed(start.position, start.volatile_position);
  std::set<Uuid> people;
  for (const v1::PersonEvent& event : news.events) {
    EXPECT_EQ(event.type, "presence");
    EXPECT_EQ(event.sequence, 0);
    EXPECT_EQ(boost::json::parse(event.data.text), (boost::json::value{{"userId", clara.text()}, {"status", "online"}}));
    people.insert(event.user_id);
  }
  EXPECT_EQ(people, (std::set<Uuid>{anna, clara}));
}

TEST_F(Chat, SomebodyWithoutAChatAccountMayOpenASocket) {
  const Uuid admin = rig.new_id();
  rig.open_socket(admin);
  EXPECT_EQ(rig.choose(admin, S::kOnline).effective, S::kOnline);
  EXPECT_TRUE(rig.published("chat.v1.presence-changed").empty());
  EXPECT_TRUE(rig.call(rig.person(admin), &v1::Chat::list_channels, {})->items.empty());
}

TEST_F(Chat, ManyLeasesAreRenewedInOneCall) {
  std::vector<Uuid> sockets;
  for (int i = 0; i < 130; ++i) sockets.push_back(rig.open_socket(clara));
  rig.world.run_for(seconds(20));
  std::vector<Uuid> all = sockets;
  while (all.size() < 10'000) all.push_back(rig.new_id());
  rig.renew(all);
  const std::int64_t until = (rig.loop.now() + seconds(30)).microseconds;
  for (const auto& row : rig.query("SELECT lease_until FROM chat_sockets")) EXPECT_EQ(row.integer(0), until);
}

// Leases of a process that lives follow no clock that is set.
TEST_F(Chat, SettingTheClockNeitherEndsALeaseNorProlongsIt) {
  const Uuid socket = rig.open_socket(clara);
  ASSERT_EQ(rig.choose(clara, S::kOnline).effective, S::kOnline);
  for (const Duration jump : {hours(1), hours(-1)}) {
    rig.world.set_clock_offset(rig.loop.node(), jump);
    ASSERT_TRUE(rig.run(&ChatService::sweep));
    EXPECT_EQ(rig.choose(clara, S::kOnline).effective, S::kOnline);
    rig.renew({socket});
    rig.world.run_for(seconds(29));
    ASSERT_TRUE(rig.run(&ChatService::sweep));
    EXPECT_EQ(rig.choose(clara, S::kOnline).effective, S::kOnline);
    rig.renew({socket});
  }
  rig.world.run_for(seconds(31));
  ASSERT_TRUE(rig.run(&ChatService::sweep));
  EXPECT_EQ(rig.choose(clara, S::kOnline).effective, S::kOffline);
}

// The leases that a former process gave end within one lease, whatever the clock was set to meanwhile.
TEST_F(Chat, LeasesOfAFormerProcessEndWithinOneLease) {
  rig.open_socket(clara);
  ASSERT_EQ(rig.choose(clara, S::kOnline).effective, S::kOnline);
  rig.restart();
  rig.world.set_clock_offset(rig.loop.node(), hours(-1));
  ASSERT_TRUE(rig.run(&ChatService::sweep));
  EXPECT_EQ(rig.choose(clara, S::kOnline).effective, S::kOnline);
  rig.world.run_for(seconds(31));
  ASSERT_TRUE(rig.run(&ChatService::sweep));
  EXPECT_EQ(rig.choose(clara, S::kOnline).effective, S::kOffline);
}

// --- Logs ---

TEST_F(Chat, B_25_AClientThatComesBackMissesNothing) {
  for (int i = 0; i < 5; ++i) rig.say(anna, channel, std::to_string(i));
  const v1::ReadEventsReply all = rig.events(clara);
  for (std::int64_t after = 0; after <= all.last_sequence; ++after) {
    const v1::ReadEventsReply rest = rig.events(clara, after);
    EXPECT_FALSE(rest.resync);
    ASSERT_EQ(rest.events.size(), static_cast<std::size_t>(all.last_sequence - after));
    for (std::size_t i = 0; i < rest.events.size(); ++i) EXPECT_EQ(rest.events[i].sequence, after + 1 + static_cast<std::int64_t>(i));
  }
  EXPECT_EQ(rig.events(clara, 0, 2).events.size(), 2u);
  EXPECT_TRUE(rig.events(clara, all.last_sequence + 1).resync);
  EXPECT_TRUE(rig.events(rig.new_id(), 1).resync);
  EXPECT_FALSE(rig.events(rig.new_id(), 0).resync);
}

TEST_F(Chat, EventsAreKeptForSevenDays) {
  rig.say(anna, channel, "old");
  const std::int64_t old = rig.sequence(clara);
  rig.world.run_for(days(7) - seconds(1));
  ASSERT_TRUE(rig.run(&ChatService::trim));
  EXPECT_FALSE(rig.events(clara, 0).resync);
  rig.say(anna, channel, "new");
  rig.world.run_for(seconds(2));
  ASSERT_TRUE(rig.run(&ChatService::trim));
  EXPECT_TRUE(rig.events(clara, 0).resync);
  EXPECT_TRUE(rig.events(clara, old - 1).resync);
  EXPECT_THAT(rig.event_types(clara, old), ElementsAre("post.created"));
  rig.world.run_for(days(8));
  ASSERT_TRUE(rig.run(&ChatService::trim));
  EXPECT_TRUE(rig.events(clara, old).resync);
  EXPECT_FALSE(rig.events(clara, old + 1).resync);
  EXPECT_EQ(rig.count("SELECT count(*) FROM chat_events"), 0);
  // Numbers go on after everything went.
  const std::int64_t position = rig.feed(-1).position;
  rig.say(anna, channel, "newest");
  EXPECT_EQ(rig.events(clara, old + 1).events.at(0).sequence, old + 2);
  EXPECT_EQ(rig.feed(position).events.size(), 2u);
}

TEST(ChatLog, KeepsSoManyEventsAPerson) {
  Settings settings;
  settings.events_per_person = 10;
  Rig rig(1, settings);
  const Uuid anna = rig.add_client();
  const Uuid channel = rig.add_channel(anna);
  while (rig.sequence(anna) < 10) rig.say(anna, channel, "x");
  ASSERT_TRUE(rig.run(&ChatService::trim));
  EXPECT_EQ(rig.events(anna, 0).events.size(), 10u);
  rig.say(anna, channel, "x");
  ASSERT_TRUE(rig.run(&ChatService::trim));
  EXPECT_TRUE(rig.events(anna, 0).resync);
  EXPECT_EQ(rig.events(anna, 1).events.size(), 10u);
}

TEST_F(Chat, H_1_ANoticeIsToldOnceAKey) {
  const v1::NotifyRequest notice{{anna, clara, anna}, "task.created", {R"({"id":"1"})"}, "task-1"};
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::notify, notice));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::notify, notice));
  const std::vector<std::string> types = rig.event_types(anna);
  EXPECT_EQ(std::count(types.begin(), types.end(), "task.created"), 1);
  EXPECT_EQ(rig.events(clara).events.back().data.text, R"({"id":"1"})");
  EXPECT_THAT(rig.event_types(david), IsEmpty());
}

TEST_F(Chat, H_1_ANoticeWithoutAKeyReachesOpenSocketsAlone) {
  const v1::ReadFeedReply start = rig.feed(-1);
  const std::int64_t before = rig.sequence(anna);
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::notify, {{anna}, "queue.position", {R"({"position":3})"}, {}}));
  EXPECT_EQ(rig.sequence(anna), before);
  const v1::ReadFeedReply news = rig.feed(start.position, start.volatile_position);
  ASSERT_EQ(news.events.size(), 1u);
  EXPECT_EQ(news.events[0].type, "queue.position");
  EXPECT_EQ(news.events[0].user_id, anna);
}

TEST_F(Chat, H_1_ANoticeReportsWhatBecomesOfItForEachPerson) {
  using D = v1::Delivery;
  const Uuid stranger = rig.new_id();
  const Uuid socket = rig.open_socket(anna);
  const auto told = [&](std::optional<std::string> key) {
    v1::NotifyRequest request{{clara, anna, stranger, anna}, "task.created", {"{}"}, std::move(key), true};
    const auto reply = rig.call(rig.service(), &v1::Chat::notify, std::move(request));
    EXPECT_TRUE(reply) << reply.error().describe();
    std::map<Uuid, D> states;
    for (const v1::DeliveryTo& one : reply->deliveries) EXPECT_TRUE(states.emplace(one.user_id, one.delivery).second) << "each person once";
    return states;
  };
  using States = std::map<Uuid, D>;
  EXPECT_EQ(told("1"), (States{{anna, D::kDelivered}, {clara, D::kQueued}, {stranger, D::kNoSession}}));
  EXPECT_EQ(told({}), (States{{anna, D::kDelivered}, {clara, D::kNoSession}, {stranger, D::kNoSession}}))
      << "what is not kept is not queued";
  const std::size_t before = rig.event_types(clara).size();
  EXPECT_EQ(told("1"), (States{{anna, D::kDelivered}, {clara, D::kQueued}, {stranger, D::kNoSession}})) << "a repeat says the same";
  EXPECT_EQ(rig.event_types(clara).size(), before) << "and tells nothing twice";
  EXPECT_EQ(rig.event_types(clara).back(), "task.created") << "what is queued is in the log";
  // One that closed keeps the person online for a lease, but brings nothing any more.
  rig.close_socket(socket);
  EXPECT_EQ(told("2").at(anna), D::kQueued);
  EXPECT_EQ(told({}).at(anna), D::kNoSession);
  // Nor does one whose page has been silent for longer than its lease.
  const Uuid silent = rig.open_socket(clara);
  EXPECT_EQ(told("3").at(clara), D::kDelivered);
  rig.world.run_for(seconds(40));
  EXPECT_EQ(told("4").at(clara), D::kQueued);
  rig.renew({silent});
  EXPECT_EQ(told("5").at(clara), D::kDelivered);
  EXPECT_TRUE(rig.call(rig.service(), &v1::Chat::notify, {{anna}, "task.created", {"{}"}, "6"})->deliveries.empty()) << "only when asked";
}

TEST_F(Chat, H_1_ANoticeToAChannelReachesWhoeverIsAMember) {
  using D = v1::Delivery;
  rig.open_socket(anna);
  v1::NotifyRequest kept{{}, "task.updated", {"{}"}, "1", true};
  kept.channel_ids = {channel, channel};
  kept.user_ids = {anna};
  const std::vector<v1::DeliveryTo> expected = {{std::min(anna, clara), anna < clara ? D::kDelivered : D::kQueued},
                                                {std::max(anna, clara), anna < clara ? D::kQueued : D::kDelivered}};
  EXPECT_EQ(rig.call(rig.service(), &v1::Chat::notify, kept)->deliveries, expected) << "a person who is named twice hears it once";
  for (const Uuid& member : {anna, clara}) {
    const std::vector<std::string> types = rig.event_types(member);
    EXPECT_EQ(std::count(types.begin(), types.end(), "task.updated"), 1);
  }
  EXPECT_THAT(rig.event_types(david), Not(Contains("task.updated")));
  // Not kept: the open sockets of its members.
  v1::NotifyRequest passing{{}, "queue.position", {"{}"}, {}, true};
  passing.channel_ids = {channel};
  const v1::ReadFeedReply start = rig.feed(-1);
  EXPECT_EQ(rig.call(rig.service(), &v1::Chat::notify, passing)->deliveries.size(), 2U);
  std::set<Uuid> told;
  const v1::ReadFeedReply news = rig.feed(start.position, start.volatile_position);
  for (const v1::PersonEvent& event : news.events) told.insert(event.user_id);
  EXPECT_EQ(told, (std::set<Uuid>{anna, clara}));
  // Whose access is over is no member any more.
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::subscribe,
                       {channel, clara, v1::MemberAccess::kRead, rig.world.true_now() + seconds(10), std::nullopt}));
  rig.world.run_for(seconds(20));
  EXPECT_EQ(rig.call(rig.service(), &v1::Chat::notify, passing)->deliveries.size(), 1U);
}

TEST_F(Chat, H_1_ANoticeToASessionReachesItsSocketsAlone) {
  using D = v1::Delivery;
  const Uuid session = rig.new_id();
  const Uuid away = rig.new_id();
  const Uuid socket = rig.open_socket(anna, session);
  rig.open_socket(anna);
  v1::NotifyRequest request{{}, "queue.position", {"{}"}, {}, true};
  request.session_ids = {session, away, session};
  const auto states = [&] {
    std::map<Uuid, D> all;
    const auto reply = rig.call(rig.service(), &v1::Chat::notify, request);
    for (const v1::DeliveryToSession& one : reply->sessions) EXPECT_TRUE(all.emplace(one.session_id, one.delivery).second) << "each once";
    return all;
  };
  const v1::ReadFeedReply start = rig.feed(-1);
  EXPECT_EQ(states(), (std::map<Uuid, D>{{session, D::kDelivered}, {away, D::kNoSession}}));
  const v1::ReadFeedReply news = rig.feed(start.position, start.volatile_position);
  ASSERT_EQ(news.events.size(), 1U);
  EXPECT_EQ(news.events[0].user_id, anna);
  EXPECT_EQ(news.events[0].session_id, session);
  rig.close_socket(socket);
  EXPECT_EQ(states(), (std::map<Uuid, D>{{session, D::kNoSession}, {away, D::kNoSession}}));
}

TEST_F(Chat, H_1_ANoticeNeedsATargetThatItCanReach) {
  const v1::NotifyRequest nobody{{}, "task.created", {"{}"}, {}, true};
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::notify, nobody)), "chat.bad-target");
  v1::NotifyRequest kept{{anna}, "task.created", {"{}"}, "1", true};
  kept.session_ids = {rig.new_id()};
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::notify, kept)), "chat.bad-target");
  EXPECT_THAT(rig.event_types(anna), Not(Contains("task.created")));
}

TEST_F(Chat, H_1_WhoIsNoServiceSendsNothing) {
  const std::int64_t before = rig.sequence(clara);
  const v1::NotifyRequest request{{clara}, "task.created", {"{}"}, "1", true};
  EXPECT_EQ(code_of(rig.call(rig.person(anna), &v1::Chat::notify, request)), "request.forbidden");
  EXPECT_EQ(rig.sequence(clara), before);
}

TEST_F(Chat, TypingIsToldToTheOthersAtMostOnceASecond) {
  const v1::ReadFeedReply start = rig.feed(-1);
  ASSERT_TRUE(rig.call(rig.person(anna), &v1::Chat::typing, {channel, {}}));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::typing, {channel, anna}));
  v1::ReadFeedReply news = rig.feed(start.position, start.volatile_position);
  ASSERT_EQ(news.events.size(), 1u);
  EXPECT_EQ(news.events[0].user_id, clara);
  EXPECT_EQ(news.events[0].type, "typing");
  EXPECT_EQ(boost::json::parse(news.events[0].data.text), (boost::json::value{{"channelId", channel.text()}, {"userId", anna.text()}}));
  rig.world.run_for(seconds(1));
  ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::typing, {channel, anna}));
  EXPECT_EQ(rig.feed(news.position, news.volatile_position).events.size(), 1u);
}

// --- The feed ---

TEST_F(Chat, TheFeedStartsFromNowOrFromTheFirstKept) {
  rig.say(anna, channel, "before");
  const v1::ReadFeedReply now = rig.feed(-1, -1, seconds(30));
  EXPECT_TRUE(now.events.empty());
  EXPECT_GT(now.position, 0);
  EXPECT_FALSE(rig.feed(0).events.empty());
  EXPECT_TRUE(rig.feed(now.position).events.empty());
  rig.say(anna, channel, "after");
  const v1::ReadFeedReply news = rig.feed(now.position);
  ASSERT_EQ(news.events.size(), 2u);
  EXPECT_EQ(std::set<Uuid>({news.events[0].user_id, news.events[1].user_id}), (std::set<Uuid>{anna, clara}));
}

TEST_F(Chat, AWaitingHubIsWokenByACommitAndByASignal) {
  v1::ReadFeedReply last = rig.feed(-1);
  for (const bool durable : {true, false}) {
    runtime::Context context(rig.loop, rig.random);
    context.caller = rig.service();
    const auto waiting = rig.start(context, &v1::Chat::read_feed, {last.position, last.volatile_position, seconds(30)});
    rig.world.run_for(milliseconds(300));
    EXPECT_FALSE(waiting->has_value());
    if (durable) {
      ASSERT_TRUE(rig.post(anna, channel, "news"));
    } else {
      ASSERT_TRUE(rig.call(rig.person(anna), &v1::Chat::typing, {channel, {}}));
    }
    rig.world.run_for(microseconds(1));
    ASSERT_TRUE(waiting->has_value()) << "without waiting for the next look";
    last = waiting->value().value();
    EXPECT_EQ(last.events.size(), durable ? 2u : 1u);
  }
}

TEST_F(Chat, AWaitingHubSeesWhatAnotherProcessWrote) {
  ChatService* first = rig.chat.get();
  const v1::ReadFeedReply last = rig.feed(-1);
  runtime::Context context(rig.loop, rig.random);
  context.caller = rig.service();
  const auto waiting = rig.start(context, &v1::Chat::read_feed, {last.position, last.volatile_position, seconds(30)});
  std::unique_ptr<ChatService> kept(rig.chat.release());
  rig.restart();
  EXPECT_NE(rig.chat.get(), first);
  ASSERT_TRUE(rig.post(anna, channel, "news"));
  rig.world.run_for(seconds(1));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->value().events.size(), 2u);
}

TEST_F(Chat, WaitingHubsAreAnsweredAtOnceWhenTheServerStops) {
  const v1::ReadFeedReply last = rig.feed(-1);
  runtime::Context context(rig.loop, rig.random);
  context.caller = rig.service();
  const auto waiting = rig.start(context, &v1::Chat::read_feed, {last.position, last.volatile_position, seconds(30)});
  rig.world.run_for(milliseconds(300));
  EXPECT_FALSE(waiting->has_value());
  rig.chat->end_feeds();
  rig.world.run_for(microseconds(1));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ(code_of(waiting->value()), "server.stopping");
  EXPECT_EQ(code_of(rig.call(rig.service(), &v1::Chat::read_feed, {last.position, last.volatile_position, seconds(30)})),
            "server.stopping");
}

// So that a server that stops need not sit out the wait.
TEST_F(Chat, AWaitingHubThatGivesUpIsAnsweredWithinALook) {
  const v1::ReadFeedReply last = rig.feed(-1);
  runtime::Context context(rig.loop, rig.random);
  context.caller = rig.service();
  context.cancellation = std::make_shared<runtime::Cancellation>();
  const auto waiting = rig.start(context, &v1::Chat::read_feed, {last.position, last.volatile_position, seconds(30)});
  rig.world.run_for(seconds(3));
  EXPECT_FALSE(waiting->has_value());
  context.cancellation->request();
  rig.world.run_for(seconds(1));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_TRUE((*waiting)->value().events.empty());
}

TEST_F(Chat, AFeedWithoutNewsAnswersWhenTheWaitIsOver) {
  const v1::ReadFeedReply last = rig.feed(-1);
  const Timestamp start = rig.loop.steady_now();
  const v1::ReadFeedReply none = rig.feed(last.position, last.volatile_position, seconds(7));
  EXPECT_EQ(rig.loop.steady_now() - start, seconds(7));
  EXPECT_TRUE(none.events.empty());
  EXPECT_EQ(none.position, last.position);
  rig.feed(last.position, last.volatile_position, hours(1));
  EXPECT_EQ(rig.loop.steady_now() - start, seconds(7) + kMaxFeedWait);
}

TEST_F(Chat, TheFeedComesInBoundedBatches) {
  const v1::ReadFeedReply last = rig.feed(-1);
  std::vector<Uuid> people;
  for (int i = 0; i < 600; ++i) people.push_back(rig.add_client("Client " + std::to_string(i)));
  for (const char* key : {"1", "2"}) ASSERT_TRUE(rig.call(rig.service(), &v1::Chat::notify, {people, "task.created", {"{}"}, key}));
  const v1::ReadFeedReply first = rig.feed(last.position);
  EXPECT_EQ(first.events.size(), static_cast<std::size_t>(kMaxFeedBatch));
  const v1::ReadFeedReply second = rig.feed(first.position);
  EXPECT_EQ(second.events.size(), 200u);
}

// --- Events of others ---

// Answers every call to users with the same person, or that there is none.
class FakeUsersChannel final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context&, std::string_view, std::string) override {
    if (!person) co_return fail(users::v1::errors::not_found());
    co_return encode_wire(*person);
  }
  std::optional<users::v1::User> person;
};

class ConsumerOfUsers : public Chat {
 protected:
  Result<void> deliver(std::string topic, std::string payload) {
    for (const bus::Consumer& consumer : consumers(*rig.chat, users)) {
      EXPECT_EQ(consumer.service, "chat");
      EXPECT_TRUE(consumer.topics.at(0).starts_with(consumer.producer + ".v1."));
      if (consumer.topics.at(0) != topic) continue;
      bus::Event event;
      event.id = rig.new_id();
      event.topic = topic;
      event.payload = std::move(payload);
      runtime::Context context(rig.loop, rig.random);
      context.caller = rig.service();
      std::optional<Result<void>> answer;
      rig.loop.spawn("event", keep(consumer, context, event, answer));
      rig.world.run_for(seconds(1));
      return answer.value();
    }
    return fail(internal_error("Nobody consumes the topic"));
  }
  static Task<void> keep(const bus::Consumer& consumer, runtime::Context& context, const bus::Event& event,
                         std::optional<Result<void>>& answer) {
    auto handled = co_await consumer.handle(context, event);
    answer.emplace(std::move(handled));
  }

  FakeUsersChannel remote;
  users::v1::RemoteUsers users{remote};
};

TEST_F(ConsumerOfUsers, AnEndedSessionIsSignalledToTheHubs) {
  const v1::ReadFeedReply before = rig.feed(-1, -1);
  sessions::v1::Closed closed;
  closed.session_id = rig.new_id();
  closed.user_id = anna;
  closed.reason = "logout";
  ASSERT_TRUE(deliver("sessions.v1.closed", encode_json(closed)));
  const v1::ReadFeedReply reply = rig.feed(before.position, before.volatile_position);
  ASSERT_EQ(reply.events.size(), 1u);
  EXPECT_EQ(reply.events[0].type, "session.closed");
  EXPECT_EQ(reply.events[0].user_id, anna);
  EXPECT_EQ(reply.events[0].sequence, 0);
  EXPECT_EQ(reply.events[0].data.text, "{\"sessionId\":\"" + closed.session_id.text() + "\",\"reason\":\"logout\"}");
}

TEST_F(ConsumerOfUsers, ADeletedUserLosesTheMembership) {
  const std::string payload = encode_json(users::v1::Deleted{clara});
  ASSERT_TRUE(deliver("users.v1.deleted", payload));
  ASSERT_TRUE(deliver("users.v1.deleted", payload));
  EXPECT_EQ(code_of(rig.channel(clara, channel)), "chat.channel-not-found");
}

TEST_F(ConsumerOfUsers, AChangedProfileChangesNameAndLanguage) {
  const std::string payload = encode_json(users::v1::ProfileChanged{anna});
  ASSERT_TRUE(rig.bot_post(channel, "client.new-request", "{}"));
  EXPECT_TRUE(deliver("users.v1.profile-changed", payload));  // gone meanwhile
  users::v1::User user;
  user.id = anna;
  user.first_name = "Anna";
  user.last_name = "Married";
  user.language = "ru";
  remote.person = user;
  ASSERT_TRUE(deliver("users.v1.profile-changed", payload));
  EXPECT_EQ(rig.channel(clara, channel)->members.at(0).display_name, "Anna Married");
  EXPECT_EQ(rig.posts(anna, channel)->at(0).text, rig.catalogue.render("ru", "post.client.new-request"));
}

}  // namespace
}  // namespace consilium::chat::testing

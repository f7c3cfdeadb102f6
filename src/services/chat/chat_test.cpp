// The rules that need no database.
#include "services/chat/chat.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "services/chat/action_token.h"
#include "services/chat/bot.h"
#include "services/chat/post_text.h"
#include "services/chat/predefined_posts.h"

namespace consilium::chat {
namespace {

constexpr Timestamp kNow{1'767'225'600'000'000};

Uuid id(std::uint8_t n) {
  Uuid uuid;
  uuid.bytes[15] = n;
  return uuid;
}

// --- Texts ---

std::string problem_of(std::string_view text) {
  const auto checked = check_post_text(text);
  return checked ? "" : checked.error().fields.at(0).code;
}

TEST(PostText, TakesWhatPeopleWrite) {
  EXPECT_EQ(problem_of("Hello"), "");
  EXPECT_EQ(problem_of("line\nline\ttab <b>&amp;</b>"), "");
  EXPECT_EQ(problem_of("Добрый день 🦷"), "");
}

TEST(PostText, CountsCodePointsNotBytes) {
  std::string longest;
  for (std::size_t i = 0; i < kMaxPostCharacters; ++i) longest += "я";
  EXPECT_EQ(problem_of(longest), "");
  EXPECT_EQ(problem_of(longest + "!"), "too-long");
}

TEST(PostText, RefusesControlCharactersBlanksAndBadBytes) {
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("a\x1b[0m"), std::string("a\rb"), std::string("a\x7f"), std::string("a\xc2\x85")})
    EXPECT_EQ(problem_of(text), "control-character");
  for (const std::string& text : {std::string(), std::string(" \n\t"), std::string("\xc2\xa0\xe3\x80\x80\xe2\x80\x8b")})
    EXPECT_EQ(problem_of(text), "required");
  EXPECT_EQ(problem_of("a\xff"), "not-utf8");
}

// --- Memberships ---

TEST(Membership, WritingHasNoEnd) {
  const auto wanted = subscribed(std::nullopt, v1::MemberAccess::kWrite, kNow + hours(1), kNow, hours(24));
  EXPECT_EQ(wanted, (Membership{v1::MemberAccess::kWrite, kNoEnd}));
}

TEST(Membership, ReleaseLeavesReadingForTheConfiguredTime) {
  const Membership writing{v1::MemberAccess::kWrite, kNoEnd};
  EXPECT_EQ(subscribed(writing, v1::MemberAccess::kRead, std::nullopt, kNow, hours(24)),
            (Membership{v1::MemberAccess::kRead, kNow + hours(24)}));
  EXPECT_EQ(subscribed(writing, v1::MemberAccess::kRead, kNow + hours(2), kNow, hours(24)),
            (Membership{v1::MemberAccess::kRead, kNow + hours(2)}));
}

TEST(Membership, RepeatedReleaseDoesNotProlong) {
  const Membership reading{v1::MemberAccess::kRead, kNow + hours(3)};
  EXPECT_EQ(subscribed(reading, v1::MemberAccess::kRead, std::nullopt, kNow, hours(24)), reading);
}

TEST(Membership, AnEndInThePastIsNone) {
  EXPECT_EQ(subscribed(std::nullopt, v1::MemberAccess::kRead, kNow, kNow, hours(24)), std::nullopt);
  EXPECT_NE(subscribed(std::nullopt, v1::MemberAccess::kRead, kNow + microseconds(1), kNow, hours(24)), std::nullopt);
}

// --- Limit of posting ---

TEST(PostLimit, AllowsFiveInAnySecond) {
  const Settings settings;
  RecentPosts recent;
  for (int i = 0; i < 5; ++i) {
    const Timestamp at = kNow + milliseconds(100 * i);
    EXPECT_FALSE(wait_before_post(recent, at, settings));
    recent = with_post(recent, at, settings);
  }
  EXPECT_EQ(wait_before_post(recent, kNow + milliseconds(500), settings), milliseconds(500));
  EXPECT_EQ(wait_before_post(recent, kNow + milliseconds(999), settings), milliseconds(1));
  EXPECT_FALSE(wait_before_post(recent, kNow + milliseconds(1000), settings));
  recent = with_post(recent, kNow + milliseconds(1000), settings);
  EXPECT_EQ(recent.times.size(), 5u);
  EXPECT_EQ(wait_before_post(recent, kNow + milliseconds(1000), settings), milliseconds(100));
}

TEST(PostLimit, HoldsForRandomTimes) {
  const Settings settings;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SeededRandom random(seed);
    RecentPosts recent;
    std::vector<Timestamp> written;
    Timestamp now = kNow;
    for (int i = 0; i < 300; ++i) {
      now = now + milliseconds(static_cast<std::int64_t>(random.below(300)));
      const auto wait = wait_before_post(recent, now, settings);
      if (wait) {
        EXPECT_GT(*wait, microseconds(0)) << "seed " << seed;
        EXPECT_FALSE(wait_before_post(recent, now + *wait, settings)) << "seed " << seed;
        continue;
      }
      recent = with_post(recent, now, settings);
      written.push_back(now);
      if (written.size() > 5) {
        EXPECT_GE(now - written[written.size() - 6], seconds(1)) << "seed " << seed;
      }
    }
    EXPECT_GT(written.size(), 100u) << "seed " << seed;
  }
}

TEST(PostLimit, DoesNotLockOutWhenTheClockIsSetBack) {
  const Settings settings;
  RecentPosts recent;
  for (int i = 0; i < 5; ++i) recent = with_post(recent, kNow + days(1), settings);
  EXPECT_FALSE(wait_before_post(recent, kNow, settings));
}

TEST(PostLimit, TimesSurviveTheirStoredForm) {
  const RecentPosts recent{{kNow, Timestamp{-1}, Timestamp{0}, Timestamp::max()}};
  EXPECT_EQ(RecentPosts::from_bytes(recent.bytes()).times, recent.times);
  EXPECT_TRUE(RecentPosts::from_bytes("").times.empty());
}

// --- Choices ---

TEST(Choice, MayChangeForTenMinutesFromTheFirstPress) {
  const Choice earlier{"yes", std::nullopt, kNow};
  EXPECT_EQ(fate_of_choice(std::nullopt, "yes", std::nullopt, kNow, minutes(10)), ChoiceFate::kStore);
  EXPECT_EQ(fate_of_choice(earlier, "no", std::nullopt, kNow + minutes(10) - microseconds(1), minutes(10)), ChoiceFate::kStore);
  EXPECT_EQ(fate_of_choice(earlier, "no", std::nullopt, kNow + minutes(10), minutes(10)), ChoiceFate::kFinal);
  EXPECT_EQ(fate_of_choice(earlier, "yes", "words", kNow + minutes(10), minutes(10)), ChoiceFate::kFinal);
  EXPECT_EQ(fate_of_choice(earlier, "yes", std::nullopt, kNow + days(9), minutes(10)), ChoiceFate::kRepeat);
}

// --- Tokens ---

TEST(ActionTokens, AreGoodForOnePersonPostAndActionUntilTheyExpire) {
  const ActionTokens tokens(Secret("0123456789abcdef0123456789abcdef"));
  const std::string token = tokens.make(id(1), "yes", id(2), kNow + days(1));
  EXPECT_LE(token.size(), 200u);
  EXPECT_TRUE(tokens.valid(token, id(1), "yes", id(2), kNow));
  EXPECT_TRUE(tokens.valid(token, id(1), "yes", id(2), kNow + days(1) - microseconds(1)));
  EXPECT_FALSE(tokens.valid(token, id(1), "yes", id(2), kNow + days(1)));
  EXPECT_FALSE(tokens.valid(token, id(3), "yes", id(2), kNow));
  EXPECT_FALSE(tokens.valid(token, id(1), "no", id(2), kNow));
  EXPECT_FALSE(tokens.valid(token, id(1), "yes", id(3), kNow));
  EXPECT_FALSE(ActionTokens(Secret("another key")).valid(token, id(1), "yes", id(2), kNow));
}

TEST(ActionTokens, NoChangedCharacterPasses) {
  const ActionTokens tokens(Secret("0123456789abcdef0123456789abcdef"));
  const std::string token = tokens.make(id(1), "yes", id(2), kNow);
  EXPECT_FALSE(tokens.valid("", id(1), "yes", id(2), Timestamp{0}));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.valid(changed, id(1), "yes", id(2), Timestamp{0})) << i;
    EXPECT_FALSE(tokens.valid(token.substr(0, i), id(1), "yes", id(2), Timestamp{0})) << i;
  }
}

// --- Predefined posts ---

TEST(PredefinedPosts, B_27_EachCodeDeclaresItsParametersOnce) {
  for (const PredefinedPost& post : predefined_posts()) {
    EXPECT_EQ(find_predefined_post(post.code), &post);
    for (const ParameterRule& rule : post.parameters) {
      EXPECT_EQ(std::count_if(post.parameters.begin(), post.parameters.end(),
                              [&](const ParameterRule& other) { return other.name == rule.name; }),
                1);
    }
    if (post.photo_of.empty()) continue;
    EXPECT_TRUE(
        std::any_of(post.parameters.begin(), post.parameters.end(), [&](const ParameterRule& rule) { return rule.name == post.photo_of; }));
  }
  EXPECT_EQ(find_predefined_post("client.unheard-of"), nullptr);
}

// Whatever is missing, of another type or unknown is named, all at once.
TEST(PredefinedPosts, B_27_NamesEveryBadParameter) {
  const PredefinedPost& post = *find_predefined_post("consultant.request-assigned");
  const auto read = read_parameters(post, R"({"clientPhone": 5, "taskId": "x", "photo": "y"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, "chat.bad-parameters");
  EXPECT_EQ(read.error().kind, ErrorKind::kValidation);
  std::map<std::string, std::string> fields;
  for (const FieldError& field : read.error().fields) fields[field.name] = field.code;
  EXPECT_EQ(fields, (std::map<std::string, std::string>{{"parameters.photo", "unknown"},
                                                        {"parameters.client", "required"},
                                                        {"parameters.clientPhone", "wrong-type"},
                                                        {"parameters.taskId", "wrong-type"}}));
}

TEST(PredefinedPosts, B_27_EachRequiredParameterIsMissedByName) {
  for (const PredefinedPost& post : predefined_posts()) {
    const auto read = read_parameters(post, "{}");
    std::vector<std::string> required;
    for (const ParameterRule& rule : post.parameters) {
      if (rule.presence == Presence::kRequired) required.push_back("parameters." + std::string(rule.name));
    }
    EXPECT_EQ(read.has_value(), required.empty()) << post.code;
    if (read) continue;
    std::vector<std::string> named;
    for (const FieldError& field : read.error().fields) named.push_back(field.name);
    EXPECT_EQ(named, required) << post.code;
  }
}

TEST(PredefinedPosts, B_27_BoundsTextsAndRefusesOtherJson) {
  const PredefinedPost& post = *find_predefined_post("client.task-solved");
  const auto with = [](std::size_t length) { return R"({"taskNum": ")" + std::string(length, 'x') + R"("})"; };
  EXPECT_TRUE(read_parameters(post, with(kMaxParameterCharacters)));
  EXPECT_FALSE(read_parameters(post, with(kMaxParameterCharacters + 1)));
  EXPECT_FALSE(read_parameters(post, with(0)));
  EXPECT_FALSE(read_parameters(post, R"({"taskNum": "a\nb"})"));
  for (const char* json : {"", "[]", "null", "{", "1"}) EXPECT_FALSE(read_parameters(post, json)) << json;
}

TEST(PredefinedPosts, WritesParametersInOneForm) {
  const PredefinedPost& post = *find_predefined_post("client.no-consultant-available");
  const auto read = read_parameters(post, R"({ "noticeCount": 3, "taskNum": "MOI-1" })");
  ASSERT_TRUE(read);
  EXPECT_EQ(write_parameters(*read), R"({"taskNum":"MOI-1","noticeCount":3})");
}

// --- The bot ---

std::string topic_of(std::string_view text, std::string_view language = "en") {
  return std::string(find_bot_topic(text, language).value_or(""));
}

TEST(Bot, FindsWholeWordsInAnyCase) {
  EXPECT_EQ(topic_of("HELLO!"), "greeting");
  EXPECT_EQ(topic_of("hello there"), "greeting");
  EXPECT_EQ(topic_of("Good\nmorning"), "greeting");
  EXPECT_EQ(topic_of("What is Consilium, please?"), "product");
  EXPECT_EQ(topic_of("What are your opening hours on Sunday?"), "opening-hours");
  EXPECT_EQ(topic_of("Who are you?"), "company");
  EXPECT_EQ(topic_of("Thank you very much!"), "thanks");
  EXPECT_EQ(topic_of("ДОБРЫЙ ДЕНЬ", "ru-RU"), "greeting");
  EXPECT_EQ(topic_of("Здравствуйте, доктор", "ru"), "greeting");
  EXPECT_EQ(topic_of("какой у вас режим работы?", "ru"), "opening-hours");
}

TEST(Bot, DoesNotFindPartsOfWords) {
  EXPECT_EQ(topic_of("Othello"), "");
  EXPECT_EQ(topic_of("this"), "");
  EXPECT_EQ(topic_of("consiliums"), "");
  EXPECT_EQ(topic_of("приветливый", "ru"), "");
  EXPECT_EQ(topic_of(""), "");
  EXPECT_EQ(topic_of("?!"), "");
}

TEST(Bot, DoesNotSwallowAQuestionBehindAGreeting) {
  EXPECT_EQ(topic_of("Hello, my tooth hurts"), "");
  EXPECT_EQ(topic_of("Здравствуйте, у меня болит зуб", "ru"), "");
  EXPECT_EQ(topic_of("Thanks, but it still hurts"), "");
}

TEST(Bot, TriesTopicsInTheirOrder) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(topic_of("Consilium: what are your opening hours?"), "product");
}

TEST(Bot, ReadsAnUnknownLanguageAsEnglish) { EXPECT_EQ(topic_of("hello", "ja"), "greeting"); }

TEST(Bot, AllLanguagesKnowTheSameTopicsWithPhrasesInTheirForm) {
  for (const BotLanguage& language : bot_languages()) {
    ASSERT_EQ(language.topics.size(), bot_languages().front().topics.size());
    for (std::size_t i = 0; i < language.topics.size(); ++i) {
      EXPECT_EQ(language.topics[i].name, bot_languages().front().topics[i].name);
      for (const std::string_view phrase : language.topics[i].phrases)
        EXPECT_EQ(topic_of(phrase, language.language), language.topics[i].name) << phrase;
    }
  }
}

// --- Presence ---

TEST(Presence, IsWhatWasChosenAsLongAsASocketLives) {
  using S = v1::PresenceStatus;
  for (const S chosen : {S::kOnline, S::kAway, S::kDnd, S::kOffline, S::kOoo}) {
    EXPECT_EQ(effective_presence(chosen, true), chosen);
    EXPECT_EQ(effective_presence(chosen, false), S::kOffline);
  }
  EXPECT_EQ(initial_presence(v1::MemberKind::kClient), S::kOnline);
  EXPECT_EQ(initial_presence(v1::MemberKind::kConsultant), S::kOffline);
}

}  // namespace
}  // namespace consilium::chat

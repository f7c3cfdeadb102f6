#include "base/message_catalogue.h"

#include <gtest/gtest.h>

#include <limits>

namespace consilium {
namespace {

MessageCatalogue catalogue_of(std::string_view english, std::string_view russian = "{}") {
  MessageCatalogue catalogue;
  EXPECT_TRUE(catalogue.add("en", english).has_value());
  EXPECT_TRUE(catalogue.add("ru", russian).has_value());
  return catalogue;
}

std::string render_pattern(std::string_view pattern, std::initializer_list<MessageArgument> arguments = {}) {
  MessageCatalogue catalogue;
  std::string json = R"({"key": ")" + std::string(pattern) + R"("})";
  EXPECT_TRUE(catalogue.add("en", json).has_value()) << json;
  return catalogue.render("en", "key", arguments);
}

TEST(MessageCatalogue, PutsNamedArgumentsIn) {
  EXPECT_EQ(render_pattern("Good day, {client}! Number {taskNum}.", {{"client", "Anna"}, {"taskNum", "MOI-000001"}}),
            "Good day, Anna! Number MOI-000001.");
  EXPECT_EQ(render_pattern("{ n }", {{"n", std::int64_t{-5}}}), "-5");
  EXPECT_EQ(render_pattern(""), "");
}

TEST(MessageCatalogue, DoesNotInterpretTheTextOfAnArgument) {
  EXPECT_EQ(render_pattern("<{a}>", {{"a", "{b} # ''"}, {"b", "no"}}), "<{b} # ''>");
}

TEST(MessageCatalogue, QuotesLikeIcu) {
  EXPECT_EQ(render_pattern("it's '{'name'}' ''x''"), "it's {name} 'x'");
  EXPECT_EQ(render_pattern("'{a}' # {a}", {{"a", "1"}}), "{a} # 1");
  EXPECT_EQ(render_pattern("{n, plural, other {'#' is #}}", {{"n", std::int64_t{3}}}), "# is 3");
}

TEST(MessageCatalogue, FollowsThePluralRulesOfEnglish) {
  const MessageCatalogue catalogue = catalogue_of(R"({"posts": "{n, plural, =0 {no posts} one {# post} other {# posts}} left"})");
  const auto of = [&](std::int64_t n) { return catalogue.render("en", "posts", {{"n", n}}); };
  EXPECT_EQ(of(0), "no posts left");
  EXPECT_EQ(of(1), "1 post left");
  EXPECT_EQ(of(2), "2 posts left");
  EXPECT_EQ(of(11), "11 posts left");
  EXPECT_EQ(of(21), "21 posts left");
}

TEST(MessageCatalogue, FollowsThePluralRulesOfRussian) {
  const MessageCatalogue catalogue =
      catalogue_of("{}", R"({"minutes": "{n, plural, one {# минута} few {# минуты} many {# минут} other {# мин}}"})");
  const auto of = [&](std::int64_t n) { return catalogue.render("ru-RU", "minutes", {{"n", n}}); };
  for (const std::int64_t n : {1, 21, 101, 1001}) EXPECT_EQ(of(n), std::to_string(n) + " минута");
  for (const std::int64_t n : {2, 3, 4, 22, 104}) EXPECT_EQ(of(n), std::to_string(n) + " минуты");
  for (const std::int64_t n : {0, 5, 10, 11, 12, 13, 14, 20, 111, 112, 1014}) EXPECT_EQ(of(n), std::to_string(n) + " минут");
  EXPECT_EQ(catalogue.render("ru", "minutes", {{"n", "2"}}), "2 минуты");
  EXPECT_EQ(catalogue.render("ru", "minutes", {{"n", "two"}}), "two мин");
}

TEST(MessageCatalogue, PluralCategoriesHoldAtTheBoundsOfTheType) {
  EXPECT_EQ(plural_category("ru", std::numeric_limits<std::int64_t>::min()), "many");  // …808
  EXPECT_EQ(plural_category("ru", std::numeric_limits<std::int64_t>::max()), "many");  // …807
  EXPECT_EQ(plural_category("ru", -1), "one");
  EXPECT_EQ(plural_category("en", -1), "one");
  EXPECT_EQ(plural_category("ja", 1), "other");
}

TEST(MessageCatalogue, FallsBackToEnglishThenToTheKey) {
  const MessageCatalogue catalogue = catalogue_of(R"({"a": "A", "b": "B"})", R"({"a": "А"})");
  EXPECT_EQ(catalogue.render("ru", "a"), "А");
  EXPECT_EQ(catalogue.render("ru-RU", "a"), "А");
  EXPECT_EQ(catalogue.render("ru", "b"), "B");
  EXPECT_EQ(catalogue.render("de", "b"), "B");
  EXPECT_EQ(catalogue.missing_keys(), 0u);
  EXPECT_EQ(catalogue.render("ru", "c.d"), "c.d");
  EXPECT_EQ(catalogue.missing_keys(), 1u);
  EXPECT_TRUE(catalogue.has("ru", "a"));
  EXPECT_FALSE(catalogue.has("ru", "b"));
}

TEST(MessageCatalogue, ShowsAndCountsAMissingArgument) {
  const MessageCatalogue catalogue = catalogue_of(R"({"a": "Hello {name}, {n, plural, one {#} other {#}}"})");
  EXPECT_EQ(catalogue.render("en", "a"), "Hello {name}, {n}");
  EXPECT_EQ(catalogue.missing_arguments(), 2u);
}

TEST(MessageCatalogue, NamesTheArgumentsOfAPattern) {
  const MessageCatalogue catalogue = catalogue_of(R"({"a": "{b} {n, plural, one {# {c}} other {#}} {b}"})");
  EXPECT_EQ(catalogue.arguments_of("en", "a"), (std::vector<std::string>{"b", "c", "n"}));
  EXPECT_TRUE(catalogue.arguments_of("ru", "a").empty());
}

TEST(MessageCatalogue, LaterAddsReplaceKeys) {
  MessageCatalogue catalogue = catalogue_of(R"({"a": "1", "b": "2"})");
  ASSERT_TRUE(catalogue.add("en", R"({"b": "3"})").has_value());
  EXPECT_EQ(catalogue.render("en", "a") + catalogue.render("en", "b"), "13");
  EXPECT_EQ(catalogue.languages(), (std::vector<std::string>{"en", "ru"}));
  EXPECT_EQ(catalogue.keys("en"), (std::vector<std::string>{"a", "b"}));
}

TEST(MessageCatalogue, RefusesMalformedPatternsWhole) {
  for (const char* pattern :
       {"{", "}", "{}", "{a", "{a,}", "{a, number}", "{a, plural}", "{a, plural,}", "{a, plural, one {x}}", "{a, plural, other}",
        "{a, plural, other {x}", "{a, plural, sometimes {x} other {y}}", "{a, plural, =x {x} other {y}}", "{a, plural, = {x} other {y}}",
        "{a,plural,other{{a,plural,other{{a,plural,other{{a,plural,other{{a,plural,other{x}}}}}}}}}}"}) {
    MessageCatalogue catalogue;
    const auto added = catalogue.add("en", R"({"good": "x", "bad": ")" + std::string(pattern) + R"("})");
    ASSERT_FALSE(added.has_value()) << pattern;
    EXPECT_EQ(added.error().code, "catalogue.malformed");
    EXPECT_NE(added.error().detail.find("bad: "), std::string::npos) << added.error().detail;
    EXPECT_FALSE(catalogue.has("en", "good"));
  }
}

TEST(MessageCatalogue, RefusesWhatIsNotAnObjectOfTexts) {
  MessageCatalogue catalogue;
  for (const char* json : {"", "[]", "{", R"({"a": 1})", R"({"a": {"b": "c"}})"})
    EXPECT_FALSE(catalogue.add("en", json).has_value()) << json;
}

TEST(MessageCatalogue, BoundsTheSizeOfAPattern) {
  MessageCatalogue catalogue;
  EXPECT_TRUE(catalogue.add("en", R"({"a": ")" + std::string(kMaxPatternBytes, 'x') + R"("})").has_value());
  EXPECT_FALSE(catalogue.add("en", R"({"a": ")" + std::string(kMaxPatternBytes + 1, 'x') + R"("})").has_value());
  EXPECT_FALSE(catalogue.add("en", std::string(kMaxCatalogueBytes + 1, ' ')).has_value());
}

}  // namespace
}  // namespace consilium

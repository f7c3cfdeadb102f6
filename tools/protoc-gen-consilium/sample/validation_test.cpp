// The declared rules, each at its bound.
#include "base/validation.h"

#include <gtest/gtest.h>

#include "consilium/sample/v1/sample.h"

namespace consilium::sample::v1 {
namespace {

constexpr Timestamp kNow{1'769'851'800'000'000};  // 2026-01-31T09:30:00Z

Formats good_formats() {
  Formats out;
  out.id = *Uuid::parse("0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f");
  out.at = kNow;
  out.born = Date{2026, 1, 31};
  out.name = "Anna";
  out.count = 1;
  out.tags = {"a"};
  out.state = DocumentState::kDraft;
  return out;
}

// `path: code, …` of everything that is wrong.
template <class Message>
std::string violations(const Message& message) {
  const auto valid = validate(message, kNow);
  std::string text;
  if (valid) return text;
  EXPECT_EQ(valid.error().code, "request.invalid");
  EXPECT_EQ(valid.error().kind, ErrorKind::kValidation);
  for (const FieldError& field : valid.error().fields) text += (text.empty() ? "" : ", ") + field.name + ": " + field.code;
  return text;
}

TEST(Validation, AcceptsWhatKeepsTheRules) { EXPECT_EQ(violations(good_formats()), ""); }

TEST(Validation, X_1_VA_1_ListsEverythingAtOnce) {
  Formats empty;
  EXPECT_EQ(violations(empty),
            "id: required, at: required, born: required, name: required, count: required, tags: required, state: required");
}

struct Case {
  const char* name;
  void (*change)(Formats&);
  const char* expected;
};

const Case kCases[] = {
    {"BlankName", [](Formats& f) { f.name = " \t\u00A0"; }, "name: required"},
    {"LongName", [](Formats& f) { f.name = "яяяяяяяяяяя"; }, "name: too-long"},
    {"NameAtBound", [](Formats& f) { f.name = "яяяяяяяяяя"; }, ""},
    {"ControlInName", [](Formats& f) { f.name = "a\nb"; }, "name: bad-format"},
    {"BidiInName", [](Formats& f) { f.name = "a\u202Eb"; }, "name: bad-format"},
    {"IsolateInName", [](Formats& f) { f.name = "a\u2066b"; }, "name: bad-format"},
    {"SpaceAroundName", [](Formats& f) { f.name = "a "; }, "name: bad-format"},
    {"FutureTime", [](Formats& f) { f.at = kNow + microseconds(1); }, "at: in-future"},
    {"FutureDate", [](Formats& f) { f.born = Date{2026, 2, 1}; }, "born: in-future"},
    {"ShortCode", [](Formats& f) { f.code = "a"; }, "code: too-short"},
    {"LongCode", [](Formats& f) { f.code = "abcdef"; }, "code: too-long"},
    {"OddCode", [](Formats& f) { f.code = "aB"; }, "code: bad-character"},
    {"CodeAtBounds", [](Formats& f) { f.code = "a-9z0"; }, ""},
    {"NoCode", [](Formats& f) { f.code = ""; }, ""},
    {"ShortPassword", [](Formats& f) { f.password = Secret("123456789"); }, "password: too-short"},
    {"PasswordAtBound", [](Formats& f) { f.password = Secret("1234567890"); }, ""},
    {"CountBelow", [](Formats& f) { f.count = 0; }, "count: out-of-range"},
    {"CountAbove", [](Formats& f) { f.count = 201; }, "count: out-of-range"},
    {"CountAtBound", [](Formats& f) { f.count = 200; }, ""},
    {"NoCount", [](Formats& f) { f.count.reset(); }, "count: required"},
    {"WaitBelow", [](Formats& f) { f.wait = microseconds(-1); }, "wait: out-of-range"},
    {"WaitAbove", [](Formats& f) { f.wait = seconds(60) + microseconds(1); }, "wait: out-of-range"},
    {"ManyTags", [](Formats& f) { f.tags = {"a", "b", "c", "d"}; }, "tags: too-many"},
    {"LongTag", [](Formats& f) { f.tags = {"a", "123456", "b"}; }, "tags[1]: too-long"},
    {"EmptyTag", [](Formats& f) { f.tags = {""}; }, "tags[0]: too-short"},
    {"ManyIds", [](Formats& f) { f.ids.resize(4); }, "ids: too-many"},
    {"UnknownState", [](Formats& f) { f.state = static_cast<DocumentState>(9); }, "state: unknown-value"},
    {"LongJson", [](Formats& f) { f.data.text = '"' + std::string(999, 'x') + '"'; }, "data: too-long"},
    {"BadEmail", [](Formats& f) { f.email = "anna"; }, "email: bad-format"},
    {"BadPhone", [](Formats& f) { f.phone = "0170"; }, "phone: bad-format"},
    {"BadUrl", [](Formats& f) { f.url = "ftp://x"; }, "url: bad-format"},
    {"BadLanguage", [](Formats& f) { f.language = "english"; }, "language: bad-format"},
};

class Rules : public testing::TestWithParam<Case> {};

TEST_P(Rules, VA_1_AreChecked) {
  Formats formats = good_formats();
  GetParam().change(formats);
  EXPECT_EQ(violations(formats), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Validation, Rules, testing::ValuesIn(kCases),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Validation, VA_1_NamesThePathOfNestedMembers) {
  CreateDocumentRequest request;
  request.title = "A title";
  request.scalars.prices["x"] = {-1, shared::v1::Currency::kUnspecified};
  request.scalars.texts = {"a", std::string(101, 'x')};
  request.formats = good_formats();
  request.formats->name = "";
  EXPECT_EQ(
      violations(request),
      "scalars.texts[1]: too-long, scalars.prices.x.minor: out-of-range, scalars.prices.x.currency: required, formats.name: required");
}

TEST(Validation, RefusesTwoOfAOneof) {
  CreateDocumentRequest request;
  request.title = "A title";
  request.file = "x";
  EXPECT_EQ(violations(request), "");
  request.scan = 1;
  EXPECT_EQ(violations(request), "file: conflict");
}

TEST(Validation, ListsAtMostItsBound) {
  CreateDocumentRequest request;
  for (int i = 0; i < 100; ++i) request.scalars.prices["p" + std::to_string(i)].minor = -1;
  const auto valid = validate(request, kNow);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().fields.size(), kMaxViolations);
}

TEST(Validation, VA_1_KnowsItsFormats) {
  for (const char* good : {"a@b.cd", "first.last+tag@mail.example.org", "o'neil@x-y.io"}) EXPECT_TRUE(is_email(good)) << good;
  for (const char* bad : {"", "a", "@b.c", "a@", "a@b", "a@b@c.d", ".a@b.c", "a.@b.c", "a..b@c.d", "a b@c.d", "a@-b.c", "a@b-.c", "a@b..c",
                          "ä@b.c", "a@b.c "})
    EXPECT_FALSE(is_email(bad)) << bad;
  EXPECT_TRUE(is_email(std::string(64, 'a') + "@b.cd"));
  EXPECT_FALSE(is_email(std::string(65, 'a') + "@b.cd"));
  for (const char* good : {"+1234567", "+491701234567", "+123456789012345"}) EXPECT_TRUE(is_phone(good)) << good;
  for (const char* bad : {"", "+", "491701234567", "+123456", "+1234567890123456", "+0123456789", "+49 170 123", "+49170123a"})
    EXPECT_FALSE(is_phone(bad)) << bad;
  for (const char* good : {"http://x", "https://example.org/a?b#c", "https://example.org:8443/", "http://[::1]:80/x", "http://127.0.0.1"})
    EXPECT_TRUE(is_url(good)) << good;
  for (const char* bad : {"", "x", "//x", "javascript:alert(1)", "http://", "http:///x", "https://a b", "https://user@x/",
                          "https://x:port/", "https://x:/", "https://-x/", "https://x\"y/"})
    EXPECT_FALSE(is_url(bad)) << bad;
  EXPECT_TRUE(is_url("http://x/" + std::string(2039, 'a')));
  EXPECT_FALSE(is_url("http://x/" + std::string(2040, 'a')));
  for (const char* good : {"en", "pt-BR", "zh-Hant-TW", "deu"}) EXPECT_TRUE(is_language(good)) << good;
  for (const char* bad : {"", "e", "english", "en-", "-en", "en_US", "en-toolongtag", "12"}) EXPECT_FALSE(is_language(bad)) << bad;
}

}  // namespace
}  // namespace consilium::sample::v1

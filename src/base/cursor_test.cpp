#include "base/cursor.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/digest.h"

namespace consilium {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

TEST(Base64Url, MatchesTheVectorsOfTheStandard) {
  EXPECT_EQ(encode_base64url(""), "");
  EXPECT_EQ(encode_base64url("f"), "Zg");
  EXPECT_EQ(encode_base64url("fo"), "Zm8");
  EXPECT_EQ(encode_base64url("foo"), "Zm9v");
  EXPECT_EQ(encode_base64url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64Url, RoundTripsAllLengths) {
  SeededRandom random(7);
  for (std::size_t length = 0; length < 70; ++length) {
    std::string bytes(length, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    EXPECT_EQ(decode_base64url(encode_base64url(bytes)), bytes) << "seed 7, length " << length;
  }
}

TEST(Base64Url, HasOneTextForEachValue) {
  for (const char* bad : {"Z", "Zg==", "Zh", "Zm9", "Zm9v!", "Zm 9", "+/+/", "Zm9vZ"}) EXPECT_FALSE(decode_base64url(bad)) << bad;
}

TEST(Digest, MatchesPublishedVectors) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Digest, ComparesWholeTexts) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST(Cursor, RoundTrips) {
  SeededRandom random(11);
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1'767'225'600'000'001}, std::int64_t{-5}, Timestamp::max().microseconds}) {
    const Cursor cursor{{time}, make_uuid_v7({1}, random)};
    EXPECT_EQ(cursor.text().size(), 32U);
    EXPECT_EQ(Cursor::parse(cursor.text()), cursor);
  }
}

TEST(Cursor, RefusesOtherTexts) {
  const std::string good = Cursor{{1}, {}}.text();
  EXPECT_TRUE(Cursor::parse(good));
  EXPECT_FALSE(Cursor::parse(""));
  EXPECT_FALSE(Cursor::parse("page-2"));
  EXPECT_FALSE(Cursor::parse(good.substr(0, 28)));
  EXPECT_FALSE(Cursor::parse(good + "AAAA"));
  EXPECT_FALSE(Cursor::parse("!" + good.substr(1)));
}

TEST(Cursor, BoundsThePage) {
  EXPECT_EQ(page_size_of(std::nullopt), 50);
  EXPECT_EQ(page_size_of(1), 1);
  EXPECT_EQ(page_size_of(200), 200);
  EXPECT_EQ(page_size_of(201), 200);
  EXPECT_EQ(page_size_of(0), 1);
}

}  // namespace
}  // namespace consilium

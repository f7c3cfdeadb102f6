// Passwords, limits, sealed answers, keys and tokens.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/base64.h"
#include "runtime/temporary_folder_testing.h"
#include "services/sessions/access_token.h"
#include "services/sessions/common_passwords.h"
#include "services/sessions/key_ring.h"
#include "services/sessions/login_limiter.h"
#include "services/sessions/password.h"
#include "services/sessions/sealed.h"

namespace consilium::sessions {
namespace {

constexpr Timestamp kNow{1'767'225'600'000'000};

std::string strength(std::string password) {
  const auto answer = check_password_strength(Secret(std::move(password)), "clara.weiss");
  return answer ? "strong" : answer.error().code;
}

TEST(PasswordStrength, RefusesWhatIsGuessedFirst) {
  EXPECT_EQ(strength("correct horse battery"), "strong");
  EXPECT_EQ(strength("xk7#pq2!zd"), "strong");
  EXPECT_EQ(strength("пароль-дня"), "strong") << "ten characters, not bytes";
  for (const char* weak : {"xk7#pq2!z", "пароль-дн", "Password123", "QWERTYUIOP", "aaaaaaaaaa", "abababababab", "12345678910", "0123456789",
                           "abcdefghij", "jihgfedcba", "1231231231", "Clara.Weiss"})
    EXPECT_EQ(strength(weak), "sessions.weak-password") << weak;
}

TEST(LoginLimiter, AdmitsFiveAMinute) {
  LoginLimiter limiter({});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.admit("anna", "192.0.2.1", kNow + seconds(i)));
  const auto sixth = limiter.admit("anna", "192.0.2.1", kNow + seconds(5));
  ASSERT_FALSE(sixth);
  EXPECT_EQ(sixth.error().code, "sessions.too-many-attempts");
  EXPECT_EQ(sixth.error().kind, ErrorKind::kRateLimited);
  EXPECT_EQ(sixth.error().retry_after, minutes(1));
  EXPECT_FALSE(limiter.admit("anna", "192.0.2.1", kNow + seconds(65) - microseconds(1)));
  EXPECT_TRUE(limiter.admit("anna", "192.0.2.1", kNow + seconds(65)));
}

TEST(LoginLimiter, LocksNobodyElseOut) {
  LoginLimiter limiter({});
  for (int i = 0; i < 6; ++i) (void)limiter.admit("anna", "192.0.2.1", kNow);
  EXPECT_FALSE(limiter.admit("anna", "192.0.2.1", kNow));
  EXPECT_TRUE(limiter.admit("anna", "192.0.2.2", kNow));
  EXPECT_TRUE(limiter.admit("boris", "192.0.2.1", kNow));
}

TEST(LoginLimiter, DoublesTheWaitUpToTheLongestAndForgets) {
  LoginLimiter limiter({});
  Timestamp now = kNow;
  for (const Duration expected : {minutes(1), minutes(2), minutes(4), minutes(8), minutes(15), minutes(15)}) {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(limiter.admit("anna", "", now));
    const auto refused = limiter.admit("anna", "", now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().retry_after, expected);
    now = now + expected;
  }
  now = now + hours(1);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(limiter.admit("anna", "", now));
  EXPECT_EQ(limiter.admit("anna", "", now).error().retry_after, minutes(1));
}

TEST(LoginLimiter, ForgetsWhoSucceeds) {
  LoginLimiter limiter({});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(limiter.admit("anna", "", kNow));
  limiter.succeeded("anna", "");
  EXPECT_EQ(limiter.remembered(), 0U);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.admit("anna", "", kNow));
}

TEST(LoginLimiter, RemembersABoundedNumber) {
  LoginLimits limits;
  limits.remembered = 3;
  limits.attempts = 1;
  LoginLimiter limiter(limits);
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(limiter.admit(name, "", kNow));
  EXPECT_FALSE(limiter.admit("a", "", kNow)) << "and is the latest used now";
  ASSERT_TRUE(limiter.admit("d", "", kNow));
  EXPECT_EQ(limiter.remembered(), 3U);
  EXPECT_FALSE(limiter.admit("a", "", kNow));
  EXPECT_TRUE(limiter.admit("b", "", kNow)) << "was forgotten";
}

TEST(Sealed, OpensWithTheTokenAlone) {
  SeededRandom random(3);
  const std::string sealed = seal(Secret("token"), "answer", random);
  EXPECT_EQ(unseal(Secret("token"), sealed), "answer");
  EXPECT_FALSE(unseal(Secret("Token"), sealed));
  EXPECT_FALSE(unseal(Secret("token"), sealed.substr(1)));
  EXPECT_FALSE(unseal(Secret("token"), ""));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(unseal(Secret("token"), altered)) << i;
  }
}

class Keys : public ::testing::Test {
 protected:
  std::unique_ptr<KeyRing> ring(KeyStore& store, Timestamp now = kNow) { return std::move(*KeyRing::open(store, {}, random_, now)); }
  SeededRandom random_{9};
};

TEST_F(Keys, AreMadeOnceAndFoundAgain) {
  MemoryKeyStore store;
  const std::string first = ring(store)->signing_key(kNow)->id();
  EXPECT_EQ(ring(store, kNow + days(3))->signing_key(kNow + days(3))->id(), first);
  EXPECT_EQ(store.load()->size(), 1U);
}

TEST_F(Keys, RotateWithOverlap) {
  MemoryKeyStore store;
  const auto keys = ring(store);
  const std::string first = keys->signing_key(kNow)->id();
  EXPECT_FALSE(*keys->rotate(random_, kNow + days(30) - microseconds(1)));
  const Timestamp made = kNow + days(30);
  EXPECT_TRUE(*keys->rotate(random_, made));
  EXPECT_EQ(keys->signing_key(made + hours(1) - microseconds(1))->id(), first) << "the new one is published first";
  const std::string second = keys->signing_key(made + hours(1))->id();
  EXPECT_NE(second, first);
  EXPECT_FALSE(*keys->rotate(random_, made + hours(2) - microseconds(1)));
  EXPECT_TRUE(keys->find(first)) << "tokens signed last still verify";
  EXPECT_NE(keys->jwks().find(first), std::string::npos);
  EXPECT_TRUE(*keys->rotate(random_, made + hours(2)));
  EXPECT_FALSE(keys->find(first));
  EXPECT_TRUE(keys->find(second));
  EXPECT_EQ(store.load()->size(), 1U);
}

TEST_F(Keys, B_70_PublishNoPrivateHalf) {
  MemoryKeyStore store;
  const auto keys = ring(store);
  const std::string jwks = keys->jwks();
  EXPECT_EQ(jwks.find("\"d\""), std::string::npos);
  EXPECT_EQ(jwks.find(encode_base64url((*store.load())[0].private_key.reveal())), std::string::npos);
  EXPECT_NE(jwks.find(R"("crv":"P-256")"), std::string::npos);
}

TEST_F(Keys, B_70_LieInFilesThatNobodyElseReads) {
  const runtime::TemporaryFolder folder;
  FolderKeyStore store(folder.path() + "/keys");
  const std::string id = ring(store)->signing_key(kNow)->id();
  EXPECT_EQ(ring(store)->signing_key(kNow)->id(), id);
  struct stat status{};
  ASSERT_EQ(::stat((folder.path() + "/keys").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  const auto file = std::filesystem::directory_iterator(folder.path() + "/keys")->path();
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_EQ(store.load().error().code, "sessions.keys-unreadable");
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  ASSERT_TRUE(store.remove(id));
  EXPECT_TRUE(store.load()->empty());
}

TEST_F(Keys, RefuseABrokenFile) {
  MemoryKeyStore store;
  ASSERT_TRUE(store.save({"id", kNow, Secret(std::string(32, '\0'))}));
  EXPECT_EQ(KeyRing::open(store, {}, random_, kNow).error().code, "sessions.bad-key");
  MemoryKeyStore renamed;
  ASSERT_TRUE(renamed.save({"another-id", kNow, SigningKey::make_private_key(random_)}));
  EXPECT_EQ(KeyRing::open(renamed, {}, random_, kNow).error().code, "sessions.bad-key");
}

class AccessTokens : public ::testing::Test {
 protected:
  AccessTokens() {
    keys_ = std::move(*KeyRing::open(store_, {}, random_, kNow));
    claims_ = {make_uuid_v7(kNow, random_), make_uuid_v7(kNow, random_), kNow, kNow + minutes(5)};
  }

  std::string token() { return sign_access_token(claims_, *keys_, settings_, kNow).reveal(); }
  std::string verdict(const std::string& text, Timestamp now = kNow) {
    const auto claims = verify_access_token(Secret(text), *keys_, settings_, now);
    return claims ? "valid" : claims.error().code;
  }
  std::string claims_json(std::string issuer, std::string audience) const {
    return R"({"iss":")" + issuer + R"(","aud":")" + audience + R"(","sub":")" + claims_.user_id.text() + R"(","sid":")" +
           claims_.session_id.text() + R"(","iat":1767225600,"exp":1767225900})";
  }

  SeededRandom random_{17};
  MemoryKeyStore store_;
  std::unique_ptr<KeyRing> keys_;
  TokenSettings settings_;
  AccessClaims claims_;
};

TEST_F(AccessTokens, CarryTheirClaims) { EXPECT_EQ(verify_access_token(Secret(token()), *keys_, settings_, kNow), claims_); }

TEST_F(AccessTokens, ExpireWithALittleSkew) {
  EXPECT_EQ(verdict(token(), kNow + minutes(5) + seconds(5) - microseconds(1)), "valid");
  EXPECT_EQ(verdict(token(), kNow + minutes(5) + seconds(5)), "sessions.expired");
  EXPECT_EQ(verdict(token(), kNow - seconds(5)), "valid");
  EXPECT_EQ(verdict(token(), kNow - seconds(6)), "sessions.expired") << "issued in the future: its bearer refreshes it";
}

TEST_F(AccessTokens, CannotBeForged) {
  const std::string good = token();
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  const std::string header = good.substr(0, first);
  const std::string claims = good.substr(first + 1, second - first - 1);
  const std::string signature = good.substr(second + 1);
  ASSERT_EQ(verdict(header + "." + claims + "." + signature), "valid");

  const auto own_key = *SigningKey::from_private(SigningKey::make_private_key(random_), kNow);
  const SigningKey& key = *keys_->signing_key(kNow);
  const std::string body = claims_json(settings_.issuer, settings_.audience);
  const std::string kid = key.id();
  const auto signed_with = [&](const SigningKey& signer, const std::string& head, const std::string& payload) {
    const std::string text = encode_base64url(head) + "." + encode_base64url(payload);
    return text + "." + encode_base64url(signer.sign(text));
  };
  const std::string good_head = R"({"alg":"ES256","typ":"at+jwt","kid":")" + kid + R"("})";
  ASSERT_EQ(verdict(signed_with(key, good_head, body)), "valid") << "the forgeries below differ from it in one thing";

  std::string other_sub = body;
  other_sub.replace(other_sub.find(claims_.user_id.text()), 36, make_uuid_v7(kNow, random_).text());
  struct Forgery {
    const char* what;
    std::string token;
  };
  const std::vector<Forgery> forgeries = {
      {"alg none without signature", encode_base64url(R"({"alg":"none","typ":"at+jwt","kid":")" + kid + R"("})") + "." + claims + "."},
      {"alg none with the signature",
       encode_base64url(R"({"alg":"none","typ":"at+jwt","kid":")" + kid + R"("})") + "." + claims + "." + signature},
      {"alg HS256", signed_with(key, R"({"alg":"HS256","typ":"at+jwt","kid":")" + kid + R"("})", body)},
      {"another type", signed_with(key, R"({"alg":"ES256","typ":"JWT","kid":")" + kid + R"("})", body)},
      {"no key id", signed_with(key, R"({"alg":"ES256","typ":"at+jwt"})", body)},
      {"unknown key id", signed_with(*own_key, R"({"alg":"ES256","typ":"at+jwt","kid":")" + own_key->id() + R"("})", body)},
      {"another key under a known id", signed_with(*own_key, good_head, body)},
      {"altered claims", header + "." + encode_base64url(other_sub) + "." + signature},
      {"another audience", signed_with(key, good_head, claims_json(settings_.issuer, "others"))},
      {"another issuer", signed_with(key, good_head, claims_json("https://evil.example", settings_.audience))},
      {"no claims", signed_with(key, good_head, "{}")},
      {"claims that are no object", signed_with(key, good_head, "[1]")},
      {"claims that are no JSON", signed_with(key, good_head, "claims")},
      {"truncated signature", good.substr(0, good.size() - 2)},
      {"without signature", header + "." + claims},
      {"empty signature", header + "." + claims + "."},
      {"a fourth part", good + ".x"},
      {"empty", ""},
      {"dots", ".."},
      {"too long", good + std::string(kMaxTokenSize, 'A')},
  };
  for (const Forgery& forgery : forgeries) EXPECT_EQ(verdict(forgery.token), "sessions.invalid") << forgery.what;
}

TEST_F(AccessTokens, AreSpoiltByEveryChangedCharacter) {
  const std::string good = token();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string altered = good;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(verdict(altered), "sessions.invalid") << i;
  }
}

}  // namespace
}  // namespace consilium::sessions

// Access tokens and sealed answers. `t` a token as it comes; `s` header, line feed and claims that our own key signs: what
// a leaked key could not do is not the point, but that every claim is read with care; `u` a sealed answer.
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/fuzz_testing.h"
#include "services/sessions/access_token.h"
#include "services/sessions/key_ring.h"
#include "services/sessions/sealed.h"

namespace consilium::sessions {
namespace {

constexpr Timestamp kNow{1'767'225'600'000'000};

const KeyRing& ring() {
  static SeededRandom random(1);
  static MemoryKeyStore store;
  static const std::unique_ptr<KeyRing> made = std::move(KeyRing::open(store, {}, random, kNow - hours(2))).value();
  return *made;
}

void check_token(const std::string& token) {
  const TokenSettings settings;
  const auto claims = verify_access_token(Secret(token), ring(), settings, kNow);
  if (!claims) {
    require(claims.error().kind == ErrorKind::kUnauthenticated);
    require(claims.error().code == "sessions.invalid" || claims.error().code == "sessions.expired");
    return;
  }
  require(token.size() <= kMaxTokenSize && claims->expires_at + settings.clock_skew > kNow &&
          claims->issued_at <= kNow + settings.clock_skew);
  // Without its signature, or with another text, it proves nothing.
  require(!verify_access_token(Secret(token.substr(0, token.rfind('.') + 1)), ring(), settings, kNow));
  require(!verify_access_token(Secret("A" + token), ring(), settings, kNow));
  AccessClaims kept = *claims;
  // A scope without an application is not written.
  if (kept.client_id.empty()) kept.scope.clear();
  const Secret again = sign_access_token(kept, ring(), settings, kNow);
  if (again.reveal().size() > kMaxTokenSize) return;
  const auto read = verify_access_token(again, ring(), settings, kNow);
  require(read && *read == kept);
}

void fuzz_signed(std::string_view input) {
  const auto [header, claims] = split_line(input);
  const auto key = ring().signing_key(kNow);
  check_token(sign_jwt(*key, "at+jwt", claims));
  const std::string text = encode_base64url(header) + "." + encode_base64url(claims);
  check_token(text + "." + encode_base64url(key->sign(text)));
}

void fuzz_sealed(std::string_view input) {
  const Secret token(std::string(32, 't'));
  require(!unseal(token, input));
  SeededRandom random(2);
  const std::string sealed = seal(token, input, random);
  require(unseal(token, sealed) == std::string(input) && !unseal(Secret("another"), sealed));
  std::string altered = sealed;
  altered[input.size() % altered.size()] ^= 1;
  require(!unseal(token, altered));
}

}  // namespace
}  // namespace consilium::sessions

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium;
  const auto [kind, rest] = split_kind(fuzz_input(data, size));
  switch (kind) {
    case 's': sessions::fuzz_signed(rest); break;
    case 'u': sessions::fuzz_sealed(rest); break;
    default: sessions::check_token(std::string(rest));
  }
  return 0;
}

#include "services/sessions/access_token.h"

#include <boost/json.hpp>

#include <optional>

#include "base/base64.h"

namespace consilium::sessions {
namespace {

namespace json = boost::json;

constexpr std::string_view kAccessTokenType = "at+jwt";

Failure invalid() { return fail(ErrorKind::kUnauthenticated, "sessions.invalid", "Expected a token that was issued here and is whole"); }

struct Parts {
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
  std::string_view signed_text;  // the first two and the dot
};

std::optional<Parts> split(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1), token.substr(0, second)};
}

std::optional<json::object> parse_object(std::string_view base64) {
  const auto text = decode_base64url(base64);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<std::string_view> text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

std::optional<Uuid> uuid_member(const json::object& object, std::string_view name) {
  const auto text = text_member(object, name);
  if (!text) return std::nullopt;
  return Uuid::parse(*text);
}

std::optional<Timestamp> time_member(const json::object& object, std::string_view name) {
  constexpr std::int64_t kLatest = 1LL << 42;  // seconds; far beyond any real one, and its microseconds still fit
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0 || value->get_int64() > kLatest) return std::nullopt;
  return Timestamp{} + seconds(value->get_int64());
}

// The key that signed it; nullptr when the header is not one of ours or the signature does not fit.
std::shared_ptr<const SigningKey> verified_key(const Parts& parts, const KeyRing& keys) {
  const auto header = parse_object(parts.header);
  if (!header || text_member(*header, "alg") != "ES256" || text_member(*header, "typ") != kAccessTokenType) return nullptr;
  const auto id = text_member(*header, "kid");
  const auto signature = decode_base64url(parts.signature);
  if (!id || !signature) return nullptr;
  auto key = keys.find(*id);
  if (!key || !key->verify(parts.signed_text, *signature)) return nullptr;
  return key;
}

std::int64_t seconds_of(Timestamp time) { return time.microseconds / 1'000'000; }

}  // namespace

std::string sign_jwt(const SigningKey& key, std::string_view type, std::string_view claims_json) {
  const std::string header = R"({"alg":"ES256","typ":")" + std::string(type) + R"(","kid":")" + key.id() + R"("})";
  const std::string text = encode_base64url(header) + "." + encode_base64url(claims_json);
  return text + "." + encode_base64url(key.sign(text));
}

Secret sign_access_token(const AccessClaims& claims, const KeyRing& keys, const TokenSettings& settings, Timestamp now) {
  json::object body = {
      {"iss", settings.issuer},
      {"aud", settings.audience},
      {"sub", claims.user_id.text()},
      {"sid", claims.session_id.text()},
      {"iat", seconds_of(claims.issued_at)},
      {"exp", seconds_of(claims.expires_at)},
  };
  if (!claims.client_id.empty()) {
    body["client_id"] = claims.client_id;
    body["scope"] = claims.scope;
  }
  return Secret(sign_jwt(*keys.signing_key(now), kAccessTokenType, json::serialize(body)));
}

Result<SignedClaims> read_access_token(const Secret& token, const KeyRing& keys, const TokenSettings& settings) {
  if (token.reveal().size() > kMaxTokenSize) return invalid();
  const auto parts = split(token.reveal());
  if (!parts) return invalid();
  const auto key = verified_key(*parts, keys);
  if (!key) return invalid();
  const auto body = parse_object(parts->claims);
  if (!body || text_member(*body, "iss") != settings.issuer || text_member(*body, "aud") != settings.audience) return invalid();
  const auto user = uuid_member(*body, "sub");
  const auto session = uuid_member(*body, "sid");
  const auto issued = time_member(*body, "iat");
  const auto expires = time_member(*body, "exp");
  if (!user || !session || !issued || !expires) return invalid();
  return SignedClaims{{*user,
                       *session,
                       *issued,
                       *expires,
                       std::string(text_member(*body, "client_id").value_or("")),
                       std::string(text_member(*body, "scope").value_or(""))},
                      key->id()};
}

// Issued in the future: the clock was set back since, and how old it is cannot be said. A refreshed one holds.
Result<void> check_times(const AccessClaims& claims, const TokenSettings& settings, Timestamp now) {
  if (now < claims.expires_at + settings.clock_skew && claims.issued_at <= now + settings.clock_skew) return {};
  return fail(ErrorKind::kUnauthenticated, "sessions.expired", "Expected a token that has not expired");
}

Result<AccessClaims> verify_access_token(const Secret& token, const KeyRing& keys, const TokenSettings& settings, Timestamp now) {
  ASSIGN_OR_RETURN(SignedClaims known, read_access_token(token, keys, settings));
  TRY(check_times(known.claims, settings, now));
  return std::move(known.claims);
}

}  // namespace consilium::sessions

#include "services/sessions/openid.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "base/base64.h"
#include "base/digest.h"

namespace consilium::sessions {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> kScopes{"openid", "profile", "email"};
constexpr std::size_t kChallengeLength = 43;  // base64url of SHA-256
constexpr std::size_t kShortestVerifier = 43;
constexpr std::size_t kLongestVerifier = 128;
constexpr std::size_t kLongestNonce = 500;
constexpr std::int64_t kLongestAge = 10LL * 365 * 24 * 3600;  // seconds
// Ours: the answer to `prompt=login`, kept over the way through the login page.
constexpr std::string_view kAuthenticatedAfter = "authenticated_after";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    if (space != 0) words.push_back(text.substr(0, space));
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  return words;
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : " ") + std::string(word);
  return text;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

bool is_base64url(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }
bool is_unreserved(char c) { return is_base64url(c) || c == '.' || c == '~'; }

bool is_challenge(std::string_view text) { return text.size() == kChallengeLength && std::ranges::all_of(text, is_base64url); }

using Refused = std::unexpected<AuthorizationError>;
Refused refused(std::string_view error, std::string_view description) { return Refused({error, description}); }

std::expected<void, AuthorizationError> read_prompt(const ParameterList& parameters, AuthorizationRequest& request) {
  const std::vector<std::string_view> prompts = words_of(value_of(parameters, "prompt"));
  request.silent = contains(prompts, "none");
  if (request.silent && prompts.size() > 1) return refused("invalid_request", "Expected prompt=none alone");
  // Nobody is asked for consent: the operator has registered the application. Another account is chosen by logging in.
  request.login_again = contains(prompts, "login") || contains(prompts, "select_account");
  return {};
}

std::expected<void, AuthorizationError> read_ages(const ParameterList& parameters, AuthorizationRequest& request) {
  if (const std::string_view age = value_of(parameters, "max_age"); !age.empty()) {
    const auto number = whole_number(age);
    if (!number) return refused("invalid_request", "Expected max_age in seconds");
    request.max_age = seconds(std::min(*number, kLongestAge));
  }
  if (const std::string_view after = value_of(parameters, kAuthenticatedAfter); !after.empty()) {
    const auto number = whole_number(after);
    if (!number || *number > (1LL << 40)) return refused("invalid_request", "Expected authenticated_after in seconds");
    request.authenticated_after = Timestamp{} + seconds(*number);
  }
  return {};
}

std::expected<void, AuthorizationError> check_kind(const ParameterList& parameters) {
  const std::string_view type = value_of(parameters, "response_type");
  if (type.empty()) return refused("invalid_request", "Expected response_type=code");
  if (type != "code") return refused("unsupported_response_type", "Expected response_type=code");
  const std::string_view mode = value_of(parameters, "response_mode");
  if (!mode.empty() && mode != "query") return refused("invalid_request", "Expected response_mode=query");
  if (!value_of(parameters, "request").empty()) return refused("request_not_supported", "Expected the parameters in the query");
  if (!value_of(parameters, "request_uri").empty()) return refused("request_uri_not_supported", "Expected the parameters in the query");
  return {};
}

}  // namespace

std::string_view value_of(const ParameterList& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &v1::Parameter::name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->value.reveal());
}

void remove_value(ParameterList& parameters, std::string_view name) {
  std::erase_if(parameters, [&](const v1::Parameter& one) { return one.name == name; });
}

void set_value(ParameterList& parameters, std::string_view name, std::string value) {
  remove_value(parameters, name);
  parameters.push_back({std::string(name), Secret(std::move(value))});
}

Result<void> check_no_repetition(const ParameterList& parameters) {
  std::vector<std::string_view> names;
  for (const v1::Parameter& one : parameters) names.push_back(one.name);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) == names.end()) return {};
  return fail(ErrorKind::kMalformed, "request.malformed", "Expected each parameter once");
}

Result<const ApplicationSettings*> find_application(const ParameterList& parameters, const OpenIdSettings& settings) {
  const auto found = settings.applications.find(value_of(parameters, "client_id"));
  if (found == settings.applications.end()) return fail(v1::errors::unknown_client("Expected the client_id of a registered application"));
  return &found->second;
}

Result<void> check_redirect(const ParameterList& parameters, const ApplicationSettings& application) {
  const std::string_view asked = value_of(parameters, "redirect_uri");
  // Character by character: every looser comparison has been a way to somebody else's page.
  if (!asked.empty() && std::ranges::find(application.redirect_uris, asked) != application.redirect_uris.end()) return {};
  return fail(v1::errors::bad_redirect("Expected a redirect_uri that is registered for the application, letter by letter"));
}

std::expected<AuthorizationRequest, AuthorizationError> read_authorization(const ParameterList& parameters) {
  if (!check_no_repetition(parameters)) return refused("invalid_request", "Expected each parameter once");
  if (auto kind = check_kind(parameters); !kind) return std::unexpected(kind.error());
  AuthorizationRequest request;
  request.client_id = value_of(parameters, "client_id");
  request.redirect_uri = value_of(parameters, "redirect_uri");
  request.challenge = value_of(parameters, "code_challenge");
  request.nonce = value_of(parameters, "nonce");
  if (value_of(parameters, "code_challenge_method") != "S256" || !is_challenge(request.challenge))
    return refused("invalid_request", "Expected code_challenge with code_challenge_method=S256");
  if (request.nonce.size() > kLongestNonce) return refused("invalid_request", "Expected a shorter nonce");
  const std::vector<std::string_view> asked = words_of(value_of(parameters, "scope"));
  std::vector<std::string_view> granted;
  for (const std::string_view scope : kScopes) {
    if (contains(asked, scope)) granted.push_back(scope);
  }
  if (!contains(granted, "openid")) return refused("invalid_scope", "Expected the scope openid");
  request.scope = joined(granted);
  if (auto prompt = read_prompt(parameters, request); !prompt) return std::unexpected(prompt.error());
  if (auto ages = read_ages(parameters, request); !ages) return std::unexpected(ages.error());
  return request;
}

LoginNeed login_need(const AuthorizationRequest& request, std::optional<Timestamp> authenticated_at, Timestamp now) {
  if (request.login_again) return LoginNeed::kAgain;
  if (!authenticated_at) return LoginNeed::kAny;
  if (*authenticated_at < request.authenticated_after) return LoginNeed::kAgain;
  if (request.max_age && now - *authenticated_at > *request.max_age) return LoginNeed::kAgain;
  return LoginNeed::kNone;
}

ParameterList after_login(ParameterList parameters, LoginNeed need, Timestamp now) {
  if (need != LoginNeed::kAgain) return parameters;
  remove_value(parameters, "prompt");
  remove_value(parameters, "max_age");
  set_value(parameters, kAuthenticatedAfter, std::to_string(now.microseconds / 1'000'000));
  return parameters;
}

bool fits_challenge(std::string_view verifier, std::string_view challenge) {
  if (verifier.size() < kShortestVerifier || verifier.size() > kLongestVerifier) return false;
  if (!std::ranges::all_of(verifier, is_unreserved)) return false;
  return equal_in_constant_time(encode_base64url(sha256(verifier)), challenge);
}

std::optional<std::string> narrowed_scope(std::string_view granted, std::string_view asked) {
  const std::vector<std::string_view> all = words_of(granted);
  const std::vector<std::string_view> wanted = words_of(asked);
  if (wanted.empty()) return std::string(granted);
  std::vector<std::string_view> kept;
  for (const std::string_view scope : all) {
    if (contains(wanted, scope)) kept.push_back(scope);
  }
  const bool asks_for_more = std::ranges::any_of(wanted, [&](std::string_view scope) { return !contains(all, scope); });
  if (asks_for_more || !contains(kept, "openid")) return std::nullopt;
  return joined(kept);
}

bool has_scope(std::string_view scope, std::string_view name) { return contains(words_of(scope), name); }

std::string user_claims(const users::v1::User& user, std::string_view scope) {
  json::object claims{{"sub", user.id.text()}};
  if (has_scope(scope, "profile")) {
    claims["name"] = user.first_name + " " + user.last_name;
    claims["given_name"] = user.first_name;
    claims["family_name"] = user.last_name;
    if (user.middle_name) claims["middle_name"] = *user.middle_name;
    claims["preferred_username"] = user.username;
    if (user.photo_url) claims["picture"] = *user.photo_url;
    claims["locale"] = user.language;
    claims["updated_at"] = user.updated_at.microseconds / 1'000'000;
  }
  if (has_scope(scope, "email") && user.email) {
    claims["email"] = *user.email;
    // Nobody has proved that it is theirs.
    claims["email_verified"] = false;
  }
  return json::serialize(claims);
}

std::string userinfo_address(std::string_view issuer) { return std::string(issuer) + "/oauth2/userinfo"; }

std::string discovery_document(std::string_view issuer) {
  const std::string base(issuer);
  const json::object document{
      {"issuer", base},
      {"authorization_endpoint", base + "/oauth2/authorize"},
      {"token_endpoint", base + "/oauth2/token"},
      {"userinfo_endpoint", userinfo_address(issuer)},
      {"jwks_uri", base + "/oauth2/jwks"},
      {"response_types_supported", json::array{"code"}},
      {"response_modes_supported", json::array{"query"}},
      {"grant_types_supported", json::array{"authorization_code", "refresh_token"}},
      {"subject_types_supported", json::array{"public"}},
      {"id_token_signing_alg_values_supported", json::array{"ES256"}},
      {"token_endpoint_auth_methods_supported", json::array{"client_secret_basic", "none"}},
      {"code_challenge_methods_supported", json::array{"S256"}},
      {"scopes_supported", json::array(kScopes.begin(), kScopes.end())},
      {"claims_supported", json::array{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "given_name", "family_name",
                                       "middle_name", "preferred_username", "picture", "locale", "updated_at", "email", "email_verified"}},
      {"prompt_values_supported", json::array{"none", "login", "select_account", "consent"}},
      {"authorization_response_iss_parameter_supported", true},
      {"claims_parameter_supported", false},
      {"request_parameter_supported", false},
      {"request_uri_parameter_supported", false},
  };
  return json::serialize(document);
}

}  // namespace consilium::sessions

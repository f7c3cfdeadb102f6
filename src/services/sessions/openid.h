// OpenID Connect: what an application asks for, checked against what is registered (RFC 6749 §4.1, RFC 7636, OpenID Connect
// Core 1.0 §3.1). Pure functions over values; what the words become on the wire is the gateway's business.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "consilium/sessions/v1/sessions.h"
#include "consilium/users/v1/users.h"
#include "services/sessions/settings.h"

namespace consilium::sessions {

using ParameterList = std::vector<v1::Parameter>;

// Empty when absent; a parameter without a value counts as absent (RFC 6749 §3.1).
std::string_view value_of(const ParameterList& parameters, std::string_view name);
void set_value(ParameterList& parameters, std::string_view name, std::string value);
void remove_value(ParameterList& parameters, std::string_view name);
// `request.malformed` when one is there twice (RFC 6749 §3.1).
Result<void> check_no_repetition(const ParameterList& parameters);

// An error that goes back to the application through the browser.
struct AuthorizationError {
  std::string_view error;  // RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6
  std::string_view description;
};

struct AuthorizationRequest {
  std::string client_id;
  std::string redirect_uri;
  std::string scope;      // what is granted of it, in the order of `kScopes`
  std::string challenge;  // S256
  std::string nonce;      // empty: none
  bool silent = false;    // prompt=none
  bool login_again = false;
  std::optional<Duration> max_age;
  Timestamp authenticated_after;  // what `login_again` became, once the person was sent to the login page
};

// Who may get no answer by redirection: `sessions.unknown-client`, `sessions.bad-redirect`.
Result<const ApplicationSettings*> find_application(const ParameterList& parameters, const OpenIdSettings& settings);
Result<void> check_redirect(const ParameterList& parameters, const ApplicationSettings& application);
// Both hold already.
std::expected<AuthorizationRequest, AuthorizationError> read_authorization(const ParameterList& parameters);

enum class LoginNeed : std::uint8_t { kNone, kAny, kAgain };
// `authenticated_at`: of the browser's session, if it has one.
LoginNeed login_need(const AuthorizationRequest& request, std::optional<Timestamp> authenticated_at, Timestamp now);
// With what the browser comes back from the login page. A login from now on satisfies what was asked of its age.
ParameterList after_login(ParameterList parameters, LoginNeed need, Timestamp now);

// 43 to 128 unreserved characters whose SHA-256 is the challenge (RFC 7636 §4.6).
bool fits_challenge(std::string_view verifier, std::string_view challenge);
// `scope` of a refresh: a part of what was granted, in the same order; nothing when it is more. Empty: all.
std::optional<std::string> narrowed_scope(std::string_view granted, std::string_view asked);
bool has_scope(std::string_view scope, std::string_view name);

// `{sub, …}`: what the scope lets the application know (OpenID Connect Core §5.4).
std::string user_claims(const users::v1::User& user, std::string_view scope);
// The discovery document; its paths are those that the gateway serves.
std::string discovery_document(std::string_view issuer);
std::string userinfo_address(std::string_view issuer);

}  // namespace consilium::sessions

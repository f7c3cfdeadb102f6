// The calls of OpenID Connect: the issuer as others see it.
#include <boost/json.hpp>
#include <utility>

#include "base/digest.h"
#include "services/sessions/access_token.h"
#include "services/sessions/redeeming.h"
#include "services/sessions/service.h"
#include "services/sessions/service_callers.h"

namespace consilium::sessions {
namespace {

namespace json = boost::json;
using database::Transaction;
using runtime::Context;

Failure malformed(std::string_view detail) { return fail(ErrorKind::kMalformed, "request.malformed", detail); }

std::int64_t seconds_of(Timestamp time) { return time.microseconds / 1'000'000; }

// The way back to the application: `state` as it came, and the issuer, against mixing them up (RFC 9207).
v1::AuthorizeReply back_to(const ParameterList& asked, std::string_view issuer, ParameterList answer) {
  v1::AuthorizeReply reply;
  reply.redirect_uri = std::string(value_of(asked, "redirect_uri"));
  if (const std::string_view state = value_of(asked, "state"); !state.empty()) set_value(answer, "state", std::string(state));
  set_value(answer, "iss", std::string(issuer));
  reply.parameters = std::move(answer);
  return reply;
}

v1::AuthorizeReply refused(const ParameterList& asked, std::string_view issuer, const AuthorizationError& error) {
  ParameterList answer;
  set_value(answer, "error", std::string(error.error));
  set_value(answer, "error_description", std::string(error.description));
  return back_to(asked, issuer, std::move(answer));
}

// Tokens of applications open the endpoint that tells of the person, not the API.
TokenSettings for_applications(TokenSettings settings) {
  settings.audience = userinfo_address(settings.issuer);
  return settings;
}

struct Granted {
  SessionRecord session;
  Grant grant;
};

// Nothing where the token is not of this application.
Result<std::optional<Granted>> find_granted(Transaction& transaction, const std::string& token_hash, std::string_view client_id) {
  ASSIGN_OR_RETURN(const std::optional<RefreshToken> token, find_refresh(transaction, token_hash));
  if (!token) return std::nullopt;
  ASSIGN_OR_RETURN(const std::optional<Grant> grant, find_grant(transaction, token->session_id));
  if (!grant || grant->client_id != client_id) return std::nullopt;
  ASSIGN_OR_RETURN(const std::optional<SessionRecord> session, find_session(transaction, token->session_id));
  if (!session) return std::nullopt;
  return Granted{*session, *grant};
}

}  // namespace

Task<Result<v1::AuthorizeReply>> SessionsService::authorize(Context& context, v1::AuthorizeRequest request) {
  CO_TRY(require_service(context));
  const ParameterList& parameters = request.parameters;
  CO_ASSIGN_OR_RETURN(const ApplicationSettings* application, find_application(parameters, settings_.openid));
  CO_TRY(check_redirect(parameters, *application));
  const auto asked = read_authorization(parameters);
  if (!asked) co_return refused(parameters, settings_.token.issuer, asked.error());
  CO_ASSIGN_OR_RETURN(const std::optional<SessionRecord> session, co_await browser_session(context, request.session_id));
  std::optional<Timestamp> authenticated_at;
  if (session) authenticated_at = session->created_at;
  const LoginNeed need = login_need(*asked, authenticated_at, context.now());
  if (need == LoginNeed::kNone) {
    auto given = co_await give_code(context, *asked, session->id);
    if (!given) co_return fail(std::move(given).error());
    const bool is_code = !given->parameters.empty();
    if (is_code) co_return back_to(parameters, settings_.token.issuer, std::move(given->parameters));
    co_return refused(parameters, settings_.token.issuer, {"temporarily_unavailable", "Expected fewer logins at a time"});
  }
  if (asked->silent) co_return refused(parameters, settings_.token.issuer, {"login_required", "Expected a person who is logged in"});
  v1::AuthorizeReply reply;
  reply.login_again = need == LoginNeed::kAgain;
  reply.parameters = after_login(std::move(request.parameters), need, context.now());
  co_return reply;
}

Task<Result<std::optional<SessionRecord>>> SessionsService::browser_session(Context& context, std::optional<Uuid> session_id) {
  if (!session_id) co_return std::nullopt;
  auto session = co_await database_.read(context, [&](Transaction& transaction) { return find_session(transaction, *session_id); });
  if (!session || !*session) co_return session;
  const bool is_browser = (*session)->kind == v1::SessionKind::kCookie && check_alive(**session, settings_, context.now());
  if (!is_browser) co_return std::nullopt;
  co_return session;
}

// No parameters: the browser has too many codes that nobody has used.
Task<Result<v1::AuthorizeReply>> SessionsService::give_code(Context& context, const AuthorizationRequest& asked, Uuid session_id) {
  const Secret token = make_token(context.random());
  const Timestamp now = context.now();
  AuthorizationCode code;
  code.hash = token_hash(token);
  code.session_id = session_id;
  code.client_id = asked.client_id;
  code.redirect_uri = asked.redirect_uri;
  code.challenge = asked.challenge;
  code.nonce = asked.nonce;
  code.scope = asked.scope;
  code.expires_at = now + settings_.openid.code_lifetime;
  const auto work = [&](Transaction& transaction) -> Result<v1::AuthorizeReply> {
    v1::AuthorizeReply reply;
    ASSIGN_OR_RETURN(const std::int64_t open, count_open_codes(transaction, session_id, now));
    if (open >= settings_.openid.codes_at_a_time) return reply;
    TRY(insert_code(transaction, code));
    reply.parameters.push_back({"code", token});
    return reply;
  };
  auto reply = co_await database_.write(context, work);
  co_return reply;
}

Task<Result<v1::TokenReply>> SessionsService::issue_tokens(Context& context, v1::TokenRequest request) {
  CO_TRY(require_service(context));
  CO_TRY(check_no_repetition(request.parameters));
  CO_ASSIGN_OR_RETURN(std::string client_id, check_application(context, request));
  const std::string type(value_of(request.parameters, "grant_type"));
  if (type.empty()) co_return malformed("Expected a grant_type");
  if (type == "authorization_code") {
    auto reply = co_await exchange_code(context, std::move(client_id), std::move(request.parameters));
    co_return reply;
  }
  if (type == "refresh_token") {
    auto reply = co_await refresh_grant(context, std::move(client_id), std::move(request.parameters));
    co_return reply;
  }
  co_return fail(v1::errors::unsupported_grant_type("Expected authorization_code or refresh_token"));
}

Result<std::string> SessionsService::check_application(const Context& context, const v1::TokenRequest& request) {
  const std::string_view named = value_of(request.parameters, "client_id");
  if (request.client_id && !named.empty() && named != *request.client_id) return malformed("Expected one client_id");
  std::string id = request.client_id ? *request.client_id : std::string(named);
  const std::string attempts = "application " + id;
  TRY(limiter_.admit(attempts, context.remote_address, context.scheduler().steady_now()));
  const auto found = settings_.openid.applications.find(id);
  if (found == settings_.openid.applications.end() || !value_of(request.parameters, "client_secret").empty())
    return fail(v1::errors::invalid_client("Expected a registered application, and its secret, if any, in the Authorization header"));
  const std::string& expected = found->second.secret_sha256;
  const std::string given = request.client_secret ? sha256(request.client_secret->reveal()) : std::string();
  if (!equal_in_constant_time(given, expected)) return fail(v1::errors::invalid_client("Expected the secret of the application"));
  limiter_.succeeded(attempts, context.remote_address);
  return id;
}

Error SessionsService::refused_grant(const Context& context, std::string_view client_id) {
  auto admitted = limiter_.admit("grants of " + std::string(client_id), context.remote_address, context.scheduler().steady_now());
  if (!admitted) return std::move(admitted).error();
  return v1::errors::invalid_grant("Expected a code or refresh token that is good, of this application");
}

Task<Result<v1::TokenReply>> SessionsService::exchange_code(Context& context, std::string client_id, ParameterList parameters) {
  const Secret code{std::string(value_of(parameters, "code"))};
  Redeeming redeeming;
  redeeming.redirect_uri = value_of(parameters, "redirect_uri");
  redeeming.verifier = Secret(std::string(value_of(parameters, "code_verifier")));
  if (code.empty() || redeeming.redirect_uri.empty() || redeeming.verifier.empty())
    co_return malformed("Expected code, redirect_uri and code_verifier");
  redeeming.code_hash = token_hash(code);
  redeeming.client_id = client_id;
  auto browser = co_await database_.read(context, [&](Transaction& transaction) -> Result<std::optional<SessionRecord>> {
    ASSIGN_OR_RETURN(const std::optional<AuthorizationCode> known, find_code(transaction, redeeming.code_hash));
    if (!known) return std::nullopt;
    return find_session(transaction, known->session_id);
  });
  if (!browser) co_return fail(std::move(browser).error());
  if (!*browser) co_return fail(refused_grant(context, client_id));
  auto user = co_await active_user(context, (*browser)->user_id);
  if (!user && user.error().kind != ErrorKind::kUnauthenticated) co_return fail(std::move(user).error());
  if (!user) co_return fail(refused_grant(context, client_id));
  SessionRecord& session = redeeming.session;
  session.id = context.new_id();
  session.user_id = user->id;
  session.kind = v1::SessionKind::kApplication;
  session.created_at = context.now();
  session.last_used_at = session.created_at;
  session.expires_at = session.created_at + settings_.absolute;
  session.user_agent = settings_.openid.applications.at(client_id).name;
  session.remote_address = context.remote_address;
  redeeming.refresh_token = make_token(context.random());
  auto outcome =
      co_await database_.write(context, [&](Transaction& transaction) { return redeem_code(transaction, context, redeeming, settings_); });
  if (!outcome) co_return fail(std::move(outcome).error());
  if (!*outcome) co_return fail(refused_grant(context, client_id));
  v1::TokenReply reply = tokens_of(session, (*outcome)->grant, (*outcome)->nonce, session.created_at);
  reply.refresh_token = std::move(redeeming.refresh_token);
  co_return reply;
}

Task<Result<v1::TokenReply>> SessionsService::refresh_grant(Context& context, std::string client_id, ParameterList parameters) {
  const Secret token{std::string(value_of(parameters, "refresh_token"))};
  if (token.empty()) co_return malformed("Expected a refresh_token");
  const std::string hash = token_hash(token);
  auto granted = co_await database_.read(context, [&](Transaction& transaction) { return find_granted(transaction, hash, client_id); });
  if (!granted) co_return fail(std::move(granted).error());
  if (!*granted) co_return fail(refused_grant(context, client_id));
  Granted& seen = **granted;
  Result<void> usable = co_await require_alive(context, seen.session);
  if (usable) {
    auto user = co_await active_user(context, seen.session.user_id);
    if (!user) usable = fail(std::move(user).error());
  }
  if (!usable && usable.error().kind != ErrorKind::kUnauthenticated) co_return fail(std::move(usable).error());
  if (!usable) co_return fail(refused_grant(context, client_id));
  std::optional<std::string> scope = narrowed_scope(seen.grant.scope, value_of(parameters, "scope"));
  if (!scope) co_return fail(v1::errors::invalid_scope("Expected a part of the scope that was granted, with openid"));
  seen.grant.scope = std::move(*scope);
  v1::TokenReply reply = tokens_of(seen.session, seen.grant, {}, context.now());
  reply.refresh_token = make_token(context.random());
  auto given = co_await rotate(context, token, reply.refresh_token, encode_wire(reply));
  if (!given && given.error().kind != ErrorKind::kUnauthenticated) co_return fail(std::move(given).error());
  if (!given) co_return fail(refused_grant(context, client_id));
  co_return decode_wire<v1::TokenReply>(*given);
}

v1::TokenReply SessionsService::tokens_of(const SessionRecord& session, const Grant& grant, std::string_view nonce, Timestamp now) const {
  const Timestamp expiry = std::min(now + settings_.token.lifetime, session.expires_at);
  const AccessClaims access{session.user_id, session.id, now, expiry, grant.client_id, grant.scope};
  json::object identity{
      {"iss", settings_.token.issuer}, {"sub", session.user_id.text()}, {"aud", grant.client_id},
      {"iat", seconds_of(now)},        {"exp", seconds_of(expiry)},     {"auth_time", seconds_of(grant.authenticated_at)},
  };
  if (!nonce.empty()) identity["nonce"] = nonce;
  v1::TokenReply reply;
  reply.access_token = sign_access_token(access, keys_, for_applications(settings_.token), now);
  reply.id_token = Secret(sign_jwt(*keys_.signing_key(now), "JWT", json::serialize(identity)));
  reply.scope = grant.scope;
  reply.expires_in = static_cast<std::int32_t>((expiry - now).microseconds / 1'000'000);
  return reply;
}

Task<Result<v1::UserInfoReply>> SessionsService::get_user_info(Context& context, v1::UserInfoRequest request) {
  CO_TRY(require_service(context));
  CO_ASSIGN_OR_RETURN(const AccessClaims claims,
                      verify_access_token(request.access_token, keys_, for_applications(settings_.token), context.now()));
  auto session = co_await database_.read(context, [&](Transaction& transaction) { return find_session(transaction, claims.session_id); });
  if (!session) co_return fail(std::move(session).error());
  const bool is_of_application = *session && (*session)->kind == v1::SessionKind::kApplication && (*session)->user_id == claims.user_id;
  if (!is_of_application) co_return fail(v1::errors::invalid("Expected a token that was issued to an application"));
  CO_TRY(co_await require_alive(context, **session));
  CO_ASSIGN_OR_RETURN(const users::v1::User user, co_await active_user(context, claims.user_id));
  co_return v1::UserInfoReply{JsonText{user_claims(user, claims.scope)}};
}

Task<Result<v1::DiscoveryReply>> SessionsService::get_discovery(Context& context, v1::DiscoveryRequest) {
  CO_TRY(require_service(context));
  co_return v1::DiscoveryReply{JsonText{discovery_document(settings_.token.issuer)}};
}

}  // namespace consilium::sessions

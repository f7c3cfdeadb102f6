#include "gateway/authentication.h"

#include <algorithm>

#include "gateway/request_headers.h"

namespace consilium::gateway {
namespace {

constexpr std::string_view kSecureCookie = "__Host-session";
constexpr std::string_view kLoopbackCookie = "session";

bool from_trusted_proxy(const net::HttpRequest& request, const Settings& settings) {
  const auto peer = net::IpAddress::parse(request.remote_address);
  return peer && std::any_of(settings.trusted_proxies.begin(), settings.trusted_proxies.end(),
                             [&](const net::AddressRange& range) { return range.contains(*peer); });
}

}  // namespace

Transport transport_of(const net::HttpRequest& request, const Settings& settings) {
  Transport transport;
  const bool proxied = settings.behind_proxy && (settings.trusted_proxies.empty() || from_trusted_proxy(request, settings));
  transport.secure = request.tls || proxied;
  transport.own_origin = (transport.secure ? "https://" : "http://") + std::string(request.header("Host"));
  return transport;
}

std::string_view cookie_name(const Transport& transport) { return transport.secure ? kSecureCookie : kLoopbackCookie; }

net::SessionCookie session_cookie(const Transport& transport, std::string value) {
  return {std::string(cookie_name(transport)), std::move(value), transport.secure, std::nullopt};
}

net::SessionCookie no_session_cookie(const Transport& transport) {
  return {std::string(cookie_name(transport)), "", transport.secure, Duration{}};
}

bool is_allowed_origin(std::string_view origin, const Transport& transport, const Settings& settings) {
  if (origin == transport.own_origin) return true;
  return std::find(settings.allowed_origins.begin(), settings.allowed_origins.end(), origin) != settings.allowed_origins.end();
}

Result<void> check_origin(const net::HttpRequest& request, const Transport& transport, const Settings& settings) {
  if (is_allowed_origin(request.header("Origin"), transport, settings)) return {};
  return fail(ErrorKind::kForbidden, "request.foreign-origin", "Expected an Origin header that names this server");
}

Task<Result<Identified>> Authenticator::identify(runtime::Context& context, const net::HttpRequest& request, const Transport& transport) {
  sessions::v1::AuthenticateRequest question;
  Identified identified;
  if (const auto bearer = bearer_of(request.header("Authorization"))) {
    question.access_token = Secret(std::string(*bearer));
    identified.proof = Proof::kBearer;
  } else if (const auto cookie = net::find_cookie(request.header("Cookie"), cookie_name(transport)); cookie && !cookie->empty()) {
    question.cookie = Secret(std::string(*cookie));
    identified.proof = Proof::kCookie;
  } else {
    co_return fail(sessions::v1::errors::required("Expected a session cookie or a bearer token"));
  }
  runtime::Context own = context.as_service("gateway");
  auto answer = co_await sessions_.authenticate(own, std::move(question));
  if (!answer) {
    // Too long or oddly made proofs are as unknown as any other.
    if (answer.error().kind == ErrorKind::kValidation)
      co_return fail(sessions::v1::errors::invalid("Expected a cookie or token that was issued here"));
    co_return fail(std::move(answer).error());
  }
  identified.caller.kind = runtime::Caller::Kind::kUser;
  identified.caller.user_id = answer->user.id;
  identified.caller.session_id = answer->session_id;
  identified.caller.user_name = answer->user.username;
  identified.caller.roles = std::move(answer->roles);
  identified.caller.permissions = std::move(answer->user.permissions);
  identified.language = std::move(answer->user.language);
  identified.expires_at = answer->expires_at;
  co_return identified;
}

}  // namespace consilium::gateway

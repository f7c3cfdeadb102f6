#include "gateway/openid.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "gateway/key_set.h"
#include "gateway/openid_parameters.h"
#include "gateway/request_headers.h"
#include "net/percent_encoding.h"
#include "net/problem.h"

namespace consilium::gateway {
namespace {

namespace json = boost::json;
using net::HttpRequest;
using net::HttpResponse;
using runtime::Context;

constexpr std::string_view kAuthorize = "/oauth2/authorize";
constexpr std::string_view kToken = "/oauth2/token";
constexpr std::string_view kUserInfo = "/oauth2/userinfo";
constexpr std::string_view kKeySet = "/oauth2/jwks";
constexpr std::string_view kDiscovery = "/.well-known/openid-configuration";
constexpr std::string_view kDocumentAge = "public, max-age=600";

Error malformed(std::string_view detail) { return make_error(ErrorKind::kMalformed, "request.malformed", detail); }

HttpResponse json_response(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.set_header("Content-Type", "application/json");
  response.set_header("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

// 405, or what a browser asks before it calls from a foreign origin that may.
std::optional<HttpResponse> other_method(const HttpRequest& request, std::initializer_list<std::string_view> methods) {
  if (std::ranges::find(methods, request.method) != methods.end()) return std::nullopt;
  std::string allowed;
  for (const std::string_view method : methods) allowed += (allowed.empty() ? "" : ", ") + std::string(method);
  HttpResponse response;
  response.status = request.method == "OPTIONS" ? 204 : 405;
  response.set_header("Allow", allowed);
  if (request.method != "OPTIONS") return response;
  response.set_header("Access-Control-Allow-Methods", allowed);
  response.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type");
  response.set_header("Access-Control-Max-Age", "600");
  return response;
}

struct OAuthError {
  std::string_view error;
  int status;
};

// RFC 6749 §5.2; what it has no word for keeps its status.
OAuthError oauth_error_of(const Error& error) {
  if (error.code == "sessions.invalid-client") return {"invalid_client", 401};
  if (error.code == "sessions.invalid-grant") return {"invalid_grant", 400};
  if (error.code == "sessions.invalid-scope") return {"invalid_scope", 400};
  if (error.code == "sessions.unsupported-grant-type") return {"unsupported_grant_type", 400};
  if (error.kind == ErrorKind::kMalformed || error.kind == ErrorKind::kValidation) return {"invalid_request", 400};
  const int status = status_of(error.kind).http;
  if (error.kind == ErrorKind::kInternal) return {"server_error", status};
  return {"temporarily_unavailable", status};
}

HttpResponse oauth_response(const Error& error, std::string_view request_id) {
  const OAuthError told = oauth_error_of(error);
  json::object body{{"error", told.error}};
  if (error.kind != ErrorKind::kInternal && !error.detail.empty()) body["error_description"] = error.detail;
  // `Retry-After` as in every other answer.
  HttpResponse response = net::problem_response(told.status, error, request_id);
  response.set_header("Content-Type", "application/json");
  response.set_header("Cache-Control", "no-store");
  if (told.status == 401) response.set_header("WWW-Authenticate", "Basic realm=\"consilium\"");
  response.body = json::serialize(body);
  return response;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string error_page(std::string_view language, std::string_view title, std::string_view request_id) {
  return "<!doctype html>\n<html lang=\"" + escaped(language) +
         "\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Consilium</title>\n<main>\n<h1>" +
         escaped(title) + "</h1>\n<p><code>" + escaped(request_id) + "</code></p>\n</main>\n</html>\n";
}

}  // namespace

// Shared by the mounts.
class OpenId {
 public:
  explicit OpenId(OpenIdParts parts) : parts_(std::move(parts)), authenticator_(parts_.sessions) {}

  Task<HttpResponse> authorize(Context& context, const HttpRequest& request);
  Task<HttpResponse> token(Context& context, const HttpRequest& request);
  Task<HttpResponse> user_info(Context& context, const HttpRequest& request);
  Task<HttpResponse> discovery(Context& context, const HttpRequest& request);

 private:
  // Nothing when the browser has none that is good; errors are of the issuer.
  Task<Result<std::optional<Uuid>>> browser_session(Context& context, const HttpRequest& request);
  // For people: what may not be told to the application, because nobody knows that it is one.
  HttpResponse page(const Context& context, const HttpRequest& request, const Error& error) const;
  void note(const Context& context, const HttpRequest& request, std::string_view path, const Error& error) const;

  OpenIdParts parts_;
  Authenticator authenticator_;
};

void OpenId::note(const Context& context, const HttpRequest& request, std::string_view path, const Error& error) const {
  const bool is_foreign = error.code == "sessions.unknown-client" || error.code == "sessions.bad-redirect";
  if (is_foreign || Refusals::is_of_importance(error)) parts_.refusals.note(context, request.method + " " + std::string(path), error);
}

HttpResponse OpenId::page(const Context& context, const HttpRequest& request, const Error& error) const {
  note(context, request, kAuthorize, error);
  const std::string key = error.kind == ErrorKind::kInternal ? "error.internal" : error.message_key();
  std::string title = parts_.catalogue.render(context.language, key);
  if (title == key) title.clear();
  HttpResponse response = net::problem_response(error, context.request_id, title);
  response.set_header("Cache-Control", "no-store");
  if (request.header("Accept").find("text/html") == std::string_view::npos) return response;
  if (title.empty()) title = net::reason_phrase(response.status);
  response.set_header("Content-Type", "text/html; charset=utf-8");
  response.body = error_page(context.language, title, context.request_id);
  return response;
}

Task<Result<std::optional<Uuid>>> OpenId::browser_session(Context& context, const HttpRequest& request) {
  auto identified = co_await authenticator_.identify(context, request, transport_of(request, parts_.settings));
  if (!identified && identified.error().kind != ErrorKind::kUnauthenticated) co_return fail(std::move(identified).error());
  if (!identified || identified->proof != Proof::kCookie) co_return std::nullopt;
  co_return identified->caller.session_id;
}

Task<HttpResponse> OpenId::authorize(Context& context, const HttpRequest& request) {
  if (auto other = other_method(request, {"GET", "POST"})) co_return std::move(*other);
  const bool is_post = request.method == "POST";
  if (is_post && !is_form(request.header("Content-Type"))) co_return page(context, request, malformed("Expected a form"));
  auto parameters = read_form(is_post ? std::string_view(request.body) : request.query());
  if (!parameters) co_return page(context, request, parameters.error());
  auto session = co_await browser_session(context, request);
  if (!session) co_return page(context, request, session.error());
  Context own = context.as_service("gateway");
  sessions::v1::AuthorizeRequest asked{std::move(*parameters), *session};
  auto reply = co_await parts_.sessions.authorize(own, std::move(asked));
  if (!reply) co_return page(context, request, reply.error());
  HttpResponse response;
  response.status = 303;
  response.set_header("Cache-Control", "no-store");
  std::string place;
  if (reply->redirect_uri) {
    place = with_parameters(std::move(*reply->redirect_uri), reply->parameters);
  } else {
    place = "/login?next=" + net::percent_encode(std::string(kAuthorize) + "?" + form_of(reply->parameters));
    if (reply->login_again) place += "&again=1";
  }
  response.set_header("Location", place);
  co_return response;
}

Task<HttpResponse> OpenId::token(Context& context, const HttpRequest& request) {
  if (auto other = other_method(request, {"POST"})) co_return std::move(*other);
  const auto refuse = [&](const Error& error) {
    note(context, request, kToken, error);
    return oauth_response(error, context.request_id);
  };
  if (!is_form(request.header("Content-Type"))) co_return refuse(malformed("Expected a form"));
  auto parameters = read_form(request.body);
  if (!parameters) co_return refuse(parameters.error());
  sessions::v1::TokenRequest asked;
  asked.parameters = std::move(*parameters);
  if (const std::string_view authorization = request.header("Authorization"); !authorization.empty()) {
    auto credentials = read_basic(authorization);
    if (!credentials) co_return refuse(sessions::v1::errors::invalid_client("Expected Basic credentials that can be read"));
    asked.client_id = std::move(credentials->id);
    asked.client_secret = Secret(std::move(credentials->secret));
  }
  Context own = context.as_service("gateway");
  auto reply = co_await parts_.sessions.issue_tokens(own, std::move(asked));
  if (!reply) co_return refuse(reply.error());
  const json::object body{
      {"access_token", reply->access_token.reveal()},
      {"token_type", "Bearer"},
      {"expires_in", reply->expires_in},
      {"refresh_token", reply->refresh_token.reveal()},
      {"id_token", reply->id_token.reveal()},
      {"scope", reply->scope},
  };
  co_return json_response(200, json::serialize(body));
}

Task<HttpResponse> OpenId::user_info(Context& context, const HttpRequest& request) {
  if (auto other = other_method(request, {"GET", "HEAD", "POST"})) co_return std::move(*other);
  const auto bearer = bearer_of(request.header("Authorization"));
  if (!bearer) {
    HttpResponse response = net::problem_response(sessions::v1::errors::required("Expected a bearer token"), context.request_id);
    response.set_header("WWW-Authenticate", "Bearer realm=\"consilium\"");
    co_return response;
  }
  Context own = context.as_service("gateway");
  sessions::v1::UserInfoRequest asked{Secret(std::string(*bearer))};
  auto reply = co_await parts_.sessions.get_user_info(own, std::move(asked));
  if (reply) co_return json_response(200, std::move(reply->claims.text));
  Error error = std::move(reply).error();
  // Too long or oddly made tokens are as unknown as any other.
  if (error.kind == ErrorKind::kValidation) error = sessions::v1::errors::invalid("Expected a token that was issued here");
  note(context, request, kUserInfo, error);
  HttpResponse response = net::problem_response(error, context.request_id);
  if (error.kind == ErrorKind::kUnauthenticated)
    response.set_header("WWW-Authenticate", R"(Bearer realm="consilium", error="invalid_token")");
  co_return response;
}

Task<HttpResponse> OpenId::discovery(Context& context, const HttpRequest& request) {
  if (auto other = other_method(request, {"GET", "HEAD"})) co_return std::move(*other);
  Context own = context.as_service("gateway");
  auto reply = co_await parts_.sessions.get_discovery(own, sessions::v1::DiscoveryRequest());
  if (!reply) co_return net::problem_response(reply.error(), context.request_id);
  HttpResponse response = json_response(200, std::move(reply->document.text));
  response.set_header("Cache-Control", kDocumentAge);
  co_return response;
}

std::map<std::string, GatewayParts::Mount, std::less<>> openid_mounts(OpenIdParts parts) {
  using Handler = Task<HttpResponse> (OpenId::*)(Context&, const HttpRequest&);
  std::map<std::string, GatewayParts::Mount, std::less<>> mounts;
  mounts.emplace(kKeySet, key_set(parts.sessions));
  const auto openid = std::make_shared<OpenId>(std::move(parts));
  const auto add = [&](std::string_view path, Handler handler) {
    mounts.emplace(path,
                   [openid, handler](Context& context, const HttpRequest& request) { return ((*openid).*handler)(context, request); });
  };
  add(kAuthorize, &OpenId::authorize);
  add(kToken, &OpenId::token);
  add(kUserInfo, &OpenId::user_info);
  add(kDiscovery, &OpenId::discovery);
  return mounts;
}

}  // namespace consilium::gateway

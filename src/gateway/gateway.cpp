#include "gateway/gateway.h"

#include <algorithm>
#include <array>
#include <exception>

#include "base/utf8.h"
#include "embedded/api_reader.h"
#include "gateway/request_headers.h"
#include "net/entity_tag.h"
#include "net/language.h"
#include "net/percent_encoding.h"
#include "net/problem.h"
#include "net/route_binding.h"

namespace consilium::gateway {
namespace {

constexpr std::string_view kApi = "/api/v1";
constexpr std::string_view kEvents = "/api/v1/events";
constexpr int kSwitchingProtocols = 101;

bool is_unsafe(std::string_view method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

std::string new_traceparent(RandomSource& random) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<std::byte, 24> bytes;
  random.fill(bytes);
  std::string text = "00-";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 16) text += '-';
    text += kHex[std::to_integer<unsigned>(bytes[i] >> 4)];
    text += kHex[std::to_integer<unsigned>(bytes[i] & std::byte{15})];
  }
  return text + "-01";
}

net::HttpResponse json_response(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  if (status == 204) return response;
  response.set_header("Content-Type", "application/json");
  response.set_header("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

// What the generated routes say by themselves.
Result<void> takes_no_query(const net::RouteRequest& request) {
  net::RouteBinding binding(request);
  binding.only_query({});
  return binding.finish();
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace

Gateway::Gateway(GatewayParts parts, Settings settings)
    : router_(std::move(parts.routes)),
      authenticator_(parts.sessions),
      pages_(parts.pages),
      parts_(std::move(parts)),
      settings_(std::move(settings)) {
  pages_.add(embedded::api_reader());
}

Gateway::Visit Gateway::visit_of(runtime::Scheduler& loop, const net::HttpRequest& request) const {
  Visit visit{runtime::Context(loop, parts_.random), transport_of(request, settings_), request.method, request.body.size()};
  runtime::Context& context = visit.context;
  context.client = runtime::ClientType::kRest;
  const std::string_view id = request.header("X-Request-Id");
  context.request_id = is_request_id(id) ? std::string(id) : context.new_id().text();
  const std::string_view trace = request.header("traceparent");
  context.traceparent = is_traceparent(trace) ? std::string(trace) : new_traceparent(parts_.random);
  context.remote_address = net::client_address(request.remote_address, request.headers, settings_.trusted_proxies);
  context.language = net::choose_language(request.header("Accept-Language"), parts_.languages);
  context.deadline = loop.steady_now() + settings_.call_timeout;
  context.cancellation = request.cancellation;
  return visit;
}

Task<net::HttpResponse> Gateway::handle(runtime::Scheduler& loop, net::HttpRequest request) {
  const Timestamp began = loop.steady_now();
  Visit visit = visit_of(loop, request);
  std::optional<net::HttpResponse> response;
  try {
    response = co_await answer(visit, request);
  } catch (...) {
    runtime::report_current_exception("http");
  }
  if (!response) response = problem(visit, internal_error(""));
  add_headers(visit, request, *response);
  record(visit, {response->status, response->body.size()}, began);
  co_return std::move(*response);
}

Task<net::HttpResponse> Gateway::answer(Visit& visit, net::HttpRequest& request) {
  const std::string path(request.path());
  if (!path.starts_with('/')) co_return problem(visit, make_error(ErrorKind::kMalformed, "request.malformed", "Expected a path"));
  if (const auto document = parts_.documents.find(path); document != parts_.documents.end()) {
    visit.route = document->first;
    co_return json_response(200, document->second);
  }
  if (const auto mount = parts_.mounts.find(path); mount != parts_.mounts.end()) {
    visit.route = mount->first;
    auto response = co_await mount->second(visit.context, request);
    co_return response;
  }
  if (path == kApi || path.starts_with(std::string(kApi) + "/")) {
    auto response = co_await answer_api(visit, request);
    co_return response;
  }
  if (path.starts_with("/api/") && !pages_.has(path)) {
    co_return problem(visit,
                      make_error(ErrorKind::kNotFound, "request.unknown-version", "Expected a version of the API that exists: /api/v1"));
  }
  visit.route = "page";
  co_return pages_.get(request);
}

Task<net::HttpResponse> Gateway::answer_api(Visit& visit, net::HttpRequest& request) {
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  Router::Match match = router_.find(method, request.path().substr(kApi.size()));
  if (!match.route && match.allowed.empty()) {
    if (request.path() == kEvents)
      co_return problem(visit, 426, make_error(ErrorKind::kMalformed, "request.upgrade-required", "Expected a WebSocket upgrade"));
    co_return problem(visit,
                      make_error(ErrorKind::kNotFound, "request.unknown-path", "Expected a path of the API; see /api/v1/openapi.json"));
  }
  if (method == "OPTIONS") co_return preflight(visit, request, match);
  if (!match.route) {
    net::HttpResponse response = problem(
        visit, 405, make_error(ErrorKind::kMalformed, "request.method-not-allowed", "Expected one of the methods that the path has"));
    response.set_header("Allow", joined(match.allowed));
    co_return response;
  }
  visit.route = match.route->path;
  auto admitted = co_await admit(visit, request, *match.route);
  if (!admitted) co_return problem(visit, admitted.error());
  if (!request.body.empty() && !is_json_type(request.header("Content-Type"))) {
    co_return problem(visit, 415,
                      make_error(ErrorKind::kMalformed, "request.unsupported-media-type", "Expected Content-Type: application/json"));
  }
  if (auto read = read_conditions(visit, request, *match.route); !read) co_return problem(visit, read.error());
  auto response = co_await call(visit, request, *match.route, std::move(match.values));
  co_return response;
}

// Authentication, origin and permission, in this order: who may not know of a route learns nothing of its body's rules.
Task<Result<void>> Gateway::admit(Visit& visit, const net::HttpRequest& request, const net::Route& route) {
  if (route.permission == "public") {
    // A browser that sends an Origin must not be made to log in by a foreign page.
    const bool from_page = is_unsafe(request.method) && !request.header("Origin").empty();
    if (from_page) CO_TRY(check_origin(request, visit.transport, settings_));
    co_return Result<void>();
  }
  auto identified = co_await authenticator_.identify(visit.context, request, visit.transport);
  if (!identified) co_return fail(std::move(identified).error());
  visit.context.caller = std::move(identified->caller);
  if (identified->proof == Proof::kCookie && is_unsafe(request.method)) {
    CO_TRY(check_origin(request, visit.transport, settings_));
    if (!request.body.empty() && !is_json_type(request.header("Content-Type"))) {
      co_return fail(ErrorKind::kForbidden, "request.foreign-origin", "Expected Content-Type: application/json");
    }
  }
  if (request.header("Accept-Language").empty() && !identified->language.empty()) visit.context.language = identified->language;
  const bool allowed = route.permission == "session" || visit.context.caller.may(route.permission);
  if (!allowed) {
    parts_.log.warn(visit.context, "Call refused", {{"call", route.call}, {"permission", route.permission}});
    co_return fail(ErrorKind::kForbidden, "request.forbidden", "Expected a caller with the permission " + std::string(route.permission));
  }
  co_return Result<void>();
}

Result<void> Gateway::read_conditions(Visit& visit, const net::HttpRequest& request, const net::Route& route) const {
  if (route.creates) visit.context.idempotency_key = std::string(request.header("Idempotency-Key"));
  ASSIGN_OR_RETURN(visit.context.expected_version, net::parse_if_match(request.header("If-Match")));
  if (route.needs_version && !visit.context.expected_version) {
    return fail(ErrorKind::kPreconditionRequired, "request.precondition-required",
                "Expected If-Match with the version that the caller saw");
  }
  return {};
}

Task<net::HttpResponse> Gateway::call(Visit& visit, net::HttpRequest& request, const net::Route& route, PathValues values) {
  auto query = net::parse_query(request.query());
  if (!query) co_return problem(visit, make_error(ErrorKind::kMalformed, "request.malformed", "Expected a query that can be read"));
  net::RouteRequest message{std::move(values), std::move(*query), {}};
  const bool logs_in = route.service == "sessions" && route.call == "Login";
  const bool refreshes = route.service == "sessions" && route.call == "Refresh";
  if (logs_in || refreshes) {
    if (auto fits = takes_no_query(message); !fits) co_return problem(visit, fits.error());
    auto answering = logs_in ? log_in(visit, request) : refresh(visit, request);
    auto response = co_await std::move(answering);
    co_return response;
  }
  message.body = std::move(request.body);
  auto reply = co_await route.handle(visit.context, std::move(message));
  if (!reply) co_return problem(visit, reply.error());
  net::HttpResponse response = json_response(reply->status, std::move(reply->body));
  if (!reply->location.empty()) response.set_header("Location", std::string(kApi) + reply->location);
  if (reply->version) response.set_header("ETag", net::format_entity_tag(*reply->version));
  if (route.service == "sessions" && route.call == "EndCurrent")
    response.set_header("Set-Cookie", net::format_set_cookie(no_session_cookie(visit.transport)));
  co_return response;
}

// The cookie's value never stands in a body: it leaves in Set-Cookie alone, which no script can read.
Task<net::HttpResponse> Gateway::log_in(Visit& visit, const net::HttpRequest& request) {
  auto message = decode_json<sessions::v1::LoginRequest>(request.body.empty() ? "{}" : request.body, UnknownMembers::kRefuse);
  if (!message) co_return problem(visit, message.error());
  const bool bearer = request.header("Accept-Session") == "bearer";
  message->kind = bearer ? sessions::v1::SessionKind::kBearer : sessions::v1::SessionKind::kCookie;
  message->user_agent = std::string(request.header("User-Agent").substr(0, 300));
  if (!is_valid_utf8(*message->user_agent)) message->user_agent.reset();
  auto reply = co_await parts_.sessions.login(visit.context, std::move(*message));
  if (!reply) co_return problem(visit, reply.error());
  std::optional<Secret> cookie = std::exchange(reply->cookie, std::nullopt);
  net::HttpResponse response = json_response(201, encode_json(*reply));
  response.set_header("Location", std::string(kApi) + "/sessions/current");
  if (cookie) response.set_header("Set-Cookie", net::format_set_cookie(session_cookie(visit.transport, cookie->reveal())));
  co_return response;
}

Task<net::HttpResponse> Gateway::refresh(Visit& visit, const net::HttpRequest& request) {
  auto message = decode_json<sessions::v1::RefreshRequest>(request.body.empty() ? "{}" : request.body, UnknownMembers::kRefuse);
  if (!message) co_return problem(visit, message.error());
  auto reply = co_await parts_.sessions.refresh(visit.context, std::move(*message));
  if (!reply) co_return problem(visit, reply.error());
  reply->cookie.reset();
  co_return json_response(200, encode_json(*reply));
}

net::HttpResponse Gateway::preflight(const Visit& visit, const net::HttpRequest& request, const Router::Match& match) const {
  net::HttpResponse response;
  response.status = 204;
  response.set_header("Allow", joined(match.allowed));
  if (!is_allowed_origin(request.header("Origin"), visit.transport, settings_)) return response;
  response.set_header("Access-Control-Allow-Methods", joined(match.allowed));
  response.set_header("Access-Control-Allow-Headers",
                      "Authorization, Content-Type, Idempotency-Key, If-Match, Accept-Language, X-Request-Id");
  response.set_header("Access-Control-Max-Age", "600");
  return response;
}

Task<net::UpgradeAnswer> Gateway::upgrade(runtime::Scheduler& loop, net::HttpRequest request) {
  const Timestamp began = loop.steady_now();
  Visit visit = visit_of(loop, request);
  visit.context.client = runtime::ClientType::kWebSocket;
  std::optional<Result<net::UpgradeAccepted>> accepted;
  try {
    accepted = co_await accept(visit, request);
  } catch (...) {
    runtime::report_current_exception("http");
  }
  if (accepted && *accepted) {
    record(visit, {kSwitchingProtocols, 0}, began);
    co_return net::UpgradeAnswer(std::move(**accepted));
  }
  net::HttpResponse refusal = problem(visit, accepted ? accepted->error() : internal_error(""));
  add_headers(visit, request, refusal);
  record(visit, {refusal.status, refusal.body.size()}, began);
  co_return std::unexpected(std::move(refusal));
}

Task<Result<net::UpgradeAccepted>> Gateway::accept(Visit& visit, const net::HttpRequest& request) {
  if (request.path() != kEvents) co_return fail(ErrorKind::kNotFound, "request.unknown-path", "Expected /api/v1/events");
  visit.route = "/events";
  CO_ASSIGN_OR_RETURN(auto identified, co_await authenticator_.identify(visit.context, request, visit.transport));
  if (identified.proof == Proof::kCookie) CO_TRY(check_origin(request, visit.transport, settings_));
  visit.context.caller = std::move(identified.caller);
  visit.context.deadline.reset();
  visit.context.cancellation.reset();
  CO_ASSIGN_OR_RETURN(const auto after, parse_after(request.query()));
  CO_ASSIGN_OR_RETURN(auto listener, parts_.hub.admit(visit.context, after));
  net::UpgradeAccepted accepted{std::move(listener), std::string(kSubProtocol)};
  co_return accepted;
}

std::string Gateway::title_of(const Visit& visit, const Error& error) const {
  const std::string key = error.kind == ErrorKind::kInternal ? "error.internal" : error.message_key();
  std::string title = parts_.catalogue.render(visit.context.language, key);
  return title == key ? std::string() : title;
}

net::HttpResponse Gateway::problem(const Visit& visit, const Error& error) const {
  return problem(visit, status_of(error.kind).http, error);
}

net::HttpResponse Gateway::problem(const Visit& visit, int status, const Error& error) const {
  if (Refusals::is_of_importance(error)) parts_.refusals.note(visit.context, visit.method + " " + std::string(visit.route), error);
  if (error.kind == ErrorKind::kInternal) parts_.log.error(visit.context, "Call failed", {{"error", error}});
  return net::problem_response(status, error, visit.context.request_id, title_of(visit, error));
}

void Gateway::add_headers(const Visit& visit, const net::HttpRequest& request, net::HttpResponse& response) const {
  response.set_header("X-Request-Id", visit.context.request_id);
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Referrer-Policy", "same-origin");
  response.set_header("Cross-Origin-Opener-Policy", "same-origin");
  response.set_header("Permissions-Policy", "camera=(self), microphone=(self), geolocation=()");
  response.set_header("Content-Security-Policy",
                      "default-src 'self'; img-src 'self' data: https:; style-src 'self'; script-src 'self'; connect-src 'self'; "
                      "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
                      "object-src 'none'");
  if (visit.transport.secure)
    response.set_header("Strict-Transport-Security",
                        "max-age=" + std::to_string(settings_.hsts.microseconds / 1'000'000) + "; includeSubDomains");
  const std::string_view origin = request.header("Origin");
  if (origin.empty() || origin == visit.transport.own_origin || !is_allowed_origin(origin, visit.transport, settings_)) return;
  response.set_header("Access-Control-Allow-Origin", origin);
  response.set_header("Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id");
  response.set_header("Vary", "Origin");
}

// One access record a request, whatever its end; of bodies their size alone.
void Gateway::record(const Visit& visit, Outcome outcome, Timestamp began) const {
  const Duration took = visit.context.scheduler().steady_now() - began;
  parts_.log.info(visit.context, "Request answered",
                  {{"method", visit.method},
                   {"route", visit.route},
                   {"status", outcome.status},
                   {"took", took},
                   {"received", visit.received},
                   {"sent", outcome.sent},
                   {"peer", visit.context.remote_address},
                   {"trace", visit.context.traceparent}});
  if (parts_.observe) parts_.observe({visit.method, visit.route, outcome.status, took});
}

}  // namespace consilium::gateway

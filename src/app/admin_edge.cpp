#include "app/admin_edge.h"

#include <boost/json.hpp>

#include "app/backup.h"
#include "app/case_story.h"
#include "app/people.h"
#include "base/cursor.h"
#include "consilium/events/v1/dead_letters_codec.h"
#include "consilium/processes/v1/processes_routes.h"
#include "consilium/sessions/v1/sessions_codec.h"
#include "net/percent_encoding.h"

namespace consilium::app {
namespace {

namespace json = boost::json;

std::optional<std::string> cursor_of(std::string_view query) {
  constexpr std::string_view kCursor = "cursor=";
  if (!query.starts_with(kCursor)) return std::nullopt;
  return std::string(query.substr(kCursor.size()));
}

Error malformed(std::string_view detail) { return make_error(ErrorKind::kMalformed, "request.malformed", detail); }

Result<std::string> text_member(std::string_view body, std::string_view name) {
  boost::system::error_code broken;
  const json::value value = json::parse(body, broken);
  if (broken || !value.is_object()) return fail(malformed("Expected a JSON object"));
  const json::value* member = value.as_object().if_contains(name);
  if (member == nullptr || !member->is_string()) return fail(malformed("Expected the text member " + std::string(name)));
  return std::string(member->as_string());
}

json::object person_object(const users::v1::User& user) {
  json::object person;
  person["id"] = user.id.text();
  person["username"] = user.username;
  person["type"] = users::v1::text_of(user.type);
  person["status"] = users::v1::text_of(user.status);
  person["groups"] = json::value_from(user.groups);
  person["createdAt"] = format_rfc3339(user.created_at);
  return person;
}

void add_link(json::object& person, std::string_view base_url, const OneTimeLink& link) {
  person["link"] = password_url(base_url, link.token);
  person["expiresAt"] = format_rfc3339(link.expires_at);
}

bool shows_texts(const net::HttpRequest& request) { return request.query() == "texts=true"; }

bool must_be_recorded(const net::HttpRequest& request) { return request.method != "GET" || shows_texts(request); }

// The login name, file, service or id that the body names; of a case its path says it.
database::Value subject_of(const net::HttpRequest& request) {
  for (const std::string_view name : {"username", "file", "service", "id", "processId"}) {
    if (auto subject = text_member(request.body, name)) return std::move(*subject);
  }
  return database::Null{};
}

net::HttpResponse failure_response(const Error& error) {
  json::object body;
  body["code"] = error.code;
  body["detail"] = error.detail;
  json::array fields;
  for (const FieldError& field : error.fields) fields.push_back({{"name", field.name}, {"code", field.code}, {"message", field.message}});
  body["fields"] = std::move(fields);
  net::HttpResponse response;
  response.status = status_of(error.kind).http;
  response.body = json::serialize(body);
  return response;
}

}  // namespace

AdminEdge::AdminEdge(AdminParts parts)
    : parts_(std::move(parts)),
      logger_(parts_.log, "platform", "admin"),
      database_(parts_.store.service(kService)),
      processes_(processes::v1::routes(parts_.platform.processes())) {}

Task<net::HttpResponse> AdminEdge::handle(runtime::Scheduler& loop, net::HttpRequest request) {
  runtime::Context context(loop, parts_.random);
  context.client = runtime::ClientType::kCommandLine;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "operator";
  Answer answered;
  if (must_be_recorded(request)) {
    answered = co_await recorded(context, request);
  } else {
    answered = co_await answer(context, request);
  }
  net::HttpResponse response;
  if (answered) {
    logger_.info(context, "Administered", {{"method", request.method}, {"path", request.path()}});
    response.body = std::move(*answered);
  } else {
    logger_.warn(context, "Administration refused", {{"method", request.method}, {"path", request.path()}, {"error", answered.error()}});
    response = failure_response(answered.error());
  }
  response.set_header("Content-Type", "application/json");
  co_return response;
}

Task<net::UpgradeAnswer> AdminEdge::upgrade(runtime::Scheduler&, net::HttpRequest) {
  net::HttpResponse response;
  response.status = 404;
  net::UpgradeAnswer refused = std::unexpected(std::move(response));
  co_return refused;
}

// What cannot be recorded is not shown. Changes are made all the same: a full disk must keep nobody from a backup.
Task<AdminEdge::Answer> AdminEdge::recorded(runtime::Context& context, const net::HttpRequest& request) {
  const std::string call = request.method + " " + std::string(request.path());
  const database::AuditEntry audit = database::audit_entry(context, call, subject_of(request), "asked");
  const auto ask = [&](database::Transaction& transaction) { return audit_.insert(transaction, audit); };
  const auto asked = co_await database_.write(context, ask);
  if (!asked && request.method == "GET") co_return fail(asked.error());
  auto answered = co_await answer(context, request);
  const std::string outcome = answered ? "done" : answered.error().code;
  const auto finish = [&](database::Transaction& transaction) { return audit_.finish(transaction, audit.id, outcome); };
  const auto finished = co_await database_.write(context, finish);
  if (!asked || !finished) logger_.error(context, "An administrative call is not on record", {{"call", call}, {"outcome", outcome}});
  co_return answered;
}

Task<AdminEdge::Answer> AdminEdge::answer(runtime::Context& context, const net::HttpRequest& request) {
  constexpr std::string_view kPeople = "/people/";
  constexpr std::string_view kCases = "/cases/";
  constexpr std::string_view kProcesses = "/processes/";
  const std::string path(request.path());
  Answer out = fail(ErrorKind::kNotFound, "request.not-found", "Expected a call that the administration has");
  if (request.method == "GET" && path == "/people") out = co_await list_people(context, request.query());
  if (request.method == "GET" && path == "/health") out = parts_.health.ready_json();
  if (request.method == "GET" && path == "/refusals") out = co_await list_refusals(context, request.query());
  if (request.method == "GET" && path == "/dead-letters") out = co_await list_dead_letters(context, request.query());
  if (request.method == "POST" && path == "/dead-letters/replay") out = co_await replay(context, request.body);
  if (request.method == "POST" && path.starts_with(kPeople)) {
    const std::string what = path.substr(kPeople.size());
    const bool changes = what == "lock" || what == "unlock" || what == "reset";
    if (changes) co_return co_await change(context, what, request.body);
    co_return co_await add(context, what, request.body);
  }
  if (request.method == "PUT" && path == "/log") out = set_level(request.body);
  if (request.method == "POST" && path == "/backup") out = co_await back_up(context, request.body);
  if (request.method == "POST" && path == "/verify") out = co_await verify(context);
  if (request.method == "GET" && path.starts_with(kCases)) {
    const CaseTexts texts = shows_texts(request) ? CaseTexts::kShown : CaseTexts::kMasked;
    out = co_await case_story(parts_.platform, context, path.substr(kCases.size()), texts);
  }
  if (path.starts_with(kProcesses)) out = co_await ask_processes(context, request);
  co_return out;
}

Task<AdminEdge::Answer> AdminEdge::ask_processes(runtime::Context& context, const net::HttpRequest& request) {
  gateway::Router::Match match = processes_.find(request.method, request.path());
  if (!match.route) co_return fail(ErrorKind::kNotFound, "request.not-found", "Expected a call that the administration has");
  auto query = net::parse_query(request.query());
  if (!query) co_return fail(malformed("Expected a query that can be read"));
  net::RouteRequest message{std::move(match.values), std::move(*query), request.body};
  auto reply = co_await match.route->handle(context, std::move(message));
  if (!reply) co_return fail(std::move(reply).error());
  co_return reply->body.empty() ? "{}" : std::move(reply->body);
}

Task<AdminEdge::Answer> AdminEdge::list_refusals(runtime::Context& context, std::string_view query) {
  sessions::v1::ListRefusalsRequest request;
  request.limit = kMaxPageSize;
  request.cursor = cursor_of(query);
  auto page = co_await parts_.platform.sessions().list_refusals(context, std::move(request));
  if (!page) co_return fail(std::move(page).error());
  co_return encode_json(*page);
}

Task<AdminEdge::Answer> AdminEdge::list_dead_letters(runtime::Context& context, std::string_view query) {
  events::v1::ListDeadLettersRequest request;
  request.limit = kMaxPageSize;
  request.cursor = cursor_of(query);
  CO_ASSIGN_OR_RETURN(const auto page, co_await parts_.platform.dead_letters().list_dead_letters(context, std::move(request)));
  co_return encode_json(page);
}

Task<AdminEdge::Answer> AdminEdge::replay(runtime::Context& context, std::string body) {
  CO_ASSIGN_OR_RETURN(auto request, decode_json<events::v1::ReplayDeadLetterRequest>(body, UnknownMembers::kRefuse));
  CO_ASSIGN_OR_RETURN(const auto replayed, co_await parts_.platform.dead_letters().replay_dead_letter(context, std::move(request)));
  co_return encode_json(replayed);
}

Task<AdminEdge::Answer> AdminEdge::list_people(runtime::Context& context, std::string_view query) {
  users::v1::ListUsersRequest request;
  request.limit = kMaxPageSize;
  request.cursor = cursor_of(query);
  CO_ASSIGN_OR_RETURN(const users::v1::ListUsersReply page, co_await parts_.platform.users().list_users(context, std::move(request)));
  json::array items;
  for (const users::v1::User& user : page.items) items.push_back(person_object(user));
  json::object reply;
  reply["items"] = std::move(items);
  if (page.next_cursor) reply["nextCursor"] = *page.next_cursor;
  co_return json::serialize(reply);
}

Task<Result<users::v1::User>> AdminEdge::create(runtime::Context& context, std::string kind, std::string body) {
  users::v1::Users& users = parts_.platform.users();
  Result<users::v1::User> made = fail(ErrorKind::kNotFound, "request.not-found", "Expected client, consultant, expert or staff");
  if (kind == "client") {
    CO_ASSIGN_OR_RETURN(auto request, decode_json<users::v1::CreateClientRequest>(body, UnknownMembers::kRefuse));
    made = co_await users.create_client(context, std::move(request));
  } else if (kind == "consultant") {
    CO_ASSIGN_OR_RETURN(auto request, decode_json<users::v1::CreateConsultantRequest>(body, UnknownMembers::kRefuse));
    made = co_await users.create_consultant(context, std::move(request));
  } else if (kind == "expert") {
    CO_ASSIGN_OR_RETURN(auto request, decode_json<users::v1::CreateExpertRequest>(body, UnknownMembers::kRefuse));
    made = co_await users.create_expert(context, std::move(request));
  } else if (kind == "staff") {
    CO_ASSIGN_OR_RETURN(auto request, decode_json<users::v1::CreateStaffRequest>(body, UnknownMembers::kRefuse));
    made = co_await users.create_staff(context, std::move(request));
  }
  co_return made;
}

Task<AdminEdge::Answer> AdminEdge::add(runtime::Context& context, std::string kind, std::string body) {
  CO_ASSIGN_OR_RETURN(const users::v1::User draft, co_await create(context, std::move(kind), std::move(body)));
  CO_ASSIGN_OR_RETURN(users::v1::User user, co_await wait_until_active(parts_.platform, context, draft.username));
  json::object person = person_object(user);
  CO_ASSIGN_OR_RETURN(const OneTimeLink link, co_await make_link(parts_.platform, context, std::move(user)));
  add_link(person, parts_.base_url, link);
  co_return json::serialize(person);
}

Task<AdminEdge::Answer> AdminEdge::change(runtime::Context& context, std::string action, std::string body) {
  CO_ASSIGN_OR_RETURN(std::string username, text_member(body, "username"));
  CO_ASSIGN_OR_RETURN(users::v1::User user, co_await find_person(parts_.platform, context, std::move(username)));
  if (action == "reset") {
    json::object person = person_object(user);
    CO_ASSIGN_OR_RETURN(const OneTimeLink link, co_await make_link(parts_.platform, context, std::move(user)));
    add_link(person, parts_.base_url, link);
    co_return json::serialize(person);
  }
  users::v1::ChangeStatusRequest request;
  request.id = user.id;
  Result<users::v1::User> changed = fail(internal_error("Expected lock or unlock"));
  if (action == "lock") changed = co_await parts_.platform.users().lock_user(context, request);
  if (action == "unlock") changed = co_await parts_.platform.users().unlock_user(context, request);
  if (!changed) co_return fail(std::move(changed).error());
  co_return json::serialize(person_object(*changed));
}

AdminEdge::Answer AdminEdge::set_level(std::string_view body) {
  ASSIGN_OR_RETURN(const std::string service, text_member(body, "service"));
  ASSIGN_OR_RETURN(const std::string name, text_member(body, "level"));
  if (name == "default") {
    parts_.log.reset_level(service);
    return std::string("{}");
  }
  const auto level = runtime::parse_log_level(name);
  if (!level) return fail(ErrorKind::kValidation, "log.unknown-level", "Expected trace, debug, info, warn, error, fatal, off or default");
  parts_.log.set_level(service, *level);
  return std::string("{}");
}

Task<AdminEdge::Answer> AdminEdge::back_up(runtime::Context& context, std::string body) {
  CO_ASSIGN_OR_RETURN(const std::string file, text_member(body, "file"));
  const Timestamp began = context.scheduler().steady_now();
  auto written = co_await parts_.pool.run(context, [this, &file] { return write_backup(parts_.store, parts_.folder.keys(), file); });
  if (!written) co_return fail(std::move(written).error());
  json::object reply;
  reply["file"] = file;
  reply["bytes"] = *written;
  reply["seconds"] = (context.scheduler().steady_now() - began).seconds();
  co_return json::serialize(reply);
}

Task<AdminEdge::Answer> AdminEdge::verify(runtime::Context& context) {
  auto findings = co_await parts_.pool.run(context, [this] { return parts_.store.verify(); });
  if (!findings) co_return fail(std::move(findings).error());
  json::object reply;
  reply["findings"] = json::value_from(*findings);
  co_return json::serialize(reply);
}

}  // namespace consilium::app

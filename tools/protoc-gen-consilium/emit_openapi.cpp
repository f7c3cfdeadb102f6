#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "emit.h"
#include "names.h"
#include "schema.h"

namespace consilium::generator {
namespace {

constexpr const char* kProblemType = "application/problem+json";

// Errors of a call by their HTTP status.
using ErrorsByStatus = std::map<int, std::vector<std::string>>;

bool is_edge_or_cleared(const Field& field) { return field.rules.edge() || field.rules.cleared(); }

json::object problem_schema() {
  const json::object text{{"type", "string"}};
  json::object field_problem{
      {"type", "object"},
      {"properties", json::object{{"name", json::object{{"type", "string"}, {"description", "Path of the member as it was sent."}}},
                                  {"code", json::object{{"type", "string"}, {"description", "`required`, `too-long`, `unknown-member` …"}}},
                                  {"message", text}}},
      {"required", json::array{"name", "code", "message"}}};
  return {{"type", "object"},
          {"description", "RFC 9457. `code` is stable: branch on it. `title` follows Accept-Language."},
          {"properties", json::object{{"type", text},
                                      {"title", text},
                                      {"status", json::object{{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
                                      {"code", json::object{{"type", "string"}, {"pattern", "^[a-z-]+(\\.[a-z0-9-]+)?$"}}},
                                      {"requestId", text},
                                      {"detail", text},
                                      {"fields", json::object{{"type", "array"}, {"items", std::move(field_problem)}}},
                                      {"retryAfter", json::object{{"type", "integer"}, {"minimum", 0}, {"description", "Seconds."}}}}},
          {"required", json::array{"type", "title", "status", "code", "requestId"}}};
}

json::object parameter(std::string_view place, std::string_view name, bool required, json::object schema) {
  json::object out{{"name", name}, {"in", place}};
  if (required) out["required"] = true;
  if (const auto* description = schema.if_contains("description")) {
    out["description"] = *description;
    schema.erase("description");
  }
  out["schema"] = std::move(schema);
  return out;
}

json::array parameters_of(const Call& call) {
  json::array out;
  for (const PathMember& member : call.route->members) out.push_back(parameter("path", member.name, true, schema_of(*member.field)));
  if (!call.route->has_body) {
    for (const Field& field : call.request->fields) {
      if (is_payload_member(call, field)) out.push_back(parameter("query", field.json_name, field.required(), schema_of(field)));
    }
  }
  if (call.rules.creates()) out.push_back(json::object{{"$ref", "#/components/parameters/IdempotencyKey"}});
  if (call.rules.needs_version()) out.push_back(json::object{{"$ref", "#/components/parameters/IfMatch"}});
  return out;
}

// A message that replies hold, too, stands open in the components, as clients skip what they do not know. In a request it is closed, as
// requests with unknown members are refused.
void close_messages(const PublicApi& api, const Message& message, const FieldFilter& shown, json::object& schema,
                    std::vector<const Message*> around = {}) {
  around.push_back(&message);
  for (const Field& field : message.fields) {
    if (!shown(field) || field.type != Type::kMessage || field.shape == Shape::kList || field.shape == Shape::kMap) continue;
    const bool holds_itself = std::find(around.begin(), around.end(), field.message) != around.end();
    if (holds_itself || !api.received.contains(field.message)) continue;
    const auto is_mandatory = [&](const Message& inner, const Field& member) { return api.is_mandatory(inner, member); };
    const FieldFilter inner_shown = [](const Field& member) { return !is_edge_or_cleared(member); };
    json::object closed = schema_of(*field.message, {is_mandatory, inner_shown, true});
    close_messages(api, *field.message, inner_shown, closed, around);
    schema["properties"].as_object()[field.json_name] = std::move(closed);
  }
}

json::value body_of(const PublicApi& api, const Call& call) {
  const FieldFilter shown = [&](const Field& field) { return is_payload_member(call, field); };
  const auto is_mandatory = [&](const Message& message, const Field& field) { return api.is_mandatory(message, field); };
  const bool takes_null =
      std::any_of(call.request->fields.begin(), call.request->fields.end(), [](const Field& field) { return field.rules.cleared(); });
  json::object schema = schema_of(*call.request, {is_mandatory, shown, true, takes_null});
  if (!takes_null) close_messages(api, *call.request, shown, schema);
  json::object content{{"schema", std::move(schema)}, {"example", example_of(*call.request, shown)}};
  json::object out{{"content", json::object{{"application/json", std::move(content)}}}};
  if (call.route->method == "PATCH") out["description"] = "JSON merge patch (RFC 7396).";
  const bool any = std::any_of(call.request->fields.begin(), call.request->fields.end(),
                               [&](const Field& field) { return shown(field) && api.is_mandatory(*call.request, field); });
  if (any) out["required"] = true;
  return out;
}

json::object success_of(const Call& call) {
  static const std::map<int, const char*> texts{
      {200, "Done."}, {201, "Created."}, {202, "Accepted; it goes on in the background."}, {204, "Done."}};
  json::object out{{"description", texts.contains(call.route->success) ? texts.at(call.route->success) : "Done."}};
  json::object headers;
  if (!call.route->location.empty())
    headers["Location"] = json::object{{"description", "Where it is found, below /api/v1: " + call.route->location},
                                       {"schema", json::object{{"type", "string"}}}};
  const bool versioned = std::any_of(call.reply->fields.begin(), call.reply->fields.end(),
                                     [](const Field& field) { return field.type == Type::kVersion && field.shape == Shape::kPlain; });
  if (versioned)
    headers["ETag"] = json::object{{"description", "The version, for If-Match."}, {"schema", json::object{{"type", "string"}}}};
  if (!headers.empty()) out["headers"] = std::move(headers);
  if (call.route->success == 204) return out;
  json::object content{{"schema", reference_to(public_name(*call.reply))},
                       {"example", example_of(*call.reply, [](const Field& field) { return !is_edge_or_cleared(field); })}};
  out["content"] = json::object{{"application/json", std::move(content)}};
  return out;
}

int status_of_kind(options::ErrorKind kind) {
  static const std::map<options::ErrorKind, ErrorKind> kinds{{options::INTERNAL, ErrorKind::kInternal},
                                                             {options::MALFORMED, ErrorKind::kMalformed},
                                                             {options::VALIDATION, ErrorKind::kValidation},
                                                             {options::UNAUTHENTICATED, ErrorKind::kUnauthenticated},
                                                             {options::FORBIDDEN, ErrorKind::kForbidden},
                                                             {options::NOT_FOUND, ErrorKind::kNotFound},
                                                             {options::CONFLICT, ErrorKind::kConflict},
                                                             {options::STALE, ErrorKind::kStale},
                                                             {options::PRECONDITION_REQUIRED, ErrorKind::kPreconditionRequired},
                                                             {options::TOO_LARGE, ErrorKind::kTooLarge},
                                                             {options::RATE_LIMITED, ErrorKind::kRateLimited},
                                                             {options::UNAVAILABLE, ErrorKind::kUnavailable},
                                                             {options::DEADLINE_EXCEEDED, ErrorKind::kDeadlineExceeded}};
  return status_of(kinds.at(kind)).http;
}

// What the edge says to any call of this form, before the service sees it.
void add_edge_errors(const Call& call, ErrorsByStatus& errors) {
  const bool is_public = call.permission == "public";
  errors[400].emplace_back("`request.malformed`: not JSON that fits the contract, or an unknown member; `fields` names them.");
  if (!call.request->fields.empty()) errors[422].emplace_back("`request.invalid`: breaks declared rules; `fields` lists all of them.");
  if (!is_public)
    errors[401].emplace_back("`sessions.required`, `sessions.expired`, `sessions.invalid`: no session, or one that has ended.");
  if (!is_public && call.permission != "session")
    errors[403].push_back("`request.forbidden`: the permission `" + call.permission + "` is missing.");
  if (call.route->method != "GET")
    errors[403].emplace_back("`request.foreign-origin`: a browser's call from a page that is not of this server.");
  if (call.route->has_body) {
    errors[413].emplace_back("`request.too-large`: the body is larger than the server takes.");
    errors[415].emplace_back("`request.unsupported-media-type`: the body is no `application/json`.");
  }
  if (call.rules.creates()) {
    errors[422].emplace_back("`request.bad-idempotency-key`: not at most 64 printable characters.");
    errors[422].emplace_back("`request.idempotency-key-reused`: the key came with another body before.");
  }
  if (call.rules.needs_version()) {
    errors[400].emplace_back("`request.malformed-if-match`: not one version in quotes.");
    errors[428].emplace_back("`request.precondition-required`: If-Match is missing.");
  }
}

// Those that the contract names for the call, and those that follow from its form.
ErrorsByStatus errors_of(const Service& service, const Call& call) {
  ErrorsByStatus errors;
  for (const std::string& code : call.rules.errors()) {
    const ErrorCode& error = *service.find_error(code);
    errors[status_of_kind(error.rule_kind)].push_back("`" + error.code + "`: " + error.help);
  }
  add_edge_errors(call, errors);
  return errors;
}

json::object responses_of(const Service& service, const Call& call) {
  json::object out;
  out[std::to_string(call.route->success)] = success_of(call);
  for (const auto& [status, codes] : errors_of(service, call)) {
    json::object content{{kProblemType, json::object{{"schema", reference_to("Problem")}}}};
    out[std::to_string(status)] = json::object{{"description", join(codes, "\n\n")}, {"content", std::move(content)}};
  }
  out["default"] = json::object{{"$ref", "#/components/responses/Problem"}};
  return out;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// `CreateClient` -> `Create client`
std::string title_of(const Call& call) {
  std::string words = replace_all(snake_case(call.name), "_", " ");
  words[0] = call.name[0];
  return words;
}

json::object operation_of(const PublicApi& api, const Service& service, const Call& call) {
  json::object out{{"operationId", service.short_name + call.name}, {"tags", json::array{service.short_name}}, {"summary", title_of(call)}};
  std::string description = call.comment;
  if (!call.rules.condition().empty())
    description += (description.empty() ? "" : "\n\n") + ("Besides the permission: " + call.rules.condition() + ".");
  if (!description.empty()) out["description"] = description;
  out["x-permission"] = call.permission;
  if (call.permission == "public") out["security"] = json::array{};
  if (json::array parameters = parameters_of(call); !parameters.empty()) out["parameters"] = std::move(parameters);
  if (call.route->has_body) out["requestBody"] = body_of(api, call);
  out["responses"] = responses_of(service, call);
  return out;
}

json::object components_of(const PublicApi& api) {
  json::object schemas{{"Problem", problem_schema()}};
  const auto is_mandatory = [&](const Message& message, const Field& field) { return api.is_mandatory(message, field); };
  std::set<const Message*> requests;
  for (const PublicService& service : api.services) {
    for (const Call* call : service.calls) requests.insert(call->request);
  }
  for (const PublicPackage& package : api.packages) {
    for (const Enum* enumeration : package.enums) schemas[public_name(*enumeration)] = schema_of(*enumeration);
    for (const Message* message : package.messages) {
      const bool closed = !api.received.contains(message);
      if (closed && requests.contains(message)) continue;  // it stands in its operation
      schemas[public_name(*message)] =
          schema_of(*message, {is_mandatory, [](const Field& field) { return !is_edge_or_cleared(field); }, closed});
    }
  }
  json::object parameters{
      {"IdempotencyKey",
       json::object{{"name", "Idempotency-Key"},
                    {"in", "header"},
                    {"description", "The same key and body within 24 hours give the stored answer; another body with it is refused (422)."},
                    {"schema", json::object{{"type", "string"}, {"maxLength", 64}, {"pattern", "^[!-~]*$"}}}}},
      {"IfMatch", json::object{{"name", "If-Match"},
                               {"in", "header"},
                               {"required", true},
                               {"description", "The ETag that was read; 412 when it is no longer current."},
                               {"schema", json::object{{"type", "string"}, {"pattern", "^\"[0-9]+\"$"}}},
                               {"example", "\"1\""}}}};
  json::object problem{{"description", "Any other failure: 429 and 503 with Retry-After, 500, 504."},
                       {"headers", json::object{{"Retry-After", json::object{{"schema", json::object{{"type", "integer"}}}}}}},
                       {"content", json::object{{kProblemType, json::object{{"schema", reference_to("Problem")}}}}}};
  json::object security{
      {"cookie",
       json::object{
           {"type", "apiKey"},
           {"in", "cookie"},
           {"name", "__Host-session"},
           {"description",
            "Set by `POST /sessions`; named `session` on loopback without TLS. Unsafe methods need `Origin` and a JSON content type."}}},
      {"bearer", json::object{{"type", "http"},
                              {"scheme", "bearer"},
                              {"bearerFormat", "JWT"},
                              {"description", "From `POST /sessions` with `Accept-Session: bearer`."}}}};
  return {{"schemas", std::move(schemas)},
          {"parameters", std::move(parameters)},
          {"responses", json::object{{"Problem", std::move(problem)}}},
          {"securitySchemes", std::move(security)}};
}

}  // namespace

std::string emit_openapi(const Contract& contract) {
  const PublicApi api = public_api(contract);
  json::array tags;
  std::map<std::string, json::object> paths;
  for (const PublicService& service : api.services) {
    tags.push_back(json::object{{"name", service.service->short_name}, {"description", first_line(service.service->comment)}});
    for (const Call* call : service.calls) {
      std::string verb = call->route->method;
      std::transform(verb.begin(), verb.end(), verb.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
      paths[call->route->path][verb] = operation_of(api, *service.service, *call);
    }
  }
  json::object all_paths;
  for (auto& [path, operations] : paths) all_paths[path] = std::move(operations);
  const json::object document{{"openapi", "3.1.0"},
                              {"info", json::object{{"title", "Consilium"},
                                                    {"version", "1"},
                                                    {"description", "The public API. Lists are newest first and go on by `cursor`."}}},
                              {"servers", json::array{json::object{{"url", "/api/v1"}}}},
                              {"security", json::array{json::object{{"cookie", json::array{}}}, json::object{{"bearer", json::array{}}}}},
                              {"tags", std::move(tags)},
                              {"paths", std::move(all_paths)},
                              {"components", components_of(api)}};
  return pretty(document);
}

}  // namespace consilium::generator

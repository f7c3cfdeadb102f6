#include "net/grpc/call_metadata.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

namespace consilium::net {
namespace {

namespace json = boost::json;

constexpr std::array kKinds{ErrorKind::kMalformed, ErrorKind::kValidation,  ErrorKind::kUnauthenticated, ErrorKind::kForbidden,
                            ErrorKind::kNotFound,  ErrorKind::kConflict,    ErrorKind::kStale,           ErrorKind::kPreconditionRequired,
                            ErrorKind::kTooLarge,  ErrorKind::kRateLimited, ErrorKind::kUnavailable,     ErrorKind::kDeadlineExceeded,
                            ErrorKind::kCancelled, ErrorKind::kInternal};

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string_view find(const Metadata& metadata, std::string_view key) {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  return {};
}

std::optional<json::object> parse_object(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

std::vector<std::string> texts_of(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return texts;
  for (const json::value& item : value->get_array()) {
    if (item.is_string()) texts.emplace_back(item.get_string());
  }
  return texts;
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.push_back(json::string(text));
  return array;
}

json::object object_of(const runtime::Caller& caller) {
  json::object object;
  object["kind"] = static_cast<std::int64_t>(caller.kind);
  if (!caller.user_id.is_nil()) object["user"] = caller.user_id.text();
  if (!caller.session_id.is_nil()) object["session"] = caller.session_id.text();
  if (!caller.user_name.empty()) object["name"] = caller.user_name;
  if (!caller.service.empty()) object["service"] = caller.service;
  if (!caller.roles.empty()) object["roles"] = array_of(caller.roles);
  if (!caller.permissions.empty()) object["permissions"] = array_of(caller.permissions);
  return object;
}

std::optional<runtime::Caller> caller_of(const json::object& object) {
  runtime::Caller caller;
  const auto kind = number_of(object, "kind");
  if (!kind || *kind < 0 || *kind > static_cast<std::int64_t>(runtime::Caller::Kind::kService)) return std::nullopt;
  caller.kind = static_cast<runtime::Caller::Kind>(*kind);
  caller.user_id = Uuid::parse(text_of(object, "user")).value_or(Uuid{});
  caller.session_id = Uuid::parse(text_of(object, "session")).value_or(Uuid{});
  if (caller.is_user() && caller.user_id.is_nil()) return std::nullopt;
  caller.user_name = text_of(object, "name");
  caller.service = text_of(object, "service");
  caller.roles = texts_of(object, "roles");
  caller.permissions = texts_of(object, "permissions");
  return caller;
}

// Only errors of gRPC itself, or of a callee that is not ours, come without our own description.
Error error_of_status(int status, std::string_view message) {
  switch (status) {
    case 1: return make_error(ErrorKind::kCancelled, "rpc.cancelled", "The call was cancelled");
    case 3: return make_error(ErrorKind::kMalformed, "rpc.malformed", message);
    case 4: return make_error(ErrorKind::kDeadlineExceeded, "rpc.deadline-exceeded", "Expected an answer in time, but the deadline passed");
    case 5: return make_error(ErrorKind::kNotFound, "rpc.not-found", message);
    case 7: return make_error(ErrorKind::kForbidden, "rpc.forbidden", message);
    case 8: return make_error(ErrorKind::kTooLarge, "rpc.too-large", message);
    case 9: return make_error(ErrorKind::kConflict, "rpc.conflict", message);
    case 10: return make_error(ErrorKind::kStale, "rpc.aborted", message);
    case 12: return make_error(ErrorKind::kNotFound, "rpc.unknown-method", message);
    case 14: return make_error(ErrorKind::kUnavailable, "rpc.unavailable", message);
    case 16: return make_error(ErrorKind::kUnauthenticated, "rpc.unauthenticated", message);
    default: return make_error(ErrorKind::kInternal, "rpc.failed", message);
  }
}

std::vector<FieldError> fields_of(const json::object& object) {
  std::vector<FieldError> fields;
  const json::value* value = object.if_contains("fields");
  if (value == nullptr || !value->is_array()) return fields;
  for (const json::value& item : value->get_array()) {
    if (!item.is_object()) continue;
    const json::object& field = item.get_object();
    fields.push_back({text_of(field, "name"), text_of(field, "code"), text_of(field, "message")});
  }
  return fields;
}

}  // namespace

Metadata metadata_of(const runtime::Context& context, std::string_view service) {
  Metadata metadata;
  if (!context.request_id.empty() && is_printable(context.request_id)) metadata.emplace_back(kRequestIdKey, context.request_id);
  if (!context.traceparent.empty() && is_printable(context.traceparent)) metadata.emplace_back(kTraceparentKey, context.traceparent);
  if (!service.empty()) metadata.emplace_back(kServiceKey, service);
  json::object object;
  object["caller"] = object_of(context.caller);
  object["language"] = context.language;
  object["client"] = static_cast<std::int64_t>(context.client);
  if (!context.remote_address.empty()) object["remoteAddress"] = context.remote_address;
  if (!context.idempotency_key.empty()) object["idempotencyKey"] = context.idempotency_key;
  if (context.expected_version) object["expectedVersion"] = *context.expected_version;
  metadata.emplace_back(kContextKey, json::serialize(object));
  return metadata;
}

Result<void> apply_metadata(const Metadata& metadata, runtime::Context& context) {
  const auto malformed = [] { return fail(ErrorKind::kMalformed, "rpc.malformed-context", "Expected a readable context of the caller"); };
  context.request_id = find(metadata, kRequestIdKey);
  context.traceparent = find(metadata, kTraceparentKey);
  context.client = runtime::ClientType::kGrpc;
  const std::string_view encoded = find(metadata, kContextKey);
  if (encoded.empty()) return {};  // a foreign client: nobody in particular
  const auto object = parse_object(encoded);
  if (!object) return malformed();
  const json::value* caller = object->if_contains("caller");
  if (caller == nullptr || !caller->is_object()) return malformed();
  auto parsed = caller_of(caller->get_object());
  if (!parsed) return malformed();
  context.caller = std::move(*parsed);
  if (std::string language = text_of(*object, "language"); !language.empty()) context.language = std::move(language);
  const std::int64_t client = number_of(*object, "client").value_or(0);
  if (client > 0 && client <= static_cast<std::int64_t>(runtime::ClientType::kTest))
    context.client = static_cast<runtime::ClientType>(client);
  context.remote_address = text_of(*object, "remoteAddress");
  context.idempotency_key = text_of(*object, "idempotencyKey");
  context.expected_version = number_of(*object, "expectedVersion");
  return {};
}

std::string encode_error(const Error& error) {
  json::object object;
  object["code"] = error.code;
  object["kind"] = status_of(error.kind).name;
  if (!error.detail.empty()) object["detail"] = error.detail;
  if (error.retry_after) object["retryAfter"] = error.retry_after->microseconds;
  json::array fields;
  for (const FieldError& field : error.fields) {
    if (fields.size() == kErrorFieldsLimit) break;
    fields.push_back(json::object{{"name", field.name}, {"code", field.code}, {"message", field.message}});
  }
  if (!fields.empty()) object["fields"] = std::move(fields);
  return json::serialize(object);
}

Error decode_error(std::string_view encoded, int grpc_status, std::string_view message) {
  const auto object = parse_object(encoded);
  if (!object) return error_of_status(grpc_status, message);
  Error error;
  error.code = text_of(*object, "code");
  error.detail = text_of(*object, "detail");
  error.fields = fields_of(*object);
  if (const auto retry = number_of(*object, "retryAfter")) error.retry_after = microseconds(*retry);
  const std::string name = text_of(*object, "kind");
  const auto* const kind =
      std::find_if(kKinds.begin(), kKinds.end(), [&](ErrorKind candidate) { return status_of(candidate).name == name; });
  if (kind == kKinds.end() || error.code.empty()) return error_of_status(grpc_status, message);
  error.kind = *kind;
  return error;
}

}  // namespace consilium::net

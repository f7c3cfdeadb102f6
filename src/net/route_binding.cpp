#include "net/route_binding.h"

#include <algorithm>

namespace consilium::net {

void RouteBinding::no_body() {
  if (request_.body.empty()) return;
  JsonReader reader(request_.body, UnknownMembers::kRefuse);
  {
    JsonReader::Object object(reader, {});
    while (object.next()) {
    }
  }
  if (auto whole = reader.finish(); !whole) {
    for (FieldError& note : whole.error().fields) notes_.push_back(std::move(note));
  }
}

const std::string* RouteBinding::single(std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [member, text] : request_.query) {
    if (member != name) continue;
    if (found != nullptr) {
      notes_.push_back({std::string(name), "duplicate-member", "Expected this member once"});
      return nullptr;
    }
    found = &text;
  }
  return found;
}

void RouteBinding::bad_format(std::string_view name) {
  notes_.push_back({std::string(name), "bad-format", "Expected a value of this member's type"});
}

void RouteBinding::only_query(std::span<const std::string_view> names) {
  for (const auto& [member, text] : request_.query) {
    if (std::find(names.begin(), names.end(), member) == names.end() && notes_.size() < kMaxFieldErrors)
      notes_.push_back({member.substr(0, 100), "unknown-member", "Expected no member of this name in the query"});
  }
}

Result<void> RouteBinding::finish() {
  if (notes_.empty()) return {};
  Error error = make_error(ErrorKind::kMalformed, "request.malformed", "Expected a request that fits the contract");
  error.fields = std::move(notes_);
  return fail(std::move(error));
}

Result<std::int64_t> required_version(const runtime::Context& context) {
  if (context.expected_version) return *context.expected_version;
  return fail(ErrorKind::kPreconditionRequired, "request.precondition-required", "Expected If-Match with the version that was read");
}

}  // namespace consilium::net

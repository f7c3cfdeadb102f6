// How a request of the public API becomes a call and its reply an answer. Generated routes use it.
// What is wrong with path, query and body is told at once, by name (`request.malformed`, 400).
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_reader.h"
#include "base/text_value.h"
#include "net/route.h"

namespace consilium::net {

class RouteBinding {
 public:
  // `request` outlives the binding.
  explicit RouteBinding(const RouteRequest& request) : request_(request) {}

  // The body; an empty one counts as `{}`. `reserved` members may not stand in it.
  template <class Message>
  void body(Message& out, std::span<const std::string_view> reserved) {
    JsonReader reader(request_.body.empty() ? std::string_view("{}") : std::string_view(request_.body), UnknownMembers::kRefuse);
    reader.reserve(reserved);
    read_json(reader, out);
    if (auto whole = reader.finish(); !whole) {
      for (FieldError& note : whole.error().fields) notes_.push_back(std::move(note));
    }
  }
  // A route without a body takes none, but for `{}`.
  void no_body();

  template <class Value>
  void path(std::string_view name, Value& out) {
    const auto found = request_.path.find(name);
    if (found == request_.path.end() || !from_text(found->second, out)) bad_format(name);
  }

  template <class Value>
  void query(std::string_view name, Value& out) {
    if (const std::string* text = single(name)) {
      if (!from_text(*text, out)) bad_format(name);
    }
  }
  template <class Value>
  void query(std::string_view name, std::optional<Value>& out) {
    if (const std::string* text = single(name)) {
      if (!from_text(*text, out.emplace())) bad_format(name);
    }
  }
  // Repeated members: `?status=open&status=closed`.
  template <class Value>
  void query(std::string_view name, std::vector<Value>& out) {
    for (const auto& [member, text] : request_.query) {
      if (member != name) continue;
      Value value{};
      if (!from_text(text, value)) return bad_format(name);
      out.push_back(std::move(value));
    }
  }
  // Refuses every other member of the query.
  void only_query(std::span<const std::string_view> names);

  Result<void> finish();

 private:
  // The text of a member that may stand once; null when it is absent.
  const std::string* single(std::string_view name);
  void bad_format(std::string_view name);

  const RouteRequest& request_;
  std::vector<FieldError> notes_;
};

// The version that If-Match named. Error `request.precondition-required` (428) when it is missing.
Result<std::int64_t> required_version(const runtime::Context& context);

// `read` makes the call's request, `write` the answer.
template <class Service, class Request, class Reply>
Task<Result<RouteReply>> run_route(Service& service, Task<Result<Reply>> (Service::*call)(runtime::Context&, Request),
                                   Result<Request> (*read)(const runtime::Context&, const RouteRequest&), RouteReply (*write)(const Reply&),
                                   runtime::Context& context, RouteRequest request) {
  auto message = read(context, request);
  if (!message) co_return fail(std::move(message).error());
  auto reply = co_await (service.*call)(context, std::move(*message));
  if (!reply) co_return fail(std::move(reply).error());
  co_return write(*reply);
}

}  // namespace consilium::net

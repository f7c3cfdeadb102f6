// What the gateway itself reads of a request: `e` a frame of a socket, `p` a path (method, blank, path), `b` Basic
// credentials, `f` a form, `a` the query of the socket's address, else a header.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/fuzz_testing.h"
#include "base/json_reader.h"
#include "base/utf8.h"
#include "gateway/envelope.h"
#include "gateway/hub.h"
#include "gateway/openid_parameters.h"
#include "gateway/request_headers.h"
#include "gateway/router.h"
#include "net/percent_encoding.h"

namespace consilium::gateway {
namespace {

constexpr Timestamp kAt{1'767'225'600'123'000};

void fuzz_envelope(std::string_view text) {
  const auto message = read_envelope(text);
  if (!message) {
    require(message.error().kind == ErrorKind::kMalformed);
    return;
  }
  require(message->id.size() <= 64 && message->type.size() <= 50 && is_json(message->data) && message->data.starts_with('{'));
  // What is answered to an id carries it, and is a frame itself.
  const auto acknowledged = read_envelope(ack_envelope(message->id, kAt));
  require(acknowledged && acknowledged->type == "ack");
  require(read_envelope(error_envelope(message->id, make_error(ErrorKind::kNotFound, "a.b"), kAt)).has_value());
  chat::v1::PersonEvent event;
  event.type = message->type;
  event.data = JsonText{message->data};
  event.sequence = 3;
  const auto again = read_envelope(event_envelope(event));
  require(again && again->type == message->type && again->data == message->data);
  if (const auto typing = decode_typing(message->data)) require(!typing->channel_id.is_nil() && !typing->user_id);
  if (const auto read = decode_read(message->data)) require(!read->id.is_nil() && !read->post_id.is_nil());
}

Router& router() {
  const auto route = [](std::string_view method, std::string_view path) {
    net::Route made;
    made.method = method;
    made.path = path;
    return made;
  };
  static Router made({route("GET", "/users/me"), route("GET", "/users/{id}"), route("POST", "/users/{id}"),
                      route("GET", "/users/{id}/tasks"), route("POST", "/users/me/lock"), route("GET", "/channels/{channelId}/posts/{id}"),
                      route("DELETE", "/users/{id}")});
  return made;
}

void fuzz_path(std::string_view input) {
  const std::string_view method = input.substr(0, input.find(' '));
  const std::string_view path = input.substr(std::min(input.size(), method.size() + 1));
  const Router::Match match = router().find(method, path);
  require(match.route == nullptr || std::ranges::find(match.allowed, method) != match.allowed.end());
  if (match.allowed.empty()) return;
  require(path.starts_with('/'));
  for (const auto& [name, value] : match.values) require(!value.empty() && is_valid_utf8(value) && !name.empty());
  if (match.route == nullptr) return;
  std::string written(match.route->path);
  for (const auto& [name, value] : match.values) {
    const std::string place = "{" + name + "}";
    written.replace(written.find(place), place.size(), net::percent_encode(value));
  }
  const Router::Match again = router().find(method, written);
  // A value that is spelled like a literal segment is that segment.
  if (again.route == match.route) require(again.values == match.values);
}

void fuzz_basic(std::string_view header) {
  const auto credentials = read_basic(header);
  if (!credentials) return;
  require(is_valid_utf8(credentials->id) && is_valid_utf8(credentials->secret));
  const std::string text = net::percent_encode(credentials->id) + ":" + net::percent_encode(credentials->secret);
  const auto again = read_basic("Basic " + encode_base64url(text));
  require(again && again->id == credentials->id && again->secret == credentials->secret);
}

void fuzz_form(std::string_view text) {
  const auto parameters = read_form(text);
  if (!parameters) return;
  const auto again = read_form(form_of(*parameters));
  require(again && *again == *parameters);
  const std::string address = with_parameters("https://portal.example/back", *parameters);
  require(address.starts_with("https://portal.example/back?") && address.find_first_of(" \r\n\"<>") == std::string::npos);
  require(with_parameters("https://portal.example/?a=b", *parameters).starts_with("https://portal.example/?a=b&"));
}

void fuzz_after(std::string_view query) {
  const auto after = parse_after(query);
  if (!after || !*after) return;
  require(**after >= 0 && *parse_after("after=" + std::to_string(**after)) == *after);
}

void fuzz_header(std::string_view text) {
  if (is_request_id(text)) require(text.size() <= kMaxRequestId && text.find_first_of(" \r\n\"") == std::string_view::npos);
  if (is_traceparent(text)) require(is_request_id(text) && text[2] == '-');
  if (is_json_type(text)) require(text.starts_with("application/json") && !is_form(text));
  if (is_form(text)) require(text.starts_with("application/x-www-form-urlencoded"));
  if (const auto token = bearer_of(text)) require(text == "Bearer " + std::string(*token));
}

}  // namespace
}  // namespace consilium::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium;
  const auto [kind, rest] = split_kind(fuzz_input(data, size));
  switch (kind) {
    case 'e': gateway::fuzz_envelope(rest); break;
    case 'p': gateway::fuzz_path(rest); break;
    case 'b': gateway::fuzz_basic(rest); break;
    case 'f': gateway::fuzz_form(rest); break;
    case 'a': gateway::fuzz_after(rest); break;
    default: gateway::fuzz_header(rest);
  }
  return 0;
}

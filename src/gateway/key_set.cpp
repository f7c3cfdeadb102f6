#include "gateway/key_set.h"

#include <utility>

namespace consilium::gateway {
namespace {

Task<net::HttpResponse> answer(sessions::v1::Sessions* issuer, runtime::Context& context, const net::HttpRequest& request) {
  net::HttpResponse response;
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    co_return response;
  }
  runtime::Context own = context.as_service("gateway");
  auto keys = co_await issuer->get_key_set(own, sessions::v1::KeySetRequest());
  if (!keys) {
    response.status = 503;
    response.set_header("Retry-After", "1");
    co_return response;
  }
  response.set_header("Content-Type", "application/jwk-set+json");
  // Much less than the time for which a new key is published before it signs.
  response.set_header("Cache-Control", "public, max-age=600");
  response.body = std::move(keys->keys.text);
  co_return response;
}

}  // namespace

GatewayParts::Mount key_set(sessions::v1::Sessions& sessions) {
  return [issuer = &sessions](runtime::Context& context, const net::HttpRequest& request) { return answer(issuer, context, request); };
}

}  // namespace consilium::gateway

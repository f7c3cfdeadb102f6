// A route of the public API, as the contract generator emits it from the `.proto`. The gateway authenticates, checks
// `permission`, and calls; the service itself checks `condition`, which needs its data.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "runtime/context.h"

namespace consilium::net {

// The parts of a request that a generated route reads.
struct RouteRequest {
  std::map<std::string, std::string, std::less<>> path;    // decoded `{id}` segments
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::string body;                                        // JSON, empty when there is none
};

struct RouteReply {
  int status = 200;
  std::string body;                     // JSON, empty with 204
  std::string location;                 // of 201 and 202, below /api/v1 like the path of a route; or empty
  std::optional<std::int64_t> version;  // becomes the ETag
};

struct Route {
  std::string_view service;     // `users`
  std::string_view call;        // `CreateClient`
  std::string_view method;      // `POST`
  std::string_view path;        // below /api/v1: `/users/clients`, `/users/{id}`
  std::string_view permission;  // `users.create-client`; `public` needs no session, `session` any
  std::string_view condition;   // `none`, `own`, `member`, `party` …: documented, checked by the service
  bool creates = false;         // takes Idempotency-Key
  bool needs_version = false;   // If-Match is mandatory
  std::function<Task<Result<RouteReply>>(runtime::Context&, RouteRequest)> handle;
};

}  // namespace consilium::net

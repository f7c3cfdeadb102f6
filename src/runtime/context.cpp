#include "runtime/context.h"

#include <algorithm>

namespace consilium::runtime {

std::string_view name_of(ClientType type) {
  switch (type) {
    case ClientType::kNone: return "none";
    case ClientType::kRest: return "rest";
    case ClientType::kWebSocket: return "ws";
    case ClientType::kGrpc: return "grpc";
    case ClientType::kEvent: return "event";
    case ClientType::kJob: return "job";
    case ClientType::kTimer: return "timer";
    case ClientType::kCommandLine: return "cli";
    case ClientType::kTest: return "test";
  }
  return "none";
}

std::string Caller::name() const {
  if (is_user()) return "user:" + user_id.text();
  if (is_service()) return "service:" + service;
  return {};
}

bool Caller::has_role(std::string_view role) const { return std::find(roles.begin(), roles.end(), role) != roles.end(); }

bool Caller::may(std::string_view permission) const {
  return is_service() || std::find(permissions.begin(), permissions.end(), permission) != permissions.end();
}

Context Context::for_service(std::string service, ClientType type) const {
  Context context(*scheduler_, *random_);
  context.request_id = request_id;
  context.traceparent = traceparent;
  context.language = language;
  context.client = type;
  context.caller.kind = Caller::Kind::kService;
  context.caller.service = std::move(service);
  return context;
}

Context Context::as_service(std::string service) const {
  Context context = for_service(std::move(service), client);
  context.remote_address = remote_address;
  context.deadline = deadline;
  context.cancellation = cancellation;
  return context;
}

}  // namespace consilium::runtime

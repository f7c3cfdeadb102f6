// The issuer as other applications meet it: OpenID Connect with authorization code and PKCE. What here is told in redirections,
// forms and the words of RFC 6749 is decided by the sessions service.
#pragma once

#include "gateway/gateway.h"

namespace consilium::gateway {

struct OpenIdParts {
  sessions::v1::Sessions& sessions;
  Refusals& refusals;
  const MessageCatalogue& catalogue;
  Settings settings;
};

// Handlers for `GatewayParts::mounts`: `/.well-known/openid-configuration` and `/oauth2/{authorize,token,userinfo,jwks}`. What the
// parts refer to outlives them. While the issuer is away they answer 503 with `Retry-After`.
std::map<std::string, GatewayParts::Mount, std::less<>> openid_mounts(OpenIdParts parts);

}  // namespace consilium::gateway

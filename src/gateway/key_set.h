// The public keys of the issuer (RFC 7517), for others who verify its tokens by themselves.
#pragma once

#include "gateway/gateway.h"

namespace consilium::gateway {

// A handler for `GatewayParts::mounts`; `sessions` outlives it. 503 while the issuer is away.
GatewayParts::Mount key_set(sessions::v1::Sessions& sessions);

}  // namespace consilium::gateway

// From the configuration to the settings of each part: the only place that knows both.
#pragma once

#include "app/platform.h"
#include "net/grpc/foreign_server.h"
#include "net/http_server.h"
#include "ports/database/sqlite/options.h"
#include "runtime/config.h"

namespace consilium::app {

// `listen`: where the public server listens, with its real port; tokens name it when nothing else is configured.
PlatformSettings platform_settings(const runtime::Config& config, const net::Endpoint& listen);
net::HttpServerSettings public_server_settings(const runtime::Config& config);
net::HttpServerSettings internal_server_settings(const runtime::Config& config);
// `engine.listen` is set.
net::ForeignServerSettings engine_server_settings(const runtime::Config& config);

}  // namespace consilium::app

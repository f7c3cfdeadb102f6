// `consilium serve`: the real process around the platform: threads, disk, sockets, signals.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "app/exit_codes.h"
#include "runtime/config.h"

namespace consilium::app {

// Runs until SIGTERM or SIGINT. What goes wrong before the start is told on standard error. On SIGHUP the configuration is read
// again with `load`: what may change in a running server changes, the rest is named in the log; a broken one changes nothing.
int serve(const runtime::LoadedConfig& loaded, const std::function<Result<runtime::LoadedConfig>()>& load);
// Makes what a first start makes: folder, keys, schema, first administrator, whose link is printed. Changes nothing the second time.
int init(const runtime::LoadedConfig& loaded);

}  // namespace consilium::app

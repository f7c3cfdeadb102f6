// `consilium serve`: the real process around the platform: threads, disk, sockets, signals.
#pragma once

#include <optional>
#include <string>

#include "app/exit_codes.h"
#include "runtime/config.h"

namespace consilium::app {

// Runs until SIGTERM or SIGINT. What goes wrong before the start is told on standard error.
int serve(const runtime::LoadedConfig& loaded);
// Makes what a first start makes: folder, keys, schema, first administrator, whose link is printed. Changes nothing the second time.
int init(const runtime::LoadedConfig& loaded);

}  // namespace consilium::app

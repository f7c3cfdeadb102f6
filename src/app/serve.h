// `consilium serve`: the real process around the platform: threads, disk, sockets, signals.
#pragma once

#include <optional>
#include <string>

#include "runtime/config.h"

namespace consilium::app {

// Exit codes of the command line (CONVENTIONS).
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfiguration = 3;
inline constexpr int kExitUnreachable = 4;

// Runs until SIGTERM or SIGINT. What goes wrong before the start is told on standard error.
int serve(const runtime::LoadedConfig& loaded);

}  // namespace consilium::app

// Exit codes of the command line (CONVENTIONS).
#pragma once

namespace consilium::app {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfiguration = 3;
inline constexpr int kExitUnreachable = 4;

}  // namespace consilium::app

// What `consilium version` prints.
#pragma once

#include <string_view>

namespace consilium::app {

#ifndef CONSILIUM_VERSION
#error "CMake gives CONSILIUM_VERSION"
#endif
inline constexpr std::string_view kVersion = CONSILIUM_VERSION;
inline constexpr std::string_view kRevision = "unknown";

}  // namespace consilium::app

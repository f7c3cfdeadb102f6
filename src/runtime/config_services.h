// The parts of the platform that may run in processes of their own, and which others each of them needs.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace consilium::runtime {

inline constexpr std::string_view kGatewayPart = "gateway";  // the public edge; nobody calls it

struct PlatformPart {
  std::string_view name;
  // Whose calls it makes and whose events it reads.
  std::span<const std::string_view> needs;
};

namespace config_services_detail {
inline constexpr std::array<std::string_view, 1> kOfSessions{"users"};
inline constexpr std::array<std::string_view, 2> kOfChat{"users", "sessions"};
inline constexpr std::array<std::string_view, 2> kOfTasks{"users", "chat"};
inline constexpr std::array<std::string_view, 4> kOfProcesses{"users", "sessions", "chat", "tasks"};
inline constexpr std::array<std::string_view, 5> kOfGateway{"users", "sessions", "chat", "tasks", "processes"};
}  // namespace config_services_detail

// In the order in which they need each other.
inline constexpr std::array<PlatformPart, 6> kPlatformParts{{
    {"users", {}},
    {"sessions", config_services_detail::kOfSessions},
    {"chat", config_services_detail::kOfChat},
    {"tasks", config_services_detail::kOfTasks},
    {"processes", config_services_detail::kOfProcesses},
    {kGatewayPart, config_services_detail::kOfGateway},
}};

// nullptr when there is none of that name.
inline const PlatformPart* find_part(std::string_view name) {
  const auto* const found = std::ranges::find(kPlatformParts, name, &PlatformPart::name);
  return found == kPlatformParts.end() ? nullptr : &*found;
}

inline bool part_needs(std::string_view part, std::string_view service) {
  const PlatformPart* known = find_part(part);
  return known != nullptr && std::ranges::find(known->needs, service) != known->needs.end();
}

}  // namespace consilium::runtime

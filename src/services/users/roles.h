// Who may do what: the one table from roles to permissions. A person has the role of their type and no other; services
// of the platform act as the role `service`, which may do everything.
#pragma once

#include <string_view>
#include <vector>

#include <string>

namespace consilium::users {

// Names of all roles, `service` included.
std::vector<std::string_view> role_names();
// Every permission that a route may ask for, besides `public`, `session` and `internal`.
std::vector<std::string_view> permission_names();

// Permissions of the roles together, sorted, each once; unknown roles add nothing.
std::vector<std::string> permissions_of(const std::vector<std::string>& roles);

}  // namespace consilium::users

#include "services/users/roles.h"

#include <algorithm>
#include <array>

namespace consilium::users {
namespace {

constexpr std::array<std::string_view, 15> kPermissions = {
    "chat.post",         "events.manage",  "processes.manage", "processes.read", "sessions.manage",
    "sessions.refusals", "tasks.create",   "tasks.history",    "tasks.manage",   "tasks.read",
    "tasks.work",        "users.contacts", "users.create",     "users.manage",   "users.read",
};

struct Role {
  std::string_view name;
  std::vector<std::string_view> permissions;
};

// Consultants and experts see who people are, not how to reach them: `users.contacts` is for those who manage.
const std::vector<Role>& roles_table() {
  static const std::vector<std::string_view> consultant = {"chat.post", "tasks.history", "tasks.work", "users.read"};
  static const std::vector<Role> roles = {
      {"administrator", {kPermissions.begin(), kPermissions.end()}},
      {"client", {"chat.post"}},
      {"consultant", consultant},
      {"expert", consultant},
      {"service", {kPermissions.begin(), kPermissions.end()}},
      {"supervisor",
       {"chat.post", "processes.read", "tasks.create", "tasks.history", "tasks.manage", "tasks.read", "tasks.work", "users.contacts",
        "users.read"}},
  };
  return roles;
}

}  // namespace

std::vector<std::string_view> role_names() {
  std::vector<std::string_view> names;
  for (const Role& role : roles_table()) names.push_back(role.name);
  return names;
}

std::vector<std::string_view> permission_names() { return {kPermissions.begin(), kPermissions.end()}; }

std::vector<std::string> permissions_of(const std::vector<std::string>& roles) {
  std::vector<std::string> permissions;
  for (const Role& role : roles_table()) {
    if (std::find(roles.begin(), roles.end(), role.name) == roles.end()) continue;
    permissions.insert(permissions.end(), role.permissions.begin(), role.permissions.end());
  }
  std::sort(permissions.begin(), permissions.end());
  permissions.erase(std::unique(permissions.begin(), permissions.end()), permissions.end());
  return permissions;
}

}  // namespace consilium::users

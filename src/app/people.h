// What those who run the platform do with people: the first administrator, waiting for a new account, one-time links.
// On the platform's main loop.
#pragma once

#include <optional>
#include <string>

#include "app/platform.h"

namespace consilium::app {

struct OneTimeLink {
  std::string username;
  Secret token;
  Timestamp expires_at;
};

// Where the person sets a password. The token stands behind `#`, so that no server's log sees it.
std::string password_url(std::string_view base_url, const Secret& token);

Task<Result<users::v1::User>> find_person(Platform& platform, runtime::Context& context, std::string username);
// The process p-create-user makes account, channel and identity. Error `users.not-active-in-time` after a minute.
Task<Result<users::v1::User>> wait_until_active(Platform& platform, runtime::Context& context, std::string username);
Task<Result<OneTimeLink>> make_link(Platform& platform, runtime::Context& context, users::v1::User user);
// Makes `admin` when there is no administrator yet, whatever their status; nullopt when there is one.
Task<Result<std::optional<OneTimeLink>>> make_first_administrator(Platform& platform, runtime::Context& context, std::string language);

}  // namespace consilium::app

// The tables of the users service. All functions run inside a transaction of the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "consilium/users/v1/users.h"
#include "ports/database/database.h"

namespace consilium::users {

Result<std::optional<v1::User>> find_user(database::Transaction& transaction, Uuid id);
// Deleted people have no login name any more.
Result<std::optional<v1::User>> find_user_by_name(database::Transaction& transaction, std::string_view username);

// `users.username-taken` when somebody who is not deleted has the login name.
Result<void> insert_user(database::Transaction& transaction, const v1::User& user);
// Stores everything of `after`, which must be one version newer. `users.stale` when the row is not of the version of `before`.
Result<void> update_user(database::Transaction& transaction, const v1::User& before, const v1::User& after);

struct UserFilter {
  std::optional<v1::UserType> type;
  std::optional<v1::UserStatus> status;  // absent: everybody who is not deleted
  std::optional<std::string> group;
  std::optional<std::string> username;  // normalised
  std::optional<std::string> phone;
  std::optional<std::string> email;
};

// Newest first, then by id, with their groups.
Result<std::vector<v1::User>> list_users(database::Transaction& transaction, const UserFilter& filter, std::optional<Cursor> after,
                                         std::int32_t limit);
Result<std::int64_t> count_users(database::Transaction& transaction, const UserFilter& filter);

Result<std::vector<v1::Group>> list_groups(database::Transaction& transaction);

}  // namespace consilium::users

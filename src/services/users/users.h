// The rules about people: statuses, groups, login names, profiles. Pure functions over values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "consilium/users/v1/users.h"
#include "services/users/settings.h"

namespace consilium::users {

enum class StatusChange { kActivate, kLock, kUnlock, kDelete };

// draft -> active -> locked <-> active; {draft, active, locked} -> deleted. nullopt: it is so already, and a repeat of a
// step of p-create-user changes nothing. Everything else: `users.illegal-status`.
Result<std::optional<v1::UserStatus>> status_after(v1::UserStatus from, StatusChange change);

// Login names are compared without case (ASCII).
std::string normalised_username(std::string_view username);
// The part before `@` in lower case; what a login name may not hold becomes `-`.
std::string username_of_email(std::string_view email);

// The wished groups sorted, each once. `users.unknown-group` names each one that does not exist or is for another type.
Result<std::vector<std::string>> checked_groups(v1::UserType type, const std::vector<std::string>& wished,
                                                const std::vector<v1::Group>& known);
// Of people who name none: clients and supervisors have a group of their own.
std::vector<std::string> default_groups(v1::UserType type);

// `request.invalid` naming the field when the date lies outside the bounds of the settings.
Result<void> check_birth_date(Date birth, Date today, const Settings& settings);
// Full years between the two dates; a person born on 29 February turns older on 1 March of other years.
int age_on(Date birth, Date today);

// New people, as drafts of version 1. Groups are checked by the caller, who has the table.
struct Origin {
  Uuid id;
  Timestamp now;
};
Result<v1::User> draft_of(const v1::CreateClientRequest& request, Origin origin, const Settings& settings);
Result<v1::User> draft_of(const v1::CreateConsultantRequest& request, Origin origin, const Settings& settings);
Result<v1::User> draft_of(const v1::CreateExpertRequest& request, Origin origin, const Settings& settings);
// `request.invalid` for a type that has a call of its own.
Result<v1::User> draft_of(const v1::CreateStaffRequest& request, Origin origin, const Settings& settings);

// `users.stale` when the caller saw another version.
Result<void> check_version(const v1::User& user, std::int64_t seen);
// The fields named in the request, nothing else; `cleared` takes away what a person may be without, else `request.invalid`. An
// empty middle name takes it away too. Deleted people: `users.illegal-status`.
Result<v1::User> with_profile(v1::User user, const v1::ChangeProfileRequest& request);
Result<v1::User> with_groups(v1::User user, std::vector<std::string> groups);
// `users.link-set` when a link holds another id already.
Result<v1::User> with_links(v1::User user, const v1::SetLinksRequest& request);

// What people who may not see contacts get of somebody else.
v1::User without_contacts(v1::User user);

}  // namespace consilium::users

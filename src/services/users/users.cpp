#include "services/users/users.h"

#include <algorithm>
#include <utility>

namespace consilium::users {
namespace {

using v1::UserStatus;
using v1::UserType;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool fits_username(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '_' || c == '-'; }

Failure illegal_status(UserStatus from) {
  return fail(v1::errors::illegal_status("Expected a status that allows the change, but the person is " + std::string(v1::text_of(from))));
}

Failure invalid_field(std::string name, std::string code, std::string message) {
  return fail(validation_error({{std::move(name), std::move(code), std::move(message)}}));
}

template <class Request>
v1::User common_draft(const Request& request, UserType type, Origin origin, const Settings& settings) {
  v1::User user;
  user.id = origin.id;
  user.type = type;
  user.status = UserStatus::kDraft;
  user.first_name = request.first_name;
  user.last_name = request.last_name;
  user.email = request.email;
  user.language = request.language.value_or(settings.default_language);
  user.groups = default_groups(type);
  user.created_at = origin.now;
  user.updated_at = origin.now;
  user.version = 1;
  return user;
}

template <class Request>
v1::User specialist_draft(const Request& request, UserType type, Origin origin, const Settings& settings) {
  v1::User user = common_draft(request, type, origin, settings);
  user.username = request.username ? normalised_username(*request.username) : username_of_email(request.email);
  user.middle_name = request.middle_name;
  user.photo_url = request.photo_url;
  user.groups = request.groups;
  return user;
}

// Sets `link` once. False when it holds another id.
bool set_link(std::optional<Uuid>& link, const std::optional<Uuid>& wished) {
  if (!wished) return true;
  if (link) return *link == *wished;
  link = wished;
  return true;
}

// Consultants and experts must have an e-mail address from their creation on.
Result<void> clear(v1::User& user, const std::string& member) {
  const bool keeps_email = user.type == UserType::kConsultant || user.type == UserType::kExpert;
  if (member == "middleName") {
    user.middle_name.reset();
  } else if (member == "photoUrl") {
    user.photo_url.reset();
  } else if (member == "email" && !keeps_email) {
    user.email.reset();
  } else {
    return invalid_field(member, "required", "Expected a value: it cannot be taken away");
  }
  return {};
}

}  // namespace

Result<std::optional<UserStatus>> status_after(UserStatus from, StatusChange change) {
  switch (change) {
    case StatusChange::kActivate:
      if (from == UserStatus::kActive) return std::nullopt;
      if (from == UserStatus::kDraft) return UserStatus::kActive;
      break;
    case StatusChange::kLock:
      if (from == UserStatus::kActive) return UserStatus::kLocked;
      break;
    case StatusChange::kUnlock:
      if (from == UserStatus::kLocked) return UserStatus::kActive;
      break;
    case StatusChange::kDelete:
      if (from == UserStatus::kDeleted) return std::nullopt;
      return UserStatus::kDeleted;
  }
  return illegal_status(from);
}

std::string normalised_username(std::string_view username) {
  std::string text(username);
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}

std::string username_of_email(std::string_view email) {
  std::string name = normalised_username(email.substr(0, email.find('@')));
  std::replace_if(name.begin(), name.end(), [](char c) { return !fits_username(c); }, '-');
  return name;
}

Result<std::vector<std::string>> checked_groups(UserType type, const std::vector<std::string>& wished,
                                                const std::vector<v1::Group>& known) {
  Error error = v1::errors::unknown_group("Expected groups that exist and are for this type of user");
  for (std::size_t i = 0; i < wished.size(); ++i) {
    const auto group = std::find_if(known.begin(), known.end(), [&](const v1::Group& entry) { return entry.code == wished[i]; });
    const std::string field = "groups[" + std::to_string(i) + "]";
    if (group == known.end()) {
      error.fields.push_back({field, "unknown-group", "Expected the code of a group"});
    } else if (group->type != type) {
      error.fields.push_back({field, "group-of-other-type", "Expected a group for " + std::string(v1::text_of(type))});
    }
  }
  if (!error.fields.empty()) return fail(std::move(error));
  std::vector<std::string> groups = wished;
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

std::vector<std::string> default_groups(UserType type) {
  if (type == UserType::kClient) return {"client"};
  if (type == UserType::kSupervisor) return {"supervisor"};
  return {};
}

int age_on(Date birth, Date today) {
  const bool had_birthday = std::pair(today.month, today.day) >= std::pair(birth.month, birth.day);
  return today.year - birth.year - (had_birthday ? 0 : 1);
}

Result<void> check_birth_date(Date birth, Date today, const Settings& settings) {
  if (birth > today) return invalid_field("birthDate", "in-future", "Expected a date that is not in the future");
  if (birth < settings.earliest_birth || age_on(birth, today) > settings.maximum_age)
    return invalid_field("birthDate", "too-early", "Expected a later date of birth");
  if (age_on(birth, today) < settings.minimum_age) return invalid_field("birthDate", "too-young", "Expected an older person");
  return {};
}

Result<v1::User> draft_of(const v1::CreateClientRequest& request, Origin origin, const Settings& settings) {
  TRY(check_birth_date(request.birth_date, date_of(origin.now), settings));
  v1::User user = common_draft(request, UserType::kClient, origin, settings);
  user.username = normalised_username(request.username.value_or(request.phone));
  user.middle_name = request.middle_name;
  user.sex = request.sex;
  user.birth_date = request.birth_date;
  user.phone = request.phone;
  user.photo_url = request.photo_url;
  return user;
}

Result<v1::User> draft_of(const v1::CreateConsultantRequest& request, Origin origin, const Settings& settings) {
  return specialist_draft(request, UserType::kConsultant, origin, settings);
}

Result<v1::User> draft_of(const v1::CreateExpertRequest& request, Origin origin, const Settings& settings) {
  v1::User user = specialist_draft(request, UserType::kExpert, origin, settings);
  user.specialization = request.specialization;
  return user;
}

Result<v1::User> draft_of(const v1::CreateStaffRequest& request, Origin origin, const Settings& settings) {
  if (request.type != UserType::kSupervisor && request.type != UserType::kAdministrator)
    return invalid_field("type", "not-staff", "Expected supervisor or administrator");
  v1::User user = common_draft(request, request.type, origin, settings);
  user.username = normalised_username(request.username);
  return user;
}

Result<void> check_version(const v1::User& user, std::int64_t seen) {
  if (user.version == seen) return {};
  return fail(v1::errors::stale("Expected version " + std::to_string(seen) + ", but the current one is " + std::to_string(user.version)));
}

Result<v1::User> with_profile(v1::User user, const v1::ChangeProfileRequest& request) {
  if (user.status == UserStatus::kDeleted) return illegal_status(user.status);
  for (const std::string& member : request.cleared) TRY(clear(user, member));
  if (request.first_name) user.first_name = *request.first_name;
  if (request.last_name) user.last_name = *request.last_name;
  if (request.middle_name) user.middle_name = request.middle_name->empty() ? std::nullopt : request.middle_name;
  if (request.email) user.email = request.email;
  if (request.photo_url) user.photo_url = request.photo_url;
  if (request.language) user.language = *request.language;
  return user;
}

Result<v1::User> with_groups(v1::User user, std::vector<std::string> groups) {
  if (user.status == UserStatus::kDeleted) return illegal_status(user.status);
  user.groups = std::move(groups);
  return user;
}

Result<v1::User> with_links(v1::User user, const v1::SetLinksRequest& request) {
  if (user.status == UserStatus::kDeleted) return illegal_status(user.status);
  const bool fits = set_link(user.chat_user_id, request.chat_user_id) && set_link(user.identity_id, request.identity_id) &&
                    set_link(user.common_channel_id, request.common_channel_id);
  if (!fits) return fail(v1::errors::link_set("Expected a link that is not set, or the id that it holds"));
  return user;
}

v1::User without_contacts(v1::User user) {
  if (user.phone && user.username == normalised_username(*user.phone)) user.username.clear();
  user.phone.reset();
  user.email.reset();
  user.birth_date.reset();
  return user;
}

}  // namespace consilium::users

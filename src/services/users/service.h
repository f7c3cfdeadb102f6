// The calls of the users service.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilium/users/v1/users_service.h"
#include "ports/database/audit.h"
#include "ports/database/database.h"
#include "ports/database/idempotency.h"
#include "ports/database/read_cache.h"
#include "services/users/settings.h"
#include "services/users/store.h"
#include "services/users/users.h"

namespace consilium::users {

// Holds no state but what it read lately and is still so: any loop may call it. It checks permissions itself too, so that an adapter that
// forgets opens nothing; each refused and each administrative call leaves a row in `users_audit`.
class UsersService final : public v1::Users {
 public:
  static constexpr std::size_t kKnownPeople = 10'000;

  explicit UsersService(database::Database& database, Settings settings = {});

  Task<Result<v1::User>> create_client(runtime::Context& context, v1::CreateClientRequest request) override;
  Task<Result<v1::User>> create_consultant(runtime::Context& context, v1::CreateConsultantRequest request) override;
  Task<Result<v1::User>> create_expert(runtime::Context& context, v1::CreateExpertRequest request) override;
  Task<Result<v1::User>> create_staff(runtime::Context& context, v1::CreateStaffRequest request) override;

  Task<Result<v1::ListUsersReply>> list_users(runtime::Context& context, v1::ListUsersRequest request) override;
  Task<Result<v1::User>> get_me(runtime::Context& context, v1::GetMeRequest request) override;
  Task<Result<v1::User>> get_user(runtime::Context& context, v1::GetUserRequest request) override;
  Task<Result<v1::User>> find_user(runtime::Context& context, v1::FindUserRequest request) override;
  Task<Result<v1::ListGroupsReply>> list_groups(runtime::Context& context, v1::ListGroupsRequest request) override;

  Task<Result<v1::User>> change_profile(runtime::Context& context, v1::ChangeProfileRequest request) override;
  Task<Result<v1::User>> change_groups(runtime::Context& context, v1::ChangeGroupsRequest request) override;
  Task<Result<v1::User>> set_links(runtime::Context& context, v1::SetLinksRequest request) override;
  Task<Result<v1::User>> lock_user(runtime::Context& context, v1::ChangeStatusRequest request) override;
  Task<Result<v1::User>> unlock_user(runtime::Context& context, v1::ChangeStatusRequest request) override;
  Task<Result<v1::User>> activate_user(runtime::Context& context, v1::ChangeStatusRequest request) override;
  Task<Result<v1::User>> delete_user(runtime::Context& context, v1::ChangeStatusRequest request) override;

  // Of the people who were looked for lately.
  CacheFigures cache_figures() { return known_.figures(); }

 private:
  template <class Request>
  Task<Result<v1::User>> create(runtime::Context& context, std::string_view call, Request request);
  template <class Step>
  Task<Result<v1::User>> change(runtime::Context& context, Uuid id, std::optional<database::AuditEntry> audit, Step step);
  Task<Result<v1::User>> change_status(runtime::Context& context, Uuid id, std::string_view call, StatusChange status);
  Task<Result<v1::User>> load(runtime::Context& context, Uuid id);

  Task<Result<void>> require(runtime::Context& context, std::string_view permission, std::string_view call, std::optional<Uuid> subject);
  Task<Result<void>> require_service(runtime::Context& context, std::string_view call, std::optional<Uuid> subject);
  // Records it and answers it.
  Task<Error> refuse(runtime::Context& context, Error error, std::string_view call, std::optional<Uuid> subject);

  database::Database& database_;
  const Settings settings_;
  database::ReadCache<v1::User> known_;  // by id
  const database::IdempotencyTable idempotency_;
  const database::AuditTable audit_{"users"};
};

}  // namespace consilium::users

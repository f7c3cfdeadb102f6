#include "services/users/service.h"

#include <algorithm>
#include <utility>

#include "base/cursor.h"
#include "consilium/users/v1/users_events.h"
#include "services/users/users.h"

namespace consilium::users {
namespace {

using database::audit_entry;
using database::AuditEntry;
using database::to_value;
using database::Transaction;
using runtime::Context;

bool is_own(const Context& context, Uuid id) { return context.caller.is_user() && context.caller.user_id == id; }

Error not_found() { return v1::errors::not_found("Expected the id or the login name of a person"); }

Result<v1::User> existing(Result<std::optional<v1::User>> found) {
  if (!found) return fail(std::move(found).error());
  if (!*found) return fail(not_found());
  return std::move(**found);
}

bool profile_differs(const v1::User& before, const v1::User& after) {
  return before.first_name != after.first_name || before.middle_name != after.middle_name || before.last_name != after.last_name ||
         before.email != after.email || before.photo_url != after.photo_url || before.language != after.language ||
         before.groups != after.groups;
}

Result<void> publish_status(Transaction& transaction, const Context& context, const v1::User& before, const v1::User& after) {
  switch (after.status) {
    case v1::UserStatus::kActive:
      if (before.status == v1::UserStatus::kLocked) return publish(transaction, context, v1::Unlocked{after.id});
      return publish(transaction, context, v1::Activated{after.id, after.type});
    case v1::UserStatus::kLocked: return publish(transaction, context, v1::Locked{after.id});
    case v1::UserStatus::kDeleted: return publish(transaction, context, v1::Deleted{after.id});
    case v1::UserStatus::kDraft:
    case v1::UserStatus::kUnspecified: break;
  }
  return fail(internal_error("Expected a status that somebody can get into"));
}

Result<void> publish_change(Transaction& transaction, const Context& context, const v1::User& before, const v1::User& after) {
  if (before.status != after.status) return publish_status(transaction, context, before, after);
  if (profile_differs(before, after)) return publish(transaction, context, v1::ProfileChanged{after.id});
  return {};
}

Result<v1::User> insert_draft(Transaction& transaction, const Context& context, v1::User draft) {
  ASSIGN_OR_RETURN(const std::vector<v1::Group> known, list_groups(transaction));
  ASSIGN_OR_RETURN(draft.groups, checked_groups(draft.type, draft.groups, known));
  TRY(insert_user(transaction, draft));
  TRY(publish(transaction, context, v1::DraftCreated{draft.id, draft.type}));
  return draft;
}

Result<v1::User> with_status(v1::User user, StatusChange change) {
  ASSIGN_OR_RETURN(const std::optional<v1::UserStatus> status, status_after(user.status, change));
  if (status) user.status = *status;
  return user;
}

UserFilter filter_of(const v1::ListUsersRequest& request) {
  UserFilter filter;
  filter.type = request.type;
  filter.status = request.status;
  filter.group = request.group;
  if (request.username) filter.username = normalised_username(*request.username);
  filter.phone = request.phone;
  filter.email = request.email;
  return filter;
}

Result<std::optional<Cursor>> cursor_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto cursor = Cursor::parse(*text);
  if (!cursor) return fail(v1::errors::bad_cursor("Expected a cursor that this list gave"));
  return cursor;
}

// `users` holds one row more than the page when there is another page.
v1::ListUsersReply page_of(std::vector<v1::User> users, std::int32_t size) {
  v1::ListUsersReply reply;
  if (users.size() > static_cast<std::size_t>(size)) {
    users.resize(static_cast<std::size_t>(size));
    reply.next_cursor = Cursor{users.back().created_at, users.back().id}.text();
  }
  reply.items = std::move(users);
  return reply;
}

}  // namespace

UsersService::UsersService(database::Database& database, Settings settings)
    : database_(database),
      settings_(std::move(settings)),
      known_(database, {"users_user", "users_membership"}, kKnownPeople),
      idempotency_("users") {}

Task<Result<v1::User>> UsersService::create_client(Context& context, v1::CreateClientRequest request) {
  CO_TRY(co_await require(context, "users.create", "CreateClient", std::nullopt));
  auto user = co_await create(context, "CreateClient", std::move(request));
  co_return user;
}

Task<Result<v1::User>> UsersService::create_consultant(Context& context, v1::CreateConsultantRequest request) {
  CO_TRY(co_await require(context, "users.create", "CreateConsultant", std::nullopt));
  auto user = co_await create(context, "CreateConsultant", std::move(request));
  co_return user;
}

Task<Result<v1::User>> UsersService::create_expert(Context& context, v1::CreateExpertRequest request) {
  CO_TRY(co_await require(context, "users.create", "CreateExpert", std::nullopt));
  auto user = co_await create(context, "CreateExpert", std::move(request));
  co_return user;
}

Task<Result<v1::User>> UsersService::create_staff(Context& context, v1::CreateStaffRequest request) {
  CO_TRY(co_await require_service(context, "CreateStaff", std::nullopt));
  auto user = co_await create(context, "CreateStaff", std::move(request));
  co_return user;
}

Task<Result<v1::ListUsersReply>> UsersService::list_users(Context& context, v1::ListUsersRequest request) {
  CO_TRY(co_await require(context, "users.read", "ListUsers", std::nullopt));
  const bool contacts = context.caller.may("users.contacts");
  if (!contacts && (request.username || request.phone || request.email)) {
    Error error = v1::errors::contacts_hidden("Expected no search by login name, phone or e-mail");
    Error refused = co_await refuse(context, std::move(error), "ListUsers", std::nullopt);
    co_return fail(std::move(refused));
  }
  CO_ASSIGN_OR_RETURN(const std::optional<Cursor> after, cursor_of(request.cursor));
  const std::int32_t size = page_size_of(request.limit);
  const UserFilter filter = filter_of(request);
  const bool count = request.count.value_or(false);
  auto page = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::ListUsersReply> {
    ASSIGN_OR_RETURN(std::vector<v1::User> users, users::list_users(transaction, filter, after, size + 1));
    v1::ListUsersReply reply = page_of(std::move(users), size);
    if (!count) return reply;
    ASSIGN_OR_RETURN(const std::int64_t total, count_users(transaction, filter));
    reply.total = static_cast<std::int32_t>(total);
    return reply;
  });
  if (!page || contacts) co_return page;
  for (v1::User& user : page->items) {
    if (!is_own(context, user.id)) user = without_contacts(std::move(user));
  }
  co_return page;
}

Task<Result<v1::User>> UsersService::get_me(Context& context, v1::GetMeRequest) {
  if (!context.caller.is_user()) co_return fail(not_found());
  auto user = co_await load(context, context.caller.user_id);
  co_return user;
}

Task<Result<v1::User>> UsersService::get_user(Context& context, v1::GetUserRequest request) {
  const bool own = is_own(context, request.id);
  if (!own && !context.caller.may("users.read")) {
    Error refused = co_await refuse(context, not_found(), "GetUser", request.id);
    co_return fail(std::move(refused));
  }
  auto user = co_await load(context, request.id);
  if (!user || own || context.caller.may("users.contacts")) co_return user;
  co_return without_contacts(std::move(*user));
}

Task<Result<v1::User>> UsersService::find_user(Context& context, v1::FindUserRequest request) {
  CO_TRY(co_await require_service(context, "FindUser", std::nullopt));
  const std::string name = normalised_username(request.username);
  auto user = co_await database_.read(context, [&](Transaction& transaction) { return existing(find_user_by_name(transaction, name)); });
  co_return user;
}

Task<Result<v1::ListGroupsReply>> UsersService::list_groups(Context& context, v1::ListGroupsRequest) {
  CO_TRY(co_await require(context, "users.read", "ListGroups", std::nullopt));
  auto reply = co_await database_.read(context, [](Transaction& transaction) -> Result<v1::ListGroupsReply> {
    v1::ListGroupsReply groups;
    ASSIGN_OR_RETURN(groups.items, users::list_groups(transaction));
    return groups;
  });
  co_return reply;
}

Task<Result<v1::User>> UsersService::change_profile(Context& context, v1::ChangeProfileRequest request) {
  const Uuid id = request.id;
  const bool own = is_own(context, id);
  if (!own && !context.caller.may("users.manage")) {
    // Who may not even know of the person is not told that there is one.
    Error error = context.caller.may("users.read") ? v1::errors::not_yours("Expected one's own profile") : not_found();
    Error refused = co_await refuse(context, std::move(error), "ChangeProfile", id);
    co_return fail(std::move(refused));
  }
  std::optional<AuditEntry> audit;
  if (!own) audit = audit_entry(context, "ChangeProfile", to_value(id));
  auto user = co_await change(context, id, std::move(audit), [&](Transaction&, v1::User current) -> Result<v1::User> {
    TRY(check_version(current, request.version));
    return with_profile(std::move(current), request);
  });
  co_return user;
}

Task<Result<v1::User>> UsersService::change_groups(Context& context, v1::ChangeGroupsRequest request) {
  CO_TRY(co_await require(context, "users.manage", "ChangeGroups", request.id));
  std::optional<AuditEntry> audit = audit_entry(context, "ChangeGroups", to_value(request.id));
  auto user = co_await change(context, request.id, std::move(audit), [&](Transaction& transaction, v1::User current) -> Result<v1::User> {
    TRY(check_version(current, request.version));
    ASSIGN_OR_RETURN(const std::vector<v1::Group> known, users::list_groups(transaction));
    ASSIGN_OR_RETURN(std::vector<std::string> groups, checked_groups(current.type, request.groups, known));
    return with_groups(std::move(current), std::move(groups));
  });
  co_return user;
}

Task<Result<v1::User>> UsersService::set_links(Context& context, v1::SetLinksRequest request) {
  CO_TRY(co_await require_service(context, "SetLinks", request.id));
  auto user = co_await change(context, request.id, std::nullopt,
                              [&](Transaction&, v1::User current) { return with_links(std::move(current), request); });
  co_return user;
}

Task<Result<v1::User>> UsersService::lock_user(Context& context, v1::ChangeStatusRequest request) {
  CO_TRY(co_await require(context, "users.manage", "LockUser", request.id));
  auto user = co_await change_status(context, request.id, "LockUser", StatusChange::kLock);
  co_return user;
}

Task<Result<v1::User>> UsersService::unlock_user(Context& context, v1::ChangeStatusRequest request) {
  CO_TRY(co_await require(context, "users.manage", "UnlockUser", request.id));
  auto user = co_await change_status(context, request.id, "UnlockUser", StatusChange::kUnlock);
  co_return user;
}

Task<Result<v1::User>> UsersService::activate_user(Context& context, v1::ChangeStatusRequest request) {
  CO_TRY(co_await require_service(context, "ActivateUser", request.id));
  auto user = co_await change_status(context, request.id, "ActivateUser", StatusChange::kActivate);
  co_return user;
}

Task<Result<v1::User>> UsersService::delete_user(Context& context, v1::ChangeStatusRequest request) {
  CO_TRY(co_await require_service(context, "DeleteUser", request.id));
  auto user = co_await change_status(context, request.id, "DeleteUser", StatusChange::kDelete);
  co_return user;
}

template <class Request>
Task<Result<v1::User>> UsersService::create(Context& context, std::string_view call, Request request) {
  CO_ASSIGN_OR_RETURN(const auto once, database::idempotent_request(context, call, encode_wire(request)));
  CO_ASSIGN_OR_RETURN(v1::User draft, draft_of(request, {context.new_id(), context.now()}, settings_));
  const AuditEntry audit = audit_entry(context, call, to_value(draft.id));
  auto user = co_await database_.write(context, [&](Transaction& transaction) {
    return idempotency_.once<v1::User>(transaction, once, [&]() -> Result<v1::User> {
      TRY(audit_.insert(transaction, audit));
      return insert_draft(transaction, context, draft);
    });
  });
  co_return user;
}

// Loads the person, lets `step` change them, saves with version, audit row and event. A step that changes nothing leaves no trace.
template <class Step>
Task<Result<v1::User>> UsersService::change(Context& context, Uuid id, std::optional<AuditEntry> audit, Step step) {
  const Timestamp now = context.now();
  auto user = co_await database_.write(context, [&](Transaction& transaction) -> Result<v1::User> {
    ASSIGN_OR_RETURN(const v1::User before, existing(users::find_user(transaction, id)));
    ASSIGN_OR_RETURN(v1::User after, step(transaction, before));
    if (after == before) return after;
    after.version = before.version + 1;
    after.updated_at = now;
    TRY(update_user(transaction, before, after));
    if (audit) TRY(audit_.insert(transaction, *audit));
    TRY(publish_change(transaction, context, before, after));
    return after;
  });
  co_return user;
}

Task<Result<v1::User>> UsersService::change_status(Context& context, Uuid id, std::string_view call, StatusChange status) {
  std::optional<AuditEntry> audit = audit_entry(context, call, to_value(id));
  auto user = co_await change(context, id, std::move(audit),
                              [&](Transaction&, v1::User current) { return with_status(std::move(current), status); });
  co_return user;
}

Task<Result<v1::User>> UsersService::load(Context& context, Uuid id) {
  const std::string key(id.raw());
  if (auto known = known_.find(key)) co_return std::move(*known);
  const auto version = known_.version();
  auto user = co_await database_.read(context, [&](Transaction& transaction) { return existing(users::find_user(transaction, id)); });
  if (user) known_.keep(version, key, *user);
  co_return user;
}

Task<Result<void>> UsersService::require(Context& context, std::string_view permission, std::string_view call,
                                         std::optional<Uuid> subject) {
  if (context.caller.may(permission)) co_return Result<void>();
  Error error = make_error(ErrorKind::kForbidden, "request.forbidden", "Expected a caller with permission " + std::string(permission));
  Error refused = co_await refuse(context, std::move(error), call, subject);
  co_return fail(std::move(refused));
}

Task<Result<void>> UsersService::require_service(Context& context, std::string_view call, std::optional<Uuid> subject) {
  if (context.caller.is_service()) co_return Result<void>();
  Error error = make_error(ErrorKind::kForbidden, "request.forbidden", "Expected a service of the platform as caller");
  Error refused = co_await refuse(context, std::move(error), call, subject);
  co_return fail(std::move(refused));
}

Task<Error> UsersService::refuse(Context& context, Error error, std::string_view call, std::optional<Uuid> subject) {
  const AuditEntry audit = audit_entry(context, call, to_value(subject), error.code);
  // The refusal stands when it cannot be recorded; the storage's own error is what operators then see.
  auto recorded = co_await database_.write(context, [&](Transaction& transaction) { return audit_.insert(transaction, audit); });
  if (!recorded) co_return std::move(error).caused_by(std::move(recorded).error());
  co_return error;
}

}  // namespace consilium::users

#include "services/users/store.h"

#include <utility>

namespace consilium::users {
namespace {

using database::Row;
using database::Rows;
using database::Transaction;
using database::Value;

#define USER_COLUMNS                                                                                           \
  "id, username, type, status, first_name, middle_name, last_name, sex, birth_date, phone, email, photo_url, " \
  "language, chat_user_id, identity_id, common_channel_id, specialization, created_at, updated_at, version"

constexpr const char* kSelect = "SELECT " USER_COLUMNS " FROM users_user";

std::optional<std::string> text_or_null(const std::optional<v1::Sex>& sex) {
  if (!sex) return std::nullopt;
  return std::string(v1::text_of(*sex));
}

std::optional<std::string> text_or_null(const std::optional<Date>& date) {
  if (!date) return std::nullopt;
  return format_date(*date);
}

template <class Enum>
Enum enum_of(const std::string& text) {
  Enum value{};
  v1::from_text(text, value);
  return value;
}

// In the order of USER_COLUMNS.
std::vector<Value> values_of(const v1::User& user) {
  using database::to_value;
  return {to_value(user.id),
          to_value(user.username),
          to_value(v1::text_of(user.type)),
          to_value(v1::text_of(user.status)),
          to_value(user.first_name),
          to_value(user.middle_name),
          to_value(user.last_name),
          to_value(text_or_null(user.sex)),
          to_value(text_or_null(user.birth_date)),
          to_value(user.phone),
          to_value(user.email),
          to_value(user.photo_url),
          to_value(user.language),
          to_value(user.chat_user_id),
          to_value(user.identity_id),
          to_value(user.common_channel_id),
          to_value(user.specialization),
          to_value(user.created_at),
          to_value(user.updated_at),
          to_value(user.version)};
}

v1::User user_of(const Row& row) {
  v1::User user;
  user.id = row.uuid(0);
  user.username = row.text(1);
  user.type = enum_of<v1::UserType>(row.text(2));
  user.status = enum_of<v1::UserStatus>(row.text(3));
  user.first_name = row.text(4);
  user.middle_name = row.optional_text(5);
  user.last_name = row.text(6);
  if (!row.is_null(7)) user.sex = enum_of<v1::Sex>(row.text(7));
  if (!row.is_null(8)) user.birth_date = parse_date(row.text(8));
  user.phone = row.optional_text(9);
  user.email = row.optional_text(10);
  user.photo_url = row.optional_text(11);
  user.language = row.text(12);
  user.chat_user_id = row.optional_uuid(13);
  user.identity_id = row.optional_uuid(14);
  user.common_channel_id = row.optional_uuid(15);
  user.specialization = row.optional_text(16);
  user.created_at = row.timestamp(17);
  user.updated_at = row.timestamp(18);
  user.version = row.integer(19);
  return user;
}

Result<v1::User> with_stored_groups(Transaction& transaction, v1::User user) {
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.query("SELECT group_code FROM users_membership WHERE user_id = ? ORDER BY group_code", user.id));
  for (const Row& row : rows) user.groups.push_back(row.text(0));
  return user;
}

Result<std::optional<v1::User>> first_user(Transaction& transaction, const Rows& rows) {
  if (rows.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(v1::User user, with_stored_groups(transaction, user_of(rows.front())));
  return user;
}

Result<void> insert_groups(Transaction& transaction, const v1::User& user) {
  for (const std::string& group : user.groups)
    TRY(transaction.execute("INSERT INTO users_membership (user_id, group_code) VALUES (?, ?)", user.id, group));
  return {};
}

Result<void> check_name_free(Result<std::int64_t> changed) {
  if (changed) return {};
  if (changed.error().code == "database.unique")
    return fail(v1::errors::username_taken("Expected a login name that nobody has").caused_by(std::move(changed).error()));
  return fail(std::move(changed).error());
}

// `WHERE …` and its values. Few different texts come of it: each is kept prepared.
struct Condition {
  std::string text;
  std::vector<Value> values;

  template <class... Values>
  void add(std::string_view part, Values&&... bound) {
    text += (text.empty() ? " WHERE " : " AND ") + std::string(part);
    (values.push_back(database::to_value(std::forward<Values>(bound))), ...);
  }
};

Condition condition_of(const UserFilter& filter) {
  Condition condition;
  if (filter.status) {
    condition.add("status = ?", v1::text_of(*filter.status));
  } else {
    condition.add("status <> 'deleted'");
  }
  if (filter.type) condition.add("type = ?", v1::text_of(*filter.type));
  if (filter.group) condition.add("id IN (SELECT user_id FROM users_membership WHERE group_code = ?)", *filter.group);
  if (filter.username) condition.add("username = ?", *filter.username);
  if (filter.phone) condition.add("phone = ?", *filter.phone);
  if (filter.email) condition.add("email = ?", *filter.email);
  return condition;
}

}  // namespace

Result<std::optional<v1::User>> find_user(Transaction& transaction, Uuid id) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT " USER_COLUMNS " FROM users_user WHERE id = ?", id));
  return first_user(transaction, rows);
}

Result<std::optional<v1::User>> find_user_by_name(Transaction& transaction, std::string_view username) {
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.query("SELECT " USER_COLUMNS " FROM users_user WHERE username = ? AND status <> 'deleted'", username));
  return first_user(transaction, rows);
}

Result<void> insert_user(Transaction& transaction, const v1::User& user) {
  TRY(check_name_free(transaction.run(
      "INSERT INTO users_user (" USER_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values_of(user))));
  return insert_groups(transaction, user);
}

Result<void> update_user(Transaction& transaction, const v1::User& before, const v1::User& after) {
  std::vector<Value> values = values_of(after);
  values.push_back(database::to_value(after.id));
  values.push_back(database::to_value(before.version));
  ASSIGN_OR_RETURN(const std::int64_t changed,
                   transaction.run("UPDATE users_user SET (" USER_COLUMNS
                                   ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ? AND version = ?",
                                   values));
  if (changed != 1) return fail(v1::errors::stale("Expected the version that was read, but it was changed meanwhile"));
  if (before.groups == after.groups) return {};
  TRY(transaction.execute("DELETE FROM users_membership WHERE user_id = ?", after.id));
  return insert_groups(transaction, after);
}

Result<std::vector<v1::User>> list_users(Transaction& transaction, const UserFilter& filter, std::optional<Cursor> after,
                                         std::int32_t limit) {
  Condition condition = condition_of(filter);
  if (after) condition.add("(created_at, id) < (?, ?)", after->created, after->id);
  condition.values.push_back(database::to_value(limit));
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.select(kSelect + condition.text + " ORDER BY created_at DESC, id DESC LIMIT ?", condition.values));
  std::vector<v1::User> users;
  for (const Row& row : rows) {
    ASSIGN_OR_RETURN(v1::User user, with_stored_groups(transaction, user_of(row)));
    users.push_back(std::move(user));
  }
  return users;
}

Result<std::int64_t> count_users(Transaction& transaction, const UserFilter& filter) {
  const Condition condition = condition_of(filter);
  ASSIGN_OR_RETURN(const Rows rows, transaction.select("SELECT count(*) FROM users_user" + condition.text, condition.values));
  return rows.front().integer(0);
}

Result<std::vector<v1::Group>> list_groups(Transaction& transaction) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT code, type FROM users_group ORDER BY code"));
  std::vector<v1::Group> groups;
  for (const Row& row : rows) {
    v1::Group group;
    group.code = row.text(0);
    group.type = enum_of<v1::UserType>(row.text(1));
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace consilium::users

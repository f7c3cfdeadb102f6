// Commands that speak to a running server through `DATA/admin.sock`. Each gives the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/case_story.h"
#include "app/exit_codes.h"
#include "runtime/config.h"

namespace consilium::app {

enum class OutputForm { kText, kJson };

struct Operator {
  const runtime::Config& config;
  OutputForm form = OutputForm::kText;
};

// Empty members were not given.
struct PersonFlags {
  std::string username;
  std::string role;  // client, consultant, expert, supervisor, administrator
  std::string first_name;
  std::string last_name;
  std::string phone;
  std::string email;
  std::string sex;
  std::string birth_date;
  std::string language;
  std::vector<std::string> groups;
};

int add_user(const Operator& me, const PersonFlags& person);
// `action`: lock, unlock, reset.
int change_user(const Operator& me, const std::string& action, const std::string& username);
int list_users(const Operator& me);
int set_log_level(const Operator& me, const std::string& service, const std::string& level);
int back_up(const Operator& me, const std::string& file);
// All that are kept, newest first.
int show_refusals(const Operator& me);
int show_dead_letters(const Operator& me);
int replay(const Operator& me, const std::string& id);
int show_case(const Operator& me, const std::string& number, CaseTexts texts);

// Tells it on standard error and gives the exit code for it.
int report_failure(const Error& error);
std::string admin_socket_of(const runtime::Config& config);

}  // namespace consilium::app

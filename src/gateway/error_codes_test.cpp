// Every error that a contract declares, and what a caller is answered with it.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <span>

#include "consilium/chat/v1/chat.h"
#include "consilium/processes/v1/processes.h"
#include "consilium/sessions/v1/sessions.h"
#include "consilium/tasks/v1/tasks.h"
#include "consilium/users/v1/users.h"
#include "net/problem.h"

namespace consilium::gateway {
namespace {

// By the kinds of errors: each has a status of its own but for those of one meaning, and a bug alone is 500.
TEST(ErrorCodes, B_69_OnlyABugIsAnInternalError) {
  std::set<std::string_view> names;
  for (int number = 0; number <= static_cast<int>(ErrorKind::kInternal); ++number) {
    const auto kind = static_cast<ErrorKind>(number);
    const ErrorStatus status = status_of(kind);
    EXPECT_TRUE(names.insert(status.name).second) << status.name;
    EXPECT_EQ(status.http == 500, kind == ErrorKind::kInternal) << status.name;
    EXPECT_EQ(status.grpc == 13, kind == ErrorKind::kInternal) << status.name;
    EXPECT_NE(status.grpc, 2) << status.name << ": unknown says nothing";
    EXPECT_TRUE(status.http >= 400 && status.http < 600) << status.name;
  }
}

TEST(ErrorCodes, B_69_EveryDeclaredErrorHasAStableCodeAndIsNoBug) {
  const std::pair<std::string, std::span<const ErrorEntry>> services[] = {{"chat", chat::v1::errors::catalogue()},
                                                                          {"processes", processes::v1::errors::catalogue()},
                                                                          {"sessions", sessions::v1::errors::catalogue()},
                                                                          {"tasks", tasks::v1::errors::catalogue()},
                                                                          {"users", users::v1::errors::catalogue()}};
  const std::regex form("[a-z]+(-[a-z0-9]+)*\\.[a-z0-9]+(-[a-z0-9]+)*");
  std::set<std::string_view> codes;
  for (const auto& [service, entries] : services) {
    EXPECT_FALSE(entries.empty()) << service;
    for (const ErrorEntry& entry : entries) {
      const std::string code(entry.code);
      EXPECT_TRUE(std::regex_match(code, form)) << code;
      EXPECT_TRUE(codes.insert(entry.code).second) << code << " twice";
      EXPECT_NE(entry.kind, ErrorKind::kInternal) << code;
      EXPECT_FALSE(entry.help.empty()) << code;
      const net::HttpResponse response = net::problem_response(make_error(entry.kind, entry.code), "r-1");
      EXPECT_NE(response.status, 500) << code;
      EXPECT_NE(response.body.find("\"code\":\"" + code + "\""), std::string::npos) << response.body;
    }
  }
  EXPECT_GT(codes.size(), 40u);
}

}  // namespace
}  // namespace consilium::gateway

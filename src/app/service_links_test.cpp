#include "app/service_links.h"

#include <gtest/gtest.h>

namespace consilium::app {
namespace {

runtime::Config::Services running(std::vector<std::string> parts) {
  runtime::Config::Services services;
  services.run = std::move(parts);
  return services;
}

TEST(ServiceLinks, AProcessIsNamedByWhatItRuns) {
  EXPECT_EQ(process_name(running({"chat"})), "chat");
  EXPECT_EQ(process_name(running({"gateway", "users", "sessions"})), "users-sessions-gateway");
  runtime::Config::Services rest;
  rest.addresses["chat"] = {"127.0.0.1", 1};
  EXPECT_EQ(process_name(rest), "users-sessions-tasks-processes-gateway");
}

TEST(ServiceLinks, H_1_AProcessMayCallWhatItsPartsNeed) {
  EXPECT_TRUE(may_call("chat", "/consilium.users.v1.Users/GetUser"));
  EXPECT_FALSE(may_call("chat", "/consilium.tasks.v1.Tasks/GetTask"));
  EXPECT_FALSE(may_call("users", "/consilium.sessions.v1.Sessions/CreateOneTimeLink"));
  EXPECT_TRUE(may_call("users-tasks", "/consilium.chat.v1.Chat/Notify"));
  EXPECT_FALSE(may_call("users", "/consilium.chat.v1.Chat/Notify"));
  EXPECT_FALSE(may_call("sessions", "/consilium.chat.v1.Chat/Notify"));
  EXPECT_FALSE(may_call("users-tasks", "/consilium.sessions.v1.Sessions/Login"));
  EXPECT_TRUE(may_call("gateway", "/consilium.processes.v1.Processes/ListIncidents"));
  EXPECT_TRUE(may_call("gateway", "/consilium.events.v1.Events/Await"));
  EXPECT_TRUE(may_call("chat", "/consilium.events.v1.Events/Read"));
  EXPECT_TRUE(may_call("users-gateway", "/consilium.events.v1.DeadLetters/ReplayDeadLetter"));
  EXPECT_FALSE(may_call("chat", "/consilium.events.v1.DeadLetters/ReplayDeadLetter"));
}

TEST(ServiceLinks, H_1_StrangersMayCallNothing) {
  for (const char* stranger : {"", "-", "mail", "chat2", "Chat", "users.tasks"}) {
    EXPECT_FALSE(may_call(stranger, "/consilium.users.v1.Users/GetUser")) << stranger;
    EXPECT_FALSE(may_call(stranger, "/consilium.events.v1.Events/Read")) << stranger;
  }
  EXPECT_FALSE(may_call("gateway", "/consilium.mail.v1.Mail/Send"));
  EXPECT_FALSE(may_call("gateway", "/grpc.health.v1.Health/Check"));
  EXPECT_FALSE(may_call("gateway", ""));
}

}  // namespace
}  // namespace consilium::app

// Every call of every service, as the generated descriptors list them, with messages in which everything is missing: by bytes, as
// another process would send them.
#include <gtest/gtest.h>

#include <set>

#include "app/demo_people.h"
#include "people.h"
#include "services/users/roles.h"

namespace consilium::simulation {
namespace {

// Calls to which an empty message is a whole request: what they ask for is the caller's own, or all there is. A new call is either
// refused with an empty message or stands here on purpose.
const std::set<std::string, std::less<>> kAskNothing = {
    "/consilium.chat.v1.Chat/GetPresence",
    "/consilium.chat.v1.Chat/GetPresences",
    "/consilium.chat.v1.Chat/ListChannels",
    "/consilium.chat.v1.Chat/ReadFeed",
    "/consilium.chat.v1.Chat/RenewSockets",
    "/consilium.events.v1.DeadLetters/ListDeadLetters",
    "/consilium.processes.v1.Processes/ListDecisions",
    "/consilium.processes.v1.Processes/ListIncidents",
    "/consilium.processes.v1.Processes/ListInstances",
    "/consilium.processes.v1.Processes/ListModels",
    "/consilium.processes.v1.Processes/ListProcesses",
    "/consilium.sessions.v1.Sessions/Authenticate",
    "/consilium.sessions.v1.Sessions/Authorize",
    "/consilium.sessions.v1.Sessions/CheckSessions",
    "/consilium.sessions.v1.Sessions/EndCurrent",
    "/consilium.sessions.v1.Sessions/GetCurrent",
    "/consilium.sessions.v1.Sessions/GetDiscovery",
    "/consilium.sessions.v1.Sessions/GetKeySet",
    "/consilium.sessions.v1.Sessions/IssueTokens",
    "/consilium.sessions.v1.Sessions/ListRefusals",
    "/consilium.sessions.v1.Sessions/ListSessions",
    "/consilium.sessions.v1.Sessions/RecordRefusals",
    "/consilium.tasks.v1.Tasks/ListAssignments",
    "/consilium.tasks.v1.Tasks/ListTasks",
    "/consilium.users.v1.Users/GetMe",
    "/consilium.users.v1.Users/ListGroups",
    "/consilium.users.v1.Users/ListUsers",
};

constexpr int kFields = 24;  // more than any message has

// `tag` with an empty text, list entry or message in it.
std::string member(int tag, std::string_view content = "") {
  std::string bytes;
  const int key = tag << 3 | 2;
  if (key >= 128) {
    bytes += static_cast<char>(key % 128 + 128);
    bytes += static_cast<char>(key / 128);
  } else {
    bytes += static_cast<char>(key);
  }
  bytes += static_cast<char>(content.size());
  return bytes.append(content);
}

// Nothing at all; each member there but empty, alone and all together; and a member of it, in the same way.
std::vector<std::string> empty_messages() {
  std::vector<std::string> all{""};
  std::string everything;
  for (int tag = 1; tag <= kFields; ++tag) {
    all.push_back(member(tag));
    everything += member(tag);
    for (int inner = 1; inner <= 8; ++inner) all.push_back(member(tag, member(inner)));
  }
  all.push_back(everything);
  return all;
}

class EmptyMessages : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.start());
    const auto made = cluster_.ask(make_people(&cluster_));
    ASSERT_TRUE(made && *made);
    runtime::set_panic_handler(
        [this](std::string_view boundary, std::string_view what) { panics_.push_back(std::string(boundary) + ": " + std::string(what)); });
  }
  void TearDown() override {
    runtime::set_panic_handler({});
    EXPECT_EQ(panics_, std::vector<std::string>());
    EXPECT_EQ(cluster_.failures(), std::vector<std::string>());
    EXPECT_TRUE(cluster_.is_up()) << "no call ends the process";
    const auto answered = cluster_.ask(make_people(&cluster_));
    EXPECT_TRUE(answered && *answered) << "and it goes on";
  }

  static Task<Result<void>> make_people(Cluster* cluster) {
    runtime::Context context = context_of(cluster, service());
    auto logins = co_await app::create_demo_people(cluster->platform(), context, Secret(std::string(kPassword)));
    if (!logins) co_return fail(std::move(logins).error());
    co_return Result<void>();
  }
  static runtime::Context context_of(Cluster* cluster, runtime::Caller caller) {
    runtime::Context context(cluster->main(), cluster->random());
    context.request_id = context.new_id().text();
    context.deadline = context.scheduler().steady_now() + seconds(30);
    context.caller = std::move(caller);
    return context;
  }
  static runtime::Caller service() {
    runtime::Caller caller;
    caller.kind = runtime::Caller::Kind::kService;
    caller.service = "platform";
    return caller;
  }
  // Nobody, a part of the platform, and somebody who may do everything.
  static std::vector<runtime::Caller> callers() {
    runtime::Caller administrator;
    administrator.kind = runtime::Caller::Kind::kUser;
    administrator.user_id.bytes[0] = 7;
    administrator.session_id.bytes[0] = 8;
    for (const std::string role : {"client", "consultant", "expert", "supervisor", "administrator"}) {
      administrator.roles.push_back(role);
      for (std::string permission : users::permissions_of({role})) administrator.permissions.push_back(std::move(permission));
    }
    return {{}, service(), administrator};
  }
  static Task<Result<std::string>> call(Cluster* cluster, const net::RpcMethod* method, runtime::Caller caller, std::string bytes) {
    runtime::Context context = context_of(cluster, std::move(caller));
    auto answer = co_await method->handle(context, std::move(bytes));
    co_return answer;
  }

  Tally tally_;
  Cluster cluster_{5, tally_};
  std::vector<std::string> panics_;
};

TEST_F(EmptyMessages, B_34_B_38_EveryCallOfEveryServiceRefusesThemAndGoesOn) {
  std::set<std::string> services;
  std::set<std::string, std::less<>> whole;  // requests that an empty message is
  const std::vector<net::RpcMethod> methods = cluster_.platform().rpc_methods();
  for (const net::RpcMethod& method : methods) {
    services.insert(method.name.substr(0, method.name.rfind('/')));
    for (const runtime::Caller& caller : callers()) {
      for (const std::string& bytes : empty_messages()) {
        const auto answer = cluster_.ask(call(&cluster_, &method, caller, bytes));
        ASSERT_TRUE(answer) << method.name << " is not answered";
        const bool is_refused =
            !*answer && ((*answer).error().kind == ErrorKind::kValidation || (*answer).error().kind == ErrorKind::kMalformed);
        if (bytes.empty() && !is_refused) whole.insert(method.name);
        if (!*answer) {
          EXPECT_NE((*answer).error().kind, ErrorKind::kInternal) << method.name << " " << (*answer).error().describe();
        }
      }
    }
  }
  EXPECT_EQ(services.size(), 7u);  // events are offered as well, to gateways apart
  EXPECT_GT(methods.size(), 60u);
  EXPECT_EQ(whole, kAskNothing);
}

}  // namespace
}  // namespace consilium::simulation

// Every route and every call that the contracts generate, through the edge and through the doors of the services: none is left out
// of the document, of the access records and of the metrics of calls.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>
#include <set>

#include "consilium/chat/v1/chat_local.h"
#include "consilium/chat/v1/chat_routes.h"
#include "consilium/chat/v1/chat_rpc.h"
#include "consilium/documents.h"
#include "consilium/events/v1/dead_letters_local.h"
#include "consilium/events/v1/dead_letters_routes.h"
#include "consilium/events/v1/dead_letters_rpc.h"
#include "consilium/events/v1/events_local.h"
#include "consilium/events/v1/events_rpc.h"
#include "consilium/processes/v1/processes_local.h"
#include "consilium/processes/v1/processes_routes.h"
#include "consilium/processes/v1/processes_rpc.h"
#include "consilium/sessions/v1/sessions_codec.h"
#include "consilium/sessions/v1/sessions_local.h"
#include "consilium/sessions/v1/sessions_routes.h"
#include "consilium/sessions/v1/sessions_rpc.h"
#include "consilium/tasks/v1/tasks_local.h"
#include "consilium/tasks/v1/tasks_routes.h"
#include "consilium/tasks/v1/tasks_rpc.h"
#include "consilium/users/v1/users_local.h"
#include "consilium/users/v1/users_routes.h"
#include "consilium/users/v1/users_rpc.h"
#include "gateway/gateway.h"
#include "gateway/openid.h"
#include "runtime/call_metrics.h"
#include "runtime/log_sink.h"
#include "runtime/panic_testing.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::gateway {
namespace {

// Knows who asks, and refuses everything else as a service would; throws when told to.
class FarServices final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context&, std::string_view method, std::string) override {
    if (method.ends_with("/Authenticate")) {
      sessions::v1::AuthenticateReply reply;
      reply.user.id.bytes[15] = 7;
      reply.user.permissions = permissions;
      co_return encode_wire(reply);
    }
    if (throwing) runtime::testing::throw_from_deep_inside("a secret of the inside");
    co_return fail(ErrorKind::kConflict, "things.refused", "No");
  }

  std::vector<std::string> permissions;
  bool throwing = false;
};

template <class T>
void append(std::vector<T>& all, std::vector<T> more) {
  for (T& one : more) all.push_back(std::move(one));
}

class EveryRoute : public ::testing::Test {
 protected:
  EveryRoute() {
    for (const net::Route& route : routes()) {
      if (route.permission != "public" && route.permission != "session") services_.permissions.emplace_back(route.permission);
    }
    GatewayParts parts{
        routes(),
        sessions_,
        hub_,
        catalogue_,
        {"en"},
        {},
        {{"/api/v1/openapi.json", "{}"}, {"/api/v1/asyncapi.json", "{}"}},
        openid_mounts({sessions_, refusals_, catalogue_, settings_}),
        random_,
        refusals_,
        runtime::Logger(log_, "gateway", "http"),
        [this](const RequestFigures& figures) { ++figures_[std::string(figures.method) + " " + std::string(figures.route)]; }};
    gateway_ = std::make_unique<Gateway>(std::move(parts), settings_);
  }

  std::vector<net::Route> routes() {
    std::vector<net::Route> all;
    append(all, users::v1::routes(local_users_));
    append(all, sessions::v1::routes(local_sessions_));
    append(all, chat::v1::routes(local_chat_));
    append(all, tasks::v1::routes(local_tasks_));
    append(all, processes::v1::routes(local_processes_));
    append(all, events::v1::routes(local_letters_));
    return all;
  }
  std::vector<net::RpcMethod> methods() {
    std::vector<net::RpcMethod> all;
    append(all, users::v1::rpc_methods(local_users_));
    append(all, sessions::v1::rpc_methods(local_sessions_));
    append(all, chat::v1::rpc_methods(local_chat_));
    append(all, tasks::v1::rpc_methods(local_tasks_));
    append(all, processes::v1::rpc_methods(local_processes_));
    append(all, events::v1::rpc_methods(local_events_));
    append(all, events::v1::rpc_methods(local_letters_));
    return all;
  }

  static Task<void> keep(Gateway* gateway, runtime::Scheduler* loop, net::HttpRequest request, std::optional<net::HttpResponse>* out) {
    out->emplace(co_await gateway->handle(*loop, std::move(request)));
  }
  static Task<void> keep_upgrade(Gateway* gateway, runtime::Scheduler* loop, net::HttpRequest request,
                                 std::optional<net::UpgradeAnswer>* out) {
    out->emplace(co_await gateway->upgrade(*loop, std::move(request)));
  }
  static Task<void> keep_call(const net::RpcMethod* method, runtime::Context* context, std::string bytes, std::string* code) {
    const auto reply = co_await method->handle(*context, std::move(bytes));
    *code = reply ? "none" : reply.error().code;
  }

  static net::HttpRequest request_of(std::string_view method, std::string target, std::string body = {}) {
    net::HttpRequest request{std::string(method), std::move(target), {}, std::move(body), "10.0.0.9"};
    request.headers = {{"Host", "desk.example"}, {"Authorization", "Bearer good"}, {"If-Match", "\"1\""}};
    if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    return request;
  }
  net::HttpResponse send(std::string_view method, std::string target, std::string body = {}) {
    std::optional<net::HttpResponse> out;
    loop_.spawn("request", keep(gateway_.get(), &loop_, request_of(method, std::move(target), std::move(body)), &out));
    world_.run_for(seconds(1));
    EXPECT_TRUE(out);
    return std::move(*out);
  }
  net::UpgradeAnswer upgrade(std::string target) {
    std::optional<net::UpgradeAnswer> out;
    loop_.spawn("upgrade", keep_upgrade(gateway_.get(), &loop_, request_of("GET", std::move(target)), &out));
    world_.run_for(seconds(1));
    return std::move(*out);
  }
  // Each `{member}` gets a value of its own sort.
  static std::string target_of(std::string_view pattern) {
    std::string target = "/api/v1";
    for (std::string_view rest = pattern; !rest.empty();) {
      const auto open = rest.find('{');
      target += rest.substr(0, open);
      if (open == std::string_view::npos) break;
      const auto close = rest.find('}', open);
      target += rest.substr(open, close - open).ends_with("ransition") ? "solve" : "0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f";
      rest.remove_prefix(close + 1);
    }
    return target;
  }
  std::vector<boost::json::object> records(std::string_view message) const {
    std::vector<boost::json::object> found;
    for (const std::string& line : lines_->lines()) {
      auto object = boost::json::parse(line).as_object();
      if (object.at("message").as_string() == message) found.push_back(std::move(object));
    }
    return found;
  }
  static runtime::LogOptions log_options() {
    runtime::LogOptions options;
    options.level = runtime::LogLevel::kTrace;
    options.synchronous = true;
    return options;
  }

  runtime::SimulatedWorld world_{1};
  runtime::SimulatedScheduler& loop_ = world_.add_loop("edge");
  SeededRandom random_{1};
  std::shared_ptr<runtime::MemorySink> lines_ = std::make_shared<runtime::MemorySink>(runtime::LogFormat::kJson);
  runtime::Log log_{log_options(), {lines_}};
  runtime::MetricsRegistry registry_;
  runtime::CallMetrics observer_{registry_, log_};
  MessageCatalogue catalogue_;
  Settings settings_;
  FarServices services_;
  users::v1::RemoteUsers users_{services_};
  sessions::v1::RemoteSessions sessions_{services_};
  chat::v1::RemoteChat chat_{services_};
  tasks::v1::RemoteTasks tasks_{services_};
  processes::v1::RemoteProcesses processes_{services_};
  events::v1::RemoteEvents events_{services_};
  events::v1::RemoteDeadLetters letters_{services_};
  users::v1::LocalUsers local_users_{users_, observer_};
  sessions::v1::LocalSessions local_sessions_{sessions_, observer_};
  chat::v1::LocalChat local_chat_{chat_, observer_};
  tasks::v1::LocalTasks local_tasks_{tasks_, observer_};
  processes::v1::LocalProcesses local_processes_{processes_, observer_};
  events::v1::LocalEvents local_events_{events_, observer_};
  events::v1::LocalDeadLetters local_letters_{letters_, observer_};
  Hub hub_{loop_, random_, chat_, sessions_, settings_, runtime::Logger()};
  Refusals refusals_{loop_, random_, sessions_, runtime::Logger()};
  std::map<std::string, int> figures_;
  std::unique_ptr<Gateway> gateway_;
};

std::string text_of(const boost::json::object& record, std::string_view name) { return std::string(record.at(name).as_string()); }
std::int64_t number_of(const boost::json::object& record, std::string_view name) { return record.at(name).to_number<std::int64_t>(); }

TEST_F(EveryRoute, L_4_LeavesExactlyOneAccessRecord) {
  const auto all = routes();
  ASSERT_GT(all.size(), 40U);
  for (const net::Route& route : all) {
    const std::string name = std::string(route.method) + " " + std::string(route.path);
    const std::size_t before = records("Request answered").size();
    const auto response = send(route.method, target_of(route.path), route.method == "GET" || route.method == "DELETE" ? "" : "{}");
    const auto lines = records("Request answered");
    ASSERT_EQ(lines.size(), before + 1) << name;
    const auto& record = lines.back();
    EXPECT_EQ(text_of(record, "method"), route.method);
    EXPECT_EQ(text_of(record, "route"), route.path) << "the pattern, never the path with its ids";
    EXPECT_EQ(number_of(record, "status"), response.status) << name;
    EXPECT_EQ(number_of(record, "sent"), static_cast<std::int64_t>(response.body.size()));
    EXPECT_EQ(text_of(record, "peer"), "10.0.0.9");
    EXPECT_EQ(text_of(record, "rid"), response.header("X-Request-Id"));
    for (const char* part : {"took", "received", "trace"}) EXPECT_TRUE(record.contains(part)) << part;
    EXPECT_EQ(figures_[name], 1) << name;
  }
}

TEST_F(EveryRoute, L_4_DocumentsPagesAndSocketsLeaveOneToo) {
  std::size_t expected = 0;
  for (const char* target :
       {"/api/v1/openapi.json", "/oauth2/jwks", "/oauth2/authorize", "/", "/nothing", "/api/v9/users", "/api/v1/none"}) {
    send("GET", target);
    EXPECT_EQ(records("Request answered").size(), ++expected) << target;
  }
  EXPECT_TRUE(upgrade("/api/v1/events"));
  auto lines = records("Request answered");
  ASSERT_EQ(lines.size(), ++expected);
  EXPECT_EQ(number_of(lines.back(), "status"), 101);
  EXPECT_EQ(text_of(lines.back(), "route"), "/events");
  EXPECT_FALSE(upgrade("/api/v1/other"));
  EXPECT_EQ(records("Request answered").size(), ++expected);
}

TEST_F(EveryRoute, L_4_EveryCallLeavesExactlyOneRecord) {
  const auto all = methods();
  ASSERT_GT(all.size(), 60U);
  std::set<std::string> names;
  for (const net::RpcMethod& method : all) {
    ASSERT_TRUE(names.insert(method.name).second) << method.name;
    runtime::Context context(loop_, random_);
    context.request_id = "r-" + std::to_string(names.size());
    context.caller.kind = runtime::Caller::Kind::kService;
    std::string code;
    const std::size_t before = records("Call").size();
    loop_.spawn("call", keep_call(&method, &context, {}, &code));
    world_.run_for(seconds(1));
    EXPECT_TRUE(code == "things.refused" || code == "request.invalid" || code == "none") << method.name << " " << code;
    const auto lines = records("Call");
    ASSERT_EQ(lines.size(), before + 1) << method.name;
    EXPECT_TRUE(method.name.ends_with("/" + text_of(lines.back(), "call"))) << method.name;
    EXPECT_TRUE(method.name.starts_with("/consilium." + text_of(lines.back(), "service") + ".v")) << method.name;
    EXPECT_EQ(text_of(lines.back(), "rid"), context.request_id);
  }
}

// Whatever throws behind whichever route: its caller gets a code, the log the stack, and the next request its answer.
TEST_F(EveryRoute, P_1_X_1_AnExceptionBehindItIsACodedErrorOfThatRequestAlone) {
  runtime::testing::PanicWatch panics;
  std::uint64_t thrown = 0;
  for (const net::Route& route : routes()) {
    services_.throwing = true;
    const auto response = send(route.method, target_of(route.path), route.method == "GET" || route.method == "DELETE" ? "" : "{}");
    services_.throwing = false;
    EXPECT_EQ(response.body.find("secret of the inside"), std::string::npos) << response.body;
    if (response.status >= 500) {
      EXPECT_EQ(response.status, 500);
      EXPECT_NE(response.body.find(R"("code":"internal")"), std::string::npos) << response.body;
      EXPECT_NE(response.body.find("\"requestId\""), std::string::npos);
      ++thrown;
    } else {
      EXPECT_TRUE(response.status == 422 || response.status == 400) << route.path << " " << response.body;
    }
    EXPECT_EQ(panics.count("http"), thrown) << route.path;
  }
  EXPECT_GT(thrown, 20U) << "most routes reach their service";
  EXPECT_EQ(panics.lines(), thrown);
  EXPECT_TRUE(panics.all_show_the_throw("a secret of the inside"));
  EXPECT_EQ(send("GET", "/api/v1/users/me").status, 409) << "it goes on";
}

TEST_F(EveryRoute, V_2_TheDocumentDescribesExactlyTheRoutes) {
  const auto document = boost::json::parse(openapi_document()).as_object();
  std::map<std::string, std::string> documented;
  for (const auto& [path, operations] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : operations.as_object()) {
      if (method == "parameters") continue;
      std::string name(method);
      for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
      documented[name + " " + std::string(path)] = operation.as_object().at("x-permission").as_string();
    }
  }
  std::map<std::string, std::string> served;
  for (const net::Route& route : routes()) served[std::string(route.method) + " " + std::string(route.path)] = route.permission;
  EXPECT_EQ(documented, served);
}

}  // namespace
}  // namespace consilium::gateway

// Sessions of the whole platform: gateways hold none, so that any of them serves any and a restart loses nothing; and however many
// there are, a start reads none of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "app/demo_people.h"
#include "cluster.h"
#include "people.h"

namespace consilium::simulation {
namespace {

namespace json = boost::json;

template <class T>
Task<void> keep(Task<T> work, std::shared_ptr<std::optional<T>> out) {
  T value = co_await std::move(work);
  out->emplace(std::move(value));
}

Task<void> mark(Task<void> work, std::shared_ptr<bool> done) {
  co_await std::move(work);
  *done = true;
}

runtime::Context service_context(Cluster& cluster) {
  runtime::Context context(cluster.main(), cluster.random());
  context.client = runtime::ClientType::kTest;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "platform";
  return context;
}

net::HttpRequest request_for(std::string method, std::string path, std::string cookie, std::string body = "") {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = "/api/v1" + std::move(path);
  request.body = std::move(body);
  request.remote_address = "127.0.0.1";
  request.headers.emplace_back("Host", "consilium.example");
  request.headers.emplace_back("Origin", "http://consilium.example");
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  if (!cookie.empty()) request.headers.emplace_back("Cookie", std::move(cookie));
  return request;
}

// The way from one process to another: a message there, and one back.
class Wire final : public net::RpcChannel {
 public:
  Wire(runtime::SimulatedScheduler& there, RandomSource& random, std::vector<net::RpcMethod> methods) : there_(there), random_(random) {
    for (net::RpcMethod& method : methods) methods_.emplace(method.name, method.handle);
  }

  Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string request) override {
    const auto found = methods_.find(std::string(method));
    if (found == methods_.end())
      co_return fail(ErrorKind::kUnavailable, "rpc.unavailable", "Expected a method of a service that runs there");
    auto message = std::make_shared<Message>(context, found->second, std::move(request));
    auto& here = static_cast<runtime::SimulatedScheduler&>(context.scheduler());
    there_.post_after(milliseconds(2), [this, message, &here] { there_.spawn("rpc", serve(&there_, &random_, message, &here)); });
    co_await message->answered.wait();
    co_return std::move(*message->answer);
  }

 private:
  struct Message {
    Message(const runtime::Context& from, std::function<Task<Result<std::string>>(runtime::Context&, std::string)> chosen,
            std::string bytes)
        : context(from), handle(std::move(chosen)), request(std::move(bytes)), answered(from.scheduler()) {}
    runtime::Context context;
    std::function<Task<Result<std::string>>(runtime::Context&, std::string)> handle;
    std::string request;
    std::optional<Result<std::string>> answer;
    runtime::Gate answered;
  };

  // With what travels, on the loop of who is called.
  static Task<void> serve(runtime::SimulatedScheduler* loop, RandomSource* random, std::shared_ptr<Message> message,
                          runtime::SimulatedScheduler* caller) {
    runtime::Context context(*loop, *random);
    context.request_id = message->context.request_id;
    context.language = message->context.language;
    context.remote_address = message->context.remote_address;
    context.client = runtime::ClientType::kGrpc;
    context.caller = message->context.caller;
    context.deadline = message->context.deadline;
    context.cancellation = message->context.cancellation;
    context.idempotency_key = message->context.idempotency_key;
    context.expected_version = message->context.expected_version;
    auto answer = co_await message->handle(context, message->request);
    message->answer.emplace(std::move(answer));
    caller->post_after(milliseconds(2), [message] { message->answered.open(); });
  }

  runtime::SimulatedScheduler& there_;
  RandomSource& random_;
  std::map<std::string, std::function<Task<Result<std::string>>(runtime::Context&, std::string)>, std::less<>> methods_;
};

// A process that runs the gateway alone; all services are in the cluster's node.
class GatewayProcess {
 public:
  GatewayProcess(Cluster& cluster, std::string name) : cluster_(cluster), node_(cluster.world().add_node(name)), disk_(++count_) {
    start();
  }
  ~GatewayProcess() { stop(); }
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  void restart() {
    stop();
    start();
  }

  net::HttpResponse ask(net::HttpRequest request) {
    auto answer = std::make_shared<std::optional<net::HttpResponse>>();
    loop_->spawn("request", keep(platform_->edge().handle(*loop_, std::move(request)), answer));
    cluster_.run_until([&] { return answer->has_value(); }, minutes(1));
    if (!*answer) throw std::runtime_error("the gateway does not answer");
    return std::move(**answer);
  }
  int status_of(const std::string& cookie) { return ask(request_for("GET", "/sessions/current", cookie)).status; }

  // Frames by type, and the code of the end.
  struct Page {
    std::shared_ptr<SimulatedSocket> socket;
    std::vector<std::string> frames;
    std::optional<std::uint16_t> ended;
    std::size_t count(std::string_view type) const { return static_cast<std::size_t>(std::ranges::count(frames, type)); }
  };
  std::shared_ptr<Page> open_page(const std::string& cookie) {
    auto answer = std::make_shared<std::optional<net::UpgradeAnswer>>();
    loop_->spawn("upgrade", keep(platform_->edge().upgrade(*loop_, request_for("GET", "/events", cookie)), answer));
    cluster_.run_until([&] { return answer->has_value(); }, minutes(1));
    auto page = std::make_shared<Page>();
    if (!*answer || !**answer) return page;
    SimulatedSocket::Receiver receiver;
    // The page has the socket; the other way round it would keep itself.
    receiver.on_frame = [seen = std::weak_ptr(page)](const std::string& frame) {
      if (const auto there = seen.lock()) there->frames.emplace_back(json::parse(frame).at("type").as_string());
    };
    receiver.on_end = [seen = std::weak_ptr(page)](std::uint16_t code) {
      if (const auto there = seen.lock()) there->ended = code;
    };
    page->socket = std::make_shared<SimulatedSocket>(*loop_, cluster_.people(), (**answer)->listener, std::move(receiver));
    sockets_.push_back(page->socket);
    page->socket->open();
    return page;
  }

 private:
  void start() {
    auto& world = cluster_.world();
    loop_ = &world.add_loop(node_, "main");
    auto& engine = world.add_loop(node_, "engine");
    auto& disk_loop = world.add_loop(node_, "database");
    store_ = std::move(*database::simulated::SimulatedStore::open(disk_loop, disk_, {.seed = count_}));
    auto& services = static_cast<runtime::SimulatedScheduler&>(cluster_.main());
    auto wire = std::make_shared<Wire>(services, cluster_.random(), cluster_.platform().rpc_methods());
    std::map<std::string, std::shared_ptr<net::RpcChannel>, std::less<>> elsewhere;
    for (const char* service : {"users", "sessions", "chat", "tasks", "processes"}) elsewhere.emplace(service, wire);
    app::PlatformSettings settings;
    settings.run = {"gateway"};
    platform_ = std::make_unique<app::Platform>(
        app::PlatformPorts{*store_, *loop_, engine, pool_, cluster_.random(), keys_, Secret(std::string(32, 'k')), observer_, log_,
                           [](const gateway::RequestFigures&) {}, queue_observer_, std::move(elsewhere)},
        std::move(settings));
    if (!platform_->prepare(loop_->now())) throw std::runtime_error("the gateway is not prepared");
    auto started = std::make_shared<std::optional<Result<void>>>();
    loop_->spawn("start", keep(platform_->start(), started));
    cluster_.run_until([&] { return started->has_value(); }, minutes(1));
    if (!*started || !**started) throw std::runtime_error("the gateway does not start");
    // Its hub reads the feed from now on.
    cluster_.run_for(milliseconds(100));
  }

  void stop() {
    if (!platform_) return;
    for (const auto& socket : std::exchange(sockets_, {})) socket->close(gateway::close_code::kShutdown, "shutdown");
    cluster_.run_for(seconds(1));
    auto stopped = std::make_shared<bool>(false);
    loop_->spawn("stop", mark(platform_->stop(), stopped));
    cluster_.run_until([&] { return *stopped; }, minutes(2));
    EXPECT_TRUE(*stopped) << "a gateway does not stop";
    cluster_.world().crash(node_);
    platform_.reset();
    store_->close();
    store_.reset();
  }

  inline static std::uint64_t count_ = 0;
  Cluster& cluster_;
  runtime::NodeId node_;
  database::simulated::Disk disk_;
  runtime::SimulatedScheduler* loop_ = nullptr;
  runtime::SimulatedPool pool_{milliseconds(20), 1};
  sessions::MemoryKeyStore keys_;
  Tally tally_;
  CallCounter observer_{tally_};
  tasks::QueueObserver queue_observer_;
  runtime::Log log_{runtime::LogOptions{.level = runtime::LogLevel::kOff}, {}};
  std::unique_ptr<database::simulated::SimulatedStore> store_;
  std::unique_ptr<app::Platform> platform_;
  std::vector<std::shared_ptr<SimulatedSocket>> sockets_;
};

class SessionsOfThePlatform : public ::testing::Test {
 protected:
  SessionsOfThePlatform() : cluster_(7, tally_) {
    if (!cluster_.start()) throw std::runtime_error("the platform does not start");
    make_people(kPassword);
  }
  ~SessionsOfThePlatform() override {
    for (const std::string& failure : cluster_.failures()) ADD_FAILURE() << failure;
    if (cluster_.is_up()) cluster_.stop();
  }

  void make_people(std::string_view password) {
    runtime::Context context = service_context(cluster_);
    const auto made = cluster_.ask(app::create_demo_people(cluster_.platform(), context, Secret(std::string(password))));
    if (!made || !*made) throw std::runtime_error("the people were not made");
  }

  // The cookie of a new session.
  std::string log_in(const std::string& name, GatewayProcess& gateway) {
    const auto response = gateway.ask(request_for("POST", "/sessions", "", login_body(name)));
    EXPECT_EQ(response.status, 201) << response.body;
    return cookie_of(response);
  }
  static std::string login_body(const std::string& name) {
    return json::serialize(json::object{{"username", name}, {"password", std::string(kPassword)}});
  }
  static std::string cookie_of(const net::HttpResponse& response) {
    const std::string_view cookie = response.header("Set-Cookie");
    return std::string(cookie.substr(0, cookie.find(';')));
  }
  // By the node that runs everything.
  net::HttpResponse at_the_node(net::HttpRequest request) {
    auto answer = cluster_.ask(cluster_.platform().edge().handle(cluster_.main(), std::move(request)));
    if (!answer) throw std::runtime_error("no answer");
    return std::move(*answer);
  }

  Tally tally_;
  Cluster cluster_;
};

TEST_F(SessionsOfThePlatform, U_1_H_3_TwoGatewaysServeOneSessionAndARestartLosesNone) {
  GatewayProcess first(cluster_, "gateway-1");
  GatewayProcess second(cluster_, "gateway-2");
  const std::string anna = log_in("anna", first);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(first.status_of(anna), 200);
    EXPECT_EQ(second.status_of(anna), 200) << "nothing is told between them";
  }
  const std::string boris = log_in("boris", second);
  const auto page = second.open_page(boris);
  const auto own = first.open_page(anna);
  const auto also = second.open_page(anna);
  cluster_.run_for(seconds(1));
  ASSERT_EQ(own->count("welcome"), 1U);
  ASSERT_EQ(also->count("welcome"), 1U);

  // Written at one, seen at both, once.
  const auto channels = first.ask(request_for("GET", "/channels", anna));
  const std::string channel(json::parse(channels.body).at("items").at(0).at("id").as_string());
  ASSERT_EQ(first.ask(request_for("POST", "/channels/" + channel + "/posts", anna, R"({"text":"hello"})")).status, 201);
  cluster_.run_for(seconds(2));
  EXPECT_GE(own->count("post.created"), 1U);
  for (const char* type : {"post.created", "task.updated"}) EXPECT_EQ(own->count(type), also->count(type)) << type;

  first.restart();
  EXPECT_EQ(own->ended, gateway::close_code::kShutdown);
  EXPECT_EQ(first.status_of(anna), 200) << "a new process knows the session of the old one";
  EXPECT_EQ(first.status_of(boris), 200);
  EXPECT_FALSE(also->ended) << "the other gateway's sockets heard nothing of it";
  const auto again = first.open_page(anna);
  cluster_.run_for(seconds(1));
  EXPECT_EQ(again->count("welcome"), 1U);

  // Ended at one, ended at both, sockets included.
  EXPECT_EQ(second.ask(request_for("DELETE", "/sessions/current", anna)).status, 204);
  EXPECT_EQ(first.status_of(anna), 401);
  EXPECT_EQ(second.status_of(anna), 401);
  cluster_.run_for(seconds(1));
  EXPECT_EQ(again->ended, gateway::close_code::kNormal);
  EXPECT_EQ(also->ended, gateway::close_code::kNormal);
  EXPECT_FALSE(page->ended) << "another person's session goes on";
  EXPECT_EQ(first.status_of(boris), 200);
}

TEST_F(SessionsOfThePlatform, AnotherStartWithTheSamePasswordsLeavesSessionsOpen) {
  GatewayProcess gateway(cluster_, "gateway-1");
  const std::string anna = log_in("anna", gateway);
  make_people(kPassword);
  EXPECT_EQ(gateway.status_of(anna), 200);
  const auto listed = gateway.ask(request_for("GET", "/sessions", anna));
  EXPECT_EQ(json::parse(listed.body).at("items").as_array().size(), 1U)
      << "looking at the password leaves no session behind: " << listed.body;
  make_people("quite-another-password");
  EXPECT_EQ(gateway.status_of(anna), 401);
}

TEST_F(SessionsOfThePlatform, U_3_H_3_TheSocketOfASessionThatExpiresIsClosedByItsCode) {
  GatewayProcess gateway(cluster_, "gateway-1");
  const std::string anna = log_in("anna", gateway);
  const auto page = gateway.open_page(anna);
  // The page lives, but nobody uses the session: twelve hours, and half a minute until it is noticed.
  const Timestamp opened = cluster_.world().steady_now();
  while (!page->ended && cluster_.world().steady_now() - opened < hours(13)) {
    cluster_.run_for(seconds(20));
    if (!page->ended) page->socket->say(R"({"type":"ping"})");
  }
  EXPECT_EQ(page->ended, gateway::close_code::kExpired);
  EXPECT_GE(cluster_.world().steady_now() - opened, hours(12));
  EXPECT_LE(cluster_.world().steady_now() - opened, hours(12) + minutes(2));
  EXPECT_EQ(page->count("session.expiring"), 1U);
  const auto refused = gateway.ask(request_for("GET", "/sessions/current", anna));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(json::parse(refused.body).at("code").as_string(), "sessions.expired");
}

TEST_F(SessionsOfThePlatform, U_4_AStartReadsNoneOfAHundredThousandSessions) {
  const std::string open = cookie_of(at_the_node(request_for("POST", "/sessions", "", login_body("anna"))));
  const std::string ended = cookie_of(at_the_node(request_for("POST", "/sessions", "", login_body("boris"))));
  ASSERT_EQ(at_the_node(request_for("DELETE", "/sessions/current", ended)).status, 204);

  struct Read {
    std::uint64_t by_start = 0;
    std::uint64_t by_first_call = 0;
    std::uint64_t by_minutes = 0;  // of running, the sweeps included
  };
  const auto read_after_a_restart = [&] {
    cluster_.stop();
    Read read;
    std::uint64_t before = cluster_.disk().bytes_read();
    EXPECT_TRUE(cluster_.start());
    read.by_start = cluster_.disk().bytes_read() - before;
    before = cluster_.disk().bytes_read();
    EXPECT_EQ(at_the_node(request_for("GET", "/sessions/current", open)).status, 200);
    read.by_first_call = cluster_.disk().bytes_read() - before;
    EXPECT_EQ(at_the_node(request_for("GET", "/sessions/current", ended)).status, 401) << "who logged out stays out";
    before = cluster_.disk().bytes_read();
    cluster_.run_for(minutes(3));
    read.by_minutes = cluster_.disk().bytes_read() - before;
    return read;
  };
  const Read few = read_after_a_restart();

  runtime::Context context = service_context(cluster_);
  const Timestamp now = context.now();
  database::Database& sessions = cluster_.store().service("sessions");
  const auto fill = [now](database::Transaction& transaction) {
    return transaction.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        " INSERT INTO sessions_session (id, user_id, kind, cookie_hash, created_at, last_used_at, expires_at, user_agent, remote_address, "
        "end_reason) SELECT CAST(printf('s%015d', i) AS BLOB), CAST(printf('u%015d', i) AS BLOB), 'cookie', CAST(printf('c%031d', i) AS "
        "BLOB), ?1, ?1, ?1 + ?2, 'Browser 1', '192.0.2.1', '' FROM n",
        now, days(30).microseconds);
  };
  const auto filled = cluster_.ask(sessions.write(context, fill));
  ASSERT_TRUE(filled && *filled);
  ASSERT_EQ(**filled, 100'000);

  const Read many = read_after_a_restart();
  const std::uint64_t a_little = 256 * 1024;  // of some thirty megabytes
  EXPECT_LE(many.by_start, few.by_start + a_little);
  EXPECT_LE(many.by_first_call, few.by_first_call + a_little) << "one session is found by its key";
  EXPECT_LE(many.by_minutes, few.by_minutes + a_little);
  EXPECT_GT(cluster_.disk().used_bytes(), 10'000'000U) << "they are there";
}

}  // namespace
}  // namespace consilium::simulation

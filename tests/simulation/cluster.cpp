#include "cluster.h"

#include <algorithm>

#include "runtime/log_sink.h"

namespace consilium::simulation {
namespace {

constexpr Duration kStartLimit = minutes(3);
constexpr std::uint64_t kReserve = 64 * 1024;    // of the disk, below which writes are refused
constexpr std::uint64_t kLittleRoom = 8 * 1024;  // above the reserve, so that the disk gets full within a commit
constexpr Duration kExcuse = seconds(5);         // after the disk failed

class StderrSink final : public runtime::LogSink {
 public:
  StderrSink() : LogSink(runtime::LogFormat::kHuman) {}
  void write(std::span<const runtime::LogLine> lines) override {
    for (const runtime::LogLine& line : lines) std::fprintf(stderr, "%s\n", line.human.c_str());
  }
};

// Reads what everybody may read.
class WatchingSink final : public runtime::LogSink {
 public:
  explicit WatchingSink(Cluster& cluster) : LogSink(runtime::LogFormat::kJson), cluster_(cluster) {}
  void write(std::span<const runtime::LogLine> lines) override {
    cluster_.count("log lines read", lines.size());
    for (const runtime::LogLine& line : lines) {
      if (Cluster::tells_secret(line.json)) cluster_.blame("invariant 14: a log line tells a secret: " + line.json);
    }
  }

 private:
  Cluster& cluster_;
};

// Every fourth run is read at its most talkative: writing it takes time.
constexpr std::uint64_t kWatchEvery = 4;

// CONSILIUM_SIMULATION_LOG=debug shows what the platform says: for looking at one seed.
runtime::LogOptions log_options(const runtime::SimulatedWorld& world) {
  runtime::LogOptions options;
  const char* level = std::getenv("CONSILIUM_SIMULATION_LOG");
  const char* otherwise = world.seed() % kWatchEvery == 0 ? "trace" : "off";
  options.level = runtime::parse_log_level(level ? level : otherwise).value_or(runtime::LogLevel::kOff);
  options.clock = [&world] { return world.true_now(); };
  options.synchronous = true;
  return options;
}

std::vector<std::shared_ptr<runtime::LogSink>> sinks(Cluster& cluster) {
  if (std::getenv("CONSILIUM_SIMULATION_LOG")) return {std::make_shared<StderrSink>(), std::make_shared<WatchingSink>(cluster)};
  return {std::make_shared<WatchingSink>(cluster)};
}

app::PlatformSettings settings_of(std::uint64_t seed) {
  SeededRandom random(seed);
  app::PlatformSettings settings;
  settings.sessions.password = {8, 1, 1};
  settings.tasks.limit = 1 + static_cast<std::int64_t>(random.below(2));
  settings.tasks.exclusion = minutes(1 + static_cast<std::int64_t>(random.below(3)));
  return settings;
}

}  // namespace

std::string tally_name(Fault fault) { return "fault " + std::string(kFaultNames[static_cast<std::size_t>(fault)]); }

std::uint64_t Cluster::crashes() const {
  std::uint64_t sum = 0;
  for (const Fault crash : kCrashes) {
    if (const auto found = tally_.find(tally_name(crash)); found != tally_.end()) sum += found->second;
  }
  return sum;
}

void CallCounter::on_call(const runtime::Context&, const runtime::CallRecord& record) {
  std::string name = "call " + std::string(record.service) + "." + std::string(record.call);
  if (record.error) name += " " + record.error->code;
  ++tally_[name];
}

SimulatedSocket::SimulatedSocket(runtime::SimulatedScheduler& server, runtime::SimulatedScheduler& people,
                                 std::shared_ptr<net::WebSocketListener> listener, Receiver receiver)
    : server_(server), people_(people), listener_(std::move(listener)), receiver_(std::move(receiver)) {}

bool SimulatedSocket::send(std::string text) {
  if (ended_) return true;
  if (travelling_.size() >= kBound) return false;
  travelling_.push_back(std::move(text));
  people_.post_after(milliseconds(static_cast<std::int64_t>(1 + people_.world().random().below(20))),
                     [self = shared_from_this()] { self->deliver_one(); });
  return true;
}

// The oldest frame, whichever event of delivery this is: frames keep their order.
void SimulatedSocket::deliver_one() {
  if (broken_ || travelling_.empty()) return;
  const std::string frame = std::move(travelling_.front());
  travelling_.erase(travelling_.begin());
  receiver_.on_frame(frame);
}

void SimulatedSocket::close(std::uint16_t code, std::string_view) {
  if (ended_) return;
  ended_ = true;
  server_.post([self = shared_from_this(), code] { self->listener_->on_close(code); });
  people_.post_after(milliseconds(25), [self = shared_from_this(), code] {
    if (std::exchange(self->broken_, true)) return;
    self->receiver_.on_end(code);
  });
}

void SimulatedSocket::open() {
  server_.post([self = shared_from_this()] { self->listener_->on_open(self); });
}

void SimulatedSocket::say(std::string text) {
  server_.post_after(milliseconds(static_cast<std::int64_t>(1 + people_.world().random().below(20))),
                     [self = shared_from_this(), text = std::move(text)] {
                       if (!self->ended_) self->listener_->on_text(text);
                     });
}

void SimulatedSocket::cut() {
  if (std::exchange(broken_, true)) return;
  travelling_.clear();
  people_.post([self = shared_from_this()] { self->receiver_.on_end(1006); });
  server_.post_after(milliseconds(static_cast<std::int64_t>(people_.world().random().below(3'000))), [self = shared_from_this()] {
    if (std::exchange(self->ended_, true)) return;
    self->listener_->on_close(1006);
  });
}

void SimulatedSocket::lose_server() {
  cut();
  ended_ = true;
  listener_.reset();
}

Cluster::Cluster(std::uint64_t seed, Tally& tally, const Mutation* mutation, void (*change)(app::PlatformSettings&))
    : tally_(tally),
      mutation_(mutation),
      settings_(settings_of(seed)),
      random_(seed * 4 + 1),
      network_random_(seed * 4 + 2),
      disk_(seed),
      world_(seed),
      people_node_(world_.add_node("people")),
      people_(world_.add_loop(people_node_, "people")),
      log_(log_options(world_), sinks(*this)),
      logger_(log_, "gateway", "requests"),
      observer_(tally) {
  if (change) change(settings_);
}

Cluster::~Cluster() {
  world_.crash(people_node_);
  if (platform_ || store_) destroy_process();
}

Duration Cluster::latency() { return milliseconds(static_cast<std::int64_t>(1 + network_random_.below(30))); }

bool Cluster::fail_start(const Error& error) {
  // A disk that is dark or failed fails everything; any other reason is a bug.
  if (is_excused())
    count("start failed by the disk");
  else if (!is_lost())
    blame("the platform does not start: " + error.describe());
  crash(Crash::kKill);
  return false;
}

bool Cluster::start() {
  const std::uint64_t life = ++lives_;
  disk_.power_on();
  fatal_ = false;
  const runtime::NodeId node{0};
  main_ = &world_.add_loop(node, "main");
  auto& engine = world_.add_loop(node, "engine");
  auto& disk_loop = world_.add_loop(node, "database");
  http_ = {&world_.add_loop(node, "http0"), &world_.add_loop(node, "http1")};
  database::simulated::SimulatedOptions options;
  options.seed = world_.seed() * 1'000 + life;
  options.sqlite.reserve_bytes = kReserve;
  if (mutation_ && mutation_->elsewhere == Mutation::Elsewhere::kCommitsAreNotSynced)
    options.sqlite.synchronous = database::sqlite::Synchronous::kOffForTests;
  if (mutation_ && mutation_->elsewhere == Mutation::Elsewhere::kAnswersBeforeTheSync)
    options.answers = database::simulated::Answers::kBeforeSyncForTests;
  // As the program does: it ends, and recovers when it is started again.
  options.sqlite.on_fatal = [this](const Error&) { fatal_ = true; };
  auto store = database::simulated::SimulatedStore::open(disk_loop, disk_, options);
  if (!store) return fail_start(store.error());
  store_ = std::move(*store);
  store_->watch("tasks_history", [this] { ++steps_of_cases_; });
  pool_ = std::make_unique<runtime::SimulatedPool>(milliseconds(20), 2);
  database::Store* seen = store_.get();
  if (mutation_) {
    mutated_ = std::make_unique<MutatedStore>(*store_, *mutation_);
    seen = mutated_.get();
  }
  platform_ = std::make_unique<app::Platform>(app::PlatformPorts{*seen,
                                                                 *main_,
                                                                 engine,
                                                                 *pool_,
                                                                 random_,
                                                                 keys_,
                                                                 Secret(std::string(32, 'k')),
                                                                 observer_,
                                                                 log_,
                                                                 [](const gateway::RequestFigures&) {},
                                                                 queue_observer_,
                                                                 {}},
                                              settings_);
  auto prepared = platform_->prepare(main_->now());
  if (!prepared) return fail_start(prepared.error());
  auto started = std::make_shared<std::optional<Result<void>>>();
  main_->spawn("platform.start", keep(platform_->start(), started));
  run_until([&] { return started->has_value(); }, kStartLimit);
  if (!*started) return fail_start(internal_error("the start did not end"));
  if (!**started) return fail_start((*started)->error());
  up_ = true;
  count("node started");
  return true;
}

// Frames first, then the objects that they used, then the files.
void Cluster::destroy_process() {
  up_ = false;
  world_.crash(runtime::NodeId{0});
  if (store_) store_->kill();
  platform_.reset();
  mutated_.reset();
  store_.reset();
  disk_.kill_processes();
  for (const auto& call : std::exchange(calls_, {})) answer(call);
  for (const auto& socket : std::exchange(sockets_, {})) {
    if (const auto open = socket.lock()) open->lose_server();
  }
}

void Cluster::crash(Crash kind) {
  count(fatal_                     ? Fault::kFailedCommit
        : disk_.is_dark()          ? Fault::kPowerCutInDisk
        : kind == Crash::kPowerCut ? Fault::kPowerCut
                                   : Fault::kKill);
  if (kind == Crash::kPowerCut && !disk_.is_dark()) disk_.power_cut();
  destroy_process();
}

Task<void> Cluster::mark(Task<void> work, std::shared_ptr<bool> done) {
  co_await std::move(work);
  *done = true;
}

void Cluster::stop() {
  auto stopped = std::make_shared<bool>(false);
  main_->spawn("platform.stop", mark(platform_->stop(), stopped));
  run_until([&] { return *stopped; }, minutes(2));
  if (!*stopped && !is_lost()) blame("the platform does not stop");
  if (*stopped) store_->close();
  count("node stopped");
  destroy_process();
}

bool Cluster::run_until(const std::function<bool()>& condition, Duration span) {
  world_.run_until([&] { return is_lost() || condition(); }, span);
  return condition();
}

void Cluster::run_events(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count && !is_lost(); ++i) world_.step();
}

void Cluster::fill_disk() {
  count(Fault::kFullDisk);
  full_ = true;
  disk_.set_capacity(disk_.used_bytes() + kReserve + random_.below(2) * kLittleRoom);
}

void Cluster::make_room() {
  if (std::exchange(full_, false)) excused_until_ = world_.steady_now() + kExcuse;
  disk_.set_capacity(std::nullopt);
}

bool Cluster::is_excused() {
  if (std::exchange(faults_noted_, disk_.faults_taken()) != disk_.faults_taken() || full_) excused_until_ = world_.steady_now() + kExcuse;
  return world_.steady_now() < excused_until_;
}

bool Cluster::tells_secret(std::string_view text) {
  for (const std::string_view word : {"Passphrase", "knee hurts", "in the evening", "+70000000003", "Please tell me more"}) {
    if (text.find(word) != std::string_view::npos) return true;
  }
  return false;
}

void Cluster::strip_session(net::HttpRequest& request, const runtime::Scheduler* loop) const {
  if (!mutation_) return;
  if (mutation_->elsewhere == Mutation::Elsewhere::kOneLoopForgetsSessions && loop == http_[1])
    std::erase_if(request.headers, [](const auto& header) { return header.first == "Cookie"; });
  if (mutation_->elsewhere == Mutation::Elsewhere::kBodiesAreLogged) logger_.debug("Request", {{"body", request.body}});
}

Task<int> Cluster::session_status(Cluster* cluster, runtime::Scheduler* loop, std::string cookie) {
  co_await loop->enter();
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/api/v1/sessions/current";
  request.remote_address = "127.0.0.1";
  request.headers.emplace_back("Host", "consilium.example");
  request.headers.emplace_back("Cookie", std::move(cookie));
  cluster->strip_session(request, loop);
  auto response = co_await cluster->platform_->edge().handle(*loop, std::move(request));
  co_await cluster->main_->enter();
  co_return response.status;
}

std::vector<int> Cluster::session_statuses(const std::string& cookie) {
  std::vector<int> statuses;
  for (runtime::Scheduler* loop : http_) {
    const auto status = ask(session_status(this, loop, cookie));
    if (!status) return {};
    statuses.push_back(*status);
  }
  return statuses;
}

void Cluster::answer(const std::shared_ptr<Call>& call) {
  std::erase(calls_, call);
  people_.post_after(latency(), [call] { call->answered.open(); });
}

Task<void> Cluster::serve(Cluster* cluster, runtime::Scheduler* loop, net::HttpRequest request, std::shared_ptr<Call> call) {
  auto response = co_await cluster->platform_->edge().handle(*loop, std::move(request));
  call->response = std::move(response);
  cluster->answer(call);
}

Task<void> Cluster::serve_upgrade(Cluster* cluster, runtime::Scheduler* loop, net::HttpRequest request, std::shared_ptr<Call> call) {
  auto answer = co_await cluster->platform_->edge().upgrade(*loop, std::move(request));
  if (answer) call->listener = answer->listener;
  if (!answer) call->response = std::move(answer.error());
  cluster->answer(call);
}

std::shared_ptr<Cluster::Call> Cluster::send(net::HttpRequest request,
                                             Task<void> (*server)(Cluster*, runtime::Scheduler*, net::HttpRequest, std::shared_ptr<Call>)) {
  auto call = std::make_shared<Call>(people_);
  request.remote_address = "127.0.0.1";
  request.headers.emplace_back("Host", "consilium.example");
  request.headers.emplace_back("Origin", "http://consilium.example");
  if (!up_) {
    answer(call);
    return call;
  }
  calls_.push_back(call);
  runtime::SimulatedScheduler* loop = http_[network_random_.below(http_.size())];
  call->loop = loop;
  call->life = lives_;
  strip_session(request, loop);
  loop->post_after(latency(), [this, loop, server, call, request = std::move(request)]() mutable {
    loop->spawn("http.request", server(this, loop, std::move(request), call));
  });
  return call;
}

Task<std::optional<net::HttpResponse>> Cluster::request(net::HttpRequest request) {
  auto call = send(std::move(request), serve);
  co_await call->answered.wait();
  co_return std::move(call->response);
}

Task<std::shared_ptr<SimulatedSocket>> Cluster::connect(net::HttpRequest request, SimulatedSocket::Receiver receiver) {
  auto call = send(std::move(request), serve_upgrade);
  co_await call->answered.wait();
  if (!call->listener || !up_ || call->life != lives_) co_return nullptr;
  auto socket = std::make_shared<SimulatedSocket>(*call->loop, people_, std::move(call->listener), std::move(receiver));
  sockets_.push_back(socket);
  socket->open();
  co_return socket;
}

}  // namespace consilium::simulation

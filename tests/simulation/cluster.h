// One simulated machine that runs the whole platform, and the network between it and people: it starts, is killed, loses
// power and starts again on the same disk. Everything runs in one thread on virtual time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/platform.h"
#include "mutated_store.h"
#include "ports/database/simulated/simulated_store.h"
#include "runtime/event.h"
#include "runtime/simulated_scheduler.h"
#include "services/sessions/key_store.h"

namespace consilium::simulation {

// What happened, by name: printed at the end of all runs.
using Tally = std::map<std::string, std::uint64_t>;

// What is done to the platform. A tally has them as `fault NAME`.
enum class Fault {
  kKill,
  kPowerCut,
  kPowerCutInDisk,
  kFailedCommit,
  kReadError,
  kWriteError,
  kSyncError,
  kNoSpace,
  kFullDisk,
  kClockBack,
  kClockForward,
  kPause,
  kSocketCut,
};
inline constexpr std::string_view kFaultNames[] = {"kill",
                                                   "power cut",
                                                   "power cut in a sync or write",
                                                   "failed commit",
                                                   "error at a read",
                                                   "error at a write",
                                                   "error at a sync",
                                                   "no space at a write",
                                                   "full disk",
                                                   "clock set back",
                                                   "clock set forward",
                                                   "pause",
                                                   "socket cut"};
// After these the process is gone.
inline constexpr Fault kCrashes[] = {Fault::kKill, Fault::kPowerCut, Fault::kPowerCutInDisk, Fault::kFailedCommit};
std::string tally_name(Fault fault);

// The platform's calls by result: `chat.CreatePost`, `chat.CreatePost chat.too-fast`.
class CallCounter final : public runtime::CallObserver {
 public:
  explicit CallCounter(Tally& tally) : tally_(tally) {}
  void on_call(const runtime::Context& context, const runtime::CallRecord& record) override;

 private:
  Tally& tally_;
};

// The server's end of a socket whose frames travel for a while, in order. The other end is `Receiver`.
class SimulatedSocket final : public net::WebSocket, public std::enable_shared_from_this<SimulatedSocket> {
 public:
  struct Receiver {
    std::function<void(const std::string&)> on_frame;
    std::function<void(std::uint16_t)> on_end;
  };
  SimulatedSocket(runtime::SimulatedScheduler& server, runtime::SimulatedScheduler& people,
                  std::shared_ptr<net::WebSocketListener> listener, Receiver receiver);

  bool send(std::string text) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::size_t queued() const override { return travelling_.size(); }

  // The page's side, on its loop.
  void open();
  void say(std::string text);
  // The connection breaks: what travels is lost. The server hears of it later.
  void cut();
  // The process at the other end is gone, and its listener with it: nobody is left to hear of the end.
  void lose_server();

 private:
  static constexpr std::size_t kBound = 256;  // as of the real one
  void deliver_one();

  runtime::SimulatedScheduler& server_;
  runtime::SimulatedScheduler& people_;
  std::shared_ptr<net::WebSocketListener> listener_;
  Receiver receiver_;
  std::vector<std::string> travelling_;
  bool ended_ = false;   // for the listener
  bool broken_ = false;  // for the page
};

class Cluster {
 public:
  // `mutation`: what is broken on purpose; null: nothing. It outlives the cluster. `change`: other settings than the seed's.
  Cluster(std::uint64_t seed, Tally& tally, const Mutation* mutation = nullptr, void (*change)(app::PlatformSettings&) = nullptr);
  ~Cluster();

  runtime::SimulatedWorld& world() { return world_; }
  runtime::SimulatedScheduler& people() { return people_; }
  database::simulated::Disk& disk() { return disk_; }
  RandomSource& random() { return random_; }
  app::Platform& platform() { return *platform_; }
  database::Store& store() { return *store_; }
  runtime::Scheduler& main() { return *main_; }
  bool is_up() const { return up_; }
  // The power went, or the process ended itself since a commit failed in the disk.
  bool is_lost() const { return disk_.is_dark() || fatal_; }
  // Whether the disk did something lately that excuses a failed call.
  bool is_excused();

  // Runs the start. False when the power went meanwhile; an error that is not the disk's is a failure.
  bool start();
  // The process is gone at once.
  enum class Crash { kKill, kPowerCut };
  void crash(Crash kind);
  // An orderly end.
  void stop();

  // Runs events until `condition` holds, `span` is over or the power goes. Whether the condition holds.
  bool run_until(const std::function<bool()>& condition, Duration span);
  void run_for(Duration span) {
    run_until([] { return false; }, span);
  }
  void run_events(std::uint64_t count);
  // Rises with each commit that moves a task on.
  std::uint64_t steps_of_cases() const { return steps_of_cases_; }
  // No room on the disk for new pages.
  void fill_disk();
  void make_room();

  // What this browser is answered by each loop of the edge: the status of `GET /sessions/current`. Empty: lost meanwhile.
  std::vector<int> session_statuses(const std::string& cookie);
  // Words that may not be in any log line.
  static bool tells_secret(std::string_view text);

  // For people: the answer, or nothing when the connection was lost or nobody listens.
  Task<std::optional<net::HttpResponse>> request(net::HttpRequest request);
  Task<std::shared_ptr<SimulatedSocket>> connect(net::HttpRequest request, SimulatedSocket::Receiver receiver);

  // Runs `work` to its end on the node. Nothing when the node died.
  template <class Answer>
  std::optional<Answer> ask(Task<Answer> work);

  std::int64_t task_limit() const { return settings_.tasks.limit; }
  void count(const std::string& what, std::uint64_t times = 1) { tally_[what] += times; }
  void count(Fault fault) { ++tally_[tally_name(fault)]; }
  std::uint64_t crashes() const;
  void blame(std::string failure) { failures_.push_back(std::move(failure)); }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct Call {
    explicit Call(runtime::Scheduler& people) : answered(people) {}
    runtime::Gate answered;
    std::optional<net::HttpResponse> response;
    std::shared_ptr<net::WebSocketListener> listener;
    runtime::SimulatedScheduler* loop = nullptr;  // of the node, and
    std::uint64_t life = 0;                       // its life
  };
  template <class Answer>
  static Task<void> keep(Task<Answer> work, std::shared_ptr<std::optional<Answer>> out) {
    Answer answer = co_await std::move(work);
    out->emplace(std::move(answer));
  }
  static Task<void> mark(Task<void> work, std::shared_ptr<bool> done);
  static Task<void> serve(Cluster* cluster, runtime::Scheduler* loop, net::HttpRequest request, std::shared_ptr<Call> call);
  static Task<void> serve_upgrade(Cluster* cluster, runtime::Scheduler* loop, net::HttpRequest request, std::shared_ptr<Call> call);
  std::shared_ptr<Call> send(net::HttpRequest request,
                             Task<void> (*server)(Cluster*, runtime::Scheduler*, net::HttpRequest, std::shared_ptr<Call>));
  void answer(const std::shared_ptr<Call>& call);
  void destroy_process();
  bool fail_start(const Error& error);
  static Task<int> session_status(Cluster* cluster, runtime::Scheduler* loop, std::string cookie);
  void strip_session(net::HttpRequest& request, const runtime::Scheduler* loop) const;
  Duration latency();

  Tally& tally_;
  const Mutation* mutation_;
  app::PlatformSettings settings_;
  SeededRandom random_;          // the platform's
  SeededRandom network_random_;  // and the network's
  database::simulated::Disk disk_;
  sessions::MemoryKeyStore keys_;
  runtime::SimulatedWorld world_;
  runtime::NodeId people_node_;
  runtime::SimulatedScheduler& people_;
  runtime::Log log_;
  runtime::Logger logger_;  // of a broken build
  CallCounter observer_;
  tasks::QueueObserver queue_observer_;
  std::uint64_t lives_ = 0;
  bool up_ = false;
  bool fatal_ = false;
  bool full_ = false;
  std::uint64_t faults_noted_ = 0;
  std::uint64_t steps_of_cases_ = 0;
  Timestamp excused_until_;
  runtime::SimulatedScheduler* main_ = nullptr;
  std::vector<runtime::SimulatedScheduler*> http_;
  std::unique_ptr<runtime::SimulatedPool> pool_;
  std::unique_ptr<database::simulated::SimulatedStore> store_;
  std::unique_ptr<MutatedStore> mutated_;
  std::unique_ptr<app::Platform> platform_;
  std::vector<std::shared_ptr<Call>> calls_;
  std::vector<std::weak_ptr<SimulatedSocket>> sockets_;
  std::vector<std::string> failures_;
};

template <class Answer>
std::optional<Answer> Cluster::ask(Task<Answer> work) {
  auto answer = std::make_shared<std::optional<Answer>>();
  main_->spawn("simulation.ask", keep(std::move(work), answer));
  run_until([&] { return answer->has_value(); }, minutes(3));
  if (!*answer && !is_lost()) blame("work on the node did not end within three minutes");
  return std::move(*answer);
}

}  // namespace consilium::simulation

// The built-in bus: the outbox tables themselves are the queue, read by consumer groups in this process.
// Everything runs on one loop; `apply` functions run in transactions of their service. `dead_letters`, `replay` and
// `figures` may be called from any loop, the rest before `start` or on the bus's loop.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "ports/bus/bus.h"
#include "ports/bus/event_source.h"
#include "ports/bus/local/signal.h"
#include "ports/database/store.h"
#include "runtime/log.h"
#include "runtime/rounds.h"
#include "runtime/scheduler.h"

namespace consilium::bus {

struct Fate;
struct ParkedEvent;
class AwayGroups;

inline constexpr std::size_t kKeysAtOnce = 16;            // `handle` calls of a group at the same time
inline constexpr int kDeletedAtOnce = 500;                // rows of one deleting transaction
inline constexpr Duration kPauseAfterError = seconds(1);  // when the database or the source fails; doubles
inline constexpr Duration kLongestPause = seconds(10);

struct LocalBusOptions {
  int batch = 64;                    // events of a group in one transaction
  Duration look_every = seconds(5);  // also without a wake
  Duration keep_events = hours(24);  // after it, once all groups have passed them
  Duration keep_answers = days(90);  // in the inboxes
  Duration clean_every = minutes(1);
};

struct GroupFigures {
  std::string group;
  std::int64_t position = 0;  // read up to here
  std::int64_t lag = 0;       // positions behind the newest event of the producer
  Duration behind;            // how old the next event to be read is; 0 when there is none
  bool is_known = true;       // false: the producer cannot be asked, lag and behind are not known
  std::int64_t parked = 0;
  std::int64_t dead = 0;
  std::uint64_t handled = 0;  // since start
  std::uint64_t failed = 0;   // tries that failed, since start
};

class LocalBus final : public Bus {
 public:
  // Loop, random source, store and source outlive the bus.
  LocalBus(runtime::Scheduler& loop, RandomSource& random, database::Store& store, EventSource& source, LocalBusOptions options = {},
           runtime::Logger log = {});
  ~LocalBus() override;

  void add(Consumer consumer) override;
  // A service whose outbox and inbox lie in our database and are cleaned by us; producers and consumers count by themselves.
  void own(std::string service);
  // Their positions hold back the deletion of events, as those of our own groups do. Outlives the bus.
  void respect(AwayGroups& away) { away_ = &away; }

  void start();
  // Ends after the batches that run have ended.
  Task<void> stop();

  Task<Result<DeadLetterPage>> dead_letters(runtime::Context& context, DeadLetterQuery query) override;
  Task<Result<void>> replay(runtime::Context& context, std::string group, Uuid event_id) override;
  Task<Result<std::vector<GroupFigures>>> figures(runtime::Context& context);
  // Who reads what: a line `| topic | producer | group |` each, for the reference.
  std::string reference() const;

 private:
  struct Group;
  struct Waker;
  struct HandleBatch;
  enum class Pass { kIdle, kBusy };

  runtime::Context context_for(const Group& group) const;
  runtime::Context context_for(const Group& group, const Event& event) const;
  std::shared_ptr<Waker> waker_of(Signal& signal);

  Task<void> run_group(Group& group);
  Task<Result<Pass>> run_pass(Group& group);
  Task<Result<void>> load(Group& group);
  Task<Result<Pass>> retry_parked(Group& group);
  Task<Result<Pass>> take_new(Group& group);
  Task<Result<void>> store_position(Group& group);
  static void note_parked(Group& group);
  Task<Result<void>> apply_new(Group& group, const std::vector<Event>& events, std::int64_t last);
  Task<Result<void>> handle_new(Group& group, const std::vector<Event>& events, std::int64_t last);
  Task<Result<void>> apply_again(Group& group, const std::vector<ParkedEvent>& due);
  Task<Result<void>> handle_again(Group& group, const std::vector<ParkedEvent>& due);
  Task<void> handle_all(HandleBatch& batch);
  Task<void> handle_chains(HandleBatch& batch);
  Task<Result<void>> measure_lag(runtime::Context& context, const Group& group, GroupFigures& figures);
  Task<Result<void>> handle_one(Group& group, const Event& event);

  void record(const Group& group, const Event& event, std::string_view error_code) const;
  void tell_dead(const Group& group, const Event& event, const Fate& fate) const;

  Task<void> clean_up();
  Task<Result<void>> clean_up_once();
  Task<Result<void>> delete_old_events(runtime::Context& context, std::string producer);
  Task<Result<void>> delete_old_answers(runtime::Context& context, std::string service);
  void one_ended();

  runtime::Scheduler& loop_;
  RandomSource& random_;
  database::Store& store_;
  EventSource& source_;
  LocalBusOptions options_;
  runtime::Logger log_;
  runtime::Rounds clean_rounds_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::set<std::string> owned_;
  AwayGroups* away_ = nullptr;
  std::vector<std::shared_ptr<Waker>> wakers_;
  Signal clean_signal_;
  Signal ended_signal_;
  std::size_t running_ = 0;
  bool started_ = false;
  bool stopping_ = false;
};

}  // namespace consilium::bus

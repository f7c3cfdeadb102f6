#include "ports/database/simulated/simulated_store.h"

#include <algorithm>

#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::simulated {
namespace {

sqlite::Options on_simulation(const SimulatedOptions& simulated, runtime::Scheduler& loop, Disk& disk) {
  sqlite::Options options = simulated.sqlite;
  options.vfs = disk.vfs_name();
  if (simulated.answers == Answers::kBeforeSyncForTests) options.synchronous = sqlite::Synchronous::kOffForTests;
  if (!options.steady_now) options.steady_now = [&loop] { return loop.steady_now(); };
  if (!options.free_bytes) options.free_bytes = [&disk] { return disk.free_bytes(); };
  if (!options.on_fatal) options.on_fatal = [](const Error&) {};
  return options;
}

}  // namespace

SimulatedStore::SimulatedStore(runtime::Scheduler& loop, Disk& disk, SimulatedOptions options)
    : SqliteStore(on_simulation(options, loop, disk)), loop_(loop), disk_(disk), simulated_(std::move(options)), random_(simulated_.seed) {}

Result<std::unique_ptr<SimulatedStore>> SimulatedStore::open(runtime::Scheduler& loop, Disk& disk, SimulatedOptions options) {
  std::unique_ptr<SimulatedStore> store(new SimulatedStore(loop, disk, std::move(options)));
  TRY(store->open_connections());
  return store;
}

Result<void> SimulatedStore::open_connections() {
  ASSIGN_OR_RETURN(writer_, sqlite::Writer::open(options()));
  if (!disk_.is_dark()) disk_.sync_names();
  ASSIGN_OR_RETURN(reader_, sqlite::Reader::open(options()));
  ASSIGN_OR_RETURN(checkpointer_, sqlite::Connection::open(options(), sqlite::Role::kWriter, Duration{}));
  return {};
}

SimulatedStore::~SimulatedStore() {
  if (!closed_) kill();
}

Duration SimulatedStore::draw(Latency latency) {
  const auto width = static_cast<std::uint64_t>((latency.longest - latency.shortest).microseconds) + 1;
  return latency.shortest + microseconds(static_cast<std::int64_t>(random_.below(width)));
}

// Callers may be on other loops of the process, timers belong to ours.
void SimulatedStore::after(Duration delay, std::function<void()> action) {
  loop_.post([this, delay, alive = std::weak_ptr(alive_), action = std::move(action)]() mutable {
    if (alive.expired()) return;
    loop_.call_after(delay, [alive, action = std::move(action)] {
      if (!alive.expired()) action();
    });
  });
}

void SimulatedStore::submit(Database::Mode mode, sqlite::Job job) {
  const bool is_write = mode == Database::Mode::kWrite;
  auto& queue = is_write ? writes_ : reads_;
  if (closed_ || failed_) return refuse(std::move(job), sqlite::closed_error());
  if (queue.size() >= (is_write ? options().max_write_queue : options().max_read_queue))
    return refuse(std::move(job), sqlite::overloaded_error());
  queue.push_back(std::move(job));
  if (is_write) {
    take_up_writing();
  } else {
    after(draw(simulated_.read), [this] { run_one_read(); });
  }
}

void SimulatedStore::take_up_writing() {
  if (writing_ || writes_.empty() || closed_) return;
  writing_ = true;
  after(draw(simulated_.before_group), [this] { run_one_group(); });
}

void SimulatedStore::run_one_group() {
  if (closed_) return;
  std::vector<sqlite::Job> group;
  const std::uint64_t size = 1 + random_.below(std::max<std::size_t>(simulated_.largest_group, 1));
  while (!writes_.empty() && group.size() < size) {
    group.push_back(std::move(writes_.front()));
    writes_.pop_front();
  }
  const sqlite::GroupReport report = run_group(*writer_, group);
  for (std::size_t i = group.size(); i > report.taken; --i) {
    writes_.push_front(std::move(group[i - 1]));
    group.pop_back();
  }
  answering_ = std::move(group);
  answering_unknown_ = report.unknown;
  after(draw(simulated_.after_commit), [this] {
    if (!closed_) end_group(std::exchange(answering_, {}), answering_unknown_);
  });
}

void SimulatedStore::end_group(std::vector<sqlite::Job> jobs, bool unknown) {
  const std::weak_ptr<bool> alive = alive_;
  if (unknown) failed_ = true;
  sqlite::answer(jobs);
  if (alive.expired()) return;  // an answer ended the process
  writing_ = false;
  if (simulated_.answers == Answers::kBeforeSyncForTests) after(draw(simulated_.before_late_sync), [this] { disk_.sync_files(); });
  if (unknown) return give_up();
  think_of_checkpoint();
  take_up_writing();
}

void SimulatedStore::give_up() {
  failed_ = true;
  for (auto* queue : {&writes_, &reads_}) {
    for (sqlite::Job& job : std::exchange(*queue, {})) refuse(std::move(job), sqlite::closed_error());
  }
  options().on_fatal(sqlite::outcome_unknown_error());
}

void SimulatedStore::run_one_read() {
  if (closed_ || failed_ || reads_.empty()) return;
  sqlite::Job job = std::move(reads_.front());
  reads_.pop_front();
  run_read(*reader_, job);
  sqlite::answer(std::span(&job, 1));
}

void SimulatedStore::think_of_checkpoint() {
  const int pages = writer_->connection().log_pages();
  if (pages < checkpointed_pages_) checkpointed_pages_ = 0;  // the log was begun anew
  if (checkpoint_is_due_ || pages - checkpointed_pages_ < simulated_.checkpoint_pages) return;
  checkpoint_is_due_ = true;
  after(draw(simulated_.before_checkpoint), [this] {
    checkpoint_is_due_ = false;
    if (closed_ || failed_) return;
    checkpointed_pages_ = writer_->connection().log_pages();
    if (!run_checkpoint(*checkpointer_)) give_up();
  });
}

Statistics SimulatedStore::statistics() const {
  Statistics now = SqliteStore::statistics();
  now.write_queue = writes_.size();
  now.read_queue = reads_.size();
  return now;
}

void SimulatedStore::close() {
  if (closed_) return;
  closed_ = true;
  std::vector<sqlite::Job> answering = std::exchange(answering_, {});
  sqlite::answer(answering);
  while (!writes_.empty() && !failed_) {
    std::vector<sqlite::Job> group(std::make_move_iterator(writes_.begin()), std::make_move_iterator(writes_.end()));
    writes_.clear();
    const sqlite::GroupReport report = run_group(*writer_, group);
    sqlite::answer(std::span(group).first(report.taken));
    for (std::size_t i = group.size(); i > report.taken; --i) writes_.push_front(std::move(group[i - 1]));
    failed_ = report.unknown;
  }
  for (sqlite::Job& job : std::exchange(writes_, {})) refuse(std::move(job), sqlite::closed_error());
  for (sqlite::Job& job : std::exchange(reads_, {})) {
    if (failed_) {
      refuse(std::move(job), sqlite::closed_error());
    } else {
      run_read(*reader_, job);
      sqlite::answer(std::span(&job, 1));
    }
  }
  alive_.reset();
  checkpointer_.reset();
  reader_.reset();
  writer_.reset();
}

void SimulatedStore::kill() {
  if (closed_) return;
  closed_ = true;
  alive_.reset();
  disk_.kill_processes();
  writes_.clear();
  reads_.clear();
  answering_.clear();
  checkpointer_.reset();
  reader_.reset();
  writer_.reset();
}

Result<void> SimulatedStore::publish_file(const std::string& from, const std::string& to) { return disk_.rename(from, to); }
void SimulatedStore::discard_file(const std::string& path) { disk_.remove_file(path); }
bool SimulatedStore::file_exists(const std::string& path) { return disk_.exists(path); }

}  // namespace consilium::database::simulated

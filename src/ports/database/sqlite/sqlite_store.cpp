#include "ports/database/sqlite/sqlite_store.h"

#include <sys/statvfs.h>
#include <ctime>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "ports/database/sqlite/maintenance.h"
#include "ports/database/sqlite/migration.h"
#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::sqlite {
namespace {

Timestamp machine_steady_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return {static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1'000};
}

std::optional<std::uint64_t> free_bytes_at(const std::string& folder) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

void raise_to(std::atomic<std::uint64_t>& largest, std::uint64_t value) {
  if (value > largest.load()) largest = value;  // one writer
}

}  // namespace

class SqliteStore::Door final : public Database {
 public:
  Door(SqliteStore& store, Scope scope) : store_(store), scope_(std::move(scope)) {}
  void enqueue(Mode mode, Work work, Done done) override {
    Job job;
    job.scope = &scope_;
    job.work = std::move(work);
    job.done = std::move(done);
    job.queued_at = store_.options_.steady_now();
    store_.submit(mode, std::move(job));
  }
  const std::atomic<std::uint64_t>* changes_of(std::string_view table) override { return store_.changes_of(table); }

 private:
  SqliteStore& store_;
  Scope scope_;
};

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string(1, '.') : path.substr(0, slash + 1);
}

Options with_defaults(Options options) {
  if (!options.steady_now) options.steady_now = machine_steady_now;
  if (!options.free_bytes) {
    options.free_bytes = [folder = folder_of(options.path)] { return free_bytes_at(folder); };
  }
  if (!options.on_fatal) options.on_fatal = [](const Error&) { std::abort(); };
  options.readers = std::clamp<std::size_t>(options.readers, 1, 4);
  return options;
}

SqliteStore::SqliteStore(Options options)
    : options_(with_defaults(std::move(options))), privileged_(std::make_unique<Door>(*this, scope_of(Access::kPrivileged, ""))) {}

SqliteStore::~SqliteStore() = default;

Database& SqliteStore::service(std::string_view name) {
  if (!is_service_name(name)) throw std::invalid_argument("not a name of a service: " + std::string(name));
  const std::lock_guard lock(doors_mutex_);
  auto found = doors_.find(name);
  if (found == doors_.end())
    found = doors_.emplace(std::string(name), std::make_unique<Door>(*this, scope_of(Access::kService, name))).first;
  return *found->second;
}

Database& SqliteStore::privileged() { return *privileged_; }

Result<void> SqliteStore::migrate(std::string_view service, std::vector<Migration> migrations) {
  if (!is_service_name(service)) throw std::invalid_argument("not a name of a service: " + std::string(service));
  return apply_migrations(options_, service, migrations);
}

Result<void> SqliteStore::backup_to(const std::string& path) {
  if (file_exists(path)) return fail(ErrorKind::kConflict, "database.backup-exists", "Expected a new file for the backup, but it exists");
  const std::string partial = path + ".partial";
  const auto discard = [&] {
    for (const char* end : {"", "-journal", "-wal", "-shm"}) discard_file(partial + end);
  };
  discard();  // what an earlier backup left that was killed
  if (auto copied = copy_to(options_, partial); !copied) {
    discard();
    return copied;
  }
  return publish_file(partial, path);
}

Result<std::vector<std::string>> SqliteStore::verify() { return find_damage(options_); }

void SqliteStore::watch(std::string table, std::function<void()> listener) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.emplace_back(std::move(table), std::move(listener));
}

void SqliteStore::tell_listeners(const std::set<std::string, std::less<>>& tables) {
  const std::lock_guard lock(listeners_mutex_);
  // Before anybody is told: who is told may look at once.
  for (auto& [table, count] : changes_) {
    if (tables.contains(table)) count.fetch_add(1, std::memory_order_release);
  }
  for (auto& [table, listener] : listeners_) {
    if (tables.contains(table)) listener();
  }
}

const std::atomic<std::uint64_t>* SqliteStore::changes_of(std::string_view table) {
  const std::lock_guard lock(listeners_mutex_);
  return &changes_.try_emplace(std::string(table), 0).first->second;
}

GroupReport SqliteStore::run_group(Writer& writer, std::span<Job> jobs) {
  const Timestamp start = options_.steady_now();
  for (const Job& job : jobs) counters_.write_wait_sum += static_cast<std::uint64_t>((start - job.queued_at).microseconds);
  const GroupReport report = writer.run(jobs);
  const auto took = static_cast<std::uint64_t>((options_.steady_now() - start).microseconds);
  ++counters_.groups;
  counters_.functions += jobs.size();
  counters_.commits += report.committed ? 1 : 0;
  counters_.lost_groups += report.lost ? 1 : 0;
  counters_.commit_time_sum += took;
  raise_to(counters_.commit_time_max, took);
  raise_to(counters_.largest_group, jobs.size());
  counters_.log_pages = static_cast<std::uint64_t>(writer.connection().log_pages());
  counters_.writer_syncs = writer.connection().syncs();
  const auto changed = writer.connection().take_changed_tables();
  if (report.committed) tell_listeners(changed);
  return report;
}

void SqliteStore::run_read(Reader& reader, Job& job) {
  reader.run(job);
  ++counters_.reads;
}

bool SqliteStore::run_checkpoint(Connection& connection) {
  ++counters_.checkpoints;
  return connection.checkpoint_passive();
}

void SqliteStore::refuse(Job job, Error error) {
  ++counters_.refused;
  job.done(std::move(error));
}

Statistics SqliteStore::statistics() const {
  Statistics now;
  now.groups = counters_.groups;
  now.functions = counters_.functions;
  now.commits = counters_.commits;
  now.lost_groups = counters_.lost_groups;
  now.reads = counters_.reads;
  now.refused = counters_.refused;
  now.checkpoints = counters_.checkpoints;
  now.wal_pages = counters_.log_pages;
  now.syncs = counters_.writer_syncs + counters_.checkpoint_syncs;
  now.commit_time_sum = counters_.commit_time_sum;
  now.commit_time_max = counters_.commit_time_max;
  now.write_wait_sum = counters_.write_wait_sum;
  now.largest_group = counters_.largest_group;
  return now;
}

}  // namespace consilium::database::sqlite

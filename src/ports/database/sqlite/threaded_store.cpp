#include "ports/database/sqlite/threaded_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "ports/database/sqlite/job_queue.h"
#include "ports/database/sqlite/sqlite_error.h"
#include "ports/database/sqlite/sqlite_store.h"
#include "runtime/named_thread.h"

namespace consilium::database::sqlite {
namespace {

// A new file's name is on the disk only after its folder is.
Result<void> sync_folder_of(const std::string& path) {
  const int descriptor = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) return fail(ErrorKind::kInternal, "database.failed", "Expected to sync the folder of the database, but it failed");
  return {};
}

Result<void> sync_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) return fail(ErrorKind::kInternal, "database.failed", "Expected to sync the backup, but it failed");
  return {};
}

// Wakes the checkpoint thread when the log has grown by enough pages.
class CheckpointBell {
 public:
  explicit CheckpointBell(int enough) : enough_(enough) {}
  void log_has(int pages) {
    const std::lock_guard lock(mutex_);
    if (pages < done_at_) done_at_ = 0;  // the log was begun anew
    pages_ = pages;
    if (pages_ - done_at_ >= enough_) rung_.notify_one();
  }
  // Answers false when it is time to end.
  bool wait() {
    std::unique_lock lock(mutex_);
    rung_.wait(lock, [this] { return ended_ || pages_ - done_at_ >= enough_; });
    done_at_ = pages_;
    return !ended_;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    rung_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  const int enough_;
  int pages_ = 0;
  int done_at_ = 0;
  bool ended_ = false;
};

class ThreadedStore final : public SqliteStore {
 public:
  explicit ThreadedStore(Options options)
      : SqliteStore(std::move(options)),
        writes_(this->options().max_write_queue),
        reads_(this->options().max_read_queue),
        bell_(this->options().checkpoint_pages) {}
  ~ThreadedStore() override { close(); }

  Result<void> open() {
    ASSIGN_OR_RETURN(writer_, Writer::open(options()));
    TRY(sync_folder_of(options().path));
    for (std::size_t i = 0; i < options().readers; ++i) {
      ASSIGN_OR_RETURN(auto reader, Reader::open(options()));
      readers_.push_back(std::move(reader));
    }
    ASSIGN_OR_RETURN(checkpointer_, Connection::open(options(), Role::kWriter, Duration{}));
    threads_.emplace_back("db-writer", [this] { write_until_closed(); });
    for (auto& reader : readers_) threads_.emplace_back("db-reader", [this, &reader] { read_until_closed(*reader); });
    threads_.emplace_back("db-checkpoint", [this] { checkpoint_until_closed(); });
    return {};
  }

  void submit(Database::Mode mode, Job job) override {
    JobQueue& queue = mode == Database::Mode::kWrite ? writes_ : reads_;
    switch (queue.push(job)) {
      case JobQueue::Push::kTaken: return;
      case JobQueue::Push::kFull: return refuse(std::move(job), overloaded_error());
      case JobQueue::Push::kClosed: return refuse(std::move(job), closed_error());
    }
  }

  Statistics statistics() const override {
    Statistics now = SqliteStore::statistics();
    now.write_queue = writes_.size();
    now.read_queue = reads_.size();
    return now;
  }

  void close() override {
    const std::lock_guard lock(close_mutex_);
    writes_.close();
    reads_.close();
    bell_.end();
    threads_.clear();  // joins
    checkpointer_.reset();
    readers_.clear();
    writer_.reset();  // the last one moves the log into the file
  }

 private:
  void write_until_closed() {
    std::vector<Job> group;
    std::size_t wanted = 1;
    for (;;) {
      // Callers that were answered together come back together: waiting for as many as last time saves commits. It
      // costs a lone caller nothing, and others at most the time of a group once, since a group that came short lowers
      // the number.
      if (group.empty()) group = writes_.take_group(wanted, options().max_group, options().max_group_time);
      if (group.empty()) return;
      wanted = group.size();
      if (failed_) {
        for (Job& job : group) refuse(std::move(job), closed_error());
        group.clear();
        continue;
      }
      const GroupReport report = run_group(*writer_, group);
      answer(std::span(group).first(report.taken));
      group.erase(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(report.taken));
      if (report.unknown) give_up();
      keep_log_short();
    }
  }

  void give_up() {
    if (!failed_.exchange(true)) options().on_fatal(outcome_unknown_error());
  }

  // The thread beside finishes a checkpoint only in a pause between commits; under steady load the log would grow
  // without end, so beyond a bound the writer makes that pause.
  void keep_log_short() {
    const int pages = writer_->connection().log_pages();
    if (pages < options().max_log_pages) return bell_.log_has(pages);
    if (!run_checkpoint(writer_->connection())) give_up();
  }

  void read_until_closed(Reader& reader) {
    while (auto job = reads_.take()) {
      if (failed_) {
        refuse(std::move(*job), closed_error());
        continue;
      }
      run_read(reader, *job);
      answer(std::span(&*job, 1));
    }
  }

  void checkpoint_until_closed() {
    while (bell_.wait()) {
      if (failed_) continue;
      if (!run_checkpoint(*checkpointer_)) give_up();
      counters_.checkpoint_syncs = checkpointer_->syncs();
    }
  }

  Result<void> publish_file(const std::string& from, const std::string& to) override {
    TRY(sync_file(from));
    std::error_code code;
    std::filesystem::rename(from, to, code);
    if (code) return fail(ErrorKind::kInternal, "database.failed", "Expected to rename the backup, but it failed");
    return sync_folder_of(to);
  }
  void discard_file(const std::string& path) override {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  bool file_exists(const std::string& path) override { return std::filesystem::exists(path); }

  JobQueue writes_;
  JobQueue reads_;
  CheckpointBell bell_;
  std::atomic<bool> failed_{false};
  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::unique_ptr<Connection> checkpointer_;
  std::mutex close_mutex_;
  std::vector<runtime::NamedThread> threads_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_threaded(Options options) {
  auto store = std::make_unique<ThreadedStore>(std::move(options));
  TRY(store->open());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace consilium::database::sqlite

// What the threaded and the simulated SQLite store have in common: doors, schemas, backup, listeners, counters.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ports/database/sqlite/core.h"
#include "ports/database/store.h"

namespace consilium::database::sqlite {

class SqliteStore : public Store {
 public:
  explicit SqliteStore(Options options);
  ~SqliteStore() override;

  Database& service(std::string_view name) override;
  Database& privileged() override;
  Result<void> migrate(std::string_view service, std::vector<Migration> migrations) override;
  Result<void> backup_to(const std::string& path) override;
  Result<std::vector<std::string>> verify() override;
  void watch(std::string table, std::function<void()> listener) override;
  Statistics statistics() const override;

  const std::atomic<std::uint64_t>* changes_of(std::string_view table);

  // The door of the store; what it takes in goes through one of the drivers' queues.
  virtual void submit(Database::Mode mode, Job job) = 0;

 protected:
  const Options& options() const { return options_; }
  // Runs a group, counts it and tells the listeners; the caller answers the jobs.
  GroupReport run_group(Writer& writer, std::span<Job> jobs);
  void run_read(Reader& reader, Job& job);
  // False: as after a commit that failed in the disk, nothing may use this store any more.
  bool run_checkpoint(Connection& connection);
  // Answers `error` at once.
  void refuse(Job job, Error error);
  // `path.partial` → `path`, surviving a power cut.
  virtual Result<void> publish_file(const std::string& from, const std::string& to) = 0;
  // Whether it exists or not.
  virtual void discard_file(const std::string& path) = 0;
  virtual bool file_exists(const std::string& path) = 0;

  struct Counters {
    std::atomic<std::uint64_t> groups{0}, functions{0}, commits{0}, lost_groups{0}, reads{0}, refused{0}, checkpoints{0}, log_pages{0}, writer_syncs{0}, checkpoint_syncs{0},
        commit_time_sum{0}, commit_time_max{0}, write_wait_sum{0}, largest_group{0};
  };
  Counters counters_;

 private:
  class Door;
  void tell_listeners(const std::set<std::string, std::less<>>& tables);

  const Options options_;
  std::mutex doors_mutex_;
  std::map<std::string, std::unique_ptr<Door>, std::less<>> doors_;
  std::unique_ptr<Door> privileged_;
  std::mutex listeners_mutex_;
  std::vector<std::pair<std::string, std::function<void()>>> listeners_;
  std::map<std::string, std::atomic<std::uint64_t>, std::less<>> changes_;  // of the tables that somebody asked for
};

// Fills what was left open: steady clock, free space of the file system, abort on a failed disk.
Options with_defaults(Options options);

std::string folder_of(const std::string& path);

}  // namespace consilium::database::sqlite

// The synchronous heart of the store: runs groups of functions on the writer connection, single functions on a reader
// connection. It knows no threads, queues or timers; the drivers around it do.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ports/database/database.h"
#include "ports/database/sqlite/connection.h"
#include "ports/database/sqlite/options.h"

namespace consilium::database::sqlite {

// A function on its way: what it does, and what became of it.
struct Job {
  const Scope* scope = nullptr;
  Database::Work work;
  Database::Done done;
  Timestamp queued_at;        // steady
  std::optional<Error> fate;  // why its outcome may not be used; set by the run
};

// Tells every job its fate.
void answer(std::span<Job> jobs);

struct GroupReport {
  std::size_t taken = 0;   // jobs that were run; the rest did not fit into the time of a group
  bool committed = false;  // a COMMIT reached the disk
  bool lost = false;       // SQLite rolled the group back as a whole; the others were run again one by one
  bool unknown = false;    // a COMMIT failed in the disk: nothing may use this store any more
};

// One thread at a time.
class Writer {
 public:
  // Whatever an earlier process left in the log is on the disk then.
  static Result<std::unique_ptr<Writer>> open(const Options& options);

  // Runs the jobs in their order as one transaction, each in a savepoint, and sets their fates; does not answer them.
  GroupReport run(std::span<Job> jobs);

  Connection& connection() { return *connection_; }

 private:
  enum class End { kCommitted, kLost, kRefused, kUnknown };
  Writer(const Options& options, std::unique_ptr<Connection> connection) : options_(options), connection_(std::move(connection)) {}
  bool has_space() const;
  // kLost names in `culprit` the job that must not be run again.
  // `taken`: how many of the jobs were run before the time of a group was over.
  End run_transaction(std::span<Job*> jobs, std::size_t& taken, Job*& culprit);
  bool run_job(Job& job);
  End commit(std::span<Job*> jobs, Job*& culprit);

  const Options& options_;
  std::unique_ptr<Connection> connection_;
};

// One thread at a time.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const Options& options);
  void run(Job& job);

 private:
  Reader(const Options& options, std::unique_ptr<Connection> connection) : options_(options), connection_(std::move(connection)) {}

  const Options& options_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace consilium::database::sqlite

#include "ports/database/sqlite/core.h"

#include <exception>

#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::sqlite {
namespace {

// What a function sees. It remembers failures after which the function may not go on, even if it ignores them.
class View final : public Transaction {
 public:
  View(Connection& connection, const Scope& scope) : connection_(connection), scope_(scope) {}

  Result<std::int64_t> run(std::string_view sql, std::span<const Value> values) override {
    if (spoiled_) return fail(*spoiled_);
    return noticed(connection_.run(scope_, sql, values));
  }
  Result<Rows> select(std::string_view sql, std::span<const Value> values) override {
    if (spoiled_) return fail(*spoiled_);
    return noticed(connection_.select(scope_, sql, values));
  }

  const std::optional<Error>& spoiled() const { return spoiled_; }

 protected:
  Result<void> open_savepoint() override { return control("SAVEPOINT attempt"); }
  Result<void> keep_savepoint() override { return control("RELEASE attempt"); }
  void undo_savepoint() override {
    if (auto undone = control("ROLLBACK TO attempt"); undone) undone = control("RELEASE attempt");
  }

 private:
  template <class T>
  Result<T> noticed(Result<T> result) {
    if (!result && (spoils_transaction(connection_.last_code()) || !connection_.in_transaction())) spoiled_ = result.error();
    return result;
  }
  Result<void> control(std::string_view sql) {
    if (spoiled_) return fail(*spoiled_);
    if (const int code = connection_.control(sql); code != 0) {
      spoiled_ = connection_.last_error();
      return fail(*spoiled_);
    }
    return {};
  }

  Connection& connection_;
  const Scope& scope_;
  std::optional<Error> spoiled_;
};

// A function that throws is a bug of its service: its changes are undone and its caller gets `internal`.
bool call(Job& job, View& view) {
  try {
    return job.work(view);
  } catch (...) {
    runtime::report_current_exception("database");
  }
  job.fate = internal_error("Expected a transaction function without exceptions, but one left it");
  return false;
}

void refuse(std::span<Job*> jobs, const Error& error) {
  for (Job* job : jobs) job->fate = error;
}

}  // namespace

void answer(std::span<Job> jobs) {
  for (Job& job : jobs) job.done(std::move(job.fate));
}

Result<std::unique_ptr<Writer>> Writer::open(const Options& options) {
  ASSIGN_OR_RETURN(auto connection, Connection::open(options, Role::kWriter, kBusyWait));
  TRY(connection->write_last_commit_again());
  return std::unique_ptr<Writer>(new Writer(options, std::move(connection)));
}

bool Writer::has_space() const {
  if (!options_.free_bytes) return true;
  const auto free = options_.free_bytes();
  return !free || *free >= options_.reserve_bytes;
}

GroupReport Writer::run(std::span<Job> jobs) {
  std::vector<Job*> group;
  group.reserve(jobs.size());
  for (Job& job : jobs) group.push_back(&job);
  if (!has_space()) {
    refuse(group, storage_full_error("Expected free disk space above the reserve, but there is less"));
    return {.taken = jobs.size()};
  }
  Job* culprit = nullptr;
  GroupReport report;
  const End end = run_transaction(group, report.taken, culprit);
  group.resize(report.taken);
  report.committed = end == End::kCommitted;
  report.unknown = end == End::kUnknown;
  report.lost = end == End::kLost;
  if (end != End::kLost) return report;
  for (Job* job : group) {
    if (job == culprit) continue;
    if (report.unknown) {
      job->fate = outcome_unknown_error();
      continue;
    }
    job->fate.reset();
    Job* itself = nullptr;
    std::size_t one = 0;
    const End alone = run_transaction(std::span(&job, 1), one, itself);
    report.committed |= alone == End::kCommitted;
    report.unknown = alone == End::kUnknown;
  }
  return report;
}

Writer::End Writer::run_transaction(std::span<Job*> jobs, std::size_t& taken, Job*& culprit) {
  taken = jobs.size();
  if (connection_->control("BEGIN IMMEDIATE") != 0) {
    refuse(jobs, connection_->last_error());
    return End::kRefused;
  }
  const Timestamp end = options_.steady_now() + options_.max_group_time;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (i > 0 && options_.steady_now() >= end) {
      taken = i;
      break;
    }
    if (run_job(*jobs[i])) continue;
    // Some errors make SQLite roll back everything, the functions before this one included.
    if (connection_->in_transaction()) connection_->control("ROLLBACK");
    taken = i + 1;
    culprit = jobs[i];
    return End::kLost;
  }
  return commit(jobs.first(taken), culprit);
}

// Answers whether the transaction of the group is still there.
bool Writer::run_job(Job& job) {
  if (connection_->control("SAVEPOINT job") != 0) {
    job.fate = connection_->last_error();
    return false;
  }
  View view(*connection_, *job.scope);
  bool keep = call(job, view);
  if (view.spoiled()) {
    job.fate = view.spoiled();
    keep = false;
  }
  if (!connection_->in_transaction()) return false;
  if ((!keep && connection_->control("ROLLBACK TO job") != 0) || connection_->control("RELEASE job") != 0) {
    if (!job.fate) job.fate = connection_->last_error();
    return false;
  }
  return connection_->in_transaction();
}

Writer::End Writer::commit(std::span<Job*> jobs, Job*& culprit) {
  const int code = connection_->control("COMMIT");
  if (code == 0) return End::kCommitted;
  const Error error = connection_->last_error();
  if (connection_->in_transaction()) connection_->control("ROLLBACK");
  if (!surely_not_committed(code)) {
    refuse(jobs, outcome_unknown_error().caused_by(error));
    return End::kUnknown;
  }
  if (jobs.size() == 1) {
    culprit = jobs.front();
    culprit->fate = error;
  }
  return End::kLost;
}

Result<std::unique_ptr<Reader>> Reader::open(const Options& options) {
  ASSIGN_OR_RETURN(auto connection, Connection::open(options, Role::kReader, kBusyWait));
  return std::unique_ptr<Reader>(new Reader(options, std::move(connection)));
}

void Reader::run(Job& job) {
  const Timestamp end = options_.steady_now() + options_.max_read_time;
  connection_->interrupt_when([this, end] { return options_.steady_now() >= end; });
  if (connection_->control("BEGIN") != 0) {
    job.fate = connection_->last_error();
    return;
  }
  View view(*connection_, *job.scope);
  call(job, view);
  if (view.spoiled()) job.fate = view.spoiled();
  connection_->interrupt_when({});
  if (connection_->in_transaction()) connection_->control("ROLLBACK");
}

}  // namespace consilium::database::sqlite

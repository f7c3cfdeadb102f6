// The engine's memory on disk: the journal of records since the last checkpoint, the checkpoint itself (one row an instance,
// one a message), the deployed models, and the history of what has ended. An append is one transaction and goes through
// only while this owner's epoch is the last one, so that of two owners of a partition the older one cannot write.
//
// With a commit log an append is one frame of it, and the database follows (forwarder.h): what is asked of the database here waits
// until it has. For a data folder that only this process may open: the log knows of no other owner.
//
// Belongs to one loop, as does the engine that it feeds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "bpmn/engine/engine.h"
#include "bpmn/journal/forwarder.h"
#include "bpmn/journal/rows.h"
#include "bpmn/journal/steps.h"
#include "ports/database/database.h"
#include "ports/process_engine/process_engine.h"

namespace consilium::bpmn::journal {

// Rows of one read; a larger state is loaded in several.
inline constexpr int kRowsPerRead = 1000;

// Instances that have ended, as history knows them.
struct EndedFilter {
  std::string process_id;    // empty: all
  std::int32_t version = 0;  // 0: all
  std::optional<bool> completed;
  engine::Key before = 0;  // keys below it; 0: all
  int limit = 50;
};

// A look at rare ones goes over so many of the others at most, and so many steps of an instance are counted, so that it costs the same
// however long history is.
inline constexpr int kEndedPerLook = 10'000;

struct EndedPage {
  std::vector<process::InstanceView> items;  // newest first
  engine::Key looked_down_to = 0;            // below it there may be more; 0: there is nothing more
};

// Of history, dropped by one transaction.
inline constexpr std::int64_t kRowsPerDrop = 1000;

class Journal {
 public:
  // `log`: null for none. All outlive it.
  Journal(database::Database& database, database::CommitLog* log, runtime::Scheduler& loop, RandomSource& random, std::int32_t partition);

  // Takes the partition over (a new epoch) and brings `engine`, which is empty, to the state on disk.
  // Error `process.journal-damaged` (kInternal): a row cannot be read; nothing is skipped. After any error, and before it was called, an
  // append is refused as `process.fenced`.
  Task<Result<void>> load(runtime::Context& context, engine::Engine& engine);

  // Error `process.fenced` (kConflict): somebody else has taken the partition over. Any error: nothing was written, but for
  // `outcome-unknown`. With `checkpoint` the rows of everything changed are written too, and the journal is cut. An empty batch with a
  // checkpoint brings the database to the present.
  enum class Checkpoint { kNo, kYes };
  Task<Result<void>> append(runtime::Context& context, engine::Engine& engine, const Batch& batch, Checkpoint checkpoint);

  // Nothing more is written; what the log holds is brought to the database by the next `load`.
  Task<void> stop();

  // Records since the last checkpoint, and those of them that are in the log and not yet in the database.
  std::int64_t tail() const { return position_ - checkpoint_; }
  std::int64_t in_log() const { return forwarder_ ? forwarder_->waiting() : 0; }

  Task<Result<std::optional<engine::Key>>> find_by_idempotency_key(runtime::Context& context, std::string key);
  Task<Result<std::optional<process::InstanceView>>> find_ended(runtime::Context& context, engine::Key key);
  Task<Result<EndedPage>> list_ended(runtime::Context& context, EndedFilter filter);
  // Drops instances that ended before `until`, with their elements, from above `after` on, so many that others have their turn. Where to
  // go on from; none: there is nothing more to drop.
  Task<Result<std::optional<engine::Key>>> drop_ended(runtime::Context& context, Timestamp until, engine::Key after);
  // Oldest first, at most 1000.
  Task<Result<std::vector<process::ElementRecord>>> elements(runtime::Context& context, engine::Key instance);
  // Newest first, from below `before`.
  Task<Result<std::vector<process::ElementRecord>>> elements_before(runtime::Context& context, engine::Key instance, engine::Key before,
                                                                    int limit);
  // With `active`, which the engine's state knew before: what has ended since counts as ended.
  Task<Result<process::ElementCounts>> count_elements(runtime::Context& context, engine::Key instance,
                                                      std::vector<process::ElementRecord> active);
  // Newest first, without XML and what only the engine's state knows.
  Task<Result<std::vector<process::ModelView>>> list_models(runtime::Context& context, std::string process_id, engine::Key before,
                                                            int limit);
  Task<Result<std::optional<process::ModelView>>> find_model(runtime::Context& context, engine::Key key);

 private:
  Task<Result<void>> load_models(runtime::Context& context, engine::State& state);
  Task<Result<void>> load_checkpoint(runtime::Context& context, engine::State& state, int kind);
  Task<Result<void>> replay_tail(runtime::Context& context, engine::Engine& engine);
  Task<Result<void>> replay_log(runtime::Context& context, engine::Engine& engine, Partition& partition);
  Task<Result<void>> append_to_log(engine::Engine& engine, Steps steps, std::string frame, Checkpoint checkpoint);
  Task<Result<void>> append_to_database(runtime::Context& context, engine::Engine& engine, const Steps& steps, Checkpoint checkpoint);
  Task<Result<void>> settle(runtime::Context& context);

  database::Database& database_;
  runtime::Scheduler& loop_;
  Partition partition_;          // as the database has it
  std::int64_t position_ = 0;    // of the last record kept
  std::int64_t counter_ = 0;     // of the keys, there
  std::int64_t checkpoint_ = 0;  // position of the last one taken
  std::optional<Forwarder> forwarder_;
};

}  // namespace consilium::bpmn::journal

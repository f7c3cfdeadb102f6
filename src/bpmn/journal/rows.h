// The rows of the engine's memory on disk, and the one transaction that changes them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpmn/engine/state.h"
#include "bpmn/journal/steps.h"
#include "ports/database/database.h"

namespace consilium::bpmn::journal {

// The kinds of rows of a checkpoint.
inline constexpr int kInstanceRow = 1;
inline constexpr int kMessageRow = 2;
inline constexpr int kStartTimerRow = 3;
inline constexpr int kRequirementsRow = 4;
inline constexpr int kRetiredRow = 5;
inline constexpr int kFormRow = 6;
inline constexpr int kBroadcastRow = 7;
inline constexpr int kBoundRow = 8;

// The tables `processes_…`; `first_number` leaves room for migrations of the same service before them.
std::vector<database::Migration> migrations(int first_number = 1);

// What the database says of a partition.
struct Partition {
  std::int32_t number = 0;
  std::int64_t epoch = 0;  // 0: not owned, nothing may be written
  std::int64_t position = 0;
  std::int64_t checkpoint = 0;
  std::int64_t counter = 0;  // last one of the engine's keys
};

// A new epoch: earlier owners write no more.
Result<Partition> take_over(database::Transaction& transaction, std::int32_t number);

// Everything that changed since the last checkpoint, as rows.
struct CheckpointRows {
  struct Row {
    int kind;
    engine::Key key;
    std::optional<std::string> bytes;  // absent: it has ended
  };
  std::vector<Row> rows;
  std::vector<engine::Key> deleted_models;
};
CheckpointRows checkpoint_of(const engine::State& state);
// It is on the disk, or will be with what comes after it: the instances rest.
void forget_what_changed(engine::State& state, const CheckpointRows& checkpoint);

// What a partition is brought to: its next steps, in order, and with a checkpoint of the state after them the journal is cut.
struct Advance {
  std::vector<const Steps*> steps;
  const CheckpointRows* checkpoint = nullptr;
};
// What the database says of it then.
Partition after(const Partition& partition, const Advance& advance, std::int64_t counter);
// Error `process.fenced` (kConflict): the database says something else of the partition than `now`.
Result<void> write(database::Transaction& transaction, const Partition& now, const Partition& then, const Advance& advance);

}  // namespace consilium::bpmn::journal

#include "bpmn/journal/rows.h"

#include "bpmn/engine/codec.h"

namespace consilium::bpmn::journal {
namespace {

using database::Blob;
using database::Transaction;
using engine::Key;

constexpr char kTables[] = R"sql(
CREATE TABLE processes_partition (
  partition INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  checkpoint INTEGER NOT NULL,
  last_counter INTEGER NOT NULL
);
CREATE TABLE processes_journal (
  partition INTEGER NOT NULL,
  position INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (partition, position)
) WITHOUT ROWID;
CREATE TABLE processes_checkpoint (
  partition INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  key INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (partition, kind, key)
);
CREATE TABLE processes_model (
  key INTEGER PRIMARY KEY,
  process_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  resource_name TEXT NOT NULL,
  content BLOB NOT NULL,
  deployed_at INTEGER NOT NULL,
  UNIQUE (process_id, version)
);
CREATE TABLE processes_instance (
  key INTEGER PRIMARY KEY,
  process_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  idempotency_key TEXT NOT NULL,
  variables BLOB NOT NULL
);
CREATE INDEX processes_instance_process ON processes_instance (process_id, key);
CREATE INDEX processes_instance_idempotency ON processes_instance (idempotency_key) WHERE idempotency_key <> '';
CREATE TABLE processes_element (
  key INTEGER PRIMARY KEY,
  instance INTEGER NOT NULL,
  element_id TEXT NOT NULL,
  element_type TEXT NOT NULL,
  completed INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL
);
CREATE INDEX processes_element_instance ON processes_element (instance, key);
)sql";

Result<void> write_steps(Transaction& transaction, const Steps& steps) {
  for (const Steps::Model& model : steps.models) {
    TRY(transaction.execute(
        "INSERT INTO processes_model (key, process_id, version, resource_name, content, deployed_at) VALUES (?, ?, ?, ?, ?, ?)", model.key,
        model.process_id, model.version, model.resource_name, Blob{model.xml}, model.deployed_at));
  }
  for (const Steps::EndedInstance& ended : steps.instances) {
    TRY(transaction.execute(
        "INSERT INTO processes_instance (key, process_id, version, completed, started_at, ended_at, idempotency_key, variables) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ended.key, ended.process_id, ended.version, ended.completed, ended.started_at, ended.ended_at, ended.idempotency_key,
        Blob{ended.variables}));
  }
  for (const Steps::EndedElement& ended : steps.elements) {
    TRY(transaction.execute(
        "INSERT INTO processes_element (key, instance, element_id, element_type, completed, started_at, ended_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        ended.key, ended.instance, ended.element_id, ended.element_type, ended.completed, ended.started_at, ended.ended_at));
  }
  return {};
}

Result<void> write_records(Transaction& transaction, std::int32_t partition, const Steps& steps) {
  std::int64_t next = steps.after;
  for (const std::string& record : steps.records) {
    ++next;
    TRY(transaction.execute("INSERT INTO processes_journal (partition, position, record) VALUES (?, ?, ?)", partition, next, Blob{record}));
  }
  return {};
}

Result<void> write_checkpoint(Transaction& transaction, std::int32_t partition, const CheckpointRows& checkpoint, std::int64_t position) {
  for (const CheckpointRows::Row& row : checkpoint.rows) {
    if (row.bytes) {
      TRY(
          transaction.execute("INSERT INTO processes_checkpoint (partition, kind, key, content) VALUES (?, ?, ?, ?) "
                              "ON CONFLICT (partition, kind, key) DO UPDATE SET content = excluded.content",
                              partition, row.kind, row.key, Blob{*row.bytes}));
    } else {
      TRY(transaction.execute("DELETE FROM processes_checkpoint WHERE partition = ? AND kind = ? AND key = ?", partition, row.kind,
                              row.key));
    }
  }
  for (const Key key : checkpoint.deleted_models) TRY(transaction.execute("DELETE FROM processes_model WHERE key = ?", key));
  TRY(transaction.execute("DELETE FROM processes_journal WHERE partition = ? AND position <= ?", partition, position));
  return {};
}

}  // namespace

std::vector<database::Migration> migrations(int first_number) { return {{first_number, "create_process_engine", kTables}}; }

Result<Partition> take_over(Transaction& transaction, std::int32_t number) {
  TRY(
      transaction.execute("INSERT INTO processes_partition (partition, epoch, position, checkpoint, last_counter) VALUES (?, 0, 0, 0, 0) "
                          "ON CONFLICT (partition) DO NOTHING",
                          number));
  TRY(transaction.execute("UPDATE processes_partition SET epoch = epoch + 1 WHERE partition = ?", number));
  ASSIGN_OR_RETURN(
      const auto row,
      transaction.query_one("SELECT epoch, position, checkpoint, last_counter FROM processes_partition WHERE partition = ?", number));
  if (!row) return fail(internal_error("the partition of the process engine is missing"));
  return Partition{number, row->integer(0), row->integer(1), row->integer(2), row->integer(3)};
}

CheckpointRows checkpoint_of(const engine::State& state) {
  CheckpointRows result;
  for (const Key key : state.changed_instances()) {
    const engine::Instance* instance = state.instance(key);
    result.rows.push_back({kInstanceRow, key, instance ? std::optional(engine::pack_instance(*instance)) : std::nullopt});
  }
  for (const Key key : state.changed_messages()) {
    const engine::Message* message = state.message(key);
    result.rows.push_back({kMessageRow, key, message ? std::optional(engine::encode_message(*message)) : std::nullopt});
  }
  for (const Key key : state.changed_start_timers()) {
    const auto timer = state.start_timers().find(key);
    const bool waits = timer != state.start_timers().end();
    result.rows.push_back({kStartTimerRow, key, waits ? std::optional(engine::encode_start_timer(timer->second)) : std::nullopt});
  }
  for (const Key key : state.changed_requirements()) {
    const engine::Requirements* deployed = state.requirements(key);
    result.rows.push_back({kRequirementsRow, key, deployed ? std::optional(engine::encode_requirements(*deployed)) : std::nullopt});
  }
  for (const Key key : state.changed_forms()) {
    const engine::Form* form = state.form(key);
    result.rows.push_back({kFormRow, key, form ? std::optional(engine::encode_form(*form)) : std::nullopt});
  }
  for (const Key key : state.changed_retired()) {
    const auto retired = state.retired().find(key);
    const bool is_there = retired != state.retired().end();
    result.rows.push_back({kRetiredRow, key, is_there ? std::optional(engine::encode_retired(retired->second)) : std::nullopt});
  }
  for (const Key key : state.changed_broadcasts()) {
    const engine::Broadcast* broadcast = state.broadcast(key);
    result.rows.push_back({kBroadcastRow, key, broadcast ? std::optional(engine::encode_broadcast(*broadcast)) : std::nullopt});
  }
  for (const Key key : state.changed_bound()) {
    const engine::ProcessBound* bound = state.bound(key);
    result.rows.push_back({kBoundRow, key, bound ? std::optional(engine::encode_bound(*bound)) : std::nullopt});
  }
  // Not before: what is in the journal may be of instances of theirs.
  result.deleted_models.assign(state.deleted_definitions().begin(), state.deleted_definitions().end());
  return result;
}

void forget_what_changed(engine::State& state, const CheckpointRows& checkpoint) {
  for (const CheckpointRows::Row& row : checkpoint.rows) {
    if (row.kind == kInstanceRow && row.bytes) state.rest(row.key, *row.bytes);
  }
  state.forget_changes();
}

Partition after(const Partition& partition, const Advance& advance, std::int64_t counter) {
  Partition then = partition;
  if (!advance.steps.empty()) then.position = advance.steps.back()->last();
  if (advance.checkpoint) then.checkpoint = then.position;
  then.counter = counter;
  return then;
}

Result<void> write(Transaction& transaction, const Partition& now, const Partition& then, const Advance& advance) {
  ASSIGN_OR_RETURN(const std::int64_t mine,
                   transaction.execute("UPDATE processes_partition SET position = ?, checkpoint = ?, "
                                       "last_counter = ? WHERE partition = ? AND epoch = ? AND position = ?",
                                       then.position, then.checkpoint, then.counter, now.number, now.epoch, now.position));
  if (mine != 1)
    return fail(ErrorKind::kConflict, "process.fenced", "Expected to own the partition, but another process has taken it over");
  for (const Steps* steps : advance.steps) {
    TRY(write_steps(transaction, *steps));
    if (!advance.checkpoint) TRY(write_records(transaction, now.number, *steps));  // else the checkpoint holds them
  }
  if (advance.checkpoint) TRY(write_checkpoint(transaction, now.number, *advance.checkpoint, then.position));
  return {};
}

}  // namespace consilium::bpmn::journal

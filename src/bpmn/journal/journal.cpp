#include "bpmn/journal/journal.h"

#include <exception>
#include <limits>
#include <map>
#include <utility>

#include "bpmn/engine/codec.h"

namespace consilium::bpmn::journal {
namespace {

using database::Blob;
using database::Transaction;
using engine::Key;

constexpr int kInstanceRow = 1;
constexpr int kMessageRow = 2;
constexpr int kStartTimerRow = 3;
constexpr int kRequirementsRow = 4;
constexpr int kRetiredRow = 5;
constexpr int kFormRow = 6;
constexpr int kBroadcastRow = 7;
constexpr int kBoundRow = 8;

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

struct Owner {
  std::int64_t epoch = 0;
  std::int64_t position = 0;
  std::int64_t checkpoint = 0;
  std::int64_t last_counter = 0;
};

Result<Owner> take_over(Transaction& transaction, std::int32_t partition) {
  TRY(
      transaction.execute("INSERT INTO processes_partition (partition, epoch, position, checkpoint, last_counter) VALUES (?, 0, 0, 0, 0) "
                          "ON CONFLICT (partition) DO NOTHING",
                          partition));
  TRY(transaction.execute("UPDATE processes_partition SET epoch = epoch + 1 WHERE partition = ?", partition));
  ASSIGN_OR_RETURN(
      const auto row,
      transaction.query_one("SELECT epoch, position, checkpoint, last_counter FROM processes_partition WHERE partition = ?", partition));
  if (!row) return fail(internal_error("the partition of the process engine is missing"));
  return Owner{row->integer(0), row->integer(1), row->integer(2), row->integer(3)};
}

Error damaged(std::string_view what) { return make_error(ErrorKind::kInternal, "process.journal-damaged", what); }

Result<void> write_history(Transaction& transaction, const Batch& batch) {
  for (std::size_t i = 0; i < batch.ended_instances.size(); ++i) {
    const engine::EndedInstance& ended = batch.ended_instances[i];
    TRY(transaction.execute(
        "INSERT INTO processes_instance (key, process_id, version, completed, started_at, ended_at, idempotency_key, variables) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ended.key, ended.process_id, ended.version, ended.completed, ended.started_at, batch.ended_instances_at[i], ended.idempotency_key,
        Blob{feel::to_json(ended.variables)}));
  }
  for (std::size_t i = 0; i < batch.ended_elements.size(); ++i) {
    const engine::EndedElement& ended = batch.ended_elements[i];
    TRY(
        transaction.execute("INSERT INTO processes_element (key, instance, element_id, element_type, completed, started_at, ended_at) "
                            "VALUES (?, ?, ?, ?, ?, ?, ?)",
                            ended.element_instance, ended.instance, ended.element, model::name_of(ended.kind), ended.completed,
                            ended.started_at, batch.ended_elements_at[i]));
  }
  return {};
}

Result<void> write_models(Transaction& transaction, const engine::Record& record) {
  for (const engine::Event& event : record.events) {
    const auto* deployed = std::get_if<engine::ProcessDeployed>(&event);
    if (!deployed) continue;
    TRY(transaction.execute(
        "INSERT INTO processes_model (key, process_id, version, resource_name, content, deployed_at) VALUES (?, ?, ?, ?, ?, ?)",
        deployed->key, deployed->process_id, deployed->version, deployed->resource_name, Blob{deployed->xml}, record.at));
  }
  return {};
}

// The rows of a checkpoint, made before the transaction: it may run more than once.
struct CheckpointRows {
  struct Row {
    int kind;
    Key key;
    std::optional<std::string> bytes;  // absent: it has ended
  };
  std::vector<Row> rows;
  std::vector<Key> deleted_models;
};

CheckpointRows rows_of(const engine::State& state) {
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

process::InstanceView view_of(const database::Row& row) {
  process::InstanceView view;
  view.key = row.integer(0);
  view.process_id = row.text(1);
  view.version = static_cast<std::int32_t>(row.integer(2));
  view.state = row.boolean(3) ? process::InstanceState::kCompleted : process::InstanceState::kTerminated;
  view.started_at = row.timestamp(4);
  view.ended_at = row.timestamp(5);
  view.variables = row.blob(6);
  return view;
}

std::vector<process::ElementRecord> element_records(const database::Rows& rows) {
  std::vector<process::ElementRecord> records;
  for (const database::Row& row : rows) {
    records.push_back({row.integer(0), row.text(1), row.text(2),
                       row.boolean(3) ? process::InstanceState::kCompleted : process::InstanceState::kTerminated, row.timestamp(4),
                       row.timestamp(5)});
  }
  return records;
}

process::ModelView model_of(const database::Row& row) {
  process::ModelView view;
  view.key = row.integer(0);
  view.process_id = row.text(1);
  view.version = static_cast<std::int32_t>(row.integer(2));
  view.resource_name = row.text(3);
  view.deployed_at = row.timestamp(4);
  return view;
}

}  // namespace

std::vector<database::Migration> migrations(int first_number) { return {{first_number, "create_process_engine", kTables}}; }

void Batch::add(Timestamp at, engine::Outcome& outcome) {
  if (outcome.events.empty()) return;
  records.push_back({at, std::move(outcome.events)});
  for (engine::EndedInstance& ended : outcome.ended_instances) {
    ended_instances.push_back(std::move(ended));
    ended_instances_at.push_back(at);
  }
  for (engine::EndedElement& ended : outcome.ended_elements) {
    ended_elements.push_back(std::move(ended));
    ended_elements_at.push_back(at);
  }
}

Task<Result<void>> Journal::load(runtime::Context& context, engine::Engine& engine) {
  const std::int32_t partition = partition_;
  epoch_ = 0;  // nothing may be written until all of it is read
  auto take = [&partition](Transaction& transaction) { return take_over(transaction, partition); };
  CO_ASSIGN_OR_RETURN(const Owner owner, co_await database_.write(context, take));
  position_ = owner.checkpoint;
  checkpoint_ = owner.checkpoint;
  engine::State& state = engine.storage();
  state.restore_counter(owner.last_counter);
  CO_TRY(co_await load_models(context, state));
  CO_TRY(co_await load_checkpoint(context, state, kRequirementsRow));
  CO_TRY(co_await load_checkpoint(context, state, kFormRow));
  CO_TRY(co_await load_checkpoint(context, state, kRetiredRow));
  CO_TRY(co_await load_checkpoint(context, state, kBroadcastRow));
  CO_TRY(co_await load_checkpoint(context, state, kBoundRow));
  CO_TRY(co_await load_checkpoint(context, state, kInstanceRow));
  CO_TRY(co_await load_checkpoint(context, state, kMessageRow));
  CO_TRY(co_await load_checkpoint(context, state, kStartTimerRow));
  CO_TRY(co_await replay_tail(context, engine));
  if (position_ != owner.position) co_return fail(damaged("the journal ends before its last record"));
  epoch_ = owner.epoch;
  co_return Result<void>();
}

Task<Result<void>> Journal::load_models(runtime::Context& context, engine::State& state) {
  for (Key after = 0;;) {
    auto read = [&after](Transaction& transaction) {
      return transaction.query(
          "SELECT key, process_id, version, resource_name, content FROM processes_model WHERE key > ? ORDER BY key LIMIT 20", after);
    };
    CO_ASSIGN_OR_RETURN(const database::Rows rows, co_await database_.read(context, read));
    for (const database::Row& row : rows) {
      after = row.integer(0);
      const auto restored =
          state.restore_definition(after, row.text(1), static_cast<std::int32_t>(row.integer(2)), row.text(3), row.blob(4));
      if (!restored) co_return fail(damaged(restored.error()));
    }
    if (rows.size() < 20) co_return Result<void>();
  }
}

Task<Result<void>> Journal::load_checkpoint(runtime::Context& context, engine::State& state, int kind) {
  const std::int32_t partition = partition_;
  for (Key after = 0;;) {
    auto read = [&partition, &kind, &after](Transaction& transaction) {
      return transaction.query(
          "SELECT key, content FROM processes_checkpoint WHERE partition = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?", partition,
          kind, after, kRowsPerRead);
    };
    CO_ASSIGN_OR_RETURN(const database::Rows rows, co_await database_.read(context, read));
    for (const database::Row& row : rows) {
      after = row.integer(0);
      if (kind == kRequirementsRow) {
        auto deployed = engine::decode_requirements(row.blob(1));
        if (!deployed) co_return fail(damaged(deployed.error()));
        const auto restored = state.restore_requirements(std::move(*deployed));
        if (!restored) co_return fail(damaged(restored.error()));
      } else if (kind == kFormRow) {
        auto form = engine::decode_form(row.blob(1));
        if (!form) co_return fail(damaged(form.error()));
        state.restore_form(std::move(*form));
      } else if (kind == kRetiredRow) {
        auto retired = engine::decode_retired(row.blob(1));
        if (!retired) co_return fail(damaged(retired.error()));
        state.restore_retired(std::move(*retired));
      } else if (kind == kBroadcastRow) {
        auto broadcast = engine::decode_broadcast(row.blob(1));
        if (!broadcast) co_return fail(damaged(broadcast.error()));
        state.restore_broadcast(std::move(*broadcast));
      } else if (kind == kBoundRow) {
        auto bound = engine::decode_bound(row.blob(1));
        if (!bound) co_return fail(damaged(bound.error()));
        state.restore_bound(std::move(*bound));
      } else if (kind == kInstanceRow) {
        const auto restored = state.restore_instance(row.blob(1));
        if (!restored) co_return fail(damaged(restored.error()));
      } else if (kind == kStartTimerRow) {
        auto timer = engine::decode_start_timer(state, row.blob(1));
        if (!timer) co_return fail(damaged(timer.error()));
        state.restore_start_timer(std::move(*timer));
      } else {
        auto message = engine::decode_message(row.blob(1));
        if (!message) co_return fail(damaged(message.error()));
        state.restore_message(std::move(*message));
      }
    }
    if (rows.size() < static_cast<std::size_t>(kRowsPerRead)) co_return Result<void>();
  }
}

Task<Result<void>> Journal::replay_tail(runtime::Context& context, engine::Engine& engine) {
  const std::int32_t partition = partition_;
  while (true) {
    const std::int64_t after = position_;
    auto read = [&partition, &after](Transaction& transaction) {
      return transaction.query(
          "SELECT position, record FROM processes_journal WHERE partition = ? AND position > ? ORDER BY position LIMIT ?", partition, after,
          kRowsPerRead);
    };
    CO_ASSIGN_OR_RETURN(const database::Rows rows, co_await database_.read(context, read));
    for (const database::Row& row : rows) {
      if (row.integer(0) != position_ + 1) co_return fail(damaged("a record of the journal is missing"));
      const auto record = engine::decode_record(row.blob(1));
      if (!record) co_return fail(damaged(record.error()));
      std::string problem;
      try {
        engine.replay(*record);
      } catch (const std::exception& exception) {
        problem = exception.what();
      }
      if (!problem.empty()) co_return fail(damaged(problem));
      ++position_;
    }
    if (rows.size() < static_cast<std::size_t>(kRowsPerRead)) co_return Result<void>();
  }
}

Task<Result<void>> Journal::append(runtime::Context& context, engine::Engine& engine, const Batch& batch, Checkpoint checkpoint) {
  std::vector<std::string> rows;
  for (const engine::Record& record : batch.records) rows.push_back(engine::encode_record(record));
  const bool cut = checkpoint == Checkpoint::kYes;
  const CheckpointRows changed = cut ? rows_of(engine.state()) : CheckpointRows();
  const std::int64_t position = position_ + static_cast<std::int64_t>(rows.size());
  const std::int64_t checkpoint_position = cut ? position : checkpoint_;
  const std::int64_t counter = engine.state().last_counter();
  auto write = [this, &batch, &rows, &changed, &cut, &position, &checkpoint_position, &counter](Transaction& transaction) -> Result<void> {
    ASSIGN_OR_RETURN(const std::int64_t mine, transaction.execute("UPDATE processes_partition SET position = ?, checkpoint = ?, "
                                                                  "last_counter = ? WHERE partition = ? AND epoch = ? AND position = ?",
                                                                  position, checkpoint_position, counter, partition_, epoch_, position_));
    if (mine != 1)
      return fail(ErrorKind::kConflict, "process.fenced", "Expected to own the partition, but another process has taken it over");
    std::int64_t next = position_;
    for (const std::string& row : rows) {
      ++next;
      if (cut) continue;  // the checkpoint holds it
      TRY(transaction.execute("INSERT INTO processes_journal (partition, position, record) VALUES (?, ?, ?)", partition_, next, Blob{row}));
    }
    for (const engine::Record& record : batch.records) TRY(write_models(transaction, record));
    TRY(write_history(transaction, batch));
    if (cut) TRY(write_checkpoint(transaction, partition_, changed, position));
    return {};
  };
  CO_TRY(co_await database_.write(context, write));
  position_ = position;
  checkpoint_ = checkpoint_position;
  if (cut) {
    for (const CheckpointRows::Row& row : changed.rows) {
      if (row.kind == kInstanceRow && row.bytes) engine.storage().rest(row.key, *row.bytes);
    }
    engine.storage().forget_changes();
  }
  co_return Result<void>();
}

Task<Result<std::optional<Key>>> Journal::find_by_idempotency_key(runtime::Context& context, std::string key) {
  auto read = [&key](Transaction& transaction) -> Result<std::optional<Key>> {
    ASSIGN_OR_RETURN(const auto row,
                     transaction.query_one("SELECT key FROM processes_instance WHERE idempotency_key = ? AND idempotency_key <> ''", key));
    return row ? std::optional(row->integer(0)) : std::nullopt;
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

Task<Result<std::optional<process::InstanceView>>> Journal::find_ended(runtime::Context& context, Key key) {
  auto read = [&key](Transaction& transaction) -> Result<std::optional<process::InstanceView>> {
    ASSIGN_OR_RETURN(
        const auto row,
        transaction.query_one(
            "SELECT key, process_id, version, completed, started_at, ended_at, variables FROM processes_instance WHERE key = ?", key));
    return row ? std::optional(view_of(*row)) : std::nullopt;
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

Task<Result<EndedPage>> Journal::list_ended(runtime::Context& context, EndedFilter filter) {
  auto read = [&filter](Transaction& transaction) -> Result<EndedPage> {
    const bool any_process = filter.process_id.empty();
    const Key before = filter.before == 0 ? std::numeric_limits<Key>::max() : filter.before;
    EndedPage page;
    if (filter.version != 0 || filter.completed) {
      const std::string last = "key < ? ORDER BY key DESC LIMIT 1 OFFSET ?";
      const std::string sql = "SELECT key FROM processes_instance WHERE ";
      ASSIGN_OR_RETURN(const auto lowest, any_process ? transaction.query_one(sql + last, before, kEndedPerLook - 1)
                                                      : transaction.query_one(sql + "process_id = ? AND " + last, filter.process_id, before,
                                                                              kEndedPerLook - 1));
      if (lowest) page.looked_down_to = lowest->integer(0);
    }
    const std::string sql = "SELECT key, process_id, version, completed, started_at, ended_at, variables FROM processes_instance WHERE ";
    const std::string fitting = "key < ? AND key >= ? AND (? OR version = ?) AND (? OR completed = ?) ORDER BY key DESC LIMIT ?";
    const bool any_version = filter.version == 0;
    const bool any_state = !filter.completed;
    const bool completed = filter.completed.value_or(false);
    ASSIGN_OR_RETURN(const auto rows,
                     any_process ? transaction.query(sql + fitting, before, page.looked_down_to, any_version, filter.version, any_state,
                                                     completed, filter.limit)
                                 : transaction.query(sql + "process_id = ? AND " + fitting, filter.process_id, before, page.looked_down_to,
                                                     any_version, filter.version, any_state, completed, filter.limit));
    for (const database::Row& row : rows) page.items.push_back(view_of(row));
    if (page.items.size() == static_cast<std::size_t>(filter.limit)) page.looked_down_to = page.items.back().key;
    return page;
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

// Keys rise with the time of the start: behind the first that started later none ended before.
Task<Result<std::optional<Key>>> Journal::drop_ended(runtime::Context& context, Timestamp until, Key after) {
  auto drop = [until, after](Transaction& transaction) -> Result<std::optional<Key>> {
    ASSIGN_OR_RETURN(const auto rows,
                     transaction.query("SELECT key, started_at, ended_at FROM processes_instance WHERE key > ? ORDER BY key LIMIT ?", after,
                                       kRowsPerDrop));
    Key done = after;
    std::int64_t left = kRowsPerDrop;
    for (const database::Row& row : rows) {
      const Key key = row.integer(0);
      if (row.timestamp(1) >= until) return std::nullopt;
      if (row.timestamp(2) < until) {
        ASSIGN_OR_RETURN(const std::int64_t dropped,
                         transaction.execute("DELETE FROM processes_element WHERE key IN "
                                             "(SELECT key FROM processes_element WHERE instance = ? ORDER BY key LIMIT ?)",
                                             key, left));
        left -= dropped;
        if (left <= 0) return done;  // it may have more of them
        TRY(transaction.execute("DELETE FROM processes_instance WHERE key = ?", key));
        --left;
      }
      done = key;
      if (left <= 0) return done;
    }
    return rows.size() < static_cast<std::size_t>(kRowsPerDrop) ? std::nullopt : std::optional(done);
  };
  auto dropped = co_await database_.write(context, drop);
  co_return dropped;
}

Task<Result<std::vector<process::ElementRecord>>> Journal::elements(runtime::Context& context, Key instance) {
  auto read = [&instance](Transaction& transaction) -> Result<std::vector<process::ElementRecord>> {
    ASSIGN_OR_RETURN(const auto rows,
                     transaction.query("SELECT key, element_id, element_type, completed, started_at, ended_at FROM processes_element "
                                       "WHERE instance = ? ORDER BY key LIMIT 1000",
                                       instance));
    return element_records(rows);
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

Task<Result<std::vector<process::ElementRecord>>> Journal::elements_before(runtime::Context& context, Key instance, Key before, int limit) {
  if (before == 0) before = std::numeric_limits<Key>::max();
  auto read = [&instance, &before, &limit](Transaction& transaction) -> Result<std::vector<process::ElementRecord>> {
    ASSIGN_OR_RETURN(const auto rows,
                     transaction.query("SELECT key, element_id, element_type, completed, started_at, ended_at FROM processes_element "
                                       "WHERE instance = ? AND key < ? ORDER BY key DESC LIMIT ?",
                                       instance, before, limit));
    return element_records(rows);
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

Task<Result<process::ElementCounts>> Journal::count_elements(runtime::Context& context, Key instance,
                                                             std::vector<process::ElementRecord> active) {
  auto read = [&instance, &active](Transaction& transaction) -> Result<process::ElementCounts> {
    process::ElementCounts counts;
    std::map<std::string, process::ElementCount, std::less<>> by_id;
    std::int64_t counted = 0;
    ASSIGN_OR_RETURN(const auto rows,
                     transaction.query("SELECT element_id, sum(completed), count(*) FROM (SELECT element_id, completed FROM "
                                       "processes_element WHERE instance = ? ORDER BY key DESC LIMIT ?) GROUP BY element_id",
                                       instance, kEndedPerLook));
    for (const database::Row& row : rows) {
      process::ElementCount& count = by_id[row.text(0)];
      count.completed = static_cast<std::int32_t>(row.integer(1));
      count.terminated = static_cast<std::int32_t>(row.integer(2) - row.integer(1));
      counted += row.integer(2);
    }
    if (counted == kEndedPerLook) {
      ASSIGN_OR_RETURN(const auto older,
                       transaction.query_one("SELECT key FROM processes_element WHERE instance = ? ORDER BY key DESC LIMIT 1 OFFSET ?",
                                             instance, kEndedPerLook));
      counts.only_newest = older.has_value();
    }
    for (const process::ElementRecord& record : active) {
      ASSIGN_OR_RETURN(const auto ended,
                       transaction.query_one("SELECT 1 FROM processes_element WHERE key = ?", record.element_instance_key));
      if (!ended) ++by_id[record.element_id].active;
    }
    for (auto& [id, count] : by_id) {
      count.element_id = id;
      counts.items.push_back(std::move(count));
    }
    return counts;
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

Task<Result<std::vector<process::ModelView>>> Journal::list_models(runtime::Context& context, std::string process_id, Key before,
                                                                   int limit) {
  if (before == 0) before = std::numeric_limits<Key>::max();
  auto read = [&process_id, &before, &limit](Transaction& transaction) -> Result<std::vector<process::ModelView>> {
    const std::string columns = "SELECT key, process_id, version, resource_name, deployed_at FROM processes_model ";
    const std::string newest = "key < ? ORDER BY key DESC LIMIT ?";
    auto rows = process_id.empty() ? transaction.query(columns + "WHERE " + newest, before, limit)
                                   : transaction.query(columns + "WHERE process_id = ? AND " + newest, process_id, before, limit);
    if (!rows) return fail(std::move(rows).error());
    std::vector<process::ModelView> views;
    for (const database::Row& row : *rows) views.push_back(model_of(row));
    return views;
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

Task<Result<std::optional<process::ModelView>>> Journal::find_model(runtime::Context& context, Key key) {
  auto read = [&key](Transaction& transaction) -> Result<std::optional<process::ModelView>> {
    ASSIGN_OR_RETURN(const auto row,
                     transaction.query_one(
                         "SELECT key, process_id, version, resource_name, deployed_at, content FROM processes_model WHERE key = ?", key));
    if (!row) return std::nullopt;
    process::ModelView view = model_of(*row);
    view.xml = row->blob(5);
    return view;
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

}  // namespace consilium::bpmn::journal

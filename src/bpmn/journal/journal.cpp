#include "bpmn/journal/journal.h"

#include <array>
#include <exception>
#include <limits>
#include <map>
#include <utility>

#include "bpmn/engine/codec.h"

namespace consilium::bpmn::journal {
namespace {

using database::Transaction;
using engine::Key;

// Instances, messages and start timers speak of what comes before them.
constexpr std::array kKindsInOrder = {kRequirementsRow, kFormRow,     kRetiredRow, kBroadcastRow,
                                      kBoundRow,        kInstanceRow, kMessageRow, kStartTimerRow};

Error damaged(std::string_view what) { return make_error(ErrorKind::kInternal, "process.journal-damaged", what); }

std::expected<void, std::string> replay(engine::Engine& engine, std::string_view bytes) {
  const auto record = engine::decode_record(bytes);
  if (!record) return std::unexpected(record.error());
  try {
    engine.replay(*record);
  } catch (const std::exception& exception) {
    return std::unexpected(std::string(exception.what()));
  }
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

Journal::Journal(database::Database& database, database::CommitLog* log, runtime::Scheduler& loop, RandomSource& random,
                 std::int32_t partition)
    : database_(database), loop_(loop) {
  partition_.number = partition;
  if (log) forwarder_.emplace(database, loop, random, *log, partition_);
}

Task<Result<void>> Journal::load(runtime::Context& context, engine::Engine& engine) {
  co_await stop();
  auto take = [number = partition_.number](Transaction& transaction) { return take_over(transaction, number); };
  CO_ASSIGN_OR_RETURN(Partition partition, co_await database_.write(context, take));
  position_ = partition.checkpoint;
  checkpoint_ = partition.checkpoint;
  counter_ = partition.counter;
  engine::State& state = engine.storage();
  state.restore_counter(counter_);
  CO_TRY(co_await load_models(context, state));
  for (const int kind : kKindsInOrder) CO_TRY(co_await load_checkpoint(context, state, kind));
  CO_TRY(co_await replay_tail(context, engine));
  if (position_ != partition.position) co_return fail(damaged("the journal ends before its last record"));
  if (forwarder_) CO_TRY(co_await replay_log(context, engine, partition));
  partition_ = partition;
  if (forwarder_) forwarder_->start();
  co_return Result<void>();
}

Task<void> Journal::stop() {
  partition_.epoch = 0;  // nothing may be written until all of it is read
  if (forwarder_) co_await forwarder_->stop();
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
  const std::int32_t partition = partition_.number;
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
  const std::int32_t partition = partition_.number;
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
      if (const auto replayed = replay(engine, row.blob(1)); !replayed) co_return fail(damaged(replayed.error()));
      ++position_;
    }
    if (rows.size() < static_cast<std::size_t>(kRowsPerRead)) co_return Result<void>();
  }
}

// What the log holds and the database not yet: applied, and brought there, so that the log is empty.
Task<Result<void>> Journal::replay_log(runtime::Context& context, engine::Engine& engine, Partition& partition) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> frames, forwarder_->log().read());
  std::vector<Steps> missing;
  for (const std::string& frame : frames) {
    auto steps = decode_steps(frame);
    if (!steps) co_return fail(damaged(steps.error()));
    if (steps->last() <= partition.position) continue;
    if (steps->after != position_ || steps->counter_before != counter_)
      co_return fail(damaged("the commit log does not go on where the database ends"));
    for (const std::string& record : steps->records) {
      if (const auto replayed = replay(engine, record); !replayed) co_return fail(damaged(replayed.error()));
    }
    position_ = steps->last();
    counter_ = steps->counter;
    engine.storage().restore_counter(counter_);
    missing.push_back(std::move(*steps));
  }
  if (!missing.empty()) {
    Advance advance;
    for (const Steps& steps : missing) advance.steps.push_back(&steps);
    const Partition then = after(partition, advance, counter_);
    auto bring = [&](Transaction& transaction) { return write(transaction, partition, then, advance); };
    CO_TRY(co_await database_.write(context, bring));
    partition = then;
  }
  forwarder_->log().begin_anew();
  co_return Result<void>();
}

Task<Result<void>> Journal::append(runtime::Context& context, engine::Engine& engine, const Batch& batch, Checkpoint checkpoint) {
  if (partition_.epoch == 0)
    co_return fail(ErrorKind::kConflict, "process.fenced", "Expected to own the partition, but it could not be read");
  Steps steps = steps_of(batch);
  steps.after = position_;
  steps.counter_before = counter_;
  steps.counter = engine.state().last_counter();
  Result<void> kept;
  std::string frame;
  if (forwarder_ && !batch.empty()) frame = encode_steps(steps);
  if (!frame.empty() && frame.size() <= forwarder_->log().max_frame())
    kept = co_await append_to_log(engine, std::move(steps), std::move(frame), checkpoint);
  else
    kept = co_await append_to_database(context, engine, steps, checkpoint);
  co_return kept;
}

// Does not wait while there is room.
Task<Result<void>> Journal::append_to_log(engine::Engine& engine, Steps steps, std::string frame, Checkpoint checkpoint) {
  CO_TRY(co_await forwarder_->make_room(frame.size()));
  const std::int64_t position = steps.last();
  const std::int64_t counter = steps.counter;
  CO_TRY(forwarder_->keep(std::move(steps), frame));
  position_ = position;
  counter_ = counter;
  if (checkpoint == Checkpoint::kNo || forwarder_->has_checkpoint()) co_return Result<void>();
  CheckpointRows changed = checkpoint_of(engine.state());
  forget_what_changed(engine.storage(), changed);
  forwarder_->add_checkpoint(std::move(changed));
  checkpoint_ = position;
  co_return Result<void>();
}

Task<Result<void>> Journal::append_to_database(runtime::Context& context, engine::Engine& engine, const Steps& steps,
                                               Checkpoint checkpoint) {
  if (forwarder_) CO_TRY(co_await forwarder_->settle(position_));
  const CheckpointRows changed = checkpoint == Checkpoint::kYes ? checkpoint_of(engine.state()) : CheckpointRows();
  Advance advance;
  if (!steps.records.empty()) advance.steps.push_back(&steps);
  if (checkpoint == Checkpoint::kYes) advance.checkpoint = &changed;
  const Partition now = partition_;
  const Partition then = after(now, advance, steps.counter);
  auto write_all = [&now, &then, &advance](Transaction& transaction) { return write(transaction, now, then, advance); };
  CO_TRY(co_await database_.write(context, write_all));
  partition_ = then;
  position_ = then.position;
  counter_ = then.counter;
  checkpoint_ = then.checkpoint;
  if (checkpoint == Checkpoint::kYes) forget_what_changed(engine.storage(), changed);
  co_return Result<void>();
}

// The database knows everything that was kept when this was called.
Task<Result<void>> Journal::settle(runtime::Context& context) {
  if (!forwarder_) co_return Result<void>();
  co_await loop_.enter();
  auto settled = co_await forwarder_->settle(position_);
  co_await context.scheduler().enter();
  co_return settled;
}

Task<Result<std::optional<Key>>> Journal::find_by_idempotency_key(runtime::Context& context, std::string key) {
  CO_TRY(co_await settle(context));
  auto read = [&key](Transaction& transaction) -> Result<std::optional<Key>> {
    ASSIGN_OR_RETURN(const auto row,
                     transaction.query_one("SELECT key FROM processes_instance WHERE idempotency_key = ? AND idempotency_key <> ''", key));
    return row ? std::optional(row->integer(0)) : std::nullopt;
  };
  auto found = co_await database_.read(context, read);
  co_return found;
}

Task<Result<std::optional<process::InstanceView>>> Journal::find_ended(runtime::Context& context, Key key) {
  CO_TRY(co_await settle(context));
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
  CO_TRY(co_await settle(context));
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
  CO_TRY(co_await settle(context));
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
  CO_TRY(co_await settle(context));
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
  CO_TRY(co_await settle(context));
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
  CO_TRY(co_await settle(context));
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
  CO_TRY(co_await settle(context));
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

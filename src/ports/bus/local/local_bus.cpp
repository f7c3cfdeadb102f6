#include "ports/bus/local/local_bus.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <map>
#include <stdexcept>

#include "ports/bus/inbox.h"
#include "ports/bus/local/away_groups.h"
#include "ports/bus/local/group_tables.h"
#include "ports/bus/local/replay_audit.h"
#include "runtime/backoff.h"

namespace consilium::bus {
namespace {

// What is only away for a while spends no attempt: an event does not become a dead letter because a service is restarted.
constexpr std::string_view kUnknownVersion = "event.unknown-version";

Fault fault_of(const Error& error) {
  if (error.code == kUnknownVersion) return {error.code, Fault::Kind::kUnknown};
  const bool away = error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kDeadlineExceeded;
  return {error.code, away ? Fault::Kind::kAway : Fault::Kind::kRefused};
}

Error panic_error() { return make_error(ErrorKind::kInternal, "bus.panic", "Expected a consumer without exceptions, but one left it"); }

bool knows(const Consumer& consumer, const Event& event) {
  return std::find(consumer.topics.begin(), consumer.topics.end(), event.topic) != consumer.topics.end();
}

// `shop.v2.sold` and `shop.v1.sold` are one event in two versions.
bool is_other_version(std::string_view topic, std::string_view known) {
  const auto split = [](std::string_view text) {
    const auto first = text.find('.');
    const auto second = text.find('.', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) return std::pair(text, std::string_view());
    return std::pair(text.substr(0, first), text.substr(second));
  };
  return topic != known && !split(topic).second.empty() && split(topic) == split(known);
}

// Also what it must not pass over in silence: an event that it reads, in a version that it does not know.
bool wants(const Consumer& consumer, const Event& event) {
  return knows(consumer, event) ||
         std::ranges::any_of(consumer.topics, [&](const std::string& known) { return is_other_version(event.topic, known); });
}

Result<void> check_version(const Consumer& consumer, const Event& event) {
  if (knows(consumer, event)) return {};
  return fail(ErrorKind::kConflict, kUnknownVersion, "Expected a version of the event that this consumer knows, but got " + event.topic);
}

}  // namespace

struct LocalBus::Group {
  Group(Consumer what, runtime::Scheduler& loop, database::Database& tables_of_service)
      : consumer(std::move(what)), tables(consumer), database(tables_of_service), signal(loop) {}

  Consumer consumer;
  GroupTables tables;
  database::Database& database;
  Signal signal;
  bool loaded = false;
  std::atomic<std::int64_t> stored{0};  // position in the table
  std::atomic<std::int64_t> seen{0};    // read up to here; what lies between needs nothing to be done
  bool store_position = false;          // even without an effect
  bool may_have_parked = true;          // something to try again; false saves a look
  bool none_parked = false;             // nor anything that is tried no more: no event can be behind another
  Timestamp next_retry = Timestamp::max();
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> failed{0};
};

// The way from another thread to a signal of the bus; outlives the bus, because watchers cannot be taken back.
struct LocalBus::Waker : std::enable_shared_from_this<Waker> {
  Waker(runtime::Scheduler& where, Signal& what) : loop(where), signal(what) {}

  void wake() {
    if (!posted.exchange(true)) {
      loop.post([weak = weak_from_this()] {
        const auto waker = weak.lock();
        if (!waker) return;
        waker->posted = false;
        waker->signal.set();
      });
    }
  }

  runtime::Scheduler& loop;
  Signal& signal;
  std::atomic<bool> posted{false};
};

// `handle` calls of one pass: events of a key after each other, keys beside each other.
struct LocalBus::HandleBatch {
  enum class Outcome { kDone, kFailed, kBehind };
  struct Item {
    const Event* event;
    Outcome outcome = Outcome::kBehind;
    Fault fault;
  };
  HandleBatch(Group& whose, runtime::Scheduler& loop) : group(whose), ended(loop) {}

  // A chain goes on behind those of its key that were added before.
  void add(const Event& event, bool behind) {
    items.push_back({&event});
    if (!behind) chains[event.key].push_back(items.size() - 1);
  }

  Group& group;
  std::vector<Item> items;
  std::map<std::string, std::vector<std::size_t>> chains;
  std::vector<const std::vector<std::size_t>*> order;
  std::size_t next_chain = 0;
  std::size_t workers = 0;
  Signal ended;
};

LocalBus::LocalBus(runtime::Scheduler& loop, RandomSource& random, database::Store& store, EventSource& source, LocalBusOptions options,
                   runtime::Logger log)
    : loop_(loop),
      random_(random),
      store_(store),
      source_(source),
      options_(options),
      log_(log),
      clean_rounds_("bus:clean-up", log),
      clean_signal_(loop),
      ended_signal_(loop) {}

LocalBus::~LocalBus() = default;

void LocalBus::add(Consumer consumer) {
  if (started_) throw std::logic_error("consumers are added before the start");
  if (static_cast<bool>(consumer.apply) == static_cast<bool>(consumer.handle))
    throw std::logic_error("a consumer applies or handles: " + consumer.group);
  for (const auto& group : groups_) {
    if (group->consumer.group == consumer.group) throw std::logic_error("consumer group used twice: " + consumer.group);
  }
  own(consumer.service);
  database::Database& database = store_.service(consumer.service);
  groups_.push_back(std::make_unique<Group>(std::move(consumer), loop_, database));
}

void LocalBus::own(std::string service) { owned_.insert(std::move(service)); }

std::shared_ptr<LocalBus::Waker> LocalBus::waker_of(Signal& signal) {
  wakers_.push_back(std::make_shared<Waker>(loop_, signal));
  return wakers_.back();
}

void LocalBus::start() {
  if (std::exchange(started_, true)) throw std::logic_error("the bus was started before");
  running_ = groups_.size() + 1;
  for (const auto& group : groups_) {
    source_.on_new(group->consumer.producer, [weak = std::weak_ptr(waker_of(group->signal))] {
      if (const auto waker = weak.lock()) waker->wake();
    });
    loop_.spawn("bus:" + group->consumer.group, run_group(*group));
  }
  loop_.spawn("bus:clean-up", clean_up());
}

Task<void> LocalBus::stop() {
  co_await loop_.enter();
  stopping_ = true;
  if (!started_) co_return;
  for (const auto& group : groups_) group->signal.set();
  clean_signal_.set();
  while (running_ > 0) co_await ended_signal_.wait();
}

std::string LocalBus::reference() const {
  std::string rows;
  for (const auto& group : groups_) {
    for (const std::string& topic : group->consumer.topics)
      rows += "| `" + topic + "` | `" + group->consumer.producer + "` | `" + group->consumer.group + "` |\n";
  }
  return rows;
}

void LocalBus::one_ended() {
  if (--running_ == 0) ended_signal_.set();
}

runtime::Context LocalBus::context_for(const Group& group) const {
  runtime::Context context(loop_, random_);
  return context.for_service(group.consumer.service, runtime::ClientType::kEvent);
}

runtime::Context LocalBus::context_for(const Group& group, const Event& event) const {
  runtime::Context context = context_for(group);
  context.request_id = event.request_id;
  context.traceparent = event.traceparent;
  return context;
}

Task<void> LocalBus::run_group(Group& group) {
  runtime::Backoff after_error({.first = kPauseAfterError, .longest = kLongestPause});
  while (!stopping_) {
    Duration pause;
    try {
      const auto pass = co_await run_pass(group);
      if (pass) after_error.reset();
      if (!pass) {
        group.loaded = false;  // what is stored decides
        pause = after_error.next(random_);
      } else if (*pass == Pass::kIdle) {
        pause = std::min(options_.look_every, std::max(group.next_retry - std::min(group.next_retry, loop_.now()), milliseconds(1)));
      }
    } catch (...) {
      runtime::report_current_exception("bus:" + group.consumer.group);
      group.loaded = false;
      pause = after_error.next(random_);
    }
    if (pause > Duration{} && !stopping_) co_await group.signal.wait_for(pause);
  }
  one_ended();
}

Task<Result<LocalBus::Pass>> LocalBus::run_pass(Group& group) {
  if (!group.loaded) CO_TRY(co_await load(group));
  CO_ASSIGN_OR_RETURN(const Pass retried, co_await retry_parked(group));
  CO_ASSIGN_OR_RETURN(const Pass taken, co_await take_new(group));
  CO_TRY(co_await store_position(group));
  co_return retried == Pass::kBusy || taken == Pass::kBusy ? Pass::kBusy : Pass::kIdle;
}

Task<Result<void>> LocalBus::load(Group& group) {
  runtime::Context context = context_for(group);
  const auto load_position = [&group](database::Transaction& transaction) { return group.tables.load_position(transaction); };
  CO_ASSIGN_OR_RETURN(const std::int64_t position, co_await group.database.write(context, load_position));
  group.stored = position;
  group.seen = position;
  group.may_have_parked = true;
  group.none_parked = false;
  group.loaded = true;
  co_return Result<void>();
}

Task<Result<LocalBus::Pass>> LocalBus::retry_parked(Group& group) {
  if (!group.may_have_parked) co_return Pass::kIdle;
  group.may_have_parked = false;  // a replay meanwhile sets it again
  group.next_retry = Timestamp::max();
  runtime::Context context = context_for(group);
  bool none = false;
  const auto find_heads = [this, &group, &none](database::Transaction& transaction) -> Result<std::vector<ParkedEvent>> {
    ASSIGN_OR_RETURN(const ParkedCounts counts, group.tables.counts(transaction));
    none = counts.waiting == 0 && counts.dead == 0;
    if (none) return std::vector<ParkedEvent>();
    return group.tables.heads(transaction, options_.batch);
  };
  auto heads = co_await group.database.read(context, find_heads);
  if (!heads) {
    group.may_have_parked = true;
    co_return fail(std::move(heads).error());
  }
  group.none_parked = none;
  if (heads->empty()) co_return Pass::kIdle;
  group.may_have_parked = true;
  const Timestamp now = loop_.now();
  std::vector<ParkedEvent> due;
  for (ParkedEvent& head : *heads) {
    if (group.tables.is_due(head, now)) {
      due.push_back(std::move(head));
    } else {
      group.next_retry = std::min(group.next_retry, head.next_try);
    }
  }
  if (due.empty()) co_return Pass::kIdle;
  if (group.consumer.apply) {
    CO_TRY(co_await apply_again(group, due));
  } else {
    CO_TRY(co_await handle_again(group, due));
  }
  co_return Pass::kBusy;
}

Task<Result<LocalBus::Pass>> LocalBus::take_new(Group& group) {
  runtime::Context context = context_for(group);
  Reading reading{group.consumer.producer, group.consumer.group, group.seen, group.stored, options_.batch};
  CO_ASSIGN_OR_RETURN(std::vector<Event> events, co_await source_.read(context, std::move(reading)));
  if (events.empty()) co_return Pass::kIdle;
  const std::int64_t last = events.back().position;
  std::erase_if(events, [&group](const Event& event) { return !wants(group.consumer, event); });
  if (!events.empty()) {
    if (group.consumer.apply) {
      CO_TRY(co_await apply_new(group, events, last));
    } else {
      CO_TRY(co_await handle_new(group, events, last));
    }
    group.stored = last;
  }
  group.seen = last;
  co_return Pass::kBusy;
}

// Positions that moved over events of no interest are kept in memory alone; they are written now and then, so that a
// restart does not read all of them again and old events can be deleted.
Task<Result<void>> LocalBus::store_position(Group& group) {
  if (!std::exchange(group.store_position, false) || group.stored == group.seen) co_return Result<void>();
  runtime::Context context = context_for(group);
  const std::int64_t to = group.seen;
  const auto move = [&group, to](database::Transaction& transaction) { return group.tables.move_position(transaction, group.stored, to); };
  CO_TRY(co_await group.database.write(context, move));
  group.stored = to;
  co_return Result<void>();
}

namespace {

// One event's effect in a savepoint of its own; an exception is a failure of this event, not of its neighbours.
Result<void> try_apply(database::Transaction& transaction, const Consumer& consumer, const runtime::Context& context, const Event& event) {
  TRY(check_version(consumer, event));
  try {
    return transaction.attempt([&] { return consumer.apply(transaction, context, event); });
  } catch (...) {
    runtime::report_current_exception("bus:" + consumer.group);
  }
  return fail(panic_error());
}

// An event that was given up, told once that is stored.
struct GivenUp {
  const Event* event;
  Fate fate;
};

void note(std::vector<GivenUp>& given_up, const Event& event, Fate fate) {
  if (fate.dead) given_up.push_back({&event, std::move(fate)});
}

// One that was tried; the code is empty when it was handled.
struct Tried {
  const Event* event;
  std::string error_code;
};

struct Tally {
  std::uint64_t handled = 0;
  std::uint64_t failed = 0;
  std::vector<GivenUp> given_up;
  std::vector<Tried> tried;
};

// Its record is written when the transaction is.
bool count(Tally& tally, const Event& event, const Result<void>& applied) {
  ++(applied ? tally.handled : tally.failed);
  tally.tried.push_back({&event, applied ? std::string() : applied.error().code});
  return applied.has_value();
}

}  // namespace

void LocalBus::note_parked(Group& group) {
  group.may_have_parked = true;
  group.none_parked = false;
}

Task<Result<void>> LocalBus::apply_new(Group& group, const std::vector<Event>& events, std::int64_t last) {
  runtime::Context context = context_for(group);
  std::vector<runtime::Context> contexts;
  for (const Event& event : events) contexts.push_back(context_for(group, event));
  const Timestamp now = loop_.now();
  const auto apply = [&](database::Transaction& transaction) -> Result<Tally> {
    Tally tally;
    TRY(group.tables.move_position(transaction, group.stored, last));
    for (std::size_t i = 0; i < events.size(); ++i) {
      const bool may_be_behind = !group.none_parked || tally.failed > 0;
      if (may_be_behind) {
        ASSIGN_OR_RETURN(const bool behind, group.tables.is_parked(transaction, events[i].key));
        if (behind) TRY(group.tables.park_behind(transaction, events[i], now));
        if (behind) continue;
      }
      const auto applied = try_apply(transaction, group.consumer, contexts[i], events[i]);
      if (count(tally, events[i], applied)) continue;
      ASSIGN_OR_RETURN(Fate fate, group.tables.park(transaction, events[i], fault_of(applied.error()), now));
      note(tally.given_up, events[i], std::move(fate));
    }
    return tally;
  };
  CO_ASSIGN_OR_RETURN(const Tally tally, co_await group.database.write(context, apply));
  group.handled += tally.handled;
  group.failed += tally.failed;
  for (const Tried& one : tally.tried) record(group, *one.event, one.error_code);
  for (const GivenUp& one : tally.given_up) tell_dead(group, *one.event, one.fate);
  if (tally.handled < events.size()) note_parked(group);
  co_return Result<void>();
}

Task<Result<void>> LocalBus::apply_again(Group& group, const std::vector<ParkedEvent>& due) {
  runtime::Context context = context_for(group);
  std::vector<runtime::Context> contexts;
  for (const ParkedEvent& parked : due) contexts.push_back(context_for(group, parked.event));
  const Timestamp now = loop_.now();
  const auto apply = [&](database::Transaction& transaction) -> Result<Tally> {
    Tally tally;
    // Takes the write lock of the group's position: two processes cannot both apply a parked event.
    TRY(group.tables.move_position(transaction, group.stored, group.stored));
    for (std::size_t i = 0; i < due.size(); ++i) {
      const auto applied = try_apply(transaction, group.consumer, contexts[i], due[i].event);
      if (count(tally, due[i].event, applied)) {
        TRY(group.tables.unpark(transaction, due[i].event));
        continue;
      }
      ASSIGN_OR_RETURN(Fate fate, group.tables.failed_again(transaction, due[i], fault_of(applied.error()), now));
      note(tally.given_up, due[i].event, std::move(fate));
    }
    return tally;
  };
  CO_ASSIGN_OR_RETURN(const Tally tally, co_await group.database.write(context, apply));
  group.handled += tally.handled;
  group.failed += tally.failed;
  for (const Tried& one : tally.tried) record(group, *one.event, one.error_code);
  for (const GivenUp& one : tally.given_up) tell_dead(group, *one.event, one.fate);
  co_return Result<void>();
}

Task<Result<void>> LocalBus::handle_new(Group& group, const std::vector<Event>& events, std::int64_t last) {
  runtime::Context context = context_for(group);
  const auto find_behind = [&](database::Transaction& transaction) -> Result<std::vector<bool>> {
    std::vector<bool> behind;
    for (const Event& event : events) {
      ASSIGN_OR_RETURN(const bool parked, group.tables.is_parked(transaction, event.key));
      behind.push_back(parked);
    }
    return behind;
  };
  std::vector<bool> behind(events.size(), false);
  if (!group.none_parked) {
    CO_ASSIGN_OR_RETURN(behind, co_await group.database.read(context, find_behind));
  }
  HandleBatch batch(group, loop_);
  for (std::size_t i = 0; i < events.size(); ++i) batch.add(events[i], behind[i]);
  co_await handle_all(batch);
  const Timestamp now = loop_.now();
  const auto store = [&](database::Transaction& transaction) -> Result<std::vector<GivenUp>> {
    std::vector<GivenUp> given_up;
    TRY(group.tables.move_position(transaction, group.stored, last));
    for (const HandleBatch::Item& item : batch.items) {
      if (item.outcome == HandleBatch::Outcome::kFailed) {
        ASSIGN_OR_RETURN(Fate fate, group.tables.park(transaction, *item.event, item.fault, now));
        note(given_up, *item.event, std::move(fate));
      }
      if (item.outcome == HandleBatch::Outcome::kBehind) TRY(group.tables.park_behind(transaction, *item.event, now));
    }
    return given_up;
  };
  CO_ASSIGN_OR_RETURN(const std::vector<GivenUp> given_up, co_await group.database.write(context, store));
  for (const GivenUp& one : given_up) tell_dead(group, *one.event, one.fate);
  const auto is_done = [](const HandleBatch::Item& item) { return item.outcome == HandleBatch::Outcome::kDone; };
  if (!std::ranges::all_of(batch.items, is_done)) note_parked(group);
  co_return Result<void>();
}

Task<Result<void>> LocalBus::handle_again(Group& group, const std::vector<ParkedEvent>& due) {
  runtime::Context context = context_for(group);
  HandleBatch batch(group, loop_);
  for (const ParkedEvent& parked : due) batch.add(parked.event, false);
  co_await handle_all(batch);
  const Timestamp now = loop_.now();
  const auto store = [&](database::Transaction& transaction) -> Result<std::vector<GivenUp>> {
    std::vector<GivenUp> given_up;
    TRY(group.tables.move_position(transaction, group.stored, group.stored));
    for (std::size_t i = 0; i < due.size(); ++i) {
      const HandleBatch::Item& item = batch.items[i];
      if (item.outcome == HandleBatch::Outcome::kDone) {
        TRY(group.tables.unpark(transaction, due[i].event));
      } else {
        ASSIGN_OR_RETURN(Fate fate, group.tables.failed_again(transaction, due[i], item.fault, now));
        note(given_up, due[i].event, std::move(fate));
      }
    }
    return given_up;
  };
  CO_ASSIGN_OR_RETURN(const std::vector<GivenUp> given_up, co_await group.database.write(context, store));
  for (const GivenUp& one : given_up) tell_dead(group, *one.event, one.fate);
  co_return Result<void>();
}

Task<void> LocalBus::handle_all(HandleBatch& batch) {
  for (const auto& [key, chain] : batch.chains) batch.order.push_back(&chain);
  batch.workers = std::min(batch.order.size(), kKeysAtOnce);
  for (std::size_t i = 0, count = batch.workers; i < count; ++i) loop_.spawn("bus:" + batch.group.consumer.group, handle_chains(batch));
  while (batch.workers > 0) co_await batch.ended.wait();
}

Task<void> LocalBus::handle_chains(HandleBatch& batch) {
  while (batch.next_chain < batch.order.size()) {
    const std::vector<std::size_t>& chain = *batch.order[batch.next_chain++];
    for (const std::size_t index : chain) {
      HandleBatch::Item& item = batch.items[index];
      const auto handled = co_await handle_one(batch.group, *item.event);
      record(batch.group, *item.event, handled ? std::string_view() : handled.error().code);
      item.outcome = handled ? HandleBatch::Outcome::kDone : HandleBatch::Outcome::kFailed;
      ++(handled ? batch.group.handled : batch.group.failed);
      if (handled) continue;
      item.fault = fault_of(handled.error());
      break;  // the later ones of the key stay behind it
    }
  }
  if (--batch.workers == 0) batch.ended.set();
}

Task<Result<void>> LocalBus::handle_one(Group& group, const Event& event) {
  CO_TRY(check_version(group.consumer, event));
  runtime::Context context = context_for(group, event);
  try {
    auto handled = co_await group.consumer.handle(context, event);
    co_return handled;
  } catch (...) {
    runtime::report_current_exception("bus:" + group.consumer.group);
  }
  co_return fail(panic_error());
}

// One a try, as calls have theirs.
void LocalBus::record(const Group& group, const Event& event, std::string_view error_code) const {
  if (!log_.enabled(runtime::LogLevel::kDebug)) return;
  log_.debug(
      context_for(group, event), "Event tried",
      {{"group", group.consumer.group}, {"topic", event.topic}, {"event", event.id}, {"result", error_code.empty() ? "ok" : error_code}});
}

// Not what it says: that may be personal.
void LocalBus::tell_dead(const Group& group, const Event& event, const Fate& fate) const {
  log_.error(context_for(group, event), "Event given up",
             {{"group", group.consumer.group},
              {"topic", event.topic},
              {"key", event.key},
              {"event", event.id},
              {"attempts", fate.attempts},
              {"errorCode", fate.code}});
}

Task<void> LocalBus::clean_up() {
  const auto one = [this] { return clean_up_once(); };
  while (!stopping_) {
    co_await clean_signal_.wait_for(options_.clean_every);
    if (stopping_) break;
    co_await clean_rounds_.run(one);
    for (const auto& group : groups_) {
      group->store_position = true;
      group->signal.set();
    }
  }
  one_ended();
}

Task<Result<void>> LocalBus::clean_up_once() {
  runtime::Context context(loop_, random_);
  if (away_) CO_TRY(co_await away_->keep(context));
  Result<void> all;
  for (const std::string& service : owned_) {
    auto events = co_await delete_old_events(context, service);
    if (!events) all = std::move(events);
    auto answers = co_await delete_old_answers(context, service);
    if (!answers) all = std::move(answers);
  }
  co_return all;
}

Task<Result<void>> LocalBus::delete_old_events(runtime::Context& context, std::string producer) {
  std::int64_t passed = std::numeric_limits<std::int64_t>::max();
  for (const auto& group : groups_) {
    if (group->consumer.producer == producer) passed = std::min(passed, group->loaded ? group->stored.load() : 0);
  }
  if (away_) {
    CO_ASSIGN_OR_RETURN(const std::int64_t away, co_await away_->lowest(context, producer));
    passed = std::min(passed, away);
  }
  const Timestamp before = loop_.now() - options_.keep_events;
  const std::string table = producer + "_outbox";
  const std::string sql = "DELETE FROM " + table + " WHERE position IN (SELECT position FROM " + table +
                          " WHERE position <= ? AND at < ? ORDER BY position LIMIT ?)";
  const auto erase = [&](database::Transaction& transaction) { return transaction.execute(sql, passed, before, kDeletedAtOnce); };
  for (std::int64_t deleted = kDeletedAtOnce; deleted == kDeletedAtOnce && !stopping_;) {
    CO_ASSIGN_OR_RETURN(deleted, co_await store_.privileged().write(context, erase));
  }
  co_return Result<void>();
}

Task<Result<void>> LocalBus::delete_old_answers(runtime::Context& context, std::string service) {
  const Timestamp before = loop_.now() - options_.keep_answers;
  const auto erase = [&](database::Transaction& transaction) { return forget_answers(transaction, service, before, kDeletedAtOnce); };
  for (std::int64_t deleted = kDeletedAtOnce; deleted == kDeletedAtOnce && !stopping_;) {
    CO_ASSIGN_OR_RETURN(deleted, co_await store_.service(service).write(context, erase));
  }
  co_return Result<void>();
}

Task<Result<DeadLetterPage>> LocalBus::dead_letters(runtime::Context& context, DeadLetterQuery query) {
  DeadLetterPage all;
  for (const auto& group : groups_) {
    if (!query.service.empty() && group->consumer.service != query.service) continue;
    if (!query.group.empty() && group->consumer.group != query.group) continue;
    const auto list = [&](database::Transaction& transaction) -> Result<DeadLetterPage> {
      ASSIGN_OR_RETURN(const ParkedCounts counts, group->tables.counts(transaction));
      if (counts.dead == 0) return DeadLetterPage{};
      ASSIGN_OR_RETURN(std::vector<DeadLetter> letters, group->tables.dead_letters(transaction, query.before, query.limit));
      return DeadLetterPage{std::move(letters), counts.dead};
    };
    CO_ASSIGN_OR_RETURN(DeadLetterPage page, co_await group->database.read(context, list));
    all.total += page.total;
    for (DeadLetter& letter : page.items) all.items.push_back(std::move(letter));
  }
  std::ranges::sort(all.items, std::greater(), place_of);
  if (all.items.size() > static_cast<std::size_t>(query.limit)) all.items.resize(static_cast<std::size_t>(query.limit));
  co_return all;
}

Task<Result<void>> LocalBus::replay(runtime::Context& context, std::string group_name, Uuid event_id) {
  for (const auto& group : groups_) {
    if (group->consumer.group != group_name) continue;
    const auto revive = [&](database::Transaction& transaction) -> Result<void> {
      TRY(group->tables.revive(transaction, event_id));
      return audit_replay(transaction, context, group_name, event_id);
    };
    CO_TRY(co_await store_.privileged().write(context, revive));
    log_.info(context, "Dead letter is tried again", {{"group", group_name}, {"event", event_id}});
    loop_.post([&found = *group] {
      found.may_have_parked = true;
      found.signal.set();
    });
    co_return Result<void>();
  }
  co_return fail(ErrorKind::kNotFound, "bus.group-not-found", "Expected a known consumer group, but there is none of this name");
}

Task<Result<std::vector<GroupFigures>>> LocalBus::figures(runtime::Context& context) {
  std::vector<GroupFigures> all;
  for (const auto& group : groups_) {
    const auto count = [&group](database::Transaction& transaction) { return group->tables.counts(transaction); };
    CO_ASSIGN_OR_RETURN(const ParkedCounts counts, co_await group->database.read(context, count));
    GroupFigures figures{.group = group->consumer.group,
                         .position = group->seen,
                         .parked = counts.waiting,
                         .dead = counts.dead,
                         .handled = group->handled,
                         .failed = group->failed};
    const auto measured = co_await measure_lag(context, *group, figures);
    figures.is_known = measured.has_value();
    all.push_back(std::move(figures));
  }
  co_return all;
}

Task<Result<void>> LocalBus::measure_lag(runtime::Context& context, const Group& group, GroupFigures& figures) {
  CO_ASSIGN_OR_RETURN(const std::int64_t newest, co_await source_.newest(context, group.consumer.producer));
  figures.lag = std::max<std::int64_t>(newest - figures.position, 0);
  if (figures.lag == 0) co_return Result<void>();
  Reading reading{group.consumer.producer, group.consumer.group, figures.position, group.stored, 1};
  CO_ASSIGN_OR_RETURN(const std::vector<Event> next, co_await source_.read(context, std::move(reading)));
  if (!next.empty()) figures.behind = std::max(loop_.now() - next.front().at, Duration{});
  co_return Result<void>();
}

}  // namespace consilium::bus

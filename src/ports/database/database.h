// The database port. A command's transaction is a synchronous, repeatable function: it reads and writes through
// `Transaction` alone, never suspends, and takes times and ids that were made before it. Many such functions share one
// commit; results reach their callers only after that commit is on the disk.
// Implementations: sqlite/ (built in), simulated/ (the same SQLite on a simulated disk and virtual time).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "runtime/context.h"

namespace consilium::database {

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

using Null = std::monostate;
using Value = std::variant<Null, std::int64_t, double, std::string, Blob>;

// How C++ values are bound: Uuid as 16 bytes, Timestamp and Duration as microseconds, bool as 0/1, optional as NULL.
inline Value to_value(Value v) { return v; }
inline Value to_value(Null) { return Null{}; }
inline Value to_value(bool v) { return static_cast<std::int64_t>(v); }
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
Value to_value(T v) {
  return static_cast<std::int64_t>(v);
}
inline Value to_value(double v) { return v; }
inline Value to_value(std::string v) { return v; }
inline Value to_value(std::string_view v) { return std::string(v); }
inline Value to_value(const char* v) { return std::string(v); }
inline Value to_value(Blob v) { return v; }
inline Value to_value(const Uuid& v) { return Blob{std::string(v.raw())}; }
inline Value to_value(Timestamp v) { return v.microseconds; }
inline Value to_value(Duration v) { return v.microseconds; }
template <class T>
Value to_value(const std::optional<T>& v) {
  return v ? to_value(*v) : Value(Null{});
}

// One row of a query. Reading a column as another type than it holds is a bug of the store and throws.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}

  std::size_t size() const { return values_.size(); }
  const Value& at(std::size_t column) const { return values_.at(column); }
  bool is_null(std::size_t column) const { return std::holds_alternative<Null>(values_.at(column)); }
  std::int64_t integer(std::size_t column) const { return std::get<std::int64_t>(values_.at(column)); }
  bool boolean(std::size_t column) const { return integer(column) != 0; }
  double real(std::size_t column) const { return std::get<double>(values_.at(column)); }
  const std::string& text(std::size_t column) const { return std::get<std::string>(values_.at(column)); }
  const std::string& blob(std::size_t column) const { return std::get<Blob>(values_.at(column)).bytes; }
  Uuid uuid(std::size_t column) const { return Uuid::from_raw(blob(column)).value(); }
  Timestamp timestamp(std::size_t column) const { return {integer(column)}; }

  std::optional<std::int64_t> optional_integer(std::size_t column) const;
  std::optional<std::string> optional_text(std::size_t column) const;
  std::optional<Uuid> optional_uuid(std::size_t column) const;
  std::optional<Timestamp> optional_timestamp(std::size_t column) const;

 private:
  std::vector<Value> values_;
};

using Rows = std::vector<Row>;

// Error codes: `database.unique` (kConflict, detail names table and columns), `database.check`, `database.foreign-key`
// (kConflict), `storage-full` (kUnavailable), `database.forbidden-table` (kInternal: the statement touches a table of
// another service, or changes the schema), `database.read-only` (kInternal: a write in a read), `database.too-many-rows`
// (more than 10,000), `database.too-slow` (kDeadlineExceeded: a read over 5 s), `database.failed` (kInternal).
class Transaction {
 public:
  virtual ~Transaction() = default;

  // One statement. It is kept prepared by its text, so build few different ones. Times, ids and random values are bound,
  // never made by SQL. Returns the number of rows changed.
  virtual Result<std::int64_t> run(std::string_view sql, std::span<const Value> values) = 0;
  virtual Result<Rows> select(std::string_view sql, std::span<const Value> values) = 0;

  template <class... Values>
  Result<std::int64_t> execute(std::string_view sql, Values&&... values) {
    const Value bound[] = {to_value(std::forward<Values>(values))..., Value(Null{})};
    return run(sql, std::span(bound, sizeof...(Values)));
  }
  template <class... Values>
  Result<Rows> query(std::string_view sql, Values&&... values) {
    const Value bound[] = {to_value(std::forward<Values>(values))..., Value(Null{})};
    return select(sql, std::span(bound, sizeof...(Values)));
  }
  // The first row, or nullopt.
  template <class... Values>
  Result<std::optional<Row>> query_one(std::string_view sql, Values&&... values) {
    auto rows = query(sql, std::forward<Values>(values)...);
    if (!rows) return fail(std::move(rows).error());
    if (rows->empty()) return std::optional<Row>();
    return std::optional<Row>(std::move(rows->front()));
  }

  // Runs `step` in a savepoint of its own: when it answers an error, its changes alone are undone and the function may
  // go on. May be nested.
  template <class Step>
  std::invoke_result_t<Step&> attempt(Step step) {
    TRY(open_savepoint());
    struct UndoUnlessKept {
      Transaction& transaction;
      bool open = true;
      ~UndoUnlessKept() {
        if (open) transaction.undo_savepoint();
      }
    } undo{*this};
    auto answer = step();
    if (!answer) return answer;
    undo.open = false;
    TRY(keep_savepoint());
    return answer;
  }

 protected:
  virtual Result<void> open_savepoint() = 0;
  virtual Result<void> keep_savepoint() = 0;
  virtual void undo_savepoint() = 0;
};

template <class Function>
using TransactionResult = std::invoke_result_t<Function&, Transaction&>;

// A service's door to its own tables (`<service>_…`). Safe to use from any loop; a call resumes on the context's loop.
class Database {
 public:
  virtual ~Database() = default;

  // Runs `function` in a savepoint of a group commit. When it returns an error its changes are rolled back and the
  // error is the answer. Error `outcome-unknown` (kUnavailable): the commit failed in the disk; the process ends.
  // `function` may run more than once; only its last run counts.
  template <class Function>
  Task<TransactionResult<Function>> write(runtime::Context& context, Function function) {
    return submit<Function>(Mode::kWrite, context, std::move(function));
  }

  // Runs on a reader connection on the last committed state; writes in it fail.
  template <class Function>
  Task<TransactionResult<Function>> read(runtime::Context& context, Function function) {
    return submit<Function>(Mode::kRead, context, std::move(function));
  }

  enum class Mode { kRead, kWrite };
  // What the implementation runs: true keeps the changes, false rolls them back.
  using Work = std::move_only_function<bool(Transaction&)>;
  // Called once with the fate of the work: no error, or the reason why its outcome may not be used.
  using Done = std::move_only_function<void(std::optional<Error>)>;

  // Queues the work; `done` is called on any thread. Full queue: `done` gets `database.overloaded` (kUnavailable).
  virtual void enqueue(Mode mode, Work work, Done done) = 0;

  // How many commits have changed rows of the table; raised before a caller of the commit is answered. Lives as long as the
  // database. Null: not known here, since others write to the table as well. See read_cache.h.
  virtual const std::atomic<std::uint64_t>* changes_of(std::string_view) { return nullptr; }

 private:
  template <class Function>
  Task<TransactionResult<Function>> submit(Mode mode, runtime::Context& context, Function function) {
    using Answer = TransactionResult<Function>;
    struct Awaiter {
      Database& database;
      Mode mode;
      runtime::Scheduler& scheduler;
      Function& function;
      std::optional<Answer> answer;
      std::optional<Error> failure;

      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        database.enqueue(
            mode,
            [this](Transaction& transaction) {
              answer.emplace(function(transaction));
              return answer->has_value();
            },
            [this, waiting](std::optional<Error> error) {
              failure = std::move(error);
              scheduler.post([waiting] { waiting.resume(); });
            });
      }
      Answer await_resume() {
        if (failure) return fail(std::move(*failure));
        return std::move(*answer);
      }
    };
    if (auto in_time = context.check_deadline(); !in_time) co_return fail(std::move(in_time).error());
    Awaiter awaiter{*this, mode, context.scheduler(), function, std::nullopt, std::nullopt};
    Answer answer = co_await awaiter;
    co_return answer;
  }
};

// One forward step of a service's schema; applied once, in order, each in a transaction with its record. A changed
// text of an applied one is refused at start (`database.migration-changed`).
struct Migration {
  int number;        // 1, 2, 3 …
  std::string name;  // `create_users`
  std::string sql;   // one or more statements
};

}  // namespace consilium::database

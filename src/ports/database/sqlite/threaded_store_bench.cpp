// Rows a second through group commit: clients that each wait for their answer, one row of about 300 bytes a function.
// The folder is the temporary one (TMPDIR): name one on the disk that is to be measured.
#include <benchmark/benchmark.h>

#include <atomic>
#include <functional>
#include <string>

#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::sqlite {
namespace {

constexpr std::int64_t kRowsOfARound = 4'000;

class BenchStore {
 public:
  BenchStore() {
    auto opened = open_threaded({.path = folder_.path() + "/consilium.db"});
    if (!opened) throw std::runtime_error(opened.error().describe());
    store_ = std::move(*opened);
    if (!store_->migrate("bench", {{1, "create", "CREATE TABLE bench_row(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"}}))
      throw std::runtime_error("no table");
  }
  Store& store() { return *store_; }

 private:
  runtime::TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

// The clients live on a loop of their own, as those of a server do.
struct Round {
  Database& database;
  runtime::Scheduler& loop;
  std::atomic<std::int64_t> left;
  std::atomic<std::int64_t> open;
  std::string text = std::string(280, 'x');

  void next() {
    if (left.fetch_sub(1) <= 0) {
      if (open.fetch_sub(1) == 1) open.notify_one();
      return;
    }
    database.enqueue(
        Database::Mode::kWrite,
        [this](Transaction& transaction) { return transaction.execute("INSERT INTO bench_row(text) VALUES (?)", text).has_value(); },
        [this](std::optional<Error> error) {
          if (error) std::abort();
          loop.post([this] { next(); });
        });
  }
};

void write_rows(benchmark::State& state) {
  BenchStore bench;
  runtime::AsioScheduler loop("clients");
  loop.start();
  const std::int64_t clients = state.range(0);
  const std::int64_t rows = clients == 1 ? kRowsOfARound / 10 : kRowsOfARound;
  for (auto _ : state) {
    Round round{bench.store().service("bench"), loop, rows, clients};
    for (std::int64_t i = 0; i < clients; ++i) loop.post([&round] { round.next(); });
    for (std::int64_t open = round.open; open > 0; open = round.open) round.open.wait(open);
  }
  state.SetItemsProcessed(state.iterations() * rows);
  const Statistics now = bench.store().statistics();
  state.counters["rows_per_commit"] = static_cast<double>(now.functions) / static_cast<double>(now.commits);
  state.counters["commit_ms"] = static_cast<double>(now.commit_time_sum) / static_cast<double>(now.groups) / 1000;
}

BENCHMARK(write_rows)->Arg(1)->Arg(64)->Arg(256)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium::database::sqlite

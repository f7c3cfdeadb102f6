// The promise "acknowledged means durable", tried at every point at which the power can go.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <set>

#include "ports/database/simulated/simulated_store.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::database::simulated {
namespace {

constexpr int kTransactions = 60;

struct Trial {
  bool was_cut = false;
  std::set<std::int64_t> acknowledged;
  std::vector<std::string> broken;  // promises
};

std::unique_ptr<SimulatedStore> open_store(runtime::Scheduler& loop, Disk& disk, std::uint64_t seed, sqlite::Synchronous synchronous) {
  SimulatedOptions options;
  options.seed = seed;
  options.sqlite.synchronous = synchronous;
  options.largest_group = 4;
  options.checkpoint_pages = 12;  // several checkpoints in a run, so that cuts fall into them
  auto opened = SimulatedStore::open(loop, disk, options);
  return opened ? std::move(*opened) : nullptr;
}

bool migrate(Store& store) {
  return store
      .migrate("pair", {{1, "create",
                         "CREATE TABLE pair_half(id INTEGER NOT NULL, side TEXT NOT NULL, filler TEXT, PRIMARY KEY(id, side)) STRICT;"
                         "CREATE INDEX pair_by_filler ON pair_half(filler);"
                         "CREATE TABLE pair_total(halves INTEGER NOT NULL) STRICT; INSERT INTO pair_total VALUES (0);"}})
      .has_value();
}

// Each transaction writes two halves and counts them; they come as from clients that wait for their answers.
void submit(SimulatedStore& store, Trial& run, std::int64_t& next) {
  if (next > kTransactions) return;
  const std::int64_t id = next++;
  store.service("pair").enqueue(
      Database::Mode::kWrite,
      [id](Transaction& transaction) {
        const std::string filler(static_cast<std::size_t>(100 + id * 37 % 900), 'f');
        return transaction.execute("INSERT INTO pair_half VALUES (?, 'left', ?)", id, filler).has_value() &&
               transaction.execute("UPDATE pair_total SET halves = halves + 2").has_value() &&
               transaction.execute("INSERT INTO pair_half VALUES (?, 'right', ?)", id, filler).has_value();
      },
      [&store, &run, &next, id](std::optional<Error> error) {
        if (!error) run.acknowledged.insert(id);
        submit(store, run, next);
      });
}

void check(SimulatedStore& store, runtime::SimulatedWorld& world, Trial& run) {
  bool done = false;
  store.service("pair").enqueue(
      Database::Mode::kRead,
      [&run](Transaction& transaction) {
        const auto rows = transaction.query("SELECT id, count(*) FROM pair_half GROUP BY id");
        const auto total = transaction.query_one("SELECT halves FROM pair_total");
        if (!rows || !total || !*total) {
          run.broken.push_back("cannot be read: " + (rows ? std::string("no total") : rows.error().describe()));
          return false;
        }
        std::set<std::int64_t> present;
        std::int64_t halves = 0;
        for (const Row& row : *rows) {
          present.insert(row.integer(0));
          halves += row.integer(1);
          if (row.integer(1) != 2) run.broken.push_back("half of " + std::to_string(row.integer(0)));
        }
        if ((*total)->integer(0) != halves) run.broken.push_back("total is " + std::to_string((*total)->integer(0)));
        for (const std::int64_t id : run.acknowledged) {
          if (!present.contains(id)) run.broken.push_back("lost " + std::to_string(id));
        }
        return true;
      },
      [&](std::optional<Error> error) {
        if (error) run.broken.push_back("read: " + error->describe());
        done = true;
      });
  if (!world.run_until([&] { return done; }, minutes(1))) run.broken.push_back("no answer");
  const auto damage = store.verify();
  if (!damage) run.broken.push_back("verify: " + damage.error().describe());
  if (damage) run.broken.insert(run.broken.end(), damage->begin(), damage->end());
}

// Works until `arrange` lets the power go, then recovers (`trouble` may disturb the recovery, too) and looks.
Trial run_with(std::uint64_t seed, sqlite::Synchronous synchronous, const std::function<void(Disk&)>& arrange,
               const std::function<void(Disk&)>& trouble = {}) {
  Trial run;
  Disk disk(seed);
  runtime::SimulatedWorld world(seed);
  auto& loop = world.add_loop("test");
  auto store = open_store(loop, disk, seed, synchronous);
  if (!store || !migrate(*store)) {
    run.broken.push_back("no start");
    return run;
  }
  disk.on_power_cut([&run] { run.was_cut = true; });
  arrange(disk);
  std::int64_t next = 1;
  for (int client = 0; client < 5; ++client) submit(*store, run, next);
  world.run_until([&] { return disk.is_dark() || run.acknowledged.size() == kTransactions; }, minutes(1));
  if (!disk.is_dark()) disk.power_cut();
  store.reset();
  disk.on_power_cut({});
  disk.power_on();
  if (trouble) {
    trouble(disk);
    store = open_store(loop, disk, seed + 1, synchronous);  // may fail
    if (store) static_cast<void>(migrate(*store));
    if (!disk.is_dark()) disk.power_cut();
    store.reset();
    disk.power_on();
  }
  store = open_store(loop, disk, seed + 2, synchronous);
  if (!store || !migrate(*store)) {
    run.broken.push_back("does not open");
    return run;
  }
  check(*store, world, run);
  store->close();
  return run;
}

std::string text_of(const Trial& run) {
  std::string text = std::to_string(run.acknowledged.size()) + " acknowledged";
  for (const std::string& broken : run.broken) text += "; " + broken;
  return text;
}

TEST(PowerCut, AtEverySyncNothingAcknowledgedIsLost) {
  for (const CutMoment moment : {CutMoment::kBeforeSync, CutMoment::kAfterSync}) {
    std::uint64_t number = 1;
    for (bool reached = true; reached; ++number) {
      const Trial run = run_with(1'000 + number, sqlite::Synchronous::kFull, [&](Disk& disk) { disk.cut_at_sync(number, moment); });
      reached = run.was_cut && run.acknowledged.size() < kTransactions;
      ASSERT_TRUE(run.broken.empty()) << "sync " << number << ": " << text_of(run);
    }
    EXPECT_GT(number, 20U);  // commits and checkpoints
  }
}

TEST(PowerCut, AtEveryWriteNothingAcknowledgedIsLost) {
  std::uint64_t number = 1;
  for (bool reached = true; reached; ++number) {
    const Trial run = run_with(5'000 + number, sqlite::Synchronous::kFull, [&](Disk& disk) { disk.cut_at_write(number); });
    reached = run.was_cut && run.acknowledged.size() < kTransactions;
    ASSERT_TRUE(run.broken.empty()) << "write " << number << ": " << text_of(run);
  }
  EXPECT_GT(number, 20U);  // a commit is one write, a checkpoint several
}

// Without syncs the same search must find a loss, else it would find nothing at all.
TEST(PowerCut, IsNoticedWhenCommitsAreNotSynced) {
  int caught = 0;
  for (std::uint64_t number = 20; number < 200; number += 10) {
    const Trial run = run_with(5'000 + number, sqlite::Synchronous::kOffForTests, [&](Disk& disk) { disk.cut_at_write(number); });
    caught += run.broken.empty() ? 0 : 1;
  }
  EXPECT_GT(caught, 0);
}

// Any point, and a second cut in the middle of the recovery. CONSILIUM_SEED=n repeats one.
TEST(PowerCut, AtRandomPointsAndDuringRecovery) {
  const char* wanted = std::getenv("CONSILIUM_SEED");
  const std::uint64_t first = wanted ? std::strtoull(wanted, nullptr, 10) : 90'000;
  const std::uint64_t last = wanted ? first : first + 150;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SeededRandom random(seed);
    const std::uint64_t write = 1 + random.below(300);
    const std::uint64_t during_recovery = 1 + random.below(6);
    const bool at_sync = random.below(2) == 0;
    const Trial run = run_with(
        seed, sqlite::Synchronous::kFull, [&](Disk& disk) { disk.cut_at_write(write); },
        [&](Disk& disk) { at_sync ? disk.cut_at_sync(during_recovery, CutMoment::kBeforeSync) : disk.cut_at_write(during_recovery); });
    ASSERT_TRUE(run.broken.empty()) << text_of(run) << "\nreplay: CONSILIUM_SEED=" << seed
                                    << " ports_test --gtest_filter=PowerCut.AtRandomPointsAndDuringRecovery";
  }
}

// Works on a disk on which one sync fails; when the store gives up, the process ends and another one takes the same disk, as the
// operating system still has it in memory. Then the power goes.
Trial run_with_a_failed_sync(std::uint64_t seed, std::string file, std::uint64_t after) {
  Trial run;
  Disk disk(seed);
  runtime::SimulatedWorld world(seed);
  auto& loop = world.add_loop("test");
  auto store = open_store(loop, disk, seed, sqlite::Synchronous::kFull);
  if (!store || !migrate(*store)) {
    run.broken.push_back("no start");
    return run;
  }
  disk.inject({.operation = Operation::kSync, .name_ends_with = std::move(file), .after = after});
  std::int64_t next = 1;
  for (int client = 0; client < 5; ++client) submit(*store, run, next);
  world.run_until([&] { return store->failed() || run.acknowledged.size() == kTransactions; }, minutes(1));
  run.was_cut = store->failed();
  store->kill();
  disk.forget_faults();
  store = open_store(loop, disk, seed + 1, sqlite::Synchronous::kFull);
  if (!store || !migrate(*store)) {
    run.broken.push_back("does not open after the sync that failed");
    return run;
  }
  next = 1;  // those that are there are refused
  for (int client = 0; client < 5; ++client) submit(*store, run, next);
  world.run_until([&] { return next > kTransactions && store->statistics().write_queue == 0; }, minutes(1));
  world.run_for(seconds(1));
  disk.power_cut();
  store.reset();
  disk.power_on();
  store = open_store(loop, disk, seed + 2, sqlite::Synchronous::kFull);
  if (!store || !migrate(*store)) {
    run.broken.push_back("does not open");
    return run;
  }
  check(*store, world, run);
  store->close();
  return run;
}

TEST(PowerCut, AfterASyncThatFailedNothingAcknowledgedLaterIsLost) {
  for (const char* file : {"-wal", ".db"}) {
    int met = 0;
    for (std::uint64_t after = 0; after < 30; ++after) {
      const Trial run = run_with_a_failed_sync(7'000 + after, file, after);
      met += run.was_cut ? 1 : 0;
      ASSERT_TRUE(run.broken.empty()) << file << ", sync " << after << ": " << text_of(run);
    }
    EXPECT_GT(met, 0) << "no sync of " << file << " failed";
  }
}

TEST(PowerCut, ACommitThatFailsInTheDiskEndsTheStore) {
  Disk disk(3);
  runtime::SimulatedWorld world(3);
  auto& loop = world.add_loop("test");
  SimulatedOptions options;
  int fatal = 0;
  options.sqlite.on_fatal = [&fatal](const Error& error) { fatal += error.code == "outcome-unknown" ? 1 : 100; };
  auto store = SimulatedStore::open(loop, disk, options);
  ASSERT_TRUE(store && migrate(**store));
  disk.inject({.operation = Operation::kSync, .name_ends_with = "-wal", .after = 0});
  Trial run;
  std::vector<std::string> answers;
  for (int id = 1; id <= 3; ++id) {
    (*store)->service("pair").enqueue(
        Database::Mode::kWrite,
        [id](Transaction& transaction) { return transaction.execute("INSERT INTO pair_half VALUES (?, 'left', '')", id).has_value(); },
        [&](std::optional<Error> error) {
          answers.push_back(error ? error->code : "ok");
          EXPECT_EQ(fatal, 0);  // callers first
        });
  }
  world.run_until_idle();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers.front(), "outcome-unknown");
  for (const std::string& answer : answers) EXPECT_TRUE(answer == "outcome-unknown" || answer == "database.closed") << answer;
  EXPECT_EQ(fatal, 1);
  EXPECT_TRUE((*store)->failed());
  std::string late;
  (*store)->service("pair").enqueue(
      Database::Mode::kRead, [](Transaction&) { return true; }, [&](std::optional<Error> error) { late = error ? error->code : "ok"; });
  EXPECT_EQ(late, "database.closed");
}

}  // namespace
}  // namespace consilium::database::simulated

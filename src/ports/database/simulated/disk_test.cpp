#include "ports/database/simulated/disk.h"

#include <gtest/gtest.h>

#include <set>

#include "ports/database/simulated/simulated_store.h"
#include "ports/database/sqlite/core.h"
#include "ports/database/sqlite/migration.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::database::simulated {
namespace {

constexpr const char* kPath = "/data/consilium.db";

sqlite::Options options_on(Disk& disk) {
  sqlite::Options options;
  options.path = kPath;
  options.vfs = disk.vfs_name();
  options.free_bytes = [] { return std::nullopt; };
  options.steady_now = [] { return Timestamp{}; };  // no group ends for its time
  return sqlite::with_defaults(options);
}

const std::vector<Migration>& box_migrations() {
  static const std::vector<Migration> all{
      {1, "create", "CREATE TABLE box_item(id INTEGER PRIMARY KEY, part TEXT NOT NULL, bytes BLOB) STRICT"}};
  return all;
}

// One writer on the disk, without queue or loop.
class DiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sqlite::apply_migrations(options_, "box", box_migrations()));
    open();
  }
  void open() {
    writer_.reset();
    auto opened = sqlite::Writer::open(options_);
    ASSERT_TRUE(opened) << opened.error().describe();
    writer_ = std::move(*opened);
    disk_.sync_names();  // as the stores do
  }
  // One group of functions that each store that many bytes under their number; answers their fates.
  std::vector<std::string> store(std::vector<std::pair<int, std::size_t>> items) {
    std::vector<std::string> fates(items.size(), "none");
    std::vector<sqlite::Job> jobs(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      jobs[i].scope = &scope_;
      jobs[i].work = [item = items[i], &fate = fates[i]](Transaction& transaction) {
        const auto done = transaction.execute("INSERT INTO box_item VALUES (?, 'x', ?)", item.first, Blob{std::string(item.second, 'b')});
        fate = done ? "ok" : "no " + done.error().code;
        return done.has_value();
      };
      jobs[i].done = [&fate = fates[i]](std::optional<Error> error) {
        if (error) fate = error->code;
      };
    }
    for (std::size_t done = 0; done < jobs.size();) {
      const auto rest = std::span(jobs).subspan(done);
      report_ = writer_->run(rest);
      sqlite::answer(rest.first(report_.taken));
      done += report_.taken;
    }
    return fates;
  }
  std::set<std::int64_t> stored() {
    const auto rows = writer_->connection().select(scope_, "SELECT id FROM box_item", {});
    std::set<std::int64_t> ids;
    if (!rows) ids.insert(-1);
    if (rows) {
      for (const Row& row : *rows) ids.insert(row.integer(0));
    }
    return ids;
  }

  using Fates = std::vector<std::string>;
  using Ids = std::set<std::int64_t>;
  Disk disk_{7};
  sqlite::Options options_ = options_on(disk_);
  sqlite::Scope scope_ = sqlite::scope_of(sqlite::Access::kService, "box");
  std::unique_ptr<sqlite::Writer> writer_;
  sqlite::GroupReport report_;
};

// The big one does not fit: found at the COMMIT (it fits into the page cache) …
TEST_F(DiskTest, AFullDiskHitsTheOneThatNeedsTheSpace) {
  disk_.set_capacity(disk_.used_bytes() + 200'000);
  EXPECT_EQ(store({{1, 10}, {2, 1'000'000}, {3, 10}}), (Fates{"ok", "storage-full", "ok"}));
  EXPECT_TRUE(report_.lost);
  EXPECT_EQ(stored(), (Ids{1, 3}));
  disk_.set_capacity(std::nullopt);
  EXPECT_EQ(store({{2, 1'000'000}}), Fates{"ok"});
}

// … or while it runs (it does not), which makes SQLite roll back the whole group.
TEST_F(DiskTest, AFullDiskInTheMiddleOfAFunctionHitsThatFunctionAlone) {
  disk_.set_capacity(disk_.used_bytes() + 300'000);
  EXPECT_EQ(store({{1, 10}, {2, 20'000'000}, {3, 10}}), (Fates{"ok", "storage-full", "ok"}));
  EXPECT_EQ(stored(), (Ids{1, 3}));
}

TEST_F(DiskTest, AFullDiskStillReads) {
  EXPECT_EQ(store({{1, 10}}), Fates{"ok"});
  disk_.set_capacity(disk_.used_bytes());
  EXPECT_EQ(store({{2, 100'000}}), Fates{"storage-full"});
  EXPECT_EQ(stored(), Ids{1});
}

TEST_F(DiskTest, AFailedSyncOfTheCommitLeavesTheOutcomeUnknown) {
  EXPECT_EQ(store({{1, 10}}), Fates{"ok"});
  disk_.inject({.operation = Operation::kSync, .name_ends_with = "-wal"});
  EXPECT_EQ(store({{2, 10}, {3, 10}}), (Fates{"outcome-unknown", "outcome-unknown"}));
  EXPECT_TRUE(report_.unknown);
  EXPECT_FALSE(report_.committed);
  EXPECT_EQ(disk_.faults_left(), 0U);
  disk_.power_cut();
  disk_.power_on();
  open();
  const Ids left = stored();
  EXPECT_TRUE(left == Ids{1} || left == (Ids{1, 2, 3})) << left.size();
}

TEST_F(DiskTest, AFailedWriteOfTheCommitLeavesTheOutcomeUnknown) {
  disk_.inject({.operation = Operation::kWrite, .name_ends_with = "-wal"});
  EXPECT_EQ(store({{1, 10}}), Fates{"outcome-unknown"});
  EXPECT_TRUE(report_.unknown);
}

TEST_F(DiskTest, AFailedReadHitsTheOneThatReads) {
  EXPECT_EQ(store({{1, 10}, {2, 3'000'000}}), (Fates{"ok", "ok"}));
  open();  // with an empty page cache
  disk_.inject({.operation = Operation::kRead});
  const auto rows = writer_->connection().select(scope_, "SELECT sum(length(bytes)) FROM box_item", {});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, "database.failed");
  EXPECT_EQ(stored(), (Ids{1, 2}));
}

// A sync that failed may have lost what it was to store, and the next one says nothing of it.
TEST_F(DiskTest, ASecondSyncAfterAFailedOneMeansNothing) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 20 && !lost; ++seed) {
    Disk disk(seed);
    const sqlite::Options options = options_on(disk);
    ASSERT_TRUE(sqlite::apply_migrations(options, "box", box_migrations()));
    auto writer = sqlite::Writer::open(options);
    ASSERT_TRUE(writer);
    disk.inject({.operation = Operation::kSync, .name_ends_with = "-wal"});
    const auto insert = [&](int id) {
      const Value values[] = {to_value(id)};
      return (*writer)->connection().run(scope_, "INSERT INTO box_item VALUES (?, 'x', NULL)", values).has_value();
    };
    EXPECT_FALSE(insert(1));
    EXPECT_TRUE(insert(2));  // what a program would do that goes on
    disk.power_cut();
    writer->reset();
    disk.power_on();
    auto again = sqlite::Writer::open(options);
    ASSERT_TRUE(again);
    const auto rows = (*again)->connection().select(scope_, "SELECT id FROM box_item WHERE id = 2", {});
    lost = !rows || rows->empty();
  }
  EXPECT_TRUE(lost);
}

TEST_F(DiskTest, StaysDarkUntilThePowerIsOn) {
  EXPECT_EQ(store({{1, 10}}), Fates{"ok"});
  disk_.power_cut();
  EXPECT_FALSE(sqlite::Writer::open(options_));
  EXPECT_NE(store({{2, 10}}), Fates{"ok"});
  disk_.power_on();
  EXPECT_NE(store({{2, 10}}), Fates{"ok"});  // files of before stay dead
  open();
  EXPECT_EQ(stored(), Ids{1});
  EXPECT_EQ(disk_.power_cuts(), 1U);
}

TEST_F(DiskTest, AKilledProcessLosesNothingWritten) {
  EXPECT_EQ(store({{1, 10}}), Fates{"ok"});
  disk_.kill_processes();
  EXPECT_NE(store({{2, 10}}), Fates{"ok"});
  open();
  EXPECT_EQ(stored(), Ids{1});
}

TEST(SimulatedStore, TheSameSeedGivesTheSameRun) {
  const auto run = [](std::uint64_t seed) {
    Disk disk(seed);
    runtime::SimulatedWorld world(seed);
    auto& loop = world.add_loop("test");
    SimulatedOptions options;
    options.seed = seed;
    options.checkpoint_pages = 10;
    auto store = SimulatedStore::open(loop, disk, options);
    EXPECT_TRUE(store && (*store)->migrate("box", box_migrations()));
    int answered = 0;
    for (int i = 0; i < 100; ++i) {
      (*store)->service("box").enqueue(
          Database::Mode::kWrite,
          [i](Transaction& transaction) { return transaction.execute("INSERT INTO box_item VALUES (?, 'x', NULL)", i).has_value(); },
          [&answered](std::optional<Error> error) { answered += error ? 0 : 1; });
    }
    world.run_until_idle();
    EXPECT_EQ(answered, 100);
    EXPECT_GT((*store)->statistics().commits, 1U);
    return std::tuple(world.trace_hash(), disk.content_hash(), disk.syncs(), world.steady_now());
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

}  // namespace
}  // namespace consilium::database::simulated

#include "ports/database/sqlite/threaded_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "ports/database/simulated/disk.h"
#include "ports/database/store_harness.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::sqlite {
namespace {

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> all{{1, "create", "CREATE TABLE bulk_row(id INTEGER PRIMARY KEY, text TEXT) STRICT"}};
  return all;
}

std::unique_ptr<Store> open(Options options) {
  auto store = open_threaded(std::move(options));
  if (!store) throw std::runtime_error(store.error().describe());
  EXPECT_TRUE((*store)->migrate("bulk", migrations()));
  return std::move(*store);
}

// Collects answers from the store's threads.
class Answers {
 public:
  Database::Done next() {
    return [this](std::optional<Error> error) {
      const std::lock_guard lock(mutex_);
      codes_.push_back(error ? error->code : "ok");
      arrived_.notify_all();
    };
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return codes_.size() >= count; });
    return codes_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> codes_;
};

// A function that holds its thread until it is let go.
class Gate {
 public:
  Database::Work work() {
    return [this](Transaction&) {
      ++waiting_;
      waiting_.notify_all();
      open_.wait(false);
      return true;
    };
  }
  void wait_for(int count) {
    for (int now = waiting_; now < count; now = waiting_) waiting_.wait(now);
  }
  void let_go() {
    open_ = true;
    open_.notify_all();
  }

 private:
  std::atomic<int> waiting_{0};
  std::atomic<bool> open_{false};
};

Database::Work insert(std::size_t size) {
  return [size](Transaction& transaction) {
    return transaction.execute("INSERT INTO bulk_row(text) VALUES (?)", std::string(size, 't')).has_value();
  };
}

TEST(ThreadedStore, OneCommitTakesNoMoreFunctionsThanSaid) {
  const runtime::TemporaryFolder folder;
  std::atomic<std::int64_t> clock{0};  // stands still: no group ends for its time
  constexpr std::size_t kGroup = 100;
  const auto store = open({.path = folder.path() + "/x.db", .max_group = kGroup, .steady_now = [&clock] { return Timestamp{clock}; }});
  Gate gate;
  Answers answers;
  Database& bulk = store->service("bulk");
  bulk.enqueue(Database::Mode::kWrite, gate.work(), answers.next());
  gate.wait_for(1);
  for (std::size_t i = 0; i < kGroup + 1; ++i) bulk.enqueue(Database::Mode::kWrite, insert(10), answers.next());
  EXPECT_EQ(store->statistics().write_queue, kGroup + 1);
  gate.let_go();
  answers.wait_for(kGroup + 2);
  store->close();
  EXPECT_EQ(store->statistics().largest_group, kGroup);
  EXPECT_EQ(store->statistics().commits, 3U);
  EXPECT_EQ(store->statistics().functions, kGroup + 2);
}

TEST(ThreadedStore, ReadersWorkBesideEachOtherAndTheirQueueIsBounded) {
  const runtime::TemporaryFolder folder;
  const auto store = open({.path = folder.path() + "/x.db", .readers = 3, .max_read_queue = 5});
  Gate gate;
  Answers held;
  Answers queued;
  Database& bulk = store->service("bulk");
  for (int i = 0; i < 3; ++i) bulk.enqueue(Database::Mode::kRead, gate.work(), held.next());
  gate.wait_for(3);
  for (int i = 0; i < 6; ++i) bulk.enqueue(Database::Mode::kRead, [](Transaction&) { return true; }, queued.next());
  EXPECT_EQ(queued.wait_for(1), std::vector<std::string>{"database.overloaded"});
  bulk.enqueue(Database::Mode::kWrite, insert(10), queued.next());  // readers do not hold up the writer
  EXPECT_EQ(queued.wait_for(2).back(), "ok");
  gate.let_go();
  EXPECT_EQ(queued.wait_for(7).back(), "ok");
  EXPECT_EQ(held.wait_for(3).back(), "ok");
  store->close();
  EXPECT_EQ(store->statistics().refused, 1U);
}

TEST(ThreadedStore, KeepsTheLogShortUnderLoad) {
  const runtime::TemporaryFolder folder;
  constexpr int kBound = 60;
  // The thread beside would need more pages than there may be: the writer alone keeps the bound.
  const auto store = open({.path = folder.path() + "/x.db", .checkpoint_pages = 1'000'000, .max_log_pages = kBound});
  Answers answers;
  std::uint64_t longest = 0;
  for (std::size_t i = 1; i <= 200; ++i) {
    store->service("bulk").enqueue(Database::Mode::kWrite, insert(3'000), answers.next());
    answers.wait_for(i);
    longest = std::max(longest, store->statistics().wal_pages);
  }
  EXPECT_GE(longest, static_cast<std::uint64_t>(kBound));
  EXPECT_LE(longest, static_cast<std::uint64_t>(kBound) + 10);
  store->close();
  EXPECT_GE(store->statistics().checkpoints, 3U);
}

TEST(ThreadedStore, MovesTheLogIntoTheFileBesideTheWriter) {
  const runtime::TemporaryFolder folder;
  const auto store = open({.path = folder.path() + "/x.db", .checkpoint_pages = 20});
  Answers answers;
  for (std::size_t i = 1; i <= 200; ++i) {
    store->service("bulk").enqueue(Database::Mode::kWrite, insert(3'000), answers.next());
    answers.wait_for(i);
  }
  store->close();
  EXPECT_GE(store->statistics().checkpoints, 1U);
}

// After the start only the writer thread touches the simulated disk here, one thread at a time.
TEST(ThreadedStore, ACommitThatFailsInTheDiskAnswersTheGroupThenEndsTheProcess) {
  const runtime::TemporaryFolder folder;  // must exist, but stays empty
  simulated::Disk disk(4);
  std::atomic<int> fatal{0};
  Answers answers;
  Options options{.path = folder.path() + "/x.db", .vfs = disk.vfs_name(), .readers = 1};
  options.free_bytes = [] { return std::nullopt; };
  options.on_fatal = [&](const Error& error) {
    EXPECT_EQ(error.code, "outcome-unknown");
    ++fatal;
    fatal.notify_all();
  };
  const auto store = open(std::move(options));
  Database& bulk = store->service("bulk");
  bulk.enqueue(Database::Mode::kWrite, insert(10), answers.next());
  ASSERT_EQ(answers.wait_for(1).back(), "ok");
  disk.inject({.operation = simulated::Operation::kSync, .name_ends_with = "-wal"});
  bulk.enqueue(Database::Mode::kWrite, insert(10), answers.next());
  EXPECT_EQ(answers.wait_for(2).back(), "outcome-unknown");
  fatal.wait(0);
  EXPECT_EQ(fatal, 1);
  const std::uint64_t syncs = disk.syncs();
  bulk.enqueue(Database::Mode::kWrite, insert(10), answers.next());
  EXPECT_EQ(answers.wait_for(3).back(), "database.closed");
  bulk.enqueue(Database::Mode::kRead, [](Transaction&) { return true; }, answers.next());
  EXPECT_EQ(answers.wait_for(4).back(), "database.closed");
  EXPECT_EQ(disk.syncs(), syncs);  // no sync is tried again
  EXPECT_EQ(fatal, 1);
  disk.kill_processes();  // as the end of the process would
  store->close();
}

}  // namespace
}  // namespace consilium::database::sqlite

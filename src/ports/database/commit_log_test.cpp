// The commit log on a simulated disk: what it acknowledged is there after kills and power cuts, and damage is told.
#include "ports/database/commit_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "ports/database/simulated/disk.h"
#include "ports/database/simulated/simulated_log_file.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database {
namespace {

using simulated::CutMoment;
using simulated::Disk;
using simulated::Failure;
using simulated::LogSyncs;
using simulated::Operation;

constexpr std::size_t kMaxFrame = kCommitLogHalf / 4;
constexpr char kPath[] = "/data/consilium.db-log";

// A process that has the log open.
struct Owner {
  explicit Owner(Disk& on, LogSyncs syncs = LogSyncs::kFull, std::uint64_t half = kCommitLogHalf)
      : Owner(simulated::open_log_file(on, kPath, syncs), half) {}
  explicit Owner(Result<std::unique_ptr<LogFile>> file, std::uint64_t half = kCommitLogHalf) {
    if (!file) return;
    auto opened = CommitLog::open(std::move(*file), [this](const Error& error) { fatal.push_back(error.code); }, half);
    if (!opened) {
      refused = opened.error().code;
      return;
    }
    log = std::move(*opened);
    auto read = log->read();
    is_sound = read.has_value();
    if (!is_sound) {
      refused = read.error().code;
      return;
    }
    found = std::move(*read);
    log->begin_anew();
  }

  std::unique_ptr<CommitLog> log;
  bool is_sound = false;
  std::string refused;  // why not
  std::vector<std::string> found;
  std::vector<std::string> fatal;
};

std::string content(std::uint64_t number, std::size_t bytes = 100) {
  std::string text = std::to_string(number) + ":";
  text.resize(std::max(text.size(), bytes), static_cast<char>('a' + number % 26));
  return text;
}

TEST(CommitLog, GivesWhatWasAppendedInItsOrder) {
  Disk disk(1);
  {
    Owner owner(disk);
    EXPECT_TRUE(owner.found.empty());
    for (std::uint64_t number = 1; number <= 5; ++number) EXPECT_EQ(owner.log->append(content(number, number * 3000)).value(), number);
    EXPECT_EQ(owner.log->appended(), 5u);
  }
  Owner next(disk);
  ASSERT_EQ(next.found.size(), 5u);
  for (std::uint64_t number = 1; number <= 5; ++number) EXPECT_EQ(next.found[number - 1], content(number, number * 3000));
  EXPECT_EQ(next.log->append("more").value(), 6u) << "numbers go on";
}

TEST(CommitLog, WritesOverWhatWasReleasedAndNothingElse) {
  Disk disk(2);
  Owner owner(disk);
  const std::string big = content(1, 500'000);
  std::uint64_t last = 0;
  while (owner.log->has_room(big.size())) last = owner.log->append(big).value();
  EXPECT_EQ(last, 16u) << "eight in each half of 4 MiB";
  owner.log->release(7);
  EXPECT_FALSE(owner.log->has_room(big.size())) << "the eighth is in the same half";
  owner.log->release(8);
  ASSERT_TRUE(owner.log->has_room(big.size()));
  const std::string later = content(17, 400'000);
  EXPECT_EQ(owner.log->append(later).value(), 17u);
  Owner next(disk);
  ASSERT_EQ(next.found.size(), 9u);
  EXPECT_EQ(next.found.front(), big);
  EXPECT_EQ(next.found.back(), later);
  EXPECT_LE(disk.used_bytes(), 2 * kCommitLogHalf) << "it does not grow";
}

TEST(CommitLog, TakesTheLargestFrameAndRefusesLarger) {
  Disk disk(3);
  Owner owner(disk);
  EXPECT_TRUE(owner.log->append(std::string(kMaxFrame, 'x')).has_value());
  EXPECT_THROW((void)owner.log->append(std::string(kMaxFrame + 1, 'x')), std::logic_error);
  EXPECT_TRUE(owner.log->append("").has_value());
  Owner next(disk);
  EXPECT_EQ(next.found, (std::vector<std::string>{std::string(kMaxFrame, 'x'), ""}));
}

TEST(CommitLog, NeedsRoomOnTheDiskOnlyOnce) {
  Disk disk(4);
  disk.set_capacity(1'000'000);
  EXPECT_EQ(Owner(disk).refused, "storage-full");
  disk.set_capacity(std::nullopt);
  Owner owner(disk);
  disk.set_capacity(disk.used_bytes());
  EXPECT_TRUE(owner.log->append(content(1)).has_value());
}

// Some file systems find out only at the sync, when the frame is there already: reading tells.
TEST(CommitLog, WhatFoundNoRoomIsUnknownUntilItIsRead) {
  for (const Operation operation : {Operation::kWrite, Operation::kSync}) {
    Disk disk(5);
    Owner owner(disk);
    ASSERT_TRUE(owner.log->append("one").has_value());
    disk.inject({operation, Failure::kNoSpace, "-log", 0});
    EXPECT_EQ(owner.log->append("two").error().code, "outcome-unknown");
    EXPECT_EQ(owner.log->append("three").error().code, "outcome-unknown");
    EXPECT_TRUE(owner.fatal.empty());
    const std::vector<std::string> found = owner.log->read().value();
    EXPECT_EQ(found, operation == Operation::kWrite ? std::vector<std::string>{"one"} : (std::vector<std::string>{"one", "two"}));
    owner.log->begin_anew();
    EXPECT_EQ(owner.log->append("four").value(), found.size() + 1);
    Owner next(disk);
    EXPECT_EQ(next.found.size(), found.size() + 1);
    EXPECT_EQ(next.found.back(), "four");
  }
}

TEST(CommitLog, EndsTheProcessWhenTheDiskFails) {
  for (const Operation operation : {Operation::kWrite, Operation::kSync}) {
    Disk disk(6);
    Owner owner(disk);
    ASSERT_TRUE(owner.log->append("one").has_value());
    disk.inject({operation, Failure::kInputOutput, "-log", 0});
    EXPECT_EQ(owner.log->append("two").error().code, "outcome-unknown");
    EXPECT_EQ(owner.fatal, (std::vector<std::string>{"database.failed"}));
    EXPECT_TRUE(owner.log->has_room(10)) << "so that `append` is asked, which tells why";
    EXPECT_EQ(owner.log->append("three").error().code, "outcome-unknown") << "a sync is not tried again";
  }
}

TEST(CommitLog, DamageInTheMiddleIsToldAndAtTheEndIsNoFrame) {
  for (const std::uint64_t damaged : {1, 2, 3}) {
    Disk disk(7);
    {
      Owner owner(disk);
      for (std::uint64_t number = 1; number <= 3; ++number) ASSERT_TRUE(owner.log->append(content(number)).has_value());
    }
    std::string bytes = disk.content(kPath);
    const std::size_t at = bytes.find(content(damaged));
    ASSERT_NE(at, std::string::npos);
    bytes[at + 50] ^= 1;
    disk.put_file(kPath, bytes);
    const Owner owner(disk);
    if (damaged == 3) {
      EXPECT_EQ(owner.found.size(), 2u) << "as one that was torn when the power went";
    } else {
      EXPECT_EQ(owner.refused, "database.damaged");
    }
  }
}

// The same on a real disk: what differs is the file.
TEST(CommitLog, KeepsItsFramesInARealFile) {
  const runtime::TemporaryFolder folder;
  const std::string path = folder.path() + "/consilium.db-log";
  for (std::uint64_t life = 0; life < 3; ++life) {
    Owner owner(open_log_file(path));
    ASSERT_TRUE(owner.is_sound);
    ASSERT_EQ(owner.found.size(), life * 3);
    for (std::uint64_t number = 1; number <= life * 3; ++number) EXPECT_EQ(owner.found[number - 1], content(number, number * 70'000));
    for (std::uint64_t number = life * 3 + 1; number <= life * 3 + 3; ++number)
      EXPECT_EQ(owner.log->append(content(number, number * 70'000)).value(), number);
    struct stat found{};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    EXPECT_EQ(static_cast<std::uint64_t>(found.st_size), 2 * kCommitLogHalf);
  }
}

TEST(CommitLog, AFileThatWasNotFilledToItsEndIsFilled) {
  const runtime::TemporaryFolder folder;
  const std::string path = folder.path() + "/consilium.db-log";
  {
    const auto file = std::move(open_log_file(path)).value();
    ASSERT_TRUE(file->write(std::string(3 * kLogBlock, '\0'), 0).has_value());
  }
  Owner owner(open_log_file(path));
  EXPECT_TRUE(owner.is_sound);
  EXPECT_TRUE(owner.log->append("one").has_value());
}

TEST(CommitLog, AFileThatCannotBeOpenedIsAnError) {
  const auto refused = open_log_file("/there/is/no/such/folder/log");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "database.failed");
}

std::uint64_t first_seed() {
  const char* given = std::getenv("CONSILIUM_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 1;
}
int seeds() { return std::getenv("CONSILIUM_SEED") ? 1 : 400; }

constexpr std::uint64_t kSmallHalf = 32 * kLogBlock;

// Appends of any size, releases and processes that die of kills and power cuts at any sync. Whatever was acknowledged and not released
// must be found; returns whether it was.
bool keeps_everything(std::uint64_t seed, LogSyncs syncs) {
  SeededRandom random(seed);
  Disk disk(seed);
  std::uint64_t acknowledged = 0;  // the last frame that was
  std::uint64_t released = 0;
  std::uint64_t appended = 0;
  for (int life = 0; life < 12; ++life) {
    Owner owner(disk, syncs, kSmallHalf);
    if (!owner.is_sound) return false;
    // Frames are told apart by what they begin with.
    std::uint64_t expected = released + 1;
    for (const std::string& frame : owner.found) {
      const std::uint64_t number = std::strtoull(frame.c_str(), nullptr, 10);
      if (number <= released) continue;
      if (number != expected++) return false;
      if (frame != content(number, frame.size())) return false;
    }
    if (expected <= acknowledged) return false;
    // One that was not acknowledged may have been kept: it counts from now on, as its owner takes it into the database.
    appended = acknowledged = released = std::max(expected - 1, released);
    if (random.below(2) == 0)
      disk.cut_at_sync(1 + random.below(40),
                       std::array{CutMoment::kBeforeSync, CutMoment::kInSync, CutMoment::kAfterSync}[random.below(3)]);
    const std::uint64_t steps = random.below(120);
    for (std::uint64_t step = 0; step < steps && !disk.is_dark(); ++step) {
      const std::size_t bytes = random.below(10) == 0 ? random.below(kSmallHalf / 4) : random.below(3 * kLogBlock);
      const std::string frame = content(appended + 1, bytes);
      if (!owner.log->has_room(frame.size())) {
        released = acknowledged - random.below(2) * std::min<std::uint64_t>(acknowledged - released, 1);
        owner.log->release(released);
        continue;
      }
      const auto kept = owner.log->append(frame);
      if (!kept) break;
      if (*kept != appended + 1) return false;
      acknowledged = ++appended;
      if (random.below(30) == 0) owner.log->release(released = acknowledged);
    }
    owner.log.reset();
    if (!disk.is_dark() && random.below(2) == 0) disk.power_cut();
    if (disk.is_dark())
      disk.power_on();
    else
      disk.kill_processes();
    if (random.below(4) == 0) {  // it dies again before it has written anything
      disk.power_cut();
      disk.power_on();
    }
  }
  return true;
}

TEST(CommitLog, LosesNothingAcknowledgedInCrashes) {
  for (int i = 0; i < seeds(); ++i) {
    const std::uint64_t seed = first_seed() + static_cast<std::uint64_t>(i);
    ASSERT_TRUE(keeps_everything(seed, LogSyncs::kFull))
        << "CONSILIUM_SEED=" << seed << " ports_test --gtest_filter=CommitLog.LosesNothingAcknowledgedInCrashes";
  }
}

TEST(CommitLog, ALogThatAnswersBeforeTheSyncIsCaught) {
  int caught = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) caught += keeps_everything(seed, LogSyncs::kOffForTests) ? 0 : 1;
  EXPECT_GE(caught, 10);
}

}  // namespace
}  // namespace consilium::database

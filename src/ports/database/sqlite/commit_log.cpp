#include "ports/database/sqlite/commit_log.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "ports/database/sqlite/file_layer.h"
#include "ports/database/sqlite/sqlite_error.h"
#include "ports/database/sqlite/word_sums.h"

namespace consilium::database::sqlite {
namespace {

constexpr std::uint64_t kMagic = 0x31474f4c534e4f43;  // "CONSLOG1"
constexpr std::size_t kHeaderBytes = 4 * sizeof(std::uint64_t);
constexpr std::size_t kHalves = 2;
constexpr std::uint64_t kFileBytes = kHalves * kCommitLogHalf;

void put_word(char* to, std::uint64_t word) {
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  std::memcpy(to, &word, sizeof word);
}

// Of the file what a frame of so many bytes takes.
constexpr std::uint64_t extent_of(std::size_t bytes) {
  return (kHeaderBytes + bytes + kCommitLogBlock - 1) / kCommitLogBlock * kCommitLogBlock;
}

struct Frame {
  std::uint64_t number = 0;
  std::string_view bytes;
};

// The frame that begins `place`, if a whole one does.
std::optional<Frame> frame_at(std::string_view place) {
  if (place.size() < kHeaderBytes || word_at(place.data()) != kMagic) return std::nullopt;
  const std::uint64_t number = word_at(place.data() + 8);
  const std::uint64_t size = word_at(place.data() + 16);
  if (size > kMaxCommitLogFrame || size > place.size() - kHeaderBytes) return std::nullopt;
  const std::string_view bytes = place.substr(kHeaderBytes, size);
  if (word_at(place.data() + 24) != checksum_of(bytes, number, size)) return std::nullopt;
  return Frame{number, bytes};
}

// The frames of one turn that begins at the start of `half`.
std::vector<Frame> frames_of(std::string_view half) {
  std::vector<Frame> frames;
  for (std::uint64_t at = 0; at < half.size();) {
    const auto frame = frame_at(half.substr(at));
    if (!frame || (!frames.empty() && frame->number != frames.back().number + 1)) break;
    frames.push_back(*frame);
    at += extent_of(frame->bytes.size());
  }
  return frames;
}

class FileCommitLog final : public CommitLog {
 public:
  explicit FileCommitLog(CommitLogOptions options) : options_(std::move(options)), path_(options_.path) {
    path_.append(2, '\0');  // as SQLite's names end
    if (!options_.on_fatal) options_.on_fatal = [](const Error&) { std::abort(); };
  }
  FileCommitLog(const FileCommitLog&) = delete;
  FileCommitLog& operator=(const FileCommitLog&) = delete;
  ~FileCommitLog() override {
    if (file_ && file_->pMethods) file_->pMethods->xClose(file_);
  }

  Result<void> open_file() {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(options_.vfs.empty() ? nullptr : options_.vfs.c_str());
    if (!vfs) return fail(internal_error("there is no such file system of SQLite"));
    memory_.resize((static_cast<std::size_t>(vfs->szOsFile) + sizeof(std::max_align_t)) / sizeof(std::max_align_t) + 1);
    file_ = reinterpret_cast<sqlite3_file*>(memory_.data());
    // A log to SQLite: so its folder is synced with the first sync of a new one.
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;
    if (const int code = vfs->xOpen(vfs, path_.c_str(), file_, flags, nullptr); code != SQLITE_OK) return refused(code);
    return make_room();
  }

  Result<std::vector<std::string>> read() override {
    std::string content(kFileBytes, '\0');
    const int code = file_->pMethods->xRead(file_, content.data(), static_cast<int>(content.size()), 0);
    if (code != SQLITE_OK) return refused(code);
    std::array<std::vector<Frame>, kHalves> turns;
    for (std::size_t half = 0; half < kHalves; ++half)
      turns[half] = frames_of(std::string_view(content).substr(half * kCommitLogHalf, kCommitLogHalf));
    const bool second_is_newer = !turns[1].empty() && (turns[0].empty() || turns[1].front().number > turns[0].front().number);
    std::vector<Frame> frames = turns[second_is_newer ? 0 : 1];
    const std::vector<Frame>& newer = turns[second_is_newer ? 1 : 0];
    // A turn may have ended early: what follows it in the other half is then all that counts.
    if (!frames.empty() && !newer.empty() && newer.front().number != frames.back().number + 1) frames.clear();
    frames.insert(frames.end(), newer.begin(), newer.end());
    last_ = frames.empty() ? 0 : frames.back().number;
    for (std::size_t at = 0; at < content.size(); at += kCommitLogBlock) {
      const auto found = frame_at(std::string_view(content).substr(at, kCommitLogHalf - at % kCommitLogHalf));
      if (!found || found->number <= last_) continue;
      return fail(ErrorKind::kInternal, "database.damaged",
                  "Expected frame " + std::to_string(last_ + 1) + " of the commit log, but it cannot be read, and later ones can");
    }
    half_ = second_is_newer ? 1 : 0;
    offset_ = kCommitLogHalf;  // full until `begin_anew`
    last_of_ = {last_, last_};
    std::vector<std::string> contents;
    for (const Frame& frame : frames) contents.emplace_back(frame.bytes);
    return contents;
  }

  void begin_anew() override {
    last_of_ = {0, 0};
    begin_other_half();
  }

  bool has_room(std::size_t bytes) const override {
    return failed_ || offset_ + extent_of(bytes) <= kCommitLogHalf || last_of_[1 - half_] <= released_;
  }

  Result<std::uint64_t> append(std::string_view bytes) override {
    if (failed_) return fail(outcome_unknown_error());
    if (bytes.size() > kMaxCommitLogFrame || !has_room(bytes.size())) throw std::logic_error("a frame without room in the commit log");
    const std::uint64_t extent = extent_of(bytes.size());
    if (offset_ + extent > kCommitLogHalf) begin_other_half();
    frame_.assign(extent, '\0');
    put_word(frame_.data(), kMagic);
    put_word(frame_.data() + 8, last_ + 1);
    put_word(frame_.data() + 16, bytes.size());
    put_word(frame_.data() + 24, checksum_of(bytes, last_ + 1, bytes.size()));
    std::memcpy(frame_.data() + kHeaderBytes, bytes.data(), bytes.size());
    const int code = write_and_sync();
    if (code == SQLITE_FULL) return refused(code);
    if (code != SQLITE_OK) return give_up(code);
    offset_ += extent;
    last_of_[half_] = ++last_;
    return last_;
  }

  void release(std::uint64_t number) override { released_ = std::max(released_, number); }

  std::uint64_t syncs() const override { return syncs_.load(std::memory_order_relaxed); }

 private:
  Result<void> make_room() {
    sqlite3_int64 size = 0;
    if (const int code = file_->pMethods->xFileSize(file_, &size); code != SQLITE_OK) return refused(code);
    if (static_cast<std::uint64_t>(size) >= kFileBytes) return {};
    // Zeros, and not a hole: a frame that is written into a hole would cost the file system a commit of its own.
    const std::string zeros(kFileBytes - static_cast<std::uint64_t>(size), '\0');
    if (const int code = write_in_pieces(*file_, zeros, size); code != SQLITE_OK) return refused(code);
    if (const int code = sync(); code != SQLITE_OK) return refused(code);
    return {};
  }

  void begin_other_half() {
    half_ = 1 - half_;
    offset_ = 0;
  }

  int write_and_sync() {
    const auto at = static_cast<sqlite3_int64>(half_ * kCommitLogHalf + offset_);
    const int written = write_in_pieces(*file_, frame_, at);
    return written == SQLITE_OK ? sync() : written;
  }

  int sync() {
    if (options_.synchronous == CommitLogOptions::Synchronous::kOffForTests) return SQLITE_OK;
    syncs_.fetch_add(1, std::memory_order_relaxed);
    return file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  }

  static std::unexpected<Error> refused(int code) { return fail(error_of(code, "the commit log")); }

  // A sync that failed is not tried again: the kernel may have dropped the pages.
  std::unexpected<Error> give_up(int code) {
    failed_ = true;
    options_.on_fatal(error_of(code, "the commit log"));
    return fail(outcome_unknown_error());
  }

  CommitLogOptions options_;
  std::string path_;
  std::vector<std::max_align_t> memory_;  // of SQLite's file
  sqlite3_file* file_ = nullptr;
  std::string frame_;
  std::size_t half_ = 0;
  std::uint64_t offset_ = kCommitLogHalf;  // in it
  std::uint64_t last_ = 0;
  std::uint64_t released_ = 0;
  std::array<std::uint64_t, kHalves> last_of_ = {~std::uint64_t{0}, ~std::uint64_t{0}};  // no room until `begin_anew`
  bool failed_ = false;
  std::atomic<std::uint64_t> syncs_{0};
};

}  // namespace

Result<std::unique_ptr<CommitLog>> CommitLog::open(CommitLogOptions options) {
  auto log = std::make_unique<FileCommitLog>(std::move(options));
  TRY(log->open_file());
  return log;
}

}  // namespace consilium::database::sqlite

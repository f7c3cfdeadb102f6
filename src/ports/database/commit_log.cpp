#include "ports/database/commit_log.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "ports/database/word_sums.h"

namespace consilium::database {
namespace {

constexpr std::uint64_t kMagic = 0x31474f4c534e4f43;  // "CONSLOG1"
constexpr std::size_t kHeaderBytes = 4 * sizeof(std::uint64_t);
constexpr std::size_t kHalves = 2;

void put_word(char* to, std::uint64_t word) {
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  std::memcpy(to, &word, sizeof word);
}

// Of the file what a frame of so many bytes takes.
constexpr std::uint64_t extent_of(std::size_t bytes) { return (kHeaderBytes + bytes + kLogBlock - 1) / kLogBlock * kLogBlock; }

struct Frame {
  std::uint64_t number = 0;
  std::string_view bytes;
};

// The frame that begins `place`, if a whole one does.
std::optional<Frame> frame_at(std::string_view place) {
  if (place.size() < kHeaderBytes || word_at(&place.front()) != kMagic) return std::nullopt;
  const std::uint64_t number = word_at(place.data() + 8);
  const std::uint64_t size = word_at(place.data() + 16);
  if (size > place.size() - kHeaderBytes) return std::nullopt;
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

Error outcome_unknown() {
  return make_error(ErrorKind::kUnavailable, "outcome-unknown",
                    "Expected the commit on the disk, but the disk failed: it may or may not be stored");
}

}  // namespace

Result<std::unique_ptr<CommitLog>> CommitLog::open(std::unique_ptr<LogFile> file, OnFatal on_fatal, std::uint64_t half) {
  std::unique_ptr<CommitLog> log(new CommitLog(std::move(file), std::move(on_fatal), half));
  // Zeros, and not a hole: a frame that is written into a hole would cost the file system a commit of its own.
  TRY(log->file_->extend(kHalves * half));
  return log;
}

Result<std::vector<std::string>> CommitLog::read() {
  ASSIGN_OR_RETURN(const std::string content, file_->read(kHalves * half_bytes_));
  std::array<std::vector<Frame>, kHalves> turns;
  for (std::size_t half = 0; half < kHalves; ++half)
    turns[half] = frames_of(std::string_view(content).substr(half * half_bytes_, half_bytes_));
  const bool second_is_newer = !turns[1].empty() && (turns[0].empty() || turns[1].front().number > turns[0].front().number);
  std::vector<Frame> frames = turns[second_is_newer ? 0 : 1];
  const std::vector<Frame>& newer = turns[second_is_newer ? 1 : 0];
  // A turn may have ended early: what follows it in the other half is then all that counts.
  if (!frames.empty() && !newer.empty() && newer.front().number != frames.back().number + 1) frames.clear();
  frames.insert(frames.end(), newer.begin(), newer.end());
  last_ = frames.empty() ? 0 : frames.back().number;
  for (std::size_t at = 0; at < content.size(); at += kLogBlock) {
    const auto found = frame_at(std::string_view(content).substr(at, half_bytes_ - at % half_bytes_));
    if (!found || found->number <= last_) continue;
    return fail(ErrorKind::kInternal, "database.damaged",
                "Expected frame " + std::to_string(last_ + 1) + " of the commit log, but it cannot be read, and later ones can");
  }
  half_ = second_is_newer ? 1 : 0;
  if (trust_ == Trust::kUntilRead) trust_ = Trust::kFull;
  offset_ = half_bytes_;  // full until `begin_anew`
  last_of_ = {last_, last_};
  std::vector<std::string> contents;
  for (const Frame& frame : frames) contents.emplace_back(frame.bytes);
  return contents;
}

void CommitLog::begin_anew() {
  last_of_ = {0, 0};
  begin_other_half();
}

bool CommitLog::has_room(std::size_t bytes) const {
  return trust_ != Trust::kFull || offset_ + extent_of(bytes) <= half_bytes_ || last_of_[1 - half_] <= released_;
}

Result<std::uint64_t> CommitLog::append(std::string_view bytes) {
  if (trust_ != Trust::kFull) return fail(outcome_unknown());
  if (bytes.size() > max_frame() || !has_room(bytes.size())) throw std::logic_error("a frame without room in the commit log");
  const std::uint64_t extent = extent_of(bytes.size());
  if (offset_ + extent > half_bytes_) begin_other_half();
  frame_.assign(extent, '\0');
  put_word(frame_.data(), kMagic);
  put_word(frame_.data() + 8, last_ + 1);
  put_word(frame_.data() + 16, bytes.size());
  put_word(frame_.data() + 24, checksum_of(bytes, last_ + 1, bytes.size()));
  std::memcpy(frame_.data() + kHeaderBytes, bytes.data(), bytes.size());
  if (auto written = file_->write(frame_, half_ * half_bytes_ + offset_); !written) {
    const bool is_full = written.error().code == "storage-full";
    trust_ = is_full ? Trust::kUntilRead : Trust::kNever;
    if (!is_full) on_fatal_(written.error());  // a sync is not tried again: what the disk, or the kernel for it, has is not known
    return fail(outcome_unknown().caused_by(written.error()));
  }
  offset_ += extent;
  last_of_[half_] = ++last_;
  appended_.fetch_add(1, std::memory_order_relaxed);
  return last_;
}

void CommitLog::release(std::uint64_t number) { released_ = std::max(released_, number); }

void CommitLog::begin_other_half() {
  half_ = 1 - half_;
  offset_ = 0;
}

}  // namespace consilium::database

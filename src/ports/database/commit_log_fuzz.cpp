// A commit log whose file was changed since it was written: the first byte says how its frames were made, then follow changes of six bytes
// each: block, place in the block (two bytes each), by how much, and how often in a row. No change may pass for sound, and nothing
// between two sound frames may be missing.
#include "ports/database/commit_log.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fuzz_testing.h"

namespace consilium::database {
namespace {

constexpr std::uint64_t kHalf = 32 * kLogBlock;
constexpr std::size_t kBlocks = 2 * kHalf / kLogBlock;

class MemoryFile final : public LogFile {
 public:
  explicit MemoryFile(std::string& content) : content_(content) {}

  Result<std::uint64_t> size() override { return content_.size(); }
  Result<void> extend(std::uint64_t wanted) override {
    content_.resize(std::max<std::size_t>(content_.size(), wanted));
    return {};
  }
  Result<std::string> read(std::size_t bytes) override { return content_.substr(0, bytes); }
  Result<void> write(std::string_view blocks, std::uint64_t offset) override {
    content_.resize(std::max<std::size_t>(content_.size(), offset + blocks.size()));
    content_.replace(offset, blocks.size(), blocks);
    return {};
  }

 private:
  std::string& content_;
};

std::unique_ptr<CommitLog> open_on(std::string& content) {
  auto opened = CommitLog::open(std::make_unique<MemoryFile>(content), [](const Error&) { require(false); }, kHalf);
  require(opened.has_value());
  return std::move(*opened);
}

// Sizes repeat, so that few blocks hold many headers; large ones reach the other half.
std::string frame_of(char kind, std::uint64_t number) {
  const std::size_t bytes = kind == 'l' ? 15'000 : kind == 'm' ? 5'000 * (number % 5) : 30;
  std::string text = std::to_string(number);
  text.resize(std::max(text.size(), bytes), static_cast<char>(number));
  return text;
}

struct Made {
  std::string content;
  std::uint64_t frames = 0;
};
Made make(char kind) {
  Made made;
  const auto log = open_on(made.content);
  require(log->read()->empty());
  log->begin_anew();
  for (int i = 0; i < 20; ++i) {
    const std::string frame = frame_of(kind, made.frames + 1);
    if (!log->has_room(frame.size())) log->release(made.frames);
    made.frames = log->append(frame).value();
  }
  return made;
}

void change(std::string& content, std::string_view changes) {
  for (; changes.size() >= 6; changes.remove_prefix(6)) {
    const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(changes[at])); };
    const std::size_t begin = (byte(0) << 8 | byte(1)) % kBlocks * kLogBlock + (byte(2) << 8 | byte(3)) % kLogBlock;
    const std::size_t end = std::min(content.size(), begin + byte(5) + 1);
    for (std::size_t at = begin; at < end; ++at) content[at] = static_cast<char>(content[at] + changes[4]);
  }
}

}  // namespace

void fuzz_commit_log(std::string_view input) {
  const auto [kind, changes] = split_kind(input);
  if (kind != 's' && kind != 'm' && kind != 'l') return;
  static const Made small = make('s'), mixed = make('m'), large = make('l');
  const Made& made = kind == 's' ? small : kind == 'm' ? mixed : large;
  std::string content = made.content;
  change(content, changes);
  const auto log = open_on(content);
  const auto frames = log->read();
  if (!frames) return require(frames.error().code == "database.damaged");
  std::uint64_t next = frames->empty() ? 1 : std::stoull(frames->front());
  for (const std::string& frame : *frames) require(frame == frame_of(kind, next++));
  // It goes on behind what it found.
  log->begin_anew();
  const auto number = log->append("more");
  require(number.has_value());
  const auto again = open_on(content)->read();
  require(again && again->back() == "more");
}

}  // namespace consilium::database

#ifndef CONSILIUM_FUZZ_BODY
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::database::fuzz_commit_log(consilium::fuzz_input(data, size));
  return 0;
}
#endif

#include "net/chunk_decoder.h"

#include <algorithm>
#include <charconv>

namespace consilium::net {
namespace {

constexpr std::size_t kSizeDigits = 8;

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F'; }

}  // namespace

std::size_t ChunkDecoder::consume(std::string_view input, std::string& body, std::size_t limit) {
  std::size_t total = 0;
  while (!has_ended() && total < input.size()) {
    const std::size_t used = step(input.substr(total), body, limit);
    if (used == 0) break;
    total += used;
  }
  return total;
}

// The bytes of the line with its end, 0 when it is not whole or broken.
std::size_t ChunkDecoder::read_line(std::string_view input, std::string_view& line) {
  const auto* const end = std::find_if(input.begin(), input.end(), is_control);
  const auto length = static_cast<std::size_t>(end - input.begin());
  const std::string_view rest = input.substr(length);
  const bool whole = rest.starts_with("\r\n");
  const bool broken = !rest.empty() && !whole && rest != "\r";
  if (broken || length > kChunkLineLimit) {
    stage_ = Stage::kBroken;
    return 0;
  }
  if (!whole) return 0;
  line = input.substr(0, length);
  overhead_ += length + 2;
  if (overhead_ > kChunkOverheadLimit) stage_ = Stage::kBroken;
  return length + 2;
}

std::size_t ChunkDecoder::step(std::string_view input, std::string& body, std::size_t limit) {
  if (stage_ == Stage::kData) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
    body.append(input.substr(0, size));
    remaining_ -= size;
    if (remaining_ == 0) stage_ = Stage::kDataEnd;
    return size;
  }
  std::string_view line;
  const std::size_t used = read_line(input, line);
  if (used == 0 || has_ended()) return used;
  if (stage_ == Stage::kSize)
    begin_chunk(line, limit - std::min(limit, body.size()));
  else if (stage_ == Stage::kTrailer)
    take_trailer(line);
  else
    stage_ = line.empty() ? Stage::kSize : Stage::kBroken;
  return used;
}

void ChunkDecoder::begin_chunk(std::string_view line, std::size_t room) {
  const std::string_view digits = line.substr(0, line.find(';'));
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), remaining_, 16);
  const bool readable = !digits.empty() && digits.size() <= kSizeDigits && status == std::errc() && end == digits.data() + digits.size();
  if (!readable) {
    stage_ = Stage::kBroken;
  } else if (remaining_ > room) {
    stage_ = Stage::kTooLarge;
  } else {
    stage_ = remaining_ == 0 ? Stage::kTrailer : Stage::kData;
  }
}

void ChunkDecoder::take_trailer(std::string_view line) {
  if (line.empty()) {
    stage_ = Stage::kDone;
    return;
  }
  const std::size_t colon = line.find(':');
  const bool readable =
      colon != std::string_view::npos && colon > 0 && line.substr(0, colon).find_first_of(" \t") == std::string_view::npos;
  if (!readable) stage_ = Stage::kBroken;
}

}  // namespace consilium::net

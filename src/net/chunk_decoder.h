// Reads a chunked body (RFC 9112 §7.1) in any pieces, more strictly than Boost.Beast does: that skips control characters
// in chunk extensions, where other parsers see the end of a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace consilium::net {

inline constexpr std::size_t kChunkLineLimit = 1024;           // a size with its extensions, or a trailer
inline constexpr std::size_t kChunkOverheadLimit = 64 * 1024;  // all bytes of a body that are not data

class ChunkDecoder {
 public:
  enum class Stage { kSize, kData, kDataEnd, kTrailer, kDone, kBroken, kTooLarge };

  // Takes bytes off the front of `input`, appends data to `body` as long as it stays within `limit` bytes, and says how
  // many were taken. Extensions and trailers are dropped.
  std::size_t consume(std::string_view input, std::string& body, std::size_t limit);
  Stage stage() const { return stage_; }
  bool has_ended() const { return stage_ >= Stage::kDone; }

 private:
  std::size_t read_line(std::string_view input, std::string_view& line);
  std::size_t step(std::string_view input, std::string& body, std::size_t limit);
  void begin_chunk(std::string_view line, std::size_t room);
  void take_trailer(std::string_view line);

  Stage stage_ = Stage::kSize;
  std::uint64_t remaining_ = 0;  // of the chunk's data
  std::size_t overhead_ = 0;
};

}  // namespace consilium::net

// A checksum of bytes on a disk, taken word by word: as fast as they come from memory. Against damage, not against malice.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace consilium::database {

inline std::uint64_t word_at(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// Each step can be undone, so a change of one word is always seen, and any other but for one case in 2^64. Four sums side by
// side, because a multiplication takes longer than the next word. `seed`: where the bytes belong, so that they count nowhere else.
inline std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed, std::uint64_t length) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  const auto mixed = [](std::uint64_t sum, std::uint64_t word) { return std::rotl((sum ^ word) * kFactor, 29); };
  std::array<std::uint64_t, 4> sums{seed, 1, 2, 3};
  const std::size_t words = bytes.size() / sizeof(std::uint64_t);
  for (std::size_t i = 0; i < words; ++i) sums[i % 4] = mixed(sums[i % 4], word_at(bytes.data() + i * sizeof(std::uint64_t)));
  if (const std::string_view rest = bytes.substr(words * sizeof(std::uint64_t)); !rest.empty()) {
    std::array<char, sizeof(std::uint64_t)> last{};
    std::memcpy(last.data(), rest.data(), rest.size());
    sums[words % 4] = mixed(sums[words % 4], word_at(last.data()));
  }
  std::uint64_t sum = length;
  for (const std::uint64_t part : sums) sum = mixed(sum, part);
  return sum;
}

}  // namespace consilium::database

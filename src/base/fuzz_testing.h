// What the bodies of fuzzers share (tests/fuzz/README.md).
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>
#include <utility>

namespace consilium {

// A property that does not hold ends the program: the fuzzer keeps the input.
inline void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "a property does not hold: %s:%u\n", where.file_name(), where.line());
  std::abort();
}

inline std::string_view fuzz_input(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// The first byte says what the rest is; '\0' of nothing.
inline std::pair<char, std::string_view> split_kind(std::string_view input) {
  if (input.empty()) return {'\0', input};
  return {input.front(), input.substr(1)};
}

// What stands before the first line feed, and what after it.
inline std::pair<std::string_view, std::string_view> split_line(std::string_view input) {
  const auto end = input.find('\n');
  if (end == std::string_view::npos) return {input, {}};
  return {input.substr(0, end), input.substr(end + 1)};
}

}  // namespace consilium

#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace consilium {

std::uint64_t RandomSource::next() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::uint64_t RandomSource::below(std::uint64_t bound) {
  // Values under the threshold would make small results likelier.
  const std::uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value >= threshold) return value % bound;
  }
}

namespace {

void ask_kernel(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();  // without randomness no id or token may be made
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

// The kernel answers up to 256 bytes without being interrupted.
struct Pool {
  std::array<std::byte, 256> bytes;
  std::size_t used = sizeof bytes;
};

}  // namespace

void SystemRandom::fill(std::span<std::byte> out) {
  thread_local Pool pool;
  if (out.size() > pool.bytes.size() / 4) return ask_kernel(out);
  if (pool.bytes.size() - pool.used < out.size()) {
    ask_kernel(pool.bytes);
    pool.used = 0;
  }
  std::byte* const given = pool.bytes.data() + pool.used;
  std::memcpy(out.data(), given, out.size());
  ::explicit_bzero(given, out.size());
  pool.used += out.size();
}

// SplitMix64.
std::uint64_t SeededRandom::step() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void SeededRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const std::uint64_t word = step();
    const std::size_t count = out.size() < sizeof word ? out.size() : sizeof word;
    std::memcpy(out.data(), &word, count);
    out = out.subspan(count);
  }
}

}  // namespace consilium

// Where random numbers come from. Real processes read the kernel, simulations a seed; nothing else makes random values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace consilium {

// Implementations are safe to call from any thread.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(std::span<std::byte> out) = 0;

  std::uint64_t next();
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
};

// The kernel's generator: fit for keys, tokens and ids. Small requests share one call of it a thread; what was handed out is forgotten.
class SystemRandom final : public RandomSource {
 public:
  void fill(std::span<std::byte> out) override;
};

// Repeatable from its seed, and therefore never fit for secrets. One thread.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t step();
  std::uint64_t state_;
};

}  // namespace consilium

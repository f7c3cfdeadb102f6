// A map of bytes to values with a bound: it holds what was put or found lately, in two generations. When the younger is full, it
// becomes the older, and what was not looked for since goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

namespace consilium {

// How a cache fares.
struct CacheFigures {
  std::uint64_t hits = 0;  // since the start
  std::uint64_t misses = 0;
  std::uint64_t entries = 0;
};

// One thread at a time. Holds at most twice `bound` entries.
template <class Value>
class RecentMap {
 public:
  explicit RecentMap(std::size_t bound) : bound_(bound) {}

  // Null when it is not there; else until the next call.
  const Value* find(const std::string& key) {
    if (const auto found = young_.find(key); found != young_.end()) return &found->second;
    const auto found = old_.find(key);
    return found == old_.end() ? nullptr : &put(key, Value(found->second));
  }

  const Value& put(const std::string& key, Value value) {
    if (young_.size() >= bound_ && !young_.contains(key)) old_ = std::exchange(young_, {});
    return young_.insert_or_assign(key, std::move(value)).first->second;
  }

  void clear() {
    young_.clear();
    old_.clear();
  }

  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  using Entries = std::unordered_map<std::string, Value>;

  const std::size_t bound_;
  Entries young_;
  Entries old_;
};

}  // namespace consilium

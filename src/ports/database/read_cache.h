// What a service read from its own tables, kept for as long as none of them has changed. A call that begins after a change was
// acknowledged never finds what was read before it, because the count of changes rises before the writer is answered. Where a
// database does not count changes, nothing is kept and every look misses.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/recent_map.h"
#include "ports/database/database.h"

namespace consilium::database {

// Any thread. Keys are bytes. Holds at most twice `bound` entries, the ones used lately.
template <class Value>
class ReadCache {
 public:
  ReadCache(Database& database, std::initializer_list<std::string_view> tables, std::size_t bound) : entries_(bound) {
    for (const std::string_view table : tables) counts_.push_back(database.changes_of(table));
  }

  // How often the tables have changed; taken before the read whose result is kept. Nothing: not known.
  std::optional<std::uint64_t> version() const {
    std::uint64_t sum = 0;
    for (const auto* count : counts_) {
      if (count == nullptr) return std::nullopt;
      sum += count->load(std::memory_order_acquire);
    }
    return sum;
  }

  std::optional<Value> find(const std::string& key) {
    const auto now = version();
    const std::lock_guard lock(mutex_);
    const Value* found = now && *now == version_ ? entries_.find(key) : nullptr;
    ++(found ? hits_ : misses_);
    return found ? std::optional<Value>(*found) : std::nullopt;
  }

  void keep(std::optional<std::uint64_t> read_at, const std::string& key, Value value) {
    if (!read_at) return;
    const std::lock_guard lock(mutex_);
    if (*read_at < version_) return;
    if (*read_at > version_) {
      entries_.clear();
      version_ = *read_at;
    }
    entries_.put(key, std::move(value));
  }

  CacheFigures figures() {
    const std::lock_guard lock(mutex_);
    return {hits_, misses_, entries_.size()};
  }

 private:
  std::vector<const std::atomic<std::uint64_t>*> counts_;
  std::mutex mutex_;
  std::uint64_t version_ = 0;  // of all entries
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  RecentMap<Value> entries_;
};

}  // namespace consilium::database

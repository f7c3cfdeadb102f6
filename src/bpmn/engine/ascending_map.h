// Values by key, for keys that are given out in ascending order: one flat list, where a map takes several times the memory.
// What is erased leaves a hole, until half of the list are holes. A value that is `Value{}` is no value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "bpmn/engine/records.h"

namespace consilium::bpmn::engine {

template <class Value>
class AscendingMap {
 public:
  struct Entry {
    Key key = 0;
    Value value{};
  };

  std::size_t size() const { return size_; }

  // Null when there is none.
  const Value* find(Key key) const {
    const auto found = place_of(key);
    return found != entries_.end() && found->key == key && found->value != Value{} ? &found->value : nullptr;
  }

  void set(Key key, Value value) {
    make_room();
    const auto found = place_of(key);
    if (found != entries_.end() && found->key == key) {
      if (found->value == Value{}) ++size_;
      found->value = std::move(value);
      return;
    }
    entries_.insert(found, Entry{key, std::move(value)});
    ++size_;
  }

  // In any order, each key once: the order is made when it is first asked for.
  void load(Key key, Value value) {
    make_room();
    is_sorted_ = is_sorted_ && (entries_.empty() || entries_.back().key < key);
    entries_.push_back(Entry{key, std::move(value)});
    ++size_;
  }

  // `Value{}` when there is none.
  Value take(Key key) {
    const auto found = place_of(key);
    if (found == entries_.end() || found->key != key || found->value == Value{}) return Value{};
    Value value = std::exchange(found->value, Value{});
    --size_;
    if (size_ < entries_.size() / 2) {
      std::erase_if(entries_, [](const Entry& entry) { return entry.value == Value{}; });
      if (size_ < entries_.capacity() / 4) entries_.shrink_to_fit();
    }
    return value;
  }
  void erase(Key key) { (void)take(key); }

  // With holes, in ascending order.
  const std::vector<Entry>& entries() const {
    sort();
    return entries_;
  }

 private:
  // By a quarter: doubling would waste as much as all of it.
  void make_room() {
    if (entries_.size() == entries_.capacity()) entries_.reserve(entries_.size() + entries_.size() / 4 + 8);
  }
  typename std::vector<Entry>::iterator place_of(Key key) const {
    sort();
    if (entries_.empty() || entries_.back().key < key) return entries_.end();
    return std::lower_bound(entries_.begin(), entries_.end(), key, [](const Entry& entry, Key wanted) { return entry.key < wanted; });
  }
  void sort() const {
    if (std::exchange(is_sorted_, true)) return;
    std::sort(entries_.begin(), entries_.end(), [](const Entry& one, const Entry& other) { return one.key < other.key; });
  }

  mutable std::vector<Entry> entries_;
  mutable bool is_sorted_ = true;
  std::size_t size_ = 0;
};

}  // namespace consilium::bpmn::engine

// A queue between tasks of one loop. Full: `try_push` refuses, `push` waits. All members are called on that loop.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "runtime/event.h"

namespace consilium::runtime {

template <class T>
class BoundedQueue {
 public:
  BoundedQueue(Scheduler& loop, std::size_t capacity) : capacity_(capacity), room_(loop), filled_(loop) {}

  // False when it is full or closed; `item` is then untouched.
  bool try_push(T&& item) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    filled_.notify_one();
    return true;
  }

  // False when it is closed before there is room.
  Task<bool> push(T item) {
    while (!closed_ && items_.size() >= capacity_) co_await room_.wait();
    co_return try_push(std::move(item));
  }

  // The oldest item; nothing when it is closed and empty.
  Task<std::optional<T>> pop() {
    while (items_.empty() && !closed_) co_await filled_.wait();
    co_return try_pop();
  }

  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    room_.notify_one();
    if (!items_.empty()) filled_.notify_one();
    return item;
  }

  // No more items come in; what is in it can still be taken.
  void close() {
    closed_ = true;
    room_.notify_all();
    filled_.notify_all();
  }

  std::size_t size() const { return items_.size(); }
  std::size_t capacity() const { return capacity_; }
  bool closed() const { return closed_; }

 private:
  std::size_t capacity_;
  std::deque<T> items_;
  Event room_;
  Event filled_;
  bool closed_ = false;
};

}  // namespace consilium::runtime

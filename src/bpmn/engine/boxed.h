// An optional value on the heap, copied with its owner: of what few owners have, so that the others pay for a pointer alone.
#pragma once

#include <memory>
#include <utility>

namespace consilium::bpmn::engine {

template <class T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(const Boxed& other) : held_(other.held_ ? std::make_unique<T>(*other.held_) : nullptr) {}
  Boxed(Boxed&&) = default;
  Boxed& operator=(Boxed other) {
    held_ = std::move(other.held_);
    return *this;
  }

  explicit operator bool() const { return held_ != nullptr; }
  bool has_value() const { return held_ != nullptr; }
  T& operator*() { return *held_; }
  const T& operator*() const { return *held_; }
  T* operator->() { return held_.get(); }
  const T* operator->() const { return held_.get(); }

  T& emplace() { return *(held_ = std::make_unique<T>()); }
  // What is there, or a new one.
  T& made() { return held_ ? *held_ : emplace(); }

 private:
  std::unique_ptr<T> held_;
};

}  // namespace consilium::bpmn::engine

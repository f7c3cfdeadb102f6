// The only way to make a thread: it has a name that tools show, signals are left to the thread that waits for them
// (`signals.h`), and an exception that leaves the body is reported as a panic instead of ending the process.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace consilium::runtime {

class NamedThread {
 public:
  NamedThread() = default;
  // `name`: 15 characters are shown, the rest is cut.
  NamedThread(std::string name, std::move_only_function<void()> body);
  NamedThread(NamedThread&&) noexcept = default;
  NamedThread& operator=(NamedThread&&) = delete;
  // Joins.
  ~NamedThread();

  bool joinable() const { return thread_.joinable(); }
  void join();
  std::thread::id id() const { return thread_.get_id(); }

 private:
  std::thread thread_;
};

}  // namespace consilium::runtime

// A server of the demonstration's own: the same program on free ports and a temporary folder, ended and cleaned away with
// the object.
#pragma once

#include <sys/types.h>
#include <string>

#include "app/demo_person.h"

namespace consilium::app {

class DemoServer {
 public:
  DemoServer() = default;
  DemoServer(const DemoServer&) = delete;
  DemoServer& operator=(const DemoServer&) = delete;
  // SIGTERM, after kPatience SIGKILL; then the folder goes.
  ~DemoServer();

  // Before this process has threads: it forks.
  Result<void> start(const Secret& password);
  // Whether it answers `/health/ready` with 200; nullopt-like false: not yet. Errors: it has ended.
  Result<bool> is_ready(DemoNetwork& network);
  // After it is ready.
  const std::string& url() const { return url_; }
  pid_t process() const { return process_; }

 private:
  Failure ended() const;

  std::string folder_;
  std::string url_;
  pid_t process_ = -1;
};

}  // namespace consilium::app

// The people of `--demo`: made by the ordinary calls and the ordinary process, with passwords that are told to whoever started
// the server.
#pragma once

#include <string>
#include <vector>

#include "app/platform.h"

namespace consilium::app {

struct DemoLogin {
  std::string username;
  std::string role;
  Secret password;
};

// `password`: of everybody; who has it already keeps it, and their sessions. Empty: one is made for each, anew at each start,
// which ends their sessions. Waits until all of them are active (at most a minute).
Task<Result<std::vector<DemoLogin>>> create_demo_people(Platform& platform, runtime::Context& context, Secret password);

}  // namespace consilium::app

// The people of `--demo`: made by the ordinary calls and the ordinary process, with passwords that are set anew at each start
// and told to whoever started the server.
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

// `password`: of everybody; empty: one is made for each. Waits until all of them are active (at most a minute).
Task<Result<std::vector<DemoLogin>>> create_demo_people(Platform& platform, runtime::Context& context, Secret password);

}  // namespace consilium::app

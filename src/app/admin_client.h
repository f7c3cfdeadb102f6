// The command line's side of `DATA/admin.sock`. Blocks; a loop of its own runs meanwhile.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "base/result.h"

namespace consilium::app {

struct AdminCall {
  std::string method = "GET";
  std::string target;  // `/people`
  std::string body;    // JSON
};

// The answer's JSON. Errors: `admin.not-running` (kUnavailable) when nobody listens, else what the server says.
Result<boost::json::value> call_server(const std::string& socket, AdminCall call);

}  // namespace consilium::app

// What the load programs share: people with a session and a socket, calls of the public API, and figures.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "net/http_client.h"
#include "runtime/scheduler.h"

namespace consilium::load {

inline constexpr Duration kPatience = seconds(60);   // for one answer or event
inline constexpr Duration kPingEvery = seconds(10);  // keeps presence

// The text at a JSON pointer; empty when there is none.
std::string text_of(const boost::json::value& value, std::string_view pointer);

struct Person {
  std::string username;
  std::string id;
  std::string token;
  std::shared_ptr<net::WebSocket> socket;
};

// Belongs to one loop.
class LoadClient {
 public:
  LoadClient(runtime::Scheduler& loop, RandomSource& random, std::string url);

  // Error `load.unexpected-answer` when the status is another one.
  Task<Result<std::string>> send(const Person& person, std::string method, std::string path, int expected, std::string body);
  Task<Result<boost::json::value>> call(const Person& person, std::string method, std::string path, int expected, boost::json::value body);
  Task<Result<void>> open_socket(Person& person, std::shared_ptr<net::WebSocketListener> listener);

 private:
  std::string url_;
  net::HttpClient client_;
};

// The value below which `share` of them lie; 0 of none.
double quantile(std::vector<double> values, double share);

// User and system time that a process has used; 0 when it is gone.
double processor_seconds_of(std::int64_t process);

// `--name value` of the command line.
class Arguments {
 public:
  Arguments(int argc, char** argv) : words_(argv + 1, argv + argc) {}
  std::string text(std::string_view name) const;
  std::int64_t number(std::string_view name, std::int64_t otherwise) const;

 private:
  std::vector<std::string> words_;
};

}  // namespace consilium::load

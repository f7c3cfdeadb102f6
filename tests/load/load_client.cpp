#include "load_client.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace consilium::load {
namespace {

namespace json = boost::json;

constexpr std::size_t kIdleConnections = 512;

net::HttpClientSettings settings() {
  net::HttpClientSettings settings;
  settings.idle_connections = kIdleConnections;
  settings.request_timeout = kPatience;
  return settings;
}

}  // namespace

std::string text_of(const json::value& value, std::string_view pointer) {
  boost::system::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

LoadClient::LoadClient(runtime::Scheduler& loop, RandomSource& random, std::string url)
    : url_(std::move(url)), client_(loop, random, settings()) {}

Task<Result<std::string>> LoadClient::send(const Person& person, std::string method, std::string path, int expected, std::string body) {
  net::HttpCall call;
  call.method = std::move(method);
  call.url = url_ + "/api/v1" + path;
  if (!person.token.empty()) call.headers.emplace_back("Authorization", "Bearer " + person.token);
  if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
  call.body = std::move(body);
  if (path == "/sessions") call.headers.emplace_back("Accept-Session", "bearer");
  auto answer = co_await client_.send(std::move(call));
  if (!answer) co_return fail(std::move(answer).error());
  if (answer->status != expected) {
    co_return fail(ErrorKind::kConflict, "load.unexpected-answer",
                   path + " of " + person.username + " answered " + std::to_string(answer->status) + " " + answer->body);
  }
  co_return std::move(answer->body);
}

Task<Result<json::value>> LoadClient::call(const Person& person, std::string method, std::string path, int expected, json::value body) {
  std::string text = body.is_null() ? std::string() : json::serialize(body);
  CO_ASSIGN_OR_RETURN(const std::string answer, co_await send(person, std::move(method), path, expected, std::move(text)));
  if (answer.empty()) co_return json::value();
  boost::system::error_code broken;
  json::value value = json::parse(answer, broken);
  if (broken) co_return fail(ErrorKind::kInternal, "load.no-json", path + " answered no JSON");
  co_return value;
}

Task<Result<void>> LoadClient::open_socket(Person& person, std::shared_ptr<net::WebSocketListener> listener) {
  net::HttpCall upgrade;
  upgrade.url = "ws" + url_.substr(4) + "/api/v1/events";
  upgrade.headers.emplace_back("Authorization", "Bearer " + person.token);
  upgrade.headers.emplace_back("Sec-WebSocket-Protocol", "consilium.v1");
  auto socket = co_await client_.open_web_socket(std::move(upgrade), std::move(listener));
  if (!socket) co_return fail(std::move(socket).error());
  person.socket = std::move(*socket);
  co_return Result<void>();
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto place = std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(place));
  return values[place];
}

double processor_seconds_of(std::int64_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  constexpr int kFieldsBeforeUserTime = 11;  // of those after the name
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < kFieldsBeforeUserTime; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string Arguments::text(std::string_view name) const {
  for (std::size_t i = 0; i + 1 < words_.size(); i += 2) {
    if (words_[i] == name) return words_[i + 1];
  }
  return "";
}

std::int64_t Arguments::number(std::string_view name, std::int64_t otherwise) const {
  const std::string found = text(name);
  return found.empty() ? otherwise : std::atoll(found.c_str());
}

}  // namespace consilium::load

#include "app/admin_client.h"

#include <boost/json.hpp>
#include <future>

#include "net/http_client.h"
#include "runtime/asio_scheduler.h"

namespace consilium::app {
namespace {

namespace json = boost::json;

constexpr Duration kPatience = hours(1);  // a backup or a check of a big database

ErrorKind kind_of(int status) {
  switch (status) {
    case 404: return ErrorKind::kNotFound;
    case 409: return ErrorKind::kConflict;
    case 400:
    case 422: return ErrorKind::kValidation;
    default: return ErrorKind::kInternal;
  }
}

Error refusal(int status, const json::value& body) {
  Error error = make_error(kind_of(status), "admin.refused", "The server answered " + std::to_string(status));
  const json::object* object = body.if_object();
  if (object == nullptr || !object->contains("code")) return error;
  error.code = json::value_to<std::string>(object->at("code"));
  error.detail = json::value_to<std::string>(object->at("detail"));
  for (const json::value& field : object->at("fields").as_array())
    error.fields.push_back({json::value_to<std::string>(field.at("name")), json::value_to<std::string>(field.at("code")),
                            json::value_to<std::string>(field.at("message"))});
  return error;
}

Task<void> send(net::HttpClient* client, net::HttpCall call, std::promise<Result<net::HttpResponse>>* out) {
  auto answer = co_await client->send(std::move(call));
  out->set_value(std::move(answer));
}

Result<net::HttpResponse> exchange(net::HttpCall call) {
  SystemRandom random;
  runtime::AsioScheduler loop("admin");
  net::HttpClientSettings settings;
  settings.request_timeout = kPatience;
  settings.idle_connections = 0;
  net::HttpClient client(loop, random, settings);
  std::promise<Result<net::HttpResponse>> promise;
  auto answer = promise.get_future();
  loop.spawn("admin.call", send(&client, std::move(call), &promise));
  loop.start();
  auto response = answer.get();
  loop.stop();
  loop.join();
  return response;
}

}  // namespace

Result<json::value> call_server(const std::string& socket, AdminCall call) {
  net::HttpCall http;
  http.method = std::move(call.method);
  http.url = "http://localhost" + call.target;
  http.body = std::move(call.body);
  if (!http.body.empty()) http.headers.emplace_back("Content-Type", "application/json");
  http.unix_socket = socket;
  auto response = exchange(std::move(http));
  if (!response && response.error().kind == ErrorKind::kUnavailable)
    return fail(make_error(ErrorKind::kUnavailable, "admin.not-running", "Expected a running server at " + socket)
                    .caused_by(std::move(response).error()));
  if (!response) return fail(std::move(response).error());
  boost::system::error_code broken;
  json::value body = json::parse(response->body, broken);
  if (broken) return fail(ErrorKind::kInternal, "admin.refused", "Expected JSON from the server, but got something else");
  if (response->status >= 300) return fail(refusal(response->status, body));
  return body;
}

}  // namespace consilium::app

#include "app/demo_person.h"

#include <boost/json.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

namespace consilium::app {
namespace {

namespace json = boost::json;

// A program may be quicker than a person is allowed to be (five posts a second).
constexpr auto kTooFast = std::chrono::seconds(1);
constexpr int kMaxWaits = 3;

template <class Answer>
Task<void> keep_answer(Task<Answer> task, std::shared_ptr<std::promise<Answer>> out) {
  Answer answer = co_await std::move(task);
  out->set_value(std::move(answer));
}

// The client's own time-outs end every call.
template <class Answer>
Answer wait_for(runtime::Scheduler& loop, Task<Answer> task) {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> future = promise->get_future();
  loop.spawn("demo.call", keep_answer(std::move(task), std::move(promise)));
  return future.get();
}

Result<json::value> parse(std::string_view text) {
  if (text.empty()) return json::value();
  boost::system::error_code failure;
  json::value value = json::parse(text, failure);
  if (failure) return fail(ErrorKind::kInternal, "demo.no-json", "Expected an answer in JSON");
  return value;
}

// The code of a problem is stable and holds nothing personal.
std::string code_of(const net::HttpResponse& response) {
  const auto problem = parse(response.body);
  return problem ? text_at(*problem, "code") : std::string();
}

}  // namespace

std::string text_at(const json::value& value, std::string_view path) {
  const json::value* at = &value;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    if (!at->is_object()) return {};
    at = at->get_object().if_contains(path.substr(0, dot));
    if (!at) return {};
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at->is_string() ? std::string(at->get_string()) : std::string();
}

DemoNetwork::DemoNetwork(std::string base_url, Duration timeout) : base_url_(std::move(base_url)), loop_("demo") {
  net::HttpClientSettings settings;
  settings.request_timeout = timeout;
  settings.connect_timeout = std::min(settings.connect_timeout, timeout);
  client_ = std::make_unique<net::HttpClient>(loop_, random_, std::move(settings));
  loop_.start();
}

DemoNetwork::~DemoNetwork() {
  loop_.stop();
  loop_.join();
}

Result<net::HttpResponse> DemoNetwork::send(Call call) {
  net::HttpCall out;
  out.method = std::move(call.method);
  out.url = call.path.starts_with("http") ? std::move(call.path) : base_url_ + call.path;
  out.headers = std::move(call.headers);
  if (!call.body.empty()) out.headers.emplace_back("Content-Type", "application/json");
  out.body = std::move(call.body);
  return wait_for(loop_, client_->send(std::move(out)));
}

Result<std::shared_ptr<net::WebSocket>> DemoNetwork::open_web_socket(std::string path, std::vector<net::Header> headers,
                                                                     std::shared_ptr<net::WebSocketListener> listener) {
  net::HttpCall out;
  out.url = "ws" + base_url_.substr(4) + path;  // http -> ws, https -> wss
  out.headers = std::move(headers);
  return wait_for(loop_, client_->open_web_socket(std::move(out), std::move(listener)));
}

class DemoInbox final : public net::WebSocketListener {
 public:
  void on_open(std::shared_ptr<net::WebSocket>) override {}
  void on_text(std::string text) override {
    const std::lock_guard lock(mutex_);
    auto message = parse(text);
    if (!message || !message->is_object()) {
      fault_ = "a message of the socket is no JSON object";
      return;
    }
    check_number(message->get_object());
    messages_.push_back(std::move(*message));
  }
  void on_close(std::uint16_t code) override {
    const std::lock_guard lock(mutex_);
    fault_ = "the socket was closed with " + std::to_string(code);
  }

  Result<std::optional<json::value>> find(std::string_view type, const DemoPerson::Fits& fits) const {
    const std::lock_guard lock(mutex_);
    for (const json::value& message : messages_) {
      if (text_at(message, "type") != type) continue;
      const json::value* data = message.get_object().if_contains("data");
      const json::value none = json::object();
      if (fits(data ? *data : none)) return data ? *data : none;
    }
    if (!fault_.empty()) return fail(ErrorKind::kUnavailable, "demo.socket", fault_);
    return std::nullopt;
  }

 private:
  // Durable events rise by one, without gap.
  void check_number(const json::object& message) {
    const json::value* number = message.if_contains("seq");
    if (text_at(message, "type") == "welcome") {
      const json::value* data = message.if_contains("data");
      number = data && data->is_object() ? data->get_object().if_contains("seq") : nullptr;
      if (number && number->is_int64()) last_number_ = number->get_int64();
      return;
    }
    if (!number || !number->is_int64()) return;
    if (number->get_int64() != last_number_ + 1)
      fault_ = "event " + std::to_string(number->get_int64()) + " came after event " + std::to_string(last_number_);
    last_number_ = number->get_int64();
  }

  mutable std::mutex mutex_;
  std::vector<json::value> messages_;
  std::string fault_;
  std::int64_t last_number_ = 0;
};

DemoPerson::~DemoPerson() {
  if (!socket_) return;
  network_.loop().post([socket = std::move(socket_)] { socket->close(1000, "done"); });
}

Result<void> DemoPerson::log_in(const Secret& password) {
  const json::value body = {{"username", username_}, {"password", password.reveal()}};
  auto response = network_.send({"POST", "/api/v1/sessions", json::serialize(body), {{"Accept-Session", "bearer"}}});
  if (!response) return fail(std::move(response).error());
  if (response->status != 201) {
    return fail(ErrorKind::kUnauthenticated, "demo.login",
                "The login of " + username_ + " answered " + std::to_string(response->status) + " " + code_of(*response));
  }
  ASSIGN_OR_RETURN(const json::value session, parse(response->body));
  return take_session(session);
}

Result<void> DemoPerson::take_session(const json::value& session) {
  session_id_ = text_at(session, "sessionId");
  user_id_ = text_at(session, "user.id");
  language_ = text_at(session, "user.language");
  access_token_ = Secret(text_at(session, "accessToken"));
  refresh_token_ = Secret(text_at(session, "refreshToken"));
  if (session_id_.empty() || user_id_.empty() || access_token_.empty())
    return fail(ErrorKind::kInternal, "demo.login", "Expected a session with person and tokens");
  return {};
}

Result<void> DemoPerson::refresh() {
  const json::value body = {{"refreshToken", refresh_token_.reveal()}};
  auto response = network_.send({"POST", "/api/v1/sessions/refresh", json::serialize(body), {}});
  if (!response) return fail(std::move(response).error());
  if (response->status != 200)
    return fail(ErrorKind::kUnauthenticated, "demo.refresh",
                "The refresh answered " + std::to_string(response->status) + " " + code_of(*response));
  ASSIGN_OR_RETURN(const json::value session, parse(response->body));
  return take_session(session);
}

Result<json::value> DemoPerson::call(std::string_view method, std::string path, int expected, const json::value& body,
                                     std::vector<net::Header> headers) {
  const std::string text = body.is_null() ? std::string() : json::serialize(body);
  int waits = 0;
  bool refreshed = false;
  for (;;) {
    std::vector<net::Header> all = headers;
    all.emplace_back("Authorization", "Bearer " + access_token_.reveal());
    auto response = network_.send({std::string(method), "/api/v1" + path, text, std::move(all)});
    if (!response) return fail(std::move(response).error());
    if (response->status == expected) return parse(response->body);
    const std::string code = code_of(*response);
    if (response->status == 429 && ++waits <= kMaxWaits) {
      std::this_thread::sleep_for(kTooFast);
      continue;
    }
    if (!refreshed && response->status == 401 && code == "sessions.expired") {
      TRY(refresh());
      refreshed = true;
      continue;
    }
    return fail(ErrorKind::kConflict, "demo.unexpected-answer",
                std::string(method) + " " + path + " of " + username_ + " answered " + std::to_string(response->status) + " " + code +
                    ", expected " + std::to_string(expected));
  }
}

Result<void> DemoPerson::open_socket() {
  auto inbox = std::make_shared<DemoInbox>();
  ASSIGN_OR_RETURN(
      socket_,
      network_.open_web_socket("/api/v1/events",
                               {{"Authorization", "Bearer " + access_token_.reveal()}, {"Sec-WebSocket-Protocol", "consilium.v1"}}, inbox));
  inbox_ = std::move(inbox);
  return {};
}

void DemoPerson::ping() {
  if (!socket_) return;
  network_.loop().post([socket = socket_] { socket->send(R"({"type":"ping"})"); });
}

Result<std::optional<json::value>> DemoPerson::find_event(std::string_view type, const Fits& fits) const {
  if (!inbox_) return fail(internal_error("The person has no open socket"));
  return inbox_->find(type, fits);
}

}  // namespace consilium::app

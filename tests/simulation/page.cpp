#include "page.h"

namespace consilium::simulation {

namespace json = boost::json;

std::string Page::text_at(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* member = object ? object->if_contains(name) : nullptr;
  return member && member->is_string() ? std::string(member->get_string()) : std::string();
}

const json::array& Page::items_of(const json::value& value) {
  static const json::array kNone;
  const auto* object = value.if_object();
  const auto* items = object ? object->if_contains("items") : nullptr;
  return items && items->is_array() ? items->get_array() : kNone;
}

Task<void> Page::ping(Page* page, const bool* over) {
  while (!*over) {
    co_await page->cluster_.people().sleep_for(seconds(9));
    if (page->has_socket()) page->socket_->say(R"({"type":"ping","id":"p"})");
  }
}

Task<Page::Answer> Page::call(std::string method, std::string path, std::string body, std::string version) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = "/api/v1" + path;
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  if (!cookie_.empty()) request.headers.emplace_back("Cookie", cookie_);
  if (!version.empty()) request.headers.emplace_back("If-Match", "\"" + version + "\"");
  auto response = co_await cluster_.request(std::move(request));
  Answer answer;
  if (!response) {
    cluster_.count("answer lost");
    co_return answer;
  }
  answer.status = response->status;
  cluster_.count("status " + std::to_string(answer.status));
  if (answer.status >= 400 && Cluster::tells_secret(response->body))
    cluster_.blame("invariant 14: an error tells a secret: " + response->body);
  if (answer.status >= 500 && cluster_.is_excused())
    cluster_.count("status excused by the disk");
  else if (answer.status >= 500 && answer.status != 503 && answer.status != 504)  // 504: it stood still for longer than a request may take
    cluster_.blame(username_ + " " + path + " got " + std::to_string(answer.status) + ": " + response->body);
  boost::system::error_code failure;
  answer.body = json::parse(response->body, failure);
  if (const std::string_view cookie = response->header("Set-Cookie"); !cookie.empty()) cookie_ = cookie.substr(0, cookie.find(';'));
  co_return answer;
}

Task<void> Page::log_in() {
  std::string body = object_of("username", username_, "password", kPassword);
  auto answer = co_await call("POST", "/sessions", std::move(body));
  if (answer.status == 0 || answer.status >= 500 || answer.status == 429) co_return;
  if (answer.status != 201) {
    cluster_.blame(username_ + " cannot log in: " + json::serialize(answer.body));
    co_return;
  }
  user_id_ = text_at(answer.body.at("user"), "id");
}

void Page::cut_socket() {
  if (!socket_) return;
  cluster_.count(Fault::kSocketCut);
  socket_->cut();
}

Task<void> Page::keep_socket() {
  if (socket_) co_return;
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/api/v1/events";
  if (last_) request.target += "?after=" + std::to_string(*last_);
  request.headers.emplace_back("Cookie", cookie_);
  SimulatedSocket::Receiver receiver;
  receiver.on_frame = [this](const std::string& frame) { take_frame(frame); };
  receiver.on_end = [this](std::uint16_t code) {
    cluster_.count("socket closed " + std::to_string(code));
    socket_.reset();
    welcomed_ = false;
  };
  if (last_) cluster_.count("socket resumed");
  socket_ = co_await cluster_.connect(std::move(request), std::move(receiver));
}

// Each event once, in order, none left out: also across sockets.
void Page::take_frame(const std::string& text) {
  const json::value frame = json::parse(text);
  const std::string type = text_at(frame, "type");
  cluster_.count("frame " + type);
  if (type == "welcome") {
    welcomed_ = true;
    const std::int64_t sequence = frame.at("data").at("seq").to_number<std::int64_t>();
    if (!last_) last_ = first_sequence_ = sequence;
    if (sequence < *last_)
      cluster_.blame("what was told stays: " + username_ + " was told of event " + std::to_string(*last_) +
                     ", but after a crash the log ends at " + std::to_string(sequence));
    return;
  }
  if (type == "resync") cluster_.blame(username_ + " had to load everything anew");
  const auto* sequence = frame.as_object().if_contains("seq");
  if (!sequence || type == "resync") return;
  const std::int64_t number = sequence->to_number<std::int64_t>();
  if (number != *last_ + 1) cluster_.blame(username_ + " got event " + std::to_string(number) + " after " + std::to_string(*last_));
  last_ = number;
  events_[number] = type;
  if (type == "post.created") seen_posts_.insert(text_at(frame.at("data"), "id"));
}

void Page::note_posts(const Json& page) {
  for (const json::value& post : items_of(page)) seen_posts_.insert(text_at(post, "id"));
}

Task<Page::Answer> Page::post(std::string channel, std::string client_id, std::string text) {
  std::string body = object_of("text", text, "clientId", client_id);
  auto answer = co_await call("POST", "/channels/" + channel + "/posts", std::move(body));
  if (answer.status != 201) co_return answer;
  const std::string id = text_at(answer.body, "id");
  for (const AcknowledgedPost& known : acknowledged_) {
    if (known.client_id != client_id) continue;
    if (known.post_id != id) cluster_.blame("the repeated post " + client_id + " got another id");
    co_return answer;
  }
  acknowledged_.push_back({user_id_, client_id, id});
  co_return answer;
}

Task<Page::Answer> Page::transition(std::string task, std::string name, std::string reason) {
  std::string body = reason.empty() ? "{}" : object_of("reason", reason);
  auto answer = co_await call("POST", "/tasks/" + task + "/transitions/" + name, std::move(body));
  if (answer.ok()) transitions_.push_back({std::move(task), std::move(name)});
  if (!answer.ok()) cluster_.count("transition refused " + text_at(answer.body, "code"));
  co_return answer;
}

Task<Page::Answer> Page::press(std::string post, std::string action, std::string token) {
  std::string body = object_of("token", token);
  std::string before = std::exchange(pressed_[post], "");
  auto answer = co_await call("POST", "/posts/" + post + "/actions/" + action, std::move(body));
  if (answer.ok()) pressed_[post] = action;
  if (answer.refused() || answer.status == 429) pressed_[post] = std::move(before);
  co_return answer;
}

Task<Page::Answer> Page::choose_presence(std::string status) {
  std::string body = object_of("status", status);
  presence_.reset();
  auto answer = co_await call("PUT", "/users/me/presence", std::move(body));
  if (answer.ok()) presence_ = std::move(status);
  co_return answer;
}

}  // namespace consilium::simulation

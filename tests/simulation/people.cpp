#include "people.h"

#include "base/json_writer.h"
#include "runtime/when_all.h"

namespace consilium::simulation {
namespace {

namespace json = boost::json;

std::string text_at(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* member = object ? object->if_contains(name) : nullptr;
  return member && member->is_string() ? std::string(member->get_string()) : std::string();
}

const json::array& items_of(const json::value& value) {
  static const json::array kNone;
  const auto* object = value.if_object();
  const auto* items = object ? object->if_contains("items") : nullptr;
  return items && items->is_array() ? items->get_array() : kNone;
}

// Names and values in turn.
template <class... Texts>
std::string object_of(Texts... texts) {
  const std::string all[] = {std::string(texts)...};
  json::object object;
  for (std::size_t i = 0; i + 1 < sizeof...(Texts); i += 2) object[all[i]] = all[i + 1];
  return json::serialize(object);
}

}  // namespace

Task<void> Person::live(Person* self) {
  self->cluster_.people().spawn("ping", ping(self));
  while (!self->mood_.over) {
    co_await self->cluster_.people().sleep_for(self->some(200, 4'000));
    if (!self->cluster_.is_up()) continue;
    if (self->cookie_.empty()) {
      co_await self->log_in();
      continue;
    }
    co_await self->keep_socket();
    if (self->role_ == Role::kClient) co_await self->act_as_client();
    if (self->role_ == Role::kConsultant) co_await self->act_as_consultant();
    if (self->role_ == Role::kAdministrator) co_await self->act_as_administrator();
  }
  self->gone_ = true;
}

Task<void> Person::ping(Person* self) {
  while (!self->mood_.over) {
    co_await self->cluster_.people().sleep_for(seconds(9));
    if (self->socket_ && self->welcomed_) self->socket_->say(R"({"type":"ping","id":"p"})");
  }
}

Task<Person::Answer> Person::call(std::string method, std::string path, std::string body, std::string version) {
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

Task<void> Person::log_in() {
  std::string body = object_of("username", username_, "password", kPassword);
  auto answer = co_await call("POST", "/sessions", std::move(body));
  if (answer.status == 0 || answer.status >= 500 || answer.status == 429) co_return;
  if (answer.status != 201) {
    cluster_.blame(username_ + " cannot log in: " + json::serialize(answer.body));
    co_return;
  }
  user_id_ = text_at(answer.body.at("user"), "id");
}

Task<void> Person::keep_socket() {
  if (socket_ && !mood_.calm && chance(4)) {
    cluster_.count("fault socket cut");
    socket_->cut();
  }
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
void Person::take_frame(const std::string& text) {
  const json::value frame = json::parse(text);
  const std::string type = text_at(frame, "type");
  cluster_.count("frame " + type);
  if (type == "welcome") {
    welcomed_ = true;
    const std::int64_t sequence = frame.at("data").at("seq").to_number<std::int64_t>();
    if (!last_) last_ = first_sequence_ = sequence;
    if (sequence < *last_)
      cluster_.blame(username_ + " was told of event " + std::to_string(*last_) + ", but after a crash the log ends at " +
                     std::to_string(sequence));
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

void Person::note_posts(const Json& page) {
  for (const json::value& post : items_of(page)) seen_posts_.insert(text_at(post, "id"));
}

// The same client id until it is acknowledged, as a page does; what was acknowledged must be there.
Task<bool> Person::write(std::string channel, std::string text) {
  const std::string client_id = username_ + "-" + std::to_string(++posts_);
  const std::string body = object_of("text", text, "clientId", client_id);
  std::string known;
  for (int attempt = 0; attempt < 100 && !mood_.over; ++attempt) {
    auto answer = co_await call("POST", "/channels/" + channel + "/posts", body);
    if (answer.status == 201) {
      const std::string id = text_at(answer.body, "id");
      if (!known.empty() && known != id) cluster_.blame("the repeated post " + client_id + " got another id");
      if (known.empty()) acknowledged_.push_back({user_id_, client_id, id});
      known = id;
      if (mood_.calm || !chance(10)) co_return true;
      cluster_.count("post repeated");  // the page did not see the answer
      continue;
    }
    if (answer.status == 403 || answer.status == 404) co_return false;
    co_await cluster_.people().sleep_for(some(300, 1'500));
  }
  co_return false;
}

Task<void> Person::act_as_client() {
  auto channels = co_await call("GET", "/channels", "");
  if (!channels.ok()) co_return;
  if (items_of(channels.body).size() != 1) {
    cluster_.blame(username_ + " expected one channel: " + json::serialize(channels.body));
    co_return;
  }
  const std::string channel = text_at(items_of(channels.body).front(), "id");
  co_await give_feedback(channel);
  auto open = co_await call("GET", "/tasks?status=open", "");
  if (!open.ok()) co_return;
  const bool has_open = !items_of(open.body).empty();
  if (has_open) {
    if (!mood_.calm && chance(8))
      co_await write(channel, "And one more thing: it is still there, number " + std::to_string(random_.below(1'000)));
    co_return;
  }
  if (mood_.calm || questions_left_ == 0 || !chance(25)) co_return;
  if (chance(20)) {
    co_await write(channel, "hello");
    co_return;
  }
  --questions_left_;
  const bool at_once = chance(20);  // on two devices
  std::vector<Task<bool>> writing;
  writing.push_back(write(channel, "My knee hurts since " + std::to_string(random_.below(30)) + " days"));
  if (at_once) writing.push_back(write(channel, "Especially in the evening"));
  co_await runtime::when_all(std::move(writing));
  if (!at_once && chance(40)) co_await write(channel, "Especially in the evening");
}

Task<void> Person::give_feedback(std::string channel) {
  auto page = co_await call("GET", "/channels/" + channel + "/posts?limit=50", "");
  if (!page.ok()) co_return;
  note_posts(page.body);
  for (const json::value& post : items_of(page.body)) {
    if (text_at(post, "code") != "client.feedback" || rated_.contains(text_at(post, "id"))) continue;
    const std::string id = text_at(post, "id");
    if (chance(25)) {
      rated_.insert(id);
      cluster_.count("feedback left out");
      continue;
    }
    const json::array& actions = post.at("actions").as_array();
    const json::value& action = actions.at(random_.below(actions.size()));
    const std::string chosen = text_at(action, "id");
    std::string body = object_of("token", text_at(action, "token"));
    auto answer = co_await call("POST", "/posts/" + id + "/actions/" + chosen, std::move(body));
    if (answer.ok()) {
      pressed_[id] = chosen;
      if (mood_.calm || chance(70)) rated_.insert(id);  // else they change their mind
    } else if (answer.status != 0 && answer.status < 500) {
      cluster_.count("feedback refused " + text_at(answer.body, "code"));
      if (text_at(answer.body, "code") != "chat.action-final")
        cluster_.blame(username_ + " could not rate: " + json::serialize(answer.body));
      rated_.insert(id);
    } else {
      pressed_[id] = "";  // whether it was taken is unknown
    }
    co_return;
  }
}

Task<void> Person::choose_presence(std::string status) {
  std::string body = object_of("status", status);
  auto answer = co_await call("PUT", "/users/me/presence", std::move(body));
  if (answer.ok()) presence_ = std::move(status);
}

Task<void> Person::act_as_consultant() {
  static constexpr std::string_view kStatuses[] = {"online", "away", "dnd", "offline"};
  if (mood_.walkout) {
    if (presence_ != "offline") co_await choose_presence("offline");
    co_return;
  }
  if (mood_.calm ? presence_ != "online" : (chance(4) || presence_ == "offline")) {
    const bool comes = mood_.calm || chance(60);
    std::string chosen(comes ? kStatuses[0] : kStatuses[random_.below(4)]);
    co_await choose_presence(std::move(chosen));
  }
  auto tasks = co_await call("GET", "/tasks?status=open", "");
  if (!tasks.ok()) co_return;
  for (const json::value& task : items_of(tasks.body)) {
    const auto* assignee = task.as_object().if_contains("assignee");
    if (!assignee || text_at(*assignee, "userId") != user_id_) continue;
    if (!mood_.calm && chance(60)) continue;
    co_await work_on(task);
    co_return;
  }
}

Task<void> Person::work_on(Json task) {
  const std::string id = text_at(task, "id");
  const std::string channel = text_at(task, "channelId");
  auto page = co_await call("GET", "/channels/" + channel + "/posts?limit=50", "");
  if (page.ok()) note_posts(page.body);
  if (!page.ok()) co_return;  // not admitted yet
  if (text_at(task, "substatus") == "assigned") {
    if (!mood_.calm && chance(25)) co_return;  // the page is open, nobody looks
    if (!mood_.calm && chance(15)) {
      co_await transition(id, "return", "Not my field");
      co_return;
    }
    co_await write(channel, "Good day, how can I help?");
    co_return;
  }
  if (!mood_.calm && chance(10)) {
    co_await transition(id, "return", "My shift ends");
  } else if (mood_.calm || chance(40)) {
    co_await transition(id, "solve", "");
  } else {
    co_await write(channel, "Please tell me more");
  }
}

Task<void> Person::transition(std::string task, std::string name, std::string reason) {
  std::string body = reason.empty() ? "{}" : object_of("reason", reason);
  auto answer = co_await call("POST", "/tasks/" + task + "/transitions/" + name, std::move(body));
  if (!answer.ok()) cluster_.count("transition refused " + text_at(answer.body, "code"));
}

// To somebody whom this administrator saw with a task before.
Task<bool> Person::give_to_another(Json task) {
  const auto* assignee = task.as_object().if_contains("assignee");
  const std::string current = assignee ? text_at(*assignee, "userId") : "";
  if (current.empty()) co_return false;
  consultants_.insert(current);
  if (mood_.calm || !chance(4)) co_return false;
  for (const std::string& other : consultants_) {
    if (other == current) continue;
    std::string body = object_of("userId", other);
    std::string version = std::to_string(task.at("version").to_number<std::int64_t>());
    auto answer = co_await call("PUT", "/tasks/" + text_at(task, "id") + "/assignee", std::move(body), std::move(version));
    cluster_.count(answer.ok() ? "task given to another" : "task not given to another " + text_at(answer.body, "code"));
    co_return true;
  }
  co_return false;
}

// Takes a consultant out of the group whose work they do, and back again.
Task<void> Person::change_groups() {
  const bool away = !moved_.empty();
  if (away ? !mood_.calm && !chance(30) : mood_.calm || consultants_.empty() || !chance(3)) co_return;
  const std::string id = away ? moved_ : *std::next(consultants_.begin(), static_cast<std::ptrdiff_t>(random_.below(consultants_.size())));
  auto user = co_await call("GET", "/users/" + id, "");
  if (!user.ok()) co_return;
  json::value body = {{"groups", {away ? "consultant" : "consultant-med"}}};
  std::string version = std::to_string(user.body.at("version").to_number<std::int64_t>());
  auto answer = co_await call("PUT", "/users/" + id + "/groups", json::serialize(body), std::move(version));
  // An answer that was lost may have been carried out: then it is put right as if it had.
  if (answer.ok() || answer.status == 0) moved_ = away && answer.ok() ? "" : id;
  if (answer.ok()) cluster_.count(away ? "person back in the group" : "person out of the group");
}

// Cancels now and then, gives to another, and takes care of what was escalated.
Task<void> Person::act_as_administrator() {
  co_await change_groups();
  auto tasks = co_await call("GET", "/tasks?status=open", "");
  if (!tasks.ok()) co_return;
  for (const json::value& task : items_of(tasks.body)) {
    const std::string id = text_at(task, "id");
    if (text_at(task.at("type"), "type") == "staff") {
      std::string name = text_at(task, "substatus") == "reported" && chance(50) ? "start" : "solve";
      co_await transition(id, std::move(name), "");
      co_return;
    }
    const bool given = co_await give_to_another(task);
    if (given) co_return;
    if (!mood_.calm && chance(1)) {
      co_await transition(id, "cancel", "Asked by telephone");
      co_return;
    }
  }
}

}  // namespace consilium::simulation

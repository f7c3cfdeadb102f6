#include "people.h"

#include "runtime/when_all.h"

namespace consilium::simulation {

namespace json = boost::json;

Task<void> Person::live(Person* self) {
  self->cluster_.people().spawn("ping", ping(self, &self->mood_.over));
  while (!self->mood_.over) {
    co_await self->cluster_.people().sleep_for(self->some(200, 4'000));
    if (!self->cluster_.is_up()) continue;
    if (self->cookie().empty()) {
      co_await self->log_in();
      continue;
    }
    co_await self->mind_socket();
    if (self->role_ == Role::kClient) co_await self->act_as_client();
    if (self->role_ == Role::kConsultant) co_await self->act_as_consultant();
    if (self->role_ == Role::kAdministrator) co_await self->act_as_administrator();
  }
  self->gone_ = true;
}

Task<void> Person::mind_socket() {
  if (!mood_.calm && chance(4)) cut_socket();
  co_await keep_socket();
}

Task<bool> Person::write(std::string channel, std::string text) {
  const std::string client_id = name() + "-" + std::to_string(++posts_);
  for (int attempt = 0; attempt < 100 && !mood_.over; ++attempt) {
    auto answer = co_await post(channel, client_id, text);
    if (answer.ok()) {
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
    cluster_.blame(name() + " expected one channel: " + json::serialize(channels.body));
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
    std::string token = text_at(action, "token");
    auto answer = co_await press(id, chosen, std::move(token));
    if (answer.ok()) {
      if (mood_.calm || chance(70)) rated_.insert(id);  // else they change their mind
    } else if (answer.refused()) {
      cluster_.count("feedback refused " + text_at(answer.body, "code"));
      if (text_at(answer.body, "code") != "chat.action-final") cluster_.blame(name() + " could not rate: " + json::serialize(answer.body));
      rated_.insert(id);
    }
    co_return;
  }
}

Task<void> Person::show(std::string status) {
  auto answer = co_await choose_presence(status);
  if (answer.ok()) shown_ = std::move(status);
}

Task<void> Person::act_as_consultant() {
  static constexpr std::string_view kStatuses[] = {"online", "away", "dnd", "offline"};
  if (mood_.walkout) {
    if (shown_ != "offline") co_await show("offline");
    co_return;
  }
  if (mood_.calm ? shown_ != "online" : (chance(4) || shown_ == "offline")) {
    const bool comes = mood_.calm || chance(60);
    std::string chosen(comes ? kStatuses[0] : kStatuses[random_.below(4)]);
    co_await show(std::move(chosen));
  }
  auto tasks = co_await call("GET", "/tasks?status=open", "");
  if (!tasks.ok()) co_return;
  for (const json::value& task : items_of(tasks.body)) {
    const auto* assignee = task.as_object().if_contains("assignee");
    if (!assignee || text_at(*assignee, "userId") != user_id()) continue;
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
      std::string name = text_at(task, "substatus") == "reported" && chance(50) ? "start" : chance(30) ? "cancel" : "solve";
      std::string reason = name == "cancel" ? "Somebody will be there soon" : "";
      co_await transition(id, std::move(name), std::move(reason));
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

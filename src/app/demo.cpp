#include "app/demo.h"

#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <ranges>
#include <thread>

#include "app/demo_person.h"
#include "app/demo_server.h"
#include "app/serve.h"

namespace consilium::app {
namespace {

namespace json = boost::json;

constexpr auto kLookEvery = std::chrono::milliseconds(50);
constexpr Duration kPingEvery = seconds(10);

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);
void interrupt(int) { interrupted = true; }

// Letters that make no word of any language, so that the bot has no answer.
std::string random_word(RandomSource& random, std::size_t length) {
  constexpr std::string_view kConsonants = "bcdfghjklmnpqrstvwxz";
  std::string word;
  for (std::size_t i = 0; i < length; ++i) word += kConsonants[random.below(kConsonants.size())];
  return word;
}

std::string random_name(RandomSource& random) {
  std::string name = random_word(random, 8);
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::string random_digits(RandomSource& random, std::size_t length) {
  std::string digits;
  for (std::size_t i = 0; i < length; ++i) digits += static_cast<char>('0' + random.below(10));
  return digits;
}

json::array items_of(const json::value& page) {
  const json::value* items = page.is_object() ? page.get_object().if_contains("items") : nullptr;
  return items && items->is_array() ? items->get_array() : json::array();
}

const json::value* find_item(const json::array& items, std::string_view member, std::string_view text) {
  for (const json::value& item : items) {
    if (text_at(item, member) == text) return &item;
  }
  return nullptr;
}

Failure unexpected(const std::string& what) { return fail(ErrorKind::kConflict, "demo.unexpected", what); }

class Play {
 public:
  explicit Play(const DemoOptions& options) : options_(options) {}

  int run();

 private:
  using Step = Result<void> (Play::*)();

  Result<void> run_step(std::string_view name, Step step);
  void tell(std::string_view name, const Error* error, Duration took) const;
  void saw(std::string_view what, std::string id) { seen_.emplace_back(what, std::move(id)); }
  std::string random_text(std::string_view prefix) {
    return std::string(prefix) + " " + random_word(random_, 9) + " " + random_word(random_, 7);
  }

  // Looks again until it is there or the step's time is over.
  template <class Look>
  Result<json::value> await(std::string_view what, Look look);
  Result<json::value> await_event(DemoPerson& person, std::string_view type, std::string_view what, DemoPerson::Fits fits);
  Result<json::value> await_post(DemoPerson& person, std::string_view member, std::string_view text);
  Result<std::string> post(DemoPerson& author, const std::string& text);
  Result<void> say(DemoPerson& author, DemoPerson& listener, const std::string& text, std::string& post_id);
  Result<void> open_socket(DemoPerson& person);
  Result<void> make_transition(std::string_view transition, std::string_view substatus);
  Result<std::vector<std::string>> written_posts(DemoPerson& reader);

  Result<void> reach_server();
  Result<void> log_in_administrator();
  Result<void> log_in_consultant();
  Result<void> log_in_client();
  Result<void> create_client();
  Result<void> see_client_active();
  Result<void> close_earlier_request();
  Result<void> open_client_socket();
  Result<void> open_consultant_socket();
  Result<void> set_presence();
  Result<void> greet_bot();
  Result<void> ask();
  Result<void> see_assignment();
  Result<void> see_introductions();
  Result<void> start_task();
  Result<void> consultant_writes();
  Result<void> client_writes();
  Result<void> mark_read();
  Result<void> solve_task();
  Result<void> give_feedback();
  Result<void> see_feedback();
  Result<void> see_history();
  Result<void> see_process_ended();
  Result<void> compare_channel();
  Result<void> log_out();

  const DemoOptions& options_;
  SystemRandom random_;
  DemoServer server_;
  std::optional<DemoNetwork> network_;
  std::optional<DemoPerson> admin_;
  std::optional<DemoPerson> consultant_;
  std::optional<DemoPerson> client_;
  Secret password_;

  int number_ = 0;
  std::vector<std::pair<std::string, std::string>> seen_;  // of the present step
  Timestamp deadline_;
  Timestamp pinged_at_;
  bool unreachable_ = false;

  std::string new_client_id_;
  std::string new_client_name_;
  std::string channel_id_;
  std::string request_text_;
  std::string task_id_;
  std::string task_number_;
  std::string process_key_;
  std::string consultant_post_;
  std::string client_post_;
  std::string feedback_text_;
  std::vector<std::string> said_;  // posts of client and consultant, in order
};

// --- The frame of a step ---

int Play::run() {
  const std::pair<std::string_view, Step> steps[] = {
      {"the server answers", &Play::reach_server},
      {"the administrator logs in", &Play::log_in_administrator},
      {"the consultant logs in", &Play::log_in_consultant},
      {"the client logs in", &Play::log_in_client},
      {"the administrator creates a client", &Play::create_client},
      {"the consultant sees the new client become active", &Play::see_client_active},
      {"no earlier request of the client is open", &Play::close_earlier_request},
      {"the client opens a socket", &Play::open_client_socket},
      {"the consultant opens a socket", &Play::open_consultant_socket},
      {"the consultant sets presence", &Play::set_presence},
      {"the bot answers the client's greeting", &Play::greet_bot},
      {"the client asks", &Play::ask},
      {"the task is assigned to the consultant", &Play::see_assignment},
      {"both are introduced to each other", &Play::see_introductions},
      {"the consultant starts the task", &Play::start_task},
      {"the client receives the consultant's message", &Play::consultant_writes},
      {"the consultant receives the client's message", &Play::client_writes},
      {"read marks are seen by the other", &Play::mark_read},
      {"the consultant solves the task", &Play::solve_task},
      {"the client is asked for feedback and gives it", &Play::give_feedback},
      {"the consultant reads the feedback", &Play::see_feedback},
      {"the history of the task is complete", &Play::see_history},
      {"the process instance has ended", &Play::see_process_ended},
      {"client and consultant read the same conversation", &Play::compare_channel},
      {"everybody logs out", &Play::log_out},
  };
  if (options_.url.empty()) {
    password_ = Secret(random_word(random_, 20));
    if (auto started = server_.start(password_); !started) {
      std::fprintf(stderr, "consilium: %s\n", started.error().describe().c_str());
      return kExitFailed;
    }
  } else {
    password_ = options_.password;
  }
  network_.emplace(options_.url, options_.timeout);
  admin_.emplace(*network_, "admin");
  consultant_.emplace(*network_, "clara");
  client_.emplace(*network_, "anna");
  for (const auto& [name, step] : steps) {
    if (auto done = run_step(name, step); !done) return unreachable_ ? kExitUnreachable : kExitFailed;
  }
  if (!options_.json) std::printf("The main job works: task %s.\n", task_number_.c_str());
  return kExitDone;
}

Result<void> Play::run_step(std::string_view name, Step step) {
  ++number_;
  seen_.clear();
  const Timestamp began = network_->loop().steady_now();
  deadline_ = began + options_.timeout;
  Result<void> done = (this->*step)();
  tell(name, done ? nullptr : &done.error(), network_->loop().steady_now() - began);
  return done;
}

void Play::tell(std::string_view name, const Error* error, Duration took) const {
  if (options_.json) {
    json::object ids;
    for (const auto& [what, id] : seen_) ids[what] = id;
    json::object line = {
        {"step", number_}, {"name", name}, {"state", error ? "failed" : "done"}, {"ids", ids}, {"milliseconds", took.microseconds / 1000}};
    if (error) line["error"] = error->detail;
    std::printf("%s\n", json::serialize(line).c_str());
  } else if (!error) {
    std::printf("%2d. %s", number_, std::string(name).c_str());
    const char* separator = ": ";
    for (const auto& [what, id] : seen_) {
      std::printf("%s%s %s", separator, what.c_str(), id.c_str());
      separator = ", ";
    }
    std::printf("\n");
  }
  std::fflush(stdout);
  if (error)
    std::fprintf(stderr, "consilium: the demo failed in step %d, \"%s\": %s\n", number_, std::string(name).c_str(), error->detail.c_str());
}

template <class Look>
Result<json::value> Play::await(std::string_view what, Look look) {
  for (;;) {
    if (interrupted) return unexpected("Interrupted");
    const Timestamp now = network_->loop().steady_now();
    if (now - pinged_at_ > kPingEvery) {
      pinged_at_ = now;
      client_->ping();
      consultant_->ping();
    }
    Result<std::optional<json::value>> found = look();
    if (!found) return fail(std::move(found).error());
    if (*found) return std::move(**found);
    if (now > deadline_) return fail(ErrorKind::kDeadlineExceeded, "demo.timeout", "Waited in vain for " + std::string(what));
    std::this_thread::sleep_for(kLookEvery);
  }
}

Result<json::value> Play::await_event(DemoPerson& person, std::string_view type, std::string_view what, DemoPerson::Fits fits) {
  const std::string expected = std::string(type) + " (" + std::string(what) + ") on the socket of " + person.username();
  return await(expected, [&] { return person.find_event(type, fits); });
}

// A post of the client's channel whose `member` is `text`.
Result<json::value> Play::await_post(DemoPerson& person, std::string_view member, std::string_view text) {
  return await_event(person, "post.created", std::string(member) + " " + std::string(text),
                     [&](const json::value& data) { return text_at(data, "channelId") == channel_id_ && text_at(data, member) == text; });
}

Result<std::string> Play::post(DemoPerson& author, const std::string& text) {
  const json::value body = {{"text", text}, {"clientId", random_word(random_, 20)}};
  ASSIGN_OR_RETURN(const json::value stored, author.call("POST", "/channels/" + channel_id_ + "/posts", 201, body));
  if (text_at(stored, "text") != text) return unexpected("The stored post has another text");
  return text_at(stored, "id");
}

Result<void> Play::say(DemoPerson& author, DemoPerson& listener, const std::string& text, std::string& post_id) {
  ASSIGN_OR_RETURN(post_id, post(author, text));
  said_.push_back(post_id);
  ASSIGN_OR_RETURN(const json::value heard, await_post(listener, "id", post_id));
  if (text_at(heard, "text") != text) return unexpected("The post arrived with another text");
  if (text_at(heard, "authorId") != author.user_id()) return unexpected("The post arrived with another author");
  saw("post", post_id);
  return {};
}

// --- Getting in ---

Result<void> Play::reach_server() {
  if (options_.url.empty()) {
    const auto ready = await("the server of our own to be ready", [&]() -> Result<std::optional<json::value>> {
      ASSIGN_OR_RETURN(const bool is_ready, server_.is_ready(*network_));
      if (!is_ready) return std::nullopt;
      return json::value(true);
    });
    if (!ready) return fail(ready.error());
    network_->set_base_url(server_.url());
  }
  auto response = network_->send({"GET", "/api/v1/openapi.json", {}, {}});
  if (!response) {
    unreachable_ = !options_.url.empty();
    return fail(std::move(response).error());
  }
  if (response->status != 200)
    return unexpected("The address answers, but " + std::to_string(response->status) + " to /api/v1/openapi.json");
  saw("url", network_->base_url());
  return {};
}

Result<void> Play::log_in_administrator() {
  TRY(admin_->log_in(password_));
  saw("session", admin_->session_id());
  saw("administrator", admin_->user_id());
  return {};
}

Result<void> Play::log_in_consultant() {
  TRY(consultant_->log_in(password_));
  ASSIGN_OR_RETURN(const json::value user, admin_->get("/users/" + consultant_->user_id()));
  if (text_at(user, "type") != "consultant" || text_at(user, "status") != "active")
    return unexpected("The administrator does not see an active consultant");
  saw("session", consultant_->session_id());
  saw("consultant", consultant_->user_id());
  return {};
}

Result<void> Play::log_in_client() {
  TRY(client_->log_in(password_));
  ASSIGN_OR_RETURN(const json::value user, admin_->get("/users/" + client_->user_id()));
  channel_id_ = text_at(user, "commonChannelId");
  ASSIGN_OR_RETURN(const json::value channel, client_->get("/channels/" + channel_id_));
  if (channel_id_.empty() || text_at(channel, "id") != channel_id_)
    return unexpected("The client has no channel of the kind that the administrator sees");
  saw("session", client_->session_id());
  saw("client", client_->user_id());
  saw("channel", channel_id_);
  return {};
}

// --- A new client, by the process p-create-user ---

Result<void> Play::create_client() {
  new_client_name_ = random_name(random_);
  const json::value body = {{"firstName", new_client_name_},
                            {"lastName", random_name(random_)},
                            {"sex", "f"},
                            {"birthDate", "1980-05-17"},
                            {"phone", "+7999" + random_digits(random_, 7)}};
  ASSIGN_OR_RETURN(const json::value user,
                   admin_->call("POST", "/users/clients", 202, body, {{"Idempotency-Key", random_word(random_, 20)}}));
  new_client_id_ = text_at(user, "id");
  if (text_at(user, "status") != "draft") return unexpected("The new client is not a draft");
  saw("user", new_client_id_);
  return {};
}

Result<void> Play::see_client_active() {
  const auto active = await("the new client to become active", [&]() -> Result<std::optional<json::value>> {
    ASSIGN_OR_RETURN(json::value user, consultant_->get("/users/" + new_client_id_));
    if (text_at(user, "status") != "active") return std::nullopt;
    return user;
  });
  if (!active) return fail(active.error());
  if (text_at(*active, "firstName") != new_client_name_) return unexpected("The consultant sees another name than the administrator gave");
  saw("user", text_at(*active, "id"));
  saw("chat-user", text_at(*active, "chatUserId"));
  saw("identity", text_at(*active, "identityId"));
  saw("channel", text_at(*active, "commonChannelId"));
  return {};
}

// What an interrupted demo left on this server would join the new request.
Result<void> Play::close_earlier_request() {
  ASSIGN_OR_RETURN(const json::value page, admin_->get("/tasks?status=open&reporterUserId=" + client_->user_id()));
  for (const json::value& task : items_of(page)) {
    if (text_at(task, "type.type") != "client") continue;
    TRY(admin_->call("POST", "/tasks/" + text_at(task, "id") + "/transitions/cancel", 200, {{"reason", "left by an earlier demo"}}));
    saw("cancelled", text_at(task, "number"));
  }
  ASSIGN_OR_RETURN(const json::value rest, client_->get("/tasks?status=open"));
  if (!items_of(rest).empty()) return unexpected("The client still has an open request");
  return {};
}

// --- Being there ---

Result<void> Play::open_socket(DemoPerson& person) {
  TRY(person.open_socket());
  ASSIGN_OR_RETURN(const json::value welcome, await_event(person, "welcome", "first message", [](const json::value&) { return true; }));
  if (text_at(welcome, "sessionId") != person.session_id()) return unexpected("The socket belongs to another session");
  person.ping();
  saw("session", person.session_id());
  return {};
}

Result<void> Play::open_client_socket() { return open_socket(*client_); }
Result<void> Play::open_consultant_socket() { return open_socket(*consultant_); }

Result<void> Play::set_presence() {
  const std::string& wanted = options_.consultant_status;
  TRY(consultant_->call("PUT", "/users/me/presence", 200, {{"status", wanted}}));
  const auto shown = await("the presence " + wanted + " to be shown to others", [&]() -> Result<std::optional<json::value>> {
    ASSIGN_OR_RETURN(json::value presence, consultant_->get("/users/me/presence"));
    if (text_at(presence, "effective") != wanted) return std::nullopt;
    return presence;
  });
  if (!shown) return fail(shown.error());
  saw("consultant", consultant_->user_id());
  saw("presence", text_at(*shown, "effective"));
  return {};
}

// --- The case ---

Result<void> Play::greet_bot() {
  ASSIGN_OR_RETURN(const std::string greeting, post(*client_, client_->language() == "ru" ? "Привет" : "Hello"));
  said_.push_back(greeting);
  ASSIGN_OR_RETURN(const json::value echo, await_post(*client_, "id", greeting));
  const std::string since = text_at(echo, "at");
  ASSIGN_OR_RETURN(const json::value answer, await_event(*client_, "post.created", "the bot's answer", [&](const json::value& data) {
                     return text_at(data, "channelId") == channel_id_ && text_at(data, "authorKind") == "bot" &&
                            text_at(data, "code").empty() && text_at(data, "at") >= since;
                   }));
  saw("post", greeting);
  saw("answer", text_at(answer, "id"));
  return {};
}

Result<void> Play::ask() {
  request_text_ = options_.text.empty() ? random_text("Question") : options_.text;
  ASSIGN_OR_RETURN(const std::string id, post(*client_, request_text_));
  said_.push_back(id);
  ASSIGN_OR_RETURN(const json::value notice, await_post(*client_, "code", "client.new-request"));
  saw("post", id);
  saw("notice", text_at(notice, "id"));
  return {};
}

Result<void> Play::see_assignment() {
  ASSIGN_OR_RETURN(const json::value told, await_event(*consultant_, "task.created", "the client's request", [&](const json::value& data) {
                     return text_at(data, "reporter.userId") == client_->user_id();
                   }));
  task_id_ = text_at(told, "id");
  task_number_ = text_at(told, "number");
  ASSIGN_OR_RETURN(const json::value list, consultant_->get("/tasks?number=" + task_number_));
  if (!find_item(items_of(list), "id", task_id_)) return unexpected("The consultant's list of tasks lacks the task");
  ASSIGN_OR_RETURN(const json::value task, admin_->get("/tasks/" + task_number_));
  if (text_at(task, "id") != task_id_ || text_at(task, "substatus") != "assigned")
    return unexpected("The administrator does not see the task assigned");
  if (text_at(task, "assignee.userId") != consultant_->user_id()) return unexpected("The task is with another person");
  if (text_at(task, "channelId") != channel_id_) return unexpected("The task is of another channel");
  saw("task", task_id_);
  saw("number", task_number_);
  saw("assignee", consultant_->user_id());
  return {};
}

Result<void> Play::see_introductions() {
  ASSIGN_OR_RETURN(const json::value to_client, await_post(*client_, "code", "client.request-assigned"));
  ASSIGN_OR_RETURN(const json::value to_consultant, await_post(*consultant_, "code", "consultant.request-assigned"));
  ASSIGN_OR_RETURN(const json::value channel, client_->get("/channels/" + channel_id_));
  const json::value* members = channel.get_object().if_contains("members");
  const json::value* member = members && members->is_array() ? find_item(members->get_array(), "userId", consultant_->user_id()) : nullptr;
  if (!member || text_at(*member, "access") != "write")
    return unexpected("The client does not see the consultant as a member who may write");
  ASSIGN_OR_RETURN(const json::value posts, consultant_->get("/channels/" + channel_id_ + "/posts"));
  const json::array items = items_of(posts);
  const json::value* question = find_item(items, "id", said_.back());
  if (!question || text_at(*question, "text") != request_text_) return unexpected("The consultant does not read what the client asked");
  saw("question", said_.back());
  saw("to-client", text_at(to_client, "id"));
  saw("to-consultant", text_at(to_consultant, "id"));
  return {};
}

Result<void> Play::make_transition(std::string_view transition, std::string_view substatus) {
  ASSIGN_OR_RETURN(const json::value offered, consultant_->get("/tasks/" + task_id_ + "/transitions"));
  if (!find_item(items_of(offered), "id", transition))
    return unexpected("The task does not offer the transition " + std::string(transition));
  TRY(consultant_->call("POST", "/tasks/" + task_id_ + "/transitions/" + std::string(transition), 200, json::object()));
  ASSIGN_OR_RETURN(const json::value told, await_event(*client_, "task.updated", substatus, [&](const json::value& data) {
                     return text_at(data, "id") == task_id_ && text_at(data, "substatus") == substatus;
                   }));
  ASSIGN_OR_RETURN(const json::value task, client_->get("/tasks/" + task_number_));
  if (text_at(task, "substatus") != substatus) return unexpected("The client reads another substatus than " + std::string(substatus));
  saw("task", text_at(told, "id"));
  saw("substatus", text_at(task, "substatus"));
  return {};
}

Result<void> Play::start_task() { return make_transition("start", "in-progress"); }
Result<void> Play::solve_task() { return make_transition("solve", "solved"); }
Result<void> Play::consultant_writes() { return say(*consultant_, *client_, random_text("Answer"), consultant_post_); }
Result<void> Play::client_writes() { return say(*client_, *consultant_, random_text("Thanks for"), client_post_); }

Result<void> Play::mark_read() {
  TRY(consultant_->call("POST", "/channels/" + channel_id_ + "/read", 204, {{"postId", client_post_}}));
  ASSIGN_OR_RETURN(const json::value told, await_event(*client_, "channel.read", "of the consultant", [&](const json::value& data) {
                     return text_at(data, "userId") == consultant_->user_id() && text_at(data, "postId") == client_post_;
                   }));
  ASSIGN_OR_RETURN(const json::value channel, client_->get("/channels/" + channel_id_));
  const json::value* members = channel.get_object().if_contains("members");
  const json::value* member = members && members->is_array() ? find_item(members->get_array(), "userId", consultant_->user_id()) : nullptr;
  if (!member || text_at(*member, "lastReadPostId") != client_post_)
    return unexpected("The client's channel does not show what the consultant has read");
  saw("reader", text_at(told, "userId"));
  saw("post", client_post_);
  return {};
}

Result<void> Play::give_feedback() {
  ASSIGN_OR_RETURN(const json::value finished, await_post(*client_, "code", "client.task-solved"));
  ASSIGN_OR_RETURN(const json::value question, await_post(*client_, "code", "client.feedback"));
  const json::value* actions = question.get_object().if_contains("actions");
  const json::value* yes = actions && actions->is_array() ? find_item(actions->get_array(), "id", "yes") : nullptr;
  if (!yes) return unexpected("The post that asks for feedback has no button for yes");
  feedback_text_ = random_text("Feedback");
  const json::value body = {{"token", text_at(*yes, "token")}, {"text", feedback_text_}};
  TRY(client_->call("POST", "/posts/" + text_at(question, "id") + "/actions/yes", 200, body));
  saw("finished", text_at(finished, "id"));
  saw("feedback-post", text_at(question, "id"));
  return {};
}

// --- What is left of it ---

Result<void> Play::see_feedback() {
  const auto feedback = await("the feedback", [&]() -> Result<std::optional<json::value>> {
    ASSIGN_OR_RETURN(json::value task, consultant_->get("/tasks/" + task_id_));
    if (!task.get_object().if_contains("feedback")) return std::nullopt;
    return task;
  });
  if (!feedback) return fail(feedback.error());
  ASSIGN_OR_RETURN(const json::value read, consultant_->get("/tasks/" + task_id_ + "/feedback"));
  if (text_at(read, "answer") != "yes" || text_at(read, "text") != feedback_text_)
    return unexpected("The feedback is not what the client gave");
  saw("task", task_id_);
  saw("answer", text_at(read, "answer"));
  saw("given-by", text_at(read, "userId"));
  return {};
}

Result<void> Play::see_history() {
  ASSIGN_OR_RETURN(const json::value history, consultant_->get("/tasks/" + task_id_ + "/history"));
  const json::array entries = items_of(history);
  for (const std::string_view substatus : {"reported", "on-assignment", "assigned", "in-progress", "solved"}) {
    if (!find_item(entries, "substatus", substatus)) return unexpected("The history lacks " + std::string(substatus));
  }
  const json::value* solved = find_item(entries, "substatus", "solved");
  if (text_at(*solved, "changedByUserId") != consultant_->user_id()) return unexpected("The history names another person who solved");
  ASSIGN_OR_RETURN(const json::value log, admin_->get("/assignments/log?taskId=" + task_id_));
  const json::array decisions = items_of(log);
  const json::value* decision = find_item(decisions, "userId", consultant_->user_id());
  if (!decision) return unexpected("The log of assignments does not say why the consultant got the task");
  saw("task", task_id_);
  saw("entries", std::to_string(entries.size()));
  saw("assignment", text_at(*decision, "id"));
  return {};
}

Result<void> Play::see_process_ended() {
  ASSIGN_OR_RETURN(const json::value task, admin_->get("/tasks/" + task_id_));
  process_key_ = text_at(task, "processInstance");
  if (process_key_.empty()) return unexpected("The task names no process instance");
  const auto ended = await("the process instance " + process_key_ + " to complete", [&]() -> Result<std::optional<json::value>> {
    ASSIGN_OR_RETURN(json::value instance, admin_->get("/processes/instances/" + process_key_));
    if (text_at(instance, "state") == "active") return std::nullopt;
    return instance;
  });
  if (!ended) return fail(ended.error());
  if (text_at(*ended, "state") != "completed") return unexpected("The process instance ended as " + text_at(*ended, "state"));
  saw("process-instance", process_key_);
  saw("process", text_at(*ended, "processId"));
  saw("state", text_at(*ended, "state"));
  return {};
}

// Of this demonstration, oldest first: what people wrote.
Result<std::vector<std::string>> Play::written_posts(DemoPerson& reader) {
  ASSIGN_OR_RETURN(const json::value page, reader.get("/channels/" + channel_id_ + "/posts?limit=200"));
  const json::array items = items_of(page);
  std::vector<std::string> ids;
  for (const auto& item : std::ranges::reverse_view(items)) {
    const std::string id = text_at(item, "id");
    if (!ids.empty() || id == said_.front()) {
      if (text_at(item, "authorKind") == "user") ids.push_back(id);
    }
  }
  return ids;
}

Result<void> Play::compare_channel() {
  ASSIGN_OR_RETURN(const auto of_client, written_posts(*client_));
  ASSIGN_OR_RETURN(const auto of_consultant, written_posts(*consultant_));
  if (of_client != said_) return unexpected("The client reads other posts than were written");
  if (of_consultant != said_) return unexpected("The consultant reads other posts than were written");
  saw("channel", channel_id_);
  saw("posts", std::to_string(said_.size()));
  return {};
}

Result<void> Play::log_out() {
  for (DemoPerson* person : {&*client_, &*consultant_, &*admin_}) {
    TRY(person->call("DELETE", "/sessions/current", 204));
    if (person->get("/sessions/current")) return unexpected("The session of " + person->username() + " still works");
    saw(person->username(), person->session_id());
  }
  return {};
}

}  // namespace

int demo(const DemoOptions& options) {
  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
  std::signal(SIGPIPE, SIG_IGN);
  return Play(options).run();
}

}  // namespace consilium::app

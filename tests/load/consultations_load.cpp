// Many consultations at once through the public API, as programs of the people would have them: each person has a session and a
// socket, each step waits for what the other person's socket tells. Prints one JSON object: how many, the time of each step, and
// what processor time the server used after the logins.
//
// consultations_load --url URL --people FILE --seconds N --server PID; FILE: {"clients": [name], "consultants": [name]};
// the password comes from LOAD_PASSWORD.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "load_client.h"
#include "runtime/asio_scheduler.h"
#include "runtime/event.h"

namespace consilium {
namespace {

namespace json = boost::json;
using load::kPatience;
using load::kPingEvery;
using load::Person;
using load::quantile;
using load::text_of;

constexpr Duration kMinute = minutes(1);

// What the sockets of both sides tell of one client's channel, in order.
struct Conversation {
  explicit Conversation(runtime::Scheduler& loop) : arrived(loop) {}
  struct Told {
    bool to_client;
    std::string type;
    json::value data;
  };
  std::deque<Told> told;
  runtime::Event arrived;
};

// Milliseconds of every run of a step.
struct Steps {
  std::map<std::string, std::vector<double>> took;
  std::vector<std::size_t> per_minute;
  std::size_t done = 0;
  double processor_seconds = 0;  // of the server, from the last login to the end
  std::string failure;
};

class Load {
 public:
  Load(runtime::Scheduler& loop, RandomSource& random, std::string url, std::string password, std::int64_t server)
      : loop_(loop),
        random_(random),
        password_(std::move(password)),
        server_(server),
        client_(loop, random, std::move(url)) {}

  Task<void> run(json::value people, Duration length, std::promise<Steps>& out);

 private:
  class Listener;

  Task<Result<void>> enter(Person& person);
  Task<Result<json::value>> await(Conversation& conversation, bool to_client, std::string type,
                                  std::function<bool(const json::value&)> fits);
  Task<Result<json::value>> say(const Person& author, const std::string& channel, std::string text);
  Task<Result<void>> consult(Person& client, Conversation& conversation, const std::string& channel);
  Task<void> play(Person* client, std::string channel);
  Task<void> keep_alive();
  Conversation& conversation(const std::string& channel);
  std::string words();
  void note(const std::string& step, Timestamp& since) {
    const Timestamp now = loop_.steady_now();
    if (now < end_) steps_.took[step].push_back(static_cast<double>((now - since).microseconds) / 1000.0);
    since = now;
  }
  void note_done();

  runtime::Scheduler& loop_;
  RandomSource& random_;
  std::string password_;
  std::int64_t server_;  // its process
  load::LoadClient client_;
  std::vector<std::unique_ptr<Person>> clients_;
  std::vector<std::unique_ptr<Person>> consultants_;
  std::map<std::string, Person*> by_id_;
  std::map<std::string, std::unique_ptr<Conversation>> conversations_;
  Steps steps_;
  Timestamp begin_;
  Timestamp end_;
  std::size_t playing_ = 0;
};

class Load::Listener final : public net::WebSocketListener {
 public:
  Listener(Load& load, bool of_client) : load_(load), of_client_(of_client) {}
  void on_open(std::shared_ptr<net::WebSocket>) override {}
  void on_text(std::string text) override {
    boost::system::error_code broken;
    const json::value message = json::parse(text, broken);
    if (broken) return fail_load("a message of the socket is no JSON");
    const std::string type = text_of(message, "/type");
    const json::value* data = message.is_object() ? message.get_object().if_contains("data") : nullptr;
    const json::value* number = message.is_object() ? message.get_object().if_contains("seq") : nullptr;
    if (type == "welcome") number = data ? data->get_object().if_contains("seq") : nullptr;
    if (number && number->is_int64()) {
      if (type != "welcome" && number->get_int64() != last_ + 1) fail_load("the events of a socket have a gap");
      last_ = number->get_int64();
    }
    if (!data || (type != "post.created" && type != "task.created" && type != "task.updated")) return;
    const std::string channel = text_of(*data, "/channelId");
    if (channel.empty()) return;
    Conversation& conversation = load_.conversation(channel);
    conversation.told.push_back({of_client_, type, *data});
    conversation.arrived.notify_all();
  }
  void on_close(std::uint16_t code) override { fail_load("a socket was closed with " + std::to_string(code)); }

 private:
  void fail_load(const std::string& why) {
    if (load_.steps_.failure.empty()) load_.steps_.failure = why;
  }
  Load& load_;
  bool of_client_;
  std::int64_t last_ = 0;
};

Conversation& Load::conversation(const std::string& channel) {
  auto& one = conversations_[channel];
  if (!one) one = std::make_unique<Conversation>(loop_);
  return *one;
}

// Nothing that the bot knows.
std::string Load::words() {
  constexpr std::string_view kConsonants = "bcdfghjklmnpqrstvwxz";
  std::string out;
  for (int i = 0; i < 24; ++i) out += i % 8 == 7 ? ' ' : kConsonants[random_.below(kConsonants.size())];
  return out;
}

Task<Result<void>> Load::enter(Person& person) {
  json::value credentials = {{"username", person.username}, {"password", password_}};
  CO_ASSIGN_OR_RETURN(const json::value session, co_await client_.call(person, "POST", "/sessions", 201, std::move(credentials)));
  person.token = text_of(session, "/accessToken");
  person.id = text_of(session, "/user/id");
  const bool is_client = text_of(session, "/user/type") == "client";
  auto listener = std::make_shared<Listener>(*this, is_client);
  CO_TRY(co_await client_.open_socket(person, std::move(listener)));
  by_id_[person.id] = &person;
  if (is_client) co_return Result<void>();
  json::value online = {{"status", "online"}};
  CO_TRY(co_await client_.call(person, "PUT", "/users/me/presence", 200, std::move(online)));
  co_return Result<void>();
}

Task<Result<json::value>> Load::await(Conversation& conversation, bool to_client, std::string type,
                                      std::function<bool(const json::value&)> fits) {
  const Timestamp deadline = loop_.steady_now() + kPatience;
  for (;;) {
    for (const Conversation::Told& told : conversation.told) {
      if (told.to_client == to_client && told.type == type && fits(told.data)) co_return told.data;
    }
    const Duration left = deadline - loop_.steady_now();
    if (left <= Duration{}) {
      std::string told;
      for (const Conversation::Told& one : conversation.told)
        told +=
            (one.to_client ? " client:" : " consultant:") + one.type + ":" + text_of(one.data, "/code") + text_of(one.data, "/substatus");
      co_return fail(ErrorKind::kDeadlineExceeded, "load.not-told", type + " did not come in time after" + told);
    }
    co_await conversation.arrived.wait_for(left);
  }
}

Task<Result<json::value>> Load::say(const Person& author, const std::string& channel, std::string text) {
  json::value body = {{"text", std::move(text)}};
  auto post = co_await client_.call(author, "POST", "/channels/" + channel + "/posts", 201, std::move(body));
  co_return post;
}

Task<Result<void>> Load::consult(Person& client, Conversation& conversation, const std::string& channel) {
  const Timestamp began = loop_.steady_now();
  Timestamp since = began;
  conversation.told.clear();
  std::string question = words();
  CO_TRY(co_await say(client, channel, std::move(question)));
  const auto sought = [](const json::value& post) { return text_of(post, "/code") == "client.new-request"; };
  std::function<bool(const json::value&)> fits = sought;
  CO_TRY(co_await await(conversation, true, "post.created", fits));
  note("asked: a consultant is sought", since);

  fits = [](const json::value&) { return true; };
  CO_ASSIGN_OR_RETURN(const json::value task, co_await await(conversation, false, "task.created", fits));
  note("assigned: the consultant's socket has the task", since);
  const std::string task_path = "/tasks/" + text_of(task, "/id") + "/transitions/";
  const auto found = by_id_.find(text_of(task, "/assignee/userId"));
  if (found == by_id_.end()) co_return fail(ErrorKind::kConflict, "load.assignee", "The task went to nobody of the load");
  const Person& consultant = *found->second;
  fits = [](const json::value& told) { return text_of(told, "/code") == "consultant.request-assigned"; };
  CO_TRY(co_await await(conversation, false, "post.created", fits));
  note("admitted: both are introduced", since);

  json::value nothing = json::object();
  CO_TRY(co_await client_.call(consultant, "POST", task_path + "start", 200, std::move(nothing)));
  fits = [](const json::value& told) { return text_of(told, "/substatus") == "in-progress"; };
  CO_TRY(co_await await(conversation, true, "task.updated", fits));
  note("started: the client's socket says so", since);

  for (int round = 0; round < 2; ++round) {
    for (const bool from_client : {false, true}) {
      std::string text = words();
      CO_ASSIGN_OR_RETURN(const json::value post, co_await say(from_client ? client : consultant, channel, std::move(text)));
      const std::string id = text_of(post, "/id");
      fits = [id](const json::value& told) { return text_of(told, "/id") == id; };
      CO_TRY(co_await await(conversation, !from_client, "post.created", fits));
      note("message: on the other's socket", since);
    }
  }

  nothing = json::object();
  CO_TRY(co_await client_.call(consultant, "POST", task_path + "solve", 200, std::move(nothing)));
  fits = [](const json::value& told) { return text_of(told, "/code") == "client.feedback"; };
  CO_ASSIGN_OR_RETURN(const json::value asked, co_await await(conversation, true, "post.created", fits));
  note("solved: the client is asked for feedback", since);

  json::value press = json::object();
  for (const json::value& action : asked.at("actions").as_array()) {
    if (text_of(action, "/id") == "yes") press = {{"token", text_of(action, "/token")}};
  }
  CO_TRY(co_await client_.call(client, "POST", "/posts/" + text_of(asked, "/id") + "/actions/yes", 200, std::move(press)));
  fits = [](const json::value& told) { return text_of(told, "/feedback/answer") == "yes"; };
  CO_TRY(co_await await(conversation, false, "task.updated", fits));
  note("feedback: on the consultant's socket", since);
  since = began;
  note("consultation: all of it", since);
  co_return Result<void>();
}

void Load::note_done() {
  ++steps_.done;
  const auto minute = static_cast<std::size_t>((loop_.steady_now() - begin_).microseconds / kMinute.microseconds);
  if (steps_.per_minute.size() <= minute) steps_.per_minute.resize(minute + 1);
  ++steps_.per_minute[minute];
}

// A consultation that has begun is brought to its end, so that the server can be asked for exactly as many.
Task<void> Load::play(Person* client, std::string channel) {
  Conversation& own = conversation(channel);
  while (loop_.steady_now() < end_ && steps_.failure.empty()) {
    auto consulted = co_await consult(*client, own, channel);
    if (!consulted) {
      if (steps_.failure.empty()) steps_.failure = client->username + ": " + consulted.error().describe();
      break;
    }
    note_done();
  }
  --playing_;
}

Task<void> Load::keep_alive() {
  for (;;) {
    co_await loop_.sleep_for(kPingEvery);
    for (const auto* group : {&clients_, &consultants_}) {
      for (const auto& person : *group) person->socket->send(R"({"type":"ping"})");
    }
  }
}

Task<void> Load::run(json::value people, Duration length, std::promise<Steps>& out) {
  for (const std::string_view group : {"clients", "consultants"}) {
    for (const json::value& name : people.at(group).as_array()) {
      auto person = std::make_unique<Person>();
      person->username = std::string(name.as_string());
      auto entered = co_await enter(*person);
      if (!entered) {
        steps_.failure = entered.error().describe();
        out.set_value(std::move(steps_));
        co_return;
      }
      (group == "clients" ? clients_ : consultants_).push_back(std::move(person));
    }
  }
  loop_.spawn("load.alive", keep_alive());
  std::vector<std::string> channels;
  for (const auto& client : clients_) {
    json::value none;
    auto page = co_await client_.call(*client, "GET", "/channels", 200, std::move(none));
    if (!page) {
      steps_.failure = page.error().describe();
      out.set_value(std::move(steps_));
      co_return;
    }
    channels.push_back(text_of(*page, "/items/0/id"));
  }
  const double used_before = load::processor_seconds_of(server_);
  begin_ = loop_.steady_now();
  end_ = begin_ + length;
  playing_ = clients_.size();
  for (std::size_t i = 0; i < clients_.size(); ++i) loop_.spawn("load.play", play(clients_[i].get(), channels[i]));
  while (playing_ > 0) co_await loop_.sleep_for(milliseconds(20));
  steps_.processor_seconds = load::processor_seconds_of(server_) - used_before;
  out.set_value(std::move(steps_));
}

json::value report(const Steps& steps) {
  json::object took;
  for (const auto& [name, values] : steps.took)
    took[name] = {{"count", values.size()}, {"p50Ms", quantile(values, 0.5)}, {"p99Ms", quantile(values, 0.99)}};
  return {{"consultations", steps.done},
          {"perMinute", json::value_from(steps.per_minute)},
          {"steps", took},
          {"serverProcessorSeconds", steps.processor_seconds},
          {"failure", steps.failure}};
}

int run_load(int argc, char** argv) {
  const load::Arguments arguments(argc, argv);
  const std::string url = arguments.text("--url");
  const std::int64_t server = arguments.number("--server", 0);
  const char* password = std::getenv("LOAD_PASSWORD");
  std::ifstream file(arguments.text("--people"));
  if (url.empty() || !file || !password || server <= 0) {
    std::fputs("usage: LOAD_PASSWORD=… consultations_load --url URL --people FILE --server PID [--seconds N]\n", stderr);
    return 2;
  }
  std::stringstream text;
  text << file.rdbuf();
  SystemRandom random;
  runtime::AsioScheduler loop("load");
  Load load(loop, random, url, password, server);
  std::promise<Steps> promise;
  auto done = promise.get_future();
  loop.spawn("load", load.run(json::parse(text.str()), seconds(arguments.number("--seconds", 30)), promise));
  loop.start();
  const Steps steps = done.get();
  loop.stop();
  loop.join();
  std::cout << json::serialize(report(steps)) << "\n";
  return steps.failure.empty() ? 0 : 1;
}

}  // namespace
}  // namespace consilium

int main(int argc, char** argv) { return consilium::run_load(argc, argv); }

// Posts that all members of their channel receive on open sockets. Every person has a socket; a writer posts as a random member
// of a random channel and goes on when the post is committed and each member's socket has told of it. Prints one JSON object:
// how many posts, the time of each, gaps found in the events, and what the server used.
//
// posts_load --url URL --people FILE --server PID [--writers 64] [--seconds 30]
//   FILE: as load_folder writes it, with the members of channel i in consultants i*M … (i+1)*M-1
// posts_load … --writers 0 --rounds N: only opens the sockets, waits for N rounds of keep-alive, and then for a line on its input.
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>

#include "load_client.h"
#include "runtime/asio_scheduler.h"
#include "runtime/event.h"

namespace consilium {
namespace {

namespace json = boost::json;

constexpr std::size_t kOpenAtOnce = 64;
constexpr std::string_view kMark = "load post of writer ";  // and its number, a blank, and the number of the post

// The number that follows `mark` in `text`.
std::optional<std::int64_t> number_after(std::string_view text, std::string_view mark) {
  const auto place = text.find(mark);
  if (place == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(place + mark.size());
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return failure == std::errc() ? std::optional(number) : std::nullopt;
}

struct Figures {
  std::vector<double> took_ms;
  std::vector<double> answered_ms;
  double processor_seconds = 0;
  std::string failure;
};

class PostLoad {
 public:
  PostLoad(runtime::Scheduler& loop, RandomSource& random, std::string url, const json::value& people, std::int64_t server)
      : loop_(loop), random_(random), client_(loop, random, std::move(url)), server_(server) {
    for (const json::value& row : people.at("clients").as_array()) {
      people_.push_back(person_of(row));
      channels_.push_back({load::text_of(row, "/channel"), {people_.size() - 1}});
    }
    const json::array& consultants = people.at("consultants").as_array();
    const std::size_t a_channel = channels_.empty() ? 0 : consultants.size() / channels_.size();
    for (std::size_t i = 0; i < consultants.size(); ++i) {
      people_.push_back(person_of(consultants[i]));
      if (a_channel > 0 && i / a_channel < channels_.size()) channels_[i / a_channel].members.push_back(people_.size() - 1);
    }
  }

  Task<void> run(std::int64_t writers, Duration length, std::int64_t rounds, std::promise<Figures>& out);

 private:
  struct Channel {
    std::string id;
    std::vector<std::size_t> members;
  };
  struct Writer {
    explicit Writer(runtime::Scheduler& loop) : told(loop) {}
    std::int64_t post = 0;
    std::size_t missing = 0;
    runtime::Event told;
  };
  class Listener;

  static load::Person person_of(const json::value& row) {
    return {load::text_of(row, "/name"), load::text_of(row, "/id"), load::text_of(row, "/token"), nullptr};
  }
  Task<void> open_some();
  Task<void> keep_alive();
  Task<void> write(std::size_t number);
  Task<Result<void>> post_once(std::size_t number, Writer& writer);
  void fail_load(const std::string& why) {
    if (figures_.failure.empty()) figures_.failure = why;
  }

  runtime::Scheduler& loop_;
  RandomSource& random_;
  load::LoadClient client_;
  std::int64_t server_;
  std::vector<load::Person> people_;
  std::vector<Channel> channels_;
  std::vector<std::unique_ptr<Writer>> writers_;
  Figures figures_;
  Timestamp end_;
  std::size_t next_to_open_ = 0;
  std::size_t working_ = 0;
  std::int64_t pinged_ = 0;
};

class PostLoad::Listener final : public net::WebSocketListener {
 public:
  explicit Listener(PostLoad& load) : load_(load) {}
  void on_open(std::shared_ptr<net::WebSocket>) override {}
  void on_text(std::string text) override {
    if (const auto number = number_after(text, "\"seq\":")) {
      const bool is_welcome = text.find("\"welcome\"") != std::string::npos;
      if (last_ >= 0 && !is_welcome && *number != last_ + 1) load_.fail_load("the events of a socket have a gap");
      last_ = *number;
    }
    const auto place = text.find(kMark);
    if (place == std::string::npos) return;
    const std::string_view marked = std::string_view(text).substr(place);
    const auto writer = number_after(marked, kMark);
    const auto blank = marked.find(' ', kMark.size());
    const auto post = blank == std::string_view::npos ? std::nullopt : number_after(marked.substr(blank), " ");
    if (!writer || !post) return;
    Writer& one = *load_.writers_.at(static_cast<std::size_t>(*writer));
    if (one.post != *post) return load_.fail_load("a post was told twice or too late");
    if (--one.missing == 0) one.told.notify_all();
  }
  void on_close(std::uint16_t code) override { load_.fail_load("a socket was closed with " + std::to_string(code)); }

 private:
  PostLoad& load_;
  std::int64_t last_ = -1;
};

Task<void> PostLoad::open_some() {
  while (next_to_open_ < people_.size() && figures_.failure.empty()) {
    load::Person& person = people_[next_to_open_++];
    auto listener = std::make_shared<Listener>(*this);
    auto opened = co_await client_.open_socket(person, std::move(listener));
    if (!opened) fail_load(opened.error().describe());
  }
  --working_;
}

Task<void> PostLoad::keep_alive() {
  for (;;) {
    co_await loop_.sleep_for(load::kPingEvery);
    for (const load::Person& person : people_) {
      if (person.socket) person.socket->send(R"({"type":"ping"})");
    }
    ++pinged_;
  }
}

Task<Result<void>> PostLoad::post_once(std::size_t number, Writer& writer) {
  const Channel& channel = channels_[random_.below(channels_.size())];
  const load::Person& author = people_[channel.members[random_.below(channel.members.size())]];
  ++writer.post;
  writer.missing = channel.members.size();
  const Timestamp began = loop_.steady_now();
  const Timestamp deadline = began + load::kPatience;
  std::string body = "{\"text\":\"" + std::string(kMark) + std::to_string(number) + " " + std::to_string(writer.post) + " zqx\"}";
  CO_TRY(co_await client_.send(author, "POST", "/channels/" + channel.id + "/posts", 201, std::move(body)));
  const Timestamp answered = loop_.steady_now();
  while (writer.missing > 0) {
    if (loop_.steady_now() >= deadline) co_return fail(ErrorKind::kDeadlineExceeded, "load.not-told", "A member was not told in time");
    co_await writer.told.wait_for(deadline - loop_.steady_now());
  }
  figures_.answered_ms.push_back(static_cast<double>((answered - began).microseconds) / 1000);
  figures_.took_ms.push_back(static_cast<double>((loop_.steady_now() - began).microseconds) / 1000);
  co_return Result<void>();
}

Task<void> PostLoad::write(std::size_t number) {
  while (loop_.steady_now() < end_ && figures_.failure.empty()) {
    auto posted = co_await post_once(number, *writers_[number]);
    if (!posted) fail_load(posted.error().describe());
  }
  --working_;
}

Task<void> PostLoad::run(std::int64_t writers, Duration length, std::int64_t rounds, std::promise<Figures>& out) {
  working_ = kOpenAtOnce;
  for (std::size_t i = 0; i < kOpenAtOnce; ++i) loop_.spawn("load.open", open_some());
  while (working_ > 0) co_await loop_.sleep_for(milliseconds(10));
  loop_.spawn("load.alive", keep_alive());
  while (pinged_ < rounds && figures_.failure.empty()) co_await loop_.sleep_for(milliseconds(100));
  const double used_before = load::processor_seconds_of(server_);
  end_ = loop_.steady_now() + length;
  working_ = static_cast<std::size_t>(writers);
  for (std::size_t i = 0; i < working_; ++i) writers_.push_back(std::make_unique<Writer>(loop_));
  for (std::size_t i = 0; i < static_cast<std::size_t>(writers); ++i) loop_.spawn("load.write", write(i));
  while (working_ > 0) co_await loop_.sleep_for(milliseconds(10));
  figures_.processor_seconds = load::processor_seconds_of(server_) - used_before;
  out.set_value(std::move(figures_));
}

int run_load(int argc, char** argv) {
  const load::Arguments arguments(argc, argv);
  const std::string url = arguments.text("--url");
  const std::int64_t server = arguments.number("--server", 0);
  const std::int64_t writers = arguments.number("--writers", 64);
  std::ifstream file(arguments.text("--people"));
  if (url.empty() || !file || server <= 0) {
    std::fputs("usage: posts_load --url URL --people FILE --server PID [--writers N] [--seconds N] [--rounds N]\n", stderr);
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  SystemRandom random;
  runtime::AsioScheduler loop("load");
  PostLoad load(loop, random, url, json::parse(text), server);
  std::promise<Figures> promise;
  auto done = promise.get_future();
  loop.spawn("load", load.run(writers, seconds(arguments.number("--seconds", 30)), arguments.number("--rounds", 0), promise));
  loop.start();
  const Figures figures = done.get();
  const json::object told{{"posts", figures.took_ms.size()},
                          {"p50Ms", load::quantile(figures.took_ms, 0.5)},
                          {"p99Ms", load::quantile(figures.took_ms, 0.99)},
                          {"answeredP50Ms", load::quantile(figures.answered_ms, 0.5)},
                          {"serverProcessorSeconds", figures.processor_seconds},
                          {"failure", figures.failure}};
  std::cout << json::serialize(told) << std::endl;
  std::string line;
  if (writers == 0) std::getline(std::cin, line);
  loop.stop();
  loop.join();
  return figures.failure.empty() ? 0 : 1;
}

}  // namespace
}  // namespace consilium

int main(int argc, char** argv) { return consilium::run_load(argc, argv); }

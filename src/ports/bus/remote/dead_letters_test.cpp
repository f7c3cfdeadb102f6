// One list of several processes, over the bytes that travel between them.
#include "ports/bus/remote/dead_letters.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "consilium/events/v1/dead_letters_local.h"
#include "consilium/events/v1/dead_letters_rpc.h"
#include "ports/bus/remote/in_memory_testing.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::bus {
namespace {

// A bus that holds what it was given, and pages it as the contract of the port says.
class HeldLetters final : public Bus {
 public:
  void add(Consumer) override {}
  Task<Result<DeadLetterPage>> dead_letters(runtime::Context&, DeadLetterQuery query) override {
    DeadLetterPage page;
    for (const DeadLetter& letter : letters) {
      if (!query.service.empty() && !letter.group.starts_with(query.service + ".")) continue;
      if (!query.group.empty() && letter.group != query.group) continue;
      ++page.total;
      if (!query.before || place_of(letter) < *query.before) page.items.push_back(letter);
    }
    std::ranges::sort(page.items, std::greater(), place_of);
    if (page.items.size() > static_cast<std::size_t>(query.limit)) page.items.resize(static_cast<std::size_t>(query.limit));
    co_return page;
  }
  Task<Result<void>> replay(runtime::Context&, std::string group, Uuid event_id) override {
    const auto is_it = [&](const DeadLetter& letter) { return letter.group == group && letter.event.id == event_id; };
    if (std::erase_if(letters, is_it) == 1) co_return Result<void>();
    co_return fail(ErrorKind::kNotFound, "bus.dead-letter-not-found");
  }

  std::vector<DeadLetter> letters;
};

struct Process {
  explicit Process(std::set<std::string, std::less<>> services) : server(bus, std::move(services)) {}

  HeldLetters bus;
  DeadLetterServer server;
  testing::NoObserver observer;
  events::v1::LocalDeadLetters local{server, observer};
  testing::InMemoryChannel channel{events::v1::rpc_methods(local)};
  events::v1::RemoteDeadLetters remote{channel};
};

class DividedDeadLettersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    context_.caller.kind = runtime::Caller::Kind::kUser;
    context_.caller.permissions = {"events.manage"};
    for (int i = 0; i < 9; ++i) {
      // Several of one time, and each third event given up by two groups.
      const Uuid event = i % 3 == 0 ? Uuid{{9, static_cast<std::uint8_t>(i)}} : context_.new_id();
      const Timestamp at{1'000'000 * (1 + i / 3)};
      chat_.bus.letters.push_back(letter("chat.on-user-deleted", event, at));
      rest_.bus.letters.push_back(letter(i % 2 == 0 ? "tasks.people" : "users.any", i % 3 == 0 ? event : context_.new_id(), at));
    }
  }
  static DeadLetter letter(std::string group, Uuid event_id, Timestamp at) {
    DeadLetter letter;
    letter.group = std::move(group);
    letter.event.id = event_id;
    letter.event.topic = "users.v1.locked";
    letter.event.key = "somebody";
    letter.event.payload = R"({"name": "Anna"})";
    letter.attempts = 10;
    letter.error_code = "tasks.broken";
    letter.parked_at = at;
    letter.waiting = 2;
    return letter;
  }

  template <class Reply>
  static Task<void> keep(Task<Result<Reply>> call, std::optional<Result<Reply>>& out) {
    out.emplace(co_await std::move(call));
  }
  template <class Reply>
  Result<Reply> run(Task<Result<Reply>> call) {
    std::optional<Result<Reply>> out;
    loop_.spawn("call", keep(std::move(call), out));
    world_.run_until([&] { return out.has_value(); }, minutes(1));
    return std::move(*out);
  }
  Result<events::v1::ListDeadLettersReply> list(events::v1::ListDeadLettersRequest request) {
    return run(divided_.list_dead_letters(context_, std::move(request)));
  }
  Result<events::v1::DeadLetterReplayed> replay(std::string id) {
    return run(divided_.replay_dead_letter(context_, events::v1::ReplayDeadLetterRequest{std::move(id)}));
  }

  runtime::SimulatedWorld world_{3};
  runtime::Scheduler& loop_ = world_.add_loop(world_.add_node("node"), "main");
  SeededRandom random_{3};
  runtime::Context context_{loop_, random_};
  Process chat_{{"chat"}};
  Process rest_{{"tasks", "users"}};
  DividedDeadLetters divided_{{{"chat", &chat_.remote}, {"tasks", &rest_.server}, {"users", &rest_.server}}};
};

TEST_F(DividedDeadLettersTest, IsOneListPageByPage) {
  std::vector<std::string> met;
  events::v1::ListDeadLettersRequest request;
  request.limit = 4;
  request.count = true;
  do {
    const auto page = list(request);
    ASSERT_TRUE(page) << page.error().describe();
    EXPECT_EQ(page->total, 18);
    EXPECT_LE(page->items.size(), 4U);
    EXPECT_TRUE(page->unreachable.empty());
    for (const auto& item : page->items) met.push_back(format_rfc3339(item.parked_at) + item.event_id.text() + item.id);
    request.cursor = page->next_cursor;
    ASSERT_LE(met.size(), 18U);
  } while (request.cursor);
  EXPECT_EQ(met.size(), 18U);
  EXPECT_TRUE(std::ranges::is_sorted(met, std::greater())) << "newest first";
  EXPECT_EQ(std::set<std::string>(met.begin(), met.end()).size(), 18U) << "each once";
}

TEST_F(DividedDeadLettersTest, TellsNothingOfWhatAnEventSays) {
  const auto page = list({});
  ASSERT_TRUE(page);
  const auto& first = page->items.front();
  EXPECT_EQ(first.id, first.group + ":" + first.event_id.text());
  EXPECT_EQ(first.service, first.group.substr(0, first.group.find('.')));
  EXPECT_EQ(first.topic, "users.v1.locked");
  EXPECT_EQ(first.key, "somebody");
  EXPECT_EQ(first.attempts, 10);
  EXPECT_EQ(first.error_code, "tasks.broken");
  EXPECT_EQ(first.waiting, 2);
  EXPECT_EQ(encode_json(*page).find("Anna"), std::string::npos);
}

TEST_F(DividedDeadLettersTest, IsFilteredByServiceAndGroup) {
  events::v1::ListDeadLettersRequest request;
  request.service = "chat";
  EXPECT_EQ(list(request)->items.size(), 9U);
  request.service.reset();
  request.group = "tasks.people";
  EXPECT_EQ(list(request)->items.size(), 5U);
  request.group = "mail.any";
  EXPECT_TRUE(list(request)->items.empty());
}

TEST_F(DividedDeadLettersTest, NamesWhoDoesNotAnswer) {
  chat_.channel.cut = true;
  const auto page = list({});
  ASSERT_TRUE(page) << page.error().describe();
  EXPECT_EQ(page->items.size(), 9U);
  EXPECT_EQ(page->unreachable, std::vector<std::string>{"chat"});
  const auto replayed = replay("chat.on-user-deleted:" + Uuid{{9}}.text());
  ASSERT_FALSE(replayed);
  EXPECT_EQ(replayed.error().kind, ErrorKind::kUnavailable);
}

TEST_F(DividedDeadLettersTest, ReplaysWhereTheGroupRuns) {
  const std::string id = chat_.bus.letters[1].group + ":" + chat_.bus.letters[1].event.id.text();
  EXPECT_TRUE(replay(id));
  EXPECT_EQ(chat_.bus.letters.size(), 8U);
  EXPECT_EQ(rest_.bus.letters.size(), 9U);
  for (const std::string& wrong : {id, std::string("chat.on-user-deleted"), "mail.any:" + Uuid{{9}}.text(), std::string(":"), id + "0"}) {
    const auto replayed = replay(wrong);
    ASSERT_FALSE(replayed) << wrong;
    EXPECT_EQ(replayed.error().code, "events.dead-letter-not-found") << wrong;
  }
}

TEST_F(DividedDeadLettersTest, RefusesForeignCursorsAndPeopleWithoutTheRight) {
  events::v1::ListDeadLettersRequest request;
  for (const char* cursor : {"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "????????????????????????????????chat"}) {
    request.cursor = cursor;
    const auto page = list(request);
    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().code, "events.bad-cursor");
  }
  context_.caller.permissions = {"processes.manage"};
  EXPECT_EQ(list({}).error().kind, ErrorKind::kForbidden);
  EXPECT_EQ(replay("chat.on-user-deleted:" + Uuid{{9}}.text()).error().kind, ErrorKind::kForbidden);
}

}  // namespace
}  // namespace consilium::bus

#include "gateway/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>

#include "consilium/sessions/v1/sessions_codec.h"
#include "consilium/sessions/v1/sessions_rpc.h"
#include "gateway/socket_session.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Frames = std::vector<std::string>;

// The part of chat that the hub uses: one log and one feed, and a memory of what was asked.
class FakeChat final : public chat::v1::Chat {
 public:
  template <class Request>
  struct Asked {
    Request request;
    runtime::Caller caller;
    runtime::ClientType client;
  };

  Task<Result<chat::v1::OpenSocketReply>> open_socket(runtime::Context& context, chat::v1::OpenSocketRequest request) override {
    opened.push_back({request, context.caller, context.client});
    if (open_takes > Duration{}) co_await context.scheduler().sleep_for(open_takes);
    if (error) co_return fail(*error);
    co_return chat::v1::OpenSocketReply{sequence};
  }
  Task<Result<chat::v1::Nothing>> renew_sockets(runtime::Context& context, chat::v1::RenewSocketsRequest request) override {
    renewed.push_back({request, context.caller, context.client});
    co_return chat::v1::Nothing{};
  }
  Task<Result<chat::v1::Nothing>> close_socket(runtime::Context& context, chat::v1::CloseSocketRequest request) override {
    closed.push_back({request, context.caller, context.client});
    co_return chat::v1::Nothing{};
  }
  Task<Result<chat::v1::Nothing>> typing(runtime::Context& context, chat::v1::TypingRequest request) override {
    typed.push_back({request, context.caller, context.client});
    if (person_calls_take > Duration{}) co_await context.scheduler().sleep_for(person_calls_take);
    if (error) co_return fail(*error);
    co_return chat::v1::Nothing{};
  }
  Task<Result<chat::v1::Nothing>> mark_read(runtime::Context& context, chat::v1::MarkReadRequest request) override {
    read.push_back({request, context.caller, context.client});
    if (person_calls_take > Duration{}) co_await context.scheduler().sleep_for(person_calls_take);
    if (error) co_return fail(*error);
    co_return chat::v1::Nothing{};
  }
  Task<Result<chat::v1::ReadFeedReply>> read_feed(runtime::Context& context, chat::v1::ReadFeedRequest request) override {
    feed_reads.push_back({request, context.caller, context.client});
    if (error) co_return fail(*error);
    const Timestamp end = context.scheduler().steady_now() + request.wait;
    while (request.after >= 0 && feed.empty() && !context.cancelled() && context.scheduler().steady_now() < end)
      co_await context.scheduler().sleep_for(milliseconds(1));
    chat::v1::ReadFeedReply reply;
    if (request.after >= 0) {
      reply.events.assign(feed.begin(), feed.end());
      feed.clear();
    }
    feed_position += static_cast<std::int64_t>(reply.events.size());
    reply.position = feed_position;
    reply.volatile_position = feed_position + 1000;
    co_return reply;
  }
  Task<Result<chat::v1::ReadEventsReply>> read_events(runtime::Context& context, chat::v1::ReadEventsRequest request) override {
    log_reads.push_back({request, context.caller, context.client});
    co_await context.scheduler().sleep_for(log_takes);
    if (log_error) co_return fail(*log_error);
    chat::v1::ReadEventsReply reply;
    reply.last_sequence = sequence;
    reply.resync = request.after + 1 < log_from;
    for (const chat::v1::PersonEvent& event : log) {
      const bool asked = event.user_id == request.user_id && event.sequence > request.after && !reply.resync;
      if (asked && reply.events.size() < static_cast<std::size_t>(request.limit)) reply.events.push_back(event);
    }
    co_return reply;
  }

  Task<Result<chat::v1::ListChannelsReply>> list_channels(runtime::Context&, chat::v1::ListChannelsRequest) override { co_return unused(); }
  Task<Result<chat::v1::Channel>> get_channel(runtime::Context&, chat::v1::GetChannelRequest) override { co_return unused(); }
  Task<Result<chat::v1::ListPostsReply>> list_posts(runtime::Context&, chat::v1::ListPostsRequest) override { co_return unused(); }
  Task<Result<chat::v1::Post>> create_post(runtime::Context&, chat::v1::CreatePostRequest) override { co_return unused(); }
  Task<Result<chat::v1::Post>> press_action(runtime::Context&, chat::v1::PressActionRequest) override { co_return unused(); }
  Task<Result<chat::v1::PresenceReply>> set_presence(runtime::Context&, chat::v1::SetPresenceRequest) override { co_return unused(); }
  Task<Result<chat::v1::PresenceReply>> get_presence(runtime::Context&, chat::v1::GetPresenceRequest) override { co_return unused(); }
  Task<Result<chat::v1::ChatUserReply>> create_chat_user(runtime::Context&, chat::v1::CreateChatUserRequest) override {
    co_return unused();
  }
  Task<Result<chat::v1::Nothing>> delete_chat_user(runtime::Context&, chat::v1::ChatUserRequest) override { co_return unused(); }
  Task<Result<chat::v1::ChannelReply>> create_channel(runtime::Context&, chat::v1::CreateChannelRequest) override { co_return unused(); }
  Task<Result<chat::v1::Nothing>> subscribe(runtime::Context&, chat::v1::SubscribeRequest) override { co_return unused(); }
  Task<Result<chat::v1::Nothing>> unsubscribe(runtime::Context&, chat::v1::UnsubscribeRequest) override { co_return unused(); }
  Task<Result<chat::v1::Post>> bot_post(runtime::Context&, chat::v1::BotPostRequest) override { co_return unused(); }
  Task<Result<chat::v1::AskBotReply>> ask_bot(runtime::Context&, chat::v1::AskBotRequest) override { co_return unused(); }
  Task<Result<chat::v1::Post>> get_post(runtime::Context&, chat::v1::GetPostRequest) override { co_return unused(); }
  Task<Result<chat::v1::GetPresencesReply>> get_presences(runtime::Context&, chat::v1::GetPresencesRequest) override { co_return unused(); }
  Task<Result<chat::v1::NotifyReply>> notify(runtime::Context&, chat::v1::NotifyRequest) override { co_return unused(); }

  std::int64_t sequence = 0;  // last number of every person's log
  std::int64_t log_from = 1;  // older ones are not kept
  std::int64_t feed_position = 100;
  Duration log_takes = milliseconds(1);
  Duration person_calls_take;
  Duration open_takes;
  std::optional<Error> error;
  std::optional<Error> log_error;
  std::vector<chat::v1::PersonEvent> log;
  std::deque<chat::v1::PersonEvent> feed;
  std::vector<Asked<chat::v1::OpenSocketRequest>> opened;
  std::vector<Asked<chat::v1::RenewSocketsRequest>> renewed;
  std::vector<Asked<chat::v1::CloseSocketRequest>> closed;
  std::vector<Asked<chat::v1::TypingRequest>> typed;
  std::vector<Asked<chat::v1::MarkReadRequest>> read;
  std::vector<Asked<chat::v1::ReadFeedRequest>> feed_reads;
  std::vector<Asked<chat::v1::ReadEventsRequest>> log_reads;

 private:
  static Failure unused() { return fail(internal_error("not for the hub")); }
};

// The issuer as far as the hub needs it.
class FakeIssuer final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string bytes) override {
    EXPECT_TRUE(method.ends_with("/CheckSessions")) << method;
    EXPECT_TRUE(context.caller.is_service());
    CO_ASSIGN_OR_RETURN(const auto request, decode_wire<sessions::v1::CheckSessionsRequest>(bytes));
    asked.push_back(request.session_ids);
    if (takes > Duration{}) co_await context.scheduler().sleep_for(takes);
    if (error) co_return fail(*error);
    sessions::v1::CheckSessionsReply reply;
    for (const Uuid& id : request.session_ids) {
      const auto known = states.find(id);
      sessions::v1::SessionState state;
      state.expires_at = context.now() + days(30);
      if (known != states.end()) state = known->second;
      state.session_id = id;
      reply.items.push_back(state);
    }
    co_return encode_wire(reply);
  }

  Duration takes;
  std::optional<Error> error;
  std::map<Uuid, sessions::v1::SessionState> states;  // others live for long
  std::vector<std::vector<Uuid>> asked;
};

class FakeSocket final : public net::WebSocket {
 public:
  explicit FakeSocket(runtime::Scheduler& loop) : loop_(loop) {}
  bool send(std::string text) override {
    if (sent.size() >= capacity) return false;
    sent.push_back(std::move(text));
    return true;
  }
  void close(std::uint16_t code, std::string_view why) override {
    if (closed_with) return;
    closed_with = code;
    reason = why;
    // A peer that answers nothing keeps the connection until the server's deadline.
    if (peer_answers) loop_.post([to = listener, code] { to->on_close(code); });
  }
  std::size_t queued() const override { return sent.size() - std::min(sent.size(), taken); }

  std::size_t capacity = 1000;
  std::size_t taken = SIZE_MAX;  // frames that the peer has read
  bool peer_answers = true;
  std::vector<std::string> sent;
  std::optional<std::uint16_t> closed_with;
  std::string reason;
  std::shared_ptr<net::WebSocketListener> listener;

 private:
  runtime::Scheduler& loop_;
};

struct Page {
  std::shared_ptr<FakeSocket> socket;
  std::shared_ptr<net::WebSocketListener> listener;
  const SocketSession& session() const { return static_cast<const SocketSession&>(*listener); }

  // Each frame as its type and what tells it apart.
  Frames frames() const {
    Frames all;
    for (const std::string& text : socket->sent) all.push_back(brief(boost::json::parse(text).as_object()));
    return all;
  }

 private:
  static std::string brief(const boost::json::object& frame) {
    std::string out(frame.at("type").as_string());
    const boost::json::object& data = frame.at("data").as_object();
    if (frame.contains("corrId")) out += " " + std::string(frame.at("corrId").as_string());
    if (frame.contains("seq")) out += " " + std::to_string(frame.at("seq").as_int64());
    if (data.contains("seq")) out += " " + std::to_string(data.at("seq").as_int64());
    if (data.contains("expiresAt")) out += " " + std::string(data.at("expiresAt").as_string());
    if (data.contains("code")) out += " " + std::string(data.at("code").as_string());
    return out;
  }
};

Task<void> flag_end(Task<void> task, bool* done) {
  co_await std::move(task);
  *done = true;
}

class HubTest : public ::testing::Test {
 protected:
  explicit HubTest(Settings given = {}) : anna(new_id()), boris(new_id()), settings(std::move(given)) {
    chat.sequence = 5;
    hub.start();
    pass();
  }
  ~HubTest() override {
    world.crash(node);
    for (const auto& socket : sockets) socket->listener.reset();
  }

  Uuid new_id() { return make_uuid_v7(world.true_now(), random); }
  void pass(Duration time = milliseconds(100)) { world.run_for(time); }
  // Starts to open a page; `pass` lets it get ready.
  Page begin(const Uuid& user, std::optional<std::int64_t> after = std::nullopt, std::optional<Uuid> session = std::nullopt) {
    runtime::Context context(connections, random);
    context.request_id = "upgrade";
    context.client = runtime::ClientType::kRest;
    context.language = "de";
    context.caller.kind = runtime::Caller::Kind::kUser;
    context.caller.user_id = user;
    context.caller.session_id = session.value_or(new_id());
    context.caller.permissions = {"chat.post"};
    Page page{std::make_shared<FakeSocket>(connections), hub.admit(context, after).value()};
    page.socket->listener = page.listener;
    sockets.push_back(page.socket);
    connections.post([page] { page.listener->on_open(page.socket); });
    return page;
  }
  Page open(const Uuid& user, std::optional<std::int64_t> after = std::nullopt, std::optional<Uuid> session = std::nullopt) {
    Page page = begin(user, after, session);
    pass();
    return page;
  }
  void say(const Page& page, std::string text) {
    connections.post([page, text = std::move(text)] { page.listener->on_text(text); });
    pass();
  }
  chat::v1::PersonEvent event(const Uuid& user, std::int64_t sequence, std::string type = "post") {
    return {user, sequence, std::move(type), world.true_now(), JsonText{"{}"}};
  }
  void write(const Uuid& user, std::int64_t sequence) {
    chat.log.push_back(event(user, sequence));
    chat.sequence = std::max(chat.sequence, sequence);
  }
  void tell(const Uuid& user, std::int64_t sequence) { chat.feed.push_back(event(user, sequence)); }
  void session_ended(const Uuid& user, const Uuid& session, const std::string& reason) {
    chat::v1::PersonEvent ended = event(user, 0, "session.closed");
    ended.data.text = R"({"sessionId":")" + session.text() + R"(","reason":")" + reason + "\"}";
    chat.feed.push_back(ended);
    pass();
  }

  SeededRandom random{7};
  runtime::SimulatedWorld world{7};
  runtime::NodeId node = world.add_node("gateway");
  runtime::SimulatedScheduler& hub_loop = world.add_loop(node, "hub");
  runtime::SimulatedScheduler& connections = world.add_loop(node, "connections");
  Uuid anna;
  Uuid boris;
  FakeChat chat;
  FakeIssuer issuer;
  sessions::v1::RemoteSessions sessions{issuer};
  Settings settings;  // before the hub, which takes a copy
  Hub hub{hub_loop, random, chat, sessions, settings, runtime::Logger()};
  std::vector<std::shared_ptr<FakeSocket>> sockets;
};

TEST(HubQuery, ReadsTheNumberOfTheLastEvent) {
  EXPECT_EQ(parse_after("").value(), std::nullopt);
  EXPECT_EQ(parse_after("after=0").value(), 0);
  EXPECT_EQ(parse_after("after=9223372036854775807").value(), INT64_MAX);
  for (const std::string_view query :
       {"after", "after=", "after=-1", "after=x", "after=1x", "after=1&after=2", "other=1", "after=9223372036854775808"}) {
    const auto after = parse_after(query);
    ASSERT_FALSE(after) << query;
    EXPECT_EQ(after.error().code, "request.malformed");
  }
}

TEST_F(HubTest, WelcomesAPageAndTellsChat) {
  const Page page = open(anna);
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5"));
  ASSERT_EQ(chat.opened.size(), 1u);
  EXPECT_EQ(chat.opened[0].request, (chat::v1::OpenSocketRequest{page.session().id(), anna, page.session().session_id()}));
  EXPECT_TRUE(chat.opened[0].caller.is_service());
  EXPECT_EQ(chat.opened[0].caller.service, "gateway");
  EXPECT_EQ(hub.open_sockets(), 1);
}

TEST_F(HubTest, APageThatChatDoesNotTakeIsClosed) {
  chat.error = make_error(ErrorKind::kUnavailable, "database.unavailable");
  const Page page = open(anna);
  EXPECT_THAT(page.frames(), IsEmpty());
  EXPECT_EQ(page.socket->closed_with, close_code::kShutdown);
  EXPECT_EQ(hub.open_sockets(), 0);
}

TEST_F(HubTest, H_1_BringsEventsToAllPagesOfThePersonInOrder) {
  const Page first = open(anna);
  const Page second = open(anna);
  const Page other = open(boris);
  const std::size_t reads = chat.log_reads.size();
  tell(anna, 6);
  tell(anna, 7);
  chat.feed.push_back(event(anna, 0, "typing"));
  pass();
  EXPECT_THAT(first.frames(), ElementsAre("welcome 5", "post 6", "post 7", "typing"));
  EXPECT_EQ(second.frames(), first.frames());
  EXPECT_THAT(other.frames(), ElementsAre("welcome 5"));
  EXPECT_EQ(chat.log_reads.size(), reads) << "without looking into the log";
}

TEST_F(HubTest, H_1_BringsWhatIsForASessionToItsSocketsAlone) {
  const Page meant = open(anna);
  const Page other = open(anna);
  chat::v1::PersonEvent one = event(anna, 0, "typing");
  one.session_id = meant.session().session_id();
  ASSERT_NE(meant.session().session_id(), other.session().session_id());
  chat.feed.push_back(one);
  pass();
  EXPECT_THAT(meant.frames(), ElementsAre("welcome 5", "typing"));
  EXPECT_THAT(other.frames(), ElementsAre("welcome 5"));
}

TEST_F(HubTest, ReadsOnFromWhereTheFeedAnswered) {
  tell(anna, 6);
  pass();
  ASSERT_GE(chat.feed_reads.size(), 3u);
  EXPECT_EQ(chat.feed_reads[0].request.after, -1);
  EXPECT_EQ(chat.feed_reads[0].request.volatile_after, -1);
  EXPECT_EQ(chat.feed_reads[1].request.after, 100);
  EXPECT_EQ(chat.feed_reads[1].request.volatile_after, 1100);
  EXPECT_EQ(chat.feed_reads[2].request.after, 101);
  EXPECT_TRUE(chat.feed_reads[0].caller.is_service());
}

TEST_F(HubTest, AFeedThatFailsIsReadAgainFromTheSamePlace) {
  const Page page = open(anna);
  chat.error = make_error(ErrorKind::kUnavailable, "database.unavailable");
  tell(boris, 1);
  pass();
  const std::size_t reads = chat.feed_reads.size();
  const std::int64_t position = chat.feed_reads.back().request.after;
  pass(milliseconds(800));
  EXPECT_EQ(chat.feed_reads.size(), reads) << "too soon";
  chat.error.reset();
  tell(anna, 6);
  pass(seconds(1));
  EXPECT_GT(chat.feed_reads.size(), reads);
  EXPECT_EQ(chat.feed_reads[reads].request.after, position);
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "post 6"));
}

TEST_F(HubTest, AGapIsFilledFromTheLog) {
  const Page page = open(anna);
  const std::uint64_t before = hub.figures().catch_ups;  // by the opening itself
  for (const std::int64_t number : {6, 7, 8}) write(anna, number);
  tell(anna, 8);
  pass();
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "post 6", "post 7", "post 8"));
  EXPECT_EQ(chat.log_reads.back().request.user_id, anna);
  EXPECT_EQ(hub.figures().catch_ups, before + 1);
  tell(anna, 9);
  pass();
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "post 6", "post 7", "post 8", "post 9"));
}

TEST_F(HubTest, B_25_WhatComesWhileTheLogIsReadIsNeitherLostNorDoubled) {
  chat.log_takes = milliseconds(50);
  const Page page = open(anna, 3);
  for (const std::int64_t number : {4, 5, 6, 7}) write(anna, number);
  tell(anna, 6);
  pass(milliseconds(20));
  tell(anna, 7);
  pass(seconds(1));
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "post 4", "post 5", "post 6", "post 7"));
}

TEST_F(HubTest, AnEventThatTheLogShowsLateIsWaitedFor) {
  const Page page = open(anna, 5);
  // Heard of, but what the log answers is older for a while.
  tell(anna, 7);
  pass(milliseconds(200));
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5"));
  for (const std::int64_t number : {6, 7}) write(anna, number);
  pass(milliseconds(200));
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "post 6", "post 7"));
}

TEST_F(HubTest, AnEventThatTheLogNeverShowsClosesThePage) {
  const Page page = open(anna, 5);
  tell(anna, 7);
  pass(seconds(9));
  EXPECT_FALSE(page.socket->closed_with);
  pass(seconds(2));
  EXPECT_EQ(page.socket->closed_with, close_code::kShutdown);
  EXPECT_EQ(hub.open_sockets(), 0);
}

TEST_F(HubTest, ALongLogDoesNotFloodAPeerThatReadsSlowly) {
  for (std::int64_t number = 1; number <= 400; ++number) write(anna, number);
  const Page page = begin(anna, 0);
  page.socket->capacity = 1000;
  page.socket->taken = 0;
  pass();
  EXPECT_EQ(page.frames().size(), 100u) << "well below the 256 at which a socket is closed";
  while (page.socket->taken < 401) {
    page.socket->taken += 50;
    pass();
    EXPECT_LE(page.socket->queued(), 100u);
  }
  EXPECT_EQ(page.frames().size(), 401u);
  EXPECT_EQ(page.frames().back(), "post 400");
  EXPECT_FALSE(page.socket->closed_with);
}

TEST_F(HubTest, APeerThatReadsNothingOfALongLogIsClosed) {
  for (std::int64_t number = 1; number <= 400; ++number) write(anna, number);
  const Page page = begin(anna, 0);
  page.socket->taken = 0;
  pass(seconds(31));
  EXPECT_EQ(page.socket->closed_with, close_code::kSlow);
  EXPECT_EQ(hub.figures().slow, 1u) << "counted once";
  EXPECT_EQ(hub.open_sockets(), 0);
}

TEST_F(HubTest, DuplicatesAreIgnored) {
  const Page page = open(anna);
  for (const std::int64_t number : {6, 6, 5, 7, 6, 7}) tell(anna, number);
  pass();
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "post 6", "post 7"));
}

TEST_F(HubTest, B_25_APageThatComesBackGetsWhatItMissed) {
  for (const std::int64_t number : {1, 2, 3, 4, 5}) write(anna, number);
  EXPECT_THAT(open(anna, 3).frames(), ElementsAre("welcome 5", "post 4", "post 5"));
  EXPECT_THAT(open(anna, 5).frames(), ElementsAre("welcome 5"));
}

TEST_F(HubTest, ALongLogIsReadInPages) {
  for (std::int64_t number = 1; number <= 1001; ++number) write(anna, number);
  const Page page = begin(anna, 0);
  page.socket->capacity = 2000;
  pass();
  EXPECT_EQ(page.frames().size(), 1002u);
  EXPECT_EQ(page.frames().back(), "post 1001");
  EXPECT_EQ(chat.log_reads.front().request.limit, 200);
}

TEST_F(HubTest, APageThatWasAwayTooLongMustReload) {
  chat.sequence = 50;
  chat.log_from = 40;
  const Page page = open(anna, 38);
  EXPECT_THAT(page.frames(), ElementsAre("welcome 50", "resync 50"));
  tell(anna, 51);
  pass();
  EXPECT_EQ(page.frames().back(), "post 51");
}

TEST_F(HubTest, ANumberFromTheFutureMeansReload) {
  const Page page = open(anna, 6);
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "resync 5"));
  tell(anna, 6);
  pass();
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "resync 5", "post 6"));
}

TEST_F(HubTest, ALogThatCannotBeReadClosesThePage) {
  chat.log_error = make_error(ErrorKind::kUnavailable, "database.unavailable");
  const Page page = open(anna, 3);
  EXPECT_EQ(page.socket->closed_with, close_code::kShutdown);
}

TEST_F(HubTest, H_3_ASlowConsumerIsClosed) {
  const Page page = open(anna);
  page.socket->capacity = 2;
  tell(anna, 6);
  pass();
  EXPECT_FALSE(page.socket->closed_with) << "it is full, but has all";
  tell(anna, 7);
  pass();
  EXPECT_EQ(page.socket->closed_with, close_code::kSlow);
  EXPECT_EQ(hub.figures().slow, 1u) << "counted once";
  EXPECT_EQ(hub.open_sockets(), 0);
}

TEST_F(HubTest, H_3_H_4_APageWithoutPingIsClosed) {
  const Page silent = open(anna);
  const Page alive = open(boris);
  for (int i = 0; i < 6; ++i) {
    pass(seconds(9));
    say(alive, R"({"type":"ping"})");
  }
  EXPECT_FALSE(silent.socket->closed_with) << "the limit is a minute";
  pass(seconds(9));
  EXPECT_EQ(silent.socket->closed_with, close_code::kNoPing);
  EXPECT_FALSE(alive.socket->closed_with);
  ASSERT_EQ(chat.closed.size(), 1u);
  EXPECT_EQ(chat.closed[0].request.socket_id, silent.session().id());
  EXPECT_TRUE(chat.closed[0].caller.is_service());
  EXPECT_EQ(hub.open_sockets(), 1);
}

// Whatever the limit of the settings is, silence ends a page at that time, a tenth more or less.
class KeepAlive : public HubTest, public ::testing::WithParamInterface<int> {
 protected:
  KeepAlive() : HubTest(limited()) {}
  static Settings limited() {
    Settings chosen;
    chosen.ping_limit = seconds(GetParam());
    return chosen;
  }
};

INSTANTIATE_TEST_SUITE_P(Limits, KeepAlive, ::testing::Values(3, 25, 60, 600));

TEST_P(KeepAlive, H_4_SilenceEndsAPageAtItsTimeGiveOrTakeATenth) {
  const Duration limit = settings.ping_limit;
  // Not in step with the hub's own looks.
  for (int i = 0; i < 7; ++i) {
    pass(limit / 31);
    const Page page = open(anna);
    pass(limit / 3);
    say(page, R"({"type":"ping"})");
    pass(limit * 9 / 10 - milliseconds(100));
    EXPECT_FALSE(page.socket->closed_with) << i;
    pass(limit * 2 / 10);
    EXPECT_EQ(page.socket->closed_with, close_code::kNoPing) << i;
  }
}

TEST_P(KeepAlive, H_4_PingsKeepAPageOpenForHours) {
  const Page page = open(anna);
  page.socket->capacity = 10'000;
  const Timestamp end = world.true_now() + hours(3);
  while (world.true_now() < end) {
    pass(std::max(settings.ping_limit * 8 / 10, seconds(2)));
    say(page, R"({"type":"ping"})");
  }
  EXPECT_FALSE(page.socket->closed_with);
}

TEST_F(HubTest, H_3_TheEleventhPageReplacesTheOldest) {
  std::vector<Page> pages;
  for (int i = 0; i < settings.sockets_per_person; ++i) pages.push_back(open(anna));
  const Page other = open(boris);
  for (const Page& page : pages) EXPECT_FALSE(page.socket->closed_with);
  pages.push_back(open(anna));
  EXPECT_EQ(pages[0].socket->closed_with, close_code::kReplaced);
  for (std::size_t i = 1; i < pages.size(); ++i) EXPECT_FALSE(pages[i].socket->closed_with) << i;
  EXPECT_FALSE(other.socket->closed_with);
  EXPECT_EQ(hub.open_sockets(), settings.sockets_per_person + 1) << "ten of one, one of the other";
}

TEST_F(HubTest, AReplacedPageThatDoesNotAnswerMakesRoomToo) {
  std::vector<Page> pages;
  for (int i = 0; i < settings.sockets_per_person; ++i) {
    pages.push_back(open(anna));
    pages.back().socket->peer_answers = false;
  }
  for (int i = 0; i < 3; ++i) pages.push_back(open(anna));
  for (std::size_t i = 0; i < pages.size(); ++i)
    EXPECT_EQ(pages[i].socket->closed_with.value_or(0), i < 3 ? close_code::kReplaced : 0) << i;
  EXPECT_EQ(hub.open_sockets(), settings.sockets_per_person);
  for (const Page& page : pages) connections.post([page] { page.listener->on_close(1006); });
  pass();
  EXPECT_EQ(hub.open_sockets(), 0) << "each is counted once";
}

TEST_F(HubTest, B_24_H_3_U_3_TheEndOfASessionClosesItsPages) {
  const Uuid ended = new_id();
  const Page first = open(anna, std::nullopt, ended);
  const Page second = open(anna, std::nullopt, ended);
  const Page elsewhere = open(anna);
  session_ended(boris, ended, "logout");
  EXPECT_FALSE(first.socket->closed_with) << "of another person";
  session_ended(anna, ended, "logout");
  EXPECT_EQ(first.socket->closed_with, close_code::kNormal);
  EXPECT_EQ(first.socket->reason, "logout");
  EXPECT_EQ(second.socket->closed_with, close_code::kNormal);
  EXPECT_FALSE(elsewhere.socket->closed_with);
  session_ended(anna, elsewhere.session().session_id(), "expired");
  EXPECT_EQ(elsewhere.socket->closed_with, close_code::kExpired);
  EXPECT_THAT(elsewhere.frames(), ElementsAre("welcome 5")) << "the signal is not for pages";
}

TEST_F(HubTest, ASessionThatEndsWhileAPageOpensClosesIt) {
  const Uuid ended = new_id();
  chat.open_takes = milliseconds(50);
  const Page page = begin(anna, std::nullopt, ended);
  pass(milliseconds(20));
  // The signal comes while the hub does not know the page yet.
  issuer.states[ended].end_reason = "logout";
  session_ended(anna, ended, "logout");
  pass();
  EXPECT_EQ(page.socket->closed_with, close_code::kNormal);
  EXPECT_EQ(page.socket->reason, "logout");
  EXPECT_EQ(hub.open_sockets(), 0);
}

TEST_F(HubTest, U_3_AnEndWhoseSignalWasLostClosesThePageInTheNextRound) {
  const Page gone = open(anna);
  const Page expired = open(anna);
  const Page alive = open(boris);
  issuer.states[gone.session().session_id()].end_reason = "locked";
  issuer.states[expired.session().session_id()].end_reason = "expired";
  pass(seconds(28));
  EXPECT_FALSE(gone.socket->closed_with);
  pass(seconds(3));
  EXPECT_EQ(gone.socket->closed_with, close_code::kNormal);
  EXPECT_EQ(gone.socket->reason, "locked");
  EXPECT_EQ(expired.socket->closed_with, close_code::kExpired);
  EXPECT_FALSE(alive.socket->closed_with);
}

TEST_F(HubTest, AnIssuerThatIsAwayClosesNothingAndIsAskedAgain) {
  issuer.error = make_error(ErrorKind::kUnavailable, "database.unavailable");
  const Page page = open(anna);
  EXPECT_FALSE(page.socket->closed_with);
  issuer.error.reset();
  issuer.states[page.session().session_id()].end_reason = "logout";
  pass(seconds(31));
  EXPECT_EQ(page.socket->closed_with, close_code::kNormal);
}

TEST_F(HubTest, APageIsToldOnceThatItsSessionEndsSoon) {
  const Page page = open(anna);
  const Page other = open(anna);
  sessions::v1::SessionState& state = issuer.states[page.session().session_id()];
  state.expires_at = world.true_now() + minutes(6);
  pass(seconds(31));
  say(page, R"({"type":"ping"})");
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "ack")) << "there is time";
  pass(seconds(59));
  const std::string told = "session.expiring " + format_rfc3339(state.expires_at);
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "ack", told));
  say(page, R"({"type":"ping"})");
  pass(seconds(31));
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "ack", told, "ack")) << "once";
  EXPECT_NE(page.socket->sent[2].find(page.session().session_id().text()), std::string::npos);
  EXPECT_THAT(other.frames(), ElementsAre("welcome 5")) << "another session";
}

TEST_F(HubTest, APageOfASessionThatEndsSoonIsToldAtOnce) {
  const Uuid session = new_id();
  issuer.states[session].expires_at = world.true_now() + minutes(1);
  const Page page = open(anna, std::nullopt, session);
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "session.expiring " + format_rfc3339(issuer.states[session].expires_at)));
}

TEST_F(HubTest, SessionsAreAskedForInBatches) {
  settings.sockets_per_person = 10;
  std::vector<Page> pages;
  for (int person = 0; person < 251; ++person) {
    const Uuid user = new_id();
    for (int i = 0; i < 10; ++i) pages.push_back(begin(user));
  }
  pass();
  issuer.asked.clear();
  pass(seconds(31));
  std::size_t asked = 0;
  for (const auto& batch : issuer.asked) {
    EXPECT_LE(batch.size(), 1000u);
    asked += batch.size();
  }
  EXPECT_EQ(asked, 2510u);
}

TEST_F(HubTest, ASignalThatCannotBeReadClosesNothing) {
  const Page page = open(anna);
  for (const std::string& text : {std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"sessionId":1,"reason":2})"),
                                  R"({"sessionId":")" + page.session().session_id().text() + "\"}"}) {
    chat::v1::PersonEvent signal = event(anna, 0, "session.closed");
    signal.data.text = text;
    chat.feed.push_back(signal);
  }
  pass();
  EXPECT_FALSE(page.socket->closed_with);
}

TEST_F(HubTest, B_17_H_3_WhatIsNotOfTheProtocolClosesThePage) {
  for (const char* text : {"hello", R"({"type":"dance"})", R"({"type":"ping","more":1})"}) {
    const Page page = open(anna);
    say(page, text);
    EXPECT_EQ(page.socket->closed_with, close_code::kProtocol) << text;
  }
}

TEST_F(HubTest, B_17_PingIsAcknowledged) {
  const Page page = open(anna);
  say(page, R"({"type":"ping","id":"p1"})");
  say(page, R"({"type":"ping"})");
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "ack p1", "ack"));
}

TEST_F(HubTest, B_17_TypingAndReadAreCallsOfThePerson) {
  const Page page = open(anna);
  const Uuid channel = new_id();
  const Uuid post = new_id();
  say(page, R"({"type":"typing","id":"t1","data":{"channelId":")" + channel.text() + "\"}}");
  say(page, R"({"type":"read","id":"r1","data":{"channelId":")" + channel.text() + R"(","postId":")" + post.text() + "\"}}");
  ASSERT_EQ(chat.typed.size(), 1u);
  ASSERT_EQ(chat.read.size(), 1u);
  EXPECT_EQ(chat.typed[0].request, (chat::v1::TypingRequest{channel, std::nullopt}));
  EXPECT_EQ(chat.read[0].request, (chat::v1::MarkReadRequest{channel, post}));
  for (const runtime::Caller& caller : {chat.typed[0].caller, chat.read[0].caller}) {
    EXPECT_TRUE(caller.is_user());
    EXPECT_EQ(caller.user_id, anna);
    EXPECT_EQ(caller.session_id, page.session().session_id());
    EXPECT_THAT(caller.permissions, ElementsAre("chat.post"));
  }
  EXPECT_EQ(chat.read[0].client, runtime::ClientType::kWebSocket);
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "ack r1")) << "typing has no answer";
}

TEST_F(HubTest, B_17_ARefusedCallIsAnErrorOfItsMessage) {
  const Page page = open(anna);
  chat.error = make_error(ErrorKind::kNotFound, "chat.channel-not-found");
  const std::string data = R"("data":{"channelId":")" + new_id().text() + R"(","postId":")" + new_id().text() + "\"}}";
  say(page, R"({"type":"read","id":"r1",)" + data);
  say(page, R"({"type":"typing","id":"t1","data":{"channelId":")" + new_id().text() + "\"}}");
  say(page, R"({"type":"read","id":"r2","data":{"channelId":"x"}})");
  say(page, R"({"type":"typing","id":"t2"})");
  EXPECT_THAT(page.frames(),
              ElementsAre("welcome 5", "error r1 chat.channel-not-found", "error r2 request.malformed", "error t2 request.invalid"));
  EXPECT_FALSE(page.socket->closed_with);
}

TEST_F(HubTest, OnlyEightCallsOfAPageRunAtATime) {
  const Page page = open(anna);
  chat.person_calls_take = seconds(5);
  const std::string data = R"("data":{"channelId":")" + new_id().text() + R"(","postId":")" + new_id().text() + "\"}}";
  for (int i = 1; i <= 4; ++i) {
    say(page, R"({"type":"read","id":"r","data":{"channelId":")" + new_id().text() + R"(","postId":")" + new_id().text() + "\"}}");
    say(page, R"({"type":"typing","data":{"channelId":")" + new_id().text() + "\"}}");
  }
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5"));
  say(page, R"({"type":"read","id":"r9",)" + data);
  say(page, R"({"type":"ping","id":"p"})");
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5", "error r9 request.too-many", "ack p"));
  EXPECT_EQ(chat.read.size() + chat.typed.size(), 8u);
  pass(seconds(6));
  chat.person_calls_take = {};
  say(page, R"({"type":"read","id":"r10",)" + data);
  EXPECT_EQ(page.frames().back(), "ack r10");
}

TEST_F(HubTest, LeasesAreRenewedForPagesThatPing) {
  const Page alive = open(anna);
  const Page frozen = open(boris);
  std::size_t of_frozen = 0;
  std::size_t of_alive = 0;
  for (int i = 0; i < 5; ++i) {
    pass(seconds(10));
    say(alive, R"({"type":"ping"})");
  }
  for (const auto& call : chat.renewed) {
    EXPECT_TRUE(call.caller.is_service());
    EXPECT_GE(call.request.silent_for, seconds(9)) << "the lease of a silent page counts from its last ping";
    for (const Uuid& id : call.request.socket_ids) {
      of_alive += id == alive.session().id() ? 1u : 0u;
      of_frozen += id == frozen.session().id() ? 1u : 0u;
    }
  }
  EXPECT_EQ(of_alive, 5u);
  EXPECT_LE(of_frozen, 2u) << "two intervals of patience";
  EXPECT_GE(of_frozen, 1u);
}

TEST_F(HubTest, AFrozenPageThatComesBackIsTakenUpAnew) {
  const Page page = open(anna);
  pass(seconds(19));
  say(page, R"({"type":"ping"})");
  EXPECT_EQ(chat.opened.size(), 1u) << "its lease lives";
  pass(seconds(21));
  say(page, R"({"type":"ping","id":"p"})");
  ASSERT_EQ(chat.opened.size(), 2u);
  EXPECT_EQ(chat.opened[1].request, chat.opened[0].request);
  EXPECT_TRUE(chat.opened[1].caller.is_service());
  EXPECT_EQ(page.frames().back(), "ack p");
}

TEST_F(HubTest, AClosedPageIsForgotten) {
  const Page page = open(anna);
  connections.post([page] { page.listener->on_close(1001); });
  pass();
  ASSERT_EQ(chat.closed.size(), 1u);
  EXPECT_EQ(chat.closed[0].request.socket_id, page.session().id());
  EXPECT_EQ(hub.open_sockets(), 0);
  tell(anna, 6);
  pass();
  EXPECT_THAT(page.frames(), ElementsAre("welcome 5"));
}

TEST_F(HubTest, B_18_APageThatClosesWhileItOpensIsNotKept) {
  const Page page = begin(anna);
  connections.post([page] { page.listener->on_close(1006); });
  pass();
  EXPECT_EQ(hub.open_sockets(), 0);
  EXPECT_EQ(chat.closed.size(), 1u);
}

TEST_F(HubTest, StopsItsReaders) {
  bool stopped = false;
  hub_loop.spawn("test", flag_end(hub.stop(), &stopped));
  EXPECT_TRUE(world.run_until([&] { return stopped; }, milliseconds(10))) << "waits for nothing";
  const std::size_t reads = chat.feed_reads.size();
  pass(minutes(1));
  EXPECT_EQ(chat.feed_reads.size(), reads);
  EXPECT_THAT(chat.renewed, IsEmpty());
}

}  // namespace
}  // namespace consilium::gateway

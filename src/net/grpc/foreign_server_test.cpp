#include "net/grpc/foreign_server.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>

#include "net/grpc/foreign_session.h"
#include "net/grpc/grpc_values.h"
#include "net/loopback_testing.h"
#include "runtime/asio_scheduler.h"
#include "runtime/context.h"
#include "runtime/event.h"
#include "runtime/panic_testing.h"

namespace consilium::net {
namespace {

using testing::RawPeer;
using testing::TestCertificate;

constexpr std::size_t kPiece = 64 * 1024;
constexpr int kPieces = 500;
constexpr std::size_t kPolls = 2000;

// What the handlers did; of any loop.
struct Seen {
  std::atomic<int> written{0};
  std::atomic<int> unwritten{0};
  std::atomic<int> waiting{0};
  std::atomic<int> cancelled{0};
  std::atomic<bool> released{false};
};

Task<RpcStatus> echo(runtime::Context& context, std::string request, RpcStream& out) {
  if (!context.scheduler().is_current()) co_return RpcStatus{13, "on another loop"};
  co_await out.write(std::move(request));
  co_return RpcStatus();
}

Task<RpcStatus> refuse(runtime::Context&, std::string request, RpcStream&) {
  RpcStatus status{9, std::move(request)};
  co_return status;
}

Task<RpcStatus> break_down(runtime::Context&, std::string, RpcStream&) {
  runtime::testing::throw_from_deep_inside("the handler's secret");
  co_return RpcStatus();
}

Task<RpcStatus> stream_pieces(std::shared_ptr<Seen> seen, RpcStream& out) {
  for (int i = 0; i < kPieces; ++i) {
    std::string piece(kPiece, static_cast<char>('a' + i % 26));
    const bool written = co_await out.write(std::move(piece));
    ++(written ? seen->written : seen->unwritten);
    if (!written) break;
  }
  co_return RpcStatus();
}

// A long poll: answers when it is released.
Task<RpcStatus> poll(runtime::Context& context, std::shared_ptr<Seen> seen, RpcStream& out) {
  ++seen->waiting;
  while (!seen->released && !context.cancelled()) co_await context.scheduler().sleep_for(milliseconds(20));
  --seen->waiting;
  if (context.cancelled()) {
    ++seen->cancelled;
    co_return RpcStatus{1, "cancelled"};
  }
  co_await out.write("done");
  co_return RpcStatus();
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return condition();
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * 4096;
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Door {
 public:
  explicit Door(ForeignServerSettings settings = {}) : seen(std::make_shared<Seen>()), loops_("door", 2) {
    std::vector<ForeignMethod> methods{{"/t.T/Echo", echo}, {"/t.T/Refuse", refuse}, {"/t.T/Break", break_down}};
    methods.push_back(
        {"/t.T/Pieces", [noted = seen](runtime::Context&, std::string, RpcStream& out) { return stream_pieces(noted, out); }});
    methods.push_back(
        {"/t.T/Poll", [noted = seen](runtime::Context& context, std::string, RpcStream& out) { return poll(context, noted, out); }});
    loops_.start();
    auto started = ForeignServer::start(std::move(settings), std::move(methods), {&loops_.at(0), &loops_.at(1)}, random_);
    if (!started) throw std::runtime_error(started.error().describe());
    server = std::move(*started);
  }
  ~Door() {
    seen->released = true;
    server->stop(Duration{});
    loops_.stop();
    loops_.join();
  }

  Endpoint endpoint() const { return {"127.0.0.1", static_cast<std::uint16_t>(server->port()), {}}; }

  std::shared_ptr<Seen> seen;

 private:
  SystemRandom random_;
  runtime::LoopGroup loops_;

 public:
  std::unique_ptr<ForeignServer> server;
};

// gRPC's own client, a connection of its own each.
class Caller {
 public:
  explicit Caller(int port, std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials())
      : channel_((keep_callback_threads(), grpc::ChannelArguments()), port, std::move(credentials)), stub_(channel_.get()) {}

  struct Answer {
    grpc::Status status;
    std::string bytes;
  };

  Answer call(const std::string& method, const std::string& request, const std::function<void(grpc::ClientContext&)>& with = {}) {
    return begin(method, request, with)->wait();
  }

  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    Answer wait() {
      auto future = done.get_future();
      if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
        context.TryCancel();
        future.wait();
        return {grpc::Status(grpc::StatusCode::UNKNOWN, "no answer came"), {}};
      }
      return {future.get(), bytes_of(response)};
    }
  };
  std::unique_ptr<Call> begin(const std::string& method, const std::string& request,
                              const std::function<void(grpc::ClientContext&)>& with = {}) {
    auto call = std::make_unique<Call>();
    if (with) with(call->context);
    call->request = buffer_of(request);
    Call* kept = call.get();
    stub_.stub.UnaryCall(&call->context, "/t.T/" + method, {}, &call->request, &call->response,
                         [kept](grpc::Status status) { kept->done.set_value(std::move(status)); });
    return call;
  }

  // A stream of answers, read one at a time.
  class Stream {
   public:
    Stream(grpc::GenericStub& stub, const std::string& method) : call_(stub.PrepareCall(&context, "/t.T/" + method, &queue_)) {
      call_->StartCall(this);
      step();
      call_->WriteLast(buffer_of("x"), {}, this);
      step();
    }
    ~Stream() {
      context.TryCancel();
      queue_.Shutdown();
      void* tag = nullptr;
      bool ok = false;
      while (queue_.Next(&tag, &ok)) {
      }
    }
    // Absent at the end.
    std::optional<std::string> read() {
      grpc::ByteBuffer message;
      call_->Read(&message, this);
      if (!step()) return std::nullopt;
      return bytes_of(message);
    }
    grpc::Status finish() {
      grpc::Status status;
      call_->Finish(&status, this);
      step();
      return status;
    }
    grpc::ClientContext context;

   private:
    bool step() {
      void* tag = nullptr;
      bool ok = false;
      return queue_.Next(&tag, &ok) && ok;
    }
    grpc::CompletionQueue queue_;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  };
  std::unique_ptr<Stream> stream(const std::string& method) { return std::make_unique<Stream>(stub_.stub, method); }

 private:
  struct Channel {
    Channel(grpc::ChannelArguments arguments, int port, std::shared_ptr<grpc::ChannelCredentials> credentials) {
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      channel = grpc::CreateCustomChannel("localhost:" + std::to_string(port), std::move(credentials), arguments);
    }
    std::shared_ptr<grpc::Channel> get() const { return channel; }
    std::shared_ptr<grpc::Channel> channel;
  };
  struct Stub {
    explicit Stub(std::shared_ptr<grpc::Channel> channel) : stub(std::move(channel)) {}
    grpc::GenericStub stub;
  };
  Channel channel_;
  Stub stub_;
};

// gRPC's own client is not built for TSan, which sees races where that hands work to its threads.
class ForeignServerTest : public ::testing::Test {
#ifdef __SANITIZE_THREAD__
  void SetUp() override { GTEST_SKIP() << "gRPC is not built for TSan"; }
#endif
};

TEST_F(ForeignServerTest, AnswersCallsOfGrpcsOwnClient) {
  const Door door;
  Caller caller(door.server->port());
  const std::string large(1'000'000, 'x');
  for (const std::string& text : {std::string(), std::string("hello"), large}) {
    const auto answer = caller.call("Echo", text);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.bytes, text);
  }
  EXPECT_EQ(caller.call("Nothing", "").status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ForeignServerTest, CarriesStatusesOfAnyText) {
  const Door door;
  Caller caller(door.server->port());
  for (const std::string& text : {std::string(), std::string("Expected 100 % of 'ü'\nbut\tnot so"), std::string(3000, 'y')}) {
    const auto answer = caller.call("Refuse", text);
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(answer.status.error_message(), text);
  }
  // Longer than a client takes: cut, not lost.
  const auto cut = caller.call("Refuse", std::string(100'000, 'z'));
  EXPECT_EQ(cut.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_GT(cut.status.error_message().size(), 5000U);
}

TEST_F(ForeignServerTest, AnswersInternalWhenAHandlerThrows) {
  runtime::testing::PanicWatch panics;
  const Door door;
  Caller caller(door.server->port());
  const auto answer = caller.call("Break", "");
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(answer.status.error_message().find("secret"), std::string::npos);
  EXPECT_EQ(panics.count("grpc"), 1U);
  EXPECT_TRUE(caller.call("Echo", "on").status.ok());
}

TEST_F(ForeignServerTest, AsksForItsToken) {
  const Door door({.token = Secret("right")});
  Caller caller(door.server->port());
  const auto with = [](const char* value) {
    return [value](grpc::ClientContext& context) { context.AddMetadata("authorization", value); };
  };
  EXPECT_EQ(caller.call("Echo", "a").status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(caller.call("Echo", "a", with("Bearer wrong")).status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(caller.call("Echo", "a", with("Basic right")).status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(caller.call("Echo", "a", with("Bearer right")).status.ok());
  // Nothing is told of what there is.
  EXPECT_EQ(caller.call("Nothing", "a").status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ForeignServerTest, SpeaksTlsAndNothingElse) {
  const TestCertificate certificate;
  const Door door({.tls = certificate.files()});
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = text_of_file(certificate.files().certificate_chain);
  Caller caller(door.server->port(), grpc::SslCredentials(options));
  const std::string large(500'000, 't');
  const auto answer = caller.call("Echo", large);
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.bytes, large);
  const auto soon = [](grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
  };  // NOLINT: gRPC takes no other
  Caller plain(door.server->port());
  EXPECT_FALSE(plain.call("Echo", "a", soon).status.ok());
  Caller stranger(door.server->port(), grpc::SslCredentials({}));
  EXPECT_FALSE(stranger.call("Echo", "a", soon).status.ok());
}

TEST_F(ForeignServerTest, HoldsOneMessageForASlowReader) {
  const Door door;
  Caller caller(door.server->port());
  auto stream = caller.stream("Pieces");
  ASSERT_TRUE(stream->read());
  ASSERT_TRUE(eventually([&] { return door.seen->written.load() > 0; }));
  int before = -1;
  for (int i = 0; i < 100 && before != door.seen->written.load(); ++i) {  // until it stands still
    before = door.seen->written.load();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  // What the windows of the connection and the buffers of the kernel take; not all of it.
  EXPECT_LT(before, kPieces / 2);
  int read = 1;
  while (const auto piece = stream->read()) {
    EXPECT_EQ(piece->size(), kPiece);
    EXPECT_EQ(piece->front(), static_cast<char>('a' + read % 26));
    ++read;
  }
  EXPECT_EQ(read, kPieces);
  EXPECT_TRUE(stream->finish().ok());
  EXPECT_EQ(door.seen->written.load(), kPieces);
}

TEST_F(ForeignServerTest, TellsAWriterThatItsReaderIsGone) {
  const Door door;
  Caller caller(door.server->port());
  auto stream = caller.stream("Pieces");
  ASSERT_TRUE(stream->read());
  stream->context.TryCancel();
  EXPECT_TRUE(eventually([&] { return door.seen->unwritten.load() == 1; }));
  EXPECT_TRUE(eventually([&] { return door.server->running() == 0; }));
  EXPECT_TRUE(caller.call("Echo", "on").status.ok());
}

TEST_F(ForeignServerTest, GivesUpACallWhoseDeadlinePasses) {
  const Door door;
  Caller caller(door.server->port());
  const auto answer = caller.call("Poll", "", [](grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));  // NOLINT: gRPC takes no other
  });
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(eventually([&] { return door.seen->cancelled.load() == 1; }));
}

TEST_F(ForeignServerTest, RefusesMoreCallsThanItMayRun) {
  const Door door({.max_running = 3});
  Caller caller(door.server->port());
  std::vector<std::unique_ptr<Caller::Call>> polls;
  for (int i = 0; i < 3; ++i) polls.push_back(caller.begin("Poll", ""));
  ASSERT_TRUE(eventually([&] { return door.seen->waiting.load() == 3; }));
  EXPECT_EQ(caller.call("Echo", "a").status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  door.seen->released = true;
  for (const auto& poll : polls) EXPECT_TRUE(poll->wait().status.ok());
  EXPECT_TRUE(eventually([&] { return door.server->running() == 0; }));
  EXPECT_TRUE(caller.call("Echo", "a").status.ok());
}

TEST_F(ForeignServerTest, LetsCallsOfOneConnectionWaitBeyondItsBound) {
  const Door door({.max_running_per_connection = 2});
  Caller caller(door.server->port());
  std::vector<std::unique_ptr<Caller::Call>> polls;
  for (int i = 0; i < 6; ++i) polls.push_back(caller.begin("Poll", ""));
  ASSERT_TRUE(eventually([&] { return door.seen->waiting.load() == 2; }));
  Caller other(door.server->port());
  EXPECT_TRUE(other.call("Echo", "a").status.ok());
  EXPECT_EQ(door.seen->waiting.load(), 2);
  door.seen->released = true;
  for (const auto& poll : polls) EXPECT_TRUE(poll->wait().status.ok());
}

TEST_F(ForeignServerTest, RefusesMessagesOverItsLimit) {
  const Door door({.message_limit = 1000});
  Caller caller(door.server->port());
  EXPECT_TRUE(caller.call("Echo", std::string(1000, 'x')).status.ok());
  EXPECT_EQ(caller.call("Echo", std::string(1001, 'x')).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(caller.call("Echo", std::string(3'000'000, 'x')).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(caller.call("Echo", "a").status.ok());
}

TEST_F(ForeignServerTest, TakesWhatAClientCompressedUpToItsLimit) {
  const Door door({.message_limit = 1'000'000});
  Caller caller(door.server->port());
  const auto by = [](grpc_compression_algorithm algorithm) {
    return [algorithm](grpc::ClientContext& context) { context.set_compression_algorithm(algorithm); };
  };
  const std::string most(1'000'000, 'x');
  EXPECT_EQ(caller.call("Echo", most, by(GRPC_COMPRESS_GZIP)).bytes, most);
  EXPECT_EQ(caller.call("Echo", most + "x", by(GRPC_COMPRESS_GZIP)).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(caller.call("Echo", std::string(100'000'000, 'x'), by(GRPC_COMPRESS_GZIP)).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED)
      << "a hundred kilobytes on the wire";
  EXPECT_EQ(caller.call("Echo", most, by(GRPC_COMPRESS_DEFLATE)).status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(caller.call("Echo", "a").bytes, "a");
}

TEST_F(ForeignServerTest, HoldsNoMoreOfUnfinishedRequestsThanItMay) {
  const Door door({.max_held = 100'000});
  Caller caller(door.server->port());
  EXPECT_EQ(caller.call("Echo", std::string(200'000, 'x')).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(caller.call("Echo", std::string(50'000, 'x')).status.ok());  // it is given back
}

TEST_F(ForeignServerTest, KeepsTwoThousandPollsInLittleMemory) {
  const Door door;
  Caller caller(door.server->port());
  ASSERT_TRUE(caller.call("Echo", "a").status.ok());
  const std::size_t before = resident_bytes();
  std::vector<std::unique_ptr<Caller::Call>> polls;
  for (std::size_t i = 0; i < kPolls; ++i) polls.push_back(caller.begin("Poll", ""));
  ASSERT_TRUE(eventually([&] { return door.seen->waiting.load() == static_cast<int>(kPolls); }));
  EXPECT_EQ(door.server->running(), kPolls);
  // Of both sides: gRPC's client takes most of it.
#ifdef NDEBUG
  EXPECT_LT(resident_bytes() - before, 64U * 1024 * 1024);
#else
  (void)before;
#endif
  door.seen->released = true;
  for (const auto& poll : polls) EXPECT_TRUE(poll->wait().status.ok());
  EXPECT_TRUE(eventually([&] { return door.server->running() == 0; }));
}

TEST_F(ForeignServerTest, ClosesWhoSpeaksAnotherProtocolOrNone) {
  const Door door({.hello_timeout = milliseconds(300)});
  RawPeer http1(door.endpoint());
  http1.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  (void)http1.receive_all();  // returns: it was closed
  RawPeer silent(door.endpoint());
  (void)silent.receive_all();
  EXPECT_TRUE(eventually([&] { return door.server->connections() == 0; }));
}

TEST_F(ForeignServerTest, AsksASilentPeerAndCutsItWithoutAnAnswer) {
  const Door door({.silence_limit = milliseconds(300), .answer_timeout = milliseconds(300)});
  RawPeer dead(door.endpoint());
  dead.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\x04\0\0\0\0\0", 9));
  const std::string told = dead.receive_all();
  EXPECT_NE(told.find(std::string("\0\0\x08\x06\0\0\0\0\0", 9)), std::string::npos) << "no ping came";
  // A client that answers stays.
  Caller caller(door.server->port());
  auto poll = caller.begin("Poll", "");
  std::this_thread::sleep_for(std::chrono::seconds(4));
  EXPECT_EQ(door.seen->waiting.load(), 1);
  door.seen->released = true;
  EXPECT_TRUE(poll->wait().status.ok());
}

TEST_F(ForeignServerTest, CutsLongPollsWhenItStops) {
  Door door;
  Caller caller(door.server->port());
  auto poll = caller.begin("Poll", "");
  ASSERT_TRUE(eventually([&] { return door.seen->waiting.load() == 1; }));
  door.server->stop(milliseconds(50));
  EXPECT_EQ(door.seen->cancelled.load(), 1);
  EXPECT_EQ(door.server->running(), 0U);
  EXPECT_EQ(poll->wait().status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ForeignServerTest, LetsCallsThatRunEndWhenItStops) {
  Door door;
  Caller caller(door.server->port());
  auto poll = caller.begin("Poll", "");
  ASSERT_TRUE(eventually([&] { return door.seen->waiting.load() == 1; }));
  auto stopped = std::async(std::launch::async, [&] { door.server->stop(seconds(20)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  door.seen->released = true;
  EXPECT_TRUE(poll->wait().status.ok());
  stopped.wait();
  EXPECT_EQ(door.seen->cancelled.load(), 0);
}

TEST_F(ForeignServerTest, LeavesAnAddressThatIsTaken) {
  const Door door;
  SystemRandom random;
  runtime::LoopGroup loops("other", 1);
  ForeignServerSettings settings;
  settings.listen = door.endpoint().text();
  const auto second = ForeignServer::start(std::move(settings), {}, {&loops.at(0)}, random);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "net.cannot-listen");
}

// Answers at once.
class QuickOwner final : public ForeignSessionOwner {
 public:
  std::optional<RpcStatus> refuse(const ForeignCall&) override { return std::nullopt; }
  void begin(std::shared_ptr<ForeignCall> call) override {
    ++begun;
    call->finish({});
  }
  void has_output() override {}
  bool hold(std::size_t) override { return true; }
  void release(std::size_t) override {}
  int begun = 0;
};

std::string frame(char type, char flags, std::uint32_t stream, const std::string& payload) {
  std::string bytes;
  for (int shift = 16; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(payload.size() >> shift));
  bytes += {type, flags};
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(stream >> shift));
  return bytes + payload;
}

std::string field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}

// As gRPC's client of Node does, thousands of times on one connection.
TEST(ForeignSession, TakesAResetAfterEachAnswer) {
  QuickOwner owner;
  ForeignSession session(owner, {});
  ASSERT_TRUE(session.receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "")));
  const std::string head = field(":method", "POST") + field(":scheme", "http") + field(":path", "/t.T/Echo") + field(":authority", "x") +
                           field("content-type", "application/grpc");
  constexpr int kCalls = 5000;
  std::string out;
  for (std::uint32_t i = 0; i < kCalls; ++i) {
    const std::uint32_t stream = 2 * i + 1;
    ASSERT_TRUE(session.receive(frame(1, 4, stream, head) + frame(0, 1, stream, std::string(5, '\0'))));
    out.clear();
    session.produce(out, 64 * 1024);
    ASSERT_FALSE(out.empty());
    ASSERT_TRUE(session.receive(frame(3, 0, stream, std::string(4, '\0'))));
    ASSERT_FALSE(session.is_over());
  }
  EXPECT_EQ(owner.begun, kCalls);
  EXPECT_EQ(session.calls(), 0U);
}

TEST(ForeignSession, ReadsTimeouts) {
  EXPECT_EQ(parse_grpc_timeout("5S"), seconds(5));
  EXPECT_EQ(parse_grpc_timeout("100m"), milliseconds(100));
  EXPECT_EQ(parse_grpc_timeout("7u"), Duration{7});
  EXPECT_EQ(parse_grpc_timeout("99999999H"), seconds(std::int64_t{99999999} * 3600));
  for (const char* wrong : {"", "S", "5", "5X", "-1S", "123456789S", "1 S"}) EXPECT_EQ(parse_grpc_timeout(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace consilium::net

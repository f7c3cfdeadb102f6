#include "net/web_socket_connection.h"

#include <gtest/gtest.h>

#include <string>

#include "net/loopback_testing.h"
#include "runtime/panic_testing.h"

namespace consilium::net {
namespace {

using testing::RawPeer;
using testing::TestServer;
using Kind = WebSocketEvent::Kind;

RawPeer open_socket(const TestServer& server) {
  RawPeer peer = server.connect();
  EXPECT_EQ(peer.upgrade().status, 101);
  return peer;
}

std::string text_of(RawPeer& peer) {
  const auto event = peer.receive_event();
  return event && event->kind == Kind::kText ? event->payload : "no text";
}

bool closed_with(TestServer& server, std::vector<std::uint16_t> codes) {
  return server.eventually([&] { return server.application().close_codes() == codes; });
}

TEST(WebSocket, UpgradesAndEchoes) {
  TestServer server;
  RawPeer peer = server.connect();
  const HttpResponse response = peer.upgrade("/socket", "Sec-WebSocket-Protocol: consilium.v1\r\n");
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // the example of RFC 6455
  EXPECT_EQ(response.header("sec-websocket-protocol"), "consilium.v1");
  for (const std::string text : {"hello", "", "Grüße"}) {
    peer.send_frame(Opcode::kText, text);
    EXPECT_EQ(text_of(peer), text);
  }
  peer.send_frame(Opcode::kClose, encode_close(1000, "bye"));
  EXPECT_EQ(peer.receive_close(), 1000);
  EXPECT_TRUE(peer.ends());
  EXPECT_TRUE(closed_with(server, {1000}));
}

TEST(WebSocket, B_16_IsRefusedBeforeTheUpgrade) {
  TestServer server;
  RawPeer peer = server.connect();
  EXPECT_EQ(peer.upgrade("/other").status, 401);
  EXPECT_EQ(peer.upgrade("/throw").status, 500);
  EXPECT_EQ(peer.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200) << "HTTP goes on";
  const std::string start = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  const HttpResponse old = server.connect().ask(start + "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(old.status, 426);
  EXPECT_EQ(old.header("sec-websocket-version"), "13");
  EXPECT_EQ(server.connect().ask(start + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n").status, 400);
  EXPECT_EQ(server.connect().ask(start + "Sec-WebSocket-Version: 13\r\n\r\n").status, 400);
  EXPECT_EQ(server.application().opened(), 0u);
}

TEST(WebSocket, TakesFramesThatComeWithTheRequest) {
  TestServer server;
  RawPeer peer = server.connect();
  const std::string request =
      "GET /slow-socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  EXPECT_EQ(peer.ask(request + encode_frame(Opcode::kText, "early", 7)).status, 101);
  EXPECT_EQ(text_of(peer), "early");
}

TEST(WebSocket, JoinsFragmentsAroundControlFrames) {
  TestServer server;
  RawPeer peer = open_socket(server);
  std::string first = encode_frame(Opcode::kText, "frag", 5);
  first[0] = '\x01';  // not final
  std::string second = encode_frame(Opcode::kContinuation, "men", 6);
  second[0] = '\x00';
  peer.send(first);
  peer.send_frame(Opcode::kPing, "between");
  peer.send(second);
  peer.send_frame(Opcode::kContinuation, "ted");
  const auto pong = peer.receive_event();
  ASSERT_TRUE(pong && pong->kind == Kind::kPong);
  EXPECT_EQ(pong->payload, "between");
  EXPECT_EQ(text_of(peer), "fragmented");
}

TEST(WebSocket, HoldsItsLimitOfMessages) {
  TestServer server;
  for (const std::size_t size : {kWebSocketMessageLimit - 1, kWebSocketMessageLimit}) {
    RawPeer peer = open_socket(server);
    peer.send_frame(Opcode::kText, std::string(size, 'm'));
    EXPECT_EQ(text_of(peer).size(), size);
  }
  RawPeer peer = open_socket(server);
  peer.send_frame(Opcode::kText, std::string(kWebSocketMessageLimit + 1, 'm'));
  EXPECT_EQ(peer.receive_close(), 1009);

  RawPeer fragments = open_socket(server);
  std::string first = encode_frame(Opcode::kText, std::string(kWebSocketMessageLimit, 'm'), 5);
  first[0] = '\x01';
  fragments.send(first);
  fragments.send_frame(Opcode::kContinuation, "m");
  EXPECT_EQ(fragments.receive_close(), 1009);
}

struct Broken {
  std::string bytes;
  std::uint16_t code;
};

TEST(WebSocket, ClosesBrokenStreamsWithTheirCode) {
  TestServer server;
  std::string reserved = encode_frame(Opcode::kText, "x", 1);
  reserved[0] = '\xC1';
  std::string long_ping = encode_frame(Opcode::kPing, std::string(126, 'p'), 1);
  std::string split_ping = encode_frame(Opcode::kPing, "p", 1);
  split_ping[0] = '\x09';
  const Broken all[] = {
      {encode_frame(Opcode::kText, "unmasked", std::nullopt), 1002},
      {reserved, 1002},
      {long_ping, 1002},
      {split_ping, 1002},
      {encode_frame(static_cast<Opcode>(3), "", 1), 1002},
      {encode_frame(Opcode::kContinuation, "nothing before", 1), 1002},
      {std::string("\x81\xFE\x00\x05mask12345", 13), 1002},  // a length that fits in seven bits
      {encode_frame(Opcode::kBinary, "binary", 1), 4004},
      {encode_frame(Opcode::kText, "\xC3\x28", 1), 1007},
      {encode_frame(Opcode::kClose, "x", 1), 1002},
      {encode_frame(Opcode::kClose, encode_close(1005, {}), 1), 1002},
      {encode_frame(Opcode::kClose, encode_close(1000, {}) + "\xFF", 1), 1007},
  };
  std::vector<std::uint16_t> codes;
  for (const Broken& broken : all) {
    RawPeer peer = open_socket(server);
    peer.send(broken.bytes);
    EXPECT_EQ(peer.receive_close(), broken.code) << ::testing::PrintToString(broken.bytes);
    EXPECT_TRUE(peer.ends());
    peer.send_half_close();
    codes.push_back(broken.code);
    EXPECT_TRUE(closed_with(server, codes));
  }
}

TEST(WebSocket, H_3_SendsWhatIsQueuedBeforeItsCloseFrame) {
  TestServer server;
  RawPeer peer = open_socket(server);
  peer.send_frame(Opcode::kText, "flood 100 1000");
  peer.send_frame(Opcode::kText, "close 4001 expired");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(text_of(peer).size(), 1000u);
  const auto close = peer.receive_event();
  ASSERT_TRUE(close && close->kind == Kind::kClose);
  EXPECT_EQ(close->code, 4001);
  EXPECT_EQ(close->payload, "expired");
  peer.send_frame(Opcode::kText, "ignored");
  peer.send_frame(Opcode::kClose, encode_close(4001, {}));
  EXPECT_TRUE(peer.ends());
  EXPECT_TRUE(closed_with(server, {4001}));
}

TEST(WebSocket, HoldsItsLimitOfQueuedMessages) {
  TestServer server;
  for (const auto& [count, size, taken] : {std::tuple{255, 10, 255}, {256, 10, 256}, {257, 10, 256}, {3, 524'000, 2}}) {
    RawPeer peer = open_socket(server);
    peer.send_frame(Opcode::kText, "flood " + std::to_string(count) + " " + std::to_string(size));
    for (int i = 0; i < taken; ++i) ASSERT_EQ(text_of(peer).size(), static_cast<std::size_t>(size));
    if (taken == count) continue;
    const auto close = peer.receive_event();
    ASSERT_TRUE(close && close->kind == Kind::kClose);
    EXPECT_EQ(close->code, 4003);
    EXPECT_EQ(close->payload, "took " + std::to_string(taken));
  }
}

TEST(WebSocket, CutsAReaderThatIsTooSlowToHearTheClose) {
  HttpServerSettings settings;
  settings.web_socket.close_timeout = milliseconds(100);
  settings.web_socket.queue_bytes = 64 * 1024 * 1024;
  TestServer server(settings);
  RawPeer peer = server.connect();
  peer.shrink_receive_buffer();
  ASSERT_EQ(peer.upgrade().status, 101);
  peer.send_frame(Opcode::kText, "flood 300 200000");
  EXPECT_TRUE(closed_with(server, {4003}));
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
}

TEST(WebSocket, AnswersOnlyTheLatestOfManyPings) {
  TestServer server;
  RawPeer peer = open_socket(server);
  std::string pings;
  for (int i = 0; i < 500; ++i) pings += encode_frame(Opcode::kPing, std::to_string(i), 9);
  peer.send(pings);
  std::string last;
  int pongs = 0;
  while (last != "499") {
    const auto event = peer.receive_event();
    ASSERT_TRUE(event && event->kind == Kind::kPong);
    last = event->payload;
    ++pongs;
  }
  EXPECT_LE(pongs, 500);
}

TEST(WebSocket, H_4_PingsAndClosesSilentPeers) {
  HttpServerSettings settings;
  settings.web_socket.ping_interval = milliseconds(60);
  settings.web_socket.silence_limit = milliseconds(1500);
  TestServer server(settings);
  RawPeer silent = open_socket(server);
  const auto began = std::chrono::steady_clock::now();
  const auto ping = silent.receive_event();
  ASSERT_TRUE(ping && ping->kind == Kind::kPing);
  EXPECT_EQ(silent.receive_close(), 4000);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1350)) << "not before its time";
  EXPECT_TRUE(closed_with(server, {4000}));
}

TEST(WebSocket, H_4_KeepsPeersThatAnswerPings) {
  HttpServerSettings settings;
  settings.web_socket.ping_interval = milliseconds(20);
  settings.web_socket.silence_limit = seconds(30);
  TestServer server(settings);
  RawPeer peer = open_socket(server);
  for (int i = 0; i < 20; ++i) {
    const auto ping = peer.receive_event();
    ASSERT_TRUE(ping && ping->kind == Kind::kPing);
    peer.send_frame(Opcode::kPong, ping->payload);
  }
  peer.send_frame(Opcode::kText, "still here");
  for (;;) {
    const auto event = peer.receive_event();
    ASSERT_TRUE(event);
    if (event->kind == Kind::kPing) continue;
    EXPECT_EQ(event->payload, "still here");
    break;
  }
}

TEST(WebSocket, TellsOfConnectionsThatBreak) {
  TestServer server;
  {
    RawPeer peer = open_socket(server);
    peer.send_frame(Opcode::kText, "hello");
    EXPECT_EQ(text_of(peer), "hello");
  }
  EXPECT_TRUE(closed_with(server, {1006}));
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().web_sockets == 0; }));
}

TEST(WebSocket, P_1_OutlivesAListenerThatThrows) {
  runtime::testing::PanicWatch panics;
  TestServer server;
  RawPeer other = open_socket(server);
  RawPeer peer = open_socket(server);
  peer.send_frame(Opcode::kText, "throw");
  EXPECT_EQ(peer.receive_close(), 1011);
  peer.send_frame(Opcode::kClose, encode_close(1011, {}));
  EXPECT_TRUE(closed_with(server, {1011}));
  EXPECT_EQ(panics.count("websocket"), 1U);
  EXPECT_TRUE(panics.all_show_the_throw("listener"));
  other.send_frame(Opcode::kText, "hello");
  EXPECT_EQ(text_of(other), "hello") << "the others go on";
}

TEST(WebSocket, H_3_SaysGoingAwayToAThousandWhenStopped) {
  TestServer server;
  std::vector<RawPeer> peers;
  for (int i = 0; i < 1000; ++i) peers.push_back(open_socket(server));
  auto stopped = server.stop_later(seconds(5));
  for (RawPeer& peer : peers) {
    ASSERT_EQ(peer.receive_close(), 1001);
    peer.send_frame(Opcode::kClose, encode_close(1001, {}));
  }
  EXPECT_EQ(stopped.get(), 0u) << "all ended in time";
  const auto codes = server.application().close_codes();
  EXPECT_EQ(codes, std::vector<std::uint16_t>(1000, 1001));
}

TEST(WebSocket, B_18_SurvivesTenThousandSockets) {
  TestServer server;
  for (int i = 0; i < 10'000; ++i) {
    RawPeer peer = server.connect();
    ASSERT_EQ(peer.upgrade().status, 101);
    if (i % 4 == 0) peer.send_frame(Opcode::kText, "flood 3 100");
    if (i % 4 == 1) peer.send_frame(Opcode::kText, "close 1000");
    if (i % 4 == 2) peer.send_frame(Opcode::kClose, encode_close(1000, {}));
  }
  EXPECT_TRUE(server.eventually([&] { return server.application().close_codes().size() == 10'000; }));
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
}

}  // namespace
}  // namespace consilium::net

#include "net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "net/loopback_testing.h"
#include "runtime/panic_testing.h"

namespace consilium::net {
namespace {

using testing::RawPeer;
using testing::TestServer;

constexpr std::string_view kGet = "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string post(std::string_view body, std::string_view more = {}) {
  return "POST /echo HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

// Answered by the server itself: the status, a code of ours, and the end of the connection.
void expect_refused(const TestServer& server, std::string_view request, int status, std::string_view code) {
  RawPeer peer = server.connect();
  const HttpResponse response = peer.ask(request);
  EXPECT_EQ(response.status, status) << request.substr(0, 200);
  EXPECT_EQ(response.header("content-type"), "application/problem+json");
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_NE(response.body.find("\"code\":\"" + std::string(code) + "\""), std::string::npos) << response.body;
  EXPECT_NE(response.body.find("\"requestId\":\""), std::string::npos);
  peer.send_half_close();
  EXPECT_TRUE(peer.ends());
}

TEST(HttpServer, AnswersManyRequestsOnOneConnection) {
  TestServer server;
  RawPeer peer = server.connect();
  for (int i = 0; i < 50; ++i) {
    const HttpResponse response = peer.ask(post("body " + std::to_string(i)));
    ASSERT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "POST /echo 127.0.0.1 body " + std::to_string(i));
    EXPECT_FALSE(response.header("date").empty());
    EXPECT_EQ(response.header("content-length"), std::to_string(response.body.size()));
  }
  EXPECT_EQ(server.server().figures().accepted, 1u);
  EXPECT_EQ(server.server().figures().requests, 50u);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  RawPeer peer = server.connect();
  std::string requests = "GET /sleep?20 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (int i = 0; i < 200; ++i) requests += post(std::to_string(i));
  peer.send(requests);
  EXPECT_EQ(peer.receive_response().body, "");
  for (int i = 0; i < 200; ++i) ASSERT_EQ(peer.receive_response().body, "POST /echo 127.0.0.1 " + std::to_string(i));
}

TEST(HttpServer, ClosesWhenAskedAndAfterHttp10) {
  TestServer server;
  for (const char* request : {"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /echo HTTP/1.0\r\n\r\n"}) {
    RawPeer peer = server.connect();
    const HttpResponse response = peer.ask(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("connection"), "close");
    EXPECT_TRUE(peer.ends());
  }
}

TEST(HttpServer, SendsNoBodyToHeadAndWith204) {
  TestServer server;
  RawPeer peer = server.connect();
  const HttpResponse head = peer.ask("HEAD /large?1000 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.header("content-length"), "1000");
  EXPECT_EQ(head.body, "");
  const HttpResponse empty = peer.ask("GET /empty HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(empty.status, 204);
  EXPECT_EQ(empty.header("content-length"), "");
  EXPECT_EQ(peer.ask(kGet).status, 200) << "the connection is still in step";
}

TEST(HttpServer, ReadsChunkedBodies) {
  TestServer server;
  RawPeer peer = server.connect();
  const auto response =
      peer.ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n");
  EXPECT_EQ(response.body, "POST /echo 127.0.0.1 abcde");
  EXPECT_EQ(peer.ask(kGet).status, 200);
}

TEST(HttpServer, AsksForTheBodyOnlyWhenItIsWelcome) {
  TestServer server;
  RawPeer peer = server.connect();
  peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(peer.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hello");
  EXPECT_EQ(peer.receive_response().body, "POST /echo 127.0.0.1 hello");

  expect_refused(server, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", 413,
                 "request.too-large");
  expect_refused(server, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 5\r\n\r\n", 417, "request.unknown-expectation");
}

TEST(HttpServer, HoldsItsLimitOfBodies) {
  HttpServerSettings settings;
  settings.body_limit = 1000;
  settings.body_limit_of = [](std::string_view method, std::string_view path) -> std::optional<std::size_t> {
    if (method == "PUT" && path == "/echo") return 2000;
    return std::nullopt;
  };
  TestServer server(settings);
  for (const std::size_t size : {999U, 1000U}) EXPECT_EQ(server.connect().ask(post(std::string(size, 'b'))).status, 200);
  expect_refused(server, post(std::string(1001, 'b')), 413, "request.too-large");
  expect_refused(server,
                 "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'b') + "\r\n0\r\n\r\n",
                 413, "request.too-large");
  const auto put = [](std::size_t size) {
    return "PUT /echo?x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'b');
  };
  EXPECT_EQ(server.connect().ask(put(2000)).status, 200);
  expect_refused(server, put(2001), 413, "request.too-large");
}

TEST(HttpServer, HoldsItsLimitOfHeads) {
  TestServer server;
  const std::string start = "GET /echo HTTP/1.1\r\nHost: a\r\nX-Long: ";
  const auto head_of = [&](std::size_t size) { return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n"; };
  EXPECT_EQ(server.connect().ask(head_of(kHeadLimit - 1)).status, 200);
  EXPECT_EQ(server.connect().ask(head_of(kHeadLimit)).status, 200);
  expect_refused(server, head_of(kHeadLimit + 1), 431, "request.head-too-large");
  expect_refused(server, head_of(kHeadLimit * 3), 431, "request.head-too-large");

  const auto fields = [](std::size_t count) {
    std::string head = "GET /echo HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < count; ++i) head += "X: y\r\n";
    return head + "\r\n";
  };
  EXPECT_EQ(server.connect().ask(fields(kHeaderFieldLimit)).status, 200);
  expect_refused(server, fields(kHeaderFieldLimit + 1), 431, "request.head-too-large");
}

TEST(HttpServer, RefusesWhatTwoParsersCouldReadDifferently) {
  TestServer server;
  const std::string host = "Host: a\r\n";
  const auto request = [&](std::string_view lines) { return "POST /echo HTTP/1.1\r\n" + std::string(lines) + "\r\n"; };
  expect_refused(server, request(host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") + "x", 400, "request.malformed");
  expect_refused(server, request(host + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n") + "x", 400, "request.malformed");
  expect_refused(server, request(host + "Content-Length: 1\r\nContent-Length: 1\r\n") + "x", 400, "request.ambiguous-length");
  expect_refused(server, request(host + "Content-Length: 1\r\nContent-Length: 2\r\n") + "x", 400, "request.malformed");
  expect_refused(server, request(host + "Content-Length: 1, 1\r\n") + "x", 400, "request.malformed");
  expect_refused(server, request(host + "Content-Length: +1\r\n") + "x", 400, "request.malformed");
  expect_refused(server, request(host + "Content-Length: -1\r\n") + "x", 400, "request.malformed");
  expect_refused(server, request(host + "Content-Length: 99999999999999999999999\r\n") + "x", 400, "request.malformed");
  expect_refused(server, request(host + "Transfer-Encoding: gzip, chunked\r\n"), 501, "request.unknown-transfer-encoding");
  expect_refused(server, request(host + "Transfer-Encoding: identity\r\n"), 501, "request.unknown-transfer-encoding");
  expect_refused(server, request(host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, "request.malformed");
  expect_refused(server, request(host + "Transfer-Encoding : chunked\r\n"), 400, "request.malformed");
  expect_refused(server, request(host + "X: a\r\n folded\r\n"), 400, "request.malformed");
  expect_refused(server, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "request.ambiguous-length");
  expect_refused(server, request(host + "Transfer-Encoding: chunked\r\n") + "xyz\r\n", 400, "request.malformed");
  expect_refused(server, "GET /echo HTTP/1.1\nHost: a\n\n", 400, "request.malformed");
  expect_refused(server, "GET /echo HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, "request.malformed");
  expect_refused(server, std::string("GET /echo HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 40), 400, "request.malformed");
  expect_refused(server, "\x16\x03\x01\x02", 400, "request.malformed");
  expect_refused(server, "GET /echo HTTP/2.0\r\nHost: a\r\n\r\n", 505, "request.unknown-http-version");
  expect_refused(server, "get /echo HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request.malformed");
  expect_refused(server, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501, "request.unknown-method");
}

TEST(HttpServer, WantsOneHostAndAPlainTarget) {
  TestServer server;
  expect_refused(server, "GET /echo HTTP/1.1\r\n\r\n", 400, "request.malformed-host");
  expect_refused(server, "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "request.malformed-host");
  expect_refused(server, "GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "request.malformed-host");
  expect_refused(server, "GET http://a/echo HTTP/1.1\r\nHost: b\r\n\r\n", 400, "request.conflicting-host");
  expect_refused(server, "GET ftp://a/echo HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request.malformed-target");
  expect_refused(server, "GET echo HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request.malformed-target");
  expect_refused(server, "GET /echo#part HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request.malformed-target");
  expect_refused(server, "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request.malformed-target");
  EXPECT_EQ(server.connect().ask("GET HTTP://A:80/echo?b=c HTTP/1.1\r\nHost: a:80\r\n\r\n").body, "GET /echo?b=c 127.0.0.1 ");
  EXPECT_EQ(server.connect().ask("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  EXPECT_EQ(server.connect().ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  EXPECT_EQ(server.connect().ask("\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200) << "one empty line before is allowed";
}

TEST(HttpServer, B_38_P_1_TurnsExceptionsIntoProblemsAndGoesOn) {
  runtime::testing::PanicWatch panics;
  TestServer server;
  RawPeer peer = server.connect();
  const HttpResponse response = peer.ask("GET /throw HTTP/1.1\r\nHost: a\r\nX-Request-Id: my-request\r\n\r\n");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.header("content-type"), "application/problem+json");
  EXPECT_EQ(response.header("x-request-id"), "my-request");
  EXPECT_EQ(response.body.find("secret"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find("\"code\":\"internal\""), std::string::npos) << response.body;
  EXPECT_EQ(panics.count("http"), 1U);
  EXPECT_TRUE(panics.all_show_the_throw("the handler's secret"));
  EXPECT_EQ(peer.ask("GET /split HTTP/1.1\r\nHost: a\r\n\r\n").status, 500) << "no header may end another";
  EXPECT_EQ(peer.ask(kGet).status, 200) << "the connection goes on";
  EXPECT_EQ(panics.count("http"), 2U);
}

TEST(HttpServer, ReadsRequestsCutAtAnyByte) {
  TestServer server;
  const std::uint64_t seed = 20261123;
  SeededRandom random(seed);
  const std::string requests = post("hello", "Expect: 100-continue\r\n") + std::string(kGet) +
                               "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + post("");
  for (int round = 0; round < 40; ++round) {
    RawPeer peer = server.connect();
    std::string_view rest = requests;
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, 1 + random.below(round % 2 == 0 ? 4 : 60));
      peer.send(piece);
      rest.remove_prefix(piece.size());
    }
    ASSERT_EQ(peer.receive_response().body, "POST /echo 127.0.0.1 hello") << "seed " << seed << " round " << round;
    ASSERT_EQ(peer.receive_response().body, "GET /echo 127.0.0.1 ");
    ASSERT_EQ(peer.receive_response().body, "POST /echo 127.0.0.1 abc");
    ASSERT_EQ(peer.receive_response().body, "POST /echo 127.0.0.1 ");
  }
}

TEST(HttpServer, EndsSlowHeadsAndBodies) {
  HttpServerSettings settings;
  settings.head_timeout = milliseconds(80);
  settings.progress_timeout = milliseconds(80);
  TestServer server(settings);
  RawPeer head = server.connect();
  head.send("GET /echo HTTP/1.1\r\nHo");
  EXPECT_EQ(head.receive_response().status, 408);
  RawPeer body = server.connect();
  body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_EQ(body.receive_response().status, 408);
  EXPECT_EQ(server.server().figures().timed_out, 2u);
}

TEST(HttpServer, EndsIdleConnectionsSilently) {
  HttpServerSettings settings;
  settings.idle_timeout = milliseconds(1000);
  TestServer server(settings);
  RawPeer unused = server.connect();
  EXPECT_TRUE(unused.ends());
  RawPeer used = server.connect();
  EXPECT_EQ(used.ask(kGet).status, 200);
  EXPECT_TRUE(used.ends());
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
}

TEST(HttpServer, EndsSlowReaders) {
  HttpServerSettings settings;
  settings.progress_timeout = milliseconds(100);
  TestServer server(settings);
  RawPeer peer = server.connect();
  peer.shrink_receive_buffer();
  peer.send("GET /large?30000000 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().timed_out == 1; }));
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
}

TEST(HttpServer, SendsLargeAnswersWhole) {
  TestServer server;
  RawPeer peer = server.connect();
  for (const std::size_t size : {16U * 1024, 16U * 1024 + 1, 65537U, 10'000'000U}) {
    const HttpResponse response = peer.ask("GET /large?" + std::to_string(size) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(response.body.size(), size);
  }
}

TEST(HttpServer, RefusesConnectionsOverItsLimit) {
  HttpServerSettings settings;
  settings.max_connections = 3;
  TestServer server(settings);
  std::vector<RawPeer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(server.connect());
    ASSERT_EQ(peers.back().ask(kGet).status, 200);
  }
  RawPeer late = server.connect();
  const HttpResponse response = late.receive_response();
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.header("retry-after"), "5");
  late.send_half_close();
  EXPECT_TRUE(late.ends());
  peers.pop_back();
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 2; }));
  EXPECT_EQ(server.connect().ask(kGet).status, 200);
  EXPECT_EQ(server.server().figures().refused, 1u);
}

TEST(HttpServer, B_73_FinishesRunningRequestsWhenStopped) {
  TestServer server;
  RawPeer idle = server.connect();
  ASSERT_EQ(idle.ask(kGet).status, 200);
  RawPeer busy = server.connect();
  busy.send("GET /sleep?1000 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.server().figures().running_requests == 1; }));
  auto stopped = server.stop_later(seconds(5));
  EXPECT_TRUE(idle.ends());
  const HttpResponse response = busy.receive_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(busy.ends());
  EXPECT_EQ(stopped.get(), 0u);
  EXPECT_THROW(server.connect(), std::runtime_error);
}

TEST(HttpServer, B_73_CutsWhatRunsLongerThanTheGrace) {
  TestServer server;
  RawPeer busy = server.connect();
  busy.send("GET /sleep?2000 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.server().figures().running_requests == 1; }));
  EXPECT_EQ(server.stop(milliseconds(30)), 1u);
  EXPECT_EQ(busy.receive_response().status, 0);
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
}

TEST(HttpServer, B_71_TellsTheHandlerThatItsClientHasGone) {
  HttpServerSettings settings;
  settings.progress_timeout = milliseconds(200);  // the connections are looked at more often
  TestServer server(settings);
  {
    RawPeer waits = server.connect();
    waits.send("GET /patient HTTP/1.1\r\nHost: a\r\n\r\n");
    RawPeer pipelines = server.connect();
    pipelines.send("GET /patient HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(server.eventually([&] { return server.server().figures().running_requests == 2; }));
    EXPECT_EQ(server.application().given_up(), 0);
  }
  EXPECT_TRUE(server.eventually([&] { return server.application().given_up() == 2; }));
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
}

TEST(HttpServer, ACutEndsTheHandlersWait) {
  TestServer server;
  RawPeer busy = server.connect();
  busy.send("GET /patient HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.server().figures().running_requests == 1; }));
  EXPECT_EQ(server.stop(milliseconds(30)), 1u);
  EXPECT_EQ(server.application().given_up(), 1);
}

TEST(HttpServer, SurvivesTenThousandConnections) {
  TestServer server;
  for (int i = 0; i < 10'000; ++i) {
    RawPeer peer = server.connect();
    if (i % 10 == 0) {
      ASSERT_EQ(peer.ask(kGet).status, 200);
    } else if (i % 10 == 1) {
      peer.send("GET /echo HT");
    }
  }
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().accepted == 10'000u; }));
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
}

TEST(HttpServer, ListensOnAnAddressThatWasTakenBefore) {
  auto taken = ReservedAddress::take({"127.0.0.1", 0, {}});
  ASSERT_TRUE(taken);
  const Endpoint endpoint = taken->endpoint();
  EXPECT_NE(endpoint.port, 0);
  EXPECT_FALSE(ReservedAddress::take(endpoint));
  HttpServerSettings settings;
  settings.reserved = std::make_shared<ReservedAddress>(std::move(*taken));
  RawPeer early(endpoint);
  early.send(kGet);
  TestServer server(settings);
  EXPECT_EQ(server.endpoint().port, endpoint.port);
  EXPECT_EQ(early.receive_response().status, 200) << "it waited";
}

TEST(HttpServer, AnAddressThatIsNotUsedIsFreeAgain) {
  std::optional<Endpoint> endpoint;
  {
    const auto taken = ReservedAddress::take({"127.0.0.1", 0, {}});
    ASSERT_TRUE(taken);
    endpoint = taken->endpoint();
  }
  EXPECT_TRUE(ReservedAddress::take(*endpoint));
}

TEST(HttpServer, TellsWhyItCannotListen) {
  TestServer server;
  testing::TestApplication application;
  SystemRandom random;
  runtime::LoopGroup loops("second", 1);
  HttpServerSettings settings;
  settings.listen = server.endpoint();
  const auto second = HttpServer::start(settings, application, {&loops.at(0)}, random);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, "net.cannot-listen");
  settings.listen.port = 0;
  settings.tls = TlsServerFiles{"/nowhere/certificate.pem", "/nowhere/key.pem", {}};
  const auto without_files = HttpServer::start(settings, application, {&loops.at(0)}, random);
  ASSERT_FALSE(without_files.has_value());
  EXPECT_EQ(without_files.error().code, "net.unusable-tls-files");
}

TEST(HttpServer, ListensOnAUnixSocketOfItsOwner) {
  const std::string path = (std::filesystem::temp_directory_path() / ("consilium-net-" + std::to_string(::getpid()) + ".sock")).string();
  HttpServerSettings settings;
  settings.listen = {{}, 0, path};
  {
    TestServer server(settings);
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(server.connect().ask(kGet).body, "GET /echo  ");
    EXPECT_THROW(TestServer second(settings), std::runtime_error) << "somebody listens already";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace consilium::net

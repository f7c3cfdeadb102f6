#include "net/http_client.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>

#include "net/loopback_testing.h"

namespace consilium::net {
namespace {

using testing::run_on;
using testing::TestCertificate;
using testing::TestServer;

class Client {
 public:
  explicit Client(HttpClientSettings settings = {})
      : loop_("client"), client_(std::make_unique<HttpClient>(loop_, random_, std::move(settings))) {
    loop_.start();
  }
  ~Client() { client_.reset(); }

  Result<HttpResponse> send(HttpCall call) { return run_on(loop_, client_->send(std::move(call))); }
  Result<HttpResponse> get(const std::string& url) {
    HttpCall call;
    call.url = url;
    return send(std::move(call));
  }
  Result<std::shared_ptr<WebSocket>> open(HttpCall call, std::shared_ptr<WebSocketListener> listener) {
    return run_on(loop_, client_->open_web_socket(std::move(call), std::move(listener)));
  }
  runtime::Scheduler& loop() { return loop_; }

 private:
  SystemRandom random_;
  runtime::AsioScheduler loop_;
  std::unique_ptr<HttpClient> client_;
};

std::string url_of(const TestServer& server, std::string_view path, std::string_view scheme = "http") {
  return std::string(scheme) + "://127.0.0.1:" + std::to_string(server.endpoint().port) + std::string(path);
}

std::string code_of(const Result<HttpResponse>& result) {
  return result ? "status " + std::to_string(result->status) : result.error().code;
}

TEST(HttpClient, SendsCallsOverOneConnection) {
  TestServer server;
  Client client;
  for (int i = 0; i < 5; ++i) {
    HttpCall call{"POST", url_of(server, "/echo?a"), {{"X-A", "b"}}, "body", {}};
    const auto response = client.send(call);
    ASSERT_TRUE(response.has_value()) << response.error().describe();
    EXPECT_EQ(response->body, "POST /echo?a 127.0.0.1 body");
  }
  EXPECT_EQ(client.get(url_of(server, "/large?3000000"))->body.size(), 3'000'000U);
  EXPECT_EQ(client.send({"HEAD", url_of(server, "/large?5"), {}, {}, {}})->header("content-length"), "5");
  EXPECT_EQ(client.get("http://localhost:" + std::to_string(server.endpoint().port) + "/echo")->status, 200) << "by name";
  EXPECT_EQ(server.server().figures().accepted, 2U);
}

TEST(HttpClient, ReplacesAKeptConnectionThatWasClosed) {
  HttpServerSettings settings;
  settings.idle_timeout = milliseconds(700);
  TestServer server(settings);
  Client client;
  EXPECT_EQ(client.get(url_of(server, "/echo"))->status, 200);
  ASSERT_TRUE(server.eventually([&] { return server.server().figures().connections == 0; }));
  HttpCall post{"POST", url_of(server, "/echo"), {}, "x", {}};
  EXPECT_EQ(code_of(client.send(post)), "status 200");
}

TEST(HttpClient, FailsWithReasons) {
  TestServer server;
  HttpClientSettings settings;
  settings.body_limit = 1000;
  settings.may_connect = [](const IpAddress& address) { return address.text() != "127.0.0.2"; };
  Client client(settings);
  EXPECT_EQ(code_of(client.get("nonsense")), "net.malformed-url");
  EXPECT_EQ(code_of(client.get("http://127.0.0.2:1/")), "http.forbidden-address");
  EXPECT_EQ(code_of(client.get("http://host.invalid/")), "http.unknown-host");
  EXPECT_EQ(code_of(client.get("http://127.0.0.1:1/")), "http.cannot-connect");
  HttpClientSettings impatient;
  impatient.request_timeout = milliseconds(100);
  EXPECT_EQ(code_of(Client(impatient).get(url_of(server, "/sleep?3000"))), "http.timed-out");
  EXPECT_EQ(code_of(client.get(url_of(server, "/large?1000"))), "status 200");
  EXPECT_EQ(code_of(client.get(url_of(server, "/large?1001"))), "http.too-large");
  EXPECT_EQ(code_of(client.get(url_of(server, "/echo", "https"))), "http.tls-failed");
  EXPECT_EQ(code_of(client.send({"GET", url_of(server, "/echo"), {{"X", "a\r\nb: c"}}, {}, {}})), "http.malformed-header");
}

TEST(HttpClient, CallsOverAUnixSocket) {
  const std::string path = (std::filesystem::temp_directory_path() / ("consilium-client-" + std::to_string(::getpid()) + ".sock")).string();
  HttpServerSettings settings;
  settings.listen = {{}, 0, path};
  TestServer server(settings);
  Client client;
  HttpCall call;
  call.url = "http://localhost/echo";
  call.unix_socket = path;
  EXPECT_EQ(client.send(call)->status, 200);
}

TEST(HttpClient, ItsEndIsSeenByTheServerUnderTls) {
  const TestCertificate certificate;
  HttpServerSettings settings;
  settings.tls = certificate.files();
  settings.progress_timeout = milliseconds(200);  // the connections are looked at more often
  TestServer server(settings);
  HttpClientSettings impatient;
  impatient.request_timeout = milliseconds(300);
  impatient.tls = TlsClientFiles{certificate.files().certificate_chain, {}, {}};
  EXPECT_EQ(code_of(Client(impatient).get(url_of(server, "/patient", "https"))), "http.timed-out");
  EXPECT_TRUE(server.eventually([&] { return server.application().given_up() == 1; }));
}

TEST(HttpClient, SpeaksTlsWithTrustedServersOnly) {
  const TestCertificate certificate;
  HttpServerSettings settings;
  settings.tls = certificate.files();
  TestServer server(settings);
  HttpClientSettings trusting;
  trusting.tls = TlsClientFiles{certificate.files().certificate_chain, {}, {}};
  Client client(trusting);
  const std::string url = url_of(server, "/echo", "https");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code_of(client.get(url)), "status 200");
  EXPECT_EQ(client.get(url_of(server, "/large?2000000", "https"))->body.size(), 2'000'000U);
  EXPECT_EQ(server.server().figures().accepted, 1U) << "the connection was kept";
  const std::string by_name = "https://localhost:" + std::to_string(server.endpoint().port) + "/echo";
  EXPECT_EQ(code_of(client.get(by_name)), "status 200");

  Client suspicious;
  const auto refused = suspicious.get(url);
  EXPECT_EQ(code_of(refused), "http.tls-failed");
  EXPECT_NE(refused.error().detail.find("self"), std::string::npos) << refused.error().detail;
  const TestCertificate other("other");
  HttpClientSettings wrong;
  wrong.tls = TlsClientFiles{other.files().certificate_chain, {}, {}};
  EXPECT_EQ(code_of(Client(wrong).get(url)), "http.tls-failed");

  testing::RawPeer plain = server.connect();
  plain.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(plain.receive_response().status, 0) << "no plain HTTP on a TLS port";
  EXPECT_TRUE(server.eventually([&] { return server.server().figures().tls_failures >= 3; }));

  settings.head_timeout = milliseconds(100);
  TestServer hasty(settings);
  testing::RawPeer silent = hasty.connect();
  EXPECT_TRUE(silent.ends()) << "a handshake has its time";
}

// What the server chooses of `offered`; `refused` when the handshake fails.
std::string negotiate(const TestServer& server, std::string_view offered, int newest_version) {
  const testing::RawPeer peer = server.connect();
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  SSL_set_security_level(ssl.get(), 0);
  SSL_set_max_proto_version(ssl.get(), newest_version);
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(offered.data()), static_cast<unsigned>(offered.size()));
  SSL_set_fd(ssl.get(), peer.descriptor());
  if (SSL_connect(ssl.get()) != 1) return "refused";
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl.get(), &chosen, &size);
  return size == 0 ? "none" : std::string(reinterpret_cast<const char*>(chosen), size);
}

TEST(HttpServer, NegotiatesHttp11UnderTls12AndLater) {
  const TestCertificate certificate;
  HttpServerSettings settings;
  settings.tls = certificate.files();
  TestServer server(settings);
  EXPECT_EQ(negotiate(server, "\x02h2\x08http/1.1", TLS1_3_VERSION), "http/1.1");
  EXPECT_EQ(negotiate(server, "\x08http/1.1", TLS1_2_VERSION), "http/1.1");
  EXPECT_EQ(negotiate(server, "\x02h2", TLS1_3_VERSION), "none");
  EXPECT_EQ(negotiate(server, "\x08http/1.1", TLS1_1_VERSION), "refused");
}

TEST(HttpClient, SeesReloadedCertificates) {
  const TestCertificate certificate("first");
  HttpServerSettings settings;
  settings.tls = certificate.files();
  TestServer server(settings);
  const std::string url = url_of(server, "/echo", "https");
  const auto trusting = [&] {
    HttpClientSettings client;
    client.tls = TlsClientFiles{certificate.files().certificate_chain, {}, {}};
    return client;
  };
  Client before(trusting());
  EXPECT_EQ(code_of(before.get(url)), "status 200");
  certificate.renew("second");
  EXPECT_EQ(code_of(Client(trusting()).get(url)), "http.tls-failed") << "the server still shows the old one";
  ASSERT_TRUE(server.server().reload_certificates().has_value());
  EXPECT_EQ(code_of(Client(trusting()).get(url)), "status 200");
  EXPECT_EQ(code_of(before.get(url)), "status 200") << "open connections go on";
  std::ofstream(certificate.files().private_key) << "no key";
  EXPECT_FALSE(server.server().reload_certificates().has_value());
  EXPECT_EQ(code_of(Client(trusting()).get(url)), "status 200") << "the last good files stay in use";
}

TEST(HttpClient, ShowsItsCertificateWhenTheServerAsks) {
  const TestCertificate server_certificate;
  const TestCertificate own("caller");
  HttpServerSettings settings;
  settings.tls = server_certificate.files();
  settings.tls->client_authority = own.files().certificate_chain;
  TestServer server(settings);
  HttpClientSettings with;
  with.tls = TlsClientFiles{server_certificate.files().certificate_chain, own.files().certificate_chain, own.files().private_key};
  EXPECT_EQ(code_of(Client(with).get(url_of(server, "/echo", "https"))), "status 200");
  HttpClientSettings without;
  without.tls = TlsClientFiles{server_certificate.files().certificate_chain, {}, {}};
  EXPECT_NE(code_of(Client(without).get(url_of(server, "/echo", "https"))), "status 200");
}

// Collects what comes; any thread may look.
class Collector final : public WebSocketListener {
 public:
  void on_open(std::shared_ptr<WebSocket> socket) override {
    const std::lock_guard lock(mutex_);
    socket_ = std::move(socket);
  }
  void on_text(std::string text) override {
    const std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
  }
  void on_close(std::uint16_t code) override {
    const std::lock_guard lock(mutex_);
    code_ = code;
  }
  std::vector<std::string> texts() const {
    const std::lock_guard lock(mutex_);
    return texts_;
  }
  std::uint16_t code() const {
    const std::lock_guard lock(mutex_);
    return code_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<WebSocket> socket_;
  std::vector<std::string> texts_;
  std::uint16_t code_ = 0;
};

void talk_and_close(TestServer& server, Client& client, const std::string& url) {
  auto collector = std::make_shared<Collector>();
  HttpCall call;
  call.url = url;
  const auto socket = client.open(call, collector);
  ASSERT_TRUE(socket.has_value()) << socket.error().describe();
  client.loop().post([socket = *socket] {
    for (int i = 0; i < 50; ++i) socket->send(std::to_string(i) + std::string(10'000, 't'));
  });
  ASSERT_TRUE(server.eventually([&] { return collector->texts().size() == 50; }));
  EXPECT_TRUE(collector->texts().back().starts_with("49t"));
  client.loop().post([socket = *socket] { socket->close(1000, "done"); });
  EXPECT_TRUE(server.eventually([&] { return collector->code() == 1000; }));
  EXPECT_TRUE(server.eventually([&] { return server.application().close_codes() == std::vector<std::uint16_t>{1000}; }));
  client.loop().post([socket = *socket] { socket->send("into the void"); });
}

TEST(WebSocketClient, TalksAndCloses) {
  TestServer server;
  Client client;
  talk_and_close(server, client, url_of(server, "/socket", "ws"));
}

TEST(WebSocketClient, TalksAndClosesUnderTls) {
  const TestCertificate certificate;
  HttpServerSettings settings;
  settings.tls = certificate.files();
  TestServer server(settings);
  HttpClientSettings trusting;
  trusting.tls = TlsClientFiles{certificate.files().certificate_chain, {}, {}};
  Client client(trusting);
  talk_and_close(server, client, url_of(server, "/socket", "wss"));
}

TEST(WebSocketClient, HearsTheServersCodeAndItsRefusal) {
  TestServer server;
  Client client;
  auto collector = std::make_shared<Collector>();
  HttpCall call;
  call.url = url_of(server, "/socket", "ws");
  const auto socket = client.open(call, collector);
  ASSERT_TRUE(socket.has_value());
  client.loop().post([socket = *socket] { socket->send("close 4002 replaced"); });
  EXPECT_TRUE(server.eventually([&] { return collector->code() == 4002; }));
  call.url = url_of(server, "/other", "ws");
  const auto refused = client.open(call, collector);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "http.upgrade-refused");
  EXPECT_NE(refused.error().detail.find("401"), std::string::npos);
}

}  // namespace
}  // namespace consilium::net

// The fixtures of `loopback_testing.h`; named so that they are built into the test program alone.
#include "net/loopback_testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "net/message_reader.h"
#include "runtime/panic_testing.h"

namespace consilium::net::testing {
namespace {

constexpr std::uint32_t kMask = 0x12345678;

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class EchoListener final : public WebSocketListener {
 public:
  explicit EchoListener(TestApplication& application) : application_(application) {}

  void on_open(std::shared_ptr<WebSocket> socket) override {
    socket_ = std::move(socket);
    application_.note_open();
  }
  void on_text(std::string text) override {
    if (text == "throw") runtime::testing::throw_from_deep_inside("listener");
    if (text.starts_with("close ")) {
      const std::string_view rest = std::string_view(text).substr(6);
      return socket_->close(static_cast<std::uint16_t>(number_in(rest)), rest.substr(std::min(rest.size(), std::size_t{5})));
    }
    if (text.starts_with("flood ")) return flood(text);
    socket_->send(std::move(text));
  }
  void on_close(std::uint16_t code) override { application_.note_close(code); }

 private:
  void flood(std::string_view text) {
    const std::size_t count = number_in(text.substr(6));
    const std::size_t size = number_in(text.substr(text.rfind(' ') + 1));
    std::size_t taken = 0;
    while (taken < count && socket_->send(std::string(size, 'x'))) ++taken;
    if (taken < count) socket_->close(4003, "took " + std::to_string(taken));
  }

  TestApplication& application_;
  std::shared_ptr<WebSocket> socket_;
};

}  // namespace

RawPeer::RawPeer(const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(endpoint.path.begin(), endpoint.path.end(), address.sun_path);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("connect");
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("connect");
  }
  const timeval limit{30, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

RawPeer::~RawPeer() {
  if (socket_ >= 0) ::close(socket_);
}

void RawPeer::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RawPeer::send_half_close() const { ::shutdown(socket_, SHUT_WR); }

void RawPeer::shrink_receive_buffer() const {
  const int size = 4096;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

std::string RawPeer::receive_some() {
  if (!pending_.empty()) return std::exchange(pending_, {});
  char buffer[65536];
  const ssize_t received = ::recv(socket_, buffer, sizeof buffer, 0);
  return received > 0 ? std::string(buffer, static_cast<std::size_t>(received)) : std::string();
}

std::string RawPeer::receive_all() {
  std::string all;
  for (std::string some = receive_some(); !some.empty(); some = receive_some()) all += some;
  return all;
}

bool RawPeer::ends() {
  char byte = 0;
  return pending_.empty() && ::recv(socket_, &byte, 1, 0) == 0;
}

std::string RawPeer::receive_until(std::string_view end) {
  std::string text;
  while (text.find(end) == std::string::npos) {
    const std::string some = receive_some();
    if (some.empty()) return text;
    text += some;
  }
  const std::size_t at = text.find(end) + end.size();
  pending_ = text.substr(at);
  text.resize(at);
  return text;
}

HttpResponse RawPeer::receive_response(std::string_view method) {
  ResponseReader reader(method == "HEAD" ? ResponseBody::kNone : ResponseBody::kAsDeclared, 64 * 1024 * 1024);
  std::string input;
  while (reader.stage() != ReadStage::kComplete && reader.stage() != ReadStage::kFailed) {
    const std::string some = receive_some();
    if (some.empty()) {
      reader.end_of_stream();
      break;
    }
    input += some;
    input.erase(0, reader.consume(input));
  }
  pending_ = input;
  if (reader.stage() != ReadStage::kComplete) return {0, {}, {}};
  return reader.take();
}

HttpResponse RawPeer::ask(std::string_view request) {
  send(request);
  return receive_response(request.substr(0, request.find(' ')));
}

HttpResponse RawPeer::upgrade(std::string_view path, std::string_view more_headers) {
  std::string request =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
  request += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + std::string(more_headers) + "\r\n";
  return ask(request);
}

void RawPeer::send_frame(Opcode opcode, std::string_view payload) const { send(encode_frame(opcode, payload, kMask)); }

std::optional<WebSocketEvent> RawPeer::receive_event() {
  for (;;) {
    std::string_view input = pending_;
    auto event = decoder_.next(input);
    pending_ = std::string(input);
    if (event || decoder_.failure()) return event;
    const std::string some = receive_some();
    if (some.empty()) return std::nullopt;
    pending_ = some;
  }
}

std::uint16_t RawPeer::receive_close() {
  while (const auto event = receive_event()) {
    if (event->kind == WebSocketEvent::Kind::kClose) return event->code;
  }
  return close_code::kAbnormal;
}

Task<HttpResponse> TestApplication::handle(runtime::Scheduler& loop, HttpRequest request) {
  if (!loop.is_current()) throw std::logic_error("called on another loop");
  const std::string path(request.path());
  HttpResponse response;
  response.headers.emplace_back("Content-Type", "text/plain");
  if (path == "/throw") runtime::testing::throw_from_deep_inside("the handler's secret");
  if (path == "/split") response.headers.emplace_back("Location", "/a\r\nSet-Cookie: stolen");
  if (path == "/sleep") co_await loop.sleep_for(milliseconds(static_cast<std::int64_t>(number_in(request.query()))));
  if (path == "/patient") {
    while (!request.cancellation->requested()) co_await loop.sleep_for(milliseconds(1));
    ++given_up_;
  }
  if (path == "/large") response.body = std::string(number_in(request.query()), 'l');
  if (path == "/empty") response.status = 204;
  if (path == "/echo") response.body = request.method + " " + request.target + " " + request.remote_address + " " + request.body;
  co_return response;
}

Task<UpgradeAnswer> TestApplication::upgrade(runtime::Scheduler& loop, HttpRequest request) {
  if (request.path() == "/throw") throw std::runtime_error("upgrade");
  if (request.path() == "/slow-socket") co_await loop.sleep_for(milliseconds(30));
  if (request.path() != "/socket" && request.path() != "/slow-socket") co_return std::unexpected(HttpResponse{401, {}, "who are you"});
  UpgradeAccepted accepted;
  accepted.listener = std::make_shared<EchoListener>(*this);
  accepted.sub_protocol = std::string(request.header("sec-websocket-protocol"));
  co_return accepted;
}

std::vector<std::uint16_t> TestApplication::close_codes() const {
  const std::lock_guard lock(mutex_);
  return close_codes_;
}

std::size_t TestApplication::opened() const {
  const std::lock_guard lock(mutex_);
  return opened_;
}

void TestApplication::note_open() {
  const std::lock_guard lock(mutex_);
  ++opened_;
}

void TestApplication::note_close(std::uint16_t code) {
  const std::lock_guard lock(mutex_);
  close_codes_.push_back(code);
}

TestServer::TestServer(HttpServerSettings settings, std::size_t loop_count) : loops_("http", loop_count) {
  if (!settings.listen.is_unix()) settings.listen = {"127.0.0.1", 0, {}};
  std::vector<runtime::Scheduler*> loops;
  for (std::size_t i = 0; i < loops_.size(); ++i) loops.push_back(&loops_.at(i));
  auto server = HttpServer::start(std::move(settings), application_, loops, random_);
  if (!server) throw std::runtime_error(server.error().describe());
  server_ = std::move(*server);
  loops_.start();
}

TestServer::~TestServer() {
  if (server_) stop(milliseconds(500));
  loops_.stop();
  loops_.join();
}

std::future<std::size_t> TestServer::stop_later(Duration grace) {
  auto promise = std::make_shared<std::promise<std::size_t>>();
  auto future = promise->get_future();
  loops_.at(0).spawn("stop", store_outcome(server_->stop(loops_.at(0), grace), promise));
  return future;
}

std::size_t TestServer::stop(Duration grace) { return stop_later(grace).get(); }

void TestServer::pause() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

TestCertificate::TestCertificate(std::string common_name) { renew(common_name); }

void TestCertificate::renew(const std::string& common_name) const {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  X509* x509 = certificate.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), static_cast<long>(std::hash<std::string>{}(common_name) & 0xFFFF));
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, key.get());
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509, name);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(x509, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(x509, key.get(), EVP_sha256());
  const auto write = [&](const char* file, auto print) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen((folder() + file).c_str(), "w"), &std::fclose);
    print(out.get());
  };
  write("/certificate.pem", [&](std::FILE* out) { PEM_write_X509(out, x509); });
  write("/key.pem", [&](std::FILE* out) { PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

}  // namespace consilium::net::testing

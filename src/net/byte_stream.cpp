#include "net/byte_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/ip_address.h"
#include "net/tls_context.h"

namespace consilium::net {
namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that has gone would kill the process by SIGPIPE.
int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(socket_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t received = ::recv(socket_of(bio), out, static_cast<std::size_t>(size), 0);
  if (received < 0 && would_block()) BIO_set_retry_read(bio);
  if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(received);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "consilium socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

}  // namespace

ByteStream::ByteStream(boost::asio::io_context& loop, int socket) : descriptor_(loop, socket) {}

ByteStream::ByteStream(ByteStream&& other) noexcept
    : descriptor_(std::move(other.descriptor_)), context_(std::move(other.context_)), ssl_(std::exchange(other.ssl_, nullptr)) {}

ByteStream::~ByteStream() { SSL_free(ssl_); }

bool ByteStream::begin_tls(TlsContextPointer context) {
  context_ = std::move(context);
  ssl_ = SSL_new(context_->get());
  BIO* bio = BIO_new(bio_method());
  if (ssl_ == nullptr || bio == nullptr) return false;
  // A number to keep, never followed. NOLINTNEXTLINE(performance-no-int-to-ptr)
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor_.native_handle())));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  return true;
}

bool ByteStream::begin_tls_server(TlsContextPointer context) {
  if (!begin_tls(std::move(context))) return false;
  SSL_set_accept_state(ssl_);
  return true;
}

bool ByteStream::begin_tls_client(TlsContextPointer context, const std::string& host) {
  if (!begin_tls(std::move(context))) return false;
  SSL_set_connect_state(ssl_);
  if (IpAddress::parse(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl_, host.c_str()) == 1 && SSL_set1_host(ssl_, host.c_str()) == 1;
}

std::string ByteStream::certificate_problem() const {
  const long verdict = ssl_ == nullptr ? X509_V_OK : SSL_get_verify_result(ssl_);
  return verdict == X509_V_OK ? std::string() : X509_verify_cert_error_string(verdict);
}

IoResult ByteStream::tls_outcome(int returned) {
  if (returned > 0) return {IoStatus::kDone, static_cast<std::size_t>(returned)};
  const int error = SSL_get_error(ssl_, returned);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ: return {IoStatus::kNeedRead};
    case SSL_ERROR_WANT_WRITE: return {IoStatus::kNeedWrite};
    case SSL_ERROR_ZERO_RETURN: return {IoStatus::kEnd};
    default: return {IoStatus::kFailed};
  }
}

IoResult ByteStream::handshake() {
  ERR_clear_error();
  return tls_outcome(SSL_do_handshake(ssl_));
}

IoResult ByteStream::read(char* out, std::size_t size) {
  if (!is_open()) return {IoStatus::kFailed};
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return tls_outcome(SSL_read(ssl_, out, static_cast<int>(size)));
  }
  const ssize_t received = ::recv(descriptor_.native_handle(), out, size, 0);
  if (received > 0) return {IoStatus::kDone, static_cast<std::size_t>(received)};
  if (received == 0) return {IoStatus::kEnd};
  return {would_block() ? IoStatus::kNeedRead : IoStatus::kFailed};
}

IoResult ByteStream::write(const char* bytes, std::size_t size) {
  if (!is_open()) return {IoStatus::kFailed};
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return tls_outcome(SSL_write(ssl_, bytes, static_cast<int>(size)));
  }
  const ssize_t sent = ::send(descriptor_.native_handle(), bytes, size, MSG_NOSIGNAL);
  if (sent >= 0) return {IoStatus::kDone, static_cast<std::size_t>(sent)};
  return {would_block() ? IoStatus::kNeedWrite : IoStatus::kFailed};
}

void ByteStream::end_writing() {
  if (!is_open()) return;
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_)) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  ::shutdown(descriptor_.native_handle(), SHUT_WR);
}

bool ByteStream::peer_has_ended() {
  if (!is_open()) return true;
  pollfd look{descriptor_.native_handle(), POLLRDHUP, 0};
  return ::poll(&look, 1, 0) > 0;
}

void ByteStream::close() {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
}

void ByteStream::cancel() {
  boost::system::error_code ignored;
  if (descriptor_.is_open()) descriptor_.cancel(ignored);
}

}  // namespace consilium::net

#include "net/tls.h"

#include <openssl/err.h>

#include <string_view>

#include "net/tls_context.h"

namespace consilium::net {
namespace {

constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr unsigned char kHttp2[] = {2, 'h', '2'};

Failure unusable(const std::string& what) {
  return fail(ErrorKind::kUnavailable, "net.unusable-tls-files", what + ": " + last_tls_error());
}

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Idle connections give their buffers back, and a write may be repeated from another place.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
}

template <std::size_t kSize>
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void* own) {
  unsigned char* chosen = nullptr;
  const auto* spoken = static_cast<const unsigned char*>(own);
  if (SSL_select_next_proto(&chosen, out_size, spoken, kSize, in, in_size) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

template <std::size_t kSize>
void speak(SSL_CTX* context, const unsigned char (&protocol)[kSize]) {
  SSL_CTX_set_alpn_select_cb(context, choose_protocol<kSize>, const_cast<unsigned char*>(protocol));
}

Result<void> use_own_certificate(SSL_CTX* context, const std::string& chain, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, chain.c_str()) != 1) return unusable("Expected a readable certificate chain in " + chain);
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return unusable("Expected the certificate's private key in " + key);
  return {};
}

}  // namespace

std::string last_tls_error() {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

Result<TlsContextPointer> make_server_tls(const TlsServerFiles& files, Alpn alpn) {
  auto context = std::make_shared<TlsContext>(TLS_server_method());
  SSL_CTX* ssl = context->get();
  set_common(ssl);
  if (alpn == Alpn::kHttp2) speak(ssl, kHttp2);
  if (alpn == Alpn::kHttp11) speak(ssl, kHttp11);
  constexpr unsigned char kSessionName[] = "consilium";
  SSL_CTX_set_session_id_context(ssl, kSessionName, sizeof kSessionName - 1);
  TRY(use_own_certificate(ssl, files.certificate_chain, files.private_key));
  if (!files.client_authority.empty()) {
    if (SSL_CTX_load_verify_locations(ssl, files.client_authority.c_str(), nullptr) != 1)
      return unusable("Expected certificates in " + files.client_authority);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

Result<TlsContextPointer> make_client_tls(const TlsClientFiles& files) {
  auto context = std::make_shared<TlsContext>(TLS_client_method());
  SSL_CTX* ssl = context->get();
  set_common(ssl);
  SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(ssl, kHttp11, sizeof kHttp11);
  const int loaded = files.authority.empty() ? SSL_CTX_set_default_verify_paths(ssl)
                                             : SSL_CTX_load_verify_locations(ssl, files.authority.c_str(), nullptr);
  if (loaded != 1) return unusable("Expected certificates in " + files.authority);
  if (!files.certificate_chain.empty()) TRY(use_own_certificate(ssl, files.certificate_chain, files.private_key));
  return context;
}

}  // namespace consilium::net

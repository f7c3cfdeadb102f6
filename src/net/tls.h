// TLS 1.2 and later by OpenSSL: what a side of a connection needs to be able to speak it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace consilium::net {

// Paths of PEM files.
struct TlsServerFiles {
  std::string certificate_chain;
  std::string private_key;
  std::string client_authority;  // when set, clients must show a certificate that it signed
};

struct TlsClientFiles {
  std::string authority;          // empty: the system's
  std::string certificate_chain;  // of our own, for mutual TLS; may be empty
  std::string private_key;
};

// Immutable once made; connections that use one keep it alive. Hides SSL_CTX. Any thread.
class TlsContext;
using TlsContextPointer = std::shared_ptr<const TlsContext>;

// What a server speaks under TLS. A client that offers only others is served all the same, as one that offers nothing.
enum class Alpn { kHttp11, kHttp2 };

// Fails with kUnavailable and the reason when a file cannot be read or the key is not the certificate's.
Result<TlsContextPointer> make_server_tls(const TlsServerFiles& files, Alpn alpn = Alpn::kHttp11);
Result<TlsContextPointer> make_client_tls(const TlsClientFiles& files);

}  // namespace consilium::net

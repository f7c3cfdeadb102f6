// What stands behind `TlsContext`. Only the .cpp files that speak to sockets include it.
#pragma once

#include <openssl/ssl.h>

#include "net/tls.h"

namespace consilium::net {

class TlsContext {
 public:
  explicit TlsContext(const SSL_METHOD* method) : context_(SSL_CTX_new(method)) {}
  ~TlsContext() { SSL_CTX_free(context_); }
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_; }

 private:
  SSL_CTX* context_;
};

// The reason of OpenSSL's last failure on this thread; empties its error queue.
std::string last_tls_error();

}  // namespace consilium::net

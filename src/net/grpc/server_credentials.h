// Certificates as gRPC wants them. Only the .cpp files that name gRPC include it.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>
#include <string>

#include "net/grpc/grpc_values.h"
#include "net/tls.h"

namespace consilium::net {

inline Result<std::shared_ptr<grpc::ServerCredentials>> credentials_of(const std::optional<TlsServerFiles>& tls) {
  if (!tls) return grpc::InsecureServerCredentials();
  ASSIGN_OR_RETURN(std::string key, read_pem(tls->private_key));
  ASSIGN_OR_RETURN(std::string chain, read_pem(tls->certificate_chain));
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(chain)});
  if (!tls->client_authority.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, read_pem(tls->client_authority));
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

}  // namespace consilium::net

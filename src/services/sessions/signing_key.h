// One ES256 key (ECDSA over P-256 with SHA-256, RFC 7518 §3.4).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

struct evp_pkey_st;

namespace consilium::sessions {

// Immutable; safe from any thread.
class SigningKey {
 public:
  // 32 random bytes that are a valid scalar.
  static Secret make_private_key(RandomSource& random);
  // `sessions.bad-key` (kInternal) for what is no scalar of the curve.
  static Result<std::shared_ptr<const SigningKey>> from_private(const Secret& scalar, Timestamp created);

  const std::string& id() const { return id_; }  // RFC 7638 thumbprint
  Timestamp created() const { return created_; }
  // The public half as a JWK, with `kid`, `use` and `alg`.
  std::string public_jwk() const;

  // 64 bytes: r and s. Each call gives another one: ECDSA takes randomness of OpenSSL's own.
  std::string sign(std::string_view text) const;
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  SigningKey() = default;

  std::shared_ptr<evp_pkey_st> key_;
  std::string id_;
  std::string x_;  // base64url
  std::string y_;
  Timestamp created_;
};

}  // namespace consilium::sessions

#include "services/sessions/signing_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <cstdlib>
#include <span>

#include "base/base64.h"
#include "base/digest.h"

namespace consilium::sessions {
namespace {

constexpr std::size_t kScalarSize = 32;
constexpr std::size_t kPointSize = 1 + 2 * kScalarSize;  // uncompressed

template <auto kFunction>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    kFunction(pointer);
  }
};
using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using Group = std::unique_ptr<EC_GROUP, Free<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Free<EC_POINT_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Number number_of(std::string_view bytes) { return Number(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr)); }

Group curve() { return Group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)); }

bool is_scalar(const BIGNUM* number, const EC_GROUP* group) {
  return !BN_is_zero(number) && BN_cmp(number, EC_GROUP_get0_order(group)) < 0;
}

// The uncompressed point; empty when OpenSSL refuses.
std::string public_point(const EC_GROUP* group, const BIGNUM* scalar) {
  const Point point(EC_POINT_new(group));
  if (EC_POINT_mul(group, point.get(), scalar, nullptr, nullptr, nullptr) != 1) return {};
  std::string bytes(kPointSize, '\0');
  if (EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED, bytes_of(bytes), bytes.size(), nullptr) != kPointSize)
    return {};
  return bytes;
}

std::shared_ptr<EVP_PKEY> key_of(const BIGNUM* scalar, std::string_view point) {
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return nullptr;
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 || EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) != 1)
    return nullptr;
  return {key, EVP_PKEY_free};
}

// Signing with a sound key fails only when OpenSSL itself is broken.
void require(bool done) {
  if (!done) std::abort();
}

}  // namespace

Secret SigningKey::make_private_key(RandomSource& random) {
  const Group group = curve();
  for (;;) {
    std::string bytes(kScalarSize, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    if (is_scalar(number_of(bytes).get(), group.get())) return Secret(std::move(bytes));
  }
}

Result<std::shared_ptr<const SigningKey>> SigningKey::from_private(const Secret& scalar, Timestamp created) {
  const auto bad = [] { return fail(ErrorKind::kInternal, "sessions.bad-key", "Expected a private key of P-256"); };
  if (scalar.reveal().size() != kScalarSize) return bad();
  const Group group = curve();
  const Number number = number_of(scalar.reveal());
  if (!is_scalar(number.get(), group.get())) return bad();
  const std::string point = public_point(group.get(), number.get());
  std::shared_ptr<SigningKey> key(new SigningKey());
  key->key_ = key_of(number.get(), point);
  if (point.empty() || !key->key_) return bad();
  key->created_ = created;
  key->x_ = encode_base64url(std::string_view(point).substr(1, kScalarSize));
  key->y_ = encode_base64url(std::string_view(point).substr(1 + kScalarSize));
  key->id_ = encode_base64url(sha256(R"({"crv":"P-256","kty":"EC","x":")" + key->x_ + R"(","y":")" + key->y_ + R"("})"));
  return key;
}

std::string SigningKey::public_jwk() const {
  return R"({"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":")" + id_ + R"(","x":")" + x_ + R"(","y":")" + y_ + R"("})";
}

std::string SigningKey::sign(std::string_view text) const {
  const DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) == 1);
  std::string der(size, '\0');
  require(EVP_DigestSign(context.get(), bytes_of(der), &size, bytes_of(text), text.size()) == 1);
  const unsigned char* start = bytes_of(std::string_view(der));
  const Signature signature(d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(size)));
  require(signature != nullptr);
  std::string raw(2 * kScalarSize, '\0');
  require(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes_of(raw), kScalarSize) == kScalarSize);
  require(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes_of(raw) + kScalarSize, kScalarSize) == kScalarSize);
  return raw;
}

bool SigningKey::verify(std::string_view text, std::string_view signature) const {
  if (signature.size() != 2 * kScalarSize) return false;
  const Signature pair(ECDSA_SIG_new());
  // The pair owns both numbers after it.
  require(ECDSA_SIG_set0(pair.get(), number_of(signature.substr(0, kScalarSize)).release(),
                         number_of(signature.substr(kScalarSize)).release()) == 1);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  require(size > 0);
  const DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  const int valid = EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), bytes_of(text), text.size());
  OPENSSL_free(der);
  // A refused signature leaves errors on the thread, which TLS would take for its own.
  if (valid != 1) ERR_clear_error();
  return valid == 1;
}

}  // namespace consilium::sessions

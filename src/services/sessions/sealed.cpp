#include "services/sessions/sealed.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <memory>
#include <span>

#include "base/digest.h"

namespace consilium::sessions {
namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string key_of(const Secret& token) { return hmac_sha256(token.reveal(), "consilium.sessions.sealed-answer.v1"); }

// Encryption fails only when OpenSSL itself is broken.
void require(bool done) {
  if (!done) std::abort();
}

}  // namespace

std::string seal(const Secret& token, std::string_view text, RandomSource& random) {
  std::string nonce(kNonceSize, '\0');
  random.fill(std::as_writable_bytes(std::span(nonce)));
  const std::string key = key_of(token);
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string secret(text.size(), '\0');
  std::string tag(kTagSize, '\0');
  int size = 0;
  require(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(std::string_view(key)),
                             bytes_of(std::string_view(nonce))) == 1);
  require(EVP_EncryptUpdate(context.get(), bytes_of(secret), &size, bytes_of(text), static_cast<int>(text.size())) == 1);
  require(EVP_EncryptFinal_ex(context.get(), bytes_of(secret) + size, &size) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag.data()) == 1);
  return nonce + secret + tag;
}

std::optional<std::string> unseal(const Secret& token, std::string_view sealed) {
  if (sealed.size() < kNonceSize + kTagSize) return std::nullopt;
  const std::string_view nonce = sealed.substr(0, kNonceSize);
  const std::string_view secret = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  const std::string key = key_of(token);
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string text(secret.size(), '\0');
  int size = 0;
  require(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(std::string_view(key)), bytes_of(nonce)) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1);
  const bool opened = EVP_DecryptUpdate(context.get(), bytes_of(text), &size, bytes_of(secret), static_cast<int>(secret.size())) == 1 &&
                      EVP_DecryptFinal_ex(context.get(), bytes_of(text) + size, &size) == 1;
  if (!opened) {
    // Left on the thread, TLS would take the error for its own.
    ERR_clear_error();
    return std::nullopt;
  }
  return text;
}

}  // namespace consilium::sessions

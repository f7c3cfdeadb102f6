#include "services/chat/action_token.h"

#include "base/base64.h"
#include "base/digest.h"

namespace consilium::chat {
namespace {

constexpr std::size_t kExpiryBytes = 8;

std::string bytes_of(std::uint64_t number) {
  std::string bytes(kExpiryBytes, '\0');
  for (std::size_t i = 0; i < kExpiryBytes; ++i) bytes[kExpiryBytes - 1 - i] = static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

std::int64_t number_of(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(number);
}

}  // namespace

// Every part before the action has a fixed length, so no two inputs read the same.
std::string ActionTokens::mac(const Uuid& post, std::string_view action, const Uuid& person, std::string_view expiry) const {
  std::string message = "consilium.chat.action.v1";
  message += post.raw();
  message += person.raw();
  message += expiry;
  message += action;
  return hmac_sha256(key_.reveal(), message);
}

std::string ActionTokens::make(const Uuid& post, std::string_view action, const Uuid& person, Timestamp expiry) const {
  const std::string when = bytes_of(static_cast<std::uint64_t>(expiry.microseconds));
  return encode_base64url(when + mac(post, action, person, when));
}

bool ActionTokens::valid(std::string_view token, const Uuid& post, std::string_view action, const Uuid& person, Timestamp now) const {
  const auto bytes = decode_base64url(token);
  if (!bytes || bytes->size() != kExpiryBytes + kDigestSize) return false;
  const std::string_view expiry = std::string_view(*bytes).substr(0, kExpiryBytes);
  const std::string_view given = std::string_view(*bytes).substr(kExpiryBytes);
  if (!equal_in_constant_time(given, mac(post, action, person, expiry))) return false;
  return now.microseconds < number_of(expiry);
}

}  // namespace consilium::chat

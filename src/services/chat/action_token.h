// The MAC that a button of a post carries: only the person to whom it was shown can press it, on that post, that action,
// until it expires. Tokens are made when a post is read and never stored.
#pragma once

#include <string>
#include <string_view>

#include "base/id.h"
#include "base/secret.h"
#include "base/time.h"

namespace consilium::chat {

class ActionTokens {
 public:
  // At least 32 bytes, random, the same in all processes of the platform.
  explicit ActionTokens(Secret key) : key_(std::move(key)) {}

  std::string make(const Uuid& post, std::string_view action, const Uuid& person, Timestamp expiry) const;
  bool valid(std::string_view token, const Uuid& post, std::string_view action, const Uuid& person, Timestamp now) const;

 private:
  std::string mac(const Uuid& post, std::string_view action, const Uuid& person, std::string_view expiry) const;

  Secret key_;
};

}  // namespace consilium::chat

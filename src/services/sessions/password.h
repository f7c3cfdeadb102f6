// Passwords: Argon2id hashes as PHC strings, made and compared on the pool. Safe from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "runtime/blocking_pool.h"
#include "runtime/context.h"
#include "services/sessions/settings.h"

namespace consilium::sessions {

inline constexpr std::size_t kMinPasswordLength = 10;  // characters
inline constexpr std::size_t kSaltSize = 16;           // bytes
inline constexpr std::size_t kHashSize = 32;           // bytes

// `sessions.weak-password` for short, very common or trivially built ones, and for the person's own login name.
Result<void> check_password_strength(const Secret& password, std::string_view username);

class PasswordHasher {
 public:
  PasswordHasher(runtime::BlockingPool& pool, PasswordSettings settings);

  // Errors: those of the pool.
  Task<Result<std::string>> hash(runtime::Context& context, Secret password);
  // Always one run of Argon2, whatever `hash` is.
  Task<Result<bool>> verify(runtime::Context& context, Secret password, std::string hash);

  // Made with other settings than today's.
  bool is_outdated(std::string_view hash) const;
  // The hash of no password, for people who do not exist: comparing with it costs as much as with a real one.
  const std::string& decoy() const { return decoy_; }
  // Runs of Argon2 so far.
  std::uint64_t runs() const { return runs_; }

 private:
  runtime::BlockingPool& pool_;
  PasswordSettings settings_;
  std::string prefix_;  // of every hash made with the settings
  std::string decoy_;
  std::atomic<std::uint64_t> runs_ = 0;
};

}  // namespace consilium::sessions

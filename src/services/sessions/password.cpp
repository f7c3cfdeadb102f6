#include "services/sessions/password.h"

#include <argon2.h>

#include <algorithm>
#include <array>

#include "services/sessions/common_passwords.h"

namespace consilium::sessions {
namespace {

std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// `aaaaaaaaaa`, `1234567890`, `abcabcabcabc`: one short piece again and again, or each character the neighbour of the last.
bool is_trivial(std::string_view text) {
  constexpr std::size_t kLongestPiece = 4;
  for (std::size_t piece = 1; piece <= kLongestPiece && piece < text.size(); ++piece) {
    if (text.substr(piece) == text.substr(0, text.size() - piece)) return true;
  }
  const auto runs_by = [&](int step) {
    return std::adjacent_find(text.begin(), text.end(), [&](char a, char b) { return b - a != step; }) == text.end();
  };
  return runs_by(1) || runs_by(-1);
}

Failure weak(std::string_view why) { return fail(ErrorKind::kValidation, "sessions.weak-password", why); }

}  // namespace

Result<void> check_password_strength(const Secret& password, std::string_view username) {
  if (characters_in(password.reveal()) < kMinPasswordLength) return weak("Expected at least 10 characters");
  const std::string text = lower(password.reveal());
  if (is_common_password(text)) return weak("Expected a password that is not among the most common ones");
  if (is_trivial(text)) return weak("Expected more than a repetition or a sequence");
  if (text == lower(username)) return weak("Expected a password that is not the login name");
  return {};
}

PasswordHasher::PasswordHasher(runtime::BlockingPool& pool, PasswordSettings settings) : pool_(pool), settings_(settings) {
  prefix_ = "$argon2id$v=19$m=" + std::to_string(settings.memory_kib) + ",t=" + std::to_string(settings.iterations) +
            ",p=" + std::to_string(settings.lanes) + "$";
  // Salt and hash of nothing: 22 and 43 characters of base64.
  decoy_ = prefix_ + std::string(22, 'A') + "$" + std::string(43, 'A');
}

Task<Result<std::string>> PasswordHasher::hash(runtime::Context& context, Secret password) {
  std::array<std::byte, kSaltSize> salt{};
  context.random().fill(salt);
  auto work = [this, salt, password = std::move(password)]() -> Result<std::string> {
    ++runs_;
    const PasswordSettings& cost = settings_;
    std::string encoded(argon2_encodedlen(cost.iterations, cost.memory_kib, cost.lanes, kSaltSize, kHashSize, Argon2_id), '\0');
    const int code = argon2id_hash_encoded(cost.iterations, cost.memory_kib, cost.lanes, password.reveal().data(), password.reveal().size(),
                                           salt.data(), salt.size(), kHashSize, encoded.data(), encoded.size());
    if (code != ARGON2_OK) return fail(internal_error(argon2_error_message(code)));
    encoded.resize(encoded.find('\0'));
    return encoded;
  };
  auto answer = co_await pool_.run(context, std::move(work));
  co_return answer;
}

Task<Result<bool>> PasswordHasher::verify(runtime::Context& context, Secret password, std::string hash) {
  auto work = [this, password = std::move(password), hash = std::move(hash)]() -> Result<bool> {
    ++runs_;
    const int code = argon2id_verify(hash.c_str(), password.reveal().data(), password.reveal().size());
    if (code == ARGON2_OK) return true;
    if (code == ARGON2_VERIFY_MISMATCH) return false;
    return fail(internal_error(argon2_error_message(code)));
  };
  auto answer = co_await pool_.run(context, std::move(work));
  co_return answer;
}

bool PasswordHasher::is_outdated(std::string_view hash) const { return !hash.starts_with(prefix_); }

}  // namespace consilium::sessions

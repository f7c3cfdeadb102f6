// Texts that only the holder of a token can read: kept so that a lost answer can be given again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/secret.h"

namespace consilium::sessions {

// AES-256-GCM under a key derived from `token`, which has full entropy. 12 bytes nonce, text, 16 bytes tag.
std::string seal(const Secret& token, std::string_view text, RandomSource& random);
// nullopt for another token or an altered text.
std::optional<std::string> unseal(const Secret& token, std::string_view sealed);

}  // namespace consilium::sessions

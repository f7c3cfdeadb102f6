// The keys that sign and verify tokens. A new key is published some time before it signs, an old one stays until the
// last token that it signed has expired, so that others who cache the published keys never meet an unknown one.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "services/sessions/key_store.h"
#include "services/sessions/settings.h"
#include "services/sessions/signing_key.h"

namespace consilium::sessions {

// Safe from any thread.
class KeyRing {
 public:
  // Loads the keys, makes the first one. Blocking. `store` outlives the ring.
  static Result<std::unique_ptr<KeyRing>> open(KeyStore& store, KeySettings settings, RandomSource& random, Timestamp now);

  // Makes the next key when the newest is old enough, removes those that nobody needs any more. Blocking; call it now
  // and then, at least once in `overlap`. Whether anything changed.
  Result<bool> rotate(RandomSource& random, Timestamp now);

  // The key that signs at `now`: the newest that has been published for `overlap`, else the oldest.
  std::shared_ptr<const SigningKey> signing_key(Timestamp now) const;
  // nullptr when there is none of that id.
  std::shared_ptr<const SigningKey> find(std::string_view id) const;
  // `{"keys": […]}`, RFC 7517.
  std::string jwks() const;

 private:
  using Keys = std::vector<std::shared_ptr<const SigningKey>>;  // oldest first

  KeyRing(KeyStore& store, KeySettings settings) : store_(store), settings_(settings) {}
  Result<void> add_new(RandomSource& random, Timestamp now);
  bool is_superseded(std::size_t index, Timestamp now) const;

  KeyStore& store_;
  KeySettings settings_;
  mutable std::mutex mutex_;
  Keys keys_;
};

}  // namespace consilium::sessions

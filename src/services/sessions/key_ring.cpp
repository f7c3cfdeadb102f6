#include "services/sessions/key_ring.h"

#include <algorithm>
#include <ranges>

namespace consilium::sessions {

Result<std::unique_ptr<KeyRing>> KeyRing::open(KeyStore& store, KeySettings settings, RandomSource& random, Timestamp now) {
  std::unique_ptr<KeyRing> ring(new KeyRing(store, settings));
  ASSIGN_OR_RETURN(const std::vector<StoredKey> stored, store.load());
  for (const StoredKey& entry : stored) {
    ASSIGN_OR_RETURN(std::shared_ptr<const SigningKey> key, SigningKey::from_private(entry.private_key, entry.created));
    if (key->id() != entry.id) return fail(ErrorKind::kInternal, "sessions.bad-key", "Expected a key that fits its id");
    ring->keys_.push_back(std::move(key));
  }
  std::sort(ring->keys_.begin(), ring->keys_.end(), [](const auto& a, const auto& b) { return a->created() < b->created(); });
  if (ring->keys_.empty()) TRY(ring->add_new(random, now));
  return ring;
}

Result<bool> KeyRing::rotate(RandomSource& random, Timestamp now) {
  const std::lock_guard lock(mutex_);
  bool changed = false;
  if (now - keys_.back()->created() >= settings_.rotate_after) {
    TRY(add_new(random, now));
    changed = true;
  }
  while (is_superseded(0, now)) {
    TRY(store_.remove(keys_.front()->id()));
    keys_.erase(keys_.begin());
    changed = true;
  }
  return changed;
}

std::shared_ptr<const SigningKey> KeyRing::signing_key(Timestamp now) const {
  const std::lock_guard lock(mutex_);
  for (const auto& key : std::ranges::reverse_view(keys_)) {
    if (now - key->created() >= settings_.overlap) return key;
  }
  return keys_.front();
}

std::shared_ptr<const SigningKey> KeyRing::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& key : keys_) {
    if (key->id() == id) return key;
  }
  return nullptr;
}

std::string KeyRing::jwks() const {
  const std::lock_guard lock(mutex_);
  std::string text = R"({"keys":[)";
  for (const auto& key : keys_) {
    if (key != keys_.front()) text += ',';
    text += key->public_jwk();
  }
  return text + "]}";
}

Result<void> KeyRing::add_new(RandomSource& random, Timestamp now) {
  Secret scalar = SigningKey::make_private_key(random);
  ASSIGN_OR_RETURN(std::shared_ptr<const SigningKey> key, SigningKey::from_private(scalar, now));
  TRY(store_.save({key->id(), now, std::move(scalar)}));
  keys_.push_back(std::move(key));
  return {};
}

// Its successor has been signing for `overlap`.
bool KeyRing::is_superseded(std::size_t index, Timestamp now) const {
  return index + 1 < keys_.size() && now - keys_[index + 1]->created() >= settings_.overlap * 2;
}

}  // namespace consilium::sessions

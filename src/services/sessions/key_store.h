// Where the signing keys lie. Blocking: used at start and when keys rotate.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace consilium::sessions {

struct StoredKey {
  std::string id;  // the `kid`
  Timestamp created;
  Secret private_key;  // the 32 bytes of the P-256 scalar, big-endian
};

class KeyStore {
 public:
  virtual ~KeyStore() = default;
  virtual Result<std::vector<StoredKey>> load() = 0;
  // On the disk when it answers.
  virtual Result<void> save(const StoredKey& key) = 0;
  // Fine when it is gone already.
  virtual Result<void> remove(const std::string& id) = 0;
};

// For simulations: outlives the process that uses it, as a disk does.
class MemoryKeyStore final : public KeyStore {
 public:
  Result<std::vector<StoredKey>> load() override { return keys_; }
  Result<void> save(const StoredKey& key) override;
  Result<void> remove(const std::string& id) override;

 private:
  std::vector<StoredKey> keys_;
};

// One file a key, `token-<created>-<kid>.key`, mode 0600 in a folder of mode 0700. Errors: `sessions.keys-unreadable`
// (kInternal), also for a file that others may read: it may have been copied.
class FolderKeyStore final : public KeyStore {
 public:
  explicit FolderKeyStore(std::string folder) : folder_(std::move(folder)) {}

  Result<std::vector<StoredKey>> load() override;
  Result<void> save(const StoredKey& key) override;
  Result<void> remove(const std::string& id) override;

 private:
  std::string folder_;
};

}  // namespace consilium::sessions

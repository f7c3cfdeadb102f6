#include "services/sessions/key_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "base/base64.h"

namespace consilium::sessions {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "token-";
constexpr std::string_view kSuffix = ".key";

Failure unreadable(std::string_view what) { return fail(ErrorKind::kInternal, "sessions.keys-unreadable", what); }

struct Descriptor {
  int number;
  explicit Descriptor(int n) : number(n) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(file) == 0;
}

bool sync_folder(const std::string& folder) {
  const Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return handle.number >= 0 && ::fsync(handle.number) == 0;
}

// Id and time are in the file's name: `token-<created>-<kid>.key`.
std::optional<StoredKey> parse_name(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  const auto dash = name.find('-');
  if (dash == std::string_view::npos || dash + 1 == name.size()) return std::nullopt;
  StoredKey key;
  const std::string_view created = name.substr(0, dash);
  const auto [end, code] = std::from_chars(created.data(), created.data() + created.size(), key.created.microseconds);
  if (code != std::errc() || end != created.data() + created.size()) return std::nullopt;
  key.id = name.substr(dash + 1);
  return key;
}

Result<StoredKey> read_key(const fs::path& path, StoredKey key) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return unreadable("Expected to read the state of a key file");
  if ((status.st_mode & 077) != 0) return unreadable("Expected key files with mode 0600");
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  auto bytes = decode_base64url(text);
  if (!bytes) return unreadable("Expected base64url in a key file");
  key.private_key = Secret(std::move(*bytes));
  return key;
}

}  // namespace

Result<void> MemoryKeyStore::save(const StoredKey& key) {
  keys_.push_back(key);
  return {};
}

Result<void> MemoryKeyStore::remove(const std::string& id) {
  std::erase_if(keys_, [&](const StoredKey& key) { return key.id == id; });
  return {};
}

Result<std::vector<StoredKey>> FolderKeyStore::load() {
  std::vector<StoredKey> keys;
  std::error_code error;
  if (!fs::exists(folder_, error)) return keys;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    auto named = parse_name(entry.path().filename().string());
    if (!named) continue;
    ASSIGN_OR_RETURN(StoredKey key, read_key(entry.path(), std::move(*named)));
    keys.push_back(std::move(key));
  }
  if (error) return unreadable("Expected to list the folder of keys");
  std::sort(keys.begin(), keys.end(), [](const StoredKey& a, const StoredKey& b) { return a.created < b.created; });
  return keys;
}

Result<void> FolderKeyStore::save(const StoredKey& key) {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return unreadable("Expected to make the folder of keys");
  const std::string path =
      folder_ + "/" + std::string(kPrefix) + std::to_string(key.created.microseconds) + "-" + key.id + std::string(kSuffix);
  const std::string unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  {
    const Descriptor file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.number < 0 || !write_all(file.number, encode_base64url(key.private_key.reveal()) + "\n"))
      return unreadable("Expected to write a key file");
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0 || !sync_folder(folder_)) return unreadable("Expected to keep a key file");
  return {};
}

Result<void> FolderKeyStore::remove(const std::string& id) {
  ASSIGN_OR_RETURN(const std::vector<StoredKey> keys, load());
  for (const StoredKey& key : keys) {
    if (key.id != id) continue;
    const std::string path =
        folder_ + "/" + std::string(kPrefix) + std::to_string(key.created.microseconds) + "-" + id + std::string(kSuffix);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return unreadable("Expected to remove a key file");
  }
  return sync_folder(folder_) || keys.empty() ? Result<void>() : unreadable("Expected to sync the folder of keys");
}

}  // namespace consilium::sessions

#include "runtime/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

#include "runtime/durable_file.h"
#include "runtime/log_format.h"

namespace consilium::runtime {
namespace {

constexpr std::size_t kMaxVersionFile = 32;
constexpr std::size_t kMaxAddress = 300;

// Takes the lock and writes our process id into it. Gives the open descriptor.
Result<int> take_lock(const std::string& path) {
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile);
  if (lock < 0) return fail(ErrorKind::kInternal, "file.failed", "Expected to open " + path + ", but could not");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 16> owner{};
    const ssize_t got = ::pread(lock, owner.data(), owner.size() - 1, 0);
    ::close(lock);
    std::string who(owner.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    while (who.ends_with('\n')) who.pop_back();
    return fail(
        ErrorKind::kConflict, "data.locked",
        "Expected the data folder to be free, but another server uses it" + (who.empty() ? "" : " (process " + who + ")") + ": " + path);
  }
  const std::string owner = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, owner.data(), owner.size(), 0) < 0) {
    ::close(lock);
    return fail(ErrorKind::kUnavailable, "storage-full", "Expected to write " + path + ", but could not");
  }
  return lock;
}

// 0 when there is none yet.
Result<int> read_version(const std::string& path) {
  auto text = read_file(path, kMaxVersionFile);
  if (!text && text.error().code == "file.missing") return 0;
  if (!text) return fail(std::move(text).error());
  int version = 0;
  const char* const last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, version);
  if (error != std::errc() || version < 1 || (end != last && *end != '\n'))
    return fail(ErrorKind::kInternal, "data.version", "Expected a number in " + path + ", but it holds something else");
  return version;
}

}  // namespace

Result<DataFolder> DataFolder::open(const std::string& path, int known_version) {
  TRY(make_private_folder(path));
  ASSIGN_OR_RETURN(const int lock, take_lock(path + "/lock"));
  DataFolder folder(path, lock, known_version);
  ASSIGN_OR_RETURN(folder.found_version_, read_version(folder.file("version")));
  if (folder.found_version_ > known_version)
    return fail(ErrorKind::kConflict, "data.newer",
                "The data folder has format " + std::to_string(folder.found_version_) + ", this program knows up to " +
                    std::to_string(known_version) + ": start a newer program");
  for (const auto& name : {folder.keys(), folder.blobs(), folder.logs(), folder.file("run")}) TRY(make_private_folder(name));
  if (folder.found_version_ == 0) {
    folder.found_version_ = known_version;
    TRY(folder.record_version());
  }
  return folder;
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      known_version_(other.known_version_),
      found_version_(other.found_version_) {}

DataFolder::~DataFolder() {
  if (lock_ < 0) return;
  ::unlink(file("run/addresses.json").c_str());
  ::close(lock_);  // frees the lock; the file stays, so that two servers never lock different files
}

Result<void> DataFolder::record_version() const { return write_durably(file("version"), std::to_string(known_version_) + "\n"); }

Result<void> DataFolder::write_addresses(const std::map<std::string, std::string>& addresses) const {
  std::string text = "{";
  for (const auto& [name, address] : addresses) {
    if (text.size() > 1) text += ',';
    append_json_string(text, name, kMaxAddress);
    text += ':';
    append_json_string(text, address, kMaxAddress);
  }
  return write_durably(file("run/addresses.json"), text + "}\n");
}

}  // namespace consilium::runtime

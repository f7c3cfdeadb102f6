// The folder that holds everything a server keeps. One server at a time: a lock is held as long as this lives, and
// goes with the process.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace consilium::runtime {

// Format of the folder; raised when an older program could not read it any more.
inline constexpr int kDataVersion = 1;
// Of a folder of `consilium engine`: since 2 with a log that holds what the database has not yet.
inline constexpr int kEngineDataVersion = 2;
inline constexpr std::string_view kCommitLogName = "consilium.db-log";

class DataFolder {
 public:
  // Makes it when it is missing. Errors: `data.locked` (kConflict) when another server has it, `data.newer`
  // (kConflict) when a newer program wrote it, `data.version` (kInternal) when its version cannot be read, and those
  // of durable_file.h. The command line answers all of them with exit code 3.
  static Result<DataFolder> open(const std::string& path, int known_version = kDataVersion);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  // What the folder had when it was opened; `known_version` when it was empty.
  int found_version() const { return found_version_; }
  // After all of it has been brought to the version of this program.
  Result<void> record_version() const;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::string database() const { return file("consilium.db"); }
  std::string commit_log() const { return file(kCommitLogName); }
  std::string keys() const { return file("keys"); }
  std::string blobs() const { return file("blobs"); }
  std::string logs() const { return file("log"); }
  std::string admin_socket() const { return file("admin.sock"); }

  // `run/addresses.json`: {"http": "127.0.0.1:40001", …}, for those who start a server on free ports.
  Result<void> write_addresses(const std::map<std::string, std::string>& addresses) const;

 private:
  DataFolder(std::string path, int lock, int known_version) : path_(std::move(path)), lock_(lock), known_version_(known_version) {}

  std::string path_;
  int lock_;
  int known_version_;
  int found_version_ = 0;
};

}  // namespace consilium::runtime

// A file system for SQLite that lays itself around another one and keeps a checksum in the last 8 bytes of every page of a
// database file: a page that does not come back as it was written is an error and never data. Pages in the write-ahead log
// carry SQLite's own checksums, and ours once they are moved into the file. Any program that reads SQLite reads such a file;
// one that writes it leaves pages that are taken for damaged here. Writes to the log go through `gathered_log`.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "ports/database/sqlite/gathered_log.h"

struct sqlite3;

namespace consilium::database::sqlite {

inline constexpr int kChecksumBytes = 8;  // reserved at the end of each page

// Lives as long as the connections that were opened with its name. Any thread.
class PageChecksums {
 public:
  // Around the file system that SQLite knows by this name; empty is the operating system's.
  explicit PageChecksums(const std::string& around, LogWrites writes = LogWrites::kAtOnce);
  ~PageChecksums();
  PageChecksums(const PageChecksums&) = delete;
  PageChecksums& operator=(const PageChecksums&) = delete;

  // For sqlite3_open_v2.
  const std::string& name() const;

  // Whether the pages of the connection's file have checksums. Files of before they were kept have none until they are
  // vacuumed by a connection that asked for them.
  static bool are_kept(sqlite3* handle);
  // Makes a file that this connection creates, or vacuums, keep them.
  static void ask_for(sqlite3* handle);

  // Numbers of the pages that did not come back as they were written, since this object was made.
  std::set<std::uint32_t> damaged_pages() const;
  // Numbers of the pages that came back as zeros: SQLite never filled them, or they were lost. The layer cannot tell; whoever
  // knows that a page is in use can.
  std::set<std::uint32_t> empty_pages() const;

  // Syncs of the file and its log.
  std::uint64_t syncs() const;

  struct Layer;

 private:
  std::unique_ptr<Layer> layer_;
};

}  // namespace consilium::database::sqlite

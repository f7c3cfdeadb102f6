// SQLite writes a page of its write-ahead log in two calls, and a commit of many pages in many. Here they are gathered and written
// in one when the commit syncs: nobody else may read them before (https://www.sqlite.org/walformat.html: frames are valid for
// others only once the index tells of them, and SQLite does that after the sync).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

struct sqlite3_vfs;   // NOLINT(readability-identifier-naming): SQLite's
struct sqlite3_file;  // NOLINT(readability-identifier-naming): SQLite's

namespace consilium::database::sqlite {

// Only for connections that sync each commit: without the sync nothing would write what was gathered.
enum class LogWrites { kGathered, kAtOnce };

// Written before the sync when it is reached.
inline constexpr std::size_t kMostGathered = std::size_t{1} << 20;

// Bytes that SQLite reserves for an open file of this kind, around a file of `inner`.
std::size_t gathered_log_size(const sqlite3_vfs& inner);

// As xOpen of `inner`, whose file lies within `file`. `syncs` counts, and outlives the file.
int open_gathered_log(sqlite3_vfs& inner, const char* name, sqlite3_file* file, int flags, int* out_flags, LogWrites writes,
                      std::atomic<std::uint64_t>& syncs);

}  // namespace consilium::database::sqlite

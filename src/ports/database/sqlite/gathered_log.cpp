#include "ports/database/sqlite/gathered_log.h"

#include <sqlite3.h>

#include <algorithm>
#include <vector>

#include "ports/database/sqlite/file_layer.h"

namespace consilium::database::sqlite {
namespace {

// SQLite's file system takes the size of a write modulo 128 KiB and tries again with the rest, but for whole multiples, which it
// takes for a full disk.
constexpr std::size_t kMostAtOnce = 64 * 1024;

struct LogFile {
  sqlite3_file* inner;
  std::atomic<std::uint64_t>& syncs;
  LogWrites writes;
  std::vector<char> gathered;  // to be written at `begin`
  sqlite3_int64 begin = 0;
};

LogFile& log_of(sqlite3_file* file) { return state_of<LogFile>(file); }

// What could not be written is given up: the commit that it belongs to fails with the same code.
int write_gathered(LogFile& log) {
  if (log.gathered.empty()) return SQLITE_OK;
  int code = SQLITE_OK;
  for (std::size_t done = 0; done < log.gathered.size() && code == SQLITE_OK; done += kMostAtOnce) {
    const std::size_t count = std::min(kMostAtOnce, log.gathered.size() - done);
    code = log.inner->pMethods->xWrite(log.inner, log.gathered.data() + done, static_cast<int>(count),
                                       log.begin + static_cast<sqlite3_int64>(done));
  }
  log.gathered.clear();
  return code;
}

int close(sqlite3_file* file) {
  const int written = write_gathered(log_of(file));
  const int code = close_layered_file<LogFile>(file);
  return written == SQLITE_OK ? code : written;
}

int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  LogFile& log = log_of(file);
  if (log.writes == LogWrites::kAtOnce) return log.inner->pMethods->xWrite(log.inner, from, count, offset);
  const bool follows = offset == log.begin + static_cast<sqlite3_int64>(log.gathered.size());
  if (!follows || log.gathered.size() >= kMostGathered) {
    if (const int code = write_gathered(log); code != SQLITE_OK) return code;
  }
  if (log.gathered.empty()) log.begin = offset;
  const char* const bytes = static_cast<const char*>(from);
  log.gathered.insert(log.gathered.end(), bytes, bytes + count);
  return SQLITE_OK;
}

int sync(sqlite3_file* file, int flags) {
  LogFile& log = log_of(file);
  if (const int code = write_gathered(log); code != SQLITE_OK) return code;
  ++log.syncs;
  return pass_on<LogFile, &sqlite3_io_methods::xSync>(file, flags);
}

// The same call of the file within, on all that was written so far.
template <auto kMethod, class... Arguments>
int after_writing(sqlite3_file* file, Arguments... arguments) {
  if (const int code = write_gathered(log_of(file)); code != SQLITE_OK) return code;
  return pass_on<LogFile, kMethod>(file, arguments...);
}

// Version 1: a log is neither shared nor mapped.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close,
    .xRead = after_writing<&sqlite3_io_methods::xRead, void*, int, sqlite3_int64>,
    .xWrite = write,
    .xTruncate = after_writing<&sqlite3_io_methods::xTruncate, sqlite3_int64>,
    .xSync = sync,
    .xFileSize = after_writing<&sqlite3_io_methods::xFileSize, sqlite3_int64*>,
    .xLock = pass_on<LogFile, &sqlite3_io_methods::xLock, int>,
    .xUnlock = pass_on<LogFile, &sqlite3_io_methods::xUnlock, int>,
    .xCheckReservedLock = pass_on<LogFile, &sqlite3_io_methods::xCheckReservedLock, int*>,
    .xFileControl = pass_on<LogFile, &sqlite3_io_methods::xFileControl, int, void*>,
    .xSectorSize = pass_on<LogFile, &sqlite3_io_methods::xSectorSize>,
    .xDeviceCharacteristics = pass_on<LogFile, &sqlite3_io_methods::xDeviceCharacteristics>,
};

}  // namespace

std::size_t gathered_log_size(const sqlite3_vfs& inner) { return layered_file_size<LogFile>(inner); }

int open_gathered_log(sqlite3_vfs& inner, const char* name, sqlite3_file* file, int flags, int* out_flags, LogWrites writes,
                      std::atomic<std::uint64_t>& syncs) {
  return open_layered_file<LogFile>(inner, name, file, flags, out_flags, kMethods,
                                    [&](sqlite3_file* within) { return new (std::nothrow) LogFile{within, syncs, writes, {}}; });
}

}  // namespace consilium::database::sqlite

#include "ports/database/sqlite/page_checksums.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "ports/database/sqlite/file_layer.h"
#include "ports/database/word_sums.h"

namespace consilium::database::sqlite {

struct PageChecksums::Layer {
  std::string name;
  sqlite3_vfs outer{};
  sqlite3_vfs* inner = nullptr;
  LogWrites log_writes = LogWrites::kAtOnce;
  std::atomic<std::uint64_t> syncs{0};
  mutable std::mutex mutex;
  std::set<std::uint32_t> damaged_pages;
  std::set<std::uint32_t> empty_pages;

  void report_damage(std::uint32_t page) {
    const std::lock_guard lock(mutex);
    damaged_pages.insert(page);
  }
  void report_empty(std::uint32_t page) {
    const std::lock_guard lock(mutex);
    empty_pages.insert(page);
  }
};

namespace {

// The header of a database file: https://www.sqlite.org/fileformat2.html §1.3.
constexpr std::size_t kHeaderBytes = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kReservedAt = 20;

// The size of the pages when they have checksums.
std::optional<std::size_t> checked_page_size(const char* header) {
  if (std::memcmp(header, kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  if (header[kReservedAt] != kChecksumBytes) return std::nullopt;
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(header[at])); };
  const std::size_t size = byte(kPageSizeAt) << 8 | byte(kPageSizeAt + 1);
  return size == 1 ? 65'536 : size;
}

// Of what lies before the checksum.
std::uint64_t checksum_of_page(const char* page, std::size_t size, std::uint32_t number) {
  return checksum_of({page, size - kChecksumBytes}, number, size);
}

// SQLite leaves pages that it never filled as holes.
bool is_hole(const char* page, std::size_t size) {
  return std::all_of(page, page + size, [](char byte) { return byte == 0; });
}

using Layer = PageChecksums::Layer;

struct DatabaseFile {
  Layer& layer;
  sqlite3_file* inner;
  std::size_t page_size = 0;  // 0: the pages have no checksums, as far as is known
  std::vector<char> page;     // on its way to the disk
};

// ---- what SQLite asks of a database file

DatabaseFile& file_of(sqlite3_file* file) { return state_of<DatabaseFile>(file); }

void take_header(DatabaseFile& file, const char* header) { file.page_size = checked_page_size(header).value_or(0); }

void read_header(DatabaseFile& file) {
  std::array<char, kHeaderBytes> header{};
  if (file.inner->pMethods->xRead(file.inner, header.data(), kHeaderBytes, 0) == SQLITE_OK) take_header(file, header.data());
}

bool is_page(const DatabaseFile& file, int count, sqlite3_int64 offset) {
  const auto size = static_cast<sqlite3_int64>(file.page_size);
  return size > 0 && count == size && offset % size == 0;
}

std::uint32_t page_number(const DatabaseFile& file, sqlite3_int64 offset) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(offset) / file.page_size + 1);
}

int read(sqlite3_file* self, void* to, int count, sqlite3_int64 offset) {
  DatabaseFile& file = file_of(self);
  const int code = file.inner->pMethods->xRead(file.inner, to, count, offset);
  if (code != SQLITE_OK) return code;
  const char* bytes = static_cast<const char*>(to);
  if (offset == 0 && count >= static_cast<int>(kHeaderBytes)) take_header(file, bytes);
  if (!is_page(file, count, offset)) return SQLITE_OK;
  const std::uint32_t number = page_number(file, offset);
  const std::size_t size = file.page_size;
  if (word_at(bytes + size - kChecksumBytes) == checksum_of_page(bytes, size, number)) return SQLITE_OK;
  if (is_hole(bytes, size)) {
    file.layer.report_empty(number);
    return SQLITE_OK;
  }
  file.layer.report_damage(number);
  return SQLITE_IOERR_DATA;
}

int write(sqlite3_file* self, const void* from, int count, sqlite3_int64 offset) {
  DatabaseFile& file = file_of(self);
  const char* bytes = static_cast<const char*>(from);
  if (offset == 0 && count >= static_cast<int>(kHeaderBytes)) {
    take_header(file, bytes);
  } else if (file.page_size == 0) {
    read_header(file);  // another connection may have begun to keep checksums
  }
  if (!is_page(file, count, offset)) return file.inner->pMethods->xWrite(file.inner, from, count, offset);
  file.page.assign(bytes, bytes + file.page_size);
  std::uint64_t sum = checksum_of_page(bytes, file.page_size, page_number(file, offset));
  if constexpr (std::endian::native == std::endian::big) sum = __builtin_bswap64(sum);
  std::memcpy(file.page.data() + file.page_size - kChecksumBytes, &sum, sizeof sum);
  return file.inner->pMethods->xWrite(file.inner, file.page.data(), count, offset);
}

int sync(sqlite3_file* file, int flags) {
  ++file_of(file).layer.syncs;
  return pass_on<DatabaseFile, &sqlite3_io_methods::xSync>(file, flags);
}

// Version 2: without the calls that map the file into memory, which would pass by.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = close_layered_file<DatabaseFile>,
    .xRead = read,
    .xWrite = write,
    .xTruncate = pass_on<DatabaseFile, &sqlite3_io_methods::xTruncate, sqlite3_int64>,
    .xSync = sync,
    .xFileSize = pass_on<DatabaseFile, &sqlite3_io_methods::xFileSize, sqlite3_int64*>,
    .xLock = pass_on<DatabaseFile, &sqlite3_io_methods::xLock, int>,
    .xUnlock = pass_on<DatabaseFile, &sqlite3_io_methods::xUnlock, int>,
    .xCheckReservedLock = pass_on<DatabaseFile, &sqlite3_io_methods::xCheckReservedLock, int*>,
    .xFileControl = pass_on<DatabaseFile, &sqlite3_io_methods::xFileControl, int, void*>,
    .xSectorSize = pass_on<DatabaseFile, &sqlite3_io_methods::xSectorSize>,
    .xDeviceCharacteristics = pass_on<DatabaseFile, &sqlite3_io_methods::xDeviceCharacteristics>,
    .xShmMap = pass_on<DatabaseFile, &sqlite3_io_methods::xShmMap, int, int, int, void volatile**>,
    .xShmLock = pass_on<DatabaseFile, &sqlite3_io_methods::xShmLock, int, int, int>,
    .xShmBarrier = pass_on<DatabaseFile, &sqlite3_io_methods::xShmBarrier>,
    .xShmUnmap = pass_on<DatabaseFile, &sqlite3_io_methods::xShmUnmap, int>,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

// ---- what SQLite asks of a file system

Layer& layer_of(sqlite3_vfs* outer) { return *static_cast<Layer*>(outer->pAppData); }

int open(sqlite3_vfs* outer, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  Layer& layer = layer_of(outer);
  if ((flags & SQLITE_OPEN_WAL) != 0) return open_gathered_log(*layer.inner, name, file, flags, out_flags, layer.log_writes, layer.syncs);
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return layer.inner->xOpen(layer.inner, name, file, flags, out_flags);
  return open_layered_file<DatabaseFile>(*layer.inner, name, file, flags, out_flags, kMethods, [&](sqlite3_file* within) {
    auto* state = new (std::nothrow) DatabaseFile{layer, within, 0, {}};
    if (state != nullptr) read_header(*state);
    return state;
  });
}

template <auto kCall, class... Arguments>
auto pass_to_inner(sqlite3_vfs* outer, Arguments... arguments) {
  sqlite3_vfs* inner = layer_of(outer).inner;
  return (inner->*kCall)(inner, arguments...);
}

void lay_around(sqlite3_vfs& inner, Layer& layer) {
  layer.inner = &inner;
  sqlite3_vfs& outer = layer.outer;
  outer.iVersion = 2;
  outer.szOsFile = static_cast<int>(std::max(layered_file_size<DatabaseFile>(inner), gathered_log_size(inner)));
  outer.mxPathname = inner.mxPathname;
  outer.zName = layer.name.c_str();
  outer.pAppData = &layer;
  outer.xOpen = open;
  outer.xDelete = pass_to_inner<&sqlite3_vfs::xDelete, const char*, int>;
  outer.xAccess = pass_to_inner<&sqlite3_vfs::xAccess, const char*, int, int*>;
  outer.xFullPathname = pass_to_inner<&sqlite3_vfs::xFullPathname, const char*, int, char*>;
  outer.xRandomness = pass_to_inner<&sqlite3_vfs::xRandomness, int, char*>;
  outer.xSleep = pass_to_inner<&sqlite3_vfs::xSleep, int>;
  outer.xCurrentTime = pass_to_inner<&sqlite3_vfs::xCurrentTime, double*>;
  outer.xGetLastError = pass_to_inner<&sqlite3_vfs::xGetLastError, int, char*>;
  outer.xCurrentTimeInt64 = pass_to_inner<&sqlite3_vfs::xCurrentTimeInt64, sqlite3_int64*>;
}

// SQLite counts its memory under one lock of all threads; it does not have to. Only before SQLite is used at all.
void count_no_memory() {
  static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  std::ignore = done;
}

}  // namespace

PageChecksums::PageChecksums(const std::string& around, LogWrites writes) : layer_(std::make_unique<Layer>()) {
  count_no_memory();
  layer_->log_writes = writes;
  static std::atomic<std::uint64_t> count{0};
  layer_->name = "consilium-checked-" + std::to_string(++count);
  sqlite3_vfs* inner = sqlite3_vfs_find(around.empty() ? nullptr : around.c_str());
  if (inner == nullptr || inner->iVersion < 2) throw std::invalid_argument("not a file system that SQLite knows: " + around);
  lay_around(*inner, *layer_);
  sqlite3_vfs_register(&layer_->outer, 0);
}

PageChecksums::~PageChecksums() { sqlite3_vfs_unregister(&layer_->outer); }

const std::string& PageChecksums::name() const { return layer_->name; }

bool PageChecksums::are_kept(sqlite3* handle) {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
  return code == SQLITE_OK && file != nullptr && file->pMethods == &kMethods && file_of(file).page_size > 0;
}

void PageChecksums::ask_for(sqlite3* handle) {
  int bytes = kChecksumBytes;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}

std::uint64_t PageChecksums::syncs() const { return layer_->syncs; }

std::set<std::uint32_t> PageChecksums::damaged_pages() const {
  const std::lock_guard lock(layer_->mutex);
  return layer_->damaged_pages;
}

std::set<std::uint32_t> PageChecksums::empty_pages() const {
  const std::lock_guard lock(layer_->mutex);
  return layer_->empty_pages;
}

}  // namespace consilium::database::sqlite

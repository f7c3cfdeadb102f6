#include "ports/database/simulated/disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace consilium::database::simulated {
namespace {

constexpr std::size_t kSector = 512;
constexpr int kLocks = SQLITE_SHM_NLOCK;

void put(std::string& content, std::string_view bytes, std::uint64_t offset) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

}  // namespace

struct Disk::File {
  std::string current;
  std::string durable;
  std::vector<Change> unsynced;
  std::vector<Handle*> handles;
};

// The index of the write-ahead log, which connections share.
struct Disk::SharedMemory {
  std::vector<std::unique_ptr<char[]>> regions;
  std::vector<Handle*> handles;
};

struct Disk::Handle {
  Disk* disk = nullptr;
  std::string path;
  std::shared_ptr<File> file;
  std::shared_ptr<SharedMemory> memory;
  std::uint64_t generation = 0;
  int lock = SQLITE_LOCK_NONE;
  unsigned shared_locks = 0;     // bits, in the shared memory
  unsigned exclusive_locks = 0;  //
  bool delete_on_close = false;
  bool sync_names = false;  // with the first sync
};

// What SQLite calls, by the tables that it wants.
struct FileSystemCalls {
  using Handle = Disk::Handle;

  struct OpenFile {
    sqlite3_file base;
    Handle* handle;
  };
  static Handle& handle_of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file)->handle; }
  static Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }
  static bool is_dead(const Handle& handle) { return handle.disk->dark_ || handle.generation != handle.disk->generation_; }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    Disk& disk = disk_of(vfs);
    file->pMethods = nullptr;
    if (disk.dark_) return SQLITE_CANTOPEN;
    auto handle = std::make_unique<Handle>();
    handle->disk = &disk;
    handle->path = name ? name : "";
    handle->generation = disk.generation_;
    handle->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    if (const auto found = disk.files_.find(handle->path); name && found != disk.files_.end()) {
      handle->file = found->second;
    } else if (!name || (flags & SQLITE_OPEN_CREATE)) {
      handle->file = std::make_shared<Disk::File>();
      if (name) disk.files_[handle->path] = handle->file;
      // As SQLite does on Unix: a new journal or log is synced with its folder.
      handle->sync_names = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    } else {
      return SQLITE_CANTOPEN;
    }
    handle->file->handles.push_back(handle.get());
    reinterpret_cast<OpenFile*>(file)->handle = handle.release();
    file->pMethods = &kMethods;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
  }

  static int close(sqlite3_file* file) {
    Handle& handle = handle_of(file);
    shm_unmap(file, 0);
    std::erase(handle.file->handles, &handle);
    if (handle.delete_on_close && !is_dead(handle)) handle.disk->remove(handle.path, false);
    delete &handle;
    file->pMethods = nullptr;
    return SQLITE_OK;
  }

  static int read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
    Handle& handle = handle_of(file);
    if (const int code = handle.disk->before(Operation::kRead, handle)) return code;
    const std::string& content = handle.file->current;
    const auto start = static_cast<std::uint64_t>(offset);
    const auto wanted = static_cast<std::size_t>(count);
    const std::size_t got = start >= content.size() ? 0 : std::min<std::size_t>(wanted, content.size() - start);
    if (got > 0) std::memcpy(to, content.data() + start, got);
    handle.disk->bytes_read_ += got;
    if (got == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + got, 0, wanted - got);
    return SQLITE_IOERR_SHORT_READ;
  }

  static int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
    Handle& handle = handle_of(file);
    return handle.disk->write(handle, {static_cast<const char*>(from), static_cast<std::size_t>(count)},
                              static_cast<std::uint64_t>(offset));
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 length) {
    Handle& handle = handle_of(file);
    return handle.disk->truncate(handle, static_cast<std::uint64_t>(length));
  }
  static int sync(sqlite3_file* file, int) {
    Handle& handle = handle_of(file);
    return handle.disk->sync(handle);
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    Handle& handle = handle_of(file);
    if (is_dead(handle)) return SQLITE_IOERR_FSTAT;
    *size = static_cast<sqlite3_int64>(handle.file->current.size());
    return SQLITE_OK;
  }

  static int highest_other_lock(const Handle& handle) {
    int highest = SQLITE_LOCK_NONE;
    for (const Handle* other : handle.file->handles) {
      if (other != &handle && !is_dead(*other)) highest = std::max(highest, other->lock);
    }
    return highest;
  }
  static int lock(sqlite3_file* file, int level) {
    Handle& handle = handle_of(file);
    if (is_dead(handle)) return SQLITE_IOERR_LOCK;
    if (handle.lock >= level) return SQLITE_OK;
    const int others = highest_other_lock(handle);
    const bool free = level == SQLITE_LOCK_SHARED     ? others < SQLITE_LOCK_PENDING
                      : level == SQLITE_LOCK_RESERVED ? others < SQLITE_LOCK_RESERVED
                                                      : others == SQLITE_LOCK_NONE;
    if (!free) return SQLITE_BUSY;
    handle.lock = level;
    return SQLITE_OK;
  }
  static int unlock(sqlite3_file* file, int level) {
    Handle& handle = handle_of(file);
    handle.lock = std::min(handle.lock, level);
    return SQLITE_OK;
  }
  static int check_reserved_lock(sqlite3_file* file, int* reserved) {
    Handle& handle = handle_of(file);
    *reserved = handle.lock >= SQLITE_LOCK_RESERVED || highest_other_lock(handle) >= SQLITE_LOCK_RESERVED ? 1 : 0;
    return SQLITE_OK;
  }
  static int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return 4096; }
  // As SQLite assumes of the disks of our days: a write damages nothing beside it.
  static int device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    Handle& handle = handle_of(file);
    *out = nullptr;
    if (is_dead(handle)) return SQLITE_IOERR_SHMMAP;
    if (!handle.memory) {
      auto& memory = handle.disk->shared_memory_[handle.path];
      if (!memory) memory = std::make_shared<Disk::SharedMemory>();
      handle.memory = memory;
      memory->handles.push_back(&handle);
    }
    auto& regions = handle.memory->regions;
    const auto index = static_cast<std::size_t>(region);
    if (index >= regions.size() && !extend) return SQLITE_OK;
    while (index >= regions.size()) regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
    *out = regions[index].get();
    return SQLITE_OK;
  }
  static int shm_lock(sqlite3_file* file, int first, int count, int flags) {
    Handle& handle = handle_of(file);
    const unsigned mask = ((1U << (first + count)) - (1U << first)) & ((1U << kLocks) - 1U);
    if (flags & SQLITE_SHM_UNLOCK) {
      handle.shared_locks &= ~mask;
      handle.exclusive_locks &= ~mask;
      return SQLITE_OK;
    }
    if (is_dead(handle)) return SQLITE_IOERR_SHMLOCK;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (const Handle* other : handle.memory->handles) {
      if (other == &handle || is_dead(*other)) continue;
      if ((other->exclusive_locks & mask) != 0 || (exclusive && (other->shared_locks & mask) != 0)) return SQLITE_BUSY;
    }
    (exclusive ? handle.exclusive_locks : handle.shared_locks) |= mask;
    return SQLITE_OK;
  }
  static void shm_barrier(sqlite3_file*) {}
  static int shm_unmap(sqlite3_file* file, int delete_it) {
    Handle& handle = handle_of(file);
    if (!handle.memory) return SQLITE_OK;
    std::erase(handle.memory->handles, &handle);
    handle.shared_locks = handle.exclusive_locks = 0;
    // The first process to open it anew builds it anew.
    auto& memories = handle.disk->shared_memory_;
    const auto found = memories.find(handle.path);
    if (found != memories.end() && found->second == handle.memory && (delete_it || handle.memory->handles.empty())) memories.erase(found);
    handle.memory.reset();
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) { return disk_of(vfs).remove(name, sync_folder != 0); }
  static int access(sqlite3_vfs* vfs, const char* name, int, int* out) {
    Disk& disk = disk_of(vfs);
    if (disk.dark_) return SQLITE_IOERR_ACCESS;
    *out = disk.files_.contains(name) ? 1 : 0;
    return SQLITE_OK;
  }
  static int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::strcpy(out, name);
    return SQLITE_OK;
  }
  static int randomness(sqlite3_vfs* vfs, int count, char* out) {
    disk_of(vfs).random_->fill(std::as_writable_bytes(std::span(out, static_cast<std::size_t>(count))));
    return count;
  }
  static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
  static int current_time(sqlite3_vfs*, double* days) {
    *days = 2'461'041.5;  // 2026-01-01
    return SQLITE_OK;
  }
  static int current_time_milliseconds(sqlite3_vfs*, sqlite3_int64* milliseconds) {
    *milliseconds = 212'633'985'600'000;
    return SQLITE_OK;
  }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }

  static const sqlite3_io_methods kMethods;
};

const sqlite3_io_methods FileSystemCalls::kMethods = {
    .iVersion = 2,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

Disk::Disk(std::uint64_t seed) : seed_(seed), random_(std::in_place, seed) {
  static std::atomic<std::uint64_t> count{0};
  vfs_name_ = "consilium-disk-" + std::to_string(++count);
  vfs_ = std::make_unique<sqlite3_vfs>();
  vfs_->iVersion = 2;
  vfs_->szOsFile = sizeof(FileSystemCalls::OpenFile);
  vfs_->mxPathname = 512;
  vfs_->zName = vfs_name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = FileSystemCalls::open;
  vfs_->xDelete = FileSystemCalls::remove;
  vfs_->xAccess = FileSystemCalls::access;
  vfs_->xFullPathname = FileSystemCalls::full_path;
  vfs_->xRandomness = FileSystemCalls::randomness;
  vfs_->xSleep = FileSystemCalls::sleep;
  vfs_->xCurrentTime = FileSystemCalls::current_time;
  vfs_->xCurrentTimeInt64 = FileSystemCalls::current_time_milliseconds;
  vfs_->xGetLastError = FileSystemCalls::last_error;
  sqlite3_vfs_register(vfs_.get(), 0);
  // SQLite's own random numbers (the salts of the log) come from one stream of the process.
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed % 1'000'000'007) + 1, static_cast<sqlite3*>(nullptr));
}

Disk::~Disk() {
  sqlite3_vfs_unregister(vfs_.get());
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 0, static_cast<sqlite3*>(nullptr));
}

int Disk::take_fault(Operation operation, const std::string& path) {
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if (fault->operation != operation || !path.ends_with(fault->name_ends_with)) continue;
    if (fault->after > 0) {
      --fault->after;
      continue;
    }
    const Failure failure = fault->failure;
    faults_.erase(fault);
    ++faults_taken_;
    if (failure == Failure::kNoSpace) return SQLITE_FULL;
    switch (operation) {
      case Operation::kRead: return SQLITE_IOERR_READ;
      case Operation::kWrite: return SQLITE_IOERR_WRITE;
      case Operation::kSync: return SQLITE_IOERR_FSYNC;
      case Operation::kTruncate: return SQLITE_IOERR_TRUNCATE;
      case Operation::kDelete: return SQLITE_IOERR_DELETE;
    }
  }
  return SQLITE_OK;
}

int Disk::before(Operation operation, const Handle& handle) {
  if (FileSystemCalls::is_dead(handle)) return SQLITE_IOERR;
  return take_fault(operation, handle.path);
}

int Disk::write(Handle& handle, std::string_view bytes, std::uint64_t offset) {
  if (const int code = before(Operation::kWrite, handle)) return code;
  int code = SQLITE_OK;
  std::string& content = handle.file->current;
  const std::uint64_t end = offset + bytes.size();
  if (capacity_ && end > content.size() && used_bytes() + (end - content.size()) > *capacity_) {
    const std::uint64_t limit = content.size() + (*capacity_ - std::min(*capacity_, used_bytes()));
    bytes = bytes.substr(0, limit > offset ? limit - offset : 0);
    code = SQLITE_FULL;
    ++faults_taken_;
  }
  if (!bytes.empty()) {
    put(content, bytes, offset);
    handle.file->unsynced.push_back({true, offset, std::string(bytes)});
  }
  ++writes_;
  if (cut_at_write_ && writes_ == *cut_at_write_) {
    power_cut();
    return SQLITE_IOERR_WRITE;
  }
  return code;
}

int Disk::truncate(Handle& handle, std::uint64_t length) {
  if (const int code = before(Operation::kTruncate, handle)) return code;
  handle.file->current.resize(length, '\0');
  handle.file->unsynced.push_back({false, length, {}});
  return SQLITE_OK;
}

int Disk::sync(Handle& handle) {
  if (FileSystemCalls::is_dead(handle)) return SQLITE_IOERR_FSYNC;
  begin_sync();
  if (dark_) return SQLITE_IOERR_FSYNC;
  File& file = *handle.file;
  if (const int code = take_fault(Operation::kSync, handle.path)) {
    // As Linux does: the pages count as clean from now on, whether they reached the disk or not. A second sync would
    // succeed and mean nothing.
    lose_some(file, file.durable, Loss::kAny);
    file.unsynced.clear();
    return code;
  }
  settle(file);
  // The name becomes durable with the content: SQLite syncs the folder of a new log, the store that of a new database.
  if (const auto named = files_.find(handle.path); named != files_.end() && named->second == handle.file)
    durable_names_[handle.path] = handle.file;
  end_sync();
  return dark_ ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

// Only what was written since: files are large, and syncs many.
void Disk::settle(File& file) {
  for (const Change& change : file.unsynced) {
    if (change.is_write) put(file.durable, change.bytes, change.offset);
    if (!change.is_write) file.durable.resize(change.offset, '\0');
  }
  file.unsynced.clear();
}

void Disk::begin_sync() {
  ++syncs_;
  if (!cut_at_sync_ || syncs_ != *cut_at_sync_ || cut_moment_ == CutMoment::kAfterSync) return;
  lose_power(cut_moment_ == CutMoment::kInSync ? Loss::kTorn : Loss::kAny);
}

void Disk::end_sync() {
  if (cut_at_sync_ && syncs_ == *cut_at_sync_) lose_power(Loss::kAny);
}

void Disk::sync_files() {
  if (dark_) return;
  begin_sync();
  if (dark_) return;
  for (const auto& [path, file] : files_) settle(*file);
  durable_names_ = files_;
  end_sync();
}

int Disk::remove(const std::string& path, bool sync_folder) {
  if (dark_) return SQLITE_IOERR_DELETE;
  if (const int code = take_fault(Operation::kDelete, path)) return code;
  if (files_.erase(path) == 0) return SQLITE_IOERR_DELETE_NOENT;
  if (sync_folder) durable_names_.erase(path);
  return SQLITE_OK;
}

void Disk::put_file(const std::string& path, std::string content) {
  auto file = std::make_shared<File>();
  file->current = file->durable = std::move(content);
  files_[path] = durable_names_[path] = std::move(file);
}

const std::string& Disk::content(const std::string& path) const { return files_.at(path)->current; }

void Disk::remove_file(const std::string& path) {
  if (dark_) return;
  files_.erase(path);
  durable_names_.erase(path);
}

Result<void> Disk::rename(const std::string& from, const std::string& to) {
  const auto found = files_.find(from);
  if (dark_ || found == files_.end()) return fail(ErrorKind::kInternal, "database.failed", "Expected to rename the backup, but it failed");
  const auto file = found->second;
  files_.erase(found);
  durable_names_.erase(from);
  files_[to] = file;
  durable_names_[to] = file;
  return {};
}

// A write reaches the disk sector by sector, in any order; a sector may be torn.
void Disk::apply_torn(const Change& change, std::string& content) {
  if (!change.is_write) {
    if (random_->below(2) == 0) content.resize(change.offset, '\0');
    return;
  }
  for (std::size_t at = 0; at < change.bytes.size();) {
    const std::uint64_t position = change.offset + at;
    const std::size_t count = std::min<std::size_t>(change.bytes.size() - at, kSector - position % kSector);
    const std::uint64_t fate = random_->below(16);
    if (fate < 8) put(content, std::string_view(change.bytes).substr(at, count), position);
    if (fate == 8) put(content, std::string_view(change.bytes).substr(at, random_->below(count) + 1), position);
    at += count;
  }
}

void Disk::lose_some(File& file, std::string& durable, Loss loss) {
  const std::uint64_t fate = loss == Loss::kTorn ? 2 : random_->below(4);
  if (fate == 0) return;  // all of it
  if (fate == 1) {
    durable = file.current;
    return;
  }
  for (const Change& change : file.unsynced) apply_torn(change, durable);
}

void Disk::power_cut() { lose_power(Loss::kAny); }

void Disk::lose_power(Loss loss) {
  if (dark_) return;
  dark_ = true;
  ++cuts_;
  // Other moments, other losses, though all that went before is the same.
  random_.emplace(seed_ + syncs_ * 1'000'003 + writes_);
  cut_at_sync_.reset();
  cut_at_write_.reset();
  std::map<std::string, std::shared_ptr<File>> left;
  for (const auto& [path, file] : durable_names_) {
    const auto now = files_.find(path);
    const bool unchanged = now != files_.end() && now->second == file;
    if (unchanged || random_->below(2) == 0) left[path] = file;  // else it was deleted or replaced, and that reached the disk
  }
  for (const auto& [path, file] : files_) {
    if (!left.contains(path) && random_->below(2) == 0) left[path] = file;
  }
  files_.clear();
  for (const auto& [path, file] : left) {
    auto survivor = std::make_shared<File>();
    lose_some(*file, file->durable, loss);
    survivor->current = survivor->durable = file->durable;
    files_[path] = std::move(survivor);
  }
  durable_names_ = files_;
  shared_memory_.clear();
  ++generation_;
  if (on_cut_) on_cut_();
}

void Disk::kill_processes() {
  ++generation_;
  shared_memory_.clear();
}

void Disk::cut_at_sync(std::uint64_t number, CutMoment moment) {
  cut_at_sync_ = syncs_ + number;
  cut_moment_ = moment;
}

void Disk::cut_at_write(std::uint64_t number) { cut_at_write_ = writes_ + number; }

std::uint64_t Disk::used_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [path, file] : files_) sum += file->current.size();
  return sum;
}

std::optional<std::uint64_t> Disk::free_bytes() const {
  if (!capacity_) return std::nullopt;
  return *capacity_ - std::min(*capacity_, used_bytes());
}

std::uint64_t Disk::content_hash() const {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ text.size()) * 0x100000001b3;
  };
  for (const auto& [path, file] : files_) {
    add(path);
    add(file->current);
  }
  return hash;
}

}  // namespace consilium::database::simulated

#include "app/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "ports/database/sqlite/maintenance.h"
#include "ports/database/sqlite/threaded_store.h"
#include "runtime/data_folder.h"
#include "runtime/durable_file.h"

namespace consilium::app {
namespace {

namespace files = std::filesystem;

constexpr std::size_t kMaxKeyFile = 64 * 1024;  // bytes
constexpr const char* kCreateTable = "CREATE TABLE backup_file (name TEXT PRIMARY KEY, bytes BLOB NOT NULL)";

struct KeyFile {
  std::string name;
  std::string bytes;
};

database::sqlite::Options options_of(const std::string& path) {
  database::sqlite::Options options;
  options.path = path;
  options.readers = 1;
  return options;
}

// The function runs on the store's thread; the caller waits.
template <class Function>
auto run_now(database::Database& door, database::Database::Mode mode, Function function) {
  using Answer = std::invoke_result_t<Function&, database::Transaction&>;
  std::optional<Answer> answer;
  std::promise<std::optional<Error>> fate;
  auto told = fate.get_future();
  door.enqueue(
      mode,
      [&](database::Transaction& transaction) {
        answer.emplace(function(transaction));
        return answer->has_value();
      },
      [&](std::optional<Error> error) { fate.set_value(std::move(error)); });
  if (auto error = told.get()) return Answer(fail(std::move(*error)));
  return std::move(*answer);
}

Result<std::vector<KeyFile>> read_keys(const std::string& folder) {
  std::vector<KeyFile> keys;
  std::error_code code;
  for (const auto& entry : files::directory_iterator(folder, code)) {
    if (!entry.is_regular_file()) continue;
    ASSIGN_OR_RETURN(std::string bytes, runtime::read_file(entry.path(), kMaxKeyFile));
    keys.push_back({entry.path().filename(), std::move(bytes)});
  }
  if (code) return fail(ErrorKind::kInternal, "file.failed", "Expected to read " + folder + ", but could not");
  return keys;
}

Result<void> store_keys(const std::string& file, const std::vector<KeyFile>& keys) {
  ASSIGN_OR_RETURN(const auto store, database::sqlite::open_threaded(options_of(file)));
  TRY(store->migrate("backup", {{1, "create_file", kCreateTable}}));
  auto stored =
      run_now(store->service("backup"), database::Database::Mode::kWrite, [&](database::Transaction& transaction) -> Result<void> {
        TRY(transaction.execute("DELETE FROM backup_file"));  // of an earlier backup that this server was restored from
        for (const KeyFile& key : keys)
          TRY(transaction.execute("INSERT INTO backup_file (name, bytes) VALUES (?, ?)", key.name, database::Blob{key.bytes}));
        return {};
      });
  store->close();
  return stored;
}

Result<std::vector<KeyFile>> load_keys(const std::string& file) {
  ASSIGN_OR_RETURN(const auto store, database::sqlite::open_threaded(options_of(file)));
  auto keys = run_now(store->service("backup"), database::Database::Mode::kRead,
                      [](database::Transaction& transaction) -> Result<std::vector<KeyFile>> {
                        ASSIGN_OR_RETURN(const database::Rows rows, transaction.query("SELECT name, bytes FROM backup_file ORDER BY name"));
                        std::vector<KeyFile> found;
                        for (const database::Row& row : rows) found.push_back({row.text(0), row.blob(1)});
                        return found;
                      });
  store->close();
  if (!keys)
    return fail(make_error(ErrorKind::kConflict, "restore.damaged", "Expected a backup of this program, but it holds no keys")
                    .caused_by(std::move(keys).error()));
  return keys;
}

Result<void> check_sound(const std::string& file) {
  auto findings = database::sqlite::find_damage(options_of(file));
  if (!findings)
    return fail(make_error(ErrorKind::kConflict, "restore.damaged", "Expected a sound backup, but it cannot be read")
                    .caused_by(std::move(findings).error()));
  if (findings->empty()) return {};
  Error error = make_error(ErrorKind::kConflict, "restore.damaged",
                           "Expected a sound backup, but it has " + std::to_string(findings->size()) + " findings");
  for (const std::string& finding : *findings) error.fields.push_back({"backup", "damaged", finding});
  return fail(std::move(error));
}

Result<void> sync_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) return fail(ErrorKind::kInternal, "file.failed", "Expected to sync " + path + ", but could not");
  return {};
}

// The file has its new name on the disk after it.
Result<void> publish(const std::string& from, const std::string& to) {
  std::error_code code;
  files::permissions(from, files::perms::owner_read | files::perms::owner_write, code);
  TRY(sync_file(from));
  files::rename(from, to, code);
  if (code) return fail(ErrorKind::kInternal, "file.failed", "Expected to rename " + from + ", but could not");
  return runtime::sync_folder(files::path(to).parent_path());
}

void discard(const std::string& path) {
  std::error_code ignored;
  for (const char* end : {"", "-wal", "-shm", "-journal"}) files::remove(path + end, ignored);
}

Result<std::uint64_t> finish_backup(database::Store& store, const std::string& keys, const std::string& staged, const std::string& path) {
  TRY(store.backup_to(staged));
  ASSIGN_OR_RETURN(const std::vector<KeyFile> key_files, read_keys(keys));
  TRY(store_keys(staged, key_files));
  TRY(check_sound(staged));
  const std::uint64_t bytes = files::file_size(staged);
  TRY(publish(staged, path));
  return bytes;
}

Result<void> fill(const runtime::DataFolder& folder, const std::string& file) {
  const std::string staged = folder.file("consilium.restoring");
  std::error_code code;
  files::copy_file(file, staged, code);
  if (code) return fail(ErrorKind::kUnavailable, "storage-full", "Expected to copy the backup, but could not: " + code.message());
  TRY(check_sound(staged));
  ASSIGN_OR_RETURN(const std::vector<KeyFile> keys, load_keys(staged));
  for (const KeyFile& key : keys) {
    if (key.name.find('/') != std::string::npos)
      return fail(ErrorKind::kConflict, "restore.damaged", "Expected names of keys without folders");
    TRY(runtime::write_durably(folder.keys() + "/" + key.name, key.bytes));
  }
  return publish(staged, folder.database());
}

}  // namespace

Result<std::uint64_t> write_backup(database::Store& store, const std::string& keys, const std::string& path) {
  if (!path.starts_with('/')) return fail(ErrorKind::kValidation, "database.backup-relative", "Expected an absolute path for the backup");
  if (files::exists(path)) return fail(ErrorKind::kConflict, "database.backup-exists", "Expected a new file for the backup, but it exists");
  const std::string staged = path + ".unfinished";
  discard(staged);  // what an earlier backup left that was killed
  auto bytes = finish_backup(store, keys, staged, path);
  if (!bytes) discard(staged);
  return bytes;
}

Result<void> restore_backup(const std::string& file, const std::string& folder_path) {
  std::error_code code;
  if (!files::is_regular_file(file, code))
    return fail(ErrorKind::kNotFound, "restore.no-backup", "Expected a file to restore from: " + file);
  if (files::exists(folder_path, code) && !files::is_empty(folder_path, code))
    return fail(ErrorKind::kConflict, "restore.not-empty", "Expected an empty or new data folder, but it holds something: " + folder_path);
  ASSIGN_OR_RETURN(const auto folder, runtime::DataFolder::open(folder_path));
  auto filled = fill(folder, file);
  if (!filled) {
    // All of it was made here.
    for (const auto& entry : files::directory_iterator(folder_path, code)) files::remove_all(entry.path(), code);
  }
  return filled;
}

}  // namespace consilium::app

// A database file that was not written here, as a restored backup may be: `w` a whole file, else changes to a sound one, six
// bytes each: page, place in the page (three bytes, above the header of the file), by how much, and how often in a row. No
// change may pass for sound.
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "ports/database/sqlite/connection.h"
#include "ports/database/sqlite/maintenance.h"
#include "ports/database/sqlite/page_checksums.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::sqlite {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kFileHeader = 100;

// In memory where the machine has such a folder: thousands of files a minute are made.
const std::string& folder() {
  static const bool in_memory = std::filesystem::is_directory("/dev/shm") && ::setenv("TMPDIR", "/dev/shm", 0) == 0;
  static_cast<void>(in_memory);
  static const runtime::TemporaryFolder made;
  static const std::string path = made.path();
  return path;
}

Options options_of(const std::string& name) {
  Options options;
  options.path = folder() + "/" + name;
  return options;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs statements on a file through the layer that keeps checksums; whether its pages have them afterwards.
bool run_on(const std::string& path, const char* sql) {
  const PageChecksums files("unix");
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE;
  const bool opened = sqlite3_open_v2(path.c_str(), &handle, flags, files.name().c_str()) == SQLITE_OK;
  if (opened) sqlite3_exec(handle, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);  // nothing here need last
  if (opened) sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
  if (opened && std::string_view(sql) == "VACUUM") {
    PageChecksums::ask_for(handle);
    sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
  }
  const bool kept = opened && PageChecksums::are_kept(handle);
  sqlite3_close_v2(handle);
  return kept;
}

// A file of before checksums were kept gets them by a vacuum; what is no file is refused.
void check_layer() {
  const std::string old = folder() + "/old.db";
  require(!run_on(old, "CREATE TABLE notes_line(id INTEGER PRIMARY KEY, text TEXT)"));
  require(run_on(old, "VACUUM") && run_on(old, "INSERT INTO notes_line VALUES (1, 'a')"));
  require(!run_on(folder(), "VACUUM"));
  bool refused = false;
  try {
    const PageChecksums none("no such file system");
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  require(refused);
}

std::string make_sound_file() {
  check_layer();
  const Options options = options_of("made.db");
  const Scope scope = scope_of(Access::kMigration, "notes");
  {
    auto writer = Connection::open(options, Role::kWriter, kBusyWait);
    require(writer.has_value());
    require((*writer)->script(scope, "CREATE TABLE notes_line(id INTEGER PRIMARY KEY, text TEXT) STRICT").has_value());
    for (int i = 0; i < 8; ++i) {
      const Value values[] = {to_value(i), to_value(std::string(static_cast<std::size_t>(i) * 1200, 'a'))};
      require((*writer)->run(scope, "INSERT INTO notes_line VALUES (?, ?)", values).has_value());
    }
  }
  const Options copy = options_of("copy.db");
  require(copy_to(options, copy.path).has_value());
  return content_of(copy.path);
}

const std::string& sound_file() {
  static const std::string bytes = make_sound_file();
  return bytes;
}

Result<std::vector<std::string>> findings_of(std::string_view bytes) {
  const Options options = options_of("tried.db");
  std::ofstream(options.path, std::ios::binary) << bytes;
  auto findings = find_damage(options);
  if (!findings || !findings->empty()) return findings;
  // What is said to be sound can be opened as the store does.
  const auto reader = Connection::open(options, Role::kReader, kBusyWait);
  require(reader.has_value() || !reader.error().code.empty());
  return findings;
}

void fuzz_changes(std::string_view input) {
  std::string bytes = sound_file();
  const std::size_t pages = bytes.size() / kPage;
  for (; input.size() >= 6; input.remove_prefix(6)) {
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(input[i])); };
    const std::size_t page = byte(0) % pages;
    const std::size_t first = page == 0 ? kFileHeader : 0;
    const std::size_t at = page * kPage + first + (byte(1) << 16 | byte(2) << 8 | byte(3)) % (kPage - first);
    for (std::size_t i = at; i <= at + byte(5) && i < (page + 1) * kPage; ++i)
      bytes[i] = static_cast<char>(bytes[i] + static_cast<char>(byte(4)));
  }
  const auto findings = findings_of(bytes);
  require((findings && findings->empty()) == (bytes == sound_file()));
}

void fuzz_file(std::string_view bytes) {
  static_cast<void>(findings_of(bytes));
  // Also when it is written to.
  const std::string path = options_of("tried.db").path;
  static_cast<void>(run_on(path, "PRAGMA journal_mode=DELETE; UPDATE notes_line SET text = 'x' WHERE id = 3; CREATE TABLE t(x)"));
  static_cast<void>(run_on(path, "VACUUM"));
  // The same behind a header of ours.
  std::string patched = sound_file().substr(0, kFileHeader) + std::string(bytes);
  patched.resize((patched.size() + kPage - 1) / kPage * kPage);
  const auto findings = findings_of(patched);
  require(!findings || !findings->empty());
}

}  // namespace
}  // namespace consilium::database::sqlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium;
  const std::string_view input = fuzz_input(data, size);
  if (input.starts_with('w')) {
    database::sqlite::fuzz_file(input.substr(1));
  } else {
    database::sqlite::fuzz_changes(input);
  }
  return 0;
}

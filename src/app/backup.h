// One file that holds everything a server keeps: the database, and in its table `backup_file` the keys, without which
// the buttons of stored posts would no longer be believed. Both calls block: a pool, or the command line.
#pragma once

#include <cstdint>
#include <string>

#include "ports/database/store.h"

namespace consilium::app {

// While work goes on. The file is verified before it has its name; it holds secrets, so its mode is 0600. Gives its bytes.
// Errors: `database.backup-exists`, `database.backup-damaged`, `database.backup-relative`, those of durable_file.h.
Result<std::uint64_t> write_backup(database::Store& store, const std::string& keys, const std::string& path);

// Verifies the file, then makes the data folder from it. Errors: `restore.not-empty` (kConflict), `restore.damaged`
// (kConflict: `fields` lists the findings), `restore.no-backup` (kNotFound).
Result<void> restore_backup(const std::string& file, const std::string& folder);

}  // namespace consilium::app

// Hot backup and verification of a database file. Both open connections of their own and block the caller.
#pragma once

#include <string>
#include <vector>

#include "ports/database/database.h"
#include "ports/database/sqlite/options.h"

namespace consilium::database::sqlite {

// Copies the last committed state to `path` (overwritten), makes it a standalone file and verifies it. It reads in one
// pass, so the write-ahead log may grow meanwhile.
Result<void> copy_to(const Options& options, const std::string& path);

// Pages in use that are not as they were written, then what integrity_check and foreign_key_check find, at most 100 each; empty
// means sound.
Result<std::vector<std::string>> find_damage(const Options& options);

}  // namespace consilium::database::sqlite

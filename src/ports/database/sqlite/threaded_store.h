// The SQLite store of a real process: one writer thread with group commit, a few reader threads, one thread that moves
// the write-ahead log into the file.
#pragma once

#include <memory>

#include "ports/database/sqlite/options.h"
#include "ports/database/store.h"

namespace consilium::database::sqlite {

// Opens or creates the file and starts the threads. Close the store before the loops of its callers go away.
Result<std::unique_ptr<Store>> open_threaded(Options options);

}  // namespace consilium::database::sqlite

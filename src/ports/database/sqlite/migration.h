// Brings a service's tables to the newest schema. Applied steps are recorded in `<service>_migration`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ports/database/database.h"
#include "ports/database/sqlite/options.h"

namespace consilium::database::sqlite {

// Opens a connection of its own and blocks. Other processes may do the same at once.
Result<void> apply_migrations(const Options& options, std::string_view service, const std::vector<Migration>& migrations);

// 16 hexadecimal digits: tells an edited text, not a forged one.
std::string checksum_of(std::string_view text);

}  // namespace consilium::database::sqlite

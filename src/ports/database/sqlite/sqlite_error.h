// SQLite's result codes as errors of the database port.
#pragma once

#include <string_view>

#include "base/error.h"

struct sqlite3;

namespace consilium::database::sqlite {

// `code` is an extended result code; `message` is SQLite's text, which names tables and columns but holds no values.
Error error_of(int code, std::string_view message);
// The last error of the connection.
Error last_error(sqlite3* handle);

// After these the function that saw it may not go on, whatever it answers.
bool spoils_transaction(int code);
// A COMMIT that failed with it changed nothing for sure.
bool surely_not_committed(int code);

Error closed_error();
Error overloaded_error();
Error storage_full_error(std::string_view detail);
Error outcome_unknown_error();

}  // namespace consilium::database::sqlite

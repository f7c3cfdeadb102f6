// A file of SQLite laid around the file of another file system (https://www.sqlite.org/vfs.html): what both kinds of ours share.
// `State` has a member `inner`, the file within, which lies in memory behind the outer one.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <new>

namespace consilium::database::sqlite {

template <class State>
struct LayeredFile {
  sqlite3_file base;
  State* state;
};

template <class State>
State& state_of(sqlite3_file* file) {
  return *reinterpret_cast<LayeredFile<State>*>(file)->state;
}

// Bytes that SQLite reserves for an open file of this kind.
template <class State>
std::size_t layered_file_size(const sqlite3_vfs& inner) {
  return sizeof(LayeredFile<State>) + static_cast<std::size_t>(inner.szOsFile);
}

// The same call of the file within.
template <class State, auto kMethod, class... Arguments>
auto pass_on(sqlite3_file* file, Arguments... arguments) {
  sqlite3_file* inner = state_of<State>(file).inner;
  return (inner->pMethods->*kMethod)(inner, arguments...);
}

// As xOpen of `inner`. `make_state(file within)` gives a new State, or nullptr when there is no memory.
template <class State, class MakeState>
int open_layered_file(sqlite3_vfs& inner, const char* name, sqlite3_file* file, int flags, int* out_flags,
                      const sqlite3_io_methods& methods, MakeState make_state) {
  file->pMethods = nullptr;
  auto* within = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(LayeredFile<State>));
  const int code = inner.xOpen(&inner, name, within, flags, out_flags);
  State* state = code == SQLITE_OK ? make_state(within) : nullptr;
  if (state == nullptr) {
    // A file that did not open is closed too where it has methods (sqlite3_vfs.xOpen).
    if (within->pMethods != nullptr) within->pMethods->xClose(within);
    return code == SQLITE_OK ? SQLITE_NOMEM : code;
  }
  reinterpret_cast<LayeredFile<State>*>(file)->state = state;
  file->pMethods = &methods;
  return SQLITE_OK;
}

// Closes the file within and gives up the state.
template <class State>
int close_layered_file(sqlite3_file* file) {
  const int code = pass_on<State, &sqlite3_io_methods::xClose>(file);
  delete &state_of<State>(file);
  file->pMethods = nullptr;
  return code;
}

}  // namespace consilium::database::sqlite

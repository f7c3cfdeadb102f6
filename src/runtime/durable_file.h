// Files that survive a power cut: after `write_durably` has returned, either the old or the new content is on the
// disk, whole. Errors: `file.failed` (kInternal), `storage-full` (kUnavailable), `file.missing` (kNotFound),
// `file.too-large` (kTooLarge). Blocking: at start, or on a BlockingPool.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace consilium::runtime {

inline constexpr unsigned kPrivateFile = 0600;
inline constexpr unsigned kPrivateFolder = 0700;

// Writes beside it, syncs, renames, syncs the folder.
Result<void> write_durably(const std::string& path, std::string_view bytes, unsigned mode = kPrivateFile);
// As above, but an existing file is left alone: true when this call made it. For keys that two starts could make.
Result<bool> create_durably(const std::string& path, std::string_view bytes, unsigned mode = kPrivateFile);
Result<std::string> read_file(const std::string& path, std::size_t limit);
// Makes missing folders of the path with mode 0700; the last one is given that mode if it exists.
Result<void> make_private_folder(const std::string& path);
Result<void> sync_folder(const std::string& path);

}  // namespace consilium::runtime

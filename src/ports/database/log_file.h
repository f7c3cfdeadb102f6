// A file that is written in place, in whole blocks, each write on the disk when it returns. Blocking, one thread at a time.
// Implementations: `open_log_file` (the operating system's), simulated/simulated_log_file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace consilium::database {

inline constexpr std::size_t kLogBlock = 4096;

class LogFile {
 public:
  virtual ~LogFile() = default;

  virtual Result<std::uint64_t> size() = 0;
  // Fills it with zeros up to this size, a multiple of a block. Errors as those of `write`; what was there stays.
  virtual Result<void> extend(std::uint64_t size) = 0;
  // The first bytes; there are as many.
  virtual Result<std::string> read(std::size_t bytes) = 0;
  // Offset and size are multiples of a block. Error `storage-full` (kUnavailable): the place is damaged, and nothing beside it. Any
  // other: whether it is on the disk is not known, nor ever will be.
  virtual Result<void> write(std::string_view blocks, std::uint64_t offset) = 0;
};

// Makes it when it is missing, mode 0600, with its name on the disk. Past the kernel's cache where the file system can (open(2): O_DIRECT):
// a write of one block takes a tenth less there than write and fdatasync.
// Errors: `database.failed` (kInternal), `storage-full`.
Result<std::unique_ptr<LogFile>> open_log_file(const std::string& path);

}  // namespace consilium::database

// A log file on a simulated disk, which may be torn and lost, and fail. One thread.
#pragma once

#include <memory>
#include <string>

#include "ports/database/log_file.h"
#include "ports/database/simulated/disk.h"

namespace consilium::database::simulated {

// Off exists so that tests can prove that they notice it.
enum class LogSyncs { kFull, kOffForTests };

// The disk outlives it.
Result<std::unique_ptr<LogFile>> open_log_file(Disk& disk, const std::string& path, LogSyncs syncs = LogSyncs::kFull);

}  // namespace consilium::database::simulated

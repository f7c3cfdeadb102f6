// How a log line looks. JSON: one object a line, valid for any bytes in the input. Human: for a terminal, with control
// characters made visible.
#pragma once

#include <string>
#include <string_view>

#include "runtime/log.h"

namespace consilium::runtime {

struct LogRecord {
  Timestamp time;
  LogLevel level;
  std::string_view service;
  std::string_view component;
  std::string_view instance;
  const Context* context;
  std::string_view message;
  Fields fields;
};

std::string format_json_line(const LogRecord& record);
std::string format_human_line(const LogRecord& record);

// Appends `text` as a JSON string with quotes; bytes that are not UTF-8 become U+FFFD; at most `limit` bytes of it.
void append_json_string(std::string& out, std::string_view text, std::size_t limit);

}  // namespace consilium::runtime

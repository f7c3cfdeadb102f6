// The readers of configuration files, and the log line, which must be one line of JSON for any bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json.hpp>

#include "runtime/config_text.h"
#include "runtime/log_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium::runtime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<consilium::FieldError> problems;
  read_yaml(text, "file", problems);
  read_dot_env(text, "file", problems);
  const std::string line = format_json_line({{}, LogLevel::kInfo, text, text, text, nullptr, text, {{text, text}}});
  boost::system::error_code error;
  boost::json::parse(line, error);
  if (error || line.find('\n') != std::string::npos) std::abort();
  return 0;
}

// Reads the files of the configuration into flat lists of dotted names. Bounded: size, depth, number of entries; YAML
// anchors, aliases and tags are refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime/config_settings.h"

namespace consilium::runtime {

struct ConfigEntry {
  std::string name;  // dotted, or the name of a variable
  RawValue value;
  int line = 0;
};

// Problems are added to `problems` with the dotted name, or with `file` when the text cannot be read at all.
std::vector<ConfigEntry> read_yaml(std::string_view text, const std::string& file, std::vector<FieldError>& problems);

// `NAME=value` lines, `#` comments, optional `export` and quotes.
std::vector<ConfigEntry> read_dot_env(std::string_view text, const std::string& file, std::vector<FieldError>& problems);

}  // namespace consilium::runtime

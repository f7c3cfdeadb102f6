// The table of all settings. Used by the loader and the printers only.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config.h"

namespace consilium::runtime {

// What a source says: one text, or a list of them.
struct RawValue {
  std::vector<std::string> items;
  bool is_list = false;
};

inline constexpr std::string_view kBooleanType = "true or false";
inline constexpr std::string_view kNumberType = "whole number";

enum class SettingShape { kSingle, kList, kMap, kMapOfLists };

struct Setting {
  std::string name;  // a map's ends in `.*`, or has `.*.` for the key in the middle
  std::string default_text;
  std::string description;
  std::string type;  // `duration`, `address` …
  SettingShape shape = SettingShape::kSingle;
  std::vector<std::string> choices;
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  // in base units: microseconds, bytes
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::string least_text;
  std::string most_text;
  bool secret = false;
  bool reloadable = false;

  // `key` is the part that stands for `*`. Gives what is wrong, or nothing.
  std::function<std::string(const Setting&, Config&, std::string_view key, const RawValue&)> assign;
  // Key and text of each value; unmasked. No entry: not set.
  std::function<std::vector<std::pair<std::string, RawValue>>(const Config&)> read;
};

const std::vector<Setting>& settings();

// Rules between settings. Adds to `problems`.
void check_rules(const Config& config, std::vector<FieldError>& problems);

}  // namespace consilium::runtime

// The readers of configuration files, and the log line, which must be one line of JSON for any bytes. A configuration that
// is accepted is accepted again as `config print` writes it.
#include <algorithm>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/fuzz_testing.h"
#include "runtime/config.h"
#include "runtime/config_settings.h"
#include "runtime/config_text.h"
#include "runtime/config_value.h"
#include "runtime/log_format.h"

namespace consilium::runtime {
namespace {

void check_entries(const std::vector<ConfigEntry>& entries) {
  require(entries.size() <= kMaxConfigEntries);
  for (const ConfigEntry& entry : entries) require(entry.line > 0 && (entry.value.is_list || entry.value.items.size() == 1));
}

bool is_secret(std::string_view name) {
  return std::ranges::any_of(settings(), [&](const Setting& setting) {
    const std::size_t star = setting.name.find('*');
    if (!setting.secret) return false;
    return star == std::string::npos ? setting.name == name : name.starts_with(std::string_view(setting.name).substr(0, star));
  });
}

void check_loaded(const Result<LoadedConfig>& loaded) {
  if (!loaded) {
    require(!loaded.error().fields.empty() && !describe_config_problems(loaded.error()).empty());
    return;
  }
  ConfigSources printed;
  printed.yaml = print_config(*loaded);
  const auto again = load_config(printed);
  require(again.has_value());
  // Secrets are printed as stars.
  for (const ConfigChange& change : config_changes(loaded->config, again->config)) require(is_secret(change.name));
}

void fuzz_config(std::string_view text) {
  std::vector<FieldError> problems;
  check_entries(read_yaml(text, "file", problems));
  check_entries(read_dot_env(text, "file", problems));
  ConfigSources yaml;
  yaml.yaml = text;
  check_loaded(load_config(yaml));
  ConfigSources dot_env;
  dot_env.dot_env = text;
  dot_env.read_file = [](const std::string& path) -> Result<std::string> {
    if (path.starts_with("/missing")) return fail(ErrorKind::kNotFound, "config.file");
    return path + "\n";
  };
  check_loaded(load_config(dot_env));
}

template <class Value>
void fuzz_value(std::string_view text) {
  const auto value = Value::parse(text);
  if (value) require(Value::parse(value->text()) == value);
}

void fuzz_values(std::string_view text) {
  fuzz_value<Address>(text);
  fuzz_value<ByteSize>(text);
  if (const auto address = Address::parse(text)) {
    require(address->text().find('\0') == std::string::npos);
    static_cast<void>(address->is_loopback());
  }
  if (const auto range = NetworkRange::parse(text)) {
    require(range->text.find('\0') == std::string::npos && range->contains(text.substr(0, text.find('/'))));
    require(!range->contains("no address"));
  }
  if (const auto level = parse_log_level(text)) require(parse_log_level(name_of(*level)) == level);
}

// The settings describe themselves, each by its name.
void check_descriptions() {
  boost::system::error_code error;
  boost::json::parse(config_schema(), error);
  require(!error);
  const std::string reference = config_reference();
  for (const Setting& setting : settings()) require(reference.find("| `" + setting.name + "` |") != std::string::npos);
}

void fuzz_log_line(std::string_view text) {
  const std::string line = format_json_line({{}, LogLevel::kInfo, text, text, text, nullptr, text, {{text, text}}});
  boost::system::error_code error;
  boost::json::parse(line, error);
  require(!error && line.find('\n') == std::string::npos);
}

}  // namespace
}  // namespace consilium::runtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool described = (consilium::runtime::check_descriptions(), true);
  consilium::require(described);
  const std::string_view text = consilium::fuzz_input(data, size);
  consilium::runtime::fuzz_config(text);
  consilium::runtime::fuzz_values(text);
  consilium::runtime::fuzz_log_line(text);
  return 0;
}

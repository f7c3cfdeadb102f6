#include "runtime/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>

#include "runtime/config_settings.h"
#include "runtime/config_text.h"
#include "runtime/log_format.h"

namespace consilium::runtime {
namespace {

constexpr std::string_view kPrefix = "CONSILIUM_";
constexpr std::string_view kFileSuffix = "_FILE";
// Variables with our prefix that are no settings.
constexpr std::string_view kOtherVariables[] = {"CONSILIUM_CONFIG", "CONSILIUM_DMN_TCK", "CONSILIUM_SEED", "CONSILIUM_SEEDS"};

// `http.behind-proxy` -> `HTTP_BEHIND__PROXY`
std::string variable_of(std::string_view name) {
  std::string variable;
  for (const char c : name) {
    if (c == '.') {
      variable += '_';
    } else if (c == '-') {
      variable += "__";
    } else {
      variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return variable;
}

// The other way round; what follows the prefix.
std::string name_of_variable(std::string_view variable) {
  std::string name;
  for (std::size_t i = 0; i < variable.size(); ++i) {
    if (variable[i] != '_') {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(variable[i])));
    } else if (i + 1 < variable.size() && variable[i + 1] == '_') {
      name += '-';
      ++i;
    } else {
      name += '.';
    }
  }
  return name;
}

struct Match {
  const Setting* setting = nullptr;
  std::string key;
};

// `log.services.tasks.store` fits `log.services.*` with the key `tasks.store`.
Match find_setting(std::string_view name) {
  for (const Setting& setting : settings()) {
    if (setting.name == name) return {&setting, {}};
    const std::size_t star = setting.name.find('*');
    if (star == std::string::npos) continue;
    const std::string_view before = std::string_view(setting.name).substr(0, star);
    const std::string_view after = std::string_view(setting.name).substr(star + 1);
    if (name.size() > before.size() + after.size() && name.starts_with(before) && name.ends_with(after))
      return {&setting, std::string(name.substr(before.size(), name.size() - before.size() - after.size()))};
  }
  return {};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row[b.size()];
}

// The nearest name, or the only one that ends in the same word; empty when nothing is near.
std::string suggestion_for(std::string_view name) {
  if (name.size() > 100) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const Setting& setting : settings()) {
    const std::size_t distance = edit_distance(name, setting.name);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = setting.name;
  }
  if (!best.empty()) return best;
  for (const Setting& setting : settings()) {
    if (!setting.name.ends_with("." + std::string(name.substr(name.rfind('.') + 1)))) continue;
    if (!best.empty()) return {};
    best = setting.name;
  }
  return best;
}

class Loader {
 public:
  explicit Loader(const ConfigSources& sources) : sources_(sources) {}

  Result<LoadedConfig> load() {
    for (const Setting& setting : settings()) {
      if (setting.shape == SettingShape::kMap || setting.shape == SettingShape::kMapOfLists) continue;
      assign(Match{&setting, {}}, setting.name, {.items = {setting.default_text}, .is_list = false}, "default");
    }
    if (sources_.yaml) {
      for (const auto& entry : read_yaml(*sources_.yaml, "consilium.yaml", problems_))
        set(entry.name, entry.value, "consilium.yaml", " (line " + std::to_string(entry.line) + ")");
    }
    if (sources_.dot_env) {
      std::map<std::string, std::string, std::less<>> variables;
      for (const auto& entry : read_dot_env(*sources_.dot_env, ".env", problems_)) variables[entry.name] = entry.value.items.front();
      set_variables(variables, ".env");
    }
    set_variables(sources_.environment, "environment");
    for (const auto& [name, value] : sources_.flags) set(name, {.items = {value}, .is_list = false}, "flag", "");
    check_rules(loaded_.config, problems_);
    if (problems_.empty()) return std::move(loaded_);
    Error error =
        make_error(ErrorKind::kValidation, "config.invalid", "The configuration has " + std::to_string(problems_.size()) + " problem(s)");
    error.fields = std::move(problems_);
    return fail(std::move(error));
  }

 private:
  void set_variables(const std::map<std::string, std::string, std::less<>>& variables, const std::string& origin) {
    for (const auto& [variable, value] : variables) {
      if (!variable.starts_with(kPrefix) || std::ranges::find(kOtherVariables, variable) != std::end(kOtherVariables)) continue;
      if (set_from_file(variables, variable, value, origin)) continue;
      set(name_of_variable(std::string_view(variable).substr(kPrefix.size())), {.items = {value}, .is_list = false}, origin,
          " (" + variable + ")");
    }
  }

  // `CONSILIUM_DEMO_PASSWORD_FILE` names the file that holds `demo.password`.
  bool set_from_file(const std::map<std::string, std::string, std::less<>>& variables, const std::string& variable, const std::string& path,
                     const std::string& origin) {
    if (!variable.ends_with(kFileSuffix) || variable.size() <= kPrefix.size() + kFileSuffix.size()) return false;
    const std::string plain = variable.substr(0, variable.size() - kFileSuffix.size());
    const std::string name = name_of_variable(std::string_view(plain).substr(kPrefix.size()));
    const Match match = find_setting(name);
    if (match.setting == nullptr || !match.setting->secret) return false;
    if (variables.contains(plain)) {
      problems_.push_back({name, "duplicate", "both " + plain + " and " + variable + " are set (" + origin + ")"});
      return true;
    }
    auto content = sources_.read_file ? sources_.read_file(path) : Result<std::string>(fail(ErrorKind::kNotFound, "config.file"));
    if (!content) {
      problems_.push_back({name, "unreadable", "cannot read the file " + path + " named by " + variable});
      return true;
    }
    while (content->ends_with('\n') || content->ends_with('\r')) content->pop_back();
    assign(match, name, {.items = {*content}, .is_list = false}, origin, " (" + variable + ")");
    return true;
  }

  void set(const std::string& name, const RawValue& value, const std::string& origin, const std::string& place) {
    const Match match = find_setting(name);
    if (match.setting != nullptr) return assign(match, name, value, origin, place);
    const std::string suggestion = suggestion_for(name);
    problems_.push_back(
        {name, "unknown", "unknown setting in " + origin + place + (suggestion.empty() ? "" : "; did you mean " + suggestion + "?")});
  }

  void assign(const Match& match, const std::string& name, const RawValue& value, const std::string& origin,
              const std::string& place = {}) {
    std::string problem = match.setting->assign(*match.setting, loaded_.config, match.key, value);
    loaded_.origins.insert_or_assign(name, origin);
    // A later source may mend what an earlier one has wrong.
    std::erase_if(problems_, [&](const FieldError& earlier) { return earlier.name == name && earlier.code == "invalid"; });
    if (!problem.empty()) problems_.push_back({name, "invalid", problem + " in " + origin + place});
  }

  const ConfigSources& sources_;
  LoadedConfig loaded_;
  std::vector<FieldError> problems_;
};

struct PrintedSetting {
  const Setting* setting;
  std::string name;
  RawValue value;
};

std::string name_with_key(const Setting& setting, std::string_view key) {
  std::string name = setting.name;
  if (const std::size_t star = name.find('*'); star != std::string::npos) name.replace(star, 1, key);
  return name;
}

std::vector<PrintedSetting> all_values(const Config& config) {
  std::vector<PrintedSetting> all;
  for (const Setting& setting : settings()) {
    for (auto& [key, value] : setting.read(config)) all.push_back({&setting, name_with_key(setting, key), std::move(value)});
  }
  std::ranges::sort(all, {}, &PrintedSetting::name);
  return all;
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text, kMaxConfigFile);
  return out;
}

std::string printed_value(const PrintedSetting& printed) {
  const auto item = [&](const std::string& text) {
    if (printed.setting->secret) return json_text(text.empty() ? "" : Secret::masked());
    const bool is_bare = printed.setting->type == kBooleanType || printed.setting->type == kNumberType;
    return is_bare ? text : json_text(text);
  };
  if (!printed.value.is_list) return item(printed.value.items.front());
  std::string list;
  for (const std::string& text : printed.value.items) list += (list.empty() ? "" : ", ") + item(text);
  return "[" + list + "]";
}

boost::json::object schema_of_value(const Setting& setting) {
  boost::json::object schema;
  if (!setting.choices.empty()) {
    boost::json::array choices;
    for (const auto& choice : setting.choices) choices.emplace_back(choice);
    schema["enum"] = std::move(choices);
  } else if (setting.type == kBooleanType) {
    schema["type"] = "boolean";
  } else if (setting.type == kNumberType) {
    schema["type"] = "integer";
    schema["minimum"] = setting.least;
    schema["maximum"] = setting.most;
  } else {
    schema["type"] = "string";
    if (setting.type.starts_with("duration")) schema["pattern"] = "^[0-9]+(us|ms|s|m|h|d)$";
    if (setting.type.starts_with("size")) schema["type"] = boost::json::array{"string", "integer"};
    if (setting.type.starts_with("address h")) schema["pattern"] = "^(|.+:[0-9]+)$";
  }
  if (setting.shape != SettingShape::kList && setting.shape != SettingShape::kMapOfLists) return schema;
  return {{"type", "array"}, {"items", std::move(schema)}};
}

boost::json::object new_section() { return {{"type", "object"}, {"additionalProperties", false}, {"properties", boost::json::object()}}; }

void add_to_schema(boost::json::object& root, const Setting& setting) {
  boost::json::object* section = &root;
  std::string_view rest = setting.name;
  for (;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view word = rest.substr(0, dot);
    const bool is_last = dot == std::string_view::npos;
    boost::json::value* slot = nullptr;
    if (word == "*") {
      slot = &(*section)["additionalProperties"];
    } else {
      slot = &section->at("properties").as_object()[word];
    }
    if (is_last) {
      boost::json::object value = schema_of_value(setting);
      value["description"] = setting.description;
      if (!setting.default_text.empty() && setting.shape == SettingShape::kSingle) value["default"] = setting.default_text;
      *slot = std::move(value);
      return;
    }
    if (!slot->is_object()) *slot = new_section();
    section = &slot->as_object();
    rest = rest.substr(dot + 1);
  }
}

Result<std::string> read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxConfigFile + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) return fail(ErrorKind::kNotFound, "config.file", "Expected to read " + path + ", but could not");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxConfigFile)
    return fail(ErrorKind::kTooLarge, "config.file", "Expected " + path + " to have at most " + std::to_string(kMaxConfigFile) + " bytes");
  return text;
}

}  // namespace

Result<LoadedConfig> load_config(const ConfigSources& sources) { return Loader(sources).load(); }

Result<ConfigSources> gather_config_sources(const std::optional<std::string>& file,
                                            std::vector<std::pair<std::string, std::string>> flags) {
  ConfigSources sources;
  sources.flags = std::move(flags);
  sources.read_file = read_small_file;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with(kPrefix)) sources.environment.emplace(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
  }
  const auto named = sources.environment.find("CONSILIUM_CONFIG");
  std::optional<std::string> path = file;
  if (!path && named != sources.environment.end()) path = named->second;
  std::error_code ignored;
  if (!path && std::filesystem::exists("consilium.yaml", ignored)) path = "consilium.yaml";
  if (path) {
    ASSIGN_OR_RETURN(sources.yaml, read_small_file(*path));
  }
  if (std::filesystem::exists(".env", ignored)) {
    ASSIGN_OR_RETURN(sources.dot_env, read_small_file(".env"));
  }
  return sources;
}

std::string describe_config_problems(const Error& error) {
  std::string text;
  for (const FieldError& problem : error.fields) text += problem.name + ": " + problem.message + "\n";
  if (text.empty()) text = error.detail + "\n";
  return text;
}

std::string print_config(const LoadedConfig& loaded) {
  std::string text;
  std::vector<std::string> open;  // the sections that the last line lies in
  for (const PrintedSetting& printed : all_values(loaded.config)) {
    // The key of a map is one word, whatever dots it has.
    std::vector<std::string> words;
    std::string_view rest = printed.setting->name;
    const std::string key = printed.name.substr(std::min(printed.name.size(), printed.setting->name.find('*')),
                                                printed.name.size() - printed.setting->name.size() + 1);
    while (!rest.empty()) {
      const std::size_t dot = rest.find('.');
      const std::string_view word = rest.substr(0, dot);
      words.emplace_back(word == "*" ? json_text(key) : std::string(word));
      rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    }
    std::size_t shared = 0;
    while (shared + 1 < words.size() && shared < open.size() && open[shared] == words[shared]) ++shared;
    for (std::size_t i = shared; i + 1 < words.size(); ++i) text += std::string(i * 2, ' ') + words[i] + ":\n";
    open.assign(words.begin(), words.end() - 1);
    const auto origin = loaded.origins.find(printed.name);
    text += std::string((words.size() - 1) * 2, ' ') + words.back() + ": " + printed_value(printed);
    if (origin != loaded.origins.end() && origin->second != "default") text += "  # " + origin->second;
    text += '\n';
  }
  return text;
}

std::string config_schema() {
  boost::json::object root = new_section();
  root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  root["title"] = "Consilium configuration";
  for (const Setting& setting : settings()) add_to_schema(root, setting);
  return boost::json::serialize(root);
}

std::string config_reference() {
  std::string text = "| setting | environment | type | default | meaning |\n|---|---|---|---|---|\n";
  for (const Setting& setting : settings()) {
    const bool is_list = setting.shape == SettingShape::kList || setting.shape == SettingShape::kMapOfLists;
    std::string type = is_list ? "list of: " + setting.type : setting.type;
    for (const auto& choice : setting.choices) type += (&choice == &setting.choices.front() ? ": " : ", ") + choice;
    if (!setting.least_text.empty()) type += ", " + setting.least_text + " to " + setting.most_text;
    text += "| `" + setting.name + "` | `" + std::string(kPrefix) + variable_of(setting.name) + (setting.secret ? "` or `…_FILE" : "") +
            "` | " + type + " | " + (setting.default_text.empty() ? "" : "`" + setting.default_text + "`") + " | " + setting.description +
            (setting.reloadable ? " (without restart)" : "") + " |\n";
  }
  return text;
}

std::vector<ConfigChange> config_changes(const Config& before, const Config& after) {
  std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> values;
  std::map<std::string, bool> reloadable;
  const auto collect = [&](const Config& config, auto member) {
    for (auto& printed : all_values(config)) {
      printed.value.items.insert(printed.value.items.begin(), "set");  // an empty list differs from none
      values[printed.name].*member = std::move(printed.value.items);
      reloadable[printed.name] = printed.setting->reloadable;
    }
  };
  using Pair = std::pair<std::vector<std::string>, std::vector<std::string>>;
  collect(before, &Pair::first);
  collect(after, &Pair::second);
  std::vector<ConfigChange> changes;
  for (const auto& [name, pair] : values) {
    if (pair.first != pair.second) changes.push_back({name, reloadable[name]});
  }
  return changes;
}

}  // namespace consilium::runtime

#include "runtime/config_text.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <set>
#include <sstream>

#include "base/utf8.h"

namespace consilium::runtime {
namespace {

class Refused : public std::exception {
 public:
  Refused(std::string what, int line) : text_(std::move(what)), line_(line) {}
  const char* what() const noexcept override { return text_.c_str(); }
  int line() const { return line_; }

 private:
  std::string text_;
  int line_;
};

// Takes the parser's events, so that no tree of unknown size is built.
class Flattener final : public YAML::EventHandler {
 public:
  Flattener(std::vector<ConfigEntry>& entries, std::vector<FieldError>& problems) : entries_(entries), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (levels_.empty()) return;  // an empty file
    if (awaits_key()) throw Refused("an empty key", mark.line + 1);
    if (levels_.back().is_list) return add_item(mark, "");
    levels_.back().key.reset();  // an empty section sets nothing
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { throw Refused("aliases are not allowed", mark.line + 1); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    refuse_anchor(mark, anchor);
    if (!tag.empty() && tag != "?" && tag != "!") throw Refused("tags are not allowed", mark.line + 1);
    if (levels_.empty()) throw Refused("expected `name: value` lines", mark.line + 1);
    if (levels_.back().is_list) return add_item(mark, value);
    if (awaits_key()) {
      levels_.back().key = value;
      return;
    }
    add(mark, {.items = {value}, .is_list = false});
    levels_.back().key.reset();
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    if (levels_.empty() || levels_.back().is_list || awaits_key()) throw Refused("a list is not expected here", mark.line + 1);
    enter(mark, Level{.is_list = true, .mark = mark});
  }

  void OnSequenceEnd() override {
    RawValue list{.items = std::move(levels_.back().items), .is_list = true};
    const YAML::Mark mark = levels_.back().mark;
    levels_.pop_back();
    add(mark, std::move(list));
    levels_.back().key.reset();
  }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    if (!levels_.empty() && (levels_.back().is_list || awaits_key())) throw Refused("a section is not expected here", mark.line + 1);
    enter(mark, Level{.is_list = false, .mark = mark});
  }

  void OnMapEnd() override {
    levels_.pop_back();
    if (!levels_.empty()) levels_.back().key.reset();
  }

 private:
  struct Level {
    bool is_list = false;
    YAML::Mark mark;
    std::optional<std::string> key;
    std::vector<std::string> items;
  };

  bool awaits_key() const { return !levels_.back().is_list && !levels_.back().key; }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) throw Refused("anchors are not allowed", mark.line + 1);
  }

  void enter(const YAML::Mark& mark, Level level) {
    if (levels_.size() >= kMaxConfigDepth) throw Refused("nested deeper than " + std::to_string(kMaxConfigDepth), mark.line + 1);
    levels_.push_back(std::move(level));
  }

  void count(const YAML::Mark& mark) {
    if (++count_ > kMaxConfigEntries) throw Refused("more than " + std::to_string(kMaxConfigEntries) + " values", mark.line + 1);
  }

  void add_item(const YAML::Mark& mark, std::string item) {
    count(mark);
    levels_.back().items.push_back(std::move(item));
  }

  void add(const YAML::Mark& mark, RawValue value) {
    count(mark);
    std::string name;
    for (const Level& level : levels_) {
      if (level.key) name += (name.empty() ? "" : ".") + *level.key;
    }
    if (!seen_.insert(name).second) {
      problems_.push_back({name, "duplicate", "set twice, again in line " + std::to_string(mark.line + 1)});
      return;
    }
    entries_.push_back({std::move(name), std::move(value), mark.line + 1});
  }

  std::vector<ConfigEntry>& entries_;
  std::vector<FieldError>& problems_;
  std::vector<Level> levels_;
  std::set<std::string> seen_;
  std::size_t count_ = 0;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_readable(std::string_view text, const std::string& file, std::vector<FieldError>& problems) {
  if (text.size() > kMaxConfigFile) {
    problems.push_back({file, "too-large", "larger than " + std::to_string(kMaxConfigFile) + " bytes"});
    return false;
  }
  if (is_valid_utf8(text)) return true;
  // What is printed of it would not be what is used.
  problems.push_back({file, "malformed", "not UTF-8"});
  return false;
}

// Nullopt when a quote is not closed.
std::optional<std::string> unquoted(std::string_view text) {
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) {
    const std::size_t comment = text.find(" #");
    return std::string(trimmed(text.substr(0, comment)));
  }
  const char quote = text.front();
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) return value;
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      value += text[i] == 'n' ? '\n' : text[i];
    } else {
      value += text[i];
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<ConfigEntry> read_yaml(std::string_view text, const std::string& file, std::vector<FieldError>& problems) {
  std::vector<ConfigEntry> entries;
  if (!is_readable(text, file, problems)) return entries;
  const auto refuse = [&](int line, const std::string& what) {
    problems.push_back({file, "malformed", "line " + std::to_string(line) + ": " + what});
  };
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    Flattener flattener(entries, problems);
    parser.HandleNextDocument(flattener);
    Flattener rest(entries, problems);
    if (parser.HandleNextDocument(rest)) refuse(1, "more than one document");
  } catch (const YAML::ParserException& error) {
    refuse(error.mark.line + 1, error.msg);
  } catch (const YAML::Exception& error) {
    refuse(error.mark.line + 1, error.msg);
  } catch (const Refused& error) {
    refuse(error.line(), error.what());
  }
  return entries;
}

std::vector<ConfigEntry> read_dot_env(std::string_view text, const std::string& file, std::vector<FieldError>& problems) {
  std::vector<ConfigEntry> entries;
  if (!is_readable(text, file, problems)) return entries;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const std::size_t equals = line.find('=');
    const auto value = equals == std::string_view::npos ? std::nullopt : unquoted(trimmed(line.substr(equals + 1)));
    if (!value) {
      problems.push_back({file, "malformed", "line " + std::to_string(number) + ": expected NAME=value"});
      continue;
    }
    entries.push_back({std::string(trimmed(line.substr(0, equals))), {.items = {*value}, .is_list = false}, number});
  }
  return entries;
}

}  // namespace consilium::runtime

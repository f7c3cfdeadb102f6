#include "bpmn/feel/builtins.h"

#include <algorithm>
#include <map>

#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::feel {
namespace {

struct Form {
  std::vector<std::string_view> names;
  std::size_t least = 0;
  bool repeats = false;  // the last one
};

std::string_view stripped(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

template <class Take>
void split(std::string_view text, char separator, Take take) {
  while (true) {
    const auto end = text.find(separator);
    take(stripped(text.substr(0, end)));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

std::vector<Form> forms_of(const Builtin& builtin) {
  std::vector<Form> forms;
  split(builtin.parameters, '|', [&](std::string_view parameters) {
    Form& form = forms.emplace_back();
    if (parameters.empty()) return;
    split(parameters, ',', [&](std::string_view name) {
      const bool optional = name.ends_with('?');
      if (optional) name.remove_suffix(1);
      form.repeats = name.ends_with("...");
      if (form.repeats) name.remove_suffix(3);
      form.names.push_back(name);
      if (!optional) form.least = form.names.size();
    });
  });
  return forms;
}

struct Entry {
  const Builtin* builtin = nullptr;
  std::vector<Form> forms;
  bool lists = false;
};

const std::map<std::string_view, Entry>& registry() {
  static const std::map<std::string_view, Entry> known = [] {
    std::map<std::string_view, Entry> made;
    const auto add = [&](std::span<const Builtin> table, bool lists) {
      for (const Builtin& builtin : table)
        made.emplace(builtin.name, Entry{&builtin, forms_of(builtin), lists || builtin.name == "string join"});
    };
    for (const auto table : {conversion_builtins(), list_builtins(), context_builtins(), range_builtins()}) add(table, true);
    for (const auto table : {text_builtins(), number_builtins(), temporal_builtins()}) add(table, false);
    return made;
  }();
  return known;
}

const std::vector<Form>& forms(const Builtin& builtin) { return registry().at(builtin.name).forms; }

}  // namespace

const Value& Call::operator[](std::size_t index) const {
  static const Value null;
  return index < arguments_.size() ? arguments_[index] : null;
}

bool Call::names(std::string_view parameter) const { return std::find(names_.begin(), names_.end(), parameter) != names_.end(); }

Value Call::fail(std::string_view reason) { return machine_.problem(std::string(name_) + "(): " + std::string(reason)); }

Value run_builtin(const Builtin& builtin, Call& call) {
  Machine& machine = call.machine();
  if (builtin.reads == Reads::kAll) {
    for (const Value& argument : call.arguments()) {
      if (!machine.spend(reading_steps(argument))) return {};
    }
  }
  return machine.built(builtin.call(call));
}

const Builtin* find_builtin(std::string_view name) {
  const auto found = registry().find(name);
  return found == registry().end() ? nullptr : found->second.builtin;
}

std::vector<const Builtin*> all_builtins() {
  std::vector<const Builtin*> all;
  for (const auto& [name, entry] : registry()) all.push_back(entry.builtin);
  return all;
}

bool takes_lists(const Builtin& builtin) { return registry().at(builtin.name).lists; }

std::string_view parameter_of(const Builtin& builtin, std::size_t index) {
  const std::vector<std::string_view>& names = forms(builtin).front().names;
  return index < names.size() ? names[index] : std::string_view();
}

bool takes(const Builtin& builtin, std::size_t arguments) {
  return std::any_of(forms(builtin).begin(), forms(builtin).end(),
                     [&](const Form& form) { return arguments >= form.least && (form.repeats || arguments <= form.names.size()); });
}

bool takes(const Builtin& builtin, std::span<const std::string> names) { return places(builtin, names).has_value(); }

std::optional<std::vector<std::size_t>> places(const Builtin& builtin, std::span<const std::string> names) {
  for (const Form& form : forms(builtin)) {
    std::vector<std::size_t> found;
    for (const std::string& name : names) {
      const auto at = std::find(form.names.begin(), form.names.end(), name);
      const auto place = static_cast<std::size_t>(at - form.names.begin());
      if (at == form.names.end() || std::find(found.begin(), found.end(), place) != found.end()) break;
      found.push_back(place);
    }
    if (found.size() != names.size()) continue;
    bool complete = true;
    for (std::size_t i = 0; i < form.least; ++i) complete = complete && std::find(found.begin(), found.end(), i) != found.end();
    if (complete) return found;
  }
  return std::nullopt;
}

Value parse_at_literal(std::string_view text) {
  if (auto date = parse_calendar_date(text)) return *date;
  if (auto moment = parse_date_time(text)) return *moment;
  if (auto time = parse_time_of_day(text)) return *time;
  if (auto duration = parse_day_time_duration(text)) return *duration;
  if (auto duration = parse_year_month_duration(text)) return *duration;
  return {};
}

}  // namespace consilium::bpmn::feel

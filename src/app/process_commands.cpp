#include "app/process_commands.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <ranges>
#include <tuple>

#include "app/admin_client.h"
#include "app/model_files.h"
#include "app/text_table.h"
#include "bpmn/engine/engine.h"
#include "net/percent_encoding.h"

namespace consilium::app {
namespace {

namespace json = boost::json;
using bpmn::model::Finding;

std::string text_at(const json::value& object, std::string_view name) {
  const json::value* member = object.as_object().if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string();
}

std::string number_at(const json::value& object, std::string_view name) {
  const json::value* member = object.as_object().if_contains(name);
  return member != nullptr && member->is_number() ? std::to_string(member->to_number<std::int64_t>()) : std::string();
}

Result<json::value> ask(const Operator& me, AdminCall call) { return call_server(admin_socket_of(me.config), std::move(call)); }

// Numbers as people write them: `178.5`, where the library's own writer says `1.785E2`.
std::string plain(const json::value& value) {
  if (const double* number = value.if_double()) {
    std::array<char, 32> text{};
    const auto form = std::abs(*number) < 1e15 && std::abs(*number) >= 1e-6 ? std::chars_format::fixed : std::chars_format::general;
    auto* const end = std::to_chars(text.data(), text.data() + text.size(), *number, form).ptr;
    return *number == 0 ? "0" : std::string(text.data(), end);
  }
  std::string out;
  if (const json::array* items = value.if_array()) {
    for (const json::value& item : *items) out += (out.empty() ? "" : ",") + plain(item);
    return "[" + out + "]";
  }
  const json::object* members = value.if_object();
  if (members == nullptr) return json::serialize(value);
  for (const auto& [name, member] : *members) out += (out.empty() ? "" : ",") + json::serialize(name) + ":" + plain(member);
  return "{" + out + "}";
}

void print_json(const json::value& value) { std::printf("%s\n", plain(value).c_str()); }
void print_text(const std::string& text) { std::fputs(text.c_str(), stdout); }

// A time as people read it, in UTC: 2026-01-31 09:30:00
std::string time_at(const json::value& object, std::string_view name) {
  std::string time = text_at(object, name).substr(0, 19);
  std::replace(time.begin(), time.end(), 'T', ' ');
  return time.empty() ? "-" : time;
}

// What the engine would refuse of them, deployed together where nothing is yet.
std::vector<Finding> findings_of(const std::vector<ModelFile>& files) {
  namespace engine = bpmn::engine;
  if (files.empty()) return {};
  engine::Deploy deployment;
  deployment.effect = engine::Effect::kOnlyChecked;
  for (const ModelFile& file : files) deployment.resources.push_back({file.name, file.xml});
  engine::Engine fresh;
  engine::Outcome outcome = fresh.execute(deployment, Timestamp());
  return outcome.rejection ? std::move(outcome.rejection->findings) : std::vector<Finding>();
}

std::string deployment_of(const std::vector<ModelFile>& files, bool dry_run) {
  json::array list;
  for (const ModelFile& file : files)
    list.push_back(json::object{{"name", std::filesystem::path(file.name).filename().string()}, {"xml", file.xml}});
  return json::serialize(json::object{{"files", std::move(list)}, {"dryRun", dry_run}});
}

std::vector<Finding> problems_of(const json::value& checked) {
  std::vector<Finding> problems;
  for (const json::value& one : checked.at("problems").as_array())
    problems.push_back({text_at(one, "file"), text_at(one, "elementId"), text_at(one, "message")});
  return problems;
}

// `items` of one kind, whose ids are under `id`.
void print_deployed(const json::array& items, const std::string& kind, std::string_view id) {
  if (items.empty()) return;
  TextTable table({kind, "VERSION", "KEY"});
  for (const json::value& item : items) table.add({text_at(item, id), number_at(item, "version"), text_at(item, "key")});
  print_text(table.text());
}

// `name=value&…`, of those that were given.
class Query {
 public:
  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    text_ += (text_.empty() ? "?" : "&") + std::string(name) + "=" + net::percent_encode(value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Up to `limit` items (0: all), read page by page.
struct Listed {
  json::array items;
  bool more = false;
};

Result<Listed> read_list(const Operator& me, const std::string& path, const Query& query, int limit) {
  constexpr int kPage = 200;
  Listed listed;
  std::string cursor;
  do {
    const int left = limit == 0 ? kPage : std::min(kPage, limit - static_cast<int>(listed.items.size()));
    Query page = query;
    page.add("limit", std::to_string(left));
    page.add("cursor", cursor);
    ASSIGN_OR_RETURN(json::value answer, ask(me, {"GET", path + page.text(), {}}));
    for (json::value& item : answer.at("items").as_array()) listed.items.push_back(std::move(item));
    cursor = text_at(answer, "nextCursor");
  } while (!cursor.empty() && (limit == 0 || listed.items.size() < static_cast<std::size_t>(limit)));
  listed.more = !cursor.empty();
  return listed;
}

std::string places_of(const json::value& instance) {
  std::string places;
  for (const json::value& element : instance.at("active").as_array())
    places += (places.empty() ? "" : ", ") + text_at(element, "elementId");
  return places.empty() ? "-" : places;
}

std::string state_of(const json::value& instance) {
  return instance.at("hasIncident").as_bool() ? text_at(instance, "state") + ", incident" : text_at(instance, "state");
}

std::string instance_table(const json::array& items) {
  TextTable table({"KEY", "PROCESS", "VERSION", "STATE", "STARTED (UTC)", "AT"});
  for (const json::value& item : items)
    table.add({text_at(item, "key"), text_at(item, "processId"), number_at(item, "version"), state_of(item), time_at(item, "startedAt"),
               places_of(item)});
  return table.text();
}

std::string model_table(const json::array& items) {
  TextTable table({"PROCESS", "VERSION", "KEY", "ACTIVE", "STUCK", "DEPLOYED (UTC)", "FILE"});
  for (const json::value& item : items)
    table.add({text_at(item, "processId"), number_at(item, "version"), text_at(item, "key"), number_at(item, "active"),
               number_at(item, "stuck"), time_at(item, "deployedAt"), text_at(item, "resourceName")});
  return table.text();
}

int tell_list(const Operator& me, const Listed& listed, std::string (*table)(const json::array&)) {
  if (me.form == OutputForm::kJson)
    print_json(listed.items);
  else if (!listed.items.empty())
    print_text(table(listed.items));
  if (listed.items.empty()) std::fprintf(stderr, "None.\n");
  if (listed.more) std::fprintf(stderr, "There are more; --limit 0 lists all.\n");
  return kExitDone;
}

std::string words_at(const json::value& object, std::string_view name) {
  std::string words;
  const json::value* list = object.as_object().if_contains(name);
  if (list == nullptr || !list->is_array()) return words;
  for (const json::value& word : list->as_array()) words += (words.empty() ? "" : ", ") + std::string(word.as_string());
  return words;
}

// `assignee anna; candidate groups nurses, doctors`
std::string user_task_of(const json::value& task) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out += (out.empty() ? "" : "; ") + std::string(name) + " " + text;
  };
  const auto time = [&](std::string_view name) { return text_at(task, name).empty() ? std::string() : time_at(task, name); };
  add("assignee", text_at(task, "assignee"));
  add("candidate users", words_at(task, "candidateUsers"));
  add("candidate groups", words_at(task, "candidateGroups"));
  add("due", time("dueAt"));
  add("follow up", time("followUpAt"));
  add("form", text_at(task, "formKey"));
  add("priority", number_at(task, "priority"));
  return out;
}

// What the element does now: `job st-bot: failed, 0 attempts left`, `message m-1 (key 7)`.
std::string waiting_for(const json::value& element) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  if (const json::value* job = element.as_object().if_contains("job"); job != nullptr && job->is_object()) {
    std::string text = "job " + text_at(*job, "type") + ": " + text_at(*job, "state") + ", attempts left: " + number_at(*job, "retries");
    if (!text_at(*job, "worker").empty()) text += ", " + text_at(*job, "worker");
    if (!text_at(*job, "dueAt").empty()) text += ", until " + time_at(*job, "dueAt");
    if (number_at(*job, "priority") != "0") text += ", priority " + number_at(*job, "priority");
    add(text + ", key " + text_at(*job, "key"));
    if (const json::value* task = job->as_object().if_contains("userTask"); task != nullptr && task->is_object()) {
      if (const std::string told = user_task_of(*task); !told.empty()) add(told);
    }
  }
  for (const json::value& wait : element.at("waits").as_array()) {
    std::string text = text_at(wait, "kind");
    if (!text_at(wait, "name").empty()) text += " " + text_at(wait, "name");
    if (!text_at(wait, "correlationKey").empty()) text += " with key " + text_at(wait, "correlationKey");
    if (!text_at(wait, "dueAt").empty()) text += " at " + time_at(wait, "dueAt");
    add(text_at(wait, "elementId") == text_at(element, "elementId") ? text : text + " (" + text_at(wait, "elementId") + ")");
  }
  if (!text_at(element, "calledInstanceKey").empty()) add("process instance " + text_at(element, "calledInstanceKey"));
  return out.empty() ? "-" : out;
}

void print_variables(const std::string& scope, const json::value& variables) {
  for (const auto& [name, value] : variables.as_object())
    std::printf("  %s%s = %s\n", scope.empty() ? "" : (scope + ": ").c_str(), std::string(name).c_str(), plain(value).c_str());
}

void print_incidents(const json::value& instance) {
  const json::array& incidents = instance.at("incidents").as_array();
  if (incidents.empty()) return;
  std::printf("\nIncidents\n");
  for (const json::value& one : incidents)
    std::printf("  %s  %s at %s since %s\n    %s\n", text_at(one, "key").c_str(), text_at(one, "errorType").c_str(),
                text_at(one, "elementId").c_str(), time_at(one, "createdAt").c_str(), text_at(one, "message").c_str());
}

std::string way_table(const json::array& items) {
  TextTable table({"STARTED (UTC)", "ENDED (UTC)", "STATE", "ELEMENT", "TYPE", "KEY"});
  for (const json::value& item : std::views::reverse(items))
    table.add({time_at(item, "startedAt"), time_at(item, "endedAt"), text_at(item, "state"), text_at(item, "elementId"),
               text_at(item, "elementType"), text_at(item, "elementInstanceKey")});
  return table.text();
}

void print_instance(const json::value& instance, const Listed& way) {
  std::printf("Instance %s of %s, version %s: %s\n", text_at(instance, "key").c_str(), text_at(instance, "processId").c_str(),
              number_at(instance, "version").c_str(), state_of(instance).c_str());
  std::printf("Started %s, ended %s (UTC)\n", time_at(instance, "startedAt").c_str(), time_at(instance, "endedAt").c_str());
  if (!text_at(instance, "parentKey").empty()) std::printf("Called by instance %s\n", text_at(instance, "parentKey").c_str());
  const json::array& active = instance.at("active").as_array();
  if (!active.empty()) {
    TextTable table({"AT", "KEY", "WAITS FOR"});
    for (const json::value& element : active)
      table.add({text_at(element, "elementId"), text_at(element, "elementInstanceKey"), waiting_for(element)});
    std::printf("\n%s", table.text().c_str());
  }
  print_incidents(instance);
  std::printf("\nVariables\n");
  print_variables("", instance.at("variables"));
  for (const json::value& element : active) {
    if (const json::value* own = element.as_object().if_contains("variables"); own != nullptr && own->is_object())
      print_variables(text_at(element, "elementId"), *own);
  }
  std::printf("\n%s", way_table(way.items).c_str());
  if (way.more) std::fprintf(stderr, "These are the last %zu steps; --limit 0 shows all.\n", way.items.size());
}

int show_instance(const Operator& me, const ProcessFlags& flags) {
  const std::string path = "/processes/instances/" + flags.key;
  auto instance = ask(me, {"GET", path, {}});
  if (!instance) return report_failure(instance.error());
  auto way = read_list(me, path + "/elements", Query(), flags.limit);
  if (!way) return report_failure(way.error());
  if (me.form == OutputForm::kText) {
    print_instance(*instance, *way);
    return kExitDone;
  }
  instance->as_object()["elements"] = std::move(way->items);
  print_json(*instance);
  return kExitDone;
}

}  // namespace

int check_processes(const ProcessFlags& flags) {
  ModelFiles given = read_model_files(flags.files);
  std::vector<Finding> findings = std::move(given.unreadable);
  for (Finding& finding : findings_of(given.files)) findings.push_back(std::move(finding));
  return report_findings(findings, given.files.size(), flags.json ? FindingsForm::kJson : FindingsForm::kText);
}

int deploy_processes(const Operator& me, const ProcessFlags& flags) {
  ModelFiles given = read_model_files(flags.files);
  std::vector<Finding> problems = std::move(given.unreadable);
  if (!given.files.empty()) {
    const auto checked = ask(me, {"POST", "/processes/models", deployment_of(given.files, true)});
    if (!checked) return report_failure(checked.error());
    for (Finding& problem : problems_of(*checked)) problems.push_back(std::move(problem));
  }
  if (!problems.empty() || flags.dry_run)
    return report_findings(problems, given.files.size(), me.form == OutputForm::kJson ? FindingsForm::kJson : FindingsForm::kText);
  const auto deployed = ask(me, {"POST", "/processes/models", deployment_of(given.files, false)});
  if (!deployed) return report_failure(deployed.error());
  json::array all;
  for (const auto& [list, kind, id] : {std::tuple("items", "PROCESS", "processId"), std::tuple("decisions", "DECISION", "decisionId"),
                                       std::tuple("forms", "FORM", "formId")}) {
    const json::array& items = deployed->at(list).as_array();
    all.insert(all.end(), items.begin(), items.end());
    if (me.form == OutputForm::kText) print_deployed(items, kind, id);
  }
  if (me.form == OutputForm::kJson) print_json(all);
  return kExitDone;
}

int start_process(const Operator& me, const ProcessFlags& flags) {
  boost::system::error_code broken;
  const json::value variables = json::parse(flags.variables, broken);
  if (broken || !variables.is_object()) {
    std::fprintf(stderr, "consilium: --variables is no JSON object\n");
    return kExitUsage;
  }
  json::object body{{"processId", flags.process}, {"variables", variables}};
  if (flags.version != 0) body["version"] = flags.version;
  const auto started = ask(me, {"POST", "/processes/instances", json::serialize(body)});
  if (!started) return report_failure(started.error());
  if (me.form == OutputForm::kJson) {
    print_json(*started);
    return kExitDone;
  }
  std::printf("%s\n", text_at(*started, "key").c_str());
  std::fprintf(stderr, "%s, version %s, has started; `consilium process show %s` tells how far it is.\n",
               text_at(*started, "processId").c_str(), number_at(*started, "version").c_str(), text_at(*started, "key").c_str());
  return kExitDone;
}

int list_processes(const Operator& me, const ProcessFlags& flags) {
  Query query;
  query.add("processId", flags.process);
  if (flags.models) {
    const auto models = read_list(me, "/processes/models", query, flags.limit);
    return models ? tell_list(me, *models, &model_table) : report_failure(models.error());
  }
  if (flags.version != 0) query.add("version", std::to_string(flags.version));
  query.add("state", flags.state);
  query.add("elementId", flags.element);
  if (flags.incident) query.add("hasIncident", "true");
  const auto instances = read_list(me, "/processes/instances", query, flags.limit);
  return instances ? tell_list(me, *instances, &instance_table) : report_failure(instances.error());
}

int show_process(const Operator& me, const ProcessFlags& flags) {
  const bool is_key = std::all_of(flags.key.begin(), flags.key.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_key) return show_instance(me, flags);
  Query query;
  query.add("processId", flags.key);
  const auto models = read_list(me, "/processes/models", query, flags.limit);
  if (!models) return report_failure(models.error());
  if (!models->items.empty()) return tell_list(me, *models, &model_table);
  std::fprintf(stderr, "consilium: there is no process '%s'; `consilium process list --models` tells which there are\n", flags.key.c_str());
  return kExitFailed;
}

}  // namespace consilium::app

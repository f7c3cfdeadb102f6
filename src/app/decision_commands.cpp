#include "app/decision_commands.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <map>

#include "app/exit_codes.h"
#include "app/model_files.h"
#include "base/random.h"
#include "bpmn/dmn/conformance.h"
#include "bpmn/dmn/engine.h"
#include "bpmn/dmn/reader.h"

namespace consilium::app {
namespace {

namespace dmn = bpmn::dmn;
namespace feel = bpmn::feel;
namespace json = boost::json;
using std::filesystem::path;

// Values are written by their own writer, which keeps all digits of numbers.
std::string json_text(std::string_view text) { return feel::to_json(feel::Value(text)); }

std::string report_of(const dmn::Decided& decided) {
  std::string out = "{\"output\":" + feel::to_json(decided.output) + ",\"evaluatedDecisions\":[";
  for (bool first = true; const dmn::EvaluatedDecision& each : decided.evaluated) {
    out += (std::exchange(first, false) ? "" : ",");
    out += "{\"id\":" + json_text(each.id) + ",\"name\":" + json_text(each.name) + ",\"type\":" + json_text(each.type) +
           ",\"output\":" + feel::to_json(each.output) + ",\"inputs\":[";
    for (std::size_t i = 0; i < each.inputs.size(); ++i) {
      out += (i > 0 ? "," : "");
      out += "{\"id\":" + json_text(each.inputs[i].id) + ",\"name\":" + json_text(each.inputs[i].name) +
             ",\"value\":" + feel::to_json(each.inputs[i].value) + '}';
    }
    out += "],\"matchedRules\":[";
    for (std::size_t i = 0; i < each.rules.size(); ++i) {
      out += (i > 0 ? "," : "");
      out += "{\"id\":" + json_text(each.rules[i].id) + ",\"index\":" + std::to_string(each.rules[i].index) + ",\"outputs\":[";
      for (std::size_t j = 0; j < each.rules[i].outputs.size(); ++j) {
        const dmn::EvaluatedOutput& output = each.rules[i].outputs[j];
        out += (j > 0 ? "," : "");
        out +=
            "{\"id\":" + json_text(output.id) + ",\"name\":" + json_text(output.name) + ",\"value\":" + feel::to_json(output.value) + '}';
      }
      out += "]}";
    }
    out += "]}";
  }
  out += "],\"failedDecision\":" + (decided.failure ? json_text(decided.failure->decision_id) : "null");
  out += ",\"failure\":" + (decided.failure ? json_text(decided.failure->message) : "null") + ",\"problems\":[";
  for (std::size_t i = 0; i < decided.problems.size(); ++i) out += (i > 0 ? "," : "") + json_text(decided.problems[i]);
  return out + "]}";
}

// As the engine reads and evaluates what is deployed. It knows no imports: files that need one another are read by the standard.
std::vector<dmn::ReadResult> read_as_deployed(const std::vector<ModelFile>& files) {
  std::vector<dmn::ReadResult> models = dmn::read_models(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    dmn::ReadResult alone = dmn::read_model(files[i].name, files[i].xml, {}, dmn::Types::kIgnored);
    if (alone.findings.empty()) models[i] = std::move(alone);
  }
  return models;
}

// Of the files that were given: the one model that has it, or the first when there is one decision in all.
dmn::ModelPointer model_with(const std::vector<dmn::ReadResult>& models, std::string& decision) {
  if (decision.empty() && models.size() == 1 && models[0].model->decisions.size() == 1) decision = models[0].model->decisions[0].id;
  for (const dmn::ReadResult& read : models) {
    if (read.model->find_decision(decision) || read.model->find_service(decision)) return read.model;
  }
  return nullptr;
}

void say_choices(const std::vector<dmn::ReadResult>& models, const std::string& wanted) {
  if (wanted.empty())
    std::fprintf(stderr, "consilium: which decision? Say --decision with one of\n");
  else
    std::fprintf(stderr, "consilium: there is no decision '%s'; there are\n", wanted.c_str());
  for (const dmn::ReadResult& read : models) {
    for (const auto& decision : read.model->decisions) std::fprintf(stderr, "  %s  (%s)\n", decision.id.c_str(), decision.name.c_str());
    for (const auto& service : read.model->services)
      std::fprintf(stderr, "  %s  (%s, a service)\n", service.id.c_str(), service.name.c_str());
  }
}

feel::Environment environment_of(RandomSource& random) {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {Timestamp{std::chrono::duration_cast<std::chrono::microseconds>(since).count()}, &random};
}

struct FolderResult {
  std::string folder;
  std::vector<dmn::CaseResult> cases;
  std::vector<std::string> unreadable;
};

FolderResult run_folder(const path& root, const path& folder) {
  FolderResult result{folder == root ? "." : folder.lexically_relative(root).generic_string(), {}, {}};
  std::vector<dmn::File> files;
  std::vector<path> case_files;
  std::vector<path> entries;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  for (const path& entry : entries) {
    if (entry.extension() == ".dmn") {
      if (auto xml = read_file(entry)) files.push_back({entry.filename().string(), std::move(*xml)});
    } else if (entry.extension() == ".xml") {
      case_files.push_back(entry);
    }
  }
  if (case_files.empty()) return result;
  const auto read = dmn::read_models(files);
  std::vector<dmn::CaseModel> models;
  for (std::size_t i = 0; i < files.size(); ++i) models.push_back({files[i].name, read[i].model});
  for (const path& file : case_files) {
    const auto xml = read_file(file);
    if (!xml || !dmn::is_case_file(*xml)) continue;
    auto cases = dmn::run_cases(*xml, models);
    if (!cases) {
      result.unreadable.push_back(file.filename().string() + ": " + cases.error());
      continue;
    }
    result.cases.insert(result.cases.end(), std::make_move_iterator(cases->begin()), std::make_move_iterator(cases->end()));
  }
  return result;
}

}  // namespace

int check_decisions(const DecisionFlags& flags) {
  ModelFiles given = read_model_files(flags.files);
  std::vector<dmn::Finding> findings = std::move(given.unreadable);
  for (dmn::ReadResult& read : dmn::read_models(given.files))
    findings.insert(findings.end(), std::make_move_iterator(read.findings.begin()), std::make_move_iterator(read.findings.end()));
  return report_findings(findings, given.files.size(), flags.json ? FindingsForm::kJson : FindingsForm::kText);
}

int evaluate_decision(const DecisionFlags& flags) {
  const ModelFiles given = read_model_files(flags.files);
  const auto variables = feel::parse_variables(flags.variables);
  if (!variables) {
    std::fprintf(stderr, "consilium: --variables is no JSON object: %s\n", variables.error().c_str());
    return kExitUsage;
  }
  const auto models = read_as_deployed(given.files);
  bool sound = given.unreadable.empty();
  for (const dmn::Finding& finding : given.unreadable) print_finding(stderr, finding);
  for (const dmn::ReadResult& read : models) {
    for (const dmn::Finding& finding : read.findings) print_finding(stderr, finding);
    sound = sound && read.findings.empty();
  }
  if (!sound) return kExitFailed;
  std::string wanted = flags.decision;
  const dmn::ModelPointer model = model_with(models, wanted);
  if (!model) {
    say_choices(models, wanted);
    return kExitUsage;
  }
  SystemRandom random;
  const feel::Environment environment = environment_of(random);
  const dmn::Decided decided = model->find_decision(wanted) ? dmn::decide(model, wanted, *variables, environment, dmn::Names::kAll)
                                                            : dmn::invoke(model, wanted, *variables, environment);
  if (flags.json)
    std::printf("%s\n", report_of(decided).c_str());
  else if (!decided.failure)
    std::printf("%s\n", feel::to_json(decided.output).c_str());
  if (decided.failure)
    std::fprintf(stderr, "consilium: decision '%s' failed: %s\n", decided.failure->decision_id.c_str(), decided.failure->message.c_str());
  for (const std::string& problem : decided.problems) std::fprintf(stderr, "note: %s\n", problem.c_str());
  return decided.failure ? kExitFailed : kExitDone;
}

int run_conformance(const DecisionFlags& flags) {
  const path root = flags.folder;
  if (!std::filesystem::is_directory(root)) {
    std::fprintf(stderr, "consilium: %s is no folder\n", flags.folder.c_str());
    return kExitFailed;
  }
  std::vector<path> folders = {root};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  std::size_t passed = 0, failed = 0;
  json::array listed;
  for (const path& folder : folders) {
    const FolderResult result = run_folder(root, folder);
    if (result.cases.empty() && result.unreadable.empty()) continue;
    const auto good =
        static_cast<std::size_t>(std::count_if(result.cases.begin(), result.cases.end(), [](const auto& c) { return c.passed; }));
    const std::size_t bad = result.cases.size() - good + result.unreadable.size();
    passed += good;
    failed += bad;
    if (flags.json) {
      json::array good_names, bad_cases;
      for (const auto& each : result.cases) {
        if (each.passed)
          good_names.emplace_back(each.name);
        else
          bad_cases.push_back(json::object{{"name", each.name}, {"expected", each.expected}, {"actual", each.actual}, {"why", each.why}});
      }
      for (const std::string& file : result.unreadable)
        bad_cases.push_back(json::object{{"name", file}, {"expected", ""}, {"actual", ""}, {"why", file}});
      listed.push_back(json::object{{"folder", result.folder}, {"passed", std::move(good_names)}, {"failed", std::move(bad_cases)}});
      continue;
    }
    std::printf("%6zu passed %6zu failed  %s\n", good, bad, result.folder.c_str());
    for (const std::string& file : result.unreadable) std::printf("       %s\n", file.c_str());
    for (const auto& each : result.cases) {
      if (each.passed || !flags.failures) continue;
      std::printf("       %s: expected %s, got %s%s%s\n", each.name.c_str(), each.expected.c_str(), each.actual.c_str(),
                  each.why.empty() ? "" : ": ", each.why.c_str());
    }
  }
  if (flags.json)
    std::printf("%s\n", json::serialize(json::object{{"passed", passed}, {"failed", failed}, {"folders", std::move(listed)}}).c_str());
  else
    std::printf("%zu passed, %zu failed\n", passed, failed);
  if (passed + failed == 0) std::fprintf(stderr, "consilium: there are no test cases below %s\n", flags.folder.c_str());
  return failed == 0 && passed > 0 ? kExitDone : kExitFailed;
}

}  // namespace consilium::app

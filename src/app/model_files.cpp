#include "app/model_files.h"

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "app/exit_codes.h"

namespace consilium::app {

namespace json = boost::json;
using bpmn::model::Finding;

std::optional<std::string> read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

ModelFiles read_model_files(const std::vector<std::string>& names) {
  ModelFiles read;
  for (const std::string& name : names) {
    if (auto content = read_file(name))
      read.files.push_back({name, std::move(*content)});
    else
      read.unreadable.push_back({name, "", "cannot be read"});
  }
  return read;
}

void print_finding(std::FILE* out, const Finding& finding) {
  std::fprintf(out, "%s: %s%s%s\n", finding.file.c_str(), finding.element_id.c_str(), finding.element_id.empty() ? "" : ": ",
               finding.message.c_str());
}

int report_findings(const std::vector<Finding>& findings, std::size_t files, FindingsForm form) {
  json::array all;
  for (const Finding& finding : findings) {
    if (form == FindingsForm::kText)
      print_finding(stdout, finding);
    else
      all.push_back(json::object{{"file", finding.file}, {"element", finding.element_id}, {"message", finding.message}});
  }
  if (form == FindingsForm::kJson) std::printf("%s\n", json::serialize(json::object{{"findings", std::move(all)}}).c_str());
  if (findings.empty())
    std::fprintf(stderr, "%zu %s sound.\n", files, files == 1 ? "model is" : "models are");
  else
    std::fprintf(stderr, "%zu %s found.\n", findings.size(), findings.size() == 1 ? "problem" : "problems");
  return findings.empty() ? kExitDone : kExitFailed;
}

}  // namespace consilium::app

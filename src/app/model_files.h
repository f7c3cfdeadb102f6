// Models in files, for commands that work without a server: reading them and saying what is wrong with them.
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bpmn/dmn/reader.h"
#include "bpmn/model/reader.h"

namespace consilium::app {

using ModelFile = bpmn::dmn::File;

std::optional<std::string> read_file(const std::filesystem::path& file);

struct ModelFiles {
  std::vector<ModelFile> files;
  std::vector<bpmn::model::Finding> unreadable;  // of those that are none of `files`
};
ModelFiles read_model_files(const std::vector<std::string>& names);

// `FILE: ELEMENT: what is wrong`
void print_finding(std::FILE* out, const bpmn::model::Finding& finding);

enum class FindingsForm { kText, kJson };
// Data on standard output, how many on standard error; gives the exit code.
int report_findings(const std::vector<bpmn::model::Finding>& findings, std::size_t files, FindingsForm form);

}  // namespace consilium::app

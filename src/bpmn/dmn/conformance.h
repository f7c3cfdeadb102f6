// Runs test cases as the DMN Technology Compatibility Kit writes them: inputs and the results that are expected, in XML.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/dmn/reader.h"

namespace consilium::bpmn::dmn {

struct CaseResult {
  std::string name;  // of the case and its result: `001/decision_1`; the same name twice gets a number
  bool passed = false;
  std::string expected;  // as text
  std::string actual;
  std::string why;  // problems and failure of the evaluation
};

struct CaseModel {
  std::string file;  // without its folder
  ModelPointer model;
};

// Whether the XML holds test cases at all.
bool is_case_file(std::string_view xml);
// An error is a sentence: the file cannot be read.
std::expected<std::vector<CaseResult>, std::string> run_cases(std::string_view xml, std::span<const CaseModel> models);

}  // namespace consilium::bpmn::dmn

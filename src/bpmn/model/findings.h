// Collects what is wrong with one file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bpmn/model/reader.h"

namespace consilium::bpmn::model {

class Findings {
 public:
  explicit Findings(std::string_view file, Origin origin = Origin::kDeployed) : file_(file), origin_(origin) {}

  void add(std::string_view element_id, std::string message) {
    if (list_.size() < kMaxFindings) list_.push_back({file_, std::string(element_id), std::move(message)});
  }
  // Of a rule that models may break that were deployed before there was the rule.
  void add_to_new(std::string_view element_id, std::string message) {
    if (origin_ == Origin::kDeployed) add(element_id, std::move(message));
  }
  bool empty() const { return list_.empty(); }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::string file_;
  Origin origin_;
  std::vector<Finding> list_;
};

}  // namespace consilium::bpmn::model

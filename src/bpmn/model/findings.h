// Collects what is wrong with one file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bpmn/model/reader.h"

namespace consilium::bpmn::model {

class Findings {
 public:
  explicit Findings(std::string_view file) : file_(file) {}

  void add(std::string_view element_id, std::string message) {
    if (list_.size() < kMaxFindings) list_.push_back({file_, std::string(element_id), std::move(message)});
  }
  bool empty() const { return list_.empty(); }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::string file_;
  std::vector<Finding> list_;
};

}  // namespace consilium::bpmn::model

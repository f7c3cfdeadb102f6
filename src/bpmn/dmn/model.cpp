#include "bpmn/dmn/model.h"

#include <algorithm>
#include <array>

namespace consilium::bpmn::dmn {
namespace {

template <class T>
const T* find_in(const std::vector<T>& list, std::string_view id_or_name) {
  for (const T& item : list) {
    if (item.id == id_or_name) return &item;
  }
  for (const T& item : list) {
    if (item.name == id_or_name) return &item;
  }
  return nullptr;
}

}  // namespace

std::string_view name_of(Box::Kind kind) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "LITERAL_EXPRESSION", "DECISION_TABLE", "CONTEXT", "LIST", "RELATION", "INVOCATION", "FUNCTION",
      "CONDITIONAL",        "FILTER",         "FOR",     "SOME", "EVERY",    "UNKNOWN"};
  return kNames[static_cast<std::size_t>(kind)];
}

const Decision* Model::find_decision(std::string_view id_or_name) const { return find_in(decisions, id_or_name); }
const DecisionService* Model::find_service(std::string_view id_or_name) const { return find_in(services, id_or_name); }
const KnowledgeModel* Model::find_knowledge(std::string_view id_or_name) const { return find_in(knowledge, id_or_name); }
const InputData* Model::find_input(std::string_view id_or_name) const { return find_in(inputs, id_or_name); }

}  // namespace consilium::bpmn::dmn

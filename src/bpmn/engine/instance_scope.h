// Where the names in an expression of an instance are looked up.
#pragma once

#include <optional>

#include "bpmn/engine/state.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::engine {

// The variables of an element instance and of all scopes around it, inner ones first; before them those that are only
// counted (of a loop). The body of a multi-instance activity has what it has collected until now.
class InstanceScope final : public feel::Scope {
 public:
  InstanceScope(const Instance& instance, Key scope, const Context* counted = nullptr)
      : instance_(instance), scope_(scope), counted_(counted) {}

  const feel::Value* find(std::string_view name) const override {
    if (counted_) {
      if (const auto found = counted_->find(name); found != counted_->end()) return &found->second;
    }
    for (Key key = scope_; key != 0;) {
      const ElementInstance* scope = instance_.find(key);
      if (!scope) break;
      if (const auto found = scope->variables.find(name); found != scope->variables.end()) return &found->second;
      if (scope->loop && instance_.element_of(*scope).loop->output_collection == name) return &collected_.emplace(scope->loop->outputs);
      key = scope->scope;
    }
    return nullptr;
  }

 private:
  const Instance& instance_;
  Key scope_;
  const Context* counted_;
  mutable std::optional<feel::Value> collected_;
};

}  // namespace consilium::bpmn::engine

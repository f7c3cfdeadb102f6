// Task types: a model that is accepted has one start, no trap, and answers every question about each status.
#include <algorithm>
#include <set>
#include <string_view>

#include "base/fuzz_testing.h"
#include "services/tasks/model.h"

namespace consilium::tasks {
namespace {

constexpr Substatus kStatuses[] = {Substatus::kReported, Substatus::kOnAssignment, Substatus::kAssigned, Substatus::kInProgress,
                                   Substatus::kOnHold,   Substatus::kCancelled,    Substatus::kSolved};

void fuzz_model(std::string_view json) {
  const auto model = parse_model(json);
  if (!model) {
    require(model.error().code == "tasks.invalid-model" && !model.error().fields.empty());
    return;
  }
  require(!model->type.empty() && !model->group.empty() && !model->number_prefix.empty());
  std::set<Substatus> reached{model->initial().to};
  for (const TransitionRule& rule : model->transitions) {
    require(model->find(rule.id) == &rule && rule.to != Substatus::kUnspecified && rule.initial == rule.from.empty());
    require(rule.allows(Actor::kService) || rule.allows(Actor::kAssignee) || rule.allows(Actor::kManager));
    reached.insert(rule.to);
  }
  for (const Substatus status : kStatuses) {
    if (status_of(status) == Status::kClosed) require(!has_person(status) && (model->is_final(status) || !reached.contains(status)));
    if (status_of(status) == Status::kOpen && reached.contains(status)) require(!model->is_final(status));
    for (const TransitionRule* rule : model->leaving(status)) require(rule->leaves(status) && reached.contains(status));
  }
  require(model->find("no such transition") == nullptr);
  if (model->assignment) require(model->find("assign") != nullptr && !model->assignment->code.empty());
}

}  // namespace
}  // namespace consilium::tasks

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::tasks::fuzz_model(consilium::fuzz_input(data, size));
  return 0;
}

// The story of one case for an operator: task, history, assignments, process instance, incidents, as JSON.
#pragma once

#include <string>

#include "app/platform.h"

namespace consilium::app {

enum class CaseTexts { kMasked, kShown };

// `number` is a task's number or id. With kMasked names and texts are `***`. Errors: those of Tasks.GetTask.
Task<Result<std::string>> case_story(Platform& platform, runtime::Context& context, std::string number, CaseTexts texts);

}  // namespace consilium::app

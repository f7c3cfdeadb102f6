// What an operator may tune; the defaults are those of the conventions page.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace consilium::tasks {

struct Settings {
  std::int64_t limit = 3;               // open tasks a consultant may hold
  Duration answer_within = minutes(2);  // else the task goes back
  Duration exclusion = minutes(10);     // of a consultant who gave it back or did not answer
  Duration sweep = seconds(5);          // looks for work at least this often, besides the events
  Duration feedback_change_window = minutes(10);
  int batch = 64;         // assignments of one transaction
  int shown_places = 50;  // of a queue whose people are told their place
};

}  // namespace consilium::tasks

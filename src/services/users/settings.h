// What of the users service can be tuned.
#pragma once

#include <string>

#include "base/time.h"

namespace consilium::users {

struct Settings {
  // Bounds of a client's date of birth.
  Date earliest_birth{1900, 1, 1};
  int minimum_age = 0;    // full years
  int maximum_age = 130;  // full years
  // For people who name no language.
  std::string default_language = "en";
};

}  // namespace consilium::users

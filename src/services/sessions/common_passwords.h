// The commonest passwords of those long enough to be allowed at all.
#pragma once

#include <string_view>

namespace consilium::sessions {

// `password` in lower case.
bool is_common_password(std::string_view password);

}  // namespace consilium::sessions

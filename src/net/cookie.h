// Cookies (RFC 6265): reading one from a request, printing one for a response.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace consilium::net {

// The first cookie of that name in a `Cookie` header; surrounding double quotes are taken off.
std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name);

// Always HttpOnly, SameSite=Strict and Path=/. `name` and `value` must be cookie octets: the caller makes them.
struct SessionCookie {
  std::string name;
  std::string value;
  bool secure = true;
  std::optional<Duration> max_age;  // zero deletes the cookie; none: until the browser ends
};
std::string format_set_cookie(const SessionCookie& cookie);

}  // namespace consilium::net

#include "net/cookie.h"

#include "net/header_text.h"

namespace consilium::net {

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::string_view part = next_element(header, ';');
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || trim(part.substr(0, equals)) != name) continue;
    std::string_view value = trim(part.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return std::nullopt;
}

std::string format_set_cookie(const SessionCookie& cookie) {
  std::string text = cookie.name + "=" + cookie.value + "; Path=/";
  if (cookie.max_age) text += "; Max-Age=" + std::to_string(cookie.max_age->microseconds / 1'000'000);
  text += "; HttpOnly; SameSite=Strict";
  if (cookie.secure) text += "; Secure";
  return text;
}

}  // namespace consilium::net

// The small rules that header values share: blanks, lists, names without regard to case.
#pragma once

#include <algorithm>
#include <string_view>

namespace consilium::net {

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

// Without blanks and tabs at both ends.
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the part up to `separator` off the front of `list`, trimmed.
inline std::string_view next_element(std::string_view& list, char separator) {
  const std::string_view element = list.substr(0, list.find(separator));
  list.remove_prefix(std::min(list.size(), element.size() + 1));
  return trim(element);
}

// Whether a comma-separated list names `token`, in any case.
inline bool list_contains(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    if (equal_ignoring_case(next_element(list, ','), token)) return true;
  }
  return false;
}

}  // namespace consilium::net

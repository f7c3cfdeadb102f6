#include "net/language.h"

#include "net/header_text.h"

namespace consilium::net {
namespace {

// `q=0.7` in thousandths; 1000 without one, 0 when it cannot be read.
int quality_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = next_element(parameters, ';');
    if (parameter.size() < 3 || ascii_lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
    const std::string_view value = parameter.substr(2);
    if (value.size() > 5 || (value[0] != '0' && value[0] != '1') || (value.size() > 1 && value[1] != '.')) return 0;
    int thousandths = (value[0] - '0') * 1000;
    int weight = 100;
    for (const char digit : value.substr(std::min<std::size_t>(value.size(), 2))) {
      if (digit < '0' || digit > '9') return 0;
      thousandths += (digit - '0') * weight;
      weight /= 10;
    }
    return thousandths > 1000 ? 0 : thousandths;
  }
  return 1000;
}

}  // namespace

std::string_view choose_language(std::string_view accept_language, std::span<const std::string_view> offered) {
  std::string_view best = offered.front();
  int best_quality = 0;
  while (!accept_language.empty()) {
    std::string_view parameters = next_element(accept_language, ',');
    const std::string_view range = next_element(parameters, ';');
    const int quality = quality_of(parameters);
    if (quality <= best_quality) continue;  // of equal ones the first wins
    if (range == "*") {
      best = offered.front();
      best_quality = quality;
      continue;
    }
    const std::string_view primary = range.substr(0, range.find('-'));
    for (const std::string_view language : offered) {
      if (!equal_ignoring_case(primary, language)) continue;
      best = language;
      best_quality = quality;
      break;
    }
  }
  return best;
}

}  // namespace consilium::net

#include "net/entity_tag.h"

#include <charconv>

#include "net/header_text.h"

namespace consilium::net {

std::string format_entity_tag(std::int64_t version) { return "\"" + std::to_string(version) + "\""; }

Result<std::optional<std::int64_t>> parse_if_match(std::string_view header) {
  std::string_view tag = trim(header);
  if (tag.empty()) return std::nullopt;
  const auto malformed = [] {
    return fail(ErrorKind::kMalformed, "request.malformed-if-match", "Expected If-Match with one version in quotes");
  };
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') return malformed();
  tag = tag.substr(1, tag.size() - 2);
  if (tag.front() < '0' || tag.front() > '9') return malformed();
  std::int64_t version = 0;
  const auto [end, status] = std::from_chars(tag.data(), tag.data() + tag.size(), version);
  if (status != std::errc() || end != tag.data() + tag.size()) return malformed();
  return version;
}

}  // namespace consilium::net

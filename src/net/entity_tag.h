// Versions as entity tags: `ETag: "7"`, `If-Match: "7"`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace consilium::net {

std::string format_entity_tag(std::int64_t version);
// Absent header (empty): no version. One tag of digits, strong or weak (proxies that compress weaken tags); anything
// else, `*` and lists included, is kMalformed: a change must name the version that it saw.
Result<std::optional<std::int64_t>> parse_if_match(std::string_view header);

}  // namespace consilium::net

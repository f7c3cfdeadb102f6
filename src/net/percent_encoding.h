// Percent-encoding of paths and queries (RFC 3986) and the members of a query string.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace consilium::net {

inline constexpr std::size_t kQueryMemberLimit = 100;

// nullopt when an escape is broken, or when the outcome is not UTF-8 or holds a NUL.
std::optional<std::string> percent_decode(std::string_view text);
// Everything but letters, digits and `-._~` is escaped.
std::string percent_encode(std::string_view text);

using QueryMembers = std::vector<std::pair<std::string, std::string>>;
// `a=1&b=x+y`: decoded, in order, `+` is a space. nullopt when an escape is broken or there are too many members.
std::optional<QueryMembers> parse_query(std::string_view query);

}  // namespace consilium::net

// IP addresses as values: ranges, private addresses, and which address a request behind proxies really came from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace consilium::net {

// IPv4 is kept as the IPv4-mapped IPv6 address, so that both compare alike.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const IpAddress&) const = default;
  bool is_v4() const;
  std::string text() const;  // IPv4 in dotted form

  static std::optional<IpAddress> parse(std::string_view text);  // `10.0.0.1`, `::1`, `[::1]`
};

// Loopback, private, link-local, carrier NAT, multicast, unspecified and documentation ranges: not to be called on
// behalf of others.
bool is_private(const IpAddress& address);

struct AddressRange {
  IpAddress first;
  int prefix = 128;  // bits of the 128-bit form

  bool contains(const IpAddress& address) const;
  static std::optional<AddressRange> parse(std::string_view text);  // `10.0.0.0/8`, `fd00::/8`, one address
};

// The first address from the right of `X-Forwarded-For` that is not a configured proxy; `peer` itself when it is none.
// What cannot be read ends the walk: the last address that can be trusted is the answer.
std::string client_address(std::string_view peer, const std::vector<Header>& headers, std::span<const AddressRange> proxies);

}  // namespace consilium::net

#include "net/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "net/header_text.h"

namespace consilium::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

constexpr std::string_view kPrivateRanges[] = {
    "0.0.0.0/8",     "10.0.0.0/8",   "100.64.0.0/10",  "127.0.0.0/8",   "169.254.0.0/16",  "172.16.0.0/12",
    "192.0.0.0/24",  "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4",   "240.0.0.0/4",  "::/128",         "::1/128",       "64:ff9b::/96",    "100::/64",
    "2001:db8::/32", "2002::/16",    "fc00::/7",       "fe80::/10",     "fec0::/10",       "ff00::/8",
};

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin()); }

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_v4()) return inet_ntop(AF_INET, bytes.data() + 12, buffer, sizeof buffer);
  return inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  char buffer[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  IpAddress address;
  if (inet_pton(AF_INET6, buffer, address.bytes.data()) == 1) return address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
  if (inet_pton(AF_INET, buffer, address.bytes.data() + 12) == 1) return address;
  return std::nullopt;
}

bool AddressRange::contains(const IpAddress& address) const {
  for (int bit = 0; bit < prefix; bit += 8) {
    const int used = std::min(8, prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xFF << (8 - used));
    const auto at = static_cast<std::size_t>(bit / 8);
    if ((address.bytes[at] & mask) != (first.bytes[at] & mask)) return false;
  }
  return true;
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return AddressRange{*address, 128};
  const std::string_view digits = text.substr(slash + 1);
  const bool v4 = text.find(':') == std::string_view::npos;
  int prefix = -1;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (status != std::errc() || end != digits.data() + digits.size() || prefix < 0 || prefix > (v4 ? 32 : 128)) return std::nullopt;
  return AddressRange{*address, v4 ? prefix + 96 : prefix};
}

bool is_private(const IpAddress& address) {
  static const std::vector<AddressRange> ranges = [] {
    std::vector<AddressRange> parsed;
    for (const std::string_view text : kPrivateRanges) parsed.push_back(AddressRange::parse(text).value());
    return parsed;
  }();
  return std::any_of(ranges.begin(), ranges.end(), [&](const AddressRange& range) { return range.contains(address); });
}

std::string client_address(std::string_view peer, const std::vector<Header>& headers, std::span<const AddressRange> proxies) {
  const auto is_proxy = [&](std::string_view text) {
    const auto address = IpAddress::parse(text);
    return address && std::any_of(proxies.begin(), proxies.end(), [&](const AddressRange& range) { return range.contains(*address); });
  };
  std::vector<std::string_view> hops;  // nearest last
  for (const auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "x-forwarded-for")) continue;
    std::string_view list = value;
    while (!list.empty()) hops.push_back(next_element(list, ','));
  }
  std::string current(peer);
  while (!hops.empty() && is_proxy(current)) {
    const auto next = IpAddress::parse(hops.back());
    if (!next) break;
    current = next->text();
    hops.pop_back();
  }
  return current;
}

}  // namespace consilium::net

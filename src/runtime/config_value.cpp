#include "runtime/config_value.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace consilium::runtime {
namespace {

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// IPv4 as IPv4-mapped IPv6, so that one comparison serves both.
std::optional<std::array<unsigned char, 16>> parse_ip(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // where C would see the end
  const std::string copy(text);
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return bytes;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, copy.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

struct Range {
  std::array<unsigned char, 16> base;
  int bits;
};

std::optional<Range> parse_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto base = parse_ip(host);
  if (!base) return std::nullopt;
  const bool is_v4 = host.find(':') == std::string_view::npos;
  const int most = is_v4 ? 32 : 128;
  int bits = most;
  if (slash != std::string_view::npos) {
    const auto read = parse_whole<int>(text.substr(slash + 1));
    if (!read || *read < 0 || *read > most) return std::nullopt;
    bits = *read;
  }
  return Range{*base, is_v4 ? bits + 96 : bits};
}

constexpr std::array<std::pair<std::string_view, std::int64_t>, 3> kSizeUnits{{{"GB", 1LL << 30}, {"MB", 1LL << 20}, {"KB", 1LL << 10}}};

}  // namespace

bool Address::is_loopback() const {
  if (host == "localhost") return true;
  static const NetworkRange v4{"127.0.0.0/8"};
  static const NetworkRange v6{"::1"};
  return v4.contains(host) || v6.contains(host);
}

std::string Address::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<Address> Address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_whole<std::uint16_t>(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port || host.empty()) return std::nullopt;
  if (host.front() == '[') {
    if (host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
    if (!parse_ip(host)) return std::nullopt;
  } else if (host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != std::string_view::npos) {
    return std::nullopt;
  }
  return Address{std::string(host), *port};
}

std::string ByteSize::text() const {
  for (const auto& [unit, size] : kSizeUnits) {
    if (bytes != 0 && bytes % size == 0) return std::to_string(bytes / size) + std::string(unit);
  }
  return std::to_string(bytes);
}

std::optional<ByteSize> ByteSize::parse(std::string_view text) {
  std::int64_t factor = 1;
  for (const auto& [unit, size] : kSizeUnits) {
    if (!text.ends_with(unit)) continue;
    factor = size;
    text.remove_suffix(unit.size());
    break;
  }
  const auto count = parse_whole<std::int64_t>(text);
  if (!count || *count < 0 || *count > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
  return ByteSize{*count * factor};
}

bool NetworkRange::contains(std::string_view address) const {
  const auto range = parse_range(text);
  const auto ip = parse_ip(address);
  if (!range || !ip) return false;
  for (int bit = 0; bit < range->bits; bit += 8) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int left = range->bits - bit;
    const auto mask = static_cast<unsigned char>(left >= 8 ? 0xff : 0xff << (8 - left));
    if (((range->base[at] ^ (*ip)[at]) & mask) != 0) return false;
  }
  return true;
}

std::optional<NetworkRange> NetworkRange::parse(std::string_view text) {
  if (!parse_range(text)) return std::nullopt;
  return NetworkRange{std::string(text)};
}

}  // namespace consilium::runtime

#include "net/endpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/header_text.h"
#include "net/ip_address.h"

namespace consilium::net {
namespace {

constexpr std::size_t kUnixPathLimit = 107;  // of sockaddr_un
constexpr std::size_t kHostLimit = 255;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostLimit) return false;
  for (const char c : host) {
    const char low = ascii_lower(c);
    if ((low < 'a' || low > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_') return false;
  }
  return true;
}

// Host and port of `authority`; the port is `default_port` when it may be absent and is.
std::optional<Endpoint> parse_authority(std::string_view authority, std::optional<std::uint16_t> default_port) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, bracket - 1);
    port = authority.substr(bracket + 1);
    const auto address = IpAddress::parse(host);
    if (!address || host.find(':') == std::string_view::npos || (!port.empty() && port.front() != ':')) return std::nullopt;
  } else {
    const std::size_t colon = authority.rfind(':');
    if (colon != std::string_view::npos) port = authority.substr(colon);
    host = authority.substr(0, colon);
    if (!is_host_name(host)) return std::nullopt;
  }
  const auto number = port.empty() ? default_port : parse_port(port.substr(1));
  if (!number) return std::nullopt;
  return Endpoint{std::string(host), *number, {}};
}

}  // namespace

bool Endpoint::is_loopback() const {
  if (is_unix() || equal_ignoring_case(host, "localhost")) return true;
  const auto address = IpAddress::parse(host);
  if (!address) return false;
  return AddressRange::parse("127.0.0.0/8")->contains(*address) || AddressRange::parse("::1")->contains(*address);
}

std::string Endpoint::text() const {
  if (is_unix()) return "unix:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    const bool is_readable =
        std::none_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
    if (path.empty() || path.size() > kUnixPathLimit || !is_readable)
      return fail(ErrorKind::kMalformed, "net.malformed-address", "Expected unix: and a path of 1 to 107 bytes without control characters");
    return Endpoint{{}, 0, std::string(path)};
  }
  auto endpoint = parse_authority(text, std::nullopt);
  if (!endpoint) return fail(ErrorKind::kMalformed, "net.malformed-address", "Expected host:port, [v6]:port or unix:/path");
  return *endpoint;
}

Result<Url> Url::parse(std::string_view text) {
  const auto malformed = [] { return fail(ErrorKind::kMalformed, "net.malformed-url", "Expected a URL like https://host:port/path"); };
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return malformed();
  const std::string_view scheme = text.substr(0, colon);
  const bool tls = equal_ignoring_case(scheme, "https") || equal_ignoring_case(scheme, "wss");
  if (!tls && !equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "ws")) return malformed();
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  const std::uint16_t usual_port = tls ? 443 : 80;
  const auto endpoint = parse_authority(authority, usual_port);
  if (!endpoint) return malformed();
  Url url{tls, *endpoint, endpoint->text(), std::string(rest.substr(authority.size()))};
  if (endpoint->port == usual_port) url.host_header.resize(url.host_header.rfind(':'));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  for (const char c : url.target) {
    if (c <= ' ' || c >= '\x7F') return malformed();
  }
  return url;
}

}  // namespace consilium::net

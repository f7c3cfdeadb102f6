// The small grammars of header values and addresses. Every input is tried as each of them: they are quick, and what one
// refuses another may misread. What was printed reads back the same.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "base/utf8.h"
#include "net/cookie.h"
#include "net/endpoint.h"
#include "net/entity_tag.h"
#include "net/header_text.h"
#include "net/ip_address.h"
#include "net/language.h"
#include "net/percent_encoding.h"

namespace consilium::net {
namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; });
}

void fuzz_percent_encoding(std::string_view input) {
  if (const auto decoded = percent_decode(input)) {
    require(is_valid_utf8(*decoded) && decoded->find('\0') == std::string::npos && decoded->size() <= input.size());
    require(percent_decode(percent_encode(*decoded)) == decoded);
  }
  const auto members = parse_query(input);
  if (!members) return;
  require(members->size() <= kQueryMemberLimit);
  std::string written;
  for (const auto& [name, value] : *members) written += "&" + percent_encode(name) + "=" + percent_encode(value);
  require(parse_query(written) == members);
}

void fuzz_cookie(std::string_view input) {
  const auto [name, header] = split_line(input);
  const auto value = find_cookie(header, name);
  if (!value) return;
  require(value->find(';') == std::string_view::npos && header.find(*value) != std::string_view::npos);
  // What we set is what a browser sends back, as far as it is made of the characters that cookies may have.
  if (trim(name) != name || name.find_first_of("=;") != std::string_view::npos || trim(*value) != *value || value->starts_with('"')) return;
  const std::string set = format_set_cookie({std::string(name), std::string(*value), true, seconds(5)});
  require(find_cookie(set, name) == *value && set.ends_with("; Max-Age=5; HttpOnly; SameSite=Strict; Secure"));
}

void fuzz_language(std::string_view input) {
  constexpr std::string_view kOffered[] = {"en", "de", "ru"};
  const std::string_view chosen = choose_language(input, kOffered);
  require(std::find(std::begin(kOffered), std::end(kOffered), chosen) != std::end(kOffered));
  require(choose_language(chosen, kOffered) == chosen);
}

void fuzz_entity_tag(std::string_view input) {
  const auto version = parse_if_match(input);
  if (version && !*version) require(trim(input).empty());
  if (version && *version) require(**version >= 0 && *parse_if_match(format_entity_tag(**version)) == *version);
}

void fuzz_ip_address(std::string_view input) {
  if (const auto address = IpAddress::parse(input)) {
    const std::string text = address->text();
    require(IpAddress::parse(text) == address && address->is_v4() == (text.find(':') == std::string::npos));
    require(IpAddress::parse("[" + text + "]") == address);
    const auto alone = AddressRange::parse(text);
    require(alone && alone->contains(*address) && is_private(*address) == is_private(alone->first));
  }
  if (const auto range = AddressRange::parse(input)) require(range->contains(range->first) && range->prefix >= 0 && range->prefix <= 128);
}

void fuzz_forwarded(std::string_view input) {
  const auto proxies = *AddressRange::parse("10.0.0.0/8");
  const auto [first, second] = split_line(input);
  const std::vector<Header> headers = {
      {"X-Forwarded-For", std::string(first)}, {"Other", "10.0.0.2"}, {"x-forwarded-for", std::string(second)}};
  // Whoever is no proxy is believed about nobody.
  require(client_address("192.0.2.1", headers, {&proxies, 1}) == "192.0.2.1");
  require(client_address("10.0.0.1", headers, {}) == "10.0.0.1");
  const auto told = IpAddress::parse(client_address("10.0.0.1", headers, {&proxies, 1}));
  require(told.has_value());
}

void fuzz_endpoint(std::string_view input) {
  if (const auto endpoint = Endpoint::parse(input)) {
    const std::string text = endpoint->text();
    require(!has_control(text));
    const auto again = Endpoint::parse(text);
    require(again && again->host == endpoint->host && again->port == endpoint->port && again->path == endpoint->path);
    require(again->is_loopback() == endpoint->is_loopback() && again->is_unix() == endpoint->is_unix());
  }
  const auto url = Url::parse(input);
  if (!url) return;
  require(url->target.starts_with('/') && !has_control(url->target) && !url->endpoint.is_unix());
  const auto again = Url::parse((url->tls ? "https://" : "http://") + url->host_header + url->target);
  require(again && again->tls == url->tls && again->endpoint.text() == url->endpoint.text() && again->target == url->target &&
          again->host_header == url->host_header);
}

void fuzz_header_text(std::string_view input) {
  const auto [token, list] = split_line(input);
  const std::string_view inside = trim(token);
  require(trim(inside) == inside && equal_ignoring_case(token, token));
  if (inside.find(',') == std::string_view::npos && !token.empty())
    require(list_contains(std::string(list) + "," + std::string(token), inside));
}

void fuzz_header_value(std::string_view input) {
  fuzz_percent_encoding(input);
  fuzz_cookie(input);
  fuzz_language(input);
  fuzz_entity_tag(input);
  fuzz_ip_address(input);
  fuzz_forwarded(input);
  fuzz_endpoint(input);
  fuzz_header_text(input);
}

}  // namespace
}  // namespace consilium::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::net::fuzz_header_value(consilium::fuzz_input(data, size));
  return 0;
}

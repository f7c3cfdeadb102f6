#include "gateway/openid_parameters.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "net/percent_encoding.h"

namespace consilium::gateway {

bool is_form(std::string_view content_type) {
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  return content_type.starts_with(kForm) &&
         (content_type.size() == kForm.size() || content_type[kForm.size()] == ';' || content_type[kForm.size()] == ' ');
}

Result<ParameterList> read_form(std::string_view text) {
  auto members = net::parse_query(text);
  if (!members) return fail(ErrorKind::kMalformed, "request.malformed", "Expected parameters that can be read");
  ParameterList list;
  for (auto& [name, value] : *members) list.push_back({std::move(name), Secret(std::move(value))});
  return list;
}

std::string form_of(const ParameterList& parameters) {
  std::string text;
  for (const sessions::v1::Parameter& one : parameters)
    text += (text.empty() ? "" : "&") + net::percent_encode(one.name) + "=" + net::percent_encode(one.value.reveal());
  return text;
}

std::string with_parameters(std::string address, const ParameterList& parameters) {
  const char joint = address.find('?') == std::string::npos ? '?' : '&';
  return std::move(address) + joint + form_of(parameters);
}

std::optional<Credentials> read_basic(std::string_view header) {
  constexpr std::string_view kScheme = "Basic ";
  if (!header.starts_with(kScheme)) return std::nullopt;
  std::string text(header.substr(kScheme.size()));
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  const auto decoded = decode_base64url(text);
  const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  const auto halves = net::parse_query("id=" + decoded->substr(0, colon) + "&secret=" + decoded->substr(colon + 1));
  if (!halves || halves->size() != 2) return std::nullopt;
  return Credentials{(*halves)[0].second, (*halves)[1].second};
}

}  // namespace consilium::gateway

#include "gateway/request_headers.h"

#include <algorithm>

namespace consilium::gateway {
namespace {

constexpr std::size_t kTraceparentSize = 55;

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestId && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_traceparent(std::string_view text) {
  if (text.size() != kTraceparentSize || !text.starts_with("00-") || text[35] != '-' || text[52] != '-') return false;
  const std::string_view trace = text.substr(3, 32);
  const std::string_view span = text.substr(36, 16);
  return is_hex(trace) && is_hex(span) && is_hex(text.substr(53)) && !is_zero(trace) && !is_zero(span);
}

bool is_json_type(std::string_view content_type) {
  constexpr std::string_view kJson = "application/json";
  return content_type.starts_with(kJson) &&
         (content_type.size() == kJson.size() || content_type[kJson.size()] == ';' || content_type[kJson.size()] == ' ');
}

std::optional<std::string_view> bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return std::nullopt;
  return authorization.substr(kScheme.size());
}

}  // namespace consilium::gateway

// Which of the offered languages suits an `Accept-Language` header (RFC 9110 §12.5.4) best.
#pragma once

#include <span>
#include <string_view>

namespace consilium::net {

// `offered` are lower-case primary tags (`en`, `de`); the first is the default and must be there. Regions are ignored.
std::string_view choose_language(std::string_view accept_language, std::span<const std::string_view> offered);

}  // namespace consilium::net

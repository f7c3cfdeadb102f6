// Bytes in fewer bytes, for instances at rest: one costs a few microseconds either way. Any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace consilium::bpmn::engine {

inline constexpr std::size_t kMaxUnpackedBytes = std::size_t{1} << 30;

std::string pack(std::string_view bytes);
// Of packed bytes that become exactly `size` bytes, which is checked before anything is allocated.
std::expected<std::string, std::string> unpack(std::string_view packed, std::size_t size);

}  // namespace consilium::bpmn::engine

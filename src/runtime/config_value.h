// The types of settings, and how each is read from and written as text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "runtime/log.h"

namespace consilium::runtime {

// `host:port`; IPv6 hosts in brackets: `[::1]:8080`. Port 0 takes a free one.
struct Address {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;
  // 127.0.0.0/8, ::1 and `localhost`.
  bool is_loopback() const;
  std::string text() const;
  static std::optional<Address> parse(std::string_view text);
};

// `512`, `16KB`, `1MB`, `2GB`: units are powers of 1024.
struct ByteSize {
  std::int64_t bytes = 0;

  constexpr auto operator<=>(const ByteSize&) const = default;
  std::string text() const;
  static std::optional<ByteSize> parse(std::string_view text);
};

// A file or folder. A relative one counts from the working folder.
struct Path {
  std::string text;
  bool operator==(const Path&) const = default;
  bool empty() const { return text.empty(); }
};

// An address range `10.0.0.0/8` or a single address.
struct NetworkRange {
  std::string text;
  bool operator==(const NetworkRange&) const = default;
  bool contains(std::string_view address) const;
  static std::optional<NetworkRange> parse(std::string_view text);
};

}  // namespace consilium::runtime

// An address that is taken before its server starts: what must name the port can be made first, and a port that somebody
// else has is known before anything is opened. Connections wait in the backlog meanwhile.
#pragma once

#include <utility>

#include "base/result.h"
#include "net/endpoint.h"

namespace consilium::net {

class ReservedAddress {
 public:
  // kUnavailable when the address is taken.
  static Result<ReservedAddress> take(const Endpoint& endpoint);
  ~ReservedAddress();
  ReservedAddress(ReservedAddress&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), endpoint_(std::move(other.endpoint_)) {}
  ReservedAddress& operator=(ReservedAddress&&) = delete;

  // With the port that was chosen.
  const Endpoint& endpoint() const { return endpoint_; }
  // The listening socket, which then is the caller's to close.
  int release() { return std::exchange(descriptor_, -1); }

 private:
  ReservedAddress(int descriptor, Endpoint endpoint) : descriptor_(descriptor), endpoint_(std::move(endpoint)) {}

  int descriptor_;
  Endpoint endpoint_;
};

}  // namespace consilium::net

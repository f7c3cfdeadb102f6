// Values that must never reach a log, a metric or an error. Printing one gives `***`; `reveal()` is the only way in,
// so that every use can be found by name.
#pragma once

#include <string>
#include <utility>

namespace consilium {

template <class Tag>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(std::string value) : value_(std::move(value)) {}

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Guarded&) const = default;

  static constexpr const char* masked() { return "***"; }

 private:
  std::string value_;
};

using Secret = Guarded<struct SecretTag>;      // passwords, tokens, keys
using Personal = Guarded<struct PersonalTag>;  // names, phones, medical text

template <class Stream, class Tag>
Stream& operator<<(Stream& out, const Guarded<Tag>&) {
  out << Guarded<Tag>::masked();
  return out;
}

}  // namespace consilium

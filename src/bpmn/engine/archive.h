// The form in which the engine keeps things as bytes: little numbers in few bytes, texts with their length, members one after the other.
// A function `fields(archive, value)` serves for writing and reading; reading checks every length, and what does not fit makes the
// reader bad, never more.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/time.h"
#include "bpmn/engine/codec.h"
#include "bpmn/feel/value.h"

namespace consilium::bpmn::engine {

class Writer {
 public:
  static constexpr bool kReads = false;

  void number(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    bytes_ += static_cast<char>(value);
  }
  void operator()(const std::string& value) {
    number(value.size());
    bytes_ += value;
  }
  void operator()(std::int64_t value) { number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63)); }
  void operator()(std::int32_t value) { (*this)(std::int64_t{value}); }
  void operator()(bool value) { number(value ? 1 : 0); }
  void operator()(Duration value) { (*this)(value.microseconds); }
  void operator()(Timestamp value) { (*this)(value.microseconds); }
  void operator()(const Context& value) {
    if (value.empty())
      number(0);
    else
      (*this)(feel::to_json(value));
  }

  void whole(const Context& value) { (*this)(value); }

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  static constexpr bool kReads = true;

  explicit Reader(std::string_view bytes, Variables variables = Variables::kRead) : bytes_(bytes), variables_(variables) {}

  bool good() const { return good_; }
  bool at_end() const { return bytes_.empty(); }
  std::string_view rest() const { return bytes_; }
  void refuse() {
    good_ = false;
    bytes_ = {};
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<std::uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    refuse();
    return 0;
  }
  // A number of things that each take at least one byte.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > bytes_.size()) refuse();
    return good_ ? static_cast<std::size_t>(value) : 0;
  }
  void operator()(std::string& value) {
    const std::size_t size = count();
    value.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
  }
  void operator()(std::int64_t& value) {
    const std::uint64_t raw = number();
    value = static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
  }
  void operator()(std::int32_t& value) {
    std::int64_t wide = 0;
    (*this)(wide);
    if (!std::in_range<std::int32_t>(wide)) refuse();
    value = good_ ? static_cast<std::int32_t>(wide) : 0;
  }
  void operator()(bool& value) {
    const std::uint64_t raw = number();
    if (raw > 1) refuse();
    value = raw == 1;
  }
  void operator()(Timestamp& value) { (*this)(value.microseconds); }
  void operator()(Duration& value) { (*this)(value.microseconds); }
  void operator()(Context& value) {
    const std::size_t size = count();
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    value.clear();
    if (text.empty() || variables_ == Variables::kSkipped) return;
    auto parsed = feel::parse_variables(text, text.size());
    if (parsed)
      value = std::move(*parsed);
    else
      refuse();
  }
  // Also without the variables.
  void whole(Context& value) {
    const Variables wanted = std::exchange(variables_, Variables::kRead);
    (*this)(value);
    variables_ = wanted;
  }

 private:
  std::string_view bytes_;
  Variables variables_;
  bool good_ = true;
};

template <class Archive, class Enum>
void enumerated(Archive& archive, Enum& value, std::remove_const_t<Enum> last) {
  if constexpr (Archive::kReads) {
    const std::uint64_t raw = archive.number();
    if (raw > static_cast<std::uint64_t>(last))
      archive.refuse();
    else
      value = static_cast<Enum>(raw);
  } else {
    archive.number(static_cast<std::uint64_t>(value));
  }
}

template <class Archive, class T>
void optional(Archive& archive, T& value) {
  bool present = value.has_value();
  archive(present);
  if constexpr (Archive::kReads) {
    if (present) archive(value.emplace());
  } else {
    if (present) archive(*value);
  }
}

template <class Archive, class List, class Each>
void sequence(Archive& archive, List& list, Each each) {
  if constexpr (Archive::kReads) {
    const std::size_t size = archive.count();
    for (std::size_t i = 0; i < size && archive.good(); ++i) each(archive, list.emplace_back());
  } else {
    archive.number(list.size());
    for (auto& item : list) each(archive, item);
  }
}

}  // namespace consilium::bpmn::engine

// The first byte chooses between JSON and the wire. What is accepted must come back the same after writing it again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "consilium/sample/v1/sample.h"

namespace {

using consilium::sample::v1::Document;

void require(bool condition) {
  if (!condition) std::abort();
}

void try_json(std::string_view text) {
  const auto read = consilium::decode_json<Document>(text, consilium::UnknownMembers::kRefuse);
  static_cast<void>(consilium::decode_json<Document>(text, consilium::UnknownMembers::kIgnore));
  if (!read) return;
  static_cast<void>(consilium::validate(*read, consilium::Timestamp{0}));
  // JSON carries times to the millisecond, so the second writing is compared.
  const std::string written = consilium::encode_json(*read);
  const auto again = consilium::decode_json<Document>(written, consilium::UnknownMembers::kIgnore);
  require(again.has_value());
  require(consilium::encode_json(*again) == written);
}

void try_wire(std::string_view bytes) {
  const auto read = consilium::decode_wire<Document>(bytes);
  if (!read) return;
  static_cast<void>(consilium::validate(*read, consilium::Timestamp{0}));
  const std::string written = consilium::encode_wire(*read);
  const auto again = consilium::decode_wire<Document>(written);
  require(again.has_value());
  require(consilium::encode_wire(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'j') {
    try_json(rest);
  } else {
    try_wire(rest);
  }
  return 0;
}

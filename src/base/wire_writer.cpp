#include "base/wire_writer.h"

namespace consilium {

void WireWriter::put_delimited(int field, std::string_view bytes) {
  put_tag(field, kDelimited);
  out_.WriteVarint32(static_cast<std::uint32_t>(bytes.size()));
  if (!bytes.empty()) out_.WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace consilium

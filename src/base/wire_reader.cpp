#include "base/wire_reader.h"

#include "base/json_reader.h"
#include "base/utf8.h"

namespace consilium {

namespace {

constexpr int kStartGroup = 3;
constexpr int kEndGroup = 4;

}  // namespace

int WireReader::next() {
  if (broken_ || in_.BytesUntilLimit() == 0) return 0;
  tag_ = in_.ReadTag();
  if (tag_ == 0) {
    if (!in_.ConsumedEntireMessage()) broken_ = true;
    return 0;
  }
  type_ = static_cast<int>(tag_ & 7);
  if (tag_ >> 3 == 0 || type_ == kEndGroup) {
    broken_ = true;
    return 0;
  }
  return static_cast<int>(tag_ >> 3);
}

void WireReader::skip() {
  if (!broken_ && !skip_value(tag_, depth_)) broken_ = true;
}

bool WireReader::skip_value(std::uint32_t tag, int depth) {
  std::uint64_t wide = 0;
  std::uint32_t narrow = 0;
  switch (tag & 7) {
    case kVarint: return in_.ReadVarint64(&wide);
    case kFixed64: return in_.ReadLittleEndian64(&wide);
    case kFixed32: return in_.ReadLittleEndian32(&narrow);
    case kDelimited: return in_.ReadVarint32(&narrow) && fits(narrow) && in_.Skip(static_cast<int>(narrow));
    case kStartGroup: return skip_group(tag >> 3, depth + 1);
    default: return false;
  }
}

bool WireReader::skip_group(std::uint32_t number, int depth) {
  if (depth > kMaxWireDepth) return false;
  while (const std::uint32_t tag = in_.ReadTag()) {
    if ((tag & 7) == kEndGroup) return tag >> 3 == number;
    if (tag >> 3 == 0 || !skip_value(tag, depth)) return false;
  }
  return false;
}

// Whether so many bytes are left; refuses a length that lies before it is used.
bool WireReader::fits(std::uint32_t length) const {
  const int limit = in_.BytesUntilLimit();
  if (limit >= 0) return length <= static_cast<std::uint32_t>(limit);
  return length <= 0x7FFFFFFFU;
}

bool WireReader::delimited(std::string& out, bool is_text) {
  std::uint32_t length = 0;
  if (!in_.ReadVarint32(&length) || !fits(length)) return false;
  if (!in_.ReadString(&out, static_cast<int>(length))) return false;
  return !is_text || (is_valid_utf8(out) && out.find('\0') == std::string::npos);
}

bool WireReader::assign(std::string&& bytes, Uuid& out) {  // NOLINT(cppcoreguidelines-rvalue-reference-param-not-moved): as its overloads
  if (bytes.empty()) {
    out = Uuid();
    return true;
  }
  const auto id = Uuid::parse(bytes);
  if (id) out = *id;
  return id.has_value();
}

bool WireReader::assign(std::string&& bytes, Date& out) {  // NOLINT(cppcoreguidelines-rvalue-reference-param-not-moved): as its overloads
  if (bytes.empty()) {
    out = kNoDate;
    return true;
  }
  const auto date = parse_date(bytes);
  if (date) out = *date;
  return date.has_value();
}

bool WireReader::assign(std::string&& bytes, JsonText& out) {
  if (bytes.empty()) bytes = "null";
  if (!is_json(bytes)) return false;
  out.text = std::move(bytes);
  return true;
}

bool WireReader::assign(std::string&& bytes, Secret& out) {
  out = Secret(std::move(bytes));
  return true;
}

Result<void> WireReader::finish() const {
  if (broken_) return fail(ErrorKind::kMalformed, "request.malformed", "Expected a message in protobuf's binary form");
  return {};
}

}  // namespace consilium

#include "bpmn/engine/packing.h"

#include <zlib.h>

#include <new>

namespace consilium::bpmn::engine {
namespace {

constexpr int kLevel = 1;
constexpr int kWindowBits = -12;          // without a head; 4 KB behind are looked at
constexpr int kMemoryLevel = 5;           // 32 KB of state
constexpr std::size_t kMostRatio = 1032;  // that deflate reaches

Bytef* bytes_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

// Made once a thread: making it costs more than using it.
class Deflater {
 public:
  Deflater() {
    if (deflateInit2(&stream_, kLevel, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::string pack(std::string_view bytes) {
    deflateReset(&stream_);
    std::string packed(deflateBound(&stream_, bytes.size()), '\0');
    stream_.next_in = bytes_of(bytes);
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = bytes_of(packed);
    stream_.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream_, Z_FINISH);
    packed.resize(packed.size() - stream_.avail_out);
    return packed;
  }

 private:
  z_stream stream_{};
};

class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&stream_, kWindowBits) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool unpack(std::string_view packed, std::string& out) {
    inflateReset(&stream_);
    stream_.next_in = bytes_of(packed);
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = bytes_of(out);
    stream_.avail_out = static_cast<uInt>(out.size());
    return inflate(&stream_, Z_FINISH) == Z_STREAM_END && stream_.avail_in == 0 && stream_.avail_out == 0;
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::string pack(std::string_view bytes) {
  thread_local Deflater deflater;
  return deflater.pack(bytes);
}

std::expected<std::string, std::string> unpack(std::string_view packed, std::size_t size) {
  if (size > kMaxUnpackedBytes || size / kMostRatio > packed.size()) return std::unexpected("packed bytes of an impossible size");
  thread_local Inflater inflater;
  std::string bytes(size, '\0');
  if (!inflater.unpack(packed, bytes)) return std::unexpected("packed bytes cannot be read");
  return bytes;
}

}  // namespace consilium::bpmn::engine

// gRPC's byte buffers and metadata as ours. Only the two .cpp files that name gRPC include it.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/string_ref.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/grpc/call_metadata.h"

namespace consilium::net {

// gRPC 1.51 aborts in about one of a thousand cases when the last user of callbacks in the process goes and its threads
// end. Called before each first use: keeps one user for good.
void keep_callback_threads();

inline grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

inline std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

inline Metadata metadata_from(const std::multimap<grpc::string_ref, grpc::string_ref>& given) {
  Metadata metadata;
  for (const auto& [name, value] : given)
    metadata.emplace_back(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  return metadata;
}

inline Result<std::string> read_pem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file || text.empty()) return fail(ErrorKind::kUnavailable, "net.unusable-tls-files", "Expected a readable file " + path);
  return text;
}

}  // namespace consilium::net

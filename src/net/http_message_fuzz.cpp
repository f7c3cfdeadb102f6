// HTTP/1.1 messages: pieces give the same as the whole, and what was read and written again reads the same. The first
// byte: `q` a request, `p` an answer, `h` the answer to HEAD, `c` a chunked body.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_testing.h"
#include "net/chunk_decoder.h"
#include "net/header_text.h"
#include "net/message_reader.h"
#include "net/message_writer.h"

namespace consilium::net {
namespace {

constexpr std::size_t kFuzzBodyLimit = 1000;
// What is written may be longer than what was read: a blank after each colon, a length.
constexpr std::size_t kRewrittenHeadLimit = 2 * kHeadLimit;

struct ReadRequest {
  ReadStage stage = ReadStage::kHead;
  HttpRequest request;
  int refused_with = 0;
};

// Fed in pieces of `step` bytes.
ReadRequest read_request(std::string_view input, std::size_t step, std::size_t head_limit = kHeadLimit) {
  RequestReader reader(head_limit);
  std::string pending;
  const auto has_ended = [&] { return reader.stage() == ReadStage::kComplete || reader.stage() == ReadStage::kFailed; };
  while (!input.empty() && !has_ended()) {
    const std::string_view piece = input.substr(0, step);
    pending += piece;
    input.remove_prefix(piece.size());
    for (std::size_t used = 1; !has_ended() && (used > 0 || reader.stage() == ReadStage::kHeadDone);) {
      if (reader.stage() == ReadStage::kHeadDone) reader.set_body_limit(kFuzzBodyLimit);
      used = reader.consume(pending);
      require(used <= pending.size());
      pending.erase(0, used);
    }
  }
  ReadRequest read{reader.stage()};
  if (reader.stage() == ReadStage::kFailed) {
    require(reader.refusal().status >= 400 && !reader.refusal().error.code.empty());
    read.refused_with = reader.refusal().status;
  }
  if (reader.stage() != ReadStage::kComplete) return read;
  require(reader.has_begun() && (reader.has_body() || reader.request().body.empty()));
  require(!reader.expects_continue() || equal_ignoring_case(reader.request().header("Expect"), "100-continue"));
  require(!reader.keep_alive() || !equal_ignoring_case(reader.request().header("Connection"), "close"));
  const std::size_t headers = reader.request().headers.size();
  read.request = reader.take();
  require(read.request.headers.size() == headers);
  return read;
}

bool is_visible(char c) { return c > ' ' && c < '\x7F'; }

void check_headers(const std::vector<Header>& headers) {
  require(headers.size() <= kHeaderFieldLimit);
  for (const Header& header : headers) require(is_printable_header(header) && trim(header.second) == header.second);
}

void check_request(const HttpRequest& request) {
  check_headers(request.headers);
  require(request.body.size() <= kFuzzBodyLimit);
  require(!request.method.empty() && std::all_of(request.method.begin(), request.method.end(), is_visible));
  require(request.target == "*" || request.target.starts_with('/'));
  require(std::all_of(request.target.begin(), request.target.end(), is_visible));
  const bool has_query = request.target.find('?') != std::string::npos;
  require(request.target == std::string(request.path()) + (has_query ? "?" : "") + std::string(request.query()));
}

// Without what the writer makes itself.
std::vector<Header> others(const std::vector<Header>& headers) {
  std::vector<Header> kept;
  for (const Header& header : headers) {
    const auto is = [&](std::string_view name) { return equal_ignoring_case(header.first, name); };
    if (!is("host") && !is("content-length") && !is("transfer-encoding") && !is("connection") && !is("date") && !is("keep-alive"))
      kept.push_back(header);
  }
  return kept;
}

void fuzz_request(std::string_view input) {
  const ReadRequest whole = read_request(input, input.size() + 1);
  const ReadRequest pieces = read_request(input, 3);
  // Of a head that is too large and broken as well, the one or the other is seen first.
  require(whole.stage == pieces.stage && (input.size() >= kHeadLimit || whole.refused_with == pieces.refused_with));
  if (whole.stage != ReadStage::kComplete) return;
  const HttpRequest& first = whole.request;
  require(first.method == pieces.request.method && first.target == pieces.request.target && first.headers == pieces.request.headers &&
          first.body == pieces.request.body);
  check_request(first);
  const std::vector<Header> kept = others(first.headers);
  if (kept.size() + 2 > kHeaderFieldLimit) return;
  const std::string_view host = first.header("Host").empty() ? std::string_view("h") : first.header("Host");
  const std::string written = format_request_head(first.method, first.target, host, kept, first.body.size()) + first.body;
  const ReadRequest again = read_request(written, written.size(), kRewrittenHeadLimit);
  require(again.stage == ReadStage::kComplete);
  require(again.request.method == first.method && again.request.target == first.target && again.request.body == first.body);
  require(others(again.request.headers) == kept && again.request.header("Host") == host);
}

struct ReadResponse {
  ReadStage stage = ReadStage::kHead;
  HttpResponse response;
  std::string error;
};

ReadResponse read_response(std::string_view input, ResponseBody body, std::size_t step, std::size_t head_limit = kHeadLimit) {
  ResponseReader reader(body, kFuzzBodyLimit, head_limit);
  std::string pending;
  while (!input.empty() && reader.stage() != ReadStage::kComplete && reader.stage() != ReadStage::kFailed) {
    const std::string_view piece = input.substr(0, step);
    pending += piece;
    input.remove_prefix(piece.size());
    const std::size_t used = reader.consume(pending);
    require(used <= pending.size());
    pending.erase(0, used);
  }
  reader.end_of_stream();
  ReadResponse read{reader.stage()};
  require(read.stage == ReadStage::kComplete || read.stage == ReadStage::kFailed);
  if (read.stage == ReadStage::kFailed) {
    read.error = reader.error().code;
    require(!read.error.empty());
    return read;
  }
  static_cast<void>(reader.keep_alive());
  read.response = reader.take();
  return read;
}

void fuzz_response(std::string_view input, ResponseBody body) {
  const ReadResponse whole = read_response(input, body, input.size() + 1);
  const ReadResponse pieces = read_response(input, body, 7);
  require(whole.stage == pieces.stage);
  if (whole.stage == ReadStage::kFailed) return;
  const HttpResponse& first = whole.response;
  require(first.status == pieces.response.status && first.headers == pieces.response.headers && first.body == pieces.response.body);
  check_headers(first.headers);
  require(first.body.size() <= kFuzzBodyLimit);
  const std::vector<Header> kept = others(first.headers);
  if (body == ResponseBody::kNone || first.status < 100 || kept.size() + 3 > kHeaderFieldLimit) return;
  HttpResponse copy = first;
  copy.headers = kept;
  const std::string written = format_response_head(copy, Persistence::kClose, Timestamp{}) + first.body;
  const ReadResponse again = read_response(written, body, written.size(), kRewrittenHeadLimit);
  require(again.stage == ReadStage::kComplete && again.response.status == first.status && again.response.body == first.body);
  require(others(again.response.headers) == kept);
  // A header that is set is found, and stands once.
  copy.set_header("X-Fuzz", "1");
  copy.set_header("x-fuzz", "2");
  require(copy.header("X-FUZZ") == "2");
}

struct ReadChunks {
  ChunkDecoder::Stage stage = ChunkDecoder::Stage::kSize;
  std::string body;
};

ReadChunks read_chunks(std::string_view input, std::size_t step) {
  ChunkDecoder decoder;
  ReadChunks read;
  std::string pending;
  while (!input.empty() && !decoder.has_ended()) {
    const std::string_view piece = input.substr(0, step);
    pending += piece;
    input.remove_prefix(piece.size());
    pending.erase(0, decoder.consume(pending, read.body, kFuzzBodyLimit));
    require(read.body.size() <= kFuzzBodyLimit);
  }
  read.stage = decoder.stage();
  return read;
}

void fuzz_chunks(std::string_view input) {
  const ReadChunks whole = read_chunks(input, input.size() + 1);
  // A long one in larger pieces: each piece is looked at from the start of its line.
  const ReadChunks pieces = read_chunks(input, input.size() <= 2 * kChunkLineLimit ? 1 : 97);
  require(whole.stage == pieces.stage && whole.body == pieces.body);
  if (whole.stage != ChunkDecoder::Stage::kDone || whole.body.empty()) return;
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", whole.body.size());
  const std::string written = size + whole.body + "\r\n0\r\n\r\n";
  const ReadChunks again = read_chunks(written, written.size());
  require(again.stage == ChunkDecoder::Stage::kDone && again.body == whole.body);
}

void fuzz_http_message(std::string_view input) {
  const auto [kind, rest] = split_kind(input);
  switch (kind) {
    case 'q': return fuzz_request(rest);
    case 'p': return fuzz_response(rest, ResponseBody::kAsDeclared);
    case 'h': return fuzz_response(rest, ResponseBody::kNone);
    default: return fuzz_chunks(rest);
  }
}

}  // namespace
}  // namespace consilium::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::net::fuzz_http_message(consilium::fuzz_input(data, size));
  return 0;
}

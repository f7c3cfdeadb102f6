#include "net/message_reader.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>

#include "net/chunk_decoder.h"
#include "net/header_text.h"

namespace consilium::net {
namespace {

namespace http = boost::beast::http;

using ErrorCode = boost::beast::error_code;
using Text = boost::beast::string_view;

std::string_view view(Text text) { return {text.data(), text.size()}; }

// Collects what Beast's grammar finds. `Message` is HttpRequest or HttpResponse.
template <bool kIsRequest, class Message>
class Parser final : public http::basic_parser<kIsRequest> {
 public:
  Message message;
  bool too_many_fields = false;
  bool head_done = false;
  int version = 0;  // 11 is HTTP/1.1

 private:
  void on_request_impl(http::verb, Text method, Text target, int number, ErrorCode& error) override {
    version = number;
    if constexpr (kIsRequest) {
      message.method = view(method);
      message.target = view(target);
    }
    error = {};
  }
  void on_response_impl(int status, Text, int, ErrorCode& error) override {
    if constexpr (!kIsRequest) message.status = status;
    error = {};
  }
  void on_field_impl(http::field, Text name, Text value, ErrorCode& error) override {
    error = {};
    if (head_done) return;  // trailers are read and dropped
    too_many_fields = message.headers.size() == kHeaderFieldLimit;
    if (too_many_fields) {
      error = http::error::header_limit;
      return;
    }
    message.headers.emplace_back(view(name), view(value));
  }
  void on_header_impl(ErrorCode& error) override {
    head_done = true;
    error = {};
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode& error) override { error = {}; }
  std::size_t on_body_impl(Text body, ErrorCode& error) override { return append(body, error); }
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCode& error) override { error = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, ErrorCode& error) override { return append(body, error); }
  void on_finish_impl(ErrorCode& error) override { error = {}; }

  std::size_t append(Text body, ErrorCode& error) {
    error = {};
    message.body.append(body.data(), body.size());
    return body.size();
  }
};

// Finds the end of a head that arrives in pieces and refuses what no well-meaning peer sends: bare CR or LF, other
// control characters, folded lines.
class HeadScanner {
 public:
  enum class Verdict { kNeedsMore, kFound, kBroken };

  Verdict scan(std::string_view input) {
    for (; position_ < input.size(); ++position_) {
      const char c = input[position_];
      const char before = position_ > 0 ? input[position_ - 1] : '\0';
      if ((before == '\r') != (c == '\n')) return Verdict::kBroken;
      const bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == '\x7F';
      const bool folded = before == '\n' && (c == ' ' || c == '\t');
      if (control || folded) return Verdict::kBroken;
      if (c == '\n' && input.substr(0, position_ + 1).ends_with("\r\n\r\n")) {
        ++position_;
        return Verdict::kFound;
      }
    }
    return Verdict::kNeedsMore;
  }
  std::size_t position() const { return position_; }

 private:
  std::size_t position_ = 0;
};

std::size_t count_headers(const std::vector<Header>& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const Header& header) { return equal_ignoring_case(header.first, name); }));
}

bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
           std::string_view("-._:[]~%").find(c) != std::string_view::npos;
  });
}

Refusal refuse(int status, ErrorKind kind, std::string_view code, std::string_view detail) {
  return {status, make_error(kind, code, detail)};
}

Refusal malformed(std::string_view code, std::string_view detail) { return refuse(400, ErrorKind::kMalformed, code, detail); }

// What a head must fulfil beyond the grammar: exactly one length, one host, one way to read the target.
std::optional<Refusal> check_length(const HttpRequest& request, int version) {
  const std::size_t lengths = count_headers(request.headers, "content-length");
  const std::size_t encodings = count_headers(request.headers, "transfer-encoding");
  if (lengths + encodings > 1) return malformed("request.ambiguous-length", "Expected one Content-Length or Transfer-Encoding");
  const std::string_view length = request.header("content-length");
  if (lengths == 1 && !std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return malformed("request.malformed", "Expected Content-Length of digits");
  if (encodings == 0) return std::nullopt;
  if (version < 11) return malformed("request.ambiguous-length", "Expected no Transfer-Encoding in HTTP/1.0");
  if (!equal_ignoring_case(request.header("transfer-encoding"), "chunked"))
    return refuse(501, ErrorKind::kMalformed, "request.unknown-transfer-encoding", "Expected Transfer-Encoding to be chunked");
  return std::nullopt;
}

std::optional<Refusal> check_host(const HttpRequest& request, int version) {
  const std::size_t hosts = count_headers(request.headers, "host");
  if (hosts > 1 || (hosts == 0 && version >= 11)) return malformed("request.malformed-host", "Expected one Host header");
  if (hosts == 1 && !is_host(request.header("host")))
    return malformed("request.malformed-host", "Expected Host with a host and an optional port");
  return std::nullopt;
}

// Turns absolute form into origin form; its authority must be the Host's.
std::optional<Refusal> normalise_target(HttpRequest& request) {
  std::string& target = request.target;
  const auto bad = [] { return malformed("request.malformed-target", "Expected a target that is a path with an optional query"); };
  if (!std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < '\x7F' && c != '#'; })) return bad();
  if (target == "*" && request.method == "OPTIONS") return std::nullopt;
  if (target.starts_with('/')) return std::nullopt;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string::npos) return bad();
  const std::string_view name = std::string_view(target).substr(0, scheme);
  if (!equal_ignoring_case(name, "http") && !equal_ignoring_case(name, "https")) return bad();
  const std::string_view rest = std::string_view(target).substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  const std::string_view host = request.header("host");
  if (!host.empty() && !equal_ignoring_case(authority, host))
    return malformed("request.conflicting-host", "Expected Host to equal the target's host");
  if (!is_host(authority)) return bad();
  std::string path(rest.substr(authority.size()));
  if (!path.starts_with('/')) path.insert(0, "/");
  target = std::move(path);
  return std::nullopt;
}

std::optional<Refusal> check_method(const HttpRequest& request) {
  const bool upper = std::all_of(request.method.begin(), request.method.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
  if (!upper || request.method.size() > 32) return malformed("request.malformed", "Expected a method in upper-case letters");
  if (request.method == "CONNECT") return refuse(501, ErrorKind::kMalformed, "request.unknown-method", "This server is no proxy");
  const std::string_view expect = request.header("expect");
  if (!expect.empty() && !equal_ignoring_case(expect, "100-continue"))
    return refuse(417, ErrorKind::kMalformed, "request.unknown-expectation", "Expected Expect to be 100-continue");
  return std::nullopt;
}

std::optional<Refusal> check_head(HttpRequest& request, int version) {
  if (auto refusal = check_method(request)) return refusal;
  if (auto refusal = check_length(request, version)) return refusal;
  if (auto refusal = check_host(request, version)) return refusal;
  return normalise_target(request);
}

Refusal body_too_large() { return refuse(413, ErrorKind::kTooLarge, "request.too-large", "Expected a smaller body"); }

Refusal refusal_of(const ErrorCode& error) {
  if (error == http::error::body_limit) return body_too_large();
  if (error == http::error::bad_version) return refuse(505, ErrorKind::kMalformed, "request.unknown-http-version", "Expected HTTP/1.1");
  return malformed("request.malformed", "Expected an HTTP/1.1 request");
}

Refusal head_too_large() { return refuse(431, ErrorKind::kTooLarge, "request.head-too-large", "Expected a smaller header"); }

}  // namespace

struct RequestReader::State {
  explicit State(std::size_t limit) : head_limit(limit) {
    parser.eager(false);
    parser.header_limit(static_cast<std::uint32_t>(limit) + 1);
  }

  std::size_t head_limit;
  HeadScanner scanner;
  Parser<true, HttpRequest> parser;
  ReadStage stage = ReadStage::kHead;
  Refusal refusal;
  bool begun = false;
  std::size_t body_limit = kBodyLimit;
  ChunkDecoder chunks;

  std::size_t fail(Refusal why) {
    stage = ReadStage::kFailed;
    refusal = std::move(why);
    return 0;
  }
  std::size_t read_head(std::string_view input);
  std::size_t read_body(std::string_view input);
  std::size_t read_chunks(std::string_view input);
};

std::size_t RequestReader::State::read_head(std::string_view input) {
  // An empty line before the request is skipped, as RFC 9112 §2.2 asks.
  if (!begun && scanner.position() == 0 && input.starts_with("\r\n")) return 2;
  if (input.empty() || input == "\r") return 0;
  begun = true;
  const auto verdict = scanner.scan(input);
  if (verdict == HeadScanner::Verdict::kBroken) return fail(malformed("request.malformed", "Expected lines that end with CR LF"));
  if (scanner.position() > head_limit || (verdict == HeadScanner::Verdict::kNeedsMore && input.size() >= head_limit))
    return fail(head_too_large());
  if (verdict == HeadScanner::Verdict::kNeedsMore) return 0;
  ErrorCode error;
  const std::size_t used = parser.put(boost::asio::buffer(input.data(), scanner.position()), error);
  if (parser.too_many_fields) return fail(head_too_large());
  if (error) return fail(refusal_of(error));
  if (!parser.is_header_done()) return fail(malformed("request.malformed", "Expected an HTTP/1.1 request"));
  if (auto why = check_head(parser.message, parser.version)) return fail(std::move(*why));
  stage = ReadStage::kHeadDone;
  return used;
}

std::size_t RequestReader::State::read_chunks(std::string_view input) {
  const std::size_t used = chunks.consume(input, parser.message.body, body_limit);
  switch (chunks.stage()) {
    case ChunkDecoder::Stage::kDone: stage = ReadStage::kComplete; break;
    case ChunkDecoder::Stage::kTooLarge: return fail(body_too_large());
    case ChunkDecoder::Stage::kBroken: return fail(malformed("request.malformed", "Expected a well-formed chunked body"));
    default: break;
  }
  return used;
}

std::size_t RequestReader::State::read_body(std::string_view input) {
  stage = ReadStage::kBody;
  if (parser.chunked()) return read_chunks(input);
  std::size_t used = 0;
  if (!parser.is_done() && !input.empty()) {
    ErrorCode error;
    used = parser.put(boost::asio::buffer(input.data(), input.size()), error);
    if (error && error != http::error::need_more) return fail(refusal_of(error));
  }
  if (parser.is_done()) stage = ReadStage::kComplete;
  return used;
}

RequestReader::RequestReader(std::size_t head_limit) : state_(std::make_unique<State>(head_limit)) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;

std::size_t RequestReader::consume(std::string_view input) {
  switch (state_->stage) {
    case ReadStage::kHead: return state_->read_head(input);
    case ReadStage::kHeadDone:
    case ReadStage::kBody: return state_->read_body(input);
    default: return 0;
  }
}

ReadStage RequestReader::stage() const { return state_->stage; }

void RequestReader::set_body_limit(std::size_t limit) {
  state_->body_limit = limit;
  state_->parser.body_limit(limit);
  const auto length = state_->parser.content_length();
  if (length && *length > limit) state_->fail(body_too_large());
  state_->parser.eager(true);
}

const HttpRequest& RequestReader::request() const { return state_->parser.message; }
HttpRequest RequestReader::take() { return std::move(state_->parser.message); }
bool RequestReader::keep_alive() const { return state_->parser.version >= 11 && state_->parser.keep_alive(); }
bool RequestReader::expects_continue() const { return !request().header("expect").empty() && state_->parser.version >= 11; }
bool RequestReader::has_body() const { return state_->parser.chunked() || state_->parser.content_length().value_or(0) > 0; }
bool RequestReader::has_begun() const { return state_->begun; }
const Refusal& RequestReader::refusal() const { return state_->refusal; }

struct ResponseReader::State {
  State(ResponseBody body, std::size_t body_limit, std::size_t head) : kind(body), limit(body_limit), head_limit(head) { restart(); }

  ResponseBody kind;
  std::size_t limit;
  std::size_t head_limit;
  std::optional<HeadScanner> scanner;
  std::optional<Parser<false, HttpResponse>> parser;
  ReadStage stage = ReadStage::kHead;
  Error error;

  void restart() {
    scanner.emplace();
    parser.emplace();
    parser->eager(false);
    parser->header_limit(static_cast<std::uint32_t>(head_limit) + 1);
    parser->body_limit(limit);
    parser->skip(kind == ResponseBody::kNone);
  }
  void fail(std::string_view code, std::string_view detail) {
    stage = ReadStage::kFailed;
    error = make_error(ErrorKind::kUnavailable, code, detail);
  }
  std::size_t read_head(std::string_view input);
  std::size_t read_body(std::string_view input);
  void check(const ErrorCode& code) {
    if (code == http::error::body_limit) return fail("http.too-large", "Expected a smaller answer");
    fail("http.malformed-response", "Expected an HTTP/1.1 response");
  }
};

std::size_t ResponseReader::State::read_head(std::string_view input) {
  const auto verdict = scanner->scan(input);
  if (verdict == HeadScanner::Verdict::kBroken || scanner->position() > head_limit)
    return fail("http.malformed-response", "Expected an HTTP/1.1 response"), 0;
  if (verdict == HeadScanner::Verdict::kNeedsMore) return 0;
  ErrorCode code;
  const std::size_t used = parser->put(boost::asio::buffer(input.data(), scanner->position()), code);
  if (code || !parser->is_header_done()) return check(code), 0;
  const int status = parser->message.status;
  if (status / 100 == 1 && status != 101) {
    restart();
    return used;
  }
  parser->eager(true);
  stage = parser->is_done() ? ReadStage::kComplete : ReadStage::kBody;
  return used;
}

std::size_t ResponseReader::State::read_body(std::string_view input) {
  std::size_t total = 0;
  while (!parser->is_done() && total < input.size()) {
    ErrorCode code;
    const std::size_t used = parser->put(boost::asio::buffer(input.data() + total, input.size() - total), code);
    total += used;
    if (code && code != http::error::need_more) return check(code), 0;
    if (code && input.size() - total > kChunkOverheadLimit) return fail("http.malformed-response", "Expected less between the chunks"), 0;
    if (code) break;
  }
  if (parser->is_done()) stage = ReadStage::kComplete;
  return total;
}

ResponseReader::ResponseReader(ResponseBody body, std::size_t body_limit, std::size_t head_limit)
    : state_(std::make_unique<State>(body, body_limit, head_limit)) {}
ResponseReader::~ResponseReader() = default;

std::size_t ResponseReader::consume(std::string_view input) {
  std::size_t total = 0;
  for (;;) {
    const ReadStage stage = state_->stage;
    if (stage == ReadStage::kComplete || stage == ReadStage::kFailed || total == input.size()) return total;
    const std::string_view rest = input.substr(total);
    const std::size_t used = stage == ReadStage::kHead ? state_->read_head(rest) : state_->read_body(rest);
    if (used == 0 && state_->stage == stage) return total;
    total += used;
  }
}

void ResponseReader::end_of_stream() {
  if (state_->stage == ReadStage::kComplete || state_->stage == ReadStage::kFailed) return;
  if (state_->stage == ReadStage::kBody && state_->parser->need_eof()) {
    state_->stage = ReadStage::kComplete;
    return;
  }
  state_->fail("http.connection-lost", "Expected a whole response, but the connection ended");
}

ReadStage ResponseReader::stage() const { return state_->stage; }
HttpResponse ResponseReader::take() { return std::move(state_->parser->message); }
bool ResponseReader::keep_alive() const { return state_->parser->keep_alive() && !state_->parser->need_eof(); }
const Error& ResponseReader::error() const { return state_->error; }

}  // namespace consilium::net

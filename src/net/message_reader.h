// Reads HTTP/1.1 messages from bytes that come in any pieces: the grammar is Boost.Beast's, the strictness on top of it
// is ours (nothing that two parsers could read differently is accepted). No socket, no clock.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http.h"

namespace consilium::net {

inline constexpr std::size_t kHeadLimit = 16 * 1024;    // request line and header fields
inline constexpr std::size_t kHeaderFieldLimit = 100;   // fields of one message
inline constexpr std::size_t kBodyLimit = 1024 * 1024;  // unless the path has another

enum class ReadStage {
  kHead,      // more of the head is needed
  kHeadDone,  // stopped for the caller to look at it and to set the body's limit; the next `consume` goes on
  kBody,      // more of the body is needed
  kComplete,  // what follows belongs to the next message
  kFailed,    // `refusal()` says why; the connection cannot be used further
};

struct Refusal {
  int status = 400;
  Error error;
};

class RequestReader {
 public:
  explicit RequestReader(std::size_t head_limit = kHeadLimit);
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;

  // Takes bytes off the front and says how many; give the others again, with more behind them.
  std::size_t consume(std::string_view input);
  ReadStage stage() const;
  void set_body_limit(std::size_t limit);  // at kHeadDone

  // From kHeadDone on. An absolute-form target has become origin-form.
  const HttpRequest& request() const;
  HttpRequest take();  // at kComplete
  bool keep_alive() const;
  bool expects_continue() const;
  bool has_body() const;
  bool has_begun() const;  // at least one byte of the request was seen
  const Refusal& refusal() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class ResponseBody { kAsDeclared, kNone };

class ResponseReader {
 public:
  // `kNone` for the answer to HEAD.
  ResponseReader(ResponseBody body, std::size_t body_limit, std::size_t head_limit = kHeadLimit);
  ~ResponseReader();

  std::size_t consume(std::string_view input);  // never stops at kHeadDone; 1xx answers but 101 are skipped
  void end_of_stream();                         // completes a body without length, fails everything else
  ReadStage stage() const;
  HttpResponse take();
  bool keep_alive() const;
  const Error& error() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace consilium::net

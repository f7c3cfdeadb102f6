// A connected socket, plain or under TLS, that never blocks: try, and when it would block, wait until it is ready.
// Nothing is buffered for an idle connection. Belongs to one loop. Only the .cpp files of `net` include it.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <coroutine>
#include <cstddef>
#include <string>
#include <utility>

#include "net/tls.h"

struct ssl_st;

namespace consilium::net {

enum class IoStatus {
  kDone,       // `bytes` were moved, at least one
  kNeedRead,   // wait until readable, then repeat
  kNeedWrite,  // wait until writable, then repeat
  kEnd,        // the peer sends no more
  kFailed,     // the connection is broken
};

struct IoResult {
  IoStatus status = IoStatus::kFailed;
  std::size_t bytes = 0;
};

enum class Direction { kRead, kWrite };

class ByteStream {
 public:
  ByteStream(boost::asio::io_context& loop, int socket);
  ~ByteStream();
  ByteStream(ByteStream&& other) noexcept;
  ByteStream& operator=(ByteStream&&) = delete;

  // Before the first handshake call; `host` is the name that the certificate of a server must have.
  bool begin_tls_server(TlsContextPointer context);
  bool begin_tls_client(TlsContextPointer context, const std::string& host);
  IoResult handshake();
  // Why the peer's certificate was refused, for the client's error; empty otherwise.
  std::string certificate_problem() const;
  bool is_tls() const { return ssl_ != nullptr; }

  IoResult read(char* out, std::size_t size);
  IoResult write(const char* bytes, std::size_t size);
  // Tells the peer that nothing more comes; best effort.
  void end_writing();
  void close();
  bool is_open() const { return descriptor_.is_open(); }
  // Whether the peer has closed its side or the connection broke, whatever bytes are still unread.
  bool peer_has_ended();

  // Ends waiting: the waiter sees false.
  void cancel();

  // Calls `then(bool ready)` on the loop; one waiter a direction.
  template <class Then>
  void wait(Direction direction, Then then) {
    const auto what = direction == Direction::kRead ? Descriptor::wait_read : Descriptor::wait_write;
    descriptor_.async_wait(what, [then = std::move(then)](const boost::system::error_code& error) mutable { then(!error); });
  }

  // co_await stream.ready(Direction::kRead): false when cancelled or closed.
  auto ready(Direction direction) {
    struct Awaiter {
      ByteStream& stream;
      Direction direction;
      bool is_ready = false;

      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        stream.wait(direction, [this, waiting](bool outcome) {
          is_ready = outcome;
          waiting.resume();
        });
      }
      bool await_resume() const noexcept { return is_ready; }
    };
    return Awaiter{*this, direction};
  }

 private:
  using Descriptor = boost::asio::posix::stream_descriptor;

  bool begin_tls(TlsContextPointer context);
  IoResult tls_outcome(int returned);

  Descriptor descriptor_;
  TlsContextPointer context_;
  ssl_st* ssl_ = nullptr;
};

}  // namespace consilium::net

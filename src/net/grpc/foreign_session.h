// gRPC on one connection of HTTP/2, without its socket: bytes come in, calls come out; their answers go in, bytes come out. The
// frames are nghttp2's business; here they become calls. Belongs to one loop.
#pragma once

#include <coroutine>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/rpc.h"
#include "runtime/cancellation.h"

struct nghttp2_session;

namespace consilium::net {

class ForeignSession;

// One call. Lives on after its stream, as long as its handler does.
class ForeignCall final : public RpcStream, public std::enable_shared_from_this<ForeignCall> {
 public:
  ForeignCall(ForeignSession& session, std::int32_t stream) : session_(&session), stream_(stream) {}

  const std::string& method() const { return method_; }
  const std::string& authorization() const { return authorization_; }
  std::optional<Duration> timeout() const { return timeout_; }
  std::string take_request();
  // Requested when the caller gave up, or is gone.
  const std::shared_ptr<runtime::Cancellation>& cancellation() const { return cancellation_; }

  Task<bool> write(std::string message) override;
  // The first status is the one that is sent, after the message that is on its way.
  void finish(const RpcStatus& status);
  bool is_finished() const { return status_.has_value(); }
  // The caller does not wait any more: whoever writes is told so.
  void give_up();

 private:
  friend class ForeignSession;

  ForeignSession* session_;  // null when the stream is closed
  std::int32_t stream_;
  std::string method_;
  std::string authorization_;
  std::string content_type_;
  std::string verb_;
  std::optional<Duration> timeout_;
  std::size_t head_bytes_ = 0;
  std::string received_;
  bool takes_no_more_ = false;  // its request is there, or was refused: what still comes is dropped
  std::string message_;      // framed, on its way
  std::size_t sent_ = 0;     // of it
  bool has_begun_ = false;   // the head of the answer was given to the connection
  std::optional<RpcStatus> status_;
  std::coroutine_handle<> writing_;
  bool is_written_ = false;
  std::shared_ptr<runtime::Cancellation> cancellation_ = std::make_shared<runtime::Cancellation>();
};

struct ForeignSessionSettings {
  std::size_t message_limit = 4 * 1024 * 1024;
  std::uint32_t max_calls = 10'000;
};

// What a session asks of its server.
class ForeignSessionOwner {
 public:
  // The head of a call is there: whether its request is to be read.
  virtual std::optional<RpcStatus> refuse(const ForeignCall& call) = 0;
  // Its request is there.
  virtual void begin(std::shared_ptr<ForeignCall> call) = 0;
  // There is something to send: `produce` soon, not from within this.
  virtual void has_output() = 0;
  // Bytes of requests that are not complete; false: too many of all connections.
  virtual bool hold(std::size_t bytes) = 0;
  virtual void release(std::size_t bytes) = 0;

 protected:
  ~ForeignSessionOwner() = default;
};

class ForeignSession {
 public:
  ForeignSession(ForeignSessionOwner& owner, ForeignSessionSettings settings);
  ~ForeignSession();
  ForeignSession(const ForeignSession&) = delete;
  ForeignSession& operator=(const ForeignSession&) = delete;

  // False: the peer does not speak the protocol; send what is there and close.
  bool receive(std::string_view bytes);
  // Appends what is to be sent, about `up_to` bytes at most, and resumes the calls whose messages that took.
  void produce(std::string& out, std::size_t up_to);
  // Nothing more comes or goes.
  bool is_over() const;
  // No further calls; those that run go on.
  void drain();
  void ping();
  // The connection is gone: so are the callers.
  void end();
  // Answers all that run.
  void finish_all(const RpcStatus& status);
  std::size_t calls() const { return calls_.size(); }

 private:
  friend class ForeignCall;
  struct Callbacks;

  void head_is_there(ForeignCall& call);
  void request_is_there(ForeignCall& call);
  void add_body(ForeignCall& call, std::string_view bytes);
  void close(std::int32_t stream);
  void submit_head(ForeignCall& call);
  void submit_status(ForeignCall& call);
  void drop_request(ForeignCall& call);
  void resume_later(ForeignCall& call);

  ForeignSessionOwner& owner_;
  ForeignSessionSettings settings_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::shared_ptr<ForeignCall>> calls_;
  std::vector<std::shared_ptr<ForeignCall>> to_resume_;
  bool is_draining_ = false;
};

// Of gRPC's `grpc-timeout`: up to eight digits and a unit; nullopt when it is not one.
std::optional<Duration> parse_grpc_timeout(std::string_view text);
// As `grpc-message` carries it: what is not printable is escaped, and it is cut to what clients read.
std::string encode_grpc_message(std::string_view text);

}  // namespace consilium::net

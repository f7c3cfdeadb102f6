#include "net/grpc/grpc_channel.h"

#include <grpc/support/time.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <coroutine>
#include <future>
#include <mutex>
#include <optional>

#include "net/grpc/call_metadata.h"
#include "net/grpc/grpc_values.h"

namespace consilium::net {
namespace {

constexpr int kReconnectFirstMilliseconds = 100;
constexpr int kReconnectLongestMilliseconds = 2000;
constexpr int kConnectMilliseconds = 5000;  // time of one attempt; gRPC calls it the shortest back-off
constexpr int kKeepAliveMilliseconds = 20'000;
constexpr int kKeepAliveTimeoutMilliseconds = 5000;

// What gRPC's threads and the loop share of one call. Lives until gRPC has called back, even when the loop has gone.
struct PendingCall {
  grpc::ClientContext call;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  grpc::Status status;

  std::mutex mutex;
  runtime::Scheduler* loop = nullptr;  // nullptr: nobody waits any more
  std::coroutine_handle<> waiting;
};

void complete(const std::shared_ptr<PendingCall>& pending, grpc::Status status) {
  const std::lock_guard lock(pending->mutex);
  pending->status = std::move(status);
  if (pending->loop != nullptr) {
    pending->loop->post([waiting = pending->waiting] { waiting.resume(); });
  }
}

// Suspends the caller until the answer is there, and resumes it on its loop. When its frame is destroyed before, the
// call is given up.
class Answer {
 public:
  Answer(grpc::GenericStub& stub, std::shared_ptr<PendingCall> pending, std::string method, runtime::Scheduler& loop)
      : stub_(stub), pending_(std::move(pending)), method_(std::move(method)), loop_(loop) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (leave()) pending_->call.TryCancel();
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    pending_->waiting = waiting;
    pending_->loop = &loop_;
    const std::shared_ptr<PendingCall> pending = pending_;  // the frame may be resumed before UnaryCall returns
    stub_.UnaryCall(&pending->call, method_, grpc::StubOptions(), &pending->request, &pending->response,
                    [pending](grpc::Status status) { complete(pending, std::move(status)); });
  }
  void await_resume() noexcept { leave(); }

 private:
  // Whether an answer was still waited for. Nothing is posted afterwards.
  bool leave() {
    const std::lock_guard lock(pending_->mutex);
    return std::exchange(pending_->loop, nullptr) != nullptr;
  }

  grpc::GenericStub& stub_;
  std::shared_ptr<PendingCall> pending_;
  std::string method_;
  runtime::Scheduler& loop_;
};

class Channel final : public RpcChannel {
 public:
  Channel(GrpcChannelSettings settings, const std::shared_ptr<grpc::Channel>& channel) : settings_(std::move(settings)), stub_(channel) {}

  Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string request) override {
    return start(context, std::string(method), std::move(request));
  }

 private:
  Task<Result<std::string>> start(runtime::Context& context, std::string method, std::string request);
  void prepare(PendingCall& pending, const runtime::Context& context) const;

  GrpcChannelSettings settings_;
  grpc::GenericStub stub_;
};

void Channel::prepare(PendingCall& pending, const runtime::Context& context) const {
  for (const auto& [name, value] : metadata_of(context, settings_.service)) pending.call.AddMetadata(name, value);
  Duration left = settings_.longest_call;
  if (context.deadline) left = std::min(left, *context.deadline - context.scheduler().steady_now());
  pending.call.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(left.microseconds, GPR_TIMESPAN)));
}

Error error_of(const PendingCall& pending) {
  const auto& trailers = pending.call.GetServerTrailingMetadata();
  const auto found = trailers.find(grpc::string_ref(kErrorKey.data(), kErrorKey.size()));
  const std::string_view encoded =
      found == trailers.end() ? std::string_view() : std::string_view(found->second.data(), found->second.size());
  return decode_error(encoded, pending.status.error_code(), pending.status.error_message());
}

constexpr Duration kAwayFor = seconds(1);

// What is wrong between two processes is no answer of the service: whoever called may try again. What gRPC says of
// addresses and sockets is for our log alone.
Error as_away(Error error, const runtime::Context& context) {
  const bool gave_up = error.kind == ErrorKind::kCancelled && !context.cancelled();  // the callee did: it ends
  const bool between_us =
      error.code.starts_with("rpc.") && (error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kForbidden ||
                                         error.kind == ErrorKind::kUnauthenticated || error.kind == ErrorKind::kNotFound);
  if (!gave_up && !between_us) return error;
  const std::string code = gave_up || error.kind == ErrorKind::kUnavailable ? "rpc.unavailable" : error.code;
  return make_error(ErrorKind::kUnavailable, code, "Expected to reach the service in its process, but it does not answer")
      .caused_by(std::move(error))
      .retry_in(kAwayFor);
}

Task<Result<std::string>> Channel::start(runtime::Context& context, std::string method, std::string request) {
  CO_TRY(context.check_deadline());
  if (request.size() > settings_.message_limit)
    co_return consilium::fail(ErrorKind::kTooLarge, "rpc.too-large", "Expected a smaller request");
  auto pending = std::make_shared<PendingCall>();
  prepare(*pending, context);
  pending->request = buffer_of(request);
  std::optional<runtime::Cancellation::Listener> listener;
  if (context.cancellation) listener.emplace(*context.cancellation, [call = pending.get()] { call->call.TryCancel(); });
  Answer answer(stub_, pending, std::move(method), context.scheduler());
  co_await answer;
  listener.reset();
  if (!pending->status.ok()) co_return consilium::fail(as_away(error_of(*pending), context));
  co_return bytes_of(pending->response);
}

Result<std::shared_ptr<grpc::ChannelCredentials>> credentials_of(const GrpcChannelSettings& settings) {
  if (!settings.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  ASSIGN_OR_RETURN(options.pem_root_certs, read_pem(settings.tls->authority));
  if (!settings.tls->certificate_chain.empty()) {
    ASSIGN_OR_RETURN(options.pem_cert_chain, read_pem(settings.tls->certificate_chain));
    ASSIGN_OR_RETURN(options.pem_private_key, read_pem(settings.tls->private_key));
  }
  return grpc::SslCredentials(options);
}

// A channel without credentials fails each call at once and connects to nothing, but it holds on to the threads.
struct CallbackUser {
  CallbackUser() : stub(grpc::CreateChannel("nowhere", nullptr)) {
    stub.UnaryCall(&call, "/none", grpc::StubOptions(), &request, &response, [this](const grpc::Status&) { done.set_value(); });
    done.get_future().wait();
  }

  grpc::GenericStub stub;
  grpc::ClientContext call;
  grpc::ByteBuffer request = buffer_of({});
  grpc::ByteBuffer response;
  std::promise<void> done;
};

}  // namespace

void keep_callback_threads() {
  static auto* volatile user = new CallbackUser;  // volatile: without a pointer to it, it would be a leak
  static_cast<void>(user);
}

Result<std::shared_ptr<RpcChannel>> make_grpc_channel(GrpcChannelSettings settings) {
  keep_callback_threads();
  ASSIGN_OR_RETURN(auto credentials, credentials_of(settings));
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetMaxReceiveMessageSize(static_cast<int>(settings.message_limit));
  arguments.SetMaxSendMessageSize(static_cast<int>(settings.message_limit));
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(kMetadataLimit));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMilliseconds);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMilliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectLongestMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMilliseconds);
  // Channels of one process share connections otherwise, also when their settings differ in what gRPC does not see.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!settings.tls_name.empty()) arguments.SetSslTargetNameOverride(settings.tls_name);
  const auto channel = grpc::CreateCustomChannel(settings.target, credentials, arguments);
  return std::make_shared<Channel>(std::move(settings), channel);
}

}  // namespace consilium::net

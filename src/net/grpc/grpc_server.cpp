#include "net/grpc/grpc_server.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>

#include "net/grpc/call_metadata.h"
#include "net/grpc/grpc_values.h"
#include "net/grpc/server_credentials.h"

namespace consilium::net {
namespace {

constexpr int kKeepAliveFloorMilliseconds = 5000;

class Service;

// One call: reads its one message, has it handled on a loop, writes the answer. gRPC deletes it by `OnDone`, which comes
// after our `Finish` only.
class Call final : public grpc::ServerGenericBidiReactor {
 public:
  Call(Service& service, grpc::GenericCallbackServerContext& call);

  void OnReadDone(bool ok) override;
  void OnCancel() override { cancellation_->request(); }
  void OnDone() override { delete this; }

  void answer(const std::string& reply) {
    response_ = buffer_of(reply);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void refuse(const Error& error) {
    call_.AddTrailingMetadata(std::string(kErrorKey), encode_error(error));
    Finish(grpc::Status(static_cast<grpc::StatusCode>(status_of(error.kind).grpc), error.code));
  }

  grpc::GenericCallbackServerContext& call() { return call_; }
  grpc::ByteBuffer& request() { return request_; }
  const std::shared_ptr<runtime::Cancellation>& cancellation() const { return cancellation_; }

 private:
  Service& service_;
  grpc::GenericCallbackServerContext& call_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::shared_ptr<runtime::Cancellation> cancellation_ = std::make_shared<runtime::Cancellation>();
};

// Owns the duty to finish a call: also when a loop that ends throws the task away.
class Duty {
 public:
  Duty(Call* call, std::atomic<std::size_t>& running) : call_(call), running_(running) { running_.fetch_add(1); }
  Duty(Duty&& other) noexcept : call_(std::exchange(other.call_, nullptr)), running_(other.running_) {}
  Duty& operator=(Duty&&) = delete;
  ~Duty() {
    if (call_ != nullptr) finish(consilium::fail(ErrorKind::kUnavailable, "server.stopping", "Expected a running server, but it stops"));
  }

  Call& call() const { return *call_; }
  void finish(const Result<std::string>& reply) {
    Call* call = std::exchange(call_, nullptr);
    running_.fetch_sub(1);
    if (reply) {
      call->answer(*reply);
    } else {
      call->refuse(reply.error());
    }
  }

 private:
  Call* call_;
  std::atomic<std::size_t>& running_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  Service(GrpcServerSettings settings, std::vector<RpcMethod> methods, std::vector<runtime::Scheduler*> loops, RandomSource& random)
      : settings_(std::move(settings)), loops_(std::move(loops)), random_(random) {
    for (RpcMethod& method : methods) methods_.emplace(method.name, std::move(method));
  }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* call) override { return new Call(*this, *call); }

  void dispatch(Call& call);
  std::size_t running() const { return running_.load(); }
  GrpcServerSettings& settings() { return settings_; }

 private:
  Task<void> run(runtime::Scheduler& loop, const RpcMethod& method, Duty duty);
  Task<Result<std::string>> handle(runtime::Context& context, const RpcMethod& method, std::string request) const;
  Result<const RpcMethod*> admit(Call& call);
  void set_deadline(runtime::Context& context, grpc::GenericCallbackServerContext& call) const;

  GrpcServerSettings settings_;
  std::map<std::string, RpcMethod, std::less<>> methods_;
  std::vector<runtime::Scheduler*> loops_;
  RandomSource& random_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> running_{0};
};

Call::Call(Service& service, grpc::GenericCallbackServerContext& call) : service_(service), call_(call) { StartRead(&request_); }

void Call::OnReadDone(bool ok) {
  if (!ok) return refuse(make_error(ErrorKind::kMalformed, "rpc.malformed", "Expected one message"));
  service_.dispatch(*this);
}

RpcPeer peer_of(grpc::GenericCallbackServerContext& call, const Metadata& metadata) {
  const auto authentication = call.auth_context();
  if (authentication && authentication->IsPeerAuthenticated()) {
    for (const auto& name : authentication->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME))
      return {std::string(name.data(), name.size()), true};
  }
  for (const auto& [name, value] : metadata) {
    if (name == kServiceKey) return {value, false};
  }
  return {};
}

Result<const RpcMethod*> Service::admit(Call& call) {
  if (running_.load() > settings_.max_running) {
    return consilium::fail(make_error(ErrorKind::kUnavailable, "server.full", "Expected fewer calls at a time").retry_in(seconds(1)));
  }
  const RpcPeer peer = peer_of(call.call(), metadata_from(call.call().client_metadata()));
  if (settings_.may_call && !settings_.may_call(peer, call.call().method())) {
    return consilium::fail(ErrorKind::kForbidden, "rpc.forbidden", "Expected a service that may call this method");
  }
  const auto found = methods_.find(call.call().method());
  if (found == methods_.end())
    return consilium::fail(ErrorKind::kNotFound, "rpc.unknown-method", "Expected a method that this server offers");
  return &found->second;
}

void Service::dispatch(Call& call) {
  Duty duty(&call, running_);
  const auto method = admit(call);
  if (!method) return duty.finish(consilium::fail(method.error()));
  runtime::Scheduler& loop = *loops_[next_.fetch_add(1) % loops_.size()];
  loop.spawn("grpc", run(loop, **method, std::move(duty)));
}

void Service::set_deadline(runtime::Context& context, grpc::GenericCallbackServerContext& call) const {
  Duration left = settings_.longest_call;
  const gpr_timespec deadline = call.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) != 0) {
    const gpr_timespec remaining = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    left = std::min(left, microseconds(remaining.tv_sec * 1'000'000 + remaining.tv_nsec / 1000));
  }
  context.deadline = context.scheduler().steady_now() + left;
}

Task<void> Service::run(runtime::Scheduler& loop, const RpcMethod& method, Duty duty) {
  runtime::Context context(loop, random_);
  const auto applied = apply_metadata(metadata_from(duty.call().call().client_metadata()), context);
  Result<std::string> reply;
  if (applied) {
    set_deadline(context, duty.call().call());
    context.cancellation = duty.call().cancellation();
    std::string request = bytes_of(duty.call().request());
    duty.call().request().Clear();
    reply = co_await handle(context, method, std::move(request));
  } else {
    reply = consilium::fail(applied.error());
  }
  duty.finish(reply);
}

Task<Result<std::string>> Service::handle(runtime::Context& context, const RpcMethod& method, std::string request) const {
  try {
    CO_TRY(context.check_deadline());
    auto reply = co_await method.handle(context, std::move(request));
    const bool too_large = reply && reply->size() > settings_.message_limit;
    if (too_large) co_return consilium::fail(ErrorKind::kTooLarge, "rpc.too-large", "Expected a smaller answer");
    co_return reply;
  } catch (...) {
    runtime::report_current_exception("grpc");
  }
  co_return consilium::fail(internal_error("The handler of the call failed"));
}

}  // namespace

struct GrpcServer::State {
  State(GrpcServerSettings settings, std::vector<RpcMethod> methods, std::vector<runtime::Scheduler*> loops, RandomSource& random)
      : service(std::move(settings), std::move(methods), std::move(loops), random) {}

  Service service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

GrpcServer::GrpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

GrpcServer::~GrpcServer() { stop(Duration{}); }

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(GrpcServerSettings settings, std::vector<RpcMethod> methods,
                                                      std::vector<runtime::Scheduler*> loops, RandomSource& random) {
  keep_callback_threads();
  ASSIGN_OR_RETURN(auto credentials, credentials_of(settings.tls));
  auto state = std::make_unique<State>(std::move(settings), std::move(methods), std::move(loops), random);
  const GrpcServerSettings& kept = state->service.settings();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(kept.listen, credentials, &state->port);
  builder.RegisterCallbackGenericService(&state->service);
  builder.SetMaxReceiveMessageSize(static_cast<int>(kept.message_limit));
  builder.SetMaxSendMessageSize(static_cast<int>(kept.message_limit));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second server on the port must fail
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(std::max<std::size_t>(kept.max_running * 2, 100)));  // a connection
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(kMetadataLimit));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kKeepAliveFloorMilliseconds);
  state->server = builder.BuildAndStart();
  if (!state->server || (state->port == 0 && !kept.listen.starts_with("unix:"))) {
    return consilium::fail(ErrorKind::kUnavailable, "net.cannot-listen", "Cannot listen on " + kept.listen);
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(state)));
}

int GrpcServer::port() const { return state_->port; }

std::size_t GrpcServer::running() const { return state_->service.running(); }

void GrpcServer::stop(Duration grace) {
  if (!state_->server) return;
  state_->server->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(grace.microseconds, GPR_TIMESPAN)));
  state_->server->Wait();
  state_->server.reset();
}

}  // namespace consilium::net

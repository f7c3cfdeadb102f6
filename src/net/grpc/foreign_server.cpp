#include "net/grpc/foreign_server.h"

#include <grpc/support/time.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <coroutine>
#include <map>

#include "net/grpc/grpc_values.h"
#include "net/grpc/server_credentials.h"

namespace consilium::net {
namespace {

constexpr int kKeepAliveFloorMilliseconds = 5000;
constexpr std::string_view kBearer = "Bearer ";

RpcStatus status_of(grpc::StatusCode code, std::string message) { return {code, std::move(message)}; }

class Service;

// One call. gRPC deletes it by `OnDone`, which comes after our `Finish` and the end of all that was begun.
class Call final : public grpc::ServerGenericBidiReactor, public RpcStream {
 public:
  Call(Service& service, grpc::GenericCallbackServerContext& call) : service_(service), call_(call) { StartRead(&request_); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override {
    loop_->post([this, ok] {
      is_written_ = ok;
      std::exchange(writing_, nullptr).resume();
    });
  }
  void OnCancel() override { cancellation_->request(); }
  void OnDone() override { delete this; }

  // On the loop, one at a time.
  Task<bool> write(std::string message) override {
    if (cancellation_->requested()) co_return false;
    response_ = buffer_of(message);
    message = std::string();
    struct Awaiter {
      Call& call;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        call.writing_ = waiting;
        call.StartWrite(&call.response_);
      }
      bool await_resume() const noexcept { return call.is_written_; }
    };
    Awaiter awaiter{*this};
    const bool written = co_await awaiter;
    response_.Clear();
    co_return written;
  }

  void finish(const RpcStatus& status) { Finish(grpc::Status(static_cast<grpc::StatusCode>(status.code), status.message)); }

  void run_on(runtime::Scheduler& loop) { loop_ = &loop; }
  const grpc::GenericCallbackServerContext& context() const { return call_; }
  std::string take_request() {
    std::string bytes = bytes_of(request_);
    request_.Clear();
    return bytes;
  }
  const std::shared_ptr<runtime::Cancellation>& cancellation() const { return cancellation_; }

 private:
  Service& service_;
  grpc::GenericCallbackServerContext& call_;
  runtime::Scheduler* loop_ = nullptr;
  std::coroutine_handle<> writing_;
  bool is_written_ = false;
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
    if (call_ != nullptr) finish(status_of(grpc::StatusCode::UNAVAILABLE, "Expected a running server, but it stops"));
  }

  Call& call() const { return *call_; }
  void finish(const RpcStatus& status) {
    Call* call = std::exchange(call_, nullptr);
    running_.fetch_sub(1);
    call->finish(status);
  }

 private:
  Call* call_;
  std::atomic<std::size_t>& running_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  Service(ForeignServerSettings settings, std::vector<ForeignMethod> methods, std::vector<runtime::Scheduler*> loops, RandomSource& random)
      : settings_(std::move(settings)), loops_(std::move(loops)), random_(random) {
    for (ForeignMethod& method : methods) methods_.emplace(method.name, std::move(method));
  }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* call) override { return new Call(*this, *call); }

  void dispatch(Call& call) {
    Duty duty(&call, running_);
    const auto method = admit(call);
    if (!method) return duty.finish(method.error());
    runtime::Scheduler& loop = *loops_[next_.fetch_add(1) % loops_.size()];
    call.run_on(loop);
    loop.spawn("grpc", run(loop, **method, std::move(duty)));
  }
  std::size_t running() const { return running_.load(); }
  const ForeignServerSettings& settings() const { return settings_; }

 private:
  std::expected<const ForeignMethod*, RpcStatus> admit(Call& call) const;
  bool is_authorized(const Metadata& metadata) const;
  Task<void> run(runtime::Scheduler& loop, const ForeignMethod& method, Duty duty);
  Task<RpcStatus> handle(runtime::Context& context, const ForeignMethod& method, std::string request, RpcStream& out) const;

  ForeignServerSettings settings_;
  std::map<std::string, ForeignMethod, std::less<>> methods_;
  std::vector<runtime::Scheduler*> loops_;
  RandomSource& random_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> running_{0};
};

void Call::OnReadDone(bool ok) {
  if (!ok) return finish(status_of(grpc::StatusCode::INVALID_ARGUMENT, "Expected one message, but none came"));
  service_.dispatch(*this);
}

bool Service::is_authorized(const Metadata& metadata) const {
  if (settings_.token.empty()) return true;
  for (const auto& [name, value] : metadata) {
    if (name == "authorization" && value.starts_with(kBearer) && settings_.token == Secret(value.substr(kBearer.size()))) return true;
  }
  return false;
}

std::expected<const ForeignMethod*, RpcStatus> Service::admit(Call& call) const {
  if (!is_authorized(metadata_from(call.context().client_metadata())))
    return std::unexpected(status_of(grpc::StatusCode::UNAUTHENTICATED, "Expected the bearer token of this server, but it is not so"));
  if (running_.load() > settings_.max_running)
    return std::unexpected(status_of(grpc::StatusCode::RESOURCE_EXHAUSTED, "Expected fewer calls at a time"));
  const auto found = methods_.find(call.context().method());
  if (found == methods_.end())
    return std::unexpected(status_of(grpc::StatusCode::UNIMPLEMENTED, "Expected a method that this server offers"));
  return &found->second;
}

Task<void> Service::run(runtime::Scheduler& loop, const ForeignMethod& method, Duty duty) {
  runtime::Context context(loop, random_);
  context.client = runtime::ClientType::kGrpc;
  context.cancellation = duty.call().cancellation();
  std::string request = duty.call().take_request();
  const RpcStatus status = co_await handle(context, method, std::move(request), duty.call());
  duty.finish(status);
}

Task<RpcStatus> Service::handle(runtime::Context& context, const ForeignMethod& method, std::string request, RpcStream& out) const {
  try {
    RpcStatus status = co_await method.handle(context, std::move(request), out);
    co_return status;
  } catch (...) {
    runtime::report_current_exception("grpc");
  }
  co_return status_of(grpc::StatusCode::INTERNAL, "The handler of the call failed");
}

}  // namespace

struct ForeignServer::State {
  State(ForeignServerSettings settings, std::vector<ForeignMethod> methods, std::vector<runtime::Scheduler*> loops, RandomSource& random)
      : service(std::move(settings), std::move(methods), std::move(loops), random) {}

  Service service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

ForeignServer::ForeignServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

ForeignServer::~ForeignServer() { stop(Duration{}); }

Result<std::unique_ptr<ForeignServer>> ForeignServer::start(ForeignServerSettings settings, std::vector<ForeignMethod> methods,
                                                            std::vector<runtime::Scheduler*> loops, RandomSource& random) {
  keep_callback_threads();
  ASSIGN_OR_RETURN(auto credentials, credentials_of(settings.tls));
  auto state = std::make_unique<State>(std::move(settings), std::move(methods), std::move(loops), random);
  const ForeignServerSettings& kept = state->service.settings();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(kept.listen, credentials, &state->port);
  builder.RegisterCallbackGenericService(&state->service);
  builder.SetMaxReceiveMessageSize(static_cast<int>(kept.message_limit));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second server on the port must fail
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(kept.max_running_per_connection));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kKeepAliveFloorMilliseconds);
  state->server = builder.BuildAndStart();
  if (!state->server || state->port == 0)
    return consilium::fail(ErrorKind::kUnavailable, "net.cannot-listen", "Cannot listen on " + kept.listen);
  return std::unique_ptr<ForeignServer>(new ForeignServer(std::move(state)));
}

int ForeignServer::port() const { return state_->port; }

std::size_t ForeignServer::running() const { return state_->service.running(); }

void ForeignServer::stop(Duration grace) {
  if (!state_->server) return;
  state_->server->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(grace.microseconds, GPR_TIMESPAN)));
  state_->server->Wait();
  state_->server.reset();
}

}  // namespace consilium::net

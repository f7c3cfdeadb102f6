#include "net/grpc/foreign_server.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <expected>
#include <map>
#include <thread>
#include <utility>

#include "net/acceptor.h"
#include "net/byte_stream.h"
#include "net/grpc/foreign_session.h"
#include "runtime/context.h"

namespace consilium::net {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr Duration kTick = seconds(1);           // of looking at deadlines
constexpr Duration kTlsPause = milliseconds(1);  // a read that has to write first, which is rare
constexpr std::size_t kOutgoing = 64 * 1024;     // bytes of a connection that wait for its socket
constexpr std::size_t kKeptOutgoing = 4 * 1024;  // capacity that an idle connection keeps
constexpr auto kStopLook = std::chrono::milliseconds(2);
constexpr Duration kCutTime = seconds(10);  // for handlers to end after they were cancelled

using namespace grpc_code;

const RpcStatus& stopping() {
  static const RpcStatus status{kUnavailable, "Expected a running server, but it stops"};
  return status;
}

// What all connections share.
struct Service {
  ForeignServerSettings settings;
  TlsContextPointer tls;
  std::map<std::string, ForeignMethod, std::less<>> methods;
  RandomSource& random;
  std::atomic<std::size_t> running{0};
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> held{0};
};

// Owns the duty to finish a call: also when a loop that ends throws the task away.
class Duty {
 public:
  Duty(std::shared_ptr<Service> service, std::shared_ptr<ForeignCall> call) : service_(std::move(service)), call_(std::move(call)) {
    service_->running.fetch_add(1);
  }
  Duty(Duty&& other) noexcept = default;
  Duty& operator=(Duty&&) = delete;
  ~Duty() {
    if (call_) finish(stopping());
  }

  ForeignCall& call() const { return *call_; }
  void finish(const RpcStatus& status) {
    std::exchange(call_, nullptr)->finish(status);
    service_->running.fetch_sub(1);
  }

 private:
  std::shared_ptr<Service> service_;
  std::shared_ptr<ForeignCall> call_;
};

Task<RpcStatus> handle(runtime::Context& context, const ForeignMethod& method, std::string request, RpcStream& out) {
  try {
    RpcStatus status = co_await method.handle(context, std::move(request), out);
    co_return status;
  } catch (...) {
    runtime::report_current_exception("grpc");
  }
  co_return RpcStatus{kInternal, "The handler of the call failed"};
}

// Ends with the call, also when its frame is thrown away.
class DeadlineTimer {
 public:
  DeadlineTimer(runtime::Scheduler& loop, std::shared_ptr<ForeignCall> call) : loop_(loop) {
    const std::optional<Duration> timeout = call->timeout();
    if (!timeout) return;
    timer_ = loop_.call_after(*timeout, [call = std::move(call)] {
      call->give_up();
      call->finish({kDeadlineExceeded, "Expected to be done in time, but the deadline of the call has passed"});
    });
  }
  ~DeadlineTimer() {
    if (timer_ != 0) loop_.cancel(timer_);
  }
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

 private:
  runtime::Scheduler& loop_;
  runtime::TimerId timer_ = 0;
};

Task<void> run_call(std::shared_ptr<Service> service, runtime::Scheduler& loop, const ForeignMethod& method, Duty duty) {
  const DeadlineTimer deadline(loop, duty.call().shared_from_this());
  runtime::Context context(loop, service->random);
  context.client = runtime::ClientType::kGrpc;
  context.cancellation = duty.call().cancellation();
  std::string request = duty.call().take_request();
  const RpcStatus status = co_await handle(context, method, std::move(request), duty.call());
  duty.finish(status);
}

class Connection final : public Peer, public ForeignSessionOwner {
 public:
  Connection(std::shared_ptr<Service> service, std::shared_ptr<PeerLoop> peers, int socket)
      : Peer(std::move(peers)),
        service_(std::move(service)),
        stream_(loop().io(), socket),
        session_(*this, {service_->settings.message_limit, static_cast<std::uint32_t>(service_->settings.max_running_per_connection)}) {
    service_->connections.fetch_add(1);
  }
  ~Connection() override { service_->connections.fetch_sub(1); }

  static Task<void> run(std::shared_ptr<Connection> self);

  void on_deadline() override;
  void drain() override {
    session_.drain();
    if (!has_greeted_) cut();
  }
  void cut() override;

  std::optional<RpcStatus> refuse(const ForeignCall& call) override;
  void begin(std::shared_ptr<ForeignCall> call) override;
  void has_output() override;
  bool hold(std::size_t bytes) override;
  void release(std::size_t bytes) override { service_->held.fetch_sub(bytes); }

 private:
  bool is_authorized(const ForeignCall& call) const;
  Task<bool> shake_hands();
  Task<bool> wait_for(IoStatus status);
  Task<void> serve();
  void flush();
  std::shared_ptr<Connection> self() { return std::static_pointer_cast<Connection>(shared_from_this()); }

  std::shared_ptr<Service> service_;
  ByteStream stream_;
  ForeignSession session_;
  std::string outgoing_;
  std::size_t sent_ = 0;
  bool has_greeted_ = false;
  bool was_asked_ = false;  // whether it is there
  bool is_flush_queued_ = false;
  bool waits_to_write_ = false;
};

Task<void> Connection::run(std::shared_ptr<Connection> self) {
  self->set_deadline(self->service_->settings.hello_timeout);
  if (self->loop().draining()) co_return;
  bool has_begun = true;
  if (self->service_->tls) has_begun = co_await self->shake_hands();
  if (has_begun) {
    self->flush();
    co_await self->serve();
  }
  self->clear_deadline();
  self->session_.end();
  self->stream_.end_writing();
  self->stream_.close();
}

// False: cut.
Task<bool> Connection::wait_for(IoStatus status) {
  if (!stream_.is_open()) co_return false;
  if (status == IoStatus::kNeedWrite && waits_to_write_) {  // one waiter a direction
    co_await loop().scheduler().sleep_for(kTlsPause);
    co_return stream_.is_open();
  }
  const Direction direction = status == IoStatus::kNeedWrite ? Direction::kWrite : Direction::kRead;
  const bool ready = co_await stream_.ready(direction);
  co_return ready;
}

Task<bool> Connection::shake_hands() {
  if (!stream_.begin_tls_server(service_->tls)) co_return false;
  for (;;) {
    const IoResult result = stream_.handshake();
    if (result.status == IoStatus::kDone) co_return true;
    if (result.status == IoStatus::kEnd || result.status == IoStatus::kFailed) co_return false;
    const bool ready = co_await wait_for(result.status);
    if (!ready) co_return false;
  }
}

Task<void> Connection::serve() {
  for (;;) {
    auto& scratch = loop().scratch();
    const IoResult result = stream_.read(scratch.data(), scratch.size());
    if (result.status == IoStatus::kDone) {
      has_greeted_ = true;
      was_asked_ = false;
      set_deadline(service_->settings.silence_limit);
      const bool goes_on = session_.receive({scratch.data(), result.bytes});
      flush();
      if (!goes_on || session_.is_over()) co_return;
    } else if (result.status == IoStatus::kNeedRead || result.status == IoStatus::kNeedWrite) {
      const bool ready = co_await wait_for(result.status);
      if (!ready) co_return;
    } else {
      co_return;
    }
  }
}

void Connection::flush() {
  if (waits_to_write_ || !stream_.is_open()) return;
  for (;;) {
    if (sent_ == outgoing_.size()) {
      outgoing_.clear();
      sent_ = 0;
      session_.produce(outgoing_, kOutgoing);
      if (outgoing_.empty()) break;
    }
    const IoResult result = stream_.write(outgoing_.data() + sent_, outgoing_.size() - sent_);
    if (result.status == IoStatus::kDone) {
      sent_ += result.bytes;
      continue;
    }
    if (result.status == IoStatus::kNeedRead) return;  // what is read next flushes again
    if (result.status != IoStatus::kNeedWrite) return cut();
    waits_to_write_ = true;
    stream_.wait(Direction::kWrite, [self = self()](bool ready) {
      self->waits_to_write_ = false;
      if (ready) self->flush();
    });
    return;
  }
  if (outgoing_.capacity() > kKeptOutgoing) outgoing_ = std::string();
  if (session_.is_over()) cut();
}

// Once for all that is answered in this turn of the loop.
void Connection::has_output() {
  if (std::exchange(is_flush_queued_, true)) return;
  loop().scheduler().post([self = self()] {
    self->is_flush_queued_ = false;
    self->flush();
  });
}

void Connection::on_deadline() {
  if (!has_greeted_ || was_asked_) return cut();
  was_asked_ = true;
  set_deadline(service_->settings.answer_timeout);
  session_.ping();
}

void Connection::cut() {
  session_.finish_all(stopping());
  stream_.cancel();
  // What is answered already may still go.
  if (!waits_to_write_ && stream_.is_open() && !session_.is_over()) {
    session_.produce(outgoing_, outgoing_.size() + kOutgoing);
    (void)stream_.write(outgoing_.data() + sent_, outgoing_.size() - sent_);
  }
  stream_.close();
}

bool Connection::is_authorized(const ForeignCall& call) const {
  const std::string& said = call.authorization();
  return service_->settings.token.empty() || (said.starts_with(kBearer) && service_->settings.token == Secret(said.substr(kBearer.size())));
}

std::optional<RpcStatus> Connection::refuse(const ForeignCall& call) {
  if (!is_authorized(call)) return RpcStatus{kUnauthenticated, "Expected the bearer token of this server, but it is not so"};
  if (service_->running.load() >= service_->settings.max_running) return RpcStatus{kResourceExhausted, "Expected fewer calls at a time"};
  if (!service_->methods.contains(call.method())) return RpcStatus{kUnimplemented, "Expected a method that this server offers"};
  return std::nullopt;
}

void Connection::begin(std::shared_ptr<ForeignCall> call) {
  const ForeignMethod& method = service_->methods.find(call->method())->second;
  Duty duty(service_, std::move(call));
  loop().scheduler().spawn("grpc", run_call(service_, loop().scheduler(), method, std::move(duty)));
}

bool Connection::hold(std::size_t bytes) {
  if (service_->held.fetch_add(bytes) + bytes <= service_->settings.max_held) return true;
  service_->held.fetch_sub(bytes);
  return false;
}

}  // namespace

struct ForeignServer::State {
  std::shared_ptr<Service> service;
  std::shared_ptr<Acceptor> acceptor;
  runtime::Scheduler& loop;
  bool is_stopped = false;

  // Whether nothing of it runs any more.
  bool is_quiet() const { return service->running.load() == 0 && service->connections.load() == 0; }
};

namespace {

void hand_over(const std::shared_ptr<Service>& service, const AcceptedSocket& socket, const std::shared_ptr<PeerLoop>& loop) {
  if (service->connections.load() >= service->settings.max_connections) {
    ::close(socket.descriptor);
    return;
  }
  // Owns the descriptor until a connection does, also when the loop ends before.
  struct Arrival {
    int descriptor;
    ~Arrival() {
      if (descriptor >= 0) ::close(descriptor);
    }
  };
  auto arrival = std::make_unique<Arrival>(socket.descriptor);
  loop->scheduler().post([service, loop, arrival = std::move(arrival)]() mutable {
    auto connection = std::make_shared<Connection>(service, loop, std::exchange(arrival->descriptor, -1));
    loop->scheduler().spawn("grpc-connection", Connection::run(std::move(connection)));
  });
}

}  // namespace

ForeignServer::ForeignServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

ForeignServer::~ForeignServer() { stop(Duration{}); }

Result<std::unique_ptr<ForeignServer>> ForeignServer::start(ForeignServerSettings settings, std::vector<ForeignMethod> methods,
                                                            std::vector<runtime::Scheduler*> loops, RandomSource& random) {
  TlsContextPointer tls;
  if (settings.tls) {
    ASSIGN_OR_RETURN(tls, make_server_tls(*settings.tls, Alpn::kHttp2));
  }
  ASSIGN_OR_RETURN(const Endpoint listen, Endpoint::parse(settings.listen));
  ASSIGN_OR_RETURN(ListeningSocket socket, listen_on(listen));
  auto service =
      std::make_shared<Service>(std::move(settings), std::move(tls), std::map<std::string, ForeignMethod, std::less<>>(), random);
  for (ForeignMethod& method : methods) service->methods.emplace(method.name, std::move(method));
  auto acceptor = std::make_shared<Acceptor>(
      std::move(socket), loops, kTick,
      [service](const AcceptedSocket& arrived, const std::shared_ptr<PeerLoop>& loop) { hand_over(service, arrived, loop); });
  acceptor->start();
  auto state = std::make_shared<State>(std::move(service), std::move(acceptor), *loops.front());
  return std::unique_ptr<ForeignServer>(new ForeignServer(std::move(state)));
}

int ForeignServer::port() const { return state_->acceptor->endpoint().port; }

std::size_t ForeignServer::running() const { return state_->service->running.load(); }

std::size_t ForeignServer::connections() const { return state_->service->connections.load(); }

void ForeignServer::stop(Duration grace) {
  if (std::exchange(state_->is_stopped, true)) return;
  state_->acceptor->stop();
  state_->acceptor->drain_all();
  const auto wait_up_to = [this](Duration limit) {
    const Timestamp end = state_->loop.steady_now() + limit;
    while (!state_->is_quiet() && state_->loop.steady_now() < end) std::this_thread::sleep_for(kStopLook);
  };
  wait_up_to(grace);
  state_->acceptor->cut_all();
  wait_up_to(kCutTime);
}

}  // namespace consilium::net

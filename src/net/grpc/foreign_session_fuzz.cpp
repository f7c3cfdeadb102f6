// What a client of the gateway sends on its connection: frames of HTTP/2 with calls of gRPC in them. In one piece and in small
// ones the same calls come out; each is answered, and what is held is given back.
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_testing.h"
#include "net/grpc/foreign_session.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::net {
namespace {

constexpr std::size_t kMostHeld = 600;
constexpr std::size_t kMessageLimit = 300;
constexpr std::uint32_t kMaxCalls = 8;
constexpr std::size_t kOutput = 100;

class Owner final : public ForeignSessionOwner {
 public:
  explicit Owner(runtime::Scheduler& loop) : loop_(loop) {}

  std::optional<RpcStatus> refuse(const ForeignCall& call) override {
    require(!call.is_finished());
    if (call.authorization() == "Bearer wrong") return RpcStatus{16, "refused"};
    return std::nullopt;
  }
  void begin(std::shared_ptr<ForeignCall> call) override {
    std::string request = call->take_request();
    require(request.size() <= kMessageLimit);
    if (const auto timeout = call->timeout()) require(*timeout >= Duration{});
    begun.push_back(call->method() + " " + request);
    loop_.spawn("answer", answer(std::move(call), std::move(request)));
  }
  void has_output() override {}
  bool hold(std::size_t bytes) override {
    if (held + bytes > kMostHeld) return false;
    held += bytes;
    return true;
  }
  void release(std::size_t bytes) override {
    require(bytes <= held);
    held -= bytes;
  }

  std::vector<std::string> begun;
  std::size_t held = 0;

 private:
  static Task<void> answer(std::shared_ptr<ForeignCall> call, std::string request) {
    bool goes_on = true;
    for (int i = 0; i < 3 && goes_on; ++i) goes_on = co_await call->write(request);
    call->finish({goes_on ? 0 : 1, request});
  }

  runtime::Scheduler& loop_;
};

std::vector<std::string> calls_in(std::string_view input, std::size_t piece) {
  static runtime::SimulatedWorld world(1);
  static runtime::SimulatedScheduler& loop = world.add_loop(runtime::NodeId{}, "fuzz");
  Owner owner(loop);
  {
    ForeignSession session(owner, {kMessageLimit, kMaxCalls});
    bool goes_on = true;
    while (goes_on && !input.empty()) {
      goes_on = session.receive(input.substr(0, piece));
      input.remove_prefix(std::min(piece, input.size()));
      require(session.calls() <= kMaxCalls + 1);
    }
    std::string out;
    for (int i = 0; i < 20; ++i) {
      world.run_for(milliseconds(1));
      session.produce(out, out.size() + kOutput);
    }
    require(encode_grpc_message(out).size() <= 8 * 1024);
    session.end();
    world.run_for(milliseconds(1));
  }
  require(owner.held == 0);
  return owner.begun;
}

}  // namespace
}  // namespace consilium::net

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace consilium::net;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  consilium::require(calls_in(input, input.size()) == calls_in(input, 7));
  (void)parse_grpc_timeout(input);
  return 0;
}

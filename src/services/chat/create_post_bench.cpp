// How many posts a second the chat takes: three members a channel, every post committed to the disk before it is answered.
// The argument is the number of people who write at the same time.
#include <benchmark/benchmark.h>

#include <latch>
#include <stdexcept>

#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/temporary_folder_testing.h"
#include "services/chat/migrations.h"
#include "services/chat/service.h"

namespace consilium::chat {
namespace {

constexpr std::size_t kLoops = 2;

runtime::Caller service_caller() {
  runtime::Caller caller;
  caller.kind = runtime::Caller::Kind::kService;
  return caller;
}

runtime::Caller caller_of(const Uuid& person) {
  runtime::Caller caller;
  caller.kind = runtime::Caller::Kind::kUser;
  caller.user_id = person;
  return caller;
}

Settings without_limit() {
  Settings settings;
  settings.post_window = Duration{};
  return settings;
}

class Bench {
 public:
  explicit Bench(std::size_t channels) {
    database::sqlite::Options options;
    options.path = folder_.path() + "/chat.db";
    store_ = std::move(*database::sqlite::open_threaded(std::move(options)));
    if (!store_->migrate("chat", migrations())) throw std::runtime_error("no schema");
    chat_ = std::make_unique<ChatService>(store_->service("chat"), catalogue_, Secret("0123456789abcdef0123456789abcdef"), without_limit());
    loops_.start();
    std::latch ready(1);
    loops_.at(0).spawn("prepare", prepare(channels, ready));
    ready.wait();
  }
  ~Bench() {
    store_->close();
    loops_.stop();
    loops_.join();
    chat_.reset();
  }

  // One post in each channel, all at once.
  void round() {
    std::latch done(static_cast<std::ptrdiff_t>(channels_.size()));
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      runtime::Scheduler& loop = loops_.at(i % kLoops);
      loop.spawn("post", post(loop, channels_[i], clients_[i], done));
    }
    done.wait();
  }

 private:
  // Requests are named: g++ 12 miscompiles temporaries inside an awaited expression.
  Task<void> prepare(std::size_t channels, std::latch& ready) {
    runtime::Context context(loops_.at(0), random_);
    context.caller = service_caller();
    std::vector<Uuid> consultants;
    for (int i = 0; i < 2; ++i) {
      consultants.push_back(context.new_id());
      co_await add_person(context, consultants.back(), v1::MemberKind::kConsultant);
    }
    for (std::size_t i = 0; i < channels; ++i) {
      const Uuid client = context.new_id();
      co_await add_person(context, client, v1::MemberKind::kClient);
      v1::CreateChannelRequest request{v1::ChannelKind::kCommon, client, "Questions"};
      const auto channel = co_await chat_->create_channel(context, std::move(request));
      clients_.push_back(client);
      channels_.push_back(channel.value().channel_id);
      for (const Uuid& consultant : consultants) {
        v1::SubscribeRequest membership{channels_.back(), consultant, v1::MemberAccess::kWrite, {}, {}};
        const auto joined = co_await chat_->subscribe(context, std::move(membership));
        joined.value();
      }
    }
    ready.count_down();
  }

  Task<void> add_person(runtime::Context& context, Uuid id, v1::MemberKind kind) {
    v1::CreateChatUserRequest request{id, "Somebody", kind, "en", {}};
    const auto made = co_await chat_->create_chat_user(context, std::move(request));
    made.value();
  }

  Task<void> post(runtime::Scheduler& loop, Uuid channel, Uuid client, std::latch& done) {
    runtime::Context context(loop, random_);
    context.caller = caller_of(client);
    v1::CreatePostRequest request{channel, "It has been hurting since yesterday evening.", context.new_id().text()};
    const auto answer = co_await chat_->create_post(context, std::move(request));
    answer.value();
    done.count_down();
  }

  runtime::TemporaryFolder folder_;
  SystemRandom random_;
  MessageCatalogue catalogue_;
  std::unique_ptr<database::Store> store_;
  std::unique_ptr<ChatService> chat_;
  runtime::LoopGroup loops_{"chat", kLoops};
  std::vector<Uuid> clients_;
  std::vector<Uuid> channels_;
};

void create_post(benchmark::State& state) {
  Bench bench(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) bench.round();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(create_post)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium::chat

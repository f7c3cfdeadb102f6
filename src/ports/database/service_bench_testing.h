// For tests of services: a store on a simulated disk, a loop on virtual time, and calls that run to their end.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "ports/database/simulated/disk.h"
#include "ports/database/simulated/simulated_store.h"
#include "runtime/context.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::database::testing {

class ServiceBench {
 public:
  static constexpr std::uint64_t kSeed = 42;

  explicit ServiceBench(std::uint64_t seed = kSeed) : disk_(seed), world_(seed), random_(seed), loop_(world_.add_loop("test")) {
    auto opened = simulated::SimulatedStore::open(loop_, disk_, {.seed = seed});
    if (!opened) throw std::runtime_error(opened.error().describe());
    store_ = std::move(*opened);
  }
  ~ServiceBench() { store_->close(); }
  ServiceBench(const ServiceBench&) = delete;
  ServiceBench& operator=(const ServiceBench&) = delete;

  Store& store() { return *store_; }
  runtime::SimulatedWorld& world() { return world_; }
  runtime::Scheduler& loop() { return loop_; }
  RandomSource& random() { return random_; }

  void migrate(std::string_view service, std::vector<Migration> migrations) {
    auto migrated = store_->migrate(service, std::move(migrations));
    if (!migrated) throw std::runtime_error(migrated.error().describe());
  }

  runtime::Context anonymous() {
    runtime::Context context(loop_, random_);
    context.request_id = "test";
    context.remote_address = "192.0.2.1";
    context.client = runtime::ClientType::kTest;
    return context;
  }
  runtime::Context service(std::string name) { return anonymous().for_service(std::move(name), runtime::ClientType::kTest); }
  runtime::Context user(Uuid id, std::vector<std::string> permissions = {}) {
    runtime::Context context = anonymous();
    context.caller.kind = runtime::Caller::Kind::kUser;
    context.caller.user_id = id;
    context.caller.permissions = std::move(permissions);
    return context;
  }

  // Starts it; `finish` or `run` lets it work.
  template <class T>
  std::shared_ptr<std::optional<T>> start(Task<T> task) {
    auto answer = std::make_shared<std::optional<T>>();
    loop_.spawn("test", keep(std::move(task), answer));
    return answer;
  }
  template <class T>
  T finish(std::shared_ptr<std::optional<T>> answer) {
    if (!world_.run_until([&] { return answer->has_value(); }, minutes(1))) throw std::runtime_error("waited a minute in vain");
    return std::move(**answer);
  }
  template <class T>
  T run(Task<T> task) {
    return finish(start(std::move(task)));
  }
  void pass(Duration time) { world_.run_for(time); }

  template <class Function>
  auto read(std::string_view service_name, Function function) {
    runtime::Context context = service("test");
    return run(store_->service(service_name).read(context, std::move(function)));
  }
  template <class Function>
  auto write(std::string_view service_name, Function function) {
    runtime::Context context = service("test");
    return run(store_->service(service_name).write(context, std::move(function)));
  }
  // Topics of the outbox in their order.
  std::vector<std::string> topics(std::string_view service_name) {
    const std::string sql = "SELECT topic FROM " + std::string(service_name) + "_outbox ORDER BY position";
    auto rows = read(service_name, [&](Transaction& transaction) { return transaction.query(sql); });
    std::vector<std::string> all;
    for (const Row& row : *rows) all.push_back(row.text(0));
    return all;
  }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::shared_ptr<std::optional<T>> answer) {
    auto value = co_await std::move(task);
    answer->emplace(std::move(value));
  }

  simulated::Disk disk_;
  runtime::SimulatedWorld world_;
  SeededRandom random_;
  runtime::SimulatedScheduler& loop_;
  std::unique_ptr<simulated::SimulatedStore> store_;
};

}  // namespace consilium::database::testing

// A deliberately broken build: the platform's statements and tables are changed on their way through the database port.
// The invariants look at the store beneath it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ports/database/store.h"

namespace consilium::simulation {

// Every occurrence of `from` in a statement or migration becomes `to`.
struct Change {
  std::string_view from;
  std::string_view to;
};

struct Mutation {
  std::string_view name;
  std::string_view caught_as;  // how the finding begins
  std::vector<Change> changes;
  // Beside the database: faults at the other ports.
  enum class Elsewhere { kNothing, kOneLoopForgetsSessions, kBodiesAreLogged, kCommitsAreNotSynced, kAnswersBeforeTheSync };
  Elsewhere elsewhere = Elsewhere::kNothing;
};

class MutatedStore final : public database::Store {
 public:
  // Both outlive it.
  MutatedStore(database::Store& store, const Mutation& mutation);
  ~MutatedStore() override;

  database::Database& service(std::string_view name) override;
  database::Database& privileged() override;
  Result<void> migrate(std::string_view service, std::vector<database::Migration> migrations) override;
  Result<void> backup_to(const std::string& path) override { return store_.backup_to(path); }
  Result<std::vector<std::string>> verify() override { return store_.verify(); }
  void watch(std::string table, std::function<void()> listener) override { store_.watch(std::move(table), std::move(listener)); }
  database::Statistics statistics() const override { return store_.statistics(); }
  void close() override { store_.close(); }

 private:
  class Door;
  database::Database& door_to(database::Database& database);

  database::Store& store_;
  const Mutation& mutation_;
  std::vector<std::unique_ptr<Door>> doors_;
};

}  // namespace consilium::simulation

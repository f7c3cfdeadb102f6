#include "mutated_store.h"

namespace consilium::simulation {
namespace {

using database::Database;
using database::Row;
using database::Rows;
using database::Transaction;
using database::Value;

std::string changed(std::string text, const Mutation& mutation) {
  for (const Change& change : mutation.changes) {
    for (std::size_t at = text.find(change.from); at != std::string::npos; at = text.find(change.from, at + change.to.size()))
      text.replace(at, change.from.size(), change.to);
  }
  return text;
}

// Savepoints are protected in another object; pointers to them, taken in a class derived from it, are not.
struct Reach : Transaction {
  static constexpr auto kOpen = &Reach::open_savepoint;
  static constexpr auto kKeep = &Reach::keep_savepoint;
  static constexpr auto kUndo = &Reach::undo_savepoint;
};

class MutatedTransaction final : public Transaction {
 public:
  MutatedTransaction(Transaction& transaction, const Mutation& mutation) : transaction_(transaction), mutation_(mutation) {}

  Result<std::int64_t> run(std::string_view sql, std::span<const Value> values) override {
    return transaction_.run(changed(std::string(sql), mutation_), values);
  }
  Result<Rows> select(std::string_view sql, std::span<const Value> values) override {
    return transaction_.select(changed(std::string(sql), mutation_), values);
  }

 protected:
  Result<void> open_savepoint() override { return (transaction_.*Reach::kOpen)(); }
  Result<void> keep_savepoint() override { return (transaction_.*Reach::kKeep)(); }
  void undo_savepoint() override { (transaction_.*Reach::kUndo)(); }

 private:
  Transaction& transaction_;
  const Mutation& mutation_;
};

}  // namespace

class MutatedStore::Door final : public Database {
 public:
  Door(Database& database, const Mutation& mutation) : database_(database), mutation_(mutation) {}

  bool is_to(const Database& database) const { return &database_ == &database; }
  void enqueue(Mode mode, Work work, Done done) override {
    database_.enqueue(
        mode,
        [this, work = std::move(work)](Transaction& transaction) mutable {
          MutatedTransaction mutated(transaction, mutation_);
          return work(mutated);
        },
        std::move(done));
  }
  const std::atomic<std::uint64_t>* changes_of(std::string_view table) override { return database_.changes_of(table); }

 private:
  Database& database_;
  const Mutation& mutation_;
};

MutatedStore::MutatedStore(database::Store& store, const Mutation& mutation) : store_(store), mutation_(mutation) {}
MutatedStore::~MutatedStore() = default;

Database& MutatedStore::door_to(Database& database) {
  for (const auto& door : doors_) {
    if (door->is_to(database)) return *door;
  }
  doors_.push_back(std::make_unique<Door>(database, mutation_));
  return *doors_.back();
}

Database& MutatedStore::service(std::string_view name) { return door_to(store_.service(name)); }
Database& MutatedStore::privileged() { return door_to(store_.privileged()); }

Result<void> MutatedStore::migrate(std::string_view service, std::vector<database::Migration> migrations) {
  for (database::Migration& migration : migrations) migration.sql = changed(std::move(migration.sql), mutation_);
  return store_.migrate(service, std::move(migrations));
}

}  // namespace consilium::simulation

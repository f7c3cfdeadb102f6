// Consumer groups in other processes that read outboxes of ours: how far each has stored its effects, as it told when it last
// read. Events that one of them still needs are not deleted, however long it is away.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ports/database/store.h"

namespace consilium::bus {

// `passed` may be called from any thread, the rest on the bus's loop.
class AwayGroups {
 public:
  static constexpr std::string_view kService = "events";  // owner of the table
  // A group that nobody expects (of another version of the program) is forgotten when it was silent for so long.
  static constexpr Duration kForgetStranger = days(30);

  // Of all tables of the bus that belong to no service.
  static std::vector<database::Migration> migrations();

  // `store` was brought up to `migrations()` under `kService`, and outlives it.
  explicit AwayGroups(database::Store& store) : database_(store.service(kService)) {}

  // Before the start: this group exists. Until it has told its position, nothing of the producer is deleted.
  void expect(std::string producer, std::string group);
  // Kept in memory until `keep`; a restart before it forgets nothing but progress.
  void passed(std::string producer, std::string group, std::int64_t position);

  // Writes down what changed.
  Task<Result<void>> keep(runtime::Context& context);
  // The lowest stored position of all groups of the producer; the largest number when it has none.
  Task<Result<std::int64_t>> lowest(runtime::Context& context, std::string producer);

 private:
  using Name = std::pair<std::string, std::string>;  // producer, group

  database::Database& database_;
  std::vector<Name> expected_;
  std::mutex mutex_;
  std::map<Name, std::int64_t> told_;  // not written yet
};

}  // namespace consilium::bus

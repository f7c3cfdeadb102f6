// The contract of dead letters: what each process answers of the groups that it runs, and all processes as one list.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "consilium/events/v1/dead_letters_service.h"
#include "ports/bus/bus.h"

namespace consilium::bus {

// Of one process. Calls may come on any loop.
class DeadLetterServer final : public events::v1::DeadLetters {
 public:
  // `services` run here; the bus outlives it.
  DeadLetterServer(Bus& bus, std::set<std::string, std::less<>> services) : bus_(bus), services_(std::move(services)) {}

  Task<Result<events::v1::ListDeadLettersReply>> list_dead_letters(runtime::Context& context,
                                                                   events::v1::ListDeadLettersRequest request) override;
  Task<Result<events::v1::DeadLetterReplayed>> replay_dead_letter(runtime::Context& context,
                                                                  events::v1::ReplayDeadLetterRequest request) override;

 private:
  Bus& bus_;
  std::set<std::string, std::less<>> services_;
};

// Each service's dead letters from where it runs. A list names the services that did not answer.
class DividedDeadLetters final : public events::v1::DeadLetters {
 public:
  static constexpr Duration kPatience = seconds(3);  // with one process, of a list

  // The door to each service's process; they outlive it.
  using Doors = std::map<std::string, events::v1::DeadLetters*, std::less<>>;
  explicit DividedDeadLetters(Doors doors) : doors_(std::move(doors)) {}

  Task<Result<events::v1::ListDeadLettersReply>> list_dead_letters(runtime::Context& context,
                                                                   events::v1::ListDeadLettersRequest request) override;
  Task<Result<events::v1::DeadLetterReplayed>> replay_dead_letter(runtime::Context& context,
                                                                  events::v1::ReplayDeadLetterRequest request) override;

 private:
  struct Part;
  static Task<void> ask(Part& part);

  Doors doors_;
};

}  // namespace consilium::bus

// Refusals at the edge, for the audit: who was turned away, from where, at which call, with which code. A flood becomes a few
// rows with a count: within an interval the same refusal is one row, and beyond a bound of different ones they share a row
// for each code. The issuer bounds the rows that are kept.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "consilium/sessions/v1/sessions_service.h"
#include "runtime/event.h"
#include "runtime/log.h"
#include "runtime/rounds.h"

namespace consilium::gateway {

class Refusals {
 public:
  static constexpr std::size_t kDistinct = 200;  // rows of an interval, besides the shared ones
  static constexpr Duration kInterval = seconds(10);

  // `loop` writes them; all references outlive it.
  Refusals(runtime::Scheduler& loop, RandomSource& random, sessions::v1::Sessions& sessions, runtime::Logger log);

  void start();
  // Writes what is left.
  Task<void> stop();

  // Proofs and credentials that are not valid (401), missing rights and foreign pages (403), too many attempts (429). A call
  // without a session, or with one whose time is over, is everyday life.
  static bool is_of_importance(const Error& error);
  // Any thread. `call`: method and pattern of the route.
  void note(const runtime::Context& context, std::string call, const Error& error);

 private:
  using Key = std::tuple<Uuid, std::string, std::string, std::string>;  // person, address, call, code

  Task<void> write_now_and_then();
  Task<Result<void>> write();

  runtime::Scheduler& loop_;
  RandomSource& random_;
  sessions::v1::Sessions& sessions_;
  std::mutex mutex_;
  std::map<Key, sessions::v1::Refusal> noted_;
  runtime::Gate stopping_;
  runtime::Gate ended_;
  runtime::Rounds rounds_;
};

}  // namespace consilium::gateway

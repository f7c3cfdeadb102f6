// What travels with every call: who asks, since when, until when, and on which loop it runs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "runtime/cancellation.h"
#include "runtime/scheduler.h"

namespace consilium::runtime {

// Where the work came in.
enum class ClientType : std::uint8_t { kNone, kRest, kWebSocket, kGrpc, kEvent, kJob, kTimer, kCommandLine, kTest };

std::string_view name_of(ClientType type);

// On whose behalf. `service` callers are parts of the platform acting by themselves (job workers, consumers).
struct Caller {
  enum class Kind : std::uint8_t { kAnonymous, kUser, kService };
  Kind kind = Kind::kAnonymous;
  Uuid user_id;
  Uuid session_id;
  std::string user_name;           // login name; for logs of the audit only
  std::string service;             // when kind is kService
  std::vector<std::string> roles;  // `client`, `consultant`, `expert`, `supervisor`, `administrator`

  // What the roles allow, resolved when the caller was authenticated: `tasks.read` … Services ask for these, not for roles.
  std::vector<std::string> permissions;

  bool is_user() const { return kind == Kind::kUser; }
  bool is_service() const { return kind == Kind::kService; }
  // `user:<id>` or `service:<name>`, as tables name them; empty for nobody in particular.
  std::string name() const;
  bool has_role(std::string_view role) const;
  // Service callers may do everything.
  bool may(std::string_view permission) const;
};

// Owned by the frame that took the work in (HTTP request, RPC, event, job, timer) and passed down by reference; that
// frame outlives all calls made with it. Used on one loop at a time.
class Context {
 public:
  Context(Scheduler& scheduler, RandomSource& random) : scheduler_(&scheduler), random_(&random) {}

  Scheduler& scheduler() const { return *scheduler_; }
  RandomSource& random() const { return *random_; }
  Timestamp now() const { return scheduler_->now(); }
  Uuid new_id() const { return make_uuid_v7(scheduler_->now(), *random_); }

  std::string request_id;
  std::string traceparent;  // W3C; empty when the work has none
  std::string language = "en";
  std::string remote_address;
  ClientType client = ClientType::kNone;
  Caller caller;
  // Steady time; no deadline when absent. Work that finds it passed answers kDeadlineExceeded.
  std::optional<Timestamp> deadline;
  // The caller may give up; nullptr when it cannot. Work that finds it requested answers kCancelled.
  std::shared_ptr<Cancellation> cancellation;
  // From the header of a creating call: same key and same body give the stored answer.
  std::string idempotency_key;
  // From If-Match: the version that the caller saw.
  std::optional<std::int64_t> expected_version;

  bool expired() const { return deadline && scheduler_->steady_now() >= *deadline; }
  bool cancelled() const { return cancellation && cancellation->requested(); }
  // Fails when nobody waits for the answer any more.
  Result<void> check_deadline() const {
    if (cancelled()) return fail(ErrorKind::kCancelled, "request.cancelled", "The caller has given up");
    if (expired())
      return fail(ErrorKind::kDeadlineExceeded, "request.deadline-exceeded", "Expected an answer in time, but the deadline passed");
    return {};
  }

  // A context for work that this one causes in the background: same request id and trace, other caller, no deadline.
  Context for_service(std::string service, ClientType type) const;
  // A context for what this one waits for, and a service asks in its own name: the same deadline, address and caller that may give up.
  Context as_service(std::string service) const;

 private:
  Scheduler* scheduler_;
  RandomSource* random_;
};

}  // namespace consilium::runtime

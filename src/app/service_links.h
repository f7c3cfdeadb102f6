// The ways between processes that run different services of one platform: channels to the others, the server for theirs,
// and who may call what.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/grpc/grpc_server.h"
#include "net/rpc.h"
#include "runtime/config.h"

namespace consilium::app {

// What a process calls itself, and the common name that its certificate must carry: the names of all that it runs, joined by
// `-` in the order of runtime/config_services.h (`users-sessions`).
std::string process_name(const runtime::Config::Services& services);

// Whether a process of this name runs something that needs the service of this method (`/consilium.chat.v1.Chat/Typing`).
// Events are for all that run something, dead letters for the gateway.
bool may_call(std::string_view process, std::string_view method);

// One a service with an address. Nothing is connected yet. Error `net.unusable-tls-files`.
Result<std::map<std::string, std::shared_ptr<net::RpcChannel>, std::less<>>> channels_to(const runtime::Config::Services& services);

// `services.listen` must be given. Loops, random and what the methods refer to outlive the server.
Result<std::unique_ptr<net::GrpcServer>> offer_services(const runtime::Config::Services& services, std::vector<net::RpcMethod> methods,
                                                        std::vector<runtime::Scheduler*> loops, RandomSource& random);

}  // namespace consilium::app

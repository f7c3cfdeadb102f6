#include "app/service_links.h"

#include "net/grpc/grpc_channel.h"
#include "runtime/config_services.h"

namespace consilium::app {
namespace {

constexpr std::string_view kPackages = "/consilium.";
constexpr std::string_view kEvents = "events";
constexpr std::string_view kDeadLetters = "/consilium.events.v1.DeadLetters/";

// `/consilium.chat.v1.Chat/Typing` → `chat`; empty for a foreign method.
std::string_view service_of(std::string_view method) {
  if (!method.starts_with(kPackages)) return {};
  method.remove_prefix(kPackages.size());
  return method.substr(0, method.find('.'));
}

net::GrpcChannelSettings channel_settings(const runtime::Config::Services& services, const runtime::Address& address) {
  net::GrpcChannelSettings settings;
  settings.target = "dns:///" + address.text();
  settings.service = process_name(services);
  if (services.tls.enabled())
    settings.tls = net::TlsClientFiles{services.authority.text, services.tls.certificate.text, services.tls.key.text};
  return settings;
}

}  // namespace

std::string process_name(const runtime::Config::Services& services) {
  std::string name;
  for (const runtime::PlatformPart& part : runtime::kPlatformParts) {
    if (services.runs(part.name)) name += (name.empty() ? "" : "-") + std::string(part.name);
  }
  return name;
}

bool may_call(std::string_view process, std::string_view method) {
  const std::string_view service = service_of(method);
  while (!process.empty()) {
    const std::size_t end = process.find('-');
    const std::string_view part = process.substr(0, end);
    if (runtime::part_needs(part, service)) return true;
    const bool of_edge = method.starts_with(kDeadLetters);
    if (service == kEvents && !of_edge && runtime::find_part(part) != nullptr) return true;
    if (of_edge && part == runtime::kGatewayPart) return true;
    process = end == std::string_view::npos ? std::string_view() : process.substr(end + 1);
  }
  return false;
}

Result<std::map<std::string, std::shared_ptr<net::RpcChannel>, std::less<>>> channels_to(const runtime::Config::Services& services) {
  std::map<std::string, std::shared_ptr<net::RpcChannel>, std::less<>> channels;
  std::map<std::string, std::shared_ptr<net::RpcChannel>> by_address;  // services of one process share it
  for (const auto& [service, address] : services.addresses) {
    std::shared_ptr<net::RpcChannel>& channel = by_address[address.text()];
    if (!channel) {
      ASSIGN_OR_RETURN(channel, net::make_grpc_channel(channel_settings(services, address)));
    }
    channels.emplace(service, channel);
  }
  return channels;
}

Result<std::unique_ptr<net::GrpcServer>> offer_services(const runtime::Config::Services& services, std::vector<net::RpcMethod> methods,
                                                        std::vector<runtime::Scheduler*> loops, RandomSource& random) {
  net::GrpcServerSettings settings;
  settings.listen = services.listen->text();
  if (services.tls.enabled())
    settings.tls = net::TlsServerFiles{services.tls.certificate.text, services.tls.key.text, services.authority.text};
  settings.may_call = [](const net::RpcPeer& peer, std::string_view method) { return may_call(peer.service, method); };
  return net::GrpcServer::start(std::move(settings), std::move(methods), std::move(loops), random);
}

}  // namespace consilium::app

#include "public_api.h"

#include <algorithm>

namespace consilium::generator {
namespace {

void reach(const Message& message, std::set<const Message*>& seen) {
  if (!seen.insert(&message).second) return;
  for (const Field& field : message.fields) {
    if (field.message != nullptr) reach(*field.message, seen);
  }
}

PublicPackage& package_of(PublicApi& api, const std::string& name) {
  for (PublicPackage& package : api.packages) {
    if (package.name == name) return package;
  }
  api.packages.push_back({name, {}, {}});
  return api.packages.back();
}

void collect_socket_messages(const Contract& contract, PublicApi& api) {
  for (const auto& file : contract.files) {
    for (const auto& message : file->messages) {
      for (const options::SocketRules& rules : message->sockets) {
        const bool by_server = rules.from() == options::SERVER;
        (by_server ? api.server_messages : api.client_messages).push_back({message.get(), &rules});
        reach(*message, by_server ? api.received : api.sent);
      }
    }
  }
}

void collect_types(const Contract& contract, PublicApi& api) {
  std::set<const Enum*> enums;
  for (const auto& file : contract.files) {
    for (const auto& message : file->messages) {
      if (!api.sent.contains(message.get()) && !api.received.contains(message.get())) continue;
      package_of(api, file->short_name).messages.push_back(message.get());
      for (const Field& field : message->fields) enums.insert(field.enumeration);
    }
  }
  for (const auto& file : contract.files) {
    for (const auto& enumeration : file->enums) {
      if (enums.contains(enumeration.get())) package_of(api, file->short_name).enums.push_back(enumeration.get());
    }
  }
}

}  // namespace

bool PublicApi::is_mandatory(const Message& message, const Field& field) const {
  if (field.nullable || path_members.contains(&field)) return true;
  if (field.shape == Shape::kOptional && !field.required()) return false;
  if (received.contains(&message)) return field.shape != Shape::kOptional || field.required();
  return field.required() || (field.type == Type::kMessage && field.shape == Shape::kPlain);
}

PublicApi public_api(const Contract& contract) {
  PublicApi api;
  for (const auto& file : contract.files) {
    if (file->service() == nullptr) continue;
    PublicService service;
    service.service = file->service();
    for (const Call& call : file->service()->calls) {
      if (!call.route) continue;
      service.calls.push_back(&call);
      reach(*call.request, api.sent);
      for (const PathMember& member : call.route->members) api.path_members.insert(member.field);
      if (call.route->success != 204) reach(*call.reply, api.received);
    }
    if (!service.calls.empty()) api.services.push_back(std::move(service));
  }
  collect_socket_messages(contract, api);
  collect_types(contract, api);
  std::sort(api.services.begin(), api.services.end(),
            [](const PublicService& x, const PublicService& y) { return x.service->short_name < y.service->short_name; });
  std::sort(api.packages.begin(), api.packages.end(), [](const PublicPackage& x, const PublicPackage& y) { return x.name < y.name; });
  return api;
}

std::string public_name(const Message& message) { return message.file->short_name + "." + message.name; }
std::string public_name(const Enum& enumeration) { return enumeration.file->short_name + "." + enumeration.name; }

bool is_payload_member(const Call& call, const Field& field) {
  return !call.route->is_path_member(field) && field.type != Type::kVersion && !field.rules.cleared() && !field.rules.edge();
}

}  // namespace consilium::generator

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

// A file without a service belongs to the service of its package.
const File* home_of(const Contract& contract, const File& file) {
  for (const auto& other : contract.files) {
    if (other->service() != nullptr && other->space == file.space) return other.get();
  }
  return &file;
}

}  // namespace

bool PublicApi::is_mandatory(const Message& message, const Field& field) const {
  if (field.nullable) return true;
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
      if (call.route->success != 204) reach(*call.reply, api.received);
    }
    if (!service.calls.empty()) api.services.push_back(std::move(service));
  }
  std::sort(api.services.begin(), api.services.end(),
            [](const PublicService& a, const PublicService& b) { return a.service->short_name < b.service->short_name; });
  std::set<const Enum*> enums;
  for (PublicService& service : api.services) {
    for (const auto& file : contract.files) {
      if (home_of(contract, *file) != service.service->file) continue;
      for (const auto& message : file->messages) {
        if (!api.sent.contains(message.get()) && !api.received.contains(message.get())) continue;
        service.messages.push_back(message.get());
        for (const Field& field : message->fields) enums.insert(field.enumeration);
      }
    }
  }
  for (PublicService& service : api.services) {
    for (const auto& file : contract.files) {
      if (home_of(contract, *file) != service.service->file) continue;
      for (const auto& enumeration : file->enums) {
        if (enums.contains(enumeration.get())) service.enums.push_back(enumeration.get());
      }
    }
  }
  return api;
}

std::string public_name(const Message& message) { return message.file->short_name + "." + message.name; }
std::string public_name(const Enum& enumeration) { return enumeration.file->short_name + "." + enumeration.name; }

bool is_payload_member(const Call& call, const Field& field) {
  return !call.route->is_path_member(field) && field.type != Type::kVersion && !field.rules.cleared() && !field.rules.edge();
}

}  // namespace consilium::generator

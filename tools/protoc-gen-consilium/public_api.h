// The part of the contract that people outside see: the calls with a route and the types that they carry.
#pragma once

#include <set>
#include <vector>

#include "model.h"

namespace consilium::generator {

struct PublicService {
  const Service* service = nullptr;
  std::vector<const Call*> calls;  // those with a route
};

// The public types of one package, in the order of the contract; requests of calls included.
struct PublicPackage {
  std::string name;  // `users`
  std::vector<const Enum*> enums;
  std::vector<const Message*> messages;
};

// One message of the WebSocket.
struct SocketMessage {
  const Message* data;
  const options::SocketRules* rules;
};

struct PublicApi {
  std::vector<PublicService> services;  // by name
  std::vector<PublicPackage> packages;  // by name
  std::vector<SocketMessage> server_messages;
  std::vector<SocketMessage> client_messages;
  std::set<const Message*> sent;      // reached from a request
  std::set<const Message*> received;  // reached from a reply

  std::set<const Field*> path_members;  // of some route

  // Whether a caller always sees the member (received), or must always give it (sent alone).
  bool is_mandatory(const Message& message, const Field& field) const;
};

PublicApi public_api(const Contract& contract);

// `users.User`: unique over all services.
std::string public_name(const Message& message);
std::string public_name(const Enum& enumeration);

// Whether the member stands in body or query of the call, not in its path or a header.
bool is_payload_member(const Call& call, const Field& field);

}  // namespace consilium::generator

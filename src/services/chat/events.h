// What the chat does when other services tell of something.
#pragma once

#include <vector>

#include "consilium/users/v1/users_service.h"
#include "ports/bus/bus.h"
#include "services/chat/service.h"

namespace consilium::chat {

// The name by which the chat shows somebody.
std::string display_name_of(const users::v1::User& user);

// Both services outlive the consumers. A deleted person loses their memberships; a changed profile its old name.
std::vector<bus::Consumer> consumers(ChatService& chat, users::v1::Users& users);

}  // namespace consilium::chat

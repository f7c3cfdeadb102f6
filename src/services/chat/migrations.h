// The tables of the chat: `chat_…`.
#pragma once

#include <vector>

#include "ports/database/database.h"

namespace consilium::chat {

std::vector<database::Migration> migrations();

}  // namespace consilium::chat

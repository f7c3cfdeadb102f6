// `consilium doctor`: what of the machine or the folder would trouble a server, each with its remedy.
#pragma once

#include "app/operator_commands.h"

namespace consilium::app {

// Exit 1 when something is wrong. Changes nothing but a file of 4 KB that it writes and removes again.
int doctor(const Operator& me);

}  // namespace consilium::app

// The event queue below a real loop, for code that opens sockets. Only .cpp files of `net` and of port
// implementations include it.
#pragma once

#include <boost/asio/io_context.hpp>

#include "runtime/scheduler.h"

namespace consilium::runtime {

// Throws std::logic_error when the loop is a simulated one.
boost::asio::io_context& io_context_of(Scheduler& loop);

}  // namespace consilium::runtime

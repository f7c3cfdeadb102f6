// What happens with exceptions that reach a boundary (they are bugs) and with fatal signals.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/log.h"
#include "runtime/metrics.h"

namespace consilium::runtime {

// Frames kept of a stack.
inline constexpr std::size_t kMaxStackFrames = 48;

// Takes over the panic handler: each panic becomes a log line with its stack and counts in
// `consilium_panics_total{boundary}`. `registry` and the log outlive it; `forget_panics` undoes it.
void report_panics_to(Logger logger, MetricsRegistry& registry);
void forget_panics();

// Inside a catch block: where the exception being handled was thrown, else where this is called. One frame a line:
// `module+0xoffset symbol` (feed the offsets to addr2line).
std::string stack_of_panic();

// On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT: writes the stack to standard error, then dies of the signal, so that
// the service manager restarts the process. Call once, from main.
void write_stack_on_crash();

}  // namespace consilium::runtime

#include "runtime/panic.h"

#include <dlfcn.h>
#include <unistd.h>
#include <unwind.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <exception>
#include <typeinfo>

#include "runtime/scheduler.h"

namespace consilium::runtime {
namespace {

struct Stack {
  std::array<std::uintptr_t, kMaxStackFrames> frames{};
  std::size_t size = 0;
};

// The unwinder is linked in; `backtrace` of the C library would load one at run time.
_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* target) {
  auto& stack = *static_cast<Stack*>(target);
  const std::uintptr_t address = _Unwind_GetIP(context);
  if (address == 0 || stack.size == stack.frames.size()) return _URC_END_OF_STACK;
  stack.frames[stack.size++] = address;
  return _URC_NO_REASON;
}

void take_stack(Stack& stack) {
  stack.size = 0;
  _Unwind_Backtrace(add_frame, &stack);
}

// The last throw of each thread, and the exception that it threw.
struct LastThrow {
  const void* exception = nullptr;
  Stack stack;
};
thread_local LastThrow last_throw;

const void* current_exception_object() {
  const std::exception_ptr current = std::current_exception();
  const void* object = nullptr;
  static_assert(sizeof current == sizeof object);
  // libstdc++ keeps just the pointer. NOLINTNEXTLINE(bugprone-undefined-memory-manipulation)
  std::memcpy(static_cast<void*>(&object), static_cast<const void*>(&current), sizeof object);
  return object;
}

std::string hex(std::uintptr_t value) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789abcdef"[value & 0xf]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

std::string describe(const Stack& stack) {
  std::string text;
  for (std::size_t i = 0; i < stack.size; ++i) {
    Dl_info info{};
    if (!text.empty()) text += '\n';
    if (::dladdr(reinterpret_cast<void*>(stack.frames[i]), &info) == 0 ||  // NOLINT(performance-no-int-to-ptr): an address of code
        info.dli_fname == nullptr) {
      text += hex(stack.frames[i]);
      continue;
    }
    const std::string_view path = info.dli_fname;
    text += path.substr(path.rfind('/') + 1);
    text += '+';
    text += hex(stack.frames[i] - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
    if (info.dli_sname != nullptr) {
      text += ' ';
      text += info.dli_sname;
    }
  }
  return text;
}

// Only what is safe inside a signal handler.
void write_text(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

void write_hex(std::uintptr_t value) {
  char digits[2 + sizeof value * 2];
  std::size_t at = sizeof digits;
  do {
    digits[--at] = "0123456789abcdef"[value & 0xf];
    value >>= 4;
  } while (value != 0);
  digits[--at] = 'x';
  digits[--at] = '0';
  write_text({digits + at, sizeof digits - at});
}

// Where the program lies in memory: the offsets of frames count from it.
std::uintptr_t program_base = 0;

void on_crash(int signal) {
  const char digits[] = {static_cast<char>('0' + signal / 10), static_cast<char>('0' + signal % 10)};
  write_text("consilium: fatal signal ");
  write_text({digits, sizeof digits});
  write_text(", offsets of the stack:");
  Stack stack;
  take_stack(stack);
  for (std::size_t i = 0; i < stack.size; ++i) {
    write_text(" ");
    write_hex(stack.frames[i] - program_base);
  }
  write_text("\n");
  ::raise(signal);  // the handler is gone: the default action ends the process
}

}  // namespace

void report_panics_to(Logger logger, MetricsRegistry& registry) {
  auto& panics = registry.counter("consilium_panics_total", "Exceptions caught at a boundary: each one is a bug", {"boundary"});
  set_panic_handler([logger, &panics](std::string_view boundary, std::string_view what) {
    panics.with({boundary}).add();
    logger.error("Panic", {{"boundary", boundary}, {"what", what}, {"stack", stack_of_panic()}});
  });
}

void forget_panics() { set_panic_handler({}); }

std::string stack_of_panic() {
  if (const void* object = current_exception_object(); object != nullptr && object == last_throw.exception)
    return describe(last_throw.stack);
  Stack here;
  take_stack(here);
  return describe(here);
}

void write_stack_on_crash() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(&write_stack_on_crash), &info) != 0) program_base = reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  // A stack that overflowed cannot carry the handler.
  static std::array<std::byte, 64 * 1024> reserve;
  stack_t alternative{};
  alternative.ss_sp = reserve.data();
  alternative.ss_size = reserve.size();
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigaction(signal, &action, nullptr);
}

// The linker sends every `throw` of the program here first (`--wrap`, see CMakeLists.txt).
// NOLINTBEGIN(readability-identifier-naming): the names that the linker asks for
extern "C" [[noreturn]] void __real___cxa_throw(void* exception, std::type_info* type, void (*destroy)(void*));
extern "C" [[noreturn]] void __wrap___cxa_throw(void* exception, std::type_info* type, void (*destroy)(void*));
extern "C" void __wrap___cxa_throw(void* exception, std::type_info* type, void (*destroy)(void*)) {
  last_throw.exception = exception;
  take_stack(last_throw.stack);
  __real___cxa_throw(exception, type, destroy);
}
// NOLINTEND(readability-identifier-naming)

}  // namespace consilium::runtime

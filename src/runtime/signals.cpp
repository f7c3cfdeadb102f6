#include "runtime/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <stdexcept>

#include "runtime/scheduler.h"

namespace consilium::runtime {
namespace {

sigset_t set_of(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

SignalWatcher::SignalWatcher(std::vector<int> signals, std::function<void(int)> handler)
    : signals_(std::move(signals)), handler_(std::move(handler)), wake_descriptor_(::eventfd(0, EFD_CLOEXEC)) {
  const sigset_t set = set_of(signals_);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal_descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signal_descriptor_ < 0 || wake_descriptor_ < 0) throw std::runtime_error("no descriptors for signals");
  thread_.emplace("signals", [this] { watch(); });
}

SignalWatcher::~SignalWatcher() {
  const std::uint64_t one = 1;
  if (::write(wake_descriptor_, &one, sizeof one) != sizeof one) std::terminate();
  thread_->join();
  ::close(signal_descriptor_);
  ::close(wake_descriptor_);
  const sigset_t set = set_of(signals_);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void SignalWatcher::watch() {
  for (;;) {
    pollfd sources[] = {{signal_descriptor_, POLLIN, 0}, {wake_descriptor_, POLLIN, 0}};
    if (::poll(sources, 2, -1) < 0) continue;
    if (sources[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signal_descriptor_, &info, sizeof info) != sizeof info) continue;
    try {
      handler_(static_cast<int>(info.ssi_signo));
    } catch (...) {
      report_current_exception("signal");
    }
  }
}

}  // namespace consilium::runtime

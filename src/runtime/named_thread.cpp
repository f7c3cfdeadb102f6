#include "runtime/named_thread.h"

#include <pthread.h>

#include <csignal>
#include <utility>

#include "runtime/scheduler.h"

namespace consilium::runtime {
namespace {

// A new thread takes over the mask of its maker: block everything but the faults of the thread itself meanwhile.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

NamedThread::NamedThread(std::string name, std::move_only_function<void()> body) {
  const SignalsBlocked blocked;
  thread_ = std::thread([name = std::move(name), body = std::move(body)]() mutable {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    try {
      body();
    } catch (...) {
      report_current_exception(name);
    }
  });
}

NamedThread::~NamedThread() { join(); }

void NamedThread::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace consilium::runtime

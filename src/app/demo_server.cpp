#include "app/demo_server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "runtime/durable_file.h"

namespace consilium::app {
namespace {

constexpr int kPatienceSteps = 100;  // of 100 ms
constexpr auto kPatienceStep = std::chrono::milliseconds(100);
constexpr std::size_t kMaxAddresses = 4096;
constexpr std::size_t kMaxComplaint = 64 * 1024;

// The server is to run on its defaults, whatever the surroundings say of another one.
std::vector<std::string> environment_with(const Secret& password) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    if (std::strncmp(*entry, "CONSILIUM_", 10) != 0) out.emplace_back(*entry);
  }
  out.push_back("CONSILIUM_DEMO_PASSWORD=" + password.reveal());
  out.emplace_back("CONSILIUM_INTERNAL_LISTEN=127.0.0.1:0");
  return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Failure system_failure(std::string_view what) {
  return fail(ErrorKind::kInternal, "demo.server", std::string(what) + ": " + std::generic_category().message(errno));
}

}  // namespace

Result<void> DemoServer::start(const Secret& password) {
  std::string pattern = std::filesystem::temp_directory_path().string() + "/consilium-demo-XXXXXX";
  if (!mkdtemp(pattern.data())) return system_failure("No temporary folder could be made");
  folder_ = pattern;
  const std::string output = folder_ + "/server.log";
  const std::string complaints = folder_ + "/server.err";
  std::vector<std::string> words{"consilium", "serve", "--demo", "--data", folder_ + "/data", "--listen", "127.0.0.1:0"};
  std::vector<std::string> environment = environment_with(password);
  const std::vector<char*> arguments = pointers_to(words);
  const std::vector<char*> variables = pointers_to(environment);

  const pid_t parent = getpid();
  process_ = fork();
  if (process_ < 0) return system_failure("No process could be started");
  if (process_ > 0) return {};
  // Only calls that are safe after fork. The folder has no consilium.yaml; a parent that is killed takes the server along.
  const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int err = open(complaints.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || err < 0 || in < 0 || chdir(folder_.c_str()) != 0) _exit(127);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  setpgid(0, 0);  // Ctrl+C is for the demonstration, which then ends the server
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  execve("/proc/self/exe", arguments.data(), variables.data());
  _exit(127);
}

Failure DemoServer::ended() const {
  const auto complaint = runtime::read_file(folder_ + "/server.err", kMaxComplaint);
  return fail(ErrorKind::kInternal, "demo.server", "The server has ended" + (complaint && !complaint->empty() ? ": " + *complaint : "."));
}

Result<bool> DemoServer::is_ready(DemoNetwork& network) {
  if (waitpid(process_, nullptr, WNOHANG) == process_) {
    process_ = -1;
    return ended();
  }
  const auto text = runtime::read_file(folder_ + "/data/run/addresses.json", kMaxAddresses);
  if (!text) return false;
  boost::system::error_code failure;
  const boost::json::value addresses = boost::json::parse(*text, failure);
  if (failure) return false;
  const auto health = network.send({"GET", "http://" + text_at(addresses, "internal") + "/health/ready", {}, {}});
  if (!health || health->status != 200) return false;
  url_ = "http://" + text_at(addresses, "http");
  return true;
}

DemoServer::~DemoServer() {
  if (process_ > 0) {
    kill(process_, SIGTERM);
    bool gone = false;
    for (int i = 0; i < kPatienceSteps && !gone; ++i) {
      gone = waitpid(process_, nullptr, WNOHANG) == process_;
      if (!gone) std::this_thread::sleep_for(kPatienceStep);
    }
    if (!gone) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace consilium::app

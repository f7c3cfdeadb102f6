#include <sys/resource.h>
#include <unistd.h>
#include <ctime>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/metrics.h"

namespace consilium::runtime {
namespace {

// Pages of virtual and resident memory.
std::pair<double, double> memory_pages() {
  std::ifstream in("/proc/self/statm");
  double all = 0;
  double resident = 0;
  in >> all >> resident;
  return {all, resident};
}

double page_size() { return static_cast<double>(::sysconf(_SC_PAGESIZE)); }

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double open_files() {
  std::error_code error;
  double count = -1;  // the listing itself has one open
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end; entry.increment(error)) ++count;
  return count;
}

double file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

// Seconds since 1970, from the kernel's ticks since boot.
double start_time() {
  std::ifstream in("/proc/self/stat");
  std::stringstream text;
  text << in.rdbuf();
  const std::string line = text.str();
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string skipped;
  for (int i = 0; i < 19; ++i) fields >> skipped;  // fields 3 to 21
  double ticks = 0;
  fields >> ticks;
  timespec wall{};
  timespec boot{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  const double booted = static_cast<double>(wall.tv_sec - boot.tv_sec) + static_cast<double>(wall.tv_nsec - boot.tv_nsec) / 1e9;
  return booted + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void add_process_metrics(MetricsRegistry& registry, std::string version, std::string revision) {
  using Kind = MetricsRegistry::FunctionKind;
  registry.function(Kind::kCounter, "process_cpu_seconds_total", "CPU time used, user and system", cpu_seconds);
  registry.function(Kind::kGauge, "process_resident_memory_bytes", "Memory in RAM", [] { return memory_pages().second * page_size(); });
  registry.function(Kind::kGauge, "process_virtual_memory_bytes", "Address space", [] { return memory_pages().first * page_size(); });
  registry.function(Kind::kGauge, "process_open_fds", "Open files and sockets", open_files);
  registry.function(Kind::kGauge, "process_max_fds", "Most files and sockets that may be open", file_limit);
  registry.function(Kind::kGauge, "process_start_time_seconds", "When the process was started", [start = start_time()] { return start; });
  registry.gauge("consilium_build_info", "What runs; always 1", {"version", "revision"}).with({version, revision}).set(1);
}

}  // namespace consilium::runtime

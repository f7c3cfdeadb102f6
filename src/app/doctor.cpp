#include "app/doctor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>

#include "app/admin_client.h"
#include "base/random.h"
#include "net/http_server.h"
#include "runtime/asio_scheduler.h"
#include "runtime/config_services.h"

namespace consilium::app {
namespace {

namespace files = std::filesystem;
namespace json = boost::json;

constexpr int kSyncs = 16;
constexpr std::size_t kSyncBytes = 4096;
constexpr Duration kSlowSync = milliseconds(100);
constexpr Timestamp kEarliest{1'735'689'600'000'000};  // 2025-01-01: no clock was right before this program was written
constexpr Duration kClockSlack = minutes(5);

constexpr const char* kDeadLetterRemedy = "consilium show dead-letters tells the error of each; remove the cause, then consilium replay ID";

struct Check {
  std::string name;
  std::string found;
  std::string remedy;  // empty: nothing is wrong
};

// The nearest folder that exists: the data folder may be still to be made.
std::string existing_folder(const std::string& path) {
  std::error_code code;
  files::path folder = files::absolute(path, code);
  while (!files::is_directory(folder, code) && folder.has_parent_path() && folder != folder.parent_path()) folder = folder.parent_path();
  return folder;
}

// Whether a server holds the lock of the folder.
bool server_runs(const std::string& data) {
  const int lock = ::open((data + "/lock").c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return false;
  const bool taken = ::flock(lock, LOCK_EX | LOCK_NB) != 0;
  ::close(lock);
  return taken;
}

// What the running server says of itself.
std::vector<Check> check_server(const std::string& data) {
  const std::string remedy = "Look at its log and at /metrics of its internal address";
  const auto told = call_server(data + "/admin.sock", {.method = "GET", .target = "/health", .body = {}});
  if (!told) return {{"server", "It runs on this folder, but does not answer: " + told.error().code, remedy}};
  std::vector<Check> checks{{"server", "It runs on this folder, so its ports are not tried", ""}};
  for (const json::value& one : told->at("checks").as_array()) {
    const auto status = json::value_to<std::string>(one.at("status"));
    const json::value* reason = one.as_object().if_contains("reason");
    const std::string why = reason ? json::value_to<std::string>(*reason) : std::string();
    const bool is_dead = why.find("dead letters") != std::string::npos;
    checks.push_back({"server." + json::value_to<std::string>(one.at("name")), reason ? status + ": " + why : status,
                      status == "ready" ? ""
                      : is_dead         ? kDeadLetterRemedy
                                        : remedy});
  }
  return checks;
}

class Nobody final : public net::HttpApplication {
 public:
  Task<net::HttpResponse> handle(runtime::Scheduler&, net::HttpRequest) override { co_return net::HttpResponse{.status = 503}; }
  Task<net::UpgradeAnswer> upgrade(runtime::Scheduler&, net::HttpRequest) override {
    net::UpgradeAnswer refused = std::unexpected(net::HttpResponse{.status = 503});
    co_return refused;
  }
};

// As the server would do it, for a moment; nothing is answered, since the loop is never started.
Check check_port(const std::string& name, const runtime::Address& address) {
  Nobody nobody;
  SystemRandom random;
  runtime::AsioScheduler loop("doctor");
  net::HttpServerSettings settings;
  settings.listen = {address.host, address.port, {}};
  const auto server = net::HttpServer::start(std::move(settings), nobody, {&loop}, random);
  if (server) return {name, address.text() + " is free", ""};
  return {name, server.error().detail, "Stop who uses it, or set " + name + " to another address"};
}

Check check_clock(runtime::Scheduler& loop, const std::string& data) {
  const Timestamp now = loop.now();
  const std::string remedy = "Set the clock and keep it with NTP (timedatectl set-ntp true)";
  if (now < kEarliest) return {"clock", "It is " + format_rfc3339(now), remedy};
  struct stat info{};
  if (::stat((data + "/consilium.db").c_str(), &info) == 0) {
    const Timestamp written{static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000};
    if (now + kClockSlack < written)
      return {"clock", "It is " + format_rfc3339(now) + ", but the data was written at " + format_rfc3339(written), remedy};
  }
  return {"clock", "It is " + format_rfc3339(now), ""};
}

Check check_disk(const std::string& folder, std::int64_t reserve) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0)
    return {"disk", "The free space of " + folder + " is unknown", "Check that the file system is mounted"};
  const std::uint64_t left = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  const std::string found = std::to_string(left >> 20) + " MiB are free at " + folder;
  if (left >= 2 * static_cast<std::uint64_t>(reserve)) return {"disk", found, ""};
  return {"disk", found, "Make room: writes are refused below " + std::to_string(reserve >> 20) + " MiB (database.reserve)"};
}

Check check_sync(runtime::Scheduler& loop, const std::string& folder) {
  const std::string path = folder + "/.consilium-doctor";
  const std::string remedy = "Put the data folder on a local disk with a write cache that survives a power cut";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return {"fsync", "A file in " + folder + " could not be made", "Give the folder to the user that runs the server"};
  const std::array<char, kSyncBytes> bytes{};
  std::array<Duration, kSyncs> took{};
  bool done = true;
  for (Duration& one : took) {
    const Timestamp began = loop.steady_now();
    done = done && ::pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) && ::fsync(descriptor) == 0;
    one = loop.steady_now() - began;
  }
  ::close(descriptor);
  ::unlink(path.c_str());
  if (!done) return {"fsync", "Writing to " + folder + " failed", "Look at the disk: smartctl, dmesg"};
  std::nth_element(took.begin(), took.begin() + kSyncs / 2, took.end());
  const Duration middle = took[kSyncs / 2];
  return {"fsync", "A sync takes " + std::to_string(middle.microseconds) + " microseconds (median of " + std::to_string(kSyncs) + ")",
          middle > kSlowSync ? remedy : ""};
}

Check check_keys(const std::string& data) {
  const std::string keys = data + "/keys";
  std::error_code code;
  if (!files::exists(keys, code)) return {"keys", "There are none yet; the first start makes them", ""};
  std::vector<std::string> open;
  const auto look = [&](const std::string& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 0077) != 0 || info.st_uid != ::geteuid()) open.push_back(path);
  };
  look(keys);
  for (const auto& entry : files::directory_iterator(keys, code)) look(entry.path());
  if (open.empty() && !code) return {"keys", "Only their owner can read them", ""};
  return {"keys", (open.empty() ? keys : open.front()) + " belongs to somebody else or can be read by others",
          "chmod -R go= " + keys + "; chown -R to the user that runs the server"};
}

void print(const std::vector<Check>& checks, OutputForm form) {
  json::array all;
  for (const Check& check : checks) {
    const char* state = check.remedy.empty() ? "ok" : "wrong";
    if (form == OutputForm::kJson) {
      all.push_back(json::object{{"check", check.name}, {"state", state}, {"found", check.found}, {"remedy", check.remedy}});
      continue;
    }
    std::printf("%-5s  %-16s %s\n", state, check.name.c_str(), check.found.c_str());
    if (!check.remedy.empty()) std::printf("       %-16s %s\n", "", check.remedy.c_str());
  }
  if (form == OutputForm::kJson) std::printf("%s\n", json::serialize(all).c_str());
}

}  // namespace

int doctor(const Operator& me) {
  const runtime::Config& config = me.config;
  const std::string folder = existing_folder(config.data.text);
  runtime::AsioScheduler clocks("doctor");
  std::vector<Check> checks;
  if (server_runs(config.data.text)) {
    checks = check_server(config.data.text);
  } else {
    if (config.services.runs(runtime::kGatewayPart)) checks.push_back(check_port("http.listen", config.http.listen));
    if (config.services.listen) checks.push_back(check_port("services.listen", *config.services.listen));
    checks.push_back(check_port("internal.listen", config.internal.listen));
  }
  checks.push_back(check_clock(clocks, config.data.text));
  checks.push_back(check_disk(folder, config.database.reserve.bytes));
  checks.push_back(check_sync(clocks, folder));
  checks.push_back(check_keys(config.data.text));
  print(checks, me.form);
  const bool sound = std::ranges::all_of(checks, [](const Check& check) { return check.remedy.empty(); });
  return sound ? kExitDone : kExitFailed;
}

}  // namespace consilium::app

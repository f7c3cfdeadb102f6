// The command line. Data on standard output, talk on standard error.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "app/demo.h"
#include "app/serve.h"
#include "app/version.h"
#include "runtime/config.h"
#include "runtime/panic.h"

namespace {

using namespace consilium;

struct Flags {
  std::string config_file;
  std::string data;
  std::string listen;
  bool demo = false;

  std::vector<std::pair<std::string, std::string>> settings() const {
    std::vector<std::pair<std::string, std::string>> out;
    if (!data.empty()) out.emplace_back("data", data);
    if (!listen.empty()) out.emplace_back("http.listen", listen);
    if (demo) out.emplace_back("demo.enabled", "true");
    return out;
  }
};

Result<runtime::LoadedConfig> load(const Flags& flags) {
  std::optional<std::string> file;
  if (!flags.config_file.empty()) file = flags.config_file;
  ASSIGN_OR_RETURN(const runtime::ConfigSources sources, runtime::gather_config_sources(file, flags.settings()));
  return runtime::load_config(sources);
}

int refuse_config(const Error& error) {
  std::fprintf(stderr, "consilium: the configuration is not usable\n%s", runtime::describe_config_problems(error).c_str());
  return app::kExitConfiguration;
}

int run_serve(const Flags& flags) {
  const auto loaded = load(flags);
  return loaded ? app::serve(*loaded) : refuse_config(loaded.error());
}

int check_config(const Flags& flags) {
  const auto loaded = load(flags);
  if (!loaded) return refuse_config(loaded.error());
  std::fprintf(stderr, "The configuration is valid.\n");
  return app::kExitDone;
}

int print_config(const Flags& flags) {
  const auto loaded = load(flags);
  if (!loaded) return refuse_config(loaded.error());
  std::fputs(runtime::print_config(*loaded).c_str(), stdout);
  return app::kExitDone;
}

struct DemoFlags {
  std::string url;
  std::string password;
  std::string text;
  std::string status = "online";
  int timeout = 30;  // seconds
  bool json = false;
};

int run_demo(const DemoFlags& flags) {
  app::DemoOptions options;
  options.url = flags.url;
  while (options.url.ends_with('/')) options.url.pop_back();
  const char* from_environment = std::getenv("CONSILIUM_DEMO_PASSWORD");
  options.password = Secret(flags.password.empty() && from_environment ? from_environment : flags.password);
  options.text = flags.text;
  options.consultant_status = flags.status;
  options.timeout = seconds(flags.timeout);
  options.json = flags.json;
  if (!options.url.empty() && !options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    std::fprintf(stderr, "consilium: --url is to begin with http:// or https://\n");
    return app::kExitUsage;
  }
  if (!options.url.empty() && options.password.empty()) {
    std::fprintf(
        stderr,
        "consilium: --url needs the password of that server's demo people (its demo.password) as --password or CONSILIUM_DEMO_PASSWORD\n");
    return app::kExitUsage;
  }
  return app::demo(options);
}

}  // namespace

int main(int argc, char** argv) {
  runtime::write_stack_on_crash();
  CLI::App program("Consilium: remote consultations on one binary");
  program.require_subcommand(1);
  Flags flags;
  int code = app::kExitDone;

  CLI::App* serve = program.add_subcommand("serve", "Run the platform until it is told to stop");
  serve->add_option("--config", flags.config_file, "Configuration file (default: consilium.yaml when there is one)");
  serve->add_option("--data", flags.data, "Folder that holds everything the server keeps");
  serve->add_option("--listen", flags.listen, "Public address, host:port; port 0 takes a free one");
  serve->add_flag("--demo", flags.demo, "With demo people whose passwords are printed (loopback only)");
  serve->callback([&] { code = run_serve(flags); });

  CLI::App* config = program.add_subcommand("config", "Look at the configuration");
  config->require_subcommand(1);
  for (const auto& [name, help, run] : {std::tuple{"check", "Say what is wrong with it, all at once", &check_config},
                                        std::tuple{"print", "Print all settings, secrets masked", &print_config}}) {
    CLI::App* verb = config->add_subcommand(name, help);
    verb->add_option("--config", flags.config_file, "Configuration file");
    verb->callback([&code, &flags, run = run] { code = run(flags); });
  }
  config->add_subcommand("reference", "Print the page that describes every setting")->callback([] {
    std::fputs(runtime::config_reference().c_str(), stdout);
  });
  config->add_subcommand("schema", "Print the JSON Schema of the file")->callback([] {
    std::fputs(runtime::config_schema().c_str(), stdout);
  });

  DemoFlags demo_flags;
  CLI::App* demo = program.add_subcommand("demo", "Play the main job through the public API and say what was seen");
  demo->add_option("--url", demo_flags.url,
                   "A server that runs with --demo (default: one of its own on a free port and a temporary folder)");
  demo->add_option("--password", demo_flags.password, "Password of that server's demo people (default: CONSILIUM_DEMO_PASSWORD)");
  demo->add_option("--text", demo_flags.text, "What the client asks (default: random words)");
  demo->add_option("--timeout", demo_flags.timeout, "Seconds that each step may take")->capture_default_str()->check(CLI::Range(1, 3600));
  demo->add_option("--consultant-status", demo_flags.status,
                   "Presence that the consultant chooses; nobody takes the request unless it is online")
      ->capture_default_str()
      ->check(CLI::IsMember({"online", "away", "dnd", "offline", "ooo"}));
  demo->add_flag("--json", demo_flags.json, "One JSON object a step and line");
  demo->callback([&] { code = run_demo(demo_flags); });

  program.add_subcommand("version", "Print the version")->callback([] {
    std::printf("consilium %s\n", std::string(app::kVersion).c_str());
  });

  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return program.exit(help);
  } catch (const CLI::ParseError& error) {
    program.exit(error);
    return app::kExitUsage;
  }
  return code;
}

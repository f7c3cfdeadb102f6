// The command line. Data on standard output, talk on standard error.
#include <malloc.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "app/decision_commands.h"
#include "app/demo.h"
#include "app/doctor.h"
#include "app/engine_command.h"
#include "app/offline_commands.h"
#include "app/operator_commands.h"
#include "app/process_commands.h"
#include "app/serve.h"
#include "app/version.h"
#include "runtime/config.h"
#include "runtime/panic.h"

namespace {

using namespace consilium;

// Larger blocks go back to the system when they are freed. Left to itself glibc raises this bound to the size of a password hash
// (19 MiB, one a hashing thread) and keeps them for ever.
constexpr int kReturnedFrom = 1024 * 1024;

struct Flags {
  std::string config_file;
  std::string data;
  std::string listen;
  bool demo = false;
  bool json = false;

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
  return loaded ? app::serve(*loaded, [&flags] { return load(flags); }) : refuse_config(loaded.error());
}

int run_init(const Flags& flags) {
  const auto loaded = load(flags);
  return loaded ? app::init(*loaded) : refuse_config(loaded.error());
}

// For commands that speak to a running server or read its folder.
template <class Command>
int operate(const Flags& flags, Command command) {
  const auto loaded = load(flags);
  if (!loaded) return refuse_config(loaded.error());
  return command(app::Operator{loaded->config, flags.json ? app::OutputForm::kJson : app::OutputForm::kText});
}

CLI::App* add_operation(CLI::App& parent, Flags& flags, const std::string& name, const std::string& help) {
  CLI::App* verb = parent.add_subcommand(name, help);
  verb->add_option("--config", flags.config_file, "Configuration file of the server");
  verb->add_option("--data", flags.data, "Data folder of the server");
  verb->add_flag("--json", flags.json, "Print JSON");
  return verb;
}

void add_user_commands(CLI::App& program, Flags& flags, app::PersonFlags& person, int& code) {
  CLI::App* user = program.add_subcommand("user", "People, on a running server");
  user->require_subcommand(1);
  CLI::App* add = add_operation(*user, flags, "add", "Add a person; prints the link that sets the password");
  add->add_option("username", person.username, "Login name")->required();
  add->add_option("--role", person.role, "What they are")
      ->required()
      ->check(CLI::IsMember({"client", "consultant", "expert", "supervisor", "administrator"}));
  add->add_option("--first-name", person.first_name)->required();
  add->add_option("--last-name", person.last_name)->required();
  add->add_option("--phone", person.phone, "Clients: +15550100");
  add->add_option("--email", person.email, "Consultants and experts need one");
  add->add_option("--sex", person.sex, "Clients: m or f");
  add->add_option("--birth-date", person.birth_date, "Clients: YYYY-MM-DD");
  add->add_option("--language", person.language, "en or ru");
  add->add_option("--group", person.groups, "Consultants and experts: code of a group, may be repeated");
  add->callback([&] { code = operate(flags, [&](const app::Operator& me) { return app::add_user(me, person); }); });
  for (const auto& [name, help] :
       {std::pair{"lock", "End all sessions and refuse logins"}, std::pair{"unlock", "Let a locked person in again"},
        std::pair{"reset", "Print a new link that sets the password"}}) {
    CLI::App* verb = add_operation(*user, flags, name, help);
    verb->add_option("username", person.username, "Login name")->required();
    verb->callback([&, action = std::string(name)] {
      code = operate(flags, [&](const app::Operator& me) { return app::change_user(me, action, person.username); });
    });
  }
  add_operation(*user, flags, "list", "Everybody who is not deleted")->callback([&] { code = operate(flags, &app::list_users); });
}

struct OperationFlags {
  std::string service;
  std::string level;
  std::string file;
  std::string number;
  std::string letter;  // id of a dead letter
  bool texts = false;
};

void add_server_commands(CLI::App& program, Flags& flags, OperationFlags& words, int& code) {
  CLI::App* log = program.add_subcommand("log", "The log of a running server");
  log->require_subcommand(1);
  CLI::App* level = add_operation(*log, flags, "level", "Change a level until the server ends");
  level->add_option("service", words.service, "Service or service.component")->required();
  level->add_option("level", words.level, "trace, debug, info, warn, error, fatal, off; default: as configured for all")->required();
  level->callback(
      [&] { code = operate(flags, [&](const app::Operator& me) { return app::set_log_level(me, words.service, words.level); }); });

  CLI::App* backup = add_operation(program, flags, "backup", "Write a verified backup of a running server into one new file");
  backup->add_option("file", words.file)->required();
  backup->callback([&] { code = operate(flags, [&](const app::Operator& me) { return app::back_up(me, words.file); }); });

  CLI::App* show =
      add_operation(program, flags, "show", "The story of one case of a running server, who was refused, or what was given up");
  show->add_option("what", words.number,
                   "MOI-000123; `refusals`: the audit of the edge, newest first; `dead-letters`: events that were given up, newest first")
      ->required();
  show->add_flag("--texts", words.texts, "With names and texts");
  show->callback([&] {
    code = operate(flags, [&](const app::Operator& me) {
      if (words.number == "refusals") return app::show_refusals(me);
      if (words.number == "dead-letters") return app::show_dead_letters(me);
      return app::show_case(me, words.number, words.texts ? app::CaseTexts::kShown : app::CaseTexts::kMasked);
    });
  });
}

void add_replay(CLI::App& program, Flags& flags, OperationFlags& words, int& code) {
  CLI::App* replay = add_operation(program, flags, "replay", "Have an event that was given up tried again, once the cause is gone");
  replay->add_option("id", words.letter, "As `show dead-letters` tells it")->required();
  replay->callback([&] { code = operate(flags, [&](const app::Operator& me) { return app::replay(me, words.letter); }); });
}

void add_folder_commands(CLI::App& program, Flags& flags, OperationFlags& words, int& code) {
  CLI::App* restore = add_operation(program, flags, "restore", "Make a new data folder from a backup");
  restore->add_option("file", words.file)->required();
  restore->callback([&] { code = operate(flags, [&](const app::Operator& me) { return app::restore(me, words.file); }); });
  add_operation(program, flags, "verify", "Check the stored data; works beside a running server")->callback([&] {
    code = operate(flags, &app::verify);
  });
  add_operation(program, flags, "doctor", "Check ports, clock, disk and keys, and say the remedy")->callback([&] {
    code = operate(flags, &app::doctor);
  });
}

// The range of CLI11's own has 300 digits.
CLI::Validator at_least(int least) {
  const auto look = [least](const std::string& text) {
    int number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool fits = failure == std::errc() && end == text.data() + text.size() && number >= least;
    return fits ? std::string() : "'" + text + "' is no whole number from " + std::to_string(least) + " up";
  };
  return CLI::Validator(look, "");
}

std::string is_duration(const std::string& text) {
  return parse_short_duration(text) ? std::string() : "'" + text + "' is no duration such as 30d, 12h or 90m";
}

// The first word that names no command, where one was expected.
std::string unknown_word(const CLI::App& program) {
  for (const std::string& word : program.remaining(true)) {
    if (!word.starts_with('-')) return word;
  }
  return {};
}

void add_decision_commands(CLI::App& program, app::DecisionFlags& flags, int& code) {
  CLI::App* decision = program.add_subcommand("decision", "Decision models (DMN) in files");
  decision->require_subcommand(1);
  CLI::App* check = decision->add_subcommand("check", "Say what is wrong with models, all at once");
  check->add_option("files", flags.files, "Models; they may import one another")->required();
  check->add_flag("--json", flags.json, "Print JSON");
  check->callback([&] { code = app::check_decisions(flags); });
  CLI::App* evaluate = decision->add_subcommand("evaluate", "Evaluate a decision and print its result as JSON");
  evaluate->add_option("files", flags.files, "The model, and those that it imports")->required();
  evaluate->add_option("--decision", flags.decision, "Id or name of a decision or decision service (default: the only decision)");
  evaluate->add_option("--variables", flags.variables, "Its inputs, a JSON object")->capture_default_str();
  evaluate->add_flag("--json", flags.json, "Print also the decisions on the way, their inputs and the rules that matched");
  evaluate->callback([&] { code = app::evaluate_decision(flags); });
  CLI::App* conformance = decision->add_subcommand("conformance", "Run folders of test cases, laid out as the DMN TCK");
  conformance->add_option("folder", flags.folder, "Folder with .dmn models and .xml test cases, or with folders of them")->required();
  conformance->add_flag("--failures", flags.failures, "Say of each failed case what was expected and what came");
  conformance->add_flag("--json", flags.json, "Print JSON with the name of each case");
  conformance->callback([&] { code = app::run_conformance(flags); });
}

void add_process_commands(CLI::App& program, Flags& flags, app::ProcessFlags& words, int& code) {
  CLI::App* process =
      program.add_subcommand("process", "Business processes (BPMN, DMN, forms): models in files, and what runs on a server");
  process->require_subcommand(1);
  const auto operation = [&](CLI::App* verb, int (*run)(const app::Operator&, const app::ProcessFlags&)) {
    verb->callback([&flags, &words, &code, run] { code = operate(flags, [&](const app::Operator& me) { return run(me, words); }); });
  };
  CLI::App* check = process->add_subcommand("check", "Say what is wrong with models, all at once; needs no server");
  check->add_option("files", words.files, "Models, .bpmn, .dmn and .form: those that are deployed together")->required();
  check->add_flag("--json", words.json, "Print JSON");
  check->callback([&] { code = app::check_processes(words); });

  CLI::App* deploy = add_operation(*process, flags, "deploy", "Give models to a running server; new instances are of the new version");
  deploy->add_option("files", words.files, "Models, .bpmn, .dmn and .form: all are deployed, or none")->required();
  deploy->add_flag("--dry-run", words.dry_run, "Say what the server would refuse, and deploy nothing");
  operation(deploy, &app::deploy_processes);

  CLI::App* start = add_operation(*process, flags, "start", "Start an instance; prints its key");
  start->add_option("process", words.process, "Id of the process")->required();
  start->add_option("--version", words.version, "Which version (default: the newest)")->check(at_least(1));
  start->add_option("--variables", words.variables, "Its variables, a JSON object")->capture_default_str();
  operation(start, &app::start_process);

  CLI::App* list = add_operation(*process, flags, "list", "Instances, newest first; or with --models what is deployed");
  list->add_option("--process", words.process, "Of this process alone");
  list->add_option("--version", words.version, "Of this version alone")->check(at_least(1));
  list->add_option("--state", words.state, "In this state alone")->check(CLI::IsMember({"active", "completed", "terminated"}));
  list->add_option("--element", words.element, "Where this element is active");
  list->add_flag("--incident", words.incident, "Those alone that stand still");
  list->add_flag("--models", words.models, "Models with their versions, instead of instances");
  list->add_option("--limit", words.limit, "How many at most; 0: all")->capture_default_str()->check(at_least(0));
  operation(list, &app::list_processes);

  CLI::App* show =
      add_operation(*process, flags, "show", "An instance: where it is, what it waits for, variables, incidents, the way so far");
  show->add_option("key", words.key, "Key of an instance, or id of a process: its versions")->required();
  show->add_option("--limit", words.limit, "How many steps of the way at most, the last ones; 0: all")
      ->capture_default_str()
      ->check(at_least(0));
  operation(show, &app::show_process);
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
  const char* from_environment = std::getenv("CONSILIUM_DEMO_PASSWORD");  // NOLINT(concurrency-mt-unsafe): no other thread yet
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

struct EngineWords {
  app::EngineFlags flags;
  std::string token;
  std::string history = "0s";
};

void add_engine(CLI::App& program, EngineWords& words, int& code) {
  app::EngineFlags& flags = words.flags;
  CLI::App* engine = program.add_subcommand("engine", "Run the process engine alone, for Zeebe's clients");
  engine->add_option("--listen", flags.listen, "Address of the gateway, host:port; port 0 takes a free one")->capture_default_str();
  engine->add_option("--data", flags.data, "Folder that holds everything the engine keeps")->capture_default_str();
  engine->add_option("--token", words.token, "Bearer token that clients must bring (default: CONSILIUM_ENGINE_TOKEN)");
  engine->add_option("--metrics-listen", flags.metrics_listen,
                     "Address of /metrics, /health/live and /health/ready, host:port; port 0 takes a free one (default: none)");
  engine
      ->add_option("--history", words.history,
                   "How long process instances are known after their end; 0s: for ever. An instance takes about 0.5 kB of disk")
      ->capture_default_str()
      ->check(CLI::Validator(is_duration, ""));
  CLI::Option* certificate = engine->add_option("--certificate", flags.certificate, "PEM file: TLS with this certificate");
  CLI::Option* key = engine->add_option("--key", flags.key, "PEM file of its key");
  certificate->needs(key);
  key->needs(certificate);
  engine->callback([&] {
    const char* from_environment = std::getenv("CONSILIUM_ENGINE_TOKEN");  // NOLINT(concurrency-mt-unsafe): no other thread yet
    flags.token = Secret(words.token.empty() && from_environment ? from_environment : words.token);
    flags.history = *parse_short_duration(words.history);
    code = app::run_engine(flags);
  });
}

}  // namespace

int main(int argc, char** argv) {
  runtime::write_stack_on_crash();
  ::mallopt(M_MMAP_THRESHOLD, kReturnedFrom);  // NOLINT(concurrency-mt-unsafe): no other thread yet
  ::umask(0077);                               // what this program writes is its owner's alone
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

  CLI::App* init = program.add_subcommand("init", "Make a data folder and the first administrator");
  init->add_option("--config", flags.config_file, "Configuration file");
  init->add_option("--data", flags.data, "Folder to make");
  init->callback([&] { code = run_init(flags); });

  app::PersonFlags person;
  OperationFlags words;
  add_user_commands(program, flags, person, code);
  add_server_commands(program, flags, words, code);
  add_replay(program, flags, words, code);
  add_folder_commands(program, flags, words, code);

  app::DecisionFlags decision_flags;
  add_decision_commands(program, decision_flags, code);
  app::ProcessFlags process_words;
  add_process_commands(program, flags, process_words, code);
  EngineWords engine;
  add_engine(program, engine, code);

  CLI::App* config = program.add_subcommand("config", "Look at the configuration");
  config->require_subcommand(1);
  for (const auto& [name, help, run] : {std::tuple{"check", "Say what is wrong with it, all at once", &check_config},
                                        std::tuple{"print", "Print all settings, secrets masked", &print_config}}) {
    CLI::App* verb = config->add_subcommand(name, help);
    verb->add_option("--config", flags.config_file, "Configuration file");
    verb->callback([&code, &flags, action = run] { code = action(flags); });
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
  } catch (const CLI::RequiredError& error) {
    const std::string word = unknown_word(program);
    if (word.empty())
      program.exit(error);
    else
      std::fprintf(stderr, "There is no command '%s'.\nRun with --help for more information.\n", word.c_str());
    return app::kExitUsage;
  } catch (const CLI::ParseError& error) {
    program.exit(error);
    return app::kExitUsage;
  }
  return code;
}

#include "app/operator_commands.h"

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <ranges>

#include "app/admin_client.h"

namespace consilium::app {
namespace {

namespace json = boost::json;

std::string text_at(const json::value& object, std::string_view name) {
  const json::value* member = object.as_object().if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string();
}

void put(json::object& object, std::string_view name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

Result<json::value> ask(const Operator& me, AdminCall call) { return call_server(admin_socket_of(me.config), std::move(call)); }

void print_json(const json::value& value) { std::printf("%s\n", json::serialize(value).c_str()); }

void print_person(const json::value& person) {
  std::printf("%-24s %-14s %-8s %s\n", text_at(person, "username").c_str(), text_at(person, "type").c_str(),
              text_at(person, "status").c_str(), text_at(person, "id").c_str());
}

void tell_unreachable(const json::value& page) {
  const json::value* services = page.as_object().if_contains("unreachable");
  if (services == nullptr) return;
  for (const json::value& service : services->as_array())
    std::fprintf(stderr, "The list is not whole: %s does not answer.\n", service.as_string().c_str());
}

// Prints each item as it comes, or all of them as one JSON list.
int print_list(const Operator& me, const std::string& path, void (*print)(const json::value&)) {
  json::array all;
  bool is_empty = true;
  std::string target = path;
  for (;;) {
    auto page = ask(me, {"GET", target, {}});
    if (!page) return report_failure(page.error());
    for (json::value& item : page->at("items").as_array()) {
      is_empty = false;
      if (me.form == OutputForm::kText) {
        print(item);
      } else {
        all.push_back(std::move(item));
      }
    }
    tell_unreachable(*page);
    const std::string cursor = text_at(*page, "nextCursor");
    if (cursor.empty()) break;
    target = path + "?cursor=" + cursor;
  }
  if (me.form == OutputForm::kJson) print_json(all);
  // Not part of the list: a pipe sees none.
  if (is_empty) std::fprintf(stderr, "None.\n");
  return kExitDone;
}

void print_refusal(const json::value& refusal) {
  const std::string person = text_at(refusal, "userId");
  std::printf("%s %6lldx  %-30s %-34s %-15s %s\n", text_at(refusal, "at").c_str(),
              static_cast<long long>(refusal.at("times").to_number<std::int64_t>()), text_at(refusal, "code").c_str(),
              text_at(refusal, "call").c_str(), text_at(refusal, "remoteAddress").c_str(), person.empty() ? "-" : person.c_str());
}

void print_dead_letter(const json::value& letter) {
  std::printf("%s %2lldx  %-34s %-26s %s, %lld waiting\n    %s\n", text_at(letter, "parkedAt").c_str(),
              static_cast<long long>(letter.at("attempts").to_number<std::int64_t>()), text_at(letter, "errorCode").c_str(),
              text_at(letter, "topic").c_str(), text_at(letter, "key").c_str(),
              static_cast<long long>(letter.at("waiting").to_number<std::int64_t>()), text_at(letter, "id").c_str());
}

// A person, and their link when there is one.
int tell_person(const Operator& me, const Result<json::value>& answer) {
  if (!answer) return report_failure(answer.error());
  if (me.form == OutputForm::kJson) {
    print_json(*answer);
    return kExitDone;
  }
  const std::string link = text_at(*answer, "link");
  if (link.empty()) {
    print_person(*answer);
    return kExitDone;
  }
  std::printf("%s\n", link.c_str());
  std::fprintf(stderr, "%s sets a password there, once, until %s.\n", text_at(*answer, "username").c_str(),
               text_at(*answer, "expiresAt").c_str());
  return kExitDone;
}

json::object person_body(const PersonFlags& person) {
  json::object body;
  put(body, "username", person.username);
  put(body, "firstName", person.first_name);
  put(body, "lastName", person.last_name);
  put(body, "phone", person.phone);
  put(body, "email", person.email);
  put(body, "sex", person.sex);
  put(body, "birthDate", person.birth_date);
  put(body, "language", person.language);
  if (!person.groups.empty()) body["groups"] = json::value_from(person.groups);
  return body;
}

void print_history(const json::value& story) {
  for (const json::value& entry : story.at("history").at("items").as_array()) {
    const std::string person = text_at(entry, "userId");
    std::printf("%s  %-14s %-10s %s%s\n", text_at(entry, "at").c_str(), text_at(entry, "substatus").c_str(),
                text_at(entry, "transition").c_str(), text_at(entry, "group").c_str(), person.empty() ? "" : (" " + person).c_str());
  }
}

std::string choice_text(const json::value& entry) {
  const json::value* choice = entry.as_object().if_contains("choice");
  if (choice == nullptr || !choice->is_object()) return "";
  const auto number = [&](const json::value& from, const char* name) { return std::to_string(from.at(name).as_int64()); };
  return ", " + number(*choice, "openTasks") + " open tasks, idle since " + text_at(*choice, "idleSince") + "; " +
         number(entry, "candidates") + " online, " + number(*choice, "atLimit") + " at the limit of " + number(*choice, "limit") + ", " +
         number(*choice, "leftOut") + " left out of this task for a while";
}

void print_assignments(const json::value& story) {
  const json::array& items = story.at("assignments").at("items").as_array();
  for (const auto& entry : std::ranges::reverse_view(items))
    std::printf("%s  assignment     %s%s\n", text_at(entry, "at").c_str(), text_at(entry, "rule").c_str(), choice_text(entry).c_str());
}

void print_process(const json::value& process) {
  if (!process.is_object()) return;
  std::printf("\nProcess %s, instance %s, %s\n", text_at(process, "processId").c_str(), text_at(process, "key").c_str(),
              text_at(process, "state").c_str());
  for (const json::value& element : process.at("elements").as_array())
    std::printf("%s  %-11s %s (%s)\n", text_at(element, "startedAt").c_str(), text_at(element, "state").c_str(),
                text_at(element, "element").c_str(), text_at(element, "type").c_str());
  for (const json::value& incident : process.at("incidents").as_array())
    std::printf("%s  incident    %s: %s %s\n", text_at(incident, "createdAt").c_str(), text_at(incident, "element").c_str(),
                text_at(incident, "type").c_str(), text_at(incident, "message").c_str());
}

void print_story(const json::value& story) {
  const json::value& task = story.at("task");
  std::printf("%s  %s, %s\n", text_at(task, "number").c_str(), text_at(task, "status").c_str(), text_at(task, "substatus").c_str());
  std::printf("%s\n%s\n\n", text_at(task, "title").c_str(), text_at(task, "description").c_str());
  print_history(story);
  print_assignments(story);
  print_process(story.at("process"));
  if (const json::value* feedback = task.as_object().if_contains("feedback"); feedback != nullptr && feedback->is_object())
    std::printf("\nFeedback %s: %s %s\n", text_at(*feedback, "at").c_str(), text_at(*feedback, "answer").c_str(),
                text_at(*feedback, "text").c_str());
}

}  // namespace

std::string admin_socket_of(const runtime::Config& config) { return config.data.text + "/admin.sock"; }

int report_failure(const Error& error) {
  std::fprintf(stderr, "consilium: %s\n", error.describe().c_str());
  for (const FieldError& field : error.fields) std::fprintf(stderr, "  %s: %s\n", field.name.c_str(), field.message.c_str());
  return error.code == "admin.not-running" ? kExitUnreachable : kExitFailed;
}

int add_user(const Operator& me, const PersonFlags& person) {
  json::object body = person_body(person);
  const bool staff = person.role == "administrator" || person.role == "supervisor";
  if (staff) body["type"] = person.role;
  return tell_person(me, ask(me, {"POST", "/people/" + (staff ? "staff" : person.role), json::serialize(body)}));
}

int change_user(const Operator& me, const std::string& action, const std::string& username) {
  return tell_person(me, ask(me, {"POST", "/people/" + action, json::serialize(json::object{{"username", username}})}));
}

int list_users(const Operator& me) { return print_list(me, "/people", &print_person); }

int show_refusals(const Operator& me) { return print_list(me, "/refusals", &print_refusal); }

int show_dead_letters(const Operator& me) { return print_list(me, "/dead-letters", &print_dead_letter); }

int replay(const Operator& me, const std::string& id) {
  const auto done = ask(me, {"POST", "/dead-letters/replay", json::serialize(json::object{{"id", id}})});
  if (!done) return report_failure(done.error());
  std::fprintf(stderr, "It is tried again. If it fails as before, it comes back to `consilium show dead-letters`.\n");
  return kExitDone;
}

int set_log_level(const Operator& me, const std::string& service, const std::string& level) {
  const auto done = ask(me, {"PUT", "/log", json::serialize(json::object{{"service", service}, {"level", level}})});
  if (!done) return report_failure(done.error());
  std::fprintf(stderr, "%s logs at %s until the server ends.\n", service.c_str(), level.c_str());
  return kExitDone;
}

int back_up(const Operator& me, const std::string& file) {
  const std::string path = std::filesystem::absolute(file).lexically_normal();
  const auto done = ask(me, {"POST", "/backup", json::serialize(json::object{{"file", path}})});
  if (!done) return report_failure(done.error());
  if (me.form == OutputForm::kJson) {
    print_json(*done);
    return kExitDone;
  }
  std::printf("%s\n", path.c_str());
  std::fprintf(stderr, "Written and verified. It holds keys and personal data: keep it as safe as the server.\n");
  return kExitDone;
}

int show_case(const Operator& me, const std::string& number, CaseTexts texts) {
  const auto story = ask(me, {"GET", "/cases/" + number + (texts == CaseTexts::kShown ? "?texts=true" : ""), {}});
  if (!story) return report_failure(story.error());
  if (me.form == OutputForm::kJson) {
    print_json(*story);
  } else {
    print_story(*story);
  }
  return kExitDone;
}

}  // namespace consilium::app

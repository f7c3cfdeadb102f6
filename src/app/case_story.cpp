#include "app/case_story.h"

#include "base/json_writer.h"
#include "consilium/processes/v1/processes.h"
#include "consilium/tasks/v1/tasks.h"

namespace consilium::app {
namespace {

constexpr std::int32_t kAssignments = 200;  // newest first

std::string_view name_of(process::InstanceState state) {
  switch (state) {
    case process::InstanceState::kActive: return "active";
    case process::InstanceState::kCompleted: return "completed";
    case process::InstanceState::kTerminated: return "terminated";
  }
  return "";
}

template <class Message>
std::string text_of_message(const Message& message, CaseTexts texts) {
  return texts == CaseTexts::kShown ? encode_json(message) : encode_json_masked(message);
}

void write_time(JsonWriter& out, std::string_view name, const std::optional<Timestamp>& time) {
  if (!time) return;
  out.name(name);
  write_json(out, *time);
}

void write_element(JsonWriter& out, const process::ElementRecord& element) {
  out.begin_object();
  out.name("element");
  out.text(element.element_id);
  out.name("type");
  out.text(element.element_type);
  out.name("state");
  out.text(name_of(element.state));
  if (element.started_at != Timestamp{}) write_time(out, "startedAt", element.started_at);
  write_time(out, "endedAt", element.ended_at);
  out.end_object();
}

void write_incident(JsonWriter& out, const process::Incident& incident) {
  out.begin_object();
  out.name("key");
  write_json_key(out, incident.key);
  out.name("element");
  out.text(incident.element_id);
  out.name("type");
  out.text(incident.error_type);
  out.name("message");
  out.text(incident.message);
  write_time(out, "createdAt", incident.created_at);
  out.end_object();
}

void write_instance(JsonWriter& out, const process::InstanceView& instance, const std::vector<process::ElementRecord>& way) {
  out.begin_object();
  out.name("key");
  write_json_key(out, instance.key);
  out.name("processId");
  out.text(instance.process_id);
  out.name("version");
  out.integer(instance.version);
  out.name("state");
  out.text(name_of(instance.state));
  write_time(out, "startedAt", instance.started_at);
  write_time(out, "endedAt", instance.ended_at);
  out.name("elements");
  out.begin_list();
  for (const auto& element : way) write_element(out, element);
  out.end_list();
  out.name("incidents");
  out.begin_list();
  for (const auto& incident : instance.incidents) write_incident(out, incident);
  out.end_list();
  out.end_object();
}

process::InstanceState state_of(processes::v1::InstanceState state) {
  if (state == processes::v1::InstanceState::kCompleted) return process::InstanceState::kCompleted;
  return state == processes::v1::InstanceState::kTerminated ? process::InstanceState::kTerminated : process::InstanceState::kActive;
}

// What the contract tells: where the instance is now, without the way there.
Task<Result<std::string>> story_elsewhere(Platform& platform, runtime::Context& context, std::int64_t key) {
  processes::v1::GetInstanceRequest which;
  which.key = key;
  auto known = co_await platform.processes().get_instance(context, which);
  if (!known && known.error().kind == ErrorKind::kNotFound) co_return std::string("null");
  if (!known) co_return fail(std::move(known).error());
  process::InstanceView instance;
  instance.key = known->key;
  instance.process_id = known->process_id;
  instance.version = known->version;
  instance.state = state_of(known->state);
  instance.started_at = known->started_at;
  instance.ended_at = known->ended_at;
  std::vector<process::ElementRecord> way;
  for (const processes::v1::ActiveElement& element : known->active) {
    process::ElementRecord record;
    record.element_id = element.element_id;
    record.element_type = element.element_type;
    way.push_back(std::move(record));
  }
  for (const processes::v1::Incident& one : known->incidents) {
    process::Incident incident;
    incident.key = one.key;
    incident.instance_key = one.instance_key;
    incident.element_id = one.element_id;
    incident.error_type = one.error_type;
    incident.message = one.message;
    incident.created_at = one.created_at;
    instance.incidents.push_back(std::move(incident));
  }
  JsonWriter out;
  write_instance(out, instance, way);
  co_return out.take();
}

// A case without an instance (made by hand, or its instance was deleted) has none to tell.
Task<Result<std::string>> process_story(Platform& platform, runtime::Context& context, std::optional<std::int64_t> key) {
  if (!key) co_return std::string("null");
  if (!platform.runs("processes")) {
    auto elsewhere = co_await story_elsewhere(platform, context, *key);
    co_return elsewhere;
  }
  auto instance = co_await platform.engine().instance(context, *key);
  if (!instance && instance.error().kind == ErrorKind::kNotFound) co_return std::string("null");
  if (!instance) co_return fail(std::move(instance).error());
  CO_ASSIGN_OR_RETURN(const auto way, co_await platform.engine().history(context, *key));
  JsonWriter out;
  write_instance(out, *instance, way);
  co_return out.take();
}

}  // namespace

Task<Result<std::string>> case_story(Platform& platform, runtime::Context& context, std::string number, CaseTexts texts) {
  tasks::v1::GetTaskRequest which;
  which.id = std::move(number);
  CO_ASSIGN_OR_RETURN(const tasks::v1::Task task, co_await platform.tasks().get_task(context, which));
  CO_ASSIGN_OR_RETURN(const tasks::v1::HistoryReply history, co_await platform.tasks().get_history(context, which));
  tasks::v1::ListAssignmentsRequest of_task;
  of_task.task_id = task.id;
  of_task.limit = kAssignments;
  CO_ASSIGN_OR_RETURN(const tasks::v1::ListAssignmentsReply assignments,
                      co_await platform.tasks().list_assignments(context, std::move(of_task)));
  CO_ASSIGN_OR_RETURN(const std::string process, co_await process_story(platform, context, task.process_instance));
  JsonWriter out;
  out.begin_object();
  out.name("task");
  out.raw(text_of_message(task, texts));
  out.name("history");
  out.raw(text_of_message(history, texts));
  out.name("assignments");
  out.raw(text_of_message(assignments, texts));
  out.name("process");
  out.raw(process);
  out.end_object();
  co_return out.take();
}

}  // namespace consilium::app

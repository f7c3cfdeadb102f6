// A process as the engine runs it: immutable, made once at deployment, shared by all instances of its version. Elements and
// flows refer to each other by index; element 0 is the process itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::model {

using ElementIndex = std::uint32_t;
using FlowIndex = std::uint32_t;
inline constexpr ElementIndex kProcessElement = 0;

enum class ElementKind : std::uint8_t {
  kProcess,
  kSubProcess,
  kStartEvent,
  kEndEvent,
  kIntermediateCatchEvent,
  kBoundaryEvent,
  kServiceTask,
  kExclusiveGateway,
  kParallelGateway,
  kEventBasedGateway,
  kEventSubProcess,
  kIntermediateThrowEvent,
  kTask,  // undefined: passes the token on
  kManualTask,
  kSendTask,
  kReceiveTask,
  kScriptTask,
  kBusinessRuleTask,
  kUserTask,
  kInclusiveGateway,
  kCallActivity,
  kMultiInstanceBody,  // of no element of a model: what holds the instances of a multi-instance activity
};

// BPMN's name: `serviceTask`.
std::string_view name_of(ElementKind kind);

enum class EventKind : std::uint8_t { kNone, kMessage, kTimer, kError, kEscalation, kSignal, kLink, kTerminate, kCompensation };

// Assigns the value of `source` to the variable `target[0]`, or to a member inside it.
struct Mapping {
  feel::Expression source;
  std::vector<std::string> target;
};

inline constexpr int kDefaultRetries = 3;

// Which version of something else an element takes.
struct Binding {
  // kDeployment: of the deployment in which its own process was; kVersionTag: the newest that has the tag.
  enum class Kind : std::uint8_t { kLatest, kDeployment, kVersionTag };
  Kind kind = Kind::kLatest;
  std::string version_tag;
};

// A header whose value is computed when the job is made; one without a value is left out.
struct ComputedHeader {
  // kForm: of the id of a form, the key of a version; kPriority: 0 to 100.
  enum class Kind : std::uint8_t { kText, kTexts, kTime, kForm, kPriority };
  std::string name;
  Kind kind = Kind::kText;
  feel::Expression value;
  Binding binding;  // of a form
};

struct JobDefinition {
  feel::Expression type;
  feel::Expression retries;  // empty: default_retries
  int default_retries = kDefaultRetries;
  feel::Expression priority;  // empty: 0; of the process when the task has none
  feel::Context headers;      // texts
  std::vector<ComputedHeader> computed_headers;
};

struct ScriptDefinition {
  feel::Expression expression;
  std::string result_variable;
};

struct CalledDecision {
  feel::Expression decision_id;
  Binding binding;
  std::string result_variable;
};

inline constexpr char kUserTaskJobType[] = "io.camunda.zeebe:userTask";
// Among the tasks of people, 0 to 100; nothing when the value is none.
std::optional<std::int32_t> user_task_priority(const feel::Value& value);

struct MessageDefinition {
  feel::Expression name;
  feel::Expression correlation_key;
};

struct TimerDefinition {
  enum class Kind : std::uint8_t { kDuration, kDate, kCycle };
  Kind kind = Kind::kDuration;
  feel::Expression value;
};

// Errors and escalations. Of a thrower the code may be an expression; of a catcher it is static, and empty catches all.
struct CodeDefinition {
  feel::Expression code;
  bool catches(std::string_view thrown) const { return code.empty() || code.text() == thrown; }
};

struct SignalDefinition {
  feel::Expression name;
};

struct CalledElement {
  feel::Expression process_id;
  Binding binding;
  bool takes_all_variables = true;  // the child begins with all that are visible in the parent
  bool gives_all_variables = true;  // all variables of the child go to the parent
};

struct LoopDefinition {
  bool sequential = false;
  feel::Expression input_collection;
  std::string input_element;      // empty: none
  std::string output_collection;  // empty: none
  feel::Expression output_element;
  std::string output_variable;            // the variable that output_element begins with, when it is no more than a name or path
  feel::Expression completion_condition;  // empty: none
};

struct Flow {
  std::string id;
  std::string name;
  ElementIndex source = 0;
  ElementIndex target = 0;
  std::optional<feel::Expression> condition;
};

struct Element {
  std::string id;
  std::string name;
  ElementKind kind = ElementKind::kProcess;
  EventKind event = EventKind::kNone;
  ElementIndex scope = 0;  // the process or sub-process it lies in
  std::vector<FlowIndex> incoming;
  std::vector<FlowIndex> outgoing;
  std::optional<FlowIndex> default_flow;

  std::vector<ElementIndex> boundary_events;      // attached to it
  ElementIndex attached_to = 0;                   // of a boundary event
  bool interrupting = true;                       // of a boundary event, and of the start event of an event sub-process
  bool after_event_gateway = false;               // a catch event that such a gateway waits for
  ElementIndex start_event = 0;                   // of a process or sub-process: its none start event, of an event sub-process any; 0: none
  std::vector<ElementIndex> triggered_starts;     // of a process: start events with a message, timer or signal
  std::vector<ElementIndex> event_sub_processes;  // directly in it
  ElementIndex link_target = 0;                   // of a link throw event
  std::vector<ElementIndex> link_sources;         // of a link catch event
  bool is_compensation_handler = false;           // undoes an activity, when that is asked for
  ElementIndex compensation_event = 0;            // of an activity: its boundary event of compensation; 0: none
  ElementIndex compensation_handler = 0;          // and what undoes it
  ElementIndex compensated = 0;                   // of a compensation throw event: the one activity to undo; 0: all

  std::optional<JobDefinition> job;
  std::vector<JobDefinition> start_listeners;  // jobs before what it does, one after the other
  std::vector<JobDefinition> end_listeners;    // and after it
  std::optional<MessageDefinition> message;
  std::optional<TimerDefinition> timer;
  std::optional<CodeDefinition> error;
  std::optional<CodeDefinition> escalation;
  std::optional<SignalDefinition> signal;
  std::optional<ScriptDefinition> script;
  std::optional<CalledDecision> decision;
  std::optional<CalledElement> called;
  std::optional<LoopDefinition> loop;
  std::string link;
  std::vector<Mapping> inputs;
  std::vector<Mapping> outputs;

  bool is_scope() const {
    return kind == ElementKind::kProcess || kind == ElementKind::kSubProcess || kind == ElementKind::kEventSubProcess;
  }
  bool is_task() const;
  // What boundary events may be attached to.
  bool is_activity() const { return is_task() || kind == ElementKind::kSubProcess || kind == ElementKind::kCallActivity; }
  bool is_gateway() const;
  // Tokens wait on its incoming flows until it goes on.
  bool joins() const { return kind == ElementKind::kParallelGateway || (kind == ElementKind::kInclusiveGateway && incoming.size() > 1); }
  // Something waits for it until it happens: no error or escalation, which are thrown to it.
  bool is_awaited() const { return message || timer || signal; }
};

struct Process {
  std::string id;
  std::string name;
  std::string version_tag;  // empty: none
  std::vector<Element> elements;
  std::vector<Flow> flows;
  bool has_inclusive_joins = false;
  std::map<std::string, ElementIndex, std::less<>> by_id;
  std::map<std::string, FlowIndex, std::less<>> flow_by_id;

  const Element* find(std::string_view element_id) const;
};

using ProcessPointer = std::shared_ptr<const Process>;

}  // namespace consilium::bpmn::model

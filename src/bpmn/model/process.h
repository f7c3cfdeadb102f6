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
};

// BPMN's name: `serviceTask`.
std::string_view name_of(ElementKind kind);

enum class EventKind : std::uint8_t { kNone, kMessage, kTimer, kError };

// Assigns the value of `source` to the variable `target[0]`, or to a member inside it.
struct Mapping {
  feel::Expression source;
  std::vector<std::string> target;
};

inline constexpr int kDefaultRetries = 3;

struct JobDefinition {
  feel::Expression type;
  feel::Expression retries;  // empty: kDefaultRetries
  feel::Context headers;     // texts
};

struct MessageDefinition {
  feel::Expression name;
  feel::Expression correlation_key;
};

struct TimerDefinition {
  enum class Kind : std::uint8_t { kDuration, kDate };
  Kind kind = Kind::kDuration;
  feel::Expression value;
};

struct ErrorDefinition {
  std::string code;  // empty on a boundary event: catches every error
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

  std::vector<ElementIndex> boundary_events;  // attached to it
  ElementIndex attached_to = 0;               // of a boundary event
  bool interrupting = true;                   // of a boundary event
  bool after_event_gateway = false;           // a catch event that such a gateway waits for
  ElementIndex start_event = 0;               // of a process or sub-process

  std::optional<JobDefinition> job;
  std::optional<MessageDefinition> message;
  std::optional<TimerDefinition> timer;
  std::optional<ErrorDefinition> error;
  std::vector<Mapping> inputs;
  std::vector<Mapping> outputs;

  bool is_scope() const { return kind == ElementKind::kProcess || kind == ElementKind::kSubProcess; }
  bool is_activity() const { return kind == ElementKind::kServiceTask || kind == ElementKind::kSubProcess; }
};

struct Process {
  std::string id;
  std::string name;
  std::vector<Element> elements;
  std::vector<Flow> flows;
  std::map<std::string, ElementIndex, std::less<>> by_id;
  std::map<std::string, FlowIndex, std::less<>> flow_by_id;

  const Element* find(std::string_view element_id) const;
};

using ProcessPointer = std::shared_ptr<const Process>;

}  // namespace consilium::bpmn::model

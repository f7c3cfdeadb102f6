#include "bpmn/model/reader.h"

#include <algorithm>
#include <array>
#include <map>
#include <pugixml.hpp>
#include <ranges>
#include <set>
#include <utility>

#include "base/time.h"
#include "bpmn/model/findings.h"
#include "bpmn/model/timer_text.h"
#include "bpmn/model/validation.h"
#include "bpmn/model/xml_document.h"

namespace consilium::bpmn::model {
namespace {

using pugi::xml_node;
using namespace std::string_view_literals;

constexpr std::string_view kBpmn = "http://www.omg.org/spec/BPMN/20100524/MODEL";
constexpr std::string_view kZeebe = "http://camunda.org/schema/zeebe/1.0";

struct QualifiedName {
  std::string_view space;  // URI
  std::string_view local;
};

std::string_view find_namespace(xml_node node, std::string_view prefix) {
  const std::string attribute = prefix.empty() ? "xmlns" : "xmlns:" + std::string(prefix);
  for (; node; node = node.parent()) {
    if (const auto declared = node.attribute(attribute.c_str())) return declared.value();
  }
  return {};
}

QualifiedName qualify(xml_node node, std::string_view name, bool use_default) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return {use_default ? find_namespace(node, {}) : std::string_view(), name};
  return {find_namespace(node, name.substr(0, colon)), name.substr(colon + 1)};
}

QualifiedName name_of(xml_node node) { return qualify(node, node.name(), true); }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

// NCName
bool is_xml_name(std::string_view text) {
  return !text.empty() && is_letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

bool is_bpmn(xml_node node, std::string_view local) {
  const auto name = name_of(node);
  return name.space == kBpmn && name.local == local;
}

template <std::size_t kSize>
bool one_of(std::string_view text, const std::string_view (&list)[kSize]) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Attributes that change nothing, or nothing when they have this value.
struct HarmlessAttribute {
  std::string_view name;
  std::string_view value;  // empty: any
};
constexpr HarmlessAttribute kHarmless[] = {{"id", ""},
                                           {"name", ""},
                                           {"isExecutable", ""},
                                           {"processType", ""},
                                           {"isClosed", ""},
                                           {"gatewayDirection", ""},
                                           {"implementation", ""},
                                           {"isForCompensation", "false"},
                                           {"parallelMultiple", "false"},
                                           {"instantiate", "false"},
                                           {"eventGatewayType", "Exclusive"},
                                           {"startQuantity", "1"},
                                           {"completionQuantity", "1"},
                                           {"isImmediate", "true"}};

struct KnownKind {
  std::string_view name;
  ElementKind kind;
};
constexpr KnownKind kFlowNodes[] = {
    {"subProcess", ElementKind::kSubProcess},
    {"startEvent", ElementKind::kStartEvent},
    {"endEvent", ElementKind::kEndEvent},
    {"intermediateCatchEvent", ElementKind::kIntermediateCatchEvent},
    {"boundaryEvent", ElementKind::kBoundaryEvent},
    {"serviceTask", ElementKind::kServiceTask},
    {"exclusiveGateway", ElementKind::kExclusiveGateway},
    {"parallelGateway", ElementKind::kParallelGateway},
    {"eventBasedGateway", ElementKind::kEventBasedGateway},
    {"intermediateThrowEvent", ElementKind::kIntermediateThrowEvent},
    {"task", ElementKind::kTask},
    {"manualTask", ElementKind::kManualTask},
    {"sendTask", ElementKind::kSendTask},
    {"receiveTask", ElementKind::kReceiveTask},
    {"scriptTask", ElementKind::kScriptTask},
    {"businessRuleTask", ElementKind::kBusinessRuleTask},
    {"userTask", ElementKind::kUserTask},
    {"inclusiveGateway", ElementKind::kInclusiveGateway},
    {"callActivity", ElementKind::kCallActivity},
};

constexpr std::string_view kDeclarations[] = {"message", "error", "escalation", "signal", "collaboration"};

// What draws and describes, and does nothing in a run.
constexpr std::string_view kSkipped[] = {"documentation",
                                         "textAnnotation",
                                         "association",
                                         "group",
                                         "category",
                                         "laneSet",
                                         "incoming",
                                         "outgoing",
                                         "extensionElements",
                                         "dataObject",
                                         "dataObjectReference",
                                         "dataStore",
                                         "dataStoreReference",
                                         "dataInputAssociation",
                                         "dataOutputAssociation",
                                         "ioSpecification",
                                         "property",
                                         "itemDefinition"};

// No mapping may have one of these as its target.
constexpr std::size_t kMaxPathParts = 10;  // of the target of a mapping
constexpr std::string_view kReserved[] = {"null", "true", "false", "function", "if", "then", "else", "for", "between", "instance", "of"};

class Reader {
 public:
  Reader(std::string_view file, const ReadOptions& options) : findings_(file, options.origin), options_(options) {}

  std::expected<std::vector<ProcessPointer>, std::vector<Finding>> read(std::string_view xml) {
    pugi::xml_document document;
    if (load(document, xml)) read_definitions(document.document_element());
    if (processes_.empty() && findings_.empty()) findings_.add("", "the file holds no executable process");
    if (!findings_.empty()) return std::unexpected(findings_.take());
    return std::vector<ProcessPointer>(processes_.begin(), processes_.end());
  }

 private:
  bool load(pugi::xml_document& document, std::string_view xml) {
    auto loaded = load_xml(document, xml, BlankText::kDropped);
    if (!loaded) return refuse_file(std::move(loaded.error()));
    if (!is_bpmn(document.document_element(), "definitions")) return refuse_file("the root element is not bpmn:definitions");
    return true;
  }

  bool refuse_file(std::string message) {
    findings_.add("", std::move(message));
    return false;
  }

  // ---- definitions

  struct Message {
    std::string name;
    std::optional<feel::Expression> correlation_key;
  };

  void read_definitions(xml_node definitions) {
    for (const xml_node node : definitions.children()) {
      if (is_bpmn(node, "message")) read_message(node);
      if (is_bpmn(node, "error")) read_declaration(node, "errorCode", errors_);
      if (is_bpmn(node, "escalation")) read_declaration(node, "escalationCode", escalations_);
      if (is_bpmn(node, "signal")) read_declaration(node, "name", signals_);
    }
    std::size_t processes = 0;
    for (const xml_node node : definitions.children()) {
      if (node.type() != pugi::node_element) continue;
      const auto name = name_of(node);
      if (name.space != kBpmn) continue;  // the drawing
      if (name.local == "process") {
        if (is_executable(node) && ++processes > kMaxProcesses && options_.origin == Origin::kDeployed) {
          if (processes == kMaxProcesses + 1)
            findings_.add(node.attribute("id").value(),
                          "the file has more than " + std::to_string(kMaxProcesses) + " executable processes");
          continue;
        }
        read_process(node);
      } else if (!one_of(name.local, kDeclarations) && !one_of(name.local, kSkipped)) {
        findings_.add(node.attribute("id").value(), "bpmn:" + std::string(name.local) + " is not supported");
      }
    }
  }

  bool take_id(xml_node node, std::string& id) {
    id = node.attribute("id").value();
    if (id.empty()) {
      findings_.add("", "a bpmn:" + std::string(name_of(node).local) + " has no id");
      return false;
    }
    if (id.size() > kMaxIdBytes) {
      findings_.add(id.substr(0, 40), "the id is longer than 255 bytes");
      return false;
    }
    if (!is_xml_name(id)) findings_.add_to_new(id, "the id is no name of XML: letters, digits, '.', '-' and '_', and no digit first");
    if (!ids_.insert(id).second) {
      findings_.add(id, "the id is used more than once");
      return false;
    }
    return true;
  }

  void read_message(xml_node node) {
    std::string id;
    if (!take_id(node, id)) return;
    Message message;
    message.name = node.attribute("name").value();
    for (const xml_node extension : extensions_of(node)) {
      const auto name = name_of(extension);
      if (name.local == "subscription") {
        if (message.correlation_key) findings_.add_to_new(id, "the message has more than one zeebe:subscription");
        message.correlation_key = read_correlation_key(id, extension.attribute("correlationKey").value());
      } else {
        findings_.add(id, "zeebe:" + std::string(name.local) + " is not supported here");
      }
    }
    messages_[id] = std::move(message);
  }

  // Also of a message that only starts processes, which do not use it.
  std::optional<feel::Expression> read_correlation_key(std::string_view id, std::string_view text) {
    if (text.empty()) return std::nullopt;
    if (!text.starts_with('=')) findings_.add_to_new(id, "a correlationKey must be an expression that starts with '='");
    auto parsed = feel::Expression::parse_attribute(text);
    if (parsed) return std::move(*parsed);
    findings_.add_to_new(id, what_is_wrong("correlationKey", parsed.error()));
    return feel::Expression();
  }

  void read_declaration(xml_node node, const char* attribute, std::map<std::string, std::string>& declared) {
    std::string id;
    if (take_id(node, id)) declared[id] = node.attribute(attribute).value();
  }

  // The zeebe elements of a node's extensions; those of others are not ours.
  static std::vector<xml_node> extensions_of(xml_node node) {
    std::vector<xml_node> found;
    for (const xml_node child : node.children()) {
      if (!is_bpmn(child, "extensionElements")) continue;
      for (const xml_node extension : child.children()) {
        if (name_of(extension).space == kZeebe && name_of(extension).local != "properties") found.push_back(extension);
      }
    }
    return found;
  }

  // ---- processes

  static bool is_executable(xml_node process) { return std::string_view(process.attribute("isExecutable").value()) == "true"; }

  void read_process(xml_node node) {
    std::string id;
    if (!take_id(node, id)) return;
    if (!is_executable(node)) return;
    check_attributes(node, id, {});
    auto process = std::make_shared<Process>();
    process_ = process.get();
    process->id = id;
    process->name = node.attribute("name").value();
    Element root;
    root.id = id;
    root.name = process->name;
    process->elements.push_back(std::move(root));
    process->by_id.emplace(id, kProcessElement);
    read_process_extensions(node);
    pending_flows_.clear();
    pending_boundaries_.clear();
    pending_associations_.clear();
    pending_compensated_.clear();
    pending_defaults_.clear();
    read_scope(node);
    link_flows();
    link_boundaries();
    link_defaults();
    link_links();
    link_compensation();
    check_process(*process, findings_);
    order_as_zeebe(*process);
    if (options_.origin == Origin::kDeployed) elements_before_ += process->elements.size() + pending_flows_.size();
    processes_.push_back(std::move(process));
  }

  void read_process_extensions(xml_node node) {
    process_priority_ = {};
    check_repeats(node, process_->id, {"jobPriorityDefinition"sv, "versionTag"sv, "executionListeners"sv});
    for (const xml_node extension : extensions_of(node)) {
      const auto local = name_of(extension).local;
      if (local == "jobPriorityDefinition")
        process_priority_ = read_priority(extension, process_->id);
      else if (local == "versionTag")
        process_->version_tag = read_version_tag(extension, "value", process_->id);
      else if (local == "executionListeners")
        read_listeners(extension, process_->elements[kProcessElement]);
      else if (local != "userTaskForm")  // for front ends
        findings_.add(process_->id, "zeebe:" + std::string(local) + " is not supported here");
    }
  }

  // Zeebe goes through a model from its end. So of the conditions of a gateway that hold, the last in the file counts, the last branch
  // begins first, and the last event waits first.
  static void order_as_zeebe(Process& process) {
    for (Element& element : process.elements) {
      std::ranges::reverse(element.outgoing);
      std::ranges::reverse(element.boundary_events);
      std::ranges::reverse(element.event_sub_processes);
      std::ranges::reverse(element.triggered_starts);
    }
  }

  // Scopes are worked off from a list, so that nesting costs no stack.
  void read_scope(xml_node process_node) {
    std::vector<std::pair<xml_node, ElementIndex>> open = {{process_node, kProcessElement}};
    for (std::size_t next = 0; next < open.size(); ++next) {
      const auto [scope_node, scope] = open[next];
      for (const xml_node node : scope_node.children()) {
        if (node.type() != pugi::node_element) continue;
        const auto name = name_of(node);
        if (name.space != kBpmn) {
          findings_.add(node.attribute("id").value(), std::string(node.name()) + " is not a BPMN element");
        } else if (name.local == "sequenceFlow") {
          read_flow(node);
        } else if (name.local == "association") {
          pending_associations_.emplace(node.attribute("sourceRef").value(), node.attribute("targetRef").value());
        } else if (one_of(name.local, kSkipped) || (name.local == "multiInstanceLoopCharacteristics" && scope != kProcessElement)) {
          continue;
        } else if (const auto index = read_flow_node(node, name.local, scope); index && process_->elements[*index].is_scope()) {
          open.emplace_back(node, *index);
        }
      }
    }
  }

  bool within_limit(std::string_view id) {
    if (elements_before_ + process_->elements.size() + pending_flows_.size() < kMaxModelElements) return true;
    if (!too_many_) findings_.add(id, "the file has more than 10,000 elements");
    too_many_ = true;
    return false;
  }

  std::optional<ElementIndex> read_flow_node(xml_node node, std::string_view local, ElementIndex scope) {
    const auto* const known =
        std::find_if(std::begin(kFlowNodes), std::end(kFlowNodes), [&](const KnownKind& k) { return k.name == local; });
    if (known == std::end(kFlowNodes)) {
      findings_.add(node.attribute("id").value(), "bpmn:" + std::string(local) + " is not supported");
      return std::nullopt;
    }
    Element element;
    if (!take_id(node, element.id) || !within_limit(element.id)) return std::nullopt;
    element.name = node.attribute("name").value();
    element.kind = known->kind;
    element.scope = scope;
    const auto index = static_cast<ElementIndex>(process_->elements.size());
    if (element.kind == ElementKind::kBoundaryEvent) {
      element.interrupting = std::string_view(node.attribute("cancelActivity").as_string("true")) != "false";
      pending_boundaries_.emplace_back(index, node.attribute("attachedToRef").value());
    }
    if (const auto chosen = node.attribute("default")) pending_defaults_.emplace_back(index, chosen.value());
    if (element.kind == ElementKind::kSubProcess && std::string_view(node.attribute("triggeredByEvent").value()) == "true") {
      element.kind = ElementKind::kEventSubProcess;
      process_->elements[scope].event_sub_processes.push_back(index);
    }
    if (element.kind == ElementKind::kStartEvent) read_start_event(node, element);
    element.is_compensation_handler = element.is_activity() && std::string_view(node.attribute("isForCompensation").value()) == "true";
    check_attributes(node, element.id, own_attributes(element));
    read_children(node, element);
    read_extensions(node, element);
    if (element.kind == ElementKind::kStartEvent) add_start_event(index, element);
    process_->by_id.emplace(element.id, index);
    process_->elements.push_back(std::move(element));
    return index;
  }

  void read_start_event(xml_node node, Element& element) {
    const bool may_leave_alone = process_->elements[element.scope].kind == ElementKind::kEventSubProcess;
    element.interrupting = !may_leave_alone || std::string_view(node.attribute("isInterrupting").as_string("true")) != "false";
  }

  void add_start_event(ElementIndex index, const Element& element) {
    Element& scope = process_->elements[element.scope];
    if (element.event == EventKind::kNone || scope.kind == ElementKind::kEventSubProcess) scope.start_event = index;
    if (element.event != EventKind::kNone && scope.kind == ElementKind::kProcess) scope.triggered_starts.push_back(index);
  }

  static std::array<std::string_view, 3> own_attributes(const Element& element) {
    const std::string_view handler = element.is_activity() ? "isForCompensation"sv : ""sv;
    switch (element.kind) {
      case ElementKind::kBoundaryEvent: return {"attachedToRef"sv, "cancelActivity"sv};
      case ElementKind::kStartEvent: return {"isInterrupting"sv};
      case ElementKind::kSubProcess:
      case ElementKind::kEventSubProcess: return {"triggeredByEvent"sv, "default"sv, handler};
      case ElementKind::kReceiveTask: return {"messageRef"sv, "default"sv, handler};
      default: return {"default"sv, handler};
    }
  }

  // `also` names further attributes that were read.
  void check_attributes(xml_node node, std::string_view id, std::array<std::string_view, 3> also) {
    for (const auto attribute : node.attributes()) {
      const std::string_view raw = attribute.name();
      if (raw == "xmlns" || raw.starts_with("xmlns:")) continue;
      const auto name = qualify(node, raw, false);
      if (!name.space.empty()) {
        if (name.space == kZeebe && !name.local.starts_with("modelerTemplate"))
          findings_.add(id, "the attribute zeebe:" + std::string(name.local) + " is not supported");
        continue;
      }
      const bool harmless = std::any_of(std::begin(kHarmless), std::end(kHarmless), [&](const HarmlessAttribute& h) {
        return h.name == raw && (h.value.empty() || h.value == attribute.value());
      });
      if (!harmless && std::find(also.begin(), also.end(), raw) == also.end())
        findings_.add(id, "the attribute " + std::string(raw) + "=\"" + std::string(std::string_view(attribute.value()).substr(0, 40)) +
                              "\" is not supported");
    }
  }

  // ---- children: event definitions, loops, scripts

  void read_children(xml_node node, Element& element) {
    const bool is_event = element.kind == ElementKind::kStartEvent || element.kind == ElementKind::kEndEvent ||
                          element.kind == ElementKind::kIntermediateCatchEvent || element.kind == ElementKind::kIntermediateThrowEvent ||
                          element.kind == ElementKind::kBoundaryEvent;
    if (element.kind == ElementKind::kReceiveTask) read_message_event(node, element);
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto name = name_of(child);
      if (name.space == kBpmn && name.local == "multiInstanceLoopCharacteristics" && element.is_activity()) {
        read_loop(child, element);
        continue;
      }
      if (name.space == kBpmn && name.local == "multiInstanceLoopCharacteristics" && element.is_scope())
        findings_.add(element.id, "an event sub-process may not be multi-instance");
      if (name.space == kBpmn && one_of(name.local, kSkipped)) continue;
      if (is_event && name.space == kBpmn && name.local.ends_with("EventDefinition")) {
        read_event_definition(child, name.local, element);
      } else if (!element.is_scope()) {  // the children of a scope are read as such
        findings_.add(element.id, std::string(child.name()) + " is not supported in a " + std::string(model::name_of(element.kind)));
      }
    }
  }

  void read_loop(xml_node node, Element& element) {
    LoopDefinition loop;
    check_attributes(node, element.id, {"isSequential"sv});
    loop.sequential = std::string_view(node.attribute("isSequential").value()) == "true";
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      if (is_bpmn(child, "completionCondition")) {
        const auto text = trimmed(child.child_value());
        if (text.empty()) continue;  // none
        if (!text.starts_with('=')) findings_.add(element.id, "a completionCondition must be an expression that starts with '='");
        loop.completion_condition = expression(element.id, "the completionCondition", text);
      } else if (!is_bpmn(child, "extensionElements") && !is_bpmn(child, "documentation")) {
        findings_.add(element.id, std::string(child.name()) + " is not supported in multiInstanceLoopCharacteristics");
      }
    }
    check_repeats(node, element.id, {"loopCharacteristics"sv});
    for (const xml_node extension : extensions_of(node)) {
      if (name_of(extension).local == "loopCharacteristics")
        read_collections(extension, element, loop);
      else
        findings_.add(element.id,
                      "zeebe:" + std::string(name_of(extension).local) + " is not supported in multiInstanceLoopCharacteristics");
    }
    if (loop.input_collection.empty())
      findings_.add(element.id, "a multi-instance activity needs a zeebe:loopCharacteristics with an inputCollection");
    element.loop = std::move(loop);
  }

  void read_collections(xml_node node, const Element& element, LoopDefinition& loop) {
    const std::string_view input = node.attribute("inputCollection").value();
    const std::string_view output = node.attribute("outputElement").value();
    loop.input_element = node.attribute("inputElement").value();
    loop.output_collection = node.attribute("outputCollection").value();
    for (const std::string* const name : {&loop.input_element, &loop.output_collection}) {
      if (!name->empty() && !is_variable_name(*name)) findings_.add(element.id, "'" + *name + "' is not the name of a variable");
    }
    for (const auto& [name, text] : {std::pair("inputCollection", input), std::pair("outputElement", output)}) {
      if (!text.empty() && !text.starts_with('='))
        findings_.add_to_new(element.id, "an " + std::string(name) + " must be an expression that starts with '='");
    }
    if (!input.empty()) loop.input_collection = expression(element.id, "inputCollection", input);
    if (!output.empty()) loop.output_element = expression(element.id, "outputElement", output);
    if (output.empty() != loop.output_collection.empty())
      findings_.add(element.id, "an outputCollection and an outputElement need each other");
    const std::string_view root = output.empty() ? output : output.substr(1, output.find('.') - 1);
    if (output.starts_with('=') && is_variable_path(output.substr(1))) loop.output_variable = root;
  }

  static bool is_variable_path(std::string_view text) {
    while (true) {
      const auto dot = text.find('.');
      if (!is_variable_name(text.substr(0, dot))) return false;
      if (dot == std::string_view::npos) return true;
      text.remove_prefix(dot + 1);
    }
  }

  void read_event_definition(xml_node node, std::string_view local, Element& element) {
    const bool boundary = element.kind == ElementKind::kBoundaryEvent;
    const bool waits = element.kind == ElementKind::kIntermediateCatchEvent;
    const bool ends = element.kind == ElementKind::kEndEvent;
    const bool throws = element.kind == ElementKind::kIntermediateThrowEvent;
    const ElementKind scope = process_->elements[element.scope].kind;
    const bool starts_event_sub = element.kind == ElementKind::kStartEvent && scope == ElementKind::kEventSubProcess;
    const bool starts = starts_event_sub || (element.kind == ElementKind::kStartEvent && scope == ElementKind::kProcess);
    const bool catches = boundary || waits || starts;
    if (element.event != EventKind::kNone) {
      findings_.add(element.id, "an event may have one definition only");
    } else if (local == "messageEventDefinition" && catches) {
      read_message_event(node, element);
    } else if (local == "messageEventDefinition" && (ends || throws)) {
      element.event = EventKind::kMessage;  // thrown by a job
    } else if (local == "timerEventDefinition" && catches) {
      read_timer_event(node, element);
    } else if (local == "signalEventDefinition" && (catches || ends || throws)) {
      read_signal_event(node, element);
    } else if (local == "errorEventDefinition" && (ends || boundary || starts_event_sub)) {
      element.event = EventKind::kError;
      element.error = read_code(node, "error", errors_, element);
    } else if (local == "escalationEventDefinition" && (ends || throws || boundary || starts_event_sub)) {
      element.event = EventKind::kEscalation;
      element.escalation = read_code(node, "escalation", escalations_, element);
    } else if (local == "linkEventDefinition" && (waits || throws)) {
      element.event = EventKind::kLink;
      element.link = node.attribute("name").value();
      if (element.link.empty()) findings_.add(element.id, "the link event needs a name");
    } else if (local == "compensateEventDefinition" && (ends || throws || boundary)) {
      read_compensation_event(node, element);
    } else if (local == "terminateEventDefinition" && ends) {
      element.event = EventKind::kTerminate;
    } else {
      findings_.add(element.id, "bpmn:" + std::string(local) + " is not supported in a " + std::string(model::name_of(element.kind)));
    }
  }

  void read_compensation_event(xml_node node, Element& element) {
    element.event = EventKind::kCompensation;
    const bool waits = std::string_view(node.attribute("waitForCompletion").as_string("true")) != "false";
    if (element.kind == ElementKind::kBoundaryEvent) {
      if (!element.interrupting) findings_.add(element.id, "a compensation boundary event may not be non-interrupting");
      return;
    }
    if (!waits) findings_.add(element.id, "a compensation throw event must wait for its completion");
    if (const auto activity = node.attribute("activityRef"))
      pending_compensated_.emplace_back(static_cast<ElementIndex>(process_->elements.size()), activity.value());
  }

  void read_message_event(xml_node node, Element& element) {
    element.event = EventKind::kMessage;
    const std::string reference = node.attribute("messageRef").value();
    const auto found = messages_.find(reference);
    if (found == messages_.end()) {
      findings_.add(element.id, reference.empty() ? "the message event refers to no message" : "there is no message '" + reference + "'");
      return;
    }
    const Message& message = found->second;
    if (message.name.empty()) findings_.add(reference, "the message has no name");
    MessageDefinition definition;
    definition.name = expression(reference, "name", message.name);
    const bool begins_instance =
        element.kind == ElementKind::kStartEvent && process_->elements[element.scope].kind == ElementKind::kProcess;
    if (begins_instance) {
      definition.name = starting_name(reference, "message", std::move(definition.name));
    } else if (!message.correlation_key) {
      findings_.add(reference, "the message needs a zeebe:subscription with a correlationKey");
      return;
    } else {
      definition.correlation_key = *message.correlation_key;
    }
    element.message = std::move(definition);
  }

  // No instance is there yet whose variables it could ask for, nor does it change with the time.
  feel::Expression starting_name(std::string_view id, std::string_view what, feel::Expression name) {
    if (name.empty() || name.is_static()) return name;
    const feel::Context none;
    feel::Value value = name.evaluate(feel::ContextScope(none)).value;
    if (value.string() && !value.string()->empty()) return feel::Expression::constant(std::move(value));
    findings_.add(id, "the name of a " + std::string(what) + " that starts a process must be a text without variables");
    return name;
  }

  void read_signal_event(xml_node node, Element& element) {
    element.event = EventKind::kSignal;
    const std::string reference = node.attribute("signalRef").value();
    const auto found = signals_.find(reference);
    if (found == signals_.end()) {
      findings_.add(element.id, reference.empty() ? "the signal event refers to no signal" : "there is no signal '" + reference + "'");
      return;
    }
    if (found->second.empty()) findings_.add(reference, "the signal has no name");
    SignalDefinition definition{expression(reference, "name", found->second)};
    const bool begins_instance =
        element.kind == ElementKind::kStartEvent && process_->elements[element.scope].kind == ElementKind::kProcess;
    if (begins_instance) definition.name = starting_name(reference, "signal", std::move(definition.name));
    element.signal = std::move(definition);
  }

  void read_timer_event(xml_node node, Element& element) {
    element.event = EventKind::kTimer;
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto name = name_of(child);
      if (element.timer || (name.local != "timeDuration" && name.local != "timeDate" && name.local != "timeCycle")) {
        findings_.add(element.id, element.timer ? "a timer may have one definition only" : std::string(child.name()) + " is not supported");
        continue;
      }
      TimerDefinition timer;
      timer.kind = name.local == "timeDate"    ? TimerDefinition::Kind::kDate
                   : name.local == "timeCycle" ? TimerDefinition::Kind::kCycle
                                               : TimerDefinition::Kind::kDuration;
      timer.value = expression(element.id, name.local, trimmed(child.child_value()));
      if (timer.value.is_static() && !is_valid_timer(timer))
        findings_.add(element.id, "'" + timer.value.text() + "' is not a valid " + std::string(name.local));
      element.timer = std::move(timer);
    }
    if (!element.timer) findings_.add(element.id, "the timer needs a timeDuration or a timeDate");
    if (element.timer) check_timer(element);
  }

  // Only what may happen more than once may have a cycle; what starts an instance has no instance yet to wait in.
  void check_timer(const Element& element) {
    using Kind = TimerDefinition::Kind;
    const bool begins_instance =
        element.kind == ElementKind::kStartEvent && process_->elements[element.scope].kind == ElementKind::kProcess;
    const bool may_repeat = begins_instance || (element.kind != ElementKind::kIntermediateCatchEvent && !element.interrupting);
    if (element.timer->kind == Kind::kCycle && !may_repeat)
      findings_.add(element.id, "a timeCycle is supported in non-interrupting events and start events of a process only");
  }

  static bool is_valid_timer(const TimerDefinition& timer) {
    if (timer.kind == TimerDefinition::Kind::kDate) return parse_moment(timer.value.text()).has_value();
    if (timer.kind == TimerDefinition::Kind::kCycle) return parse_cycle(timer.value.text()).has_value();
    return parse_period(timer.value.text()).has_value();
  }

  CodeDefinition read_code(xml_node node, const std::string& what, const std::map<std::string, std::string>& declared,
                           const Element& element) {
    CodeDefinition definition;
    const bool throws = element.kind == ElementKind::kEndEvent || element.kind == ElementKind::kIntermediateThrowEvent;
    const std::string reference = node.attribute((what + "Ref").c_str()).value();
    if (reference.empty() && !throws) return definition;  // catches all
    const auto found = declared.find(reference);
    if (found == declared.end()) {
      findings_.add(element.id,
                    reference.empty() ? "the " + what + " event refers to no " + what : "there is no " + what + " '" + reference + "'");
    } else if (found->second.empty() && throws) {
      findings_.add(reference, "the " + what + " has no " + what + "Code");
    } else if (!found->second.empty()) {  // else it catches all
      definition.code = expression(reference, what + "Code", found->second);
      if (!throws && !definition.code.is_static()) findings_.add(reference, "the " + what + "Code of a catch event must be static");
    }
    return definition;
  }

  // ---- zeebe's extensions

  static bool may_be_job(const Element& element) {
    switch (element.kind) {
      case ElementKind::kServiceTask:
      case ElementKind::kSendTask:
      case ElementKind::kScriptTask:
      case ElementKind::kBusinessRuleTask: return true;
      case ElementKind::kEndEvent:
      case ElementKind::kIntermediateThrowEvent: return element.event == EventKind::kMessage;
      default: return false;
    }
  }

  // Forms of start events are for front ends; a user task of Zeebe's own is the same job over the gateway.
  static bool is_passed_over(std::string_view extension, const Element& element) {
    if (element.kind == ElementKind::kStartEvent) return extension == "formDefinition";
    return element.kind == ElementKind::kUserTask && extension == "userTask";
  }

  void read_extensions(xml_node node, Element& element) {
    const bool is_user_task = element.kind == ElementKind::kUserTask;
    if (is_user_task) element.job = user_task_job();
    const bool is_native =
        is_user_task && std::ranges::any_of(extensions_of(node), [](xml_node one) { return name_of(one).local == "userTask"; });
    check_repeats(
        node, element.id,
        {"taskDefinition"sv, "taskHeaders"sv, "ioMapping"sv, "calledElement"sv, "script"sv, "calledDecision"sv, "assignmentDefinition"sv,
         "taskSchedule"sv, "formDefinition"sv, "jobPriorityDefinition"sv, "executionListeners"sv, "userTask"sv, "priorityDefinition"sv});
    feel::Expression priority;
    for (const xml_node extension : extensions_of(node)) {
      const auto local = name_of(extension).local;
      if (local == "taskDefinition" && may_be_job(element)) {
        read_task_definition(extension, element);
      } else if (local == "taskHeaders" && (may_be_job(element) || is_user_task)) {
        read_headers(extension, element);
      } else if (local == "ioMapping" && !element.is_gateway()) {
        read_mappings(extension, element);
      } else if (local == "calledElement" && element.kind == ElementKind::kCallActivity) {
        read_called_element(extension, element);
      } else if (local == "script" && element.kind == ElementKind::kScriptTask) {
        read_script(extension, element);
      } else if (local == "calledDecision" && element.kind == ElementKind::kBusinessRuleTask) {
        read_called_decision(extension, element);
      } else if (is_user_task && (local == "assignmentDefinition" || local == "taskSchedule" || local == "formDefinition")) {
        read_user_task(extension, local, element, is_native ? UserTaskKind::kNative : UserTaskKind::kJob);
      } else if (local == "priorityDefinition" && is_native) {
        read_user_task_priority(extension, element);
      } else if (local == "jobPriorityDefinition" && may_be_job(element)) {
        priority = read_priority(extension, element.id);
      } else if (local == "executionListeners") {
        read_listeners(extension, element);
      } else if (is_passed_over(local, element)) {
        continue;
      } else {
        findings_.add(element.id, "zeebe:" + std::string(local) + " is not supported in a " + std::string(model::name_of(element.kind)));
      }
    }
    if (element.job) {
      element.job->headers.merge(headers_);
      element.job->priority = priority.empty() ? process_priority_ : std::move(priority);
    } else if (!priority.empty()) {
      findings_.add(element.id, "a zeebe:jobPriorityDefinition is for a task with a zeebe:taskDefinition");
    }
    headers_.clear();
  }

  static bool may_listen(const Element& element, bool at_start) {
    if (element.kind == ElementKind::kBoundaryEvent) return !at_start && element.event != EventKind::kCompensation;
    if (element.kind == ElementKind::kStartEvent) return !at_start;
    if (element.is_gateway()) return at_start;
    return at_start || !(element.kind == ElementKind::kEndEvent && element.event == EventKind::kError);
  }

  void read_listeners(xml_node node, Element& element) {
    std::set<std::pair<std::string, std::string>> seen;
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string event = child.attribute("eventType").value();
      const std::string type = child.attribute("type").value();
      const bool at_start = event == "start";
      if (name_of(child).local != "executionListener" || child.first_child()) {
        findings_.add(element.id, "zeebe:executionListeners may hold empty zeebe:executionListener elements only");
      } else if (!at_start && event != "end") {
        findings_.add(element.id, "the eventType of an execution listener must be start or end, not '" + event.substr(0, 40) + "'");
      } else if (!may_listen(element, at_start)) {
        findings_.add(element.id, "a listener of the eventType " + event + " is not supported in a " +
                                      std::string(model::name_of(element.kind)) +
                                      (element.event == EventKind::kNone ? "" : " of this kind"));
      } else if (!seen.emplace(event, type).second) {
        findings_.add(element.id, "there are two execution listeners with the eventType " + event + " and the type '" + type + "'");
      } else if (auto job = read_job(child, element, "execution listener")) {
        (at_start ? element.start_listeners : element.end_listeners).push_back(std::move(*job));
      }
    }
  }

  feel::Expression read_priority(xml_node node, std::string_view id) {
    const std::string_view text = node.attribute("priority").value();
    if (text.empty()) return {};
    feel::Expression priority = expression(id, "priority", text);
    if (!priority.is_static() || priority.empty()) return priority;
    const auto number = feel::Decimal::parse(text);
    const auto whole = number ? number->to_integer() : std::nullopt;
    if (!whole || !std::in_range<std::int32_t>(*whole)) {
      findings_.add(id, "a priority must be an integer of 32 bits or an expression that starts with '=', not '" +
                            std::string(text.substr(0, 40)) + "'");
      return {};
    }
    return feel::Expression::constant(*number);
  }

  void check_repeats(xml_node node, std::string_view id, std::initializer_list<std::string_view> once) {
    const std::vector<xml_node> extensions = extensions_of(node);
    for (const std::string_view local : once) {
      const auto count = std::count_if(extensions.begin(), extensions.end(), [&](xml_node one) { return name_of(one).local == local; });
      if (count > 1) findings_.add_to_new(id, "there is more than one zeebe:" + std::string(local));
    }
  }

  std::string read_version_tag(xml_node node, const char* attribute, std::string_view id) {
    const std::string_view tag = node.attribute(attribute).value();
    if (tag.empty()) findings_.add(id, "the version tag is empty");
    if (tag.size() > kMaxIdBytes) findings_.add(id, "the version tag is longer than 255 bytes");
    return std::string(tag.substr(0, kMaxIdBytes));
  }

  Binding read_binding(xml_node node, const Element& element) {
    using Kind = Binding::Kind;
    static constexpr std::pair<std::string_view, Kind> kKinds[] = {
        {"", Kind::kLatest}, {"latest", Kind::kLatest}, {"deployment", Kind::kDeployment}, {"versionTag", Kind::kVersionTag}};
    const std::string_view type = node.attribute("bindingType").value();
    const auto* const known = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& kind) { return kind.first == type; });
    if (known == std::end(kKinds)) {
      findings_.add(element.id, "the bindingType of a zeebe:" + std::string(name_of(node).local) +
                                    " must be latest, deployment or versionTag, not '" + std::string(type.substr(0, 40)) + "'");
      return {};
    }
    Binding binding{known->second, {}};
    if (binding.kind == Kind::kVersionTag) binding.version_tag = read_version_tag(node, "versionTag", element.id);
    return binding;
  }

  void read_called_element(xml_node node, Element& element) {
    for (const auto attribute : node.attributes()) {
      const std::string_view name = attribute.name();
      if (name != "processId" && name != "propagateAllChildVariables" && name != "propagateAllParentVariables" && name != "bindingType" &&
          name != "versionTag")
        findings_.add(element.id,
                      "the attribute " + std::string(name) + "=\"" + attribute.value() + "\" of a zeebe:calledElement is not supported");
    }
    CalledElement called;
    called.binding = read_binding(node, element);
    const std::string_view process_id = node.attribute("processId").value();
    if (process_id.empty()) findings_.add(element.id, "the zeebe:calledElement needs a processId");
    called.process_id = expression(element.id, "processId", process_id);
    called.gives_all_variables = std::string_view(node.attribute("propagateAllChildVariables").as_string("true")) != "false";
    called.takes_all_variables = std::string_view(node.attribute("propagateAllParentVariables").as_string("true")) != "false";
    element.called = std::move(called);
  }

  void read_script(xml_node node, Element& element) {
    const std::string_view text = node.attribute("expression").value();
    ScriptDefinition script;
    script.result_variable = node.attribute("resultVariable").value();
    if (!text.starts_with('=')) findings_.add(element.id, "a script must be an expression that starts with '='");
    if (!is_variable_name(script.result_variable)) findings_.add(element.id, "a script needs a resultVariable with the name of a variable");
    script.expression = expression(element.id, "the script", text);
    element.script = std::move(script);
  }

  void read_called_decision(xml_node node, Element& element) {
    for (const auto attribute : node.attributes()) {
      const std::string_view name = attribute.name();
      if (name != "decisionId" && name != "resultVariable" && name != "bindingType" && name != "versionTag")
        findings_.add(element.id,
                      "the attribute " + std::string(name) + "=\"" + attribute.value() + "\" of a zeebe:calledDecision is not supported");
    }
    CalledDecision called;
    called.binding = read_binding(node, element);
    const std::string_view id = node.attribute("decisionId").value();
    if (id.empty()) findings_.add(element.id, "the zeebe:calledDecision needs a decisionId");
    called.decision_id = expression(element.id, "decisionId", id);
    called.result_variable = node.attribute("resultVariable").value();
    if (!is_variable_name(called.result_variable))
      findings_.add(element.id, "a zeebe:calledDecision needs a resultVariable with the name of a variable");
    element.decision = std::move(called);
  }

  // kNative: one with a zeebe:userTask, which names forms that lie elsewhere in its own way.
  enum class UserTaskKind : std::uint8_t { kJob, kNative };
  void check_form(xml_node node, UserTaskKind kind, std::string_view elsewhere, const Element& element) {
    const std::string other(elsewhere), either = kind == UserTaskKind::kNative ? "an " + other : "a " + other;
    const pugi::xml_attribute id = node.attribute("formId"), reference = node.attribute(other.c_str());
    if (id && reference) findings_.add(element.id, "a zeebe:formDefinition has either a formId or " + either);
    if (trimmed(id.value()).empty() && trimmed(reference.value()).empty())
      findings_.add_to_new(element.id, "a zeebe:formDefinition needs a formId or " + either);
  }

  void read_user_task_priority(xml_node node, Element& element) {
    feel::Expression priority = read_priority(node, element.id);
    if (priority.empty()) return;
    ComputedHeader header{"io.camunda.zeebe:priority", ComputedHeader::Kind::kPriority, std::move(priority), {}};
    const feel::Context none;
    if (header.value.is_static() && !user_task_priority(header.value.evaluate(feel::ContextScope(none)).value))
      findings_.add(element.id, "the priority of a user task must be an integer from 0 to 100");
    element.job->computed_headers.push_back(std::move(header));
  }

  static JobDefinition user_task_job() {
    JobDefinition job;
    job.type = feel::Expression::parse_attribute(kUserTaskJobType).value();
    job.default_retries = 1;
    return job;
  }

  void read_user_task(xml_node node, std::string_view local, Element& element, UserTaskKind kind) {
    using Kind = ComputedHeader::Kind;
    static constexpr struct {
      std::string_view extension;
      const char* attribute;
      Kind kind;
    } kHeaders[] = {{"assignmentDefinition", "assignee", Kind::kText},
                    {"assignmentDefinition", "candidateGroups", Kind::kTexts},
                    {"assignmentDefinition", "candidateUsers", Kind::kTexts},
                    {"taskSchedule", "dueDate", Kind::kTime},
                    {"taskSchedule", "followUpDate", Kind::kTime},
                    {"formDefinition", "formKey", Kind::kText},
                    {"formDefinition", "externalReference", Kind::kText},
                    {"formDefinition", "formId", Kind::kForm}};
    const std::string_view elsewhere = kind == UserTaskKind::kNative ? "externalReference" : "formKey";
    if (local == "formDefinition") check_form(node, kind, elsewhere, element);
    for (const auto& known : kHeaders) {
      const std::string_view text = node.attribute(known.attribute).value();
      if (known.extension != local || text.empty()) continue;
      const bool is_of_form = known.extension == "formDefinition";
      if (is_of_form && known.kind != Kind::kForm && known.attribute != elsewhere) continue;
      const std::string name = is_of_form ? "formKey" : known.attribute;
      const bool is_literal = known.attribute == "formKey"sv;
      ComputedHeader header{"io.camunda.zeebe:" + name,
                            known.kind,
                            is_literal ? feel::Expression::constant(feel::Value(text)) : expression(element.id, known.attribute, text),
                            {}};
      if (known.kind == Kind::kForm) header.binding = read_binding(node, element);
      if (header.kind == Kind::kTexts && header.value.is_static()) header.value = feel::Expression::constant(split_list(text));
      if (header.kind == Kind::kTime && header.value.is_static() && !parse_rfc3339(text))
        findings_.add(element.id, "'" + std::string(text) + "' is not a valid " + known.attribute);
      element.job->computed_headers.push_back(std::move(header));
    }
  }

  static feel::List split_list(std::string_view text) {
    feel::List parts;
    while (true) {
      const auto comma = text.find(',');
      const std::string_view part = trimmed(text.substr(0, comma));
      if (!part.empty()) parts.emplace_back(part);
      if (comma == std::string_view::npos) return parts;
      text.remove_prefix(comma + 1);
    }
  }

  void read_task_definition(xml_node node, Element& element) {
    if (auto job = read_job(node, element, "zeebe:taskDefinition")) element.job = std::move(*job);
  }

  std::optional<JobDefinition> read_job(xml_node node, const Element& element, std::string_view what) {
    const std::string_view type = node.attribute("type").value();
    const std::string_view retries = node.attribute("retries").value();
    if (type.empty()) {
      findings_.add(element.id, "the " + std::string(what) + " has no type");
      return std::nullopt;
    }
    JobDefinition job;
    job.type = expression(element.id, "type", type);
    if (options_.known_job_types && job.type.is_static() && !options_.known_job_types->contains(job.type.text()))
      findings_.add(element.id, "there is no worker for the job type '" + job.type.text() + "'");
    if (!retries.empty()) {
      job.retries = expression(element.id, "retries", retries);
      if (job.retries.is_static() && !feel::Decimal::parse(job.retries.text())) findings_.add(element.id, "retries must be a number");
    }
    return job;
  }

  void read_headers(xml_node node, Element& element) {
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string key = child.attribute("key").value();
      if (name_of(child).local != "header" || key.empty()) {
        findings_.add(element.id, "zeebe:taskHeaders may hold zeebe:header elements with a key only");
        continue;
      }
      if (std::string_view(child.attribute("value").value()).empty()) continue;  // as in Zeebe
      if (!headers_.insert_or_assign(key, feel::Value(child.attribute("value").value())).second)
        findings_.add_to_new(element.id, "zeebe:taskHeaders has more than one header with the key '" + key + "'");
    }
  }

  enum class Direction : std::uint8_t { kInput, kOutput };

  // Where models of earlier days map, and may go on to.
  static bool could_map(const Element& element, Direction direction) {
    const bool throws = element.kind == ElementKind::kEndEvent || element.kind == ElementKind::kIntermediateThrowEvent;
    const bool waits = element.kind == ElementKind::kIntermediateCatchEvent && element.event != EventKind::kLink;
    if (direction == Direction::kInput) return element.is_activity() || element.kind == ElementKind::kEventSubProcess || throws || waits;
    return !(element.kind == ElementKind::kEndEvent && element.event == EventKind::kError) &&
           !(element.kind == ElementKind::kBoundaryEvent && element.event == EventKind::kCompensation);
  }

  // Elsewhere Zeebe passes a mapping over without a word.
  static bool may_map(const Element& element, Direction direction) {
    if (element.kind == ElementKind::kTask || element.kind == ElementKind::kManualTask) return false;
    if (element.kind != ElementKind::kEndEvent && element.kind != ElementKind::kIntermediateThrowEvent) return true;
    if (direction == Direction::kInput) return element.event == EventKind::kMessage || element.event == EventKind::kSignal;
    return element.event != EventKind::kTerminate && element.event != EventKind::kCompensation;
  }

  void read_mappings(xml_node node, Element& element) {
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto local = name_of(child).local;
      const bool input = local == "input";
      const auto direction = input ? Direction::kInput : Direction::kOutput;
      const std::string unsupported = "zeebe:" + std::string(local) + " is not supported in a " +
                                      std::string(model::name_of(element.kind)) +
                                      (element.event == EventKind::kNone ? "" : " of this kind");
      if ((!input && local != "output") || !could_map(element, direction)) {
        findings_.add(element.id, unsupported);
        continue;
      }
      if (!may_map(element, direction)) findings_.add_to_new(element.id, unsupported);
      Mapping mapping;
      const std::string_view source = child.attribute("source").value();
      const std::string_view target = child.attribute("target").value();
      if (source.empty()) findings_.add_to_new(element.id, "zeebe:" + std::string(local) + " needs a source");
      if (one_of(target, kReserved)) findings_.add_to_new(element.id, "the target of a mapping may not be the word " + std::string(target));
      if (!input && !source.empty() && !source.starts_with('='))
        findings_.add_to_new(element.id, "the source of zeebe:output must be an expression, which begins with =");
      mapping.source = expression(element.id, std::string(local) + " source", source);
      mapping.target = split_target(element.id, target);
      (input ? element.inputs : element.outputs).push_back(std::move(mapping));
    }
    element.inputs = as_they_are_made(std::move(element.inputs));
    element.outputs = as_they_are_made(std::move(element.outputs));
  }

  // As in a context of FEEL: members of one variable are made together, where the first of them stands, and of two mappings to one place,
  // or to a place in another's, the later counts.
  static std::vector<Mapping> as_they_are_made(std::vector<Mapping> mappings) {
    using Path = std::vector<std::string>;
    const auto start_of = [](const Path& path, std::size_t size) {
      return Path(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(size));
    };
    std::map<Path, std::size_t> first;  // where a variable or member was met first
    std::vector<std::pair<std::vector<std::size_t>, Mapping>> placed;
    for (Mapping& mapping : mappings) {
      std::vector<std::size_t> place;
      for (std::size_t size = 1; size <= mapping.target.size(); ++size)
        place.push_back(first.try_emplace(start_of(mapping.target, size), first.size()).first->second);
      placed.emplace_back(std::move(place), std::move(mapping));
    }
    std::set<Path> later;
    for (auto& [place, mapping] : placed | std::views::reverse) {
      const Path& target = mapping.target;
      const auto inside = later.lower_bound(target);
      bool replaced = inside != later.end() && inside->size() >= target.size() && start_of(*inside, target.size()) == target;
      for (std::size_t size = 1; size < target.size(); ++size) replaced = replaced || later.contains(start_of(target, size));
      later.insert(target);
      if (replaced) place.clear();
    }
    std::erase_if(placed, [](const auto& item) { return item.first.empty(); });
    std::ranges::stable_sort(placed, {}, &std::pair<std::vector<std::size_t>, Mapping>::first);
    mappings.clear();
    for (auto& item : placed) mappings.push_back(std::move(item.second));
    return mappings;
  }

  std::vector<std::string> split_target(std::string_view id, std::string_view target) {
    std::vector<std::string> parts;
    while (parts.size() <= kMaxPathParts) {
      const auto dot = target.find('.');
      parts.emplace_back(target.substr(0, dot));
      if (dot == std::string_view::npos) break;
      target.remove_prefix(dot + 1);
    }
    const bool valid = parts.size() <= kMaxPathParts &&
                       std::all_of(parts.begin(), parts.end(), [](const std::string& part) { return is_variable_name(part); });
    if (!valid) findings_.add(id, "the target of a mapping must be the name of a variable, or a path of names");
    return parts;
  }

  static bool is_variable_name(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    return std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
  }

  feel::Expression expression(std::string_view id, std::string_view where, std::string_view text) {
    auto parsed = feel::Expression::parse_attribute(text);
    if (parsed) return std::move(*parsed);
    findings_.add(id, what_is_wrong(where, parsed.error()));
    return {};
  }

  static std::string what_is_wrong(std::string_view where, const feel::SyntaxError& error) {
    return "invalid expression in " + std::string(where) + " at character " + std::to_string(error.position + 1) + ": " + error.message;
  }

  // ---- flows

  struct PendingFlow {
    Flow flow;
    std::string source;
    std::string target;
  };

  void read_flow(xml_node node) {
    PendingFlow pending;
    if (!take_id(node, pending.flow.id) || !within_limit(pending.flow.id)) return;
    check_attributes(node, pending.flow.id, {"sourceRef", "targetRef"});
    pending.flow.name = node.attribute("name").value();
    pending.source = node.attribute("sourceRef").value();
    pending.target = node.attribute("targetRef").value();
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto name = name_of(child);
      if (name.space == kBpmn && name.local == "conditionExpression") {
        const auto text = trimmed(child.child_value());
        if (!text.starts_with('=')) findings_.add(pending.flow.id, "a condition must be an expression that starts with '='");
        pending.flow.condition = expression(pending.flow.id, "the condition", text);
      } else if (name.space != kBpmn || !one_of(name.local, kSkipped)) {
        findings_.add(pending.flow.id, std::string(child.name()) + " is not supported in a sequenceFlow");
      }
    }
    pending_flows_.push_back(std::move(pending));
  }

  std::optional<ElementIndex> resolve(std::string_view from, std::string_view what, const std::string& id) {
    const auto found = process_->by_id.find(id);
    if (found != process_->by_id.end() && found->second != kProcessElement) return found->second;
    findings_.add(from, std::string(what) + " refers to '" + id + "', which does not exist");
    return std::nullopt;
  }

  void link_flows() {
    for (PendingFlow& pending : pending_flows_) {
      const auto source = resolve(pending.flow.id, "sourceRef", pending.source);
      const auto target = resolve(pending.flow.id, "targetRef", pending.target);
      if (!source || !target) continue;
      const auto index = static_cast<FlowIndex>(process_->flows.size());
      pending.flow.source = *source;
      pending.flow.target = *target;
      Element& from = process_->elements[*source];
      Element& to = process_->elements[*target];
      from.outgoing.push_back(index);
      to.incoming.push_back(index);
      if (from.kind == ElementKind::kEventBasedGateway) to.after_event_gateway = true;
      process_->has_inclusive_joins |= to.kind == ElementKind::kInclusiveGateway && to.joins();
      process_->flow_by_id.emplace(pending.flow.id, index);
      process_->flows.push_back(std::move(pending.flow));
    }
  }

  void link_boundaries() {
    for (const auto& [index, host_id] : pending_boundaries_) {
      const std::string& id = process_->elements[index].id;
      const auto host = resolve(id, "attachedToRef", host_id);
      if (!host) continue;
      if (!process_->elements[*host].is_activity()) {
        findings_.add(id, "a boundary event must be attached to a task or a sub-process");
        continue;
      }
      process_->elements[index].attached_to = *host;
      process_->elements[*host].boundary_events.push_back(index);
    }
  }

  // A link throw event goes on at the catch event of the same name in its scope.
  void link_links() {
    std::map<std::pair<ElementIndex, std::string>, ElementIndex> targets;
    for (std::size_t i = 0; i < process_->elements.size(); ++i) {
      const Element& element = process_->elements[i];
      if (element.event != EventKind::kLink || element.kind != ElementKind::kIntermediateCatchEvent) continue;
      if (!targets.emplace(std::pair(element.scope, element.link), static_cast<ElementIndex>(i)).second)
        findings_.add(element.id, "another link catch event has the name '" + element.link + "' already");
    }
    for (Element& element : process_->elements) {
      if (element.event != EventKind::kLink || element.kind != ElementKind::kIntermediateThrowEvent || element.link.empty()) continue;
      const auto found = targets.find(std::pair(element.scope, element.link));
      if (found == targets.end())
        findings_.add(element.id, "there is no link catch event '" + element.link + "' in the same scope");
      else
        link(element, found->second);
    }
  }

  void link(Element& thrower, ElementIndex target) {
    thrower.link_target = target;
    process_->elements[target].link_sources.push_back(static_cast<ElementIndex>(&thrower - process_->elements.data()));
  }

  // Which activity undoes which, by the association that leads there from the boundary event.
  void link_compensation() {
    for (std::size_t i = 0; i < process_->elements.size(); ++i) {
      const Element& event = process_->elements[i];
      if (event.kind != ElementKind::kBoundaryEvent || event.event != EventKind::kCompensation || event.attached_to == 0) continue;
      Element& activity = process_->elements[event.attached_to];
      if (activity.compensation_event != 0) findings_.add(event.id, "an activity may have one compensation boundary event only");
      activity.compensation_event = static_cast<ElementIndex>(i);
      activity.compensation_handler = find_handler(event);
    }
    for (const auto& [index, id] : pending_compensated_) {
      if (const auto activity = resolve(process_->elements[index].id, "activityRef", id)) process_->elements[index].compensated = *activity;
    }
  }

  ElementIndex find_handler(const Element& event) {
    ElementIndex handler = 0;
    const auto [first, last] = pending_associations_.equal_range(event.id);
    for (auto association = first; association != last; ++association) {
      const auto found = process_->by_id.find(association->second);
      if (found == process_->by_id.end()) continue;  // an annotation
      if (handler != 0) findings_.add(event.id, "a compensation boundary event may have one handler only");
      handler = found->second;
    }
    Element& element = process_->elements[handler];
    if (handler == 0)
      findings_.add(event.id, "a compensation boundary event needs an association with its handler");
    else if (!element.is_activity() || element.scope != event.scope)
      findings_.add(event.id, "the handler of a compensation must be an activity of the same scope");
    else
      element.is_compensation_handler = true;  // the association says so, whether or not it is marked
    return handler;
  }

  void link_defaults() {
    for (const auto& [index, flow_id] : pending_defaults_) {
      Element& element = process_->elements[index];
      for (const FlowIndex flow : element.outgoing) {
        if (process_->flows[flow].id == flow_id) element.default_flow = flow;
      }
      const bool chooses = element.kind == ElementKind::kExclusiveGateway || element.kind == ElementKind::kInclusiveGateway;
      if (chooses && element.default_flow) process_->flows[*element.default_flow].condition.reset();  // it is taken when no other is
      if (!element.default_flow) findings_.add(element.id, "the default flow '" + flow_id + "' is not one of the outgoing flows");
    }
  }

  Findings findings_;
  const ReadOptions& options_;
  std::set<std::string, std::less<>> ids_;
  std::map<std::string, Message> messages_;
  std::map<std::string, std::string> errors_;       // id to code
  std::map<std::string, std::string> escalations_;  // id to code
  std::map<std::string, std::string> signals_;      // id to name
  std::vector<std::shared_ptr<Process>> processes_;
  Process* process_ = nullptr;
  std::vector<PendingFlow> pending_flows_;
  std::vector<std::pair<ElementIndex, std::string>> pending_boundaries_;
  std::vector<std::pair<ElementIndex, std::string>> pending_defaults_;
  std::vector<std::pair<ElementIndex, std::string>> pending_compensated_;
  std::multimap<std::string, std::string, std::less<>> pending_associations_;  // source to target
  feel::Context headers_;
  feel::Expression process_priority_;
  std::size_t elements_before_ = 0;  // of the file's other processes
  bool too_many_ = false;
};

}  // namespace

std::expected<std::vector<ProcessPointer>, std::vector<Finding>> read_model(std::string_view file, std::string_view xml,
                                                                            const ReadOptions& options) {
  return Reader(file, options).read(xml);
}

}  // namespace consilium::bpmn::model

#include "bpmn/model/reader.h"

#include <algorithm>
#include <array>
#include <pugixml.hpp>

#include "base/time.h"
#include "bpmn/model/findings.h"
#include "bpmn/model/validation.h"

namespace consilium::bpmn::model {
namespace {

using pugi::xml_node;
using namespace std::string_view_literals;

constexpr std::string_view kBpmn = "http://www.omg.org/spec/BPMN/20100524/MODEL";
constexpr std::string_view kZeebe = "http://camunda.org/schema/zeebe/1.0";

constexpr std::ptrdiff_t kMaxAttributes = 200;  // of one XML element; every look-up of a namespace reads them

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
                                           {"triggeredByEvent", "false"},
                                           {"parallelMultiple", "false"},
                                           {"instantiate", "false"},
                                           {"eventGatewayType", "Exclusive"},
                                           {"startQuantity", "1"},
                                           {"completionQuantity", "1"},
                                           {"isInterrupting", "true"},
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
};

constexpr std::string_view kSkipped[] = {"documentation", "textAnnotation", "association", "group",
                                         "laneSet",       "incoming",       "outgoing",    "extensionElements"};

class Reader {
 public:
  Reader(std::string_view file, const ReadOptions& options) : findings_(file), options_(options) {}

  std::expected<std::vector<ProcessPointer>, std::vector<Finding>> read(std::string_view xml) {
    pugi::xml_document document;
    if (load(document, xml)) read_definitions(document.document_element());
    if (processes_.empty() && findings_.empty()) findings_.add("", "the file holds no executable process");
    if (!findings_.empty()) return std::unexpected(findings_.take());
    return std::vector<ProcessPointer>(processes_.begin(), processes_.end());
  }

 private:
  bool load(pugi::xml_document& document, std::string_view xml) {
    if (xml.size() > kMaxModelBytes) return refuse_file("larger than 4 MB");
    const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_doctype);
    if (!parsed)
      return refuse_file(std::string("not well-formed XML at byte ") + std::to_string(parsed.offset) + ": " + parsed.description());
    for (const xml_node node : document.children()) {
      if (node.type() == pugi::node_doctype) return refuse_file("document type declarations are not allowed");
    }
    if (!check_depth(document.document_element()))
      return refuse_file("XML nested deeper than 200 elements, or one with more than 200 attributes");
    if (!is_bpmn(document.document_element(), "definitions")) return refuse_file("the root element is not bpmn:definitions");
    return true;
  }

  bool refuse_file(std::string message) {
    findings_.add("", std::move(message));
    return false;
  }

  static bool check_depth(xml_node root) {
    int depth = 1;
    for (xml_node node = root; node;) {
      if (depth > kMaxModelDepth || std::distance(node.attributes_begin(), node.attributes_end()) > kMaxAttributes) return false;
      if (node.first_child()) {
        node = node.first_child();
        ++depth;
        continue;
      }
      while (node != root && !node.next_sibling()) {
        node = node.parent();
        --depth;
      }
      if (node == root) break;
      node = node.next_sibling();
    }
    return true;
  }

  // ---- definitions

  struct Message {
    std::string name;
    std::string correlation_key;
    bool has_key = false;
  };

  void read_definitions(xml_node definitions) {
    for (const xml_node node : definitions.children()) {
      if (is_bpmn(node, "message")) read_message(node);
      if (is_bpmn(node, "error")) read_error(node);
    }
    for (const xml_node node : definitions.children()) {
      if (node.type() != pugi::node_element) continue;
      const auto name = name_of(node);
      if (name.space != kBpmn) continue;  // the drawing
      if (name.local == "process") {
        read_process(node);
      } else if (name.local != "message" && name.local != "error" && name.local != "collaboration" && !one_of(name.local, kSkipped)) {
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
        message.has_key = true;
        message.correlation_key = extension.attribute("correlationKey").value();
      } else {
        findings_.add(id, "zeebe:" + std::string(name.local) + " is not supported here");
      }
    }
    messages_[id] = std::move(message);
  }

  void read_error(xml_node node) {
    std::string id;
    if (take_id(node, id)) errors_[id] = node.attribute("errorCode").value();
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

  void read_process(xml_node node) {
    std::string id;
    if (!take_id(node, id)) return;
    if (std::string_view(node.attribute("isExecutable").value()) != "true") return;
    check_attributes(node, id, {});
    for (const xml_node extension : extensions_of(node))
      findings_.add(id, "zeebe:" + std::string(name_of(extension).local) + " is not supported here");
    auto process = std::make_shared<Process>();
    process_ = process.get();
    process->id = id;
    process->name = node.attribute("name").value();
    Element root;
    root.id = id;
    root.name = process->name;
    process->elements.push_back(std::move(root));
    process->by_id.emplace(id, kProcessElement);
    pending_flows_.clear();
    pending_boundaries_.clear();
    pending_defaults_.clear();
    read_scope(node);
    link_flows();
    link_boundaries();
    link_defaults();
    check_process(*process, findings_);
    processes_.push_back(std::move(process));
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
        } else if (one_of(name.local, kSkipped)) {
          continue;
        } else if (const auto index = read_flow_node(node, name.local, scope);
                   index && process_->elements[*index].kind == ElementKind::kSubProcess) {
          open.emplace_back(node, *index);
        }
      }
    }
  }

  bool within_limit(std::string_view id) {
    if (process_->elements.size() + pending_flows_.size() < kMaxModelElements) return true;
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
    if (element.kind == ElementKind::kStartEvent) process_->elements[scope].start_event = index;
    check_attributes(
        node, element.id,
        element.kind == ElementKind::kBoundaryEvent ? std::array{"attachedToRef"sv, "cancelActivity"sv} : std::array{"default"sv, ""sv});
    read_children(node, element);
    read_extensions(node, element);
    process_->by_id.emplace(element.id, index);
    process_->elements.push_back(std::move(element));
    return index;
  }

  // `also` names further attributes that were read.
  void check_attributes(xml_node node, std::string_view id, std::array<std::string_view, 2> also) {
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
      if (!harmless && raw != also[0] && raw != also[1])
        findings_.add(id, "the attribute " + std::string(raw) + "=\"" + std::string(std::string_view(attribute.value()).substr(0, 40)) +
                              "\" is not supported");
    }
  }

  // ---- children: event definitions

  void read_children(xml_node node, Element& element) {
    const bool is_event = element.kind == ElementKind::kStartEvent || element.kind == ElementKind::kEndEvent ||
                          element.kind == ElementKind::kIntermediateCatchEvent || element.kind == ElementKind::kBoundaryEvent;
    if (element.kind == ElementKind::kSubProcess) return;  // its children are read as a scope
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto name = name_of(child);
      if (name.space == kBpmn && one_of(name.local, kSkipped)) continue;
      if (is_event && name.space == kBpmn && name.local.ends_with("EventDefinition")) {
        read_event_definition(child, name.local, element);
      } else {
        findings_.add(element.id, std::string(child.name()) + " is not supported in a " + std::string(model::name_of(element.kind)));
      }
    }
  }

  void read_event_definition(xml_node node, std::string_view local, Element& element) {
    const bool catches = element.kind == ElementKind::kIntermediateCatchEvent || element.kind == ElementKind::kBoundaryEvent;
    const bool may_fail = element.kind == ElementKind::kEndEvent || element.kind == ElementKind::kBoundaryEvent;
    if (element.event != EventKind::kNone) {
      findings_.add(element.id, "an event may have one definition only");
    } else if (local == "messageEventDefinition" && catches) {
      read_message_event(node, element);
    } else if (local == "timerEventDefinition" && catches) {
      read_timer_event(node, element);
    } else if (local == "errorEventDefinition" && may_fail) {
      read_error_event(node, element);
    } else {
      findings_.add(element.id, "bpmn:" + std::string(local) + " is not supported in a " + std::string(model::name_of(element.kind)));
    }
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
    if (!message.has_key || message.correlation_key.empty()) {
      findings_.add(reference, "the message needs a zeebe:subscription with a correlationKey");
      return;
    }
    MessageDefinition definition;
    definition.name = expression(reference, "name", message.name);
    definition.correlation_key = expression(reference, "correlationKey", message.correlation_key);
    element.message = std::move(definition);
  }

  void read_timer_event(xml_node node, Element& element) {
    element.event = EventKind::kTimer;
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto name = name_of(child);
      if (element.timer || (name.local != "timeDuration" && name.local != "timeDate")) {
        findings_.add(element.id, element.timer ? "a timer may have one definition only" : std::string(child.name()) + " is not supported");
        continue;
      }
      TimerDefinition timer;
      timer.kind = name.local == "timeDate" ? TimerDefinition::Kind::kDate : TimerDefinition::Kind::kDuration;
      timer.value = expression(element.id, name.local, trimmed(child.child_value()));
      if (timer.value.is_static() && !is_valid_timer(timer))
        findings_.add(element.id, "'" + timer.value.text() + "' is not a valid " + std::string(name.local));
      element.timer = std::move(timer);
    }
    if (!element.timer) findings_.add(element.id, "the timer needs a timeDuration or a timeDate");
  }

  static bool is_valid_timer(const TimerDefinition& timer) {
    if (timer.kind == TimerDefinition::Kind::kDate) return parse_rfc3339(timer.value.text()).has_value();
    return parse_iso8601_duration(timer.value.text()).has_value();
  }

  void read_error_event(xml_node node, Element& element) {
    element.event = EventKind::kError;
    element.error.emplace();
    const std::string reference = node.attribute("errorRef").value();
    if (reference.empty() && element.kind == ElementKind::kBoundaryEvent) return;  // catches all
    const auto found = errors_.find(reference);
    if (found == errors_.end()) {
      findings_.add(element.id, reference.empty() ? "the error event refers to no error" : "there is no error '" + reference + "'");
    } else if (found->second.empty()) {
      findings_.add(reference, "the error has no errorCode");
    } else {
      element.error->code = found->second;
    }
  }

  // ---- zeebe's extensions

  void read_extensions(xml_node node, Element& element) {
    const bool is_gateway = element.kind == ElementKind::kExclusiveGateway || element.kind == ElementKind::kParallelGateway ||
                            element.kind == ElementKind::kEventBasedGateway;
    for (const xml_node extension : extensions_of(node)) {
      const auto local = name_of(extension).local;
      if (local == "taskDefinition" && element.kind == ElementKind::kServiceTask) {
        read_task_definition(extension, element);
      } else if (local == "taskHeaders" && element.kind == ElementKind::kServiceTask) {
        read_headers(extension, element);
      } else if (local == "ioMapping" && !is_gateway) {
        read_mappings(extension, element);
      } else {
        findings_.add(element.id, "zeebe:" + std::string(local) + " is not supported in a " + std::string(model::name_of(element.kind)));
      }
    }
    if (!headers_.empty() && element.job) element.job->headers = std::move(headers_);
    headers_.clear();
  }

  void read_task_definition(xml_node node, Element& element) {
    const std::string_view type = node.attribute("type").value();
    const std::string_view retries = node.attribute("retries").value();
    if (type.empty()) {
      findings_.add(element.id, "the zeebe:taskDefinition has no type");
      return;
    }
    JobDefinition job;
    job.type = expression(element.id, "type", type);
    if (options_.known_job_types && job.type.is_static() && !options_.known_job_types->contains(job.type.text()))
      findings_.add(element.id, "there is no worker for the job type '" + job.type.text() + "'");
    if (!retries.empty()) {
      job.retries = expression(element.id, "retries", retries);
      const auto number = feel::Decimal::parse(job.retries.text());
      const auto whole = number ? number->to_integer() : std::nullopt;
      if (job.retries.is_static() && (!whole || *whole < 0 || *whole > 1000))
        findings_.add(element.id, "retries must be a whole number up to 1000");
    }
    element.job = std::move(job);
  }

  void read_headers(xml_node node, Element& element) {
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string key = child.attribute("key").value();
      if (name_of(child).local != "header" || key.empty()) {
        findings_.add(element.id, "zeebe:taskHeaders may hold zeebe:header elements with a key only");
        continue;
      }
      headers_.insert_or_assign(key, feel::Value(child.attribute("value").value()));
    }
  }

  void read_mappings(xml_node node, Element& element) {
    const bool takes_inputs = element.is_activity();
    const bool gives_outputs = element.kind != ElementKind::kEndEvent || element.event == EventKind::kNone;
    for (const xml_node child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto local = name_of(child).local;
      const bool input = local == "input" && takes_inputs;
      if (!input && !(local == "output" && gives_outputs)) {
        findings_.add(element.id, "zeebe:" + std::string(local) + " is not supported in a " + std::string(model::name_of(element.kind)));
        continue;
      }
      Mapping mapping;
      mapping.source = expression(element.id, std::string(local) + " source", child.attribute("source").value());
      mapping.target = split_target(element.id, child.attribute("target").value());
      (input ? element.inputs : element.outputs).push_back(std::move(mapping));
    }
  }

  std::vector<std::string> split_target(std::string_view id, std::string_view target) {
    std::vector<std::string> parts;
    while (true) {
      const auto dot = target.find('.');
      parts.emplace_back(target.substr(0, dot));
      if (dot == std::string_view::npos) break;
      target.remove_prefix(dot + 1);
    }
    const bool valid =
        parts.size() <= 10 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) { return is_variable_name(part); });
    if (!valid) findings_.add(id, "the target of a mapping must be the name of a variable, or a path of names");
    return parts;
  }

  static bool is_variable_name(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             static_cast<unsigned char>(c) >= 0x80;
    });
  }

  feel::Expression expression(std::string_view id, std::string_view where, std::string_view text) {
    auto parsed = feel::Expression::parse_attribute(text);
    if (parsed) return std::move(*parsed);
    findings_.add(id, "invalid expression in " + std::string(where) + " at character " + std::to_string(parsed.error().position + 1) +
                          ": " + parsed.error().message);
    return {};
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

  void link_defaults() {
    for (const auto& [index, flow_id] : pending_defaults_) {
      Element& element = process_->elements[index];
      for (const FlowIndex flow : element.outgoing) {
        if (process_->flows[flow].id == flow_id) element.default_flow = flow;
      }
      if (!element.default_flow) findings_.add(element.id, "the default flow '" + flow_id + "' is not one of the outgoing flows");
    }
  }

  Findings findings_;
  const ReadOptions& options_;
  std::set<std::string, std::less<>> ids_;
  std::map<std::string, Message> messages_;
  std::map<std::string, std::string> errors_;  // id to code
  std::vector<std::shared_ptr<Process>> processes_;
  Process* process_ = nullptr;
  std::vector<PendingFlow> pending_flows_;
  std::vector<std::pair<ElementIndex, std::string>> pending_boundaries_;
  std::vector<std::pair<ElementIndex, std::string>> pending_defaults_;
  feel::Context headers_;
  bool too_many_ = false;
};

}  // namespace

std::expected<std::vector<ProcessPointer>, std::vector<Finding>> read_model(std::string_view file, std::string_view xml,
                                                                            const ReadOptions& options) {
  return Reader(file, options).read(xml);
}

}  // namespace consilium::bpmn::model

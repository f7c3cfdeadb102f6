#include <map>

#include "emit.h"
#include "names.h"
#include "schema.h"

namespace consilium::generator {
namespace {

// All messages that events and socket messages carry.
void reach(const Message& message, std::map<std::string, const Message*>& messages, std::map<std::string, const Enum*>& enums) {
  if (!messages.emplace(public_name(message), &message).second) return;
  for (const Field& field : message.fields) {
    if (field.message != nullptr) reach(*field.message, messages, enums);
    if (field.enumeration != nullptr) enums.emplace(public_name(*field.enumeration), field.enumeration);
  }
}

json::object reference(const std::string& place) { return {{"$ref", place}}; }

json::object message_of(const Message& message, json::object payload) {
  json::object out{{"name", public_name(message)}, {"contentType", "application/json"}, {"payload", std::move(payload)}};
  if (!message.comment.empty()) out["summary"] = message.comment;
  return out;
}

// `{id?, seq?, corrId?, type, at, data}`
json::object envelope_of(const Message& message, const options::SocketRules& rules) {
  json::object properties{{"type", json::object{{"const", rules.type()}}}};
  json::array mandatory{"type"};
  if (rules.durable()) {
    properties["seq"] = json::object{{"type", "integer"}, {"minimum", 1}, {"description", "Rising by one a person, without gap."}};
    mandatory.push_back("seq");
  }
  if (rules.from() == options::SERVER) {
    properties["at"] = json::object{{"type", "string"}, {"format", "date-time"}};
    mandatory.push_back("at");
  }
  const json::object id{{"type", "string"}, {"maxLength", 64}};
  properties[rules.from() == options::SERVER ? "corrId" : "id"] = id;
  properties["data"] = reference_to(public_name(message));
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(mandatory)}};
}

struct Document {
  json::object channels;
  json::object operations;
  json::object messages;
  std::map<std::string, const Message*> carried;
  std::map<std::string, const Enum*> enums;
};

void add_event(Document& document, const File& file, const Message& message) {
  const std::string name = public_name(message);
  const std::string& topic = message.event->topic;
  json::object channel{{"address", topic}, {"messages", json::object{{name, reference("#/components/messages/" + name)}}}};
  channel["description"] = "Events of one `" + message.event->key->json_name + "` are handled in order.";
  document.channels[topic] = std::move(channel);
  document.operations[topic] =
      json::object{{"action", "send"},
                   {"channel", reference("#/channels/" + topic)},
                   {"summary", "Published by " + file.short_name + " in the transaction of the change that it tells of."}};
  document.messages[name] = message_of(message, reference_to(name));
  reach(message, document.carried, document.enums);
}

void add_socket_message(Document& document, const Message& message, const options::SocketRules& rules) {
  static constexpr const char* kChannel = "socket";
  const std::string name = "socket." + rules.type();
  if (!document.channels.contains(kChannel)) {
    document.channels[kChannel] = json::object{
        {"address", "/api/v1/events"},
        {"description",
         "WebSocket, sub-protocol `consilium.v1`, text frames of at most 16 KB. `?after=SEQ` goes on after the last number seen."},
        {"messages", json::object{}}};
  }
  document.channels[kChannel].get_object()["messages"].get_object()[name] = reference("#/components/messages/" + name);
  document.messages[name] = message_of(message, envelope_of(message, rules));
  const bool by_server = rules.from() == options::SERVER;
  const char* operation = by_server ? "socket.send" : "socket.receive";
  if (!document.operations.contains(operation)) {
    document.operations[operation] =
        json::object{{"action", by_server ? "send" : "receive"}, {"channel", reference("#/channels/socket")}, {"messages", json::array{}}};
  }
  document.operations[operation].get_object()["messages"].get_array().push_back(reference("#/channels/socket/messages/" + name));
  reach(message, document.carried, document.enums);
}

json::object schemas_of(const Document& document) {
  json::object schemas;
  const auto is_mandatory = [](const Message&, const Field& field) { return field.shape != Shape::kOptional || field.required(); };
  for (const auto& [name, enumeration] : document.enums) schemas[name] = schema_of(*enumeration);
  for (const auto& [name, message] : document.carried)
    schemas[name] = schema_of(*message, {is_mandatory, [](const Field& field) { return !field.rules.edge(); }, false});
  return schemas;
}

}  // namespace

std::string emit_asyncapi(const Contract& contract) {
  Document document;
  for (const auto& file : contract.files) {
    for (const auto& message : file->messages) {
      if (message->event) add_event(document, *file, *message);
      for (const options::SocketRules& rules : message->sockets) add_socket_message(document, *message, rules);
    }
  }
  json::object components{{"messages", std::move(document.messages)}, {"schemas", schemas_of(document)}};
  const json::object whole{
      {"asyncapi", "3.0.0"},
      {"info", json::object{{"title", "Consilium"},
                            {"version", "1"},
                            {"description",
                             "Events between services, and what the WebSocket carries. Readers skip members that they do not know."}}},
      {"defaultContentType", "application/json"},
      {"channels", std::move(document.channels)},
      {"operations", std::move(document.operations)},
      {"components", std::move(components)}};
  return pretty(whole);
}

}  // namespace consilium::generator

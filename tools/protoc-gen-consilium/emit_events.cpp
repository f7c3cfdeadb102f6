#include "emit.h"
#include "names.h"
#include "text.h"

namespace consilium::generator {

std::string emit_events_header(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add(R"(#pragma once

#include "$path$.h"
#include "ports/bus/event_payload.h"

namespace $space$ {

// Each writes the event into the outbox of `$service$` in the transaction of the change that it tells of.
)",
          {{"path", file.path}, {"space", file.space}, {"service", file.short_name}});
  for (const auto& message : file.messages) {
    if (!message->event) continue;
    out.add("Result<void> publish(database::Transaction& transaction, const runtime::Context& context, const $name$& event);\n",
            {{"name", message->name}});
  }
  out.add("\n}  // namespace $space$\n", {{"space", file.space}});
  return out.take();
}

std::string emit_events_source(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add("#include \"$path$_events.h\"\n\n#include \"base/text_value.h\"\n\nnamespace $space$ {\n",
          {{"path", file.path}, {"space", file.space}});
  for (const auto& message : file.messages) {
    if (!message->event) continue;
    out.add(R"(
Result<void> publish(database::Transaction& transaction, const runtime::Context& context, const $name$& event) {
  return bus::publish(transaction, $service$, context, {std::string($name$::kTopic), to_text(event.$key$), encode_json(event)});
}
)",
            {{"name", message->name}, {"service", quoted(file.short_name)}, {"key", message->event->key->name}});
  }
  out.add("\n}  // namespace $space$\n", {{"space", file.space}});
  return out.take();
}

}  // namespace consilium::generator

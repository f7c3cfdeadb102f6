// Typed reading of events: what a consumer's handler does first.
#pragma once

#include "base/codec.h"
#include "ports/bus/bus.h"

namespace consilium::bus {

// `Message` is an event of a generated contract. Members that it does not know are skipped, so that producers may add
// some. Error `event.wrong-topic` (kInternal) when the event is another one: the consumer's list of topics is wrong.
template <class Message>
Result<Message> decode_event(const Event& event) {
  if (event.topic != Message::kTopic)
    return fail(ErrorKind::kInternal, "event.wrong-topic", "Expected " + std::string(Message::kTopic) + ", but got " + event.topic);
  return decode_json<Message>(event.payload, UnknownMembers::kIgnore);
}

}  // namespace consilium::bus

// Records and checkpoints as bytes: a compact form of our own, little numbers in few bytes. Every row starts with the version
// of its form; every event carries its type and version. Decoding checks every length: bytes from a damaged file give
// an error, never a crash.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "bpmn/engine/state.h"

namespace consilium::bpmn::engine {

std::string encode_record(const Record& record);
std::expected<Record, std::string> decode_record(std::string_view bytes);

std::string encode_instance(const Instance& instance);
// The same in fewer bytes, as it rests in memory and in a checkpoint.
std::string pack_instance(const Instance& instance);
// Of either form. The state must hold the definition already. Without the variables (they may be damaged then): what is found by other
// things.
enum class Variables { kRead, kSkipped };
std::expected<Instance, std::string> decode_instance(const State& state, std::string_view bytes, Variables variables = Variables::kRead);

std::string encode_message(const Message& message);
std::expected<Message, std::string> decode_message(std::string_view bytes);

std::string encode_start_timer(const StartTimer& timer);
// The state must hold the definition already.
std::expected<StartTimer, std::string> decode_start_timer(const State& state, std::string_view bytes);

std::string encode_requirements(const Requirements& deployed);
// Without the model: `State::restore_requirements` reads it.
std::expected<Requirements, std::string> decode_requirements(std::string_view bytes);

std::string encode_form(const Form& form);
std::expected<Form, std::string> decode_form(std::string_view bytes);

std::string encode_retired(const Retired& retired);
std::expected<Retired, std::string> decode_retired(std::string_view bytes);
std::string encode_broadcast(const Broadcast& broadcast);
std::expected<Broadcast, std::string> decode_broadcast(std::string_view bytes);
std::string encode_bound(const ProcessBound& bound);
std::expected<ProcessBound, std::string> decode_bound(std::string_view bytes);

// All of the state that counts, in one text: equal states have equal snapshots.
std::string snapshot(const State& state);

}  // namespace consilium::bpmn::engine

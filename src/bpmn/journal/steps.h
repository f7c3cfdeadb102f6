// What one commit of the engine adds to its memory on disk, in the form in which it is kept: as rows of the database, or first as one
// frame of the commit log.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "bpmn/engine/records.h"

namespace consilium::bpmn::journal {

// What one turn of the engine has decided.
struct Batch {
  std::vector<engine::Record> records;
  std::vector<engine::EndedInstance> ended_instances;
  std::vector<engine::EndedElement> ended_elements;
  std::vector<Timestamp> ended_instances_at;
  std::vector<Timestamp> ended_elements_at;

  void add(Timestamp at, engine::Outcome& outcome);
  bool empty() const { return records.empty(); }
};

struct Steps {
  struct Model {
    engine::Key key = 0;
    std::string process_id;
    std::int32_t version = 0;
    std::string resource_name;
    std::string xml;
    Timestamp deployed_at;
  };
  struct EndedInstance {
    engine::Key key = 0;
    std::string process_id;
    std::int32_t version = 0;
    bool completed = false;
    Timestamp started_at;
    Timestamp ended_at;
    std::string idempotency_key;
    std::string variables;  // JSON
  };
  struct EndedElement {
    engine::Key key = 0;
    engine::Key instance = 0;
    std::string element_id;
    std::string element_type;
    bool completed = false;
    Timestamp started_at;
    Timestamp ended_at;
  };

  std::int64_t after = 0;           // position of the last record before them
  std::int64_t counter_before = 0;  // of the engine's keys
  std::int64_t counter = 0;
  std::vector<std::string> records;  // encoded
  std::vector<Model> models;         // that they deploy
  std::vector<EndedInstance> instances;
  std::vector<EndedElement> elements;

  std::int64_t last() const { return after + static_cast<std::int64_t>(records.size()); }
};

Steps steps_of(const Batch& batch);

std::string encode_steps(const Steps& steps);
std::expected<Steps, std::string> decode_steps(std::string_view bytes);

}  // namespace consilium::bpmn::journal

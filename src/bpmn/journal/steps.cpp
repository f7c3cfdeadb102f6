#include "bpmn/journal/steps.h"

#include <utility>
#include <variant>

#include "bpmn/engine/archive.h"
#include "bpmn/engine/codec.h"
#include "bpmn/feel/value.h"

namespace consilium::bpmn::journal {

void Batch::add(Timestamp at, engine::Outcome& outcome) {
  if (outcome.events.empty()) return;
  records.push_back({at, std::move(outcome.events)});
  for (engine::EndedInstance& ended : outcome.ended_instances) {
    ended_instances.push_back(std::move(ended));
    ended_instances_at.push_back(at);
  }
  for (engine::EndedElement& ended : outcome.ended_elements) {
    ended_elements.push_back(std::move(ended));
    ended_elements_at.push_back(at);
  }
}

Steps steps_of(const Batch& batch) {
  Steps steps;
  for (const engine::Record& record : batch.records) {
    steps.records.push_back(engine::encode_record(record));
    for (const engine::Event& event : record.events) {
      if (const auto* deployed = std::get_if<engine::ProcessDeployed>(&event))
        steps.models.push_back({deployed->key, deployed->process_id, deployed->version, deployed->resource_name, deployed->xml, record.at});
    }
  }
  for (std::size_t i = 0; i < batch.ended_instances.size(); ++i) {
    const engine::EndedInstance& ended = batch.ended_instances[i];
    steps.instances.push_back({ended.key, ended.process_id, ended.version, ended.completed, ended.started_at, batch.ended_instances_at[i],
                               ended.idempotency_key, feel::to_json(ended.variables)});
  }
  for (std::size_t i = 0; i < batch.ended_elements.size(); ++i) {
    const engine::EndedElement& ended = batch.ended_elements[i];
    steps.elements.push_back({ended.element_instance, ended.instance, ended.element, std::string(model::name_of(ended.kind)),
                              ended.completed, ended.started_at, batch.ended_elements_at[i]});
  }
  return steps;
}

namespace {

constexpr std::uint64_t kFormVersion = 1;

template <class Archive, class T>
void fields(Archive& archive, T& steps) {
  archive(steps.after), archive(steps.counter_before), archive(steps.counter);
  engine::sequence(archive, steps.records, [](auto& a, auto& record) { a(record); });
  engine::sequence(archive, steps.models, [](auto& a, auto& model) {
    a(model.key), a(model.process_id), a(model.version), a(model.resource_name), a(model.xml), a(model.deployed_at);
  });
  engine::sequence(archive, steps.instances, [](auto& a, auto& ended) {
    a(ended.key), a(ended.process_id), a(ended.version), a(ended.completed), a(ended.started_at), a(ended.ended_at);
    a(ended.idempotency_key), a(ended.variables);
  });
  engine::sequence(archive, steps.elements, [](auto& a, auto& ended) {
    a(ended.key), a(ended.instance), a(ended.element_id), a(ended.element_type), a(ended.completed), a(ended.started_at);
    a(ended.ended_at);
  });
}

}  // namespace

std::string encode_steps(const Steps& steps) {
  engine::Writer writer;
  writer.number(kFormVersion);
  fields(writer, steps);
  return writer.take();
}

std::expected<Steps, std::string> decode_steps(std::string_view bytes) {
  engine::Reader reader(bytes);
  Steps steps;
  if (reader.number() == kFormVersion) fields(reader, steps);
  if (!reader.good() || !reader.at_end()) return std::unexpected(std::string("the frame of the commit log is damaged"));
  return steps;
}

}  // namespace consilium::bpmn::journal

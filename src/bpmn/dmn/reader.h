// Reads DMN 1.1 to 1.5 XML. Everything wrong is told at once; the drawing, documentation and extensions of others are skipped.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "bpmn/dmn/model.h"
#include "bpmn/model/reader.h"

namespace consilium::bpmn::dmn {

using model::Finding;

struct ReadResult {
  ModelPointer model;             // null: nothing of it could be read
  std::vector<Finding> findings;  // empty: the model is sound. A model with findings can be evaluated; what is broken gives null.
};

struct File {
  std::string name;
  std::string xml;
};

// Whether what is declared to be of a type must be of it, as the standard has it; or, as with Zeebe, types are a remark.
enum class Types : std::uint8_t { kChecked, kIgnored };

// One file; `imported` are the models that it may import, by their namespace.
ReadResult read_model(std::string_view file, std::string_view xml, std::span<const ModelPointer> imported = {},
                      Types types = Types::kChecked);

// Several files that may import one another, in any order; the results in that of the files.
std::vector<ReadResult> read_models(std::span<const File> files);

}  // namespace consilium::bpmn::dmn

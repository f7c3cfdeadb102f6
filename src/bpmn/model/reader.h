// Reads BPMN 2.0 XML. What the engine does not know is refused by name, so that no model runs differently from how it
// was drawn; only the drawing, documentation, annotations, lanes, pools and extensions of other vendors are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/model/process.h"

namespace consilium::bpmn::model {

inline constexpr std::size_t kMaxModelBytes = 4 * 1024 * 1024;
inline constexpr int kMaxModelDepth = 200;                // of nested XML elements
inline constexpr std::size_t kMaxModelElements = 10'000;  // flow nodes and flows of a file
inline constexpr std::size_t kMaxProcesses = 100;         // of a file that can run
inline constexpr std::size_t kMaxIdBytes = 255;
inline constexpr std::size_t kMaxFindings = 200;

// One thing wrong with a model. `element_id` is empty when it concerns the whole file.
struct Finding {
  std::string file;
  std::string element_id;
  std::string message;

  bool operator==(const Finding&) const = default;
};

// What is deployed must keep the rules of today. What was deployed earlier kept those of its day, and is read again at every start.
enum class Origin : std::uint8_t { kDeployed, kKept };

struct ReadOptions {
  // When given, a service task whose (static) job type is not among them is a finding.
  const std::set<std::string, std::less<>>* known_job_types = nullptr;
  Origin origin = Origin::kDeployed;
};

// The executable processes of one file, in its order; or everything that is wrong with it.
std::expected<std::vector<ProcessPointer>, std::vector<Finding>> read_model(std::string_view file, std::string_view xml,
                                                                            const ReadOptions& options = {});

}  // namespace consilium::bpmn::model

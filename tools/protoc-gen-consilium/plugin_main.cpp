// The plugin of protoc. Parameters: `write_to=FOLDER` writes the outputs that changed there itself, instead of giving
// all of them to protoc, which would touch every file; `web=FOLDER` is where the TypeScript goes then.
// `foreign` makes the wire codec alone, of a protocol that is not ours and that our rules do not bind.
// `released=FILE` (may repeat) is a descriptor set that the contracts must stay compatible with.
#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "check.h"
#include "compatibility.h"
#include "generator.h"
#include "names.h"

namespace consilium::generator {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::compiler::GeneratorContext;

// What speaks against generating at all.
std::vector<std::string> find_reasons(const Contract& contract, const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::vector<std::string> reasons = check(contract);
  if (!reasons.empty()) return reasons;
  for (const auto& [name, file] : parameters) {
    if (name != "released") continue;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    std::string error = in ? "" : "cannot be read";
    const ReleasedContract released = error.empty() ? read_released(bytes.str(), error) : ReleasedContract();
    if (!error.empty()) reasons.push_back(file + ": " + error);
    for (const std::string& change : breaking_changes(released.contract, contract)) reasons.push_back(file + ": " + change);
  }
  return reasons;
}

class Plugin final : public google::protobuf::compiler::CodeGenerator {
 public:
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const FileDescriptor* file, const std::string& parameter, GeneratorContext* context, std::string* error) const override {
    return GenerateAll({file}, parameter, context, error);
  }

  bool GenerateAll(const std::vector<const FileDescriptor*>& files, const std::string& parameter, GeneratorContext* context,
                   std::string* error) const override {
    std::vector<std::pair<std::string, std::string>> pairs;
    google::protobuf::compiler::ParseGeneratorParameter(parameter, &pairs);
    const std::map<std::string, std::string> parameters(pairs.begin(), pairs.end());
    const Contract contract = read_contract(files);
    const bool is_foreign = parameters.contains("foreign");
    if (const auto reasons = is_foreign ? std::vector<std::string>() : find_reasons(contract, pairs); !reasons.empty()) {
      *error = "the contract is refused\n" + join(reasons, "\n");
      return false;
    }
    const std::vector<Output> outputs = is_foreign ? generate_foreign(contract) : generate(contract);
    if (const auto folder = parameters.find("write_to"); folder != parameters.end()) {
      const auto web = parameters.find("web");
      *error = write_changed({folder->second, web == parameters.end() ? folder->second + "/web" : web->second}, outputs);
      return error->empty();
    }
    for (const Output& output : outputs) {
      const std::unique_ptr<google::protobuf::io::ZeroCopyOutputStream> stream(context->Open(output.path));
      google::protobuf::io::CodedOutputStream(stream.get()).WriteString(output.text);
    }
    return true;
  }
};

}  // namespace
}  // namespace consilium::generator

int main(int argc, char** argv) {
  const consilium::generator::Plugin plugin;
  return google::protobuf::compiler::PluginMain(argc, argv, &plugin);
}

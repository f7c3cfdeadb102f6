// The plugin of protoc. Parameters: `write_to=FOLDER` writes the outputs that changed there itself, instead of giving
// all of them to protoc, which would touch every file; `web=FOLDER` is where the TypeScript goes then.
#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <map>
#include <memory>

#include "generator.h"

namespace consilium::generator {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::compiler::GeneratorContext;

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
    const std::vector<Output> outputs = generate(contract);
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

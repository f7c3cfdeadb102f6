#include "generator.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "emit.h"

namespace consilium::generator {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::filesystem::path place_of(const Folders& folders, const Output& output) {
  static constexpr std::string_view kWeb = "web/";
  if (output.path.starts_with(kWeb)) return std::filesystem::path(folders.web) / output.path.substr(kWeb.size());
  return std::filesystem::path(folders.outputs) / output.path;
}

void generate_file(const File& file, std::vector<Output>& out) {
  const auto add = [&](const char* ending, std::string text) { out.push_back({file.path + ending, std::move(text)}); };
  add(".h", emit_cpp_header(file));
  add(".cpp", emit_cpp_source(file));
  add("_codec.h", emit_codec_header(file));
  add("_json.cpp", emit_json_source(file));
  add("_wire.cpp", emit_wire_source(file));
  add("_validation.cpp", emit_validation_source(file));
  if (file.service() != nullptr) {
    add("_service.h", emit_service_header(file));
    add("_local.h", emit_local_header(file));
    add("_rpc.h", emit_rpc_header(file));
    add("_rpc.cpp", emit_rpc_source(file));
    add("_routes.h", emit_routes_header(file));
    add("_routes.cpp", emit_routes_source(file));
  }
  if (file.has_events()) {
    add("_events.h", emit_events_header(file));
    add("_events.cpp", emit_events_source(file));
  }
}

}  // namespace

std::vector<Output> generate(const Contract& contract) {
  std::vector<Output> out;
  for (const auto& file : contract.files) generate_file(*file, out);
  out.push_back({"web/types.ts", emit_typescript_types(contract)});
  out.push_back({"web/client.ts", emit_typescript_client(contract)});
  const std::string openapi = emit_openapi(contract);
  const std::string asyncapi = emit_asyncapi(contract);
  out.push_back({"openapi.json", openapi});
  out.push_back({"asyncapi.json", asyncapi});
  out.push_back({"consilium/documents.h", emit_documents_header()});
  out.push_back({"consilium/documents.cpp", emit_documents_source(openapi, asyncapi)});
  out.push_back({"docs/errors.md", emit_errors_page(contract)});
  out.push_back({"docs/topics.md", emit_topics_page(contract)});
  out.push_back({"docs/routes.md", emit_routes_page(contract)});
  return out;
}

std::vector<Output> generate_foreign(const Contract& contract) {
  std::vector<Output> out;
  for (const auto& file : contract.files) {
    out.push_back({file->path + ".h", emit_cpp_header(*file)});
    out.push_back({file->path + ".cpp", emit_cpp_source(*file)});
    out.push_back({file->path + "_codec.h", emit_codec_header(*file)});
    out.push_back({file->path + "_wire.cpp", emit_wire_source(*file)});
  }
  return out;
}

std::string write_changed(const Folders& folders, const std::vector<Output>& outputs) {
  for (const Output& output : outputs) {
    const std::filesystem::path path = place_of(folders, output);
    std::error_code error;
    if (std::filesystem::exists(path, error) && read_file(path) == output.text) continue;
    std::filesystem::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << output.text;
    if (!out.flush()) return "cannot write " + path.string();
  }
  return "";
}

}  // namespace consilium::generator

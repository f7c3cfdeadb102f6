// Contracts that a test writes as text or keeps in a folder, read as protoc would.
#pragma once

#include <google/protobuf/compiler/importer.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model.h"

namespace consilium::generator {

// Keeps the descriptors that its contract points to.
class ContractText final : public google::protobuf::compiler::MultiFileErrorCollector {
 public:
  // `texts` by path, before the files of `folder` (may be empty); reads all of `paths`.
  ContractText(std::map<std::string, std::string> texts, const std::string& folder, const std::vector<std::string>& paths);
  ~ContractText() override;

  const Contract& contract() const { return contract_; }
  const std::vector<const google::protobuf::FileDescriptor*>& files() const { return files_; }
  // Of protoc itself: the text is no valid .proto.
  const std::vector<std::string>& syntax_errors() const { return errors_; }

 private:
  class Tree;
  void AddError(const std::string& file, int line, int column, const std::string& message) override;

  std::unique_ptr<Tree> tree_;
  std::unique_ptr<google::protobuf::compiler::Importer> importer_;
  std::vector<std::string> errors_;
  std::vector<const google::protobuf::FileDescriptor*> files_;
  Contract contract_;
};

}  // namespace consilium::generator

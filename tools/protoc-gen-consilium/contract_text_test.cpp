#include "contract_text_test.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace consilium::generator {

using google::protobuf::compiler::DiskSourceTree;
using google::protobuf::compiler::SourceTree;
using google::protobuf::io::ZeroCopyInputStream;

class ContractText::Tree final : public SourceTree {
 public:
  Tree(std::map<std::string, std::string> texts, const std::string& folder) : texts_(std::move(texts)) {
    if (!folder.empty()) disk_.MapPath("", folder);
    disk_.MapPath("", std::string(CONSILIUM_SOURCE_DIR) + "/api");
    disk_.MapPath("", PROTOBUF_INCLUDE_DIR);
  }

  ZeroCopyInputStream* Open(const std::string& path) override {
    const auto text = texts_.find(path);
    if (text == texts_.end()) return disk_.Open(path);
    return new google::protobuf::io::ArrayInputStream(text->second.data(), static_cast<int>(text->second.size()));
  }
  std::string GetLastErrorMessage() override { return disk_.GetLastErrorMessage(); }

 private:
  std::map<std::string, std::string> texts_;
  DiskSourceTree disk_;
};

ContractText::ContractText(std::map<std::string, std::string> texts, const std::string& folder, const std::vector<std::string>& paths)
    : tree_(std::make_unique<Tree>(std::move(texts), folder)) {
  importer_ = std::make_unique<google::protobuf::compiler::Importer>(tree_.get(), this);
  for (const std::string& path : paths) {
    if (const auto* file = importer_->Import(path)) files_.push_back(file);
  }
  contract_ = read_contract(files_);
}

ContractText::~ContractText() = default;

void ContractText::AddError(const std::string& file, int line, int, const std::string& message) {
  errors_.push_back(file + ":" + std::to_string(line + 1) + ": " + message);
}

}  // namespace consilium::generator

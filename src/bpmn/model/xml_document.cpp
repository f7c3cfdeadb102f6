#include "bpmn/model/xml_document.h"

#include <iterator>

#include "bpmn/model/reader.h"

namespace consilium::bpmn::model {
namespace {

// Of an XML element and all around it together: every look-up of a namespace reads them.
constexpr std::ptrdiff_t kMaxAttributes = 1000;

std::ptrdiff_t attributes_of(pugi::xml_node node) { return std::distance(node.attributes_begin(), node.attributes_end()); }

bool is_shallow(pugi::xml_node root) {
  int depth = 1;
  std::ptrdiff_t around = 0;  // attributes of the elements around the node
  for (pugi::xml_node node = root; node;) {
    if (depth > kMaxModelDepth || around + attributes_of(node) > kMaxAttributes) return false;
    if (node.first_child()) {
      around += attributes_of(node);
      node = node.first_child();
      ++depth;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      around -= attributes_of(node);
      --depth;
    }
    if (node == root) break;
    node = node.next_sibling();
  }
  return true;
}

}  // namespace

std::expected<void, std::string> load_xml(pugi::xml_document& document, std::string_view xml, BlankText blank) {
  if (xml.size() > kMaxModelBytes) return std::unexpected("larger than 4 MB");
  const unsigned blanks = blank == BlankText::kKept ? pugi::parse_ws_pcdata : 0;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_doctype | blanks);
  if (!parsed) return std::unexpected("not well-formed XML at byte " + std::to_string(parsed.offset) + ": " + parsed.description());
  for (const pugi::xml_node node : document.children()) {
    if (node.type() == pugi::node_doctype) return std::unexpected("document type declarations are not allowed");
  }
  if (!is_shallow(document.document_element()))
    return std::unexpected("XML nested deeper than 200 elements, or one with more than 1,000 attributes on the way to it");
  return {};
}

}  // namespace consilium::bpmn::model

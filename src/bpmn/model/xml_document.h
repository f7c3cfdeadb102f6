// The XML of a model's file, within bounds: no document types, no entities of its own, neither deep nor wide.
#pragma once

#include <cstdint>
#include <expected>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace consilium::bpmn::model {

// Whether text of white space alone is kept.
enum class BlankText : std::uint8_t { kDropped, kKept };

// At most kMaxModelBytes, nested at most kMaxModelDepth. The error is what to say of the file.
std::expected<void, std::string> load_xml(pugi::xml_document& document, std::string_view xml, BlankText blank);

}  // namespace consilium::bpmn::model

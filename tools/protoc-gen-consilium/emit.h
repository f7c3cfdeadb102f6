// One function an output file. Each returns the whole text; `generator.cpp` decides where it goes.
#pragma once

#include <string>
#include <string_view>

#include "model.h"

namespace consilium::generator {

// Of every file of the contract.
std::string emit_cpp_header(const File& file);         // <file>.h: structs, enums, topics, errors
std::string emit_cpp_source(const File& file);         // <file>.cpp: texts of enums, errors
std::string emit_codec_header(const File& file);       // <file>_codec.h: what the .cpp of importing files call
std::string emit_json_source(const File& file);        // <file>_json.cpp
std::string emit_wire_source(const File& file);        // <file>_wire.cpp
std::string emit_validation_source(const File& file);  // <file>_validation.cpp

// Of files with a service.
std::string emit_service_header(const File& file);  // <file>_service.h: the interface
std::string emit_local_header(const File& file);    // <file>_local.h: the checked door to it in the same process
std::string emit_rpc_header(const File& file);      // <file>_rpc.h: the door to it in another process
std::string emit_rpc_source(const File& file);
std::string emit_routes_header(const File& file);  // <file>_routes.h: the door from the public API
std::string emit_routes_source(const File& file);

// Of files with events.
std::string emit_events_header(const File& file);  // <file>_events.h: publishers
std::string emit_events_source(const File& file);

// Of the whole contract.
std::string emit_typescript_types(const Contract& contract);   // types.ts: what the public API carries
std::string emit_typescript_client(const Contract& contract);  // client.ts: one method a route
std::string emit_openapi(const Contract& contract);
std::string emit_asyncapi(const Contract& contract);     // topics and WebSocket messages
std::string emit_errors_page(const Contract& contract);  // reference pages, Markdown
std::string emit_topics_page(const Contract& contract);
std::string emit_routes_page(const Contract& contract);
std::string emit_documents_header();  // consilium/documents.h: the two documents as text in the program
std::string emit_documents_source(const std::string& openapi, const std::string& asyncapi);

// First line of every output.
std::string banner(const File& file, std::string_view mark = "//");

}  // namespace consilium::generator

# consilium_embed(<library> FOLDER <dir> [GZIP] [PATTERNS …]): puts the files of a folder into the binary, with GZIP text
# files compressed besides. Code reads them by
#   #include "embedded/<library>.h"   →   std::span<const consilium::EmbeddedFile> consilium::embedded::<library>();
# The list is taken anew at each build, so that files made by another tool (the pages) need no new configuration.
function(consilium_embed library)
  cmake_parse_arguments(PARSE_ARGV 1 embed "GZIP" "FOLDER" "PATTERNS")
  set(mode)
  if(embed_GZIP)
    set(mode --gzip)
  endif()
  set(folder ${CMAKE_BINARY_DIR}/embedded)
  add_custom_target(${library}_listing
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/embed.py ${mode} ${library} ${embed_FOLDER} ${folder} ${embed_PATTERNS}
    BYPRODUCTS ${folder}/${library}.h ${folder}/${library}.cpp ${folder}/${library}.S
    VERBATIM)
  add_library(${library} STATIC ${folder}/${library}.cpp ${folder}/${library}.S)
  add_dependencies(${library} ${library}_listing)
  target_include_directories(${library} PUBLIC ${CMAKE_BINARY_DIR})
  # All of their headers, for what reads the code without building it.
  if(NOT TARGET embedded_generated)
    add_custom_target(embedded_generated)
  endif()
  add_dependencies(embedded_generated ${library}_listing)
endfunction()

# Libraries from Debian 12. Static archives where Debian has them, so that the binary needs glibc alone; Boost.JSON
# is compiled here from its sources-as-headers.
find_package(Threads REQUIRED)
find_package(Boost 1.81 EXACT REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(Protobuf REQUIRED)

function(consilium_single_source target text)
  set(file ${CMAKE_BINARY_DIR}/third_party/${target}.cpp)
  file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
  add_library(${target} STATIC ${file})
endfunction()

function(consilium_archive target)
  cmake_parse_arguments(PARSE_ARGV 1 archive "" "" "FILES;LINK")
  add_library(${target} INTERFACE)
  foreach(name ${archive_FILES})
    find_library(${target}_${name} NAMES lib${name}.a REQUIRED)
    target_link_libraries(${target} INTERFACE ${${target}_${name}})
  endforeach()
  target_link_libraries(${target} INTERFACE ${archive_LINK})
endfunction()

consilium_single_source(consilium_json "#include <boost/json/src.hpp>\n")
target_link_libraries(consilium_json PUBLIC Boost::headers)

# Asio's own code is compiled once; every TU that includes it must see the definition.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION)
consilium_single_source(consilium_asio "#include <boost/asio/impl/src.hpp>\n")
target_link_libraries(consilium_asio PUBLIC Boost::headers Threads::Threads)

consilium_archive(consilium_sqlite FILES sqlite3 LINK Threads::Threads dl m)
consilium_archive(consilium_tls FILES ssl crypto LINK Threads::Threads dl)

# gRPC with all that it needs. Abseil's archives depend on each other in circles, hence the group.
file(GLOB consilium_absl_archives /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libabsl_*.a)
add_library(consilium_grpc INTERFACE)
consilium_archive(consilium_grpc_parts FILES grpc++ grpc gpr upb address_sorting cares re2 z LINK consilium_tls)
target_link_libraries(consilium_grpc INTERFACE -Wl,--start-group consilium_grpc_parts ${consilium_absl_archives} -Wl,--end-group)

consilium_archive(consilium_http2 FILES nghttp2)
consilium_archive(consilium_zlib FILES z)
consilium_archive(consilium_yaml FILES yaml-cpp)
consilium_archive(consilium_xml FILES pugixml)

# ICU with the time zones alone of its data: the rest is 30 MB of languages.
find_library(consilium_icu_data NAMES libicudata.a REQUIRED)
set(consilium_icu_zones ${CMAKE_BINARY_DIR}/icu_zones)
add_custom_command(OUTPUT ${consilium_icu_zones}/icu_zones.S
  COMMAND ${CMAKE_SOURCE_DIR}/cmake/icu_zones.sh ${consilium_icu_data} ${consilium_icu_zones}
  DEPENDS ${CMAKE_SOURCE_DIR}/cmake/icu_zones.sh ${consilium_icu_data} VERBATIM)
add_library(consilium_icu_zones STATIC ${consilium_icu_zones}/icu_zones.S)
consilium_archive(consilium_icu FILES icui18n icuuc LINK consilium_icu_zones Threads::Threads dl m)
consilium_archive(consilium_protobuf FILES protobuf LINK Threads::Threads)
consilium_archive(consilium_protoc FILES protoc LINK consilium_protobuf)
consilium_archive(consilium_argon2 FILES argon2 LINK Threads::Threads)

add_library(consilium_testing INTERFACE)
target_link_libraries(consilium_testing INTERFACE GTest::gtest GTest::gmock GTest::gtest_main)

# Contracts: one run of the generator over all `api/consilium/*/v*/*.proto` writes everything below `build/…/generated`,
# only what changed. `consilium_contract(users)` makes the library `contract_users` of the C++ of `consilium.users.v1`.
set(CONSILIUM_GENERATED ${CMAKE_BINARY_DIR}/generated)

# The C++ files that the generator makes of one .proto, by whether it has a service and events.
function(consilium_contract_outputs proto variable)
  file(STRINGS ${proto} service REGEX "^service ")
  file(STRINGS ${proto} events REGEX "options\\.v1\\.event\\)")
  set(endings .h .cpp _codec.h _json.cpp _wire.cpp _validation.cpp)
  if(service)
    list(APPEND endings _service.h _local.h _rpc.h _rpc.cpp _routes.h _routes.cpp)
  endif()
  if(events)
    list(APPEND endings _events.h _events.cpp)
  endif()
  cmake_path(RELATIVE_PATH proto BASE_DIRECTORY ${CONSILIUM_API} OUTPUT_VARIABLE path)
  cmake_path(REMOVE_EXTENSION path)
  set(outputs)
  foreach(ending ${endings})
    list(APPEND outputs ${CONSILIUM_GENERATED}/${path}${ending})
  endforeach()
  set(${variable} ${outputs} PARENT_SCOPE)
endfunction()

# Runs the generator over the contracts below `api`, into `folder`; the TypeScript into `web`.
function(consilium_generate target api folder web protos)
  set(CONSILIUM_API ${api})
  set(CONSILIUM_GENERATED ${folder})
  set(outputs ${web}/types.ts ${web}/client.ts ${folder}/openapi.json ${folder}/asyncapi.json ${folder}/consilium/documents.h
              ${folder}/consilium/documents.cpp ${folder}/docs/errors.md ${folder}/docs/topics.md ${folder}/docs/routes.md)
  foreach(proto ${protos})
    consilium_contract_outputs(${proto} files)
    list(APPEND outputs ${files})
    # Which services and events there are decides which files: a changed .proto is looked at again.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${proto})
  endforeach()
  # Contracts of releases: the current ones must stay compatible with each.
  file(GLOB released CONFIGURE_DEPENDS ${api}/released/*.binpb)
  list(TRANSFORM released PREPEND --consilium_opt=released= OUTPUT_VARIABLE released_options)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND protobuf::protoc -I ${api} -I ${CMAKE_SOURCE_DIR}/api --plugin=protoc-gen-consilium=$<TARGET_FILE:protoc-gen-consilium>
            --consilium_out=${folder} --consilium_opt=write_to=${folder} --consilium_opt=web=${web} ${released_options} ${protos}
    DEPENDS ${protos} ${released} protoc-gen-consilium ${CMAKE_SOURCE_DIR}/api/consilium/options/v1/options.proto
    COMMENT "Generating the contracts"
    VERBATIM)
  add_custom_target(${target} DEPENDS ${outputs})
endfunction()

# A library of the C++ of `protos`, which lie below `api`.
function(consilium_contract_library target generation api folder protos)
  set(CONSILIUM_API ${api})
  set(CONSILIUM_GENERATED ${folder})
  set(sources)
  foreach(proto ${protos})
    consilium_contract_outputs(${proto} files)
    list(APPEND sources ${files})
  endforeach()
  add_library(${target} STATIC ${sources})
  add_dependencies(${target} ${generation})
  target_include_directories(${target} PUBLIC ${folder})
  target_link_libraries(${target} PUBLIC ports)
endfunction()

file(GLOB consilium_protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/api/consilium/*/v*/*.proto)
list(FILTER consilium_protos EXCLUDE REGEX "/options/")
if(consilium_protos)
  consilium_generate(contract_generated ${CMAKE_SOURCE_DIR}/api ${CONSILIUM_GENERATED} ${CMAKE_SOURCE_DIR}/web/src/generated
                     "${consilium_protos}")
  # Run at a release: later contracts are compared with what it writes.
  add_custom_target(
    contract_release
    COMMAND protobuf::protoc -I ${CMAKE_SOURCE_DIR}/api --include_imports
            --descriptor_set_out=${CMAKE_SOURCE_DIR}/api/released/${PROJECT_VERSION}.binpb ${consilium_protos}
    VERBATIM)
endif()

# The OpenAPI and AsyncAPI documents as text in the program.
add_library(contract_documents STATIC ${CONSILIUM_GENERATED}/consilium/documents.cpp)
add_dependencies(contract_documents contract_generated)
target_include_directories(contract_documents PUBLIC ${CONSILIUM_GENERATED})

function(consilium_contract name)
  file(GLOB protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/api/consilium/${name}/v*/*.proto)
  consilium_contract_library(contract_${name} contract_generated ${CMAKE_SOURCE_DIR}/api ${CONSILIUM_GENERATED} "${protos}")
endfunction()

# A protocol that is not ours: the library `target` of the messages of `<root>/<path>.proto` and their wire codec.
function(consilium_foreign_protocol target root path)
  set(folder ${CMAKE_BINARY_DIR}/generated_${target})
  set(outputs ${folder}/${path}.h ${folder}/${path}.cpp ${folder}/${path}_codec.h ${folder}/${path}_wire.cpp)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND protobuf::protoc -I ${root} --plugin=protoc-gen-consilium=$<TARGET_FILE:protoc-gen-consilium> --consilium_out=${folder}
            --consilium_opt=foreign ${root}/${path}.proto
    DEPENDS ${root}/${path}.proto protoc-gen-consilium
    COMMENT "Generating the codec of ${path}.proto"
    VERBATIM)
  add_library(${target} STATIC ${outputs})
  target_include_directories(${target} PUBLIC ${folder})
  target_link_libraries(${target} PUBLIC base)
endfunction()

# The sample contract of the generator's tests: its C++ is generated, built and tried as that of the services is.
set(sample_root ${CMAKE_SOURCE_DIR}/tools/protoc-gen-consilium)
set(sample_generated ${CMAKE_BINARY_DIR}/generated_sample)
set(sample_protos ${sample_root}/testdata/api/consilium/shared/v1/shared.proto ${sample_root}/testdata/api/consilium/sample/v1/sample.proto)
consilium_generate(contract_sample_generated ${sample_root}/testdata/api ${sample_generated} ${sample_generated}/web "${sample_protos}")
consilium_contract_library(contract_sample contract_sample_generated ${sample_root}/testdata/api ${sample_generated} "${sample_protos}")
add_executable(contract_sample_test
  ${sample_root}/contract_text_test.cpp ${sample_root}/sample/random_sample.cpp ${sample_root}/sample/codec_test.cpp ${sample_root}/sample/validation_test.cpp
  ${sample_root}/sample/adapters_test.cpp)
target_link_libraries(contract_sample_test PRIVATE contract_sample contract_generator consilium_testing)
target_compile_definitions(contract_sample_test PRIVATE CONSILIUM_SOURCE_DIR="${CMAKE_SOURCE_DIR}" PROTOBUF_INCLUDE_DIR="${protobuf_protos}"
                           PROTOC="$<TARGET_FILE:protobuf::protoc>" SAMPLE_OPENAPI="${sample_generated}/openapi.json")
add_test(NAME contract_sample_test COMMAND contract_sample_test)
set_property(GLOBAL APPEND PROPERTY CONSILIUM_TEST_PROGRAMS contract_sample_test)
consilium_fuzzer(contract_codec_fuzz ${sample_root}/sample/codec_fuzz.cpp contract_sample ${sample_root}/testdata/corpus)

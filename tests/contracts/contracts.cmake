# Wrappers around the public functions that hold every call of every C test to the
# rules of recsys.h (contracts.h). Made from the headers when CMake configures, again when one changes.
find_program(RECSYS_PYTHON NAMES python3)
if(NOT RECSYS_PYTHON)
  message(FATAL_ERROR "the tests need python3: it makes tests from the headers")
endif()
set(RECSYS_CONTRACTS_DIR ${CMAKE_BINARY_DIR}/contracts)
file(MAKE_DIRECTORY ${RECSYS_CONTRACTS_DIR}/seen)
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/recsys/*.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers}
  ${CMAKE_CURRENT_LIST_DIR}/generate.py ${CMAKE_CURRENT_LIST_DIR}/prototypes.py)
execute_process(COMMAND ${RECSYS_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/generate.py
  ${PROJECT_SOURCE_DIR} ${RECSYS_CONTRACTS_DIR} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "tests/contracts/generate.py has failed")
endif()
foreach(library core redis postgres mlflow)
  set(sources ${RECSYS_CONTRACTS_DIR}/wrap_${library}.c)
  if(library STREQUAL core)
    list(APPEND sources ${CMAKE_CURRENT_LIST_DIR}/contracts.c)
  endif()
  add_library(recsys_contracts_${library} OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(recsys_contracts_${library} PRIVATE recsys_compiler)
  target_include_directories(recsys_contracts_${library} PRIVATE ${PROJECT_SOURCE_DIR}/include)
endforeach()

# Hold the calls of a test program to the rules; `libraries` are those it is linked with.
function(recsys_hold_to_contracts program libraries)
  set(parts core)
  foreach(adapter redis postgres mlflow)
    if("${libraries}" MATCHES "recsys_${adapter}")
      list(APPEND parts ${adapter})
    endif()
  endforeach()
  foreach(part ${parts})
    target_sources(${program} PRIVATE $<TARGET_OBJECTS:recsys_contracts_${part}>)
    target_link_options(${program} PRIVATE "-Wl,@${RECSYS_CONTRACTS_DIR}/wrap_${part}.txt")
  endforeach()
endfunction()

# Every public function without arguments.
function(recsys_add_contracts)
  add_executable(contracts_nulls ${RECSYS_CONTRACTS_DIR}/nulls.c
    ${PROJECT_SOURCE_DIR}/tests/contracts/contracts.c)
  target_link_libraries(contracts_nulls PRIVATE recsys_compiler ${ARGV})
  target_include_directories(contracts_nulls PRIVATE ${PROJECT_SOURCE_DIR}/include)
  set_target_properties(contracts_nulls PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME contracts/nulls COMMAND contracts_nulls)
  set_tests_properties(contracts/nulls PROPERTIES LABELS api TIMEOUT ${RECSYS_TEST_SECONDS}
    ENVIRONMENT "RECSYS_CONTRACTS=${RECSYS_CONTRACTS_DIR}/seen")
endfunction()

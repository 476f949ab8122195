# recsys_add_scenarios(): the scenarios, run against the C API of the shared library; and their
# expected answers, computed once more by a plain reference.
function(recsys_add_scenarios)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/scenarios/c/*.c)
  add_executable(run_scenarios ${files})
  target_link_libraries(run_scenarios PRIVATE recsys_compiler recsys_test_support recsys m)
  target_include_directories(run_scenarios PRIVATE ${PROJECT_SOURCE_DIR}/include)
  set_target_properties(run_scenarios PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME api/scenarios COMMAND run_scenarios ${PROJECT_SOURCE_DIR}/tests/scenarios)
  add_test(NAME api/scenarios_reference
    COMMAND python3 ${PROJECT_SOURCE_DIR}/tests/scenarios/reference.py)
  set_tests_properties(api/scenarios api/scenarios_reference PROPERTIES LABELS api
    TIMEOUT ${RECSYS_TEST_SECONDS}
    ENVIRONMENT "OPENBLAS_NUM_THREADS=1;PYTHONDONTWRITEBYTECODE=1")
endfunction()

# recsys_add_bundle(): a test that writes a small bundle to RECSYS_TEST_BUNDLE for other tests.
# recsys_add_install(): installs this build and builds a consumer in every supported way.
set(RECSYS_TEST_BUNDLE ${CMAKE_BINARY_DIR}/tests/small-bundle)

function(recsys_add_bundle)
  add_executable(install_make_bundle ${PROJECT_SOURCE_DIR}/tests/install/make_bundle.c)
  target_link_libraries(install_make_bundle PRIVATE recsys_compiler recsys)
  set_target_properties(install_make_bundle PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME install/make_bundle COMMAND install_make_bundle ${RECSYS_TEST_BUNDLE})
  # With the label lint too, so that `ctest -L lint` has what it needs.
  set_tests_properties(install/make_bundle PROPERTIES LABELS "install;lint" TIMEOUT 60
    FIXTURES_SETUP bundle)
endfunction()

function(recsys_add_install)
  if(RECSYS_SANITIZE)
    return() # consumers do not know the sanitizer
  endif()
  add_test(NAME install/run COMMAND ${PROJECT_SOURCE_DIR}/tests/install/run.sh
    ${CMAKE_BINARY_DIR} ${RECSYS_TEST_BUNDLE})
  set_tests_properties(install/run PROPERTIES LABELS install TIMEOUT 300
    FIXTURES_REQUIRED bundle)
endfunction()

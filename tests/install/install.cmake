# recsys_add_bundle(): a test that writes a small bundle to RECSYS_TEST_BUNDLE for other tests.
# recsys_add_install(): installs this build and builds a consumer in every supported way; once more
# from a build without shared libraries.
set(RECSYS_TEST_BUNDLE ${CMAKE_BINARY_DIR}/tests/small-bundle)

function(recsys_add_bundle)
  add_executable(install_make_bundle ${PROJECT_SOURCE_DIR}/tests/install/make_bundle.c)
  target_link_libraries(install_make_bundle PRIVATE recsys_compiler recsys)
  set_target_properties(install_make_bundle PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME install/make_bundle COMMAND install_make_bundle ${RECSYS_TEST_BUNDLE})
  # With the label lint too, so that `ctest -L lint` has what it needs.
  set_tests_properties(install/make_bundle PROPERTIES LABELS "install;lint" TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_SETUP bundle)
endfunction()

function(recsys_add_install)
  if(RECSYS_SANITIZE)
    return() # consumers do not know the sanitizer
  endif()
  add_test(NAME install/run COMMAND ${PROJECT_SOURCE_DIR}/tests/install/run.sh
    ${CMAKE_BINARY_DIR} ${RECSYS_TEST_BUNDLE})
  set_tests_properties(install/run PROPERTIES LABELS install TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_REQUIRED bundle)
  add_test(NAME install/static_only COMMAND ${PROJECT_SOURCE_DIR}/tests/install/static_only.sh
    ${PROJECT_SOURCE_DIR} ${RECSYS_TEST_BUNDLE})
  set_tests_properties(install/static_only PROPERTIES LABELS install TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_REQUIRED bundle)
endfunction()

# recsys_add_trained(): trains models of the demo data, and of real ratings where
# they lie beside the checkout, and gives them to api/test_trained.
function(recsys_add_trained)
  set_tests_properties(api/test_trained PROPERTIES SKIP_RETURN_CODE 77)
  if(NOT TARGET recsys-train-als)
    return()
  endif()
  set(out ${CMAKE_BINARY_DIR}/tests/trained)
  add_test(NAME install/train_models COMMAND ${PROJECT_SOURCE_DIR}/tests/install/train_models.sh
    $<TARGET_FILE:recsys-train-als> ${out} ${PROJECT_SOURCE_DIR}/examples/data
    ${PROJECT_SOURCE_DIR}/../shared/data/ml-latest-small)
  set_tests_properties(install/train_models PROPERTIES LABELS api TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_SETUP trained ENVIRONMENT OPENBLAS_NUM_THREADS=1)
  set_tests_properties(api/test_trained PROPERTIES FIXTURES_REQUIRED trained
    ENVIRONMENT "RECSYS_TRAINED_BUNDLES=${out}/demo:${out}/demo-ratings:${out}/real;OPENBLAS_NUM_THREADS=1")
endfunction()

# recsys_add_man_check(): the manual pages that this build has made, against their programs.
function(recsys_add_man_check)
  get_property(pages GLOBAL PROPERTY RECSYS_MAN_PAGES)
  if(NOT pages)
    return()
  endif()
  set(pairs "")
  foreach(page ${pages})
    get_filename_component(name ${page} NAME_WE)
    list(APPEND pairs ${page} $<TARGET_FILE:${name}>)
  endforeach()
  add_test(NAME install/man_pages
    COMMAND ${RECSYS_PYTHON} ${PROJECT_SOURCE_DIR}/tests/install/check_man.py ${pairs})
  set_tests_properties(install/man_pages PROPERTIES LABELS "install;lint" TIMEOUT ${RECSYS_TEST_SECONDS}
    SKIP_RETURN_CODE 77 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endfunction()

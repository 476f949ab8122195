# recsys_add_integration(LIBRARIES...): tests/integration/*.c run against real servers, which
# tests/support/servers.py starts before the first of them and ends after the last.
function(recsys_add_integration)
  if(NOT TARGET recsys_redis OR NOT TARGET recsys_postgres)
    message(STATUS "an adapter is not built: integration tests are left out")
    return()
  endif()
  find_program(RECSYS_PYTHON NAMES python3)
  if(NOT RECSYS_PYTHON)
    message(FATAL_ERROR "integration tests need python3, which starts their servers")
  endif()
  set(servers ${RECSYS_PYTHON} ${PROJECT_SOURCE_DIR}/tests/support/servers.py)
  set(place ${CMAKE_BINARY_DIR}/tests/servers)

  add_test(NAME integration/servers_start COMMAND ${servers} start ${place})
  add_test(NAME integration/servers_stop COMMAND ${servers} stop ${place})
  set_tests_properties(integration/servers_start PROPERTIES FIXTURES_SETUP servers)
  set_tests_properties(integration/servers_stop PROPERTIES FIXTURES_CLEANUP servers)
  set_tests_properties(integration/servers_start integration/servers_stop PROPERTIES
    LABELS integration TIMEOUT ${RECSYS_TEST_SECONDS})

  recsys_add_tests(integration LIBRARIES ${ARGV} THROUGH ${servers} run ${place} --)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/integration/*.c)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    set_tests_properties(integration/${name} PROPERTIES FIXTURES_REQUIRED servers)
    if(name MATCHES "^figures_") # what they measure must not wait for other tests
      set_tests_properties(integration/${name} PROPERTIES RUN_SERIAL ON TIMEOUT 3600
        LABELS "integration;figures")
    endif()
  endforeach()

  # Started by celery_results.py, which has a real worker's results to read.
  add_executable(celery_reads ${PROJECT_SOURCE_DIR}/tests/integration/celery/celery_reads.c)
  target_link_libraries(celery_reads PRIVATE recsys_compiler recsys_test_support ${ARGV})
  target_include_directories(celery_reads PRIVATE ${PROJECT_SOURCE_DIR}/include)
  set_target_properties(celery_reads PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

  if(TARGET recsys_mlflow)
    # Told what to do by tests that start MLflow servers, and servers that misbehave.
    add_executable(mlflow_client
      ${PROJECT_SOURCE_DIR}/tests/integration/mlflow/mlflow_client.c)
    target_link_libraries(mlflow_client PRIVATE recsys_compiler recsys_mlflow PkgConfig::jansson)
    target_include_directories(mlflow_client PRIVATE ${PROJECT_SOURCE_DIR}/include)
    recsys_hold_to_contracts(mlflow_client recsys_mlflow)
    set_target_properties(mlflow_client PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    # Needs no MLflow, so that every sanitizer sees the client meet every fault.
    add_test(NAME integration/mlflow_faults COMMAND ${RECSYS_PYTHON}
      ${PROJECT_SOURCE_DIR}/tests/integration/mlflow/mlflow_faults.py $<TARGET_FILE:mlflow_client>
      ${RECSYS_TEST_BUNDLE})
    set_tests_properties(integration/mlflow_faults PROPERTIES LABELS integration
      FIXTURES_REQUIRED bundle TIMEOUT ${RECSYS_TEST_SECONDS}
      ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;RECSYS_CONTRACTS=${RECSYS_CONTRACTS_DIR}/seen")
  endif()
endfunction()

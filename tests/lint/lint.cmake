# recsys_add_lints(): every tests/lint/check_*.py becomes a test with the label lint.
# Needs recsys_add_bundle() of tests/install/install.cmake to have been called.
function(recsys_add_lints)
  find_program(RECSYS_PYTHON NAMES python3)
  if(NOT RECSYS_PYTHON)
    message(STATUS "no python3: lints are left out")
    return()
  endif()
  set(libraries $<TARGET_FILE:recsys>)
  foreach(adapter redis postgres mlflow)
    if(TARGET recsys_${adapter})
      list(APPEND libraries $<TARGET_FILE:recsys_${adapter}>)
    endif()
  endforeach()
  set(daemon "")
  if(TARGET recsysd)
    set(daemon $<TARGET_FILE:recsysd>)
  endif()
  set(objects "")
  foreach(target recsys_objects recsys_redis_objects recsys_postgres_objects
      recsys_mlflow_objects recsysd recsysctl)
    if(TARGET ${target})
      list(APPEND objects $<TARGET_OBJECTS:${target}>)
    endif()
  endforeach()
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/lint/check_*.py)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    add_test(NAME lint/${name} COMMAND ${RECSYS_PYTHON} ${file} ${PROJECT_SOURCE_DIR}
      "$<$<STREQUAL:${name},check_symbols>:${libraries}>"
      "$<$<STREQUAL:${name},check_circles>:${objects}>"
      "$<$<STREQUAL:${name},check_settings>:${daemon}>"
      $<$<STREQUAL:${name},check_docs>:${RECSYS_TEST_BUNDLE}> COMMAND_EXPAND_LISTS)
    set_tests_properties(lint/${name} PROPERTIES LABELS lint TIMEOUT ${RECSYS_TEST_SECONDS}
      ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;CC=${CMAKE_C_COMPILER}")
  endforeach()
  # A program that does not know the sanitizer cannot be linked with a library that does.
  set(environment "PYTHONDONTWRITEBYTECODE=1;CC=${CMAKE_C_COMPILER}")
  if(NOT RECSYS_SANITIZE)
    list(APPEND environment "RECSYS_BUILD_DIR=${CMAKE_BINARY_DIR}")
  endif()
  set_tests_properties(lint/check_docs PROPERTIES ENVIRONMENT "${environment}"
    FIXTURES_REQUIRED bundle)
endfunction()

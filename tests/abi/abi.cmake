# recsys_add_abi(): what of tests/abi is no C program; those are found by recsys_add_tests().
function(recsys_add_abi)
  find_program(RECSYS_PYTHON NAMES python3)
  if(NOT RECSYS_PYTHON)
    message(STATUS "no python3: the headers are compiled as C11 only")
    return()
  endif()
  foreach(name compile_headers check_complete)
    add_test(NAME abi/${name} COMMAND ${RECSYS_PYTHON}
      ${PROJECT_SOURCE_DIR}/tests/abi/${name}.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(abi/${name} PROPERTIES LABELS lint TIMEOUT 300
      ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
  endforeach()
endfunction()

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
    set_tests_properties(abi/${name} PROPERTIES LABELS lint TIMEOUT ${RECSYS_TEST_SECONDS}
      ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
  endforeach()
  recsys_add_grown()
  recsys_add_releases()
endfunction()

# A program of tests/abi/grown_program.c: compiled with the headers in `include`, linked with
# `suffix` libraries ("" = ours, "_grown" = those of a later release).
function(recsys_add_grown_program name include suffix)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE recsys_compiler recsys_test_support recsys${suffix} m)
  target_compile_options(${name} PRIVATE -O0)
  # Before all others: each library brings its own public headers with it.
  target_include_directories(${name} BEFORE PRIVATE ${include} ${PROJECT_SOURCE_DIR})
  add_dependencies(${name} recsys_grown_headers)
  foreach(adapter redis postgres mlflow)
    if(TARGET recsys_${adapter})
      string(TOUPPER ${adapter} ADAPTER)
      target_link_libraries(${name} PRIVATE recsys_${adapter}${suffix})
      target_compile_definitions(${name} PRIVATE WITH_${ADAPTER})
    endif()
  endforeach()
endfunction()

# A library compiled from our sources against the headers of a later release.
function(recsys_add_grown_library name like include)
  get_target_property(sources ${like}_objects SOURCES)
  add_library(${name} SHARED EXCLUDE_FROM_ALL ${sources} ${ARGN})
  get_target_property(needs ${like}_objects LINK_LIBRARIES)
  target_link_libraries(${name} PRIVATE ${needs})
  target_compile_options(${name} PRIVATE -O0 -w)
  target_include_directories(${name} BEFORE PRIVATE ${include})
  add_dependencies(${name} recsys_grown_headers)
endfunction()

# Older programs on newer libraries and the other way round; see grow_headers.py. Built when the
# tests run, for it is half of the library's build once more.
function(recsys_add_grown)
  set(include ${CMAKE_CURRENT_BINARY_DIR}/grown/include)
  set(program ${PROJECT_SOURCE_DIR}/tests/abi/grown_program.c)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/recsys/*.h)
  set(grown ${headers})
  list(TRANSFORM grown REPLACE ${PROJECT_SOURCE_DIR}/include ${include})
  add_custom_command(OUTPUT ${include}/made BYPRODUCTS ${grown}
    COMMAND ${RECSYS_PYTHON} ${PROJECT_SOURCE_DIR}/tests/abi/grow_headers.py
      ${PROJECT_SOURCE_DIR}/include ${include}
    COMMAND ${CMAKE_COMMAND} -E touch ${include}/made
    DEPENDS ${headers} ${PROJECT_SOURCE_DIR}/tests/abi/grow_headers.py VERBATIM)
  add_custom_target(recsys_grown_headers DEPENDS ${include}/made)

  recsys_add_grown_library(recsys_grown recsys ${include})
  foreach(adapter redis postgres mlflow)
    if(TARGET recsys_${adapter})
      file(GLOB base ${PROJECT_SOURCE_DIR}/lib/base/*.c)
      list(FILTER base EXCLUDE REGEX "/(alloc|version|radix)\\.c$")
      if(NOT adapter STREQUAL mlflow) # the only one with jansson
        list(FILTER base EXCLUDE REGEX "/json\\.c$")
      endif()
      recsys_add_grown_library(recsys_${adapter}_grown recsys_${adapter} ${include}
        ${base} ${PROJECT_SOURCE_DIR}/lib/adapters/librecsys_memory.c)
      target_link_libraries(recsys_${adapter}_grown PRIVATE PkgConfig::xxhash PkgConfig::libcrypto
        recsys_grown)
    endif()
  endforeach()
  recsys_add_grown_program(abi_older_program ${PROJECT_SOURCE_DIR}/include _grown ${program})
  recsys_add_grown_program(abi_newer_program ${include} "" ${program})
  recsys_add_grown_program(abi_later_program ${include} _grown ${program})
  target_compile_definitions(abi_newer_program PRIVATE GROWN LIBRARY_IS_OLDER)
  target_compile_definitions(abi_later_program PRIVATE GROWN)

  set(programs abi_older_program abi_newer_program abi_later_program)
  foreach(name ${programs})
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL TRUE
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    string(REGEX REPLACE "^abi_" "" test ${name})
    add_test(NAME abi/${test} COMMAND ${name})
    set_tests_properties(abi/${test} PROPERTIES LABELS abi TIMEOUT ${RECSYS_TEST_SECONDS}
      FIXTURES_REQUIRED grown_libraries ENVIRONMENT "OPENBLAS_NUM_THREADS=1")
  endforeach()
  add_test(NAME abi/build_grown COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR}
    --target ${programs})
  set_tests_properties(abi/build_grown PROPERTIES LABELS abi TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_SETUP grown_libraries)
endfunction()

# The library as it is, with debug information whatever the build type: for abidiff, and as what
# programs of kept releases run with.
function(recsys_add_releases)
  get_target_property(soversion recsys SOVERSION)
  recsys_add_grown_library(recsys_described recsys ${PROJECT_SOURCE_DIR}/include)
  target_compile_options(recsys_described PRIVATE -g)
  target_link_options(recsys_described PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/lib/recsys.map)
  set_target_properties(recsys_described PROPERTIES OUTPUT_NAME recsys VERSION ${PROJECT_VERSION}
    SOVERSION ${soversion} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/described)
  add_test(NAME abi/build_described COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR}
    --target recsys_described)
  # Two builds at once in one folder would be in each other's way.
  set_tests_properties(abi/build_described PROPERTIES LABELS abi TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_SETUP described_library DEPENDS abi/build_grown)
  set(flags)
  if(RECSYS_SANITIZE)
    set(flags -fsanitize=${RECSYS_SANITIZE})
  endif()
  add_test(NAME abi/check_releases COMMAND ${RECSYS_PYTHON}
    ${PROJECT_SOURCE_DIR}/tests/abi/check_releases.py ${PROJECT_SOURCE_DIR}
    $<TARGET_FILE:recsys_described> $<TARGET_FILE:recsys_test_support> ${CMAKE_C_COMPILER} ${flags})
  set_tests_properties(abi/check_releases PROPERTIES LABELS abi TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_REQUIRED described_library ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    return() # abidiff does not see where clang's private structs are declared
  endif()
  add_test(NAME abi/check_abidiff COMMAND ${RECSYS_PYTHON}
    ${PROJECT_SOURCE_DIR}/tests/abi/check_abidiff.py ${PROJECT_SOURCE_DIR}
    $<TARGET_FILE:recsys_described> ${CMAKE_C_COMPILER})
  set_tests_properties(abi/check_abidiff PROPERTIES LABELS abi TIMEOUT ${RECSYS_TEST_SECONDS}
    FIXTURES_REQUIRED described_library SKIP_RETURN_CODE 77
    ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endfunction()

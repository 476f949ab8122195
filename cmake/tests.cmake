# recsys_add_tests(FOLDER LIBRARIES library... [THROUGH command...]): every tests/FOLDER/*.c
# becomes a program and a test, which the command runs if there is one. tests/support is a
# static library, so that a program that sees only the public headers takes from it only what
# does, too.
file(GLOB recsys_support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/support/*.c)
add_library(recsys_test_support STATIC EXCLUDE_FROM_ALL ${recsys_support})
target_link_libraries(recsys_test_support PRIVATE recsys_compiler
  PUBLIC PkgConfig::jansson PkgConfig::libcrypto)
target_include_directories(recsys_test_support PRIVATE ${PROJECT_SOURCE_DIR}/include)

# Enough for a busy machine, with a sanitizer, too; an emulated one needs more.
set(RECSYS_TEST_SECONDS 1500 CACHE STRING "Seconds that a test may take")

function(recsys_add_tests folder)
  cmake_parse_arguments(TESTS "" "" "LIBRARIES;THROUGH" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*.c)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    add_executable(${folder}_${name} ${file})
    target_link_libraries(${folder}_${name} PRIVATE recsys_compiler recsys_test_support
      ${TESTS_LIBRARIES} cmocka m)
    recsys_hold_to_contracts(${folder}_${name} "${TESTS_LIBRARIES}")
    target_include_directories(${folder}_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
    set_target_properties(${folder}_${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${folder}/${name} COMMAND ${TESTS_THROUGH} $<TARGET_FILE:${folder}_${name}>)
    set_tests_properties(${folder}/${name} PROPERTIES LABELS ${folder}
      TIMEOUT ${RECSYS_TEST_SECONDS}
      ENVIRONMENT "RECSYS_SOURCE_DIR=${PROJECT_SOURCE_DIR};RECSYS_BUILD_DIR=${CMAKE_BINARY_DIR};RECSYS_CONTRACTS=${RECSYS_CONTRACTS_DIR}/seen;OPENBLAS_NUM_THREADS=1")
  endforeach()
endfunction()

# recsys_add_arm64_kernels(): on other processors, the kernels for arm64 under an emulator.
function(recsys_add_arm64_kernels)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
    return()
  endif()
  add_test(NAME unit/arm64_kernels COMMAND ${PROJECT_SOURCE_DIR}/tests/unit/arm64_kernels.sh
    ${CMAKE_BINARY_DIR}/tests)
  set_tests_properties(unit/arm64_kernels PROPERTIES LABELS unit SKIP_RETURN_CODE 77
    TIMEOUT ${RECSYS_TEST_SECONDS})
endfunction()

# recsys_add_blas_flavours(TEST...): tests of race/ once more with each flavour of OpenBLAS that is
# installed beside the one we are linked with, as Debian does it.
function(recsys_add_blas_flavours)
  foreach(name ${ARGN})
    foreach(flavour serial pthread openmp)
      set(test race/${name}_${flavour})
      set(folder /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-${flavour})
      add_test(NAME ${test} COMMAND race_${name} ${flavour})
      set_tests_properties(${test} PROPERTIES LABELS race TIMEOUT ${RECSYS_TEST_SECONDS}
        ENVIRONMENT "LD_LIBRARY_PATH=${folder};OPENBLAS_NUM_THREADS=1;OMP_NUM_THREADS=1")
      if(NOT EXISTS ${folder}/libopenblas.so.0)
        set_tests_properties(${test} PROPERTIES DISABLED TRUE)
      endif()
    endforeach()
  endforeach()
endfunction()

# recsys_add_few_threads(): what tests/daemon/starting.py puts before recsysd. Without sanitizers,
# whose own pthread_create() it comes before.
function(recsys_add_few_threads)
  add_library(recsys_few_threads MODULE ${PROJECT_SOURCE_DIR}/tests/daemon/few_threads.c)
  target_link_libraries(recsys_few_threads PRIVATE ${CMAKE_DL_LIBS})
  set_target_properties(recsys_few_threads PROPERTIES PREFIX "" OUTPUT_NAME few_threads
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

# A fuzz target is a file with LLVMFuzzerTestOneInput. With RECSYS_BUILD_FUZZERS
# it becomes a libFuzzer program; without, it is linked with replay.c and its
# corpus runs as an ordinary test.
function(recsys_add_fuzzers)
  # Fuzzed code outside the library, and the source and the store that fuzzers read from.
  add_library(recsys_fuzzed STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/daemon/auth/jwt.c
    ${PROJECT_SOURCE_DIR}/daemon/ctl/input/csv.c
    ${PROJECT_SOURCE_DIR}/daemon/ctl/input/genre_list.c
    ${PROJECT_SOURCE_DIR}/daemon/ctl/input/loose_value.c
    ${PROJECT_SOURCE_DIR}/daemon/ctl/input/python_literal.c
    ${PROJECT_SOURCE_DIR}/daemon/http/chunked.c ${PROJECT_SOURCE_DIR}/daemon/http/head.c
    ${PROJECT_SOURCE_DIR}/daemon/http/json_read.c
    ${PROJECT_SOURCE_DIR}/tests/support/fake_source.c
    ${PROJECT_SOURCE_DIR}/tests/support/scripted_store.c)
  target_link_libraries(recsys_fuzzed PRIVATE recsys_compiler
    PUBLIC PkgConfig::jansson PkgConfig::libcrypto)
  target_include_directories(recsys_fuzzed PRIVATE ${PROJECT_SOURCE_DIR}/include)
  set(RECSYS_FUZZED recsys_fuzzed)
  foreach(adapter redis mlflow)
    if(TARGET recsys_${adapter}_inside)
      list(APPEND RECSYS_FUZZED recsys_${adapter}_inside)
    endif()
  endforeach()
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
  if(NOT TARGET recsys_mlflow_inside)
    list(FILTER files EXCLUDE REGEX "/fuzz_mlflow.c$")
  endif()
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    if(RECSYS_BUILD_FUZZERS)
      add_executable(${name} ${file})
      target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
      add_executable(${name} ${file} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
      add_test(NAME fuzz/${name} COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
      set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT ${RECSYS_TEST_SECONDS})
    endif()
    target_link_libraries(${name} PRIVATE recsys_compiler ${RECSYS_FUZZED} recsys_inside m)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  endforeach()
endfunction()

# How every C file of the project is compiled.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(recsys_compiler INTERFACE)
target_compile_definitions(recsys_compiler INTERFACE _DEFAULT_SOURCE _POSIX_C_SOURCE=200809L)
# No fused multiply-add behind our back: every machine shall round alike.
target_compile_options(recsys_compiler INTERFACE -Wall -Wextra -Wshadow -Wconversion
  -Wstrict-prototypes -Wvla -ffp-contract=off -fno-math-errno)
target_include_directories(recsys_compiler INTERFACE ${PROJECT_SOURCE_DIR})
if(RECSYS_WERROR)
  target_compile_options(recsys_compiler INTERFACE -Werror)
endif()
if(RECSYS_SANITIZE)
  target_compile_options(recsys_compiler INTERFACE -fsanitize=${RECSYS_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(recsys_compiler INTERFACE -fsanitize=${RECSYS_SANITIZE})
endif()
if(RECSYS_COVERAGE)
  # Tests have threads, so counters are atomic.
  target_compile_options(recsys_compiler INTERFACE --coverage -fprofile-update=atomic
    -fprofile-abs-path)
  target_link_options(recsys_compiler INTERFACE --coverage)
endif()
if(RECSYS_BUILD_FUZZERS)
  # The library must tell the fuzzer where it has been, too.
  target_compile_options(recsys_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()

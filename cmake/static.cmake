# recsys_add_archive(TARGET OUTPUT_NAME MAP OBJECTS library...): a static library in which only the
# functions of a version map can be seen, as in the shared one. Other libraries have functions
# called rs_alloc, too (librsync), and a program may link both.
#
# The objects become one (ld -r), whose other symbols are made local. Without objcopy the archive
# holds the objects as they are. Clang's LTO would leave no machine code to do it with, so objects
# of clang are compiled without; gcc's does, if asked.
string(TOUPPER "CMAKE_C_FLAGS_${CMAKE_BUILD_TYPE}" flags)
separate_arguments(RECSYS_C_FLAGS UNIX_COMMAND "${CMAKE_C_FLAGS} ${${flags}}")
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION OR "${RECSYS_C_FLAGS}" MATCHES "-flto")
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND RECSYS_C_FLAGS -flto -flinker-output=nolto-rel)
  else()
    message(STATUS "${CMAKE_C_COMPILER_ID}: without LTO")
    target_compile_options(recsys_compiler INTERFACE -fno-lto)
  endif()
endif()

function(recsys_add_archive target output_name map)
  cmake_parse_arguments(ARCHIVE "" "" "OBJECTS" ${ARGN})
  set(objects "")
  foreach(library ${ARCHIVE_OBJECTS})
    list(APPEND objects $<TARGET_OBJECTS:${library}>)
  endforeach()
  if(NOT CMAKE_OBJCOPY OR APPLE)
    message(STATUS "lib${output_name}.a: what is inside can be seen")
    add_library(${target} STATIC ${objects})
  else()
    file(READ ${map} text)
    string(REGEX MATCHALL "\n +recsys_[a-z0-9_]+" names "${text}")
    string(REGEX REPLACE "[\n ]+" "\n" names "${names}")
    string(REPLACE ";" "" names "${names}")
    set(list ${CMAKE_CURRENT_BINARY_DIR}/${target}.symbols)
    file(WRITE ${list} "${names}\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${map})
    set(joined ${CMAKE_CURRENT_BINARY_DIR}/${target}.o)
    add_custom_command(OUTPUT ${joined}
      COMMAND ${CMAKE_C_COMPILER} ${RECSYS_C_FLAGS} -r -nostdlib -o ${joined} ${objects}
      COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=${list} ${joined}
      DEPENDS ${objects} ${list} COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties(${joined} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    add_library(${target} STATIC ${joined})
  endif()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output_name} LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()

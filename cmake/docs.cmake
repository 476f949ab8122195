# The target `docs`: the API reference, made of the public headers, in docs/api/ of the build folder,
# and beside it the manual pages as HTML where mandoc is installed. Nothing of it is installed.
if(NOT RECSYS_PYTHON)
  return()
endif()
set(recsys_docs ${CMAKE_BINARY_DIR}/docs)
add_custom_target(docs
  COMMAND ${RECSYS_PYTHON} ${PROJECT_SOURCE_DIR}/cmake/api_reference.py
    ${PROJECT_SOURCE_DIR}/include/recsys ${recsys_docs}/api ${PROJECT_VERSION}
  COMMAND ${CMAKE_COMMAND} -E echo "${recsys_docs}/api/index.html" VERBATIM)
find_program(RECSYS_MANDOC NAMES mandoc)
get_property(recsys_man_pages GLOBAL PROPERTY RECSYS_MAN_PAGES)
foreach(page ${recsys_man_pages})
  get_filename_component(name ${page} NAME)
  if(RECSYS_MANDOC)
    add_custom_command(TARGET docs POST_BUILD
      COMMAND ${RECSYS_MANDOC} -Thtml ${page} > ${recsys_docs}/${name}.html VERBATIM)
    get_filename_component(program ${page} NAME_WE)
    add_dependencies(docs ${program}-man)
  endif()
endforeach()

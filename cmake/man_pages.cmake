# recsys_add_man_page(TARGET SECTION SUMMARY): TARGET's manual page, made of its --help after each
# build of it and installed with it. Without python3, or for a machine whose programs do not run
# here (another processor, a sanitizer), there is none.
find_program(RECSYS_PYTHON NAMES python3)

function(recsys_add_man_page target section summary)
  # A program with ThreadSanitizer may not run without setarch, which a build does not use.
  if(NOT RECSYS_PYTHON OR CMAKE_CROSSCOMPILING OR RECSYS_SANITIZE)
    message(STATUS "the manual page of ${target} is left out: no python3, or it may not run here")
    return()
  endif()
  # SOURCE_DATE_EPOCH, if set, for builds that are the same twice.
  string(TIMESTAMP date "%Y-%m-%d" UTC)
  set(page ${CMAKE_BINARY_DIR}/man/${target}.${section})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${page}
    COMMAND ${RECSYS_PYTHON} ${PROJECT_SOURCE_DIR}/cmake/man_page.py ${section} ${page}
      $<TARGET_FILE:${target}> ${summary} ${PROJECT_VERSION} ${date}
    DEPENDS ${target} ${PROJECT_SOURCE_DIR}/cmake/man_page.py
    COMMENT "Manual page ${target}(${section})" VERBATIM)
  add_custom_target(${target}-man ALL DEPENDS ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  set_property(GLOBAL APPEND PROPERTY RECSYS_MAN_PAGES ${page})
endfunction()

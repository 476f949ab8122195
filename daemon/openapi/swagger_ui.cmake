# Swagger UI, put into the program for the page /docs.
#
# recsys_find_swagger_ui(FOLDER) sets FOLDER to the folder of the build with the packed files, or to
# "" if the program gets the page of its own instead, which is the smaller and simpler one.
# RECSYS_SWAGGER_UI: AUTO (fetch it, if npm is there and its registry answers), ON (or fail), OFF.
#
# Only the package itself is fetched, and what is fetched must have the hash below: its dependency
# reports installations to others, and is not needed.
set(RECSYS_SWAGGER_UI AUTO CACHE STRING "Swagger UI as the page /docs: AUTO, ON or OFF")
set_property(CACHE RECSYS_SWAGGER_UI PROPERTY STRINGS AUTO ON OFF)

set(swagger_ui_version 5.35.0)
set(swagger_ui_sha256 1b8e891893404ea4c3558b6a87e2a3e494e7eedba41168c2ece5800a391a6ea6)

# Sets `problem` in the caller if it fails.
function(recsys_fetch_swagger_ui folder)
  find_program(RECSYS_NPM npm)
  find_program(RECSYS_GZIP gzip)
  mark_as_advanced(RECSYS_NPM RECSYS_GZIP)
  if(NOT RECSYS_NPM OR NOT RECSYS_GZIP)
    set(problem "npm or gzip is not installed" PARENT_SCOPE)
    return()
  endif()
  set(archive ${folder}/swagger-ui-dist-${swagger_ui_version}.tgz)
  file(MAKE_DIRECTORY ${folder})
  if(NOT EXISTS ${archive})
    message(STATUS "fetching Swagger UI ${swagger_ui_version}")
    execute_process(COMMAND ${RECSYS_NPM} pack swagger-ui-dist@${swagger_ui_version} --ignore-scripts
        --prefer-offline --fetch-retries=0 --fetch-timeout=20000 --pack-destination ${folder}
      WORKING_DIRECTORY ${folder} TIMEOUT 120 RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
    if(NOT result EQUAL 0 OR NOT EXISTS ${archive})
      set(problem "npm cannot fetch it" PARENT_SCOPE)
      return()
    endif()
  endif()
  file(SHA256 ${archive} sha256)
  if(NOT sha256 STREQUAL swagger_ui_sha256)
    file(REMOVE ${archive})
    set(problem "what npm fetched has another hash" PARENT_SCOPE)
    return()
  endif()
  file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${folder})
  set(package ${folder}/package)
  file(READ ${package}/NOTICE notice)
  file(READ ${package}/LICENSE license)
  file(READ ${package}/swagger-ui-bundle.js.LICENSE.txt others)
  file(WRITE ${package}/licences.txt "${notice}\n\n${license}\n\n${others}")
  foreach(file swagger-ui-bundle.js swagger-ui.css licences.txt)
    execute_process(COMMAND ${RECSYS_GZIP} -9 -n -c ${package}/${file}
      OUTPUT_FILE ${folder}/${file}.gz RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
      set(problem "gzip failed" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

function(recsys_find_swagger_ui result)
  set(folder ${PROJECT_BINARY_DIR}/swagger-ui-${swagger_ui_version})
  set(problem "")
  set(${result} "" PARENT_SCOPE)
  if(RECSYS_SWAGGER_UI STREQUAL OFF)
    return()
  endif()
  # A registry that did not answer once is not waited for at each later configuration.
  if(RECSYS_SWAGGER_UI STREQUAL AUTO AND RECSYS_SWAGGER_UI_PROBLEM)
    set(problem "${RECSYS_SWAGGER_UI_PROBLEM}")
  elseif(NOT EXISTS ${folder}/licences.txt.gz)
    recsys_fetch_swagger_ui(${folder})
    set(RECSYS_SWAGGER_UI_PROBLEM "${problem}" CACHE INTERNAL "why there is no Swagger UI")
  endif()
  if(problem STREQUAL "")
    set(${result} ${folder} PARENT_SCOPE)
  elseif(RECSYS_SWAGGER_UI STREQUAL AUTO)
    message(STATUS "no Swagger UI at /docs, but a simpler page: ${problem} "
      "(-DRECSYS_SWAGGER_UI=ON tries again)")
  else()
    message(FATAL_ERROR "RECSYS_SWAGGER_UI=ON: ${problem}")
  endif()
endfunction()

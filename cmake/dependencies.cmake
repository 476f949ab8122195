# The packages that the library and the programs need; all of them from the distribution.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(libcrypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)

# Any CBLAS will do; OpenBLAS is what we measure with, in a flavour that several threads can call
# at once where there is one.
find_library(RECSYS_CBLAS_LIBRARY NAMES openblas cblas blas REQUIRED
  PATH_SUFFIXES openblas-pthread openblas-openmp openblas)
find_path(RECSYS_CBLAS_INCLUDE cblas.h REQUIRED
  PATH_SUFFIXES openblas-pthread openblas-openmp openblas)
get_filename_component(cblas_file ${RECSYS_CBLAS_LIBRARY} REALPATH)
if(cblas_file MATCHES "openblas-serial")
  message(WARNING "${cblas_file} is OpenBLAS's serial flavour: only one thread at a time can use it. "
    "Install libopenblas-pthread-dev.")
endif()
add_library(recsys_cblas INTERFACE)
target_link_libraries(recsys_cblas INTERFACE ${RECSYS_CBLAS_LIBRARY})
if(RECSYS_CBLAS_LIBRARY MATCHES "openblas.*\\.a$")
  # lib/score/blas.c asks for it weakly, which takes nothing out of an archive.
  target_link_options(recsys_cblas INTERFACE -Wl,-u,openblas_get_parallel)
endif()
target_include_directories(recsys_cblas SYSTEM INTERFACE ${RECSYS_CBLAS_INCLUDE})

if(RECSYS_BUILD_DAEMON)
  # Optional: with it `recsysctl import` reads Keras's files.
  pkg_search_module(hdf5 IMPORTED_TARGET hdf5-serial hdf5)
endif()

if(RECSYS_BUILD_REDIS)
  pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis>=0.14)
  # TLS is OpenSSL's own: hiredis's does not check the server's name (lib/adapters/redis/redis_tls.c).
  pkg_check_modules(libssl IMPORTED_TARGET libssl>=1.1.1)
endif()
if(RECSYS_BUILD_POSTGRES)
  pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq>=13)
endif()
if(RECSYS_BUILD_MLFLOW)
  pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl>=7.68)
endif()

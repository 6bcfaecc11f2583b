# The libraries that libchunk stands on (docs/dependencies.md says why each).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

# SLEEF installs a .pc file on some systems only.
find_path(SLEEF_INCLUDE sleef.h REQUIRED)
find_library(SLEEF_LIBRARY sleef REQUIRED)
add_library(chunk_sleef INTERFACE)
target_include_directories(chunk_sleef SYSTEM INTERFACE $<BUILD_INTERFACE:${SLEEF_INCLUDE}>)
target_link_libraries(chunk_sleef INTERFACE ${SLEEF_LIBRARY})

set(CHUNK_DEPS PkgConfig::HDF5 PkgConfig::DEFLATE PkgConfig::LZ4 PkgConfig::ZSTD PkgConfig::CJSON PkgConfig::XXHASH chunk_sleef
    Threads::Threads m ${CMAKE_DL_LIBS})

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

set(CHUNK_DEPS_BUT_HDF5 PkgConfig::DEFLATE PkgConfig::LZ4 PkgConfig::ZSTD PkgConfig::CJSON PkgConfig::XXHASH chunk_sleef Threads::Threads m
    ${CMAKE_DL_LIBS})
set(CHUNK_DEPS PkgConfig::HDF5 ${CHUNK_DEPS_BUT_HDF5})

# HDF5 without what its shared library brings: Debian's reads from S3, and with it come 30 libraries that each start of a program loads.
include(CheckCSourceCompiles)
list(GET HDF5_LINK_LIBRARIES 0 hdf5_shared)
cmake_path(GET hdf5_shared PARENT_PATH hdf5_folder) # of the same version as the headers
find_library(CHUNK_HDF5_ARCHIVE NAMES libhdf5.a HINTS ${hdf5_folder} NO_DEFAULT_PATH)
set(CHUNK_HDF5_LINKED_IN FALSE)
if(CHUNK_STATIC_HDF5 AND CHUNK_HDF5_ARCHIVE AND NOT CHUNK_SANITIZE AND NOT CHUNK_COVER)
    set(CHUNK_HDF5_ARCHIVES ${CHUNK_HDF5_ARCHIVE} sz z ${CMAKE_DL_LIBS} m Threads::Threads)
    set(CMAKE_REQUIRED_INCLUDES ${HDF5_INCLUDE_DIRS})
    set(CMAKE_REQUIRED_LIBRARIES ${CHUNK_HDF5_ARCHIVES})
    check_c_source_compiles("#include <hdf5.h>\nint main(void) { return H5open() < 0; }" CHUNK_CAN_LINK_HDF5_STATIC)
    unset(CMAKE_REQUIRED_INCLUDES)
    unset(CMAKE_REQUIRED_LIBRARIES)
    set(CHUNK_HDF5_LINKED_IN ${CHUNK_CAN_LINK_HDF5_STATIC})
endif()

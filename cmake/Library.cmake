# One set of objects makes both the shared library, which exports what chunk.h marks CHUNK_API, and the static one for tests, in which
# everything is visible.
set(CHUNK_ROOMS base array kern store expr plan ops run api)
set(sources)
foreach(room IN LISTS CHUNK_ROOMS)
    file(GLOB room_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libchunk/${room}/*.c)
    list(APPEND sources ${room_sources})
endforeach()

# Kernels by suffix: _c.c is plain C, _avx2.c and _avx512.c are x86-64 only and chosen at run time. No fast-math: only the flags that
# change no result.
set(avx2_flags -mavx2 -mfma -mf16c -mbmi2)
set(avx512_flags -mavx512f -mavx512dq -mavx512bw -mavx512vl ${avx2_flags} -mprefer-vector-width=512)
set(kern_flags -fno-math-errno -fno-trapping-math)
if(NOT CHUNK_SANITIZE AND NOT CHUNK_COVER)
    list(PREPEND kern_flags -O3)
endif()
string(REGEX MATCH "^(x86_64|AMD64|amd64)$" CHUNK_X86 "${CMAKE_SYSTEM_PROCESSOR}")
if(NOT CHUNK_X86)
    list(FILTER sources EXCLUDE REGEX "/kern/[^/]*_avx(2|512)\\.c$")
endif()
foreach(source IN LISTS sources)
    if(source MATCHES "/kern/[^/]*_avx512\\.c$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${kern_flags};${avx512_flags}")
    elseif(source MATCHES "/kern/[^/]*_avx2\\.c$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${kern_flags};${avx2_flags}")
    elseif(source MATCHES "/kern/")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${kern_flags}")
    endif()
endforeach()

# Assembly from the SVML that NumPy keeps (kern/svml/README.md), under names of our own.
if(CHUNK_X86)
    enable_language(ASM)
    file(GLOB svml CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libchunk/kern/svml/*.s)
    set_source_files_properties(${svml} PROPERTIES COMPILE_OPTIONS "-xassembler-with-cpp"
        COMPILE_DEFINITIONS "__svml_pow8=chk_svml_pow_f64;__svml_powf16=chk_svml_pow_f32;__svml_log8=chk_svml_log_f64")
    list(APPEND sources ${svml})
endif()

# The table of operations: every `const chk_op chk_op_NAME = {` at column 0 of a file in ops/.
set(op_names)
file(GLOB op_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libchunk/ops/*.c)
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${op_sources})
foreach(source IN LISTS op_sources)
    file(STRINGS ${source} lines REGEX "^const chk_op chk_op_[A-Za-z0-9_]+ = {")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^const chk_op chk_op_([A-Za-z0-9_]+) .*" "\\1" name "${line}")
        list(APPEND op_names ${name})
    endforeach()
endforeach()
list(SORT op_names)
list(LENGTH op_names n_ops)
set(op_externs "")
set(op_entries "")
foreach(name IN LISTS op_names)
    string(APPEND op_externs "extern const chk_op chk_op_${name};\n")
    string(APPEND op_entries "    &chk_op_${name},\n")
endforeach()
configure_file(${PROJECT_SOURCE_DIR}/cmake/ops_table.c.in ${PROJECT_BINARY_DIR}/generated/ops_table.c @ONLY)
message(STATUS "operations: ${n_ops}")

add_library(chunk_objects OBJECT ${sources} ${PROJECT_BINARY_DIR}/generated/ops_table.c)
target_include_directories(chunk_objects PUBLIC ${PROJECT_SOURCE_DIR}/libchunk)
target_compile_options(chunk_objects PRIVATE -Wstrict-prototypes -Wold-style-definition)
target_link_libraries(chunk_objects PUBLIC ${CHUNK_DEPS})

add_library(chunk SHARED)
target_link_libraries(chunk PRIVATE chunk_objects)
target_include_directories(chunk INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/libchunk/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/libchunk>)
# The RPATH is final from the start: one that CMake puts in place at installation is filled up with colons before, and the loader takes each empty entry for the
# current directory.
set_target_properties(chunk PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH_USE_LINK_PATH ON)

add_library(chunk_static STATIC EXCLUDE_FROM_ALL)
target_link_libraries(chunk_static PUBLIC chunk_objects)

# chunk_ops.h: a typed C function for every operation, printed from the table itself.
set(CHUNK_OPS_HEADER ${PROJECT_BINARY_DIR}/generated/include/chunk_ops.h)
add_executable(ops_header cmake/ops_header.c)
target_link_libraries(ops_header PRIVATE chunk_static)
set_target_properties(ops_header PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${CHUNK_OPS_HEADER}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/generated/include
    COMMAND ops_header ${PROJECT_SOURCE_DIR}/cmake/ops_header_top.h ${CHUNK_OPS_HEADER}
    DEPENDS ops_header ${PROJECT_SOURCE_DIR}/cmake/ops_header_top.h VERBATIM)
add_custom_target(ops_header_made ALL DEPENDS ${CHUNK_OPS_HEADER})
add_dependencies(chunk ops_header_made)

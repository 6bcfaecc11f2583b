# chunk is a small launcher without HDF5, chunk-info the same program under another name, chunk-worker does the work.
include(CheckCSourceCompiles)
if(EXISTS ${PROJECT_SOURCE_DIR}/tools/launcher.c)
    add_executable(launcher tools/launcher.c)
    set_target_properties(launcher PROPERTIES OUTPUT_NAME chunk)
    target_include_directories(launcher PRIVATE libchunk/include)
    # Its resident memory counts under the ceiling of every run: linked statically it is a third of what it is otherwise.
    set(CMAKE_REQUIRED_LINK_OPTIONS -static)
    check_c_source_compiles("int main(void) { return 0; }" CHUNK_CAN_LINK_STATIC)
    unset(CMAKE_REQUIRED_LINK_OPTIONS)
    if(CHUNK_CAN_LINK_STATIC AND NOT CHUNK_SANITIZE AND NOT CHUNK_COVER)
        target_link_options(launcher PRIVATE -static)
    endif()
    # It has one thread. The thread sanitizer holds signals back until waitpid returns, which they are to bring about.
    if(CHUNK_SANITIZE MATCHES thread)
        target_compile_options(launcher PRIVATE -fno-sanitize=thread)
        target_link_options(launcher PRIVATE -fno-sanitize=thread)
    endif()
    add_custom_command(TARGET launcher POST_BUILD
        COMMAND ${CMAKE_COMMAND} -E create_symlink chunk ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/chunk-info VERBATIM)
endif()

file(GLOB worker_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/worker/*.c)
if(worker_sources)
    add_executable(chunk-worker ${worker_sources})
    target_link_libraries(chunk-worker PRIVATE chunk PkgConfig::CJSON m)
    file(RELATIVE_PATH worker_to_lib /${CMAKE_INSTALL_LIBEXECDIR}/libchunk /${CMAKE_INSTALL_LIBDIR})
    set_target_properties(chunk-worker PROPERTIES INSTALL_RPATH "$ORIGIN/${worker_to_lib}")
endif()

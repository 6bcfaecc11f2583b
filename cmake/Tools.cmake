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
    if(CHUNK_HDF5_LINKED_IN)
        # It starts in half the time and needs 6 MiB less. Filters that HDF5 loads find HDF5's functions in the program: those that filters call are linked
        # in any case.
        add_dependencies(chunk-worker chunk_static ops_header_made)
        set_target_properties(chunk-worker PROPERTIES LINK_DEPENDS "$<TARGET_FILE:chunk_static>;${PROJECT_SOURCE_DIR}/cmake/hdf5_symbols.txt")
        target_include_directories(chunk-worker PRIVATE $<TARGET_PROPERTY:chunk,INTERFACE_INCLUDE_DIRECTORIES>)
        target_link_libraries(chunk-worker PRIVATE $<TARGET_FILE:chunk_static> ${CHUNK_HDF5_ARCHIVES} ${CHUNK_DEPS_BUT_HDF5})
        target_link_options(chunk-worker PRIVATE -Wl,--dynamic-list=${PROJECT_SOURCE_DIR}/cmake/hdf5_symbols.txt)
        foreach(name Epush1 Epush2 Eget_auto2 Eset_auto2 Pexist Pget Pget_chunk Pget_filter2 Pget_filter_by_id1 Pget_filter_by_id2 Pget_nfilters Pmodify_filter
                Sget_simple_extent_dims Sget_simple_extent_ndims Tclose Tconvert Tcopy Tequal Tget_array_dims2 Tget_array_ndims Tget_class Tget_member_type
                Tget_native_type Tget_nmembers Tget_order Tget_precision Tget_sign Tget_size Tget_super Zfilter_avail Zregister Zunregister allocate_memory
                check_version free_memory get_libversion open resize_memory)
            target_link_options(chunk-worker PRIVATE -Wl,--undefined=H5${name})
        endforeach()
        set(worker_rpath "")
    else()
        target_link_libraries(chunk-worker PRIVATE chunk PkgConfig::CJSON m)
        file(RELATIVE_PATH worker_to_lib /${CMAKE_INSTALL_LIBEXECDIR}/libchunk /${CMAKE_INSTALL_LIBDIR})
        set(worker_rpath "$ORIGIN/${worker_to_lib}" "$ORIGIN/../lib") # installed; where it is built
    endif()
    set_target_properties(chunk-worker PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH_USE_LINK_PATH ON INSTALL_RPATH "${worker_rpath}")
endif()

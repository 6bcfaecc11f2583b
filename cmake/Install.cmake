# `cmake --install`: library, public headers, tools, man pages, libchunk.pc and the CMake package.
include(CMakePackageConfigHelpers)

install(TARGETS chunk EXPORT libchunk-targets)
install(DIRECTORY libchunk/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/libchunk FILES_MATCHING PATTERN "*.h")
install(FILES ${CHUNK_OPS_HEADER} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/libchunk)
install(EXPORT libchunk-targets NAMESPACE libchunk:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/libchunk)
configure_package_config_file(cmake/libchunk-config.cmake.in ${PROJECT_BINARY_DIR}/generated/libchunk-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/libchunk)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/libchunk-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/libchunk-config.cmake ${PROJECT_BINARY_DIR}/generated/libchunk-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/libchunk)
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(libchunk/libchunk.pc.in ${PROJECT_BINARY_DIR}/generated/libchunk.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/libchunk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET launcher)
    install(TARGETS launcher)
    install(FILES ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/chunk-info DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET chunk-worker)
    install(TARGETS chunk-worker RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/libchunk)
endif()
foreach(section 1 3)
    file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.${section})
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})

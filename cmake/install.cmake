# cmake --install: the program, the library with its public headers, and a package for find_package(vitrine).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vitrine)
install(TARGETS vitrine EXPORT vitrine-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vitrine)
if(TARGET vitrine_cli)
  install(TARGETS vitrine_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
get_property(plugins GLOBAL PROPERTY VITRINE_PLUGINS)
if(plugins)
  install(TARGETS ${plugins} LIBRARY DESTINATION lib/vitrine)  # where base/plugin.h looks, seen from bin/
endif()
install(EXPORT vitrine-targets NAMESPACE vitrine:: DESTINATION ${package_dir})

configure_package_config_file(cmake/vitrine-config.cmake.in ${PROJECT_BINARY_DIR}/vitrine-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/vitrine-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/vitrine-config.cmake ${PROJECT_BINARY_DIR}/vitrine-config-version.cmake DESTINATION ${package_dir})

install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What `cpack -G DEB` and `cpack -G RPM` make of the components that are installed. Packages are for /usr:
# configure with -DCMAKE_INSTALL_PREFIX=/usr (`./quickstart package` does).
set(CPACK_PACKAGE_NAME numaring)
set(CPACK_PACKAGE_VENDOR "the numaring authors")
set(CPACK_PACKAGE_CONTACT "the numaring authors <numaring@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL tool library dev python)

set(CPACK_COMPONENT_TOOL_DESCRIPTION
	"This is the command numaring: it records events in exact order, accounts for
every loss, and answers what made a task wait.")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
	"This is the library, for programs that record or read traces.")
set(CPACK_COMPONENT_DEV_DESCRIPTION
	"These are the headers, for programs that record or read traces, and for BPF
programs whose events numaring records, with examples.")
set(CPACK_COMPONENT_PYTHON_DESCRIPTION
	"This is the module numaring for Python: it reads traces as events or as
columns, which are numpy arrays if numpy is installed.")

# The name of this machine's architecture in each world. dpkg's own name would be the build host's.
string(REPLACE "x86_64" "amd64" deb_architecture ${CMAKE_SYSTEM_PROCESSOR})
string(REPLACE "aarch64" "arm64" deb_architecture ${deb_architecture})
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${deb_architecture})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_TOOL_PACKAGE_NAME numaring)
foreach(script postinst prerm postrm)
	list(APPEND CPACK_DEBIAN_TOOL_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/${script})
endforeach()
set(CPACK_DEBIAN_TOOL_PACKAGE_DEPENDS "libnumaring0 (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_TOOL_PACKAGE_SUGGESTS "babeltrace2, gnuplot-nox")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libnumaring0)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/triggers)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libnumaring-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libnumaring0 (= ${PROJECT_VERSION}), libbpf-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "clang, pkg-config")
set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-numaring)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "libnumaring0 (>= ${PROJECT_VERSION}), python3 (>= 3.8)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS python3-numpy)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/python/postinst
	${PROJECT_SOURCE_DIR}/packaging/python/prerm)
# dpkg-shlibdeps finds out what programs and the library need; libnumaring itself is in the build directory.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
if(CMAKE_CROSSCOMPILING)
	# It asks dpkg which package has a library, and the build machine's dpkg does not know the other machine's. These
	# are the names in Debian 12; the versions are those that the build asks for.
	set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)
	string(APPEND CPACK_DEBIAN_TOOL_PACKAGE_DEPENDS ", libc6 (>= 2.36), libbpf1 (>= 1:1.0), libjansson4 (>= 2.13)"
		", libncursesw6, libnlopt0, libprotobuf-c1, libtinfo6, libzstd1 (>= 1.4)")
	set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libc6 (>= 2.36), libbpf1 (>= 1:1.0), libdeflate0, libelf1, libhwloc15\
, libnuma1, libseccomp2, libzstd1 (>= 1.4)")
endif()
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
	foreach(package tool:numaring library:libnumaring0 dev:libnumaring-dev python:python3-numaring)
		string(REPLACE ":" ";" package ${package})
		list(GET package 0 component)
		list(GET package 1 name)
		install(FILES ${PROJECT_SOURCE_DIR}/packaging/copyright
			DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${component})
	endforeach()
endif()

# Names by Fedora's custom.
set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_MAIN_COMPONENT tool)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_ARCHITECTURE ${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_RPM_PACKAGE_LICENSE "GPL-2.0-only OR BSD-2-Clause")
set(CPACK_RPM_TOOL_POST_INSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/packaging/postinst)
set(CPACK_RPM_TOOL_PRE_UNINSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/packaging/prerm)
set(CPACK_RPM_TOOL_POST_UNINSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/packaging/postrm)
# A package owns no directory that others share.
foreach(dir ${CMAKE_INSTALL_LIBDIR}/cmake ${CMAKE_INSTALL_LIBDIR}/pkgconfig lib/systemd/system ${NR_PYTHON_DIR}
		${NR_ZSH_DIR} share/bash-completion/completions share/man/man1 share/man/man3 share/man/man5)
	while(dir)
		list(APPEND CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/${dir})
		get_filename_component(dir "${dir}" DIRECTORY)
	endwhile()
endforeach()
set(CPACK_RPM_LIBRARY_PACKAGE_NAME numaring-libs)
set(CPACK_RPM_DEV_PACKAGE_NAME numaring-devel)
set(CPACK_RPM_PYTHON_PACKAGE_NAME python3-numaring)
set(CPACK_RPM_PYTHON_PACKAGE_ARCHITECTURE noarch)
set(CPACK_RPM_PYTHON_PACKAGE_REQUIRES "numaring-libs >= ${PROJECT_VERSION}, python3 >= 3.8")
set(CPACK_RPM_TOOL_PACKAGE_REQUIRES "numaring-libs = ${PROJECT_VERSION}")
set(CPACK_RPM_DEV_PACKAGE_REQUIRES "numaring-libs = ${PROJECT_VERSION}, libbpf-devel")

include(CPack)

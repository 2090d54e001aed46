# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds for arm64 on another machine, against the libraries that cmake/arm64-sysroot fetches:
#   cmake -S . -B build/arm64 --toolchain cmake/arm64.cmake -DNR_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr
#   cmake --build build/arm64 && (cd build/arm64 && cpack -G DEB)
# The compiler is Debian's gcc-aarch64-linux-gnu. clang and bpftool are the build machine's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/arm64-sysroot
	OUTPUT_VARIABLE CMAKE_SYSROOT OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
if(failed)
	message(FATAL_ERROR "There are no arm64 libraries to build against; see above.")
endif()
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_INSTALL_LIBDIR lib/aarch64-linux-gnu CACHE PATH "as Debian has it")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
	${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

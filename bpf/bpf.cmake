# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# nr_bpf_object(NAME source.bpf.c): compiles a BPF object to NAME.bpf.o in the current binary directory.
# The objects use CO-RE with bpf/vmlinux.h: a build needs neither root nor the build host's BTF.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
	set(nr_bpf_arch x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
	set(nr_bpf_arch arm64)
else()
	message(FATAL_ERROR "numaring runs on x86_64 and arm64, and not on ${CMAKE_SYSTEM_PROCESSOR}: "
		"bpf/vmlinux.h lacks its registers.")
endif()

function(nr_bpf_object name source)
	set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
	add_custom_command(OUTPUT ${object}
		COMMAND ${NR_CLANG} -target bpf -mcpu=v3 -g -O2 -Wall -Werror
			-D__TARGET_ARCH_${nr_bpf_arch}
			-I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/bpf
			-MD -MT ${object} -MF ${object}.d
			-c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
		DEPENDS ${source} DEPFILE ${object}.d
		COMMENT "BPF object ${name}.bpf.o" VERBATIM)
	add_custom_target(${name}_bpf_object DEPENDS ${object})
endfunction()

# nr_bpf_skeleton(NAME): generates NAME.skel.h from NAME.bpf.o.
function(nr_bpf_skeleton name)
	set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
	set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
	add_custom_command(OUTPUT ${skeleton}
		COMMAND sh -c "\"$1\" gen skeleton \"$2\" name ${name}_bpf > \"$3\"" sh
			${NR_BPFTOOL} ${object} ${skeleton}
		DEPENDS ${object} COMMENT "Skeleton ${name}.skel.h" VERBATIM)
	add_custom_target(${name}_bpf_skeleton DEPENDS ${skeleton})
endfunction()

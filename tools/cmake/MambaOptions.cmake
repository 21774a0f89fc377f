# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Options, language level, linker and compiler cache: everything that does not
# need LLVM, so that runtime/ can include it when it is built alone.

option(MAMBA_STATIC "Link LLVM, MLIR and libstdc++ into the programs" OFF)
option(MAMBA_PCH "Share one precompiled header of MLIR headers" ON)
option(MAMBA_BUILD_TESTS "Build the unit tests and the check targets" ON)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

# Lets the linker drop what a program does not use.
if(MAMBA_STATIC)
  add_compile_options(-ffunction-sections -fdata-sections)
endif()

# mold links ten times faster than ld; lld is the second choice. Both must be
# set before HandleLLVMOptions, which turns LLVM_USE_LINKER into -fuse-ld.
if(NOT LLVM_USE_LINKER)
  find_program(MAMBA_MOLD mold)
  find_program(MAMBA_LLD NAMES ld.lld-22 ld.lld)
  mark_as_advanced(MAMBA_MOLD MAMBA_LLD)
  if(MAMBA_MOLD)
    set(LLVM_USE_LINKER mold)
  elseif(MAMBA_LLD)
    set(LLVM_USE_LINKER lld)
  endif()
endif()

# The sloppiness flags are what ccache needs to cache users of a precompiled
# header; the base directory lets several checkouts share one cache.
find_program(MAMBA_CCACHE ccache)
mark_as_advanced(MAMBA_CCACHE)
if(MAMBA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(mamba_launcher ${CMAKE_COMMAND} -E env
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${MAMBA_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${mamba_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${mamba_launcher})
endif()

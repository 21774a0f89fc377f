# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# mamba_add_library(NAME source... [DEPENDS target...] [LINK library...])
#   A static library of compiler code (MLIR, no exceptions). DEPENDS names
#   TableGen targets; whoever links NAME inherits that order.
# mamba_add_tool(NAME source... [DEPENDS target...] [LINK library...])
#   A program in bin/.
# mamba_add_unit_test(NAME source... [DEPENDS target...] [LINK library...])
#   A Google Test program in bin/unit/, run by check-mamba and by ctest.
# mamba_add_doc(NAME definitions.td generator-option...)
#   NAME.md from TableGen, part of the target mamba-doc.
# mamba_add_optional_subdirectory(DIRECTORY)
#   add_subdirectory where DIRECTORY has a CMakeLists.txt.
#
# Add NO_MLIR to a library, tool or test that must not see LLVM or MLIR.

set(MAMBA_WARNINGS -Wall -Wextra -Wno-unused-parameter)

function(mamba_configure_target target scope)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK" ${ARGN})
  target_compile_options(${target} PRIVATE ${MAMBA_WARNINGS})
  if(MAMBA_STATIC)
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
  endif()
  target_link_libraries(${target} ${scope} ${ARG_LINK})
  if(NOT ARG_NO_MLIR)
    target_compile_options(${target} PRIVATE -fno-exceptions)
    target_link_libraries(${target} ${scope} MambaMLIR)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${target} ${ARG_DEPENDS})
  endif()
endfunction()

function(mamba_add_library name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  mamba_configure_target(${name} PUBLIC ${ARGN})
endfunction()

function(mamba_add_tool name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  mamba_configure_target(${name} PRIVATE ${ARGN})
  if(MAMBA_STATIC)
    target_link_options(${name} PRIVATE -Wl,--strip-all)
  endif()
  set_property(GLOBAL APPEND PROPERTY MAMBA_TOOLS ${name})
endfunction()

function(mamba_add_unit_test name)
  if(NOT MAMBA_BUILD_TESTS)
    return()
  endif()
  find_package(GTest REQUIRED)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  mamba_configure_target(${name} PRIVATE ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/unit)
  add_test(NAME ${name} COMMAND ${name})
  set_property(GLOBAL APPEND PROPERTY MAMBA_UNIT_TESTS ${name})
endfunction()

function(mamba_add_doc name definitions)
  set(LLVM_TARGET_DEFINITIONS ${definitions})
  tablegen(MLIR ${name}.md ${ARGN})
  add_custom_target(${name}DocGen DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.md)
  add_dependencies(mamba-doc ${name}DocGen)
endfunction()

macro(mamba_add_optional_subdirectory directory)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${directory}/CMakeLists.txt)
    add_subdirectory(${directory})
  endif()
endmacro()

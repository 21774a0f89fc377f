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

# One precompiled header for every target that sees MLIR: the headers that most
# files need, none of the expensive ones that few need (NVVM, conversions).
# A build with MAMBA_PCH=OFF shows which file forgot an include.
if(MAMBA_PCH AND TARGET MambaMLIR AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(mamba_pch_source ${PROJECT_BINARY_DIR}/MambaPch.cpp)
  file(CONFIGURE OUTPUT ${mamba_pch_source} CONTENT "")
  add_library(MambaPch OBJECT ${mamba_pch_source})
  set(MAMBA_PCH_FLAGS -fpch-instantiate-templates "SHELL:-Xclang -fno-pch-timestamp")
  target_compile_options(MambaPch PRIVATE
    ${MAMBA_WARNINGS} -fno-exceptions ${MAMBA_PCH_FLAGS})
  target_precompile_headers(MambaPch PRIVATE
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Linalg/IR/Linalg.h>
    <mlir/Dialect/Math/IR/Math.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h>
    <mlir/Dialect/Vector/IR/VectorOps.h>
    <mlir/IR/ImplicitLocOpBuilder.h>
    <mlir/IR/PatternMatch.h>
    <mlir/Pass/Pass.h>
    <mlir/Transforms/DialectConversion.h>
    <llvm/ADT/TypeSwitch.h>)
endif()

function(mamba_configure_target target scope)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK" ${ARGN})
  target_compile_options(${target} PRIVATE ${MAMBA_WARNINGS})
  target_link_libraries(${target} ${scope} ${ARG_LINK})
  if(NOT ARG_NO_MLIR)
    target_compile_options(${target} PRIVATE -fno-exceptions)
    target_link_libraries(${target} ${scope} MambaMLIR)
    if(TARGET MambaPch)
      target_compile_options(${target} PRIVATE ${MAMBA_PCH_FLAGS})
      target_precompile_headers(${target} REUSE_FROM MambaPch)
    endif()
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

if(LLVM_USE_SANITIZER MATCHES "Address")
  add_library(MambaAsanOptions OBJECT ${CMAKE_CURRENT_LIST_DIR}/AsanOptions.c)
endif()

# What every program links besides its libraries.
function(mamba_configure_program target)
  if(TARGET MambaAsanOptions)
    target_link_libraries(${target} PRIVATE MambaAsanOptions)
  endif()
endfunction()

function(mamba_add_tool name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  mamba_configure_target(${name} PRIVATE ${ARGN})
  mamba_configure_program(${name})
  if(MAMBA_STATIC)
    # Not relocated at every start.
    target_link_options(${name} PRIVATE -Wl,--strip-all -no-pie)
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
  mamba_configure_program(${name})
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

# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Finds LLVM and MLIR 22 and defines the interface library MambaMLIR, the only
# thing the rest of the build links to reach them: two shared libraries in a
# dynamic build, component archives with MAMBA_STATIC. A program must never
# hold both, because each copy of MLIR registers its own dialects and passes.

find_package(MLIR REQUIRED CONFIG)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "mamba-compiler needs LLVM/MLIR 22, found ${LLVM_PACKAGE_VERSION}")
endif()
message(STATUS "LLVM/MLIR ${LLVM_PACKAGE_VERSION} in ${LLVM_INSTALL_PREFIX}")

set(LLVM_RUNTIME_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/bin)
set(LLVM_LIBRARY_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/lib)
set(MLIR_BINARY_DIR ${PROJECT_BINARY_DIR})
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${LLVM_DEFINITIONS_LIST})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include(HandleLLVMOptions)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})

# Debian's archives of MLIR name the shared LLVM (one of them the shared MLIR)
# in their interface, and LLVMSupport names libz3.so: a program meant to run
# without them would load them all the same.
function(mamba_use_llvm_archives components)
  set(shared "^(LLVM|MLIR|[\\]?[$]<LINK_ONLY:(LLVM|MLIR)>)$")
  get_directory_property(imported IMPORTED_TARGETS)
  foreach(target IN LISTS imported)
    if(NOT target MATCHES "^MLIR")
      continue()
    endif()
    get_target_property(interface ${target} INTERFACE_LINK_LIBRARIES)
    if(interface)
      list(FILTER interface EXCLUDE REGEX "${shared}")
      set_target_properties(${target} PROPERTIES
        INTERFACE_LINK_LIBRARIES "${interface};${components}")
    endif()
  endforeach()
  # What the shared MLIR stood for.
  set_property(TARGET MLIRExecutionEngine APPEND PROPERTY
    INTERFACE_LINK_LIBRARIES MLIRExecutionEngineUtils MLIRTargetLLVMIRExport
    MLIRLLVMToLLVMIRTranslation MLIRBuiltinToLLVMIRTranslation)
  find_library(MAMBA_LIBZ libz.a REQUIRED)
  find_library(MAMBA_LIBZSTD libzstd.a REQUIRED)
  set_target_properties(LLVMSupport PROPERTIES INTERFACE_LINK_LIBRARIES
    "rt;dl;m;${MAMBA_LIBZ};${MAMBA_LIBZSTD};LLVMDemangle")
endfunction()

add_library(MambaMLIR INTERFACE)
if(MAMBA_STATIC)
  string(TOLOWER "${LLVM_NATIVE_ARCH}" mamba_host)
  set(mamba_targets)
  foreach(target nvptx ${mamba_host})
    list(APPEND mamba_targets ${target}codegen ${target}desc ${target}info)
  endforeach()
  # perfjitevents: MLIRExecutionEngine uses it without naming it.
  llvm_map_components_to_libnames(mamba_llvm_components
    core support supportlsp irreader bitreader bitwriter analysis targetparser linker
    frontendopenmp frontendoffloading transformutils ipo passes orcjit
    executionengine jitlink perfjitevents ${mamba_host}asmparser ${mamba_targets})
  mamba_use_llvm_archives("${mamba_llvm_components}")
  # An archive that nothing refers to adds nothing to a program, so name all
  # but the test dialects, which pull in the shared MLIR.
  get_property(mamba_dialects GLOBAL PROPERTY MLIR_DIALECT_LIBS)
  get_property(mamba_conversions GLOBAL PROPERTY MLIR_CONVERSION_LIBS)
  get_property(mamba_extensions GLOBAL PROPERTY MLIR_EXTENSION_LIBS)
  set(mamba_archives ${mamba_dialects} ${mamba_conversions} ${mamba_extensions})
  list(FILTER mamba_archives EXCLUDE REGEX "Test")
  target_link_libraries(MambaMLIR INTERFACE ${mamba_archives}
    MLIROptLib MLIRLspServerLib MLIRParser MLIRPass MLIRTransforms
    MLIRBuiltinToLLVMIRTranslation MLIRLLVMToLLVMIRTranslation
    MLIRNVVMToLLVMIRTranslation MLIRGPUToLLVMIRTranslation
    MLIRTargetLLVMIRExport MLIRExecutionEngine ${mamba_llvm_components})
  target_link_options(MambaMLIR INTERFACE
    -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--as-needed)
else()
  target_link_libraries(MambaMLIR INTERFACE MLIR LLVM MLIRExecutionEngineShared)
  target_link_options(MambaMLIR INTERFACE
    "-Wl,-rpath,${LLVM_LIBRARY_DIR}" -Wl,--as-needed)
endif()

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// LLVM dialect → LLVM IR → object file → addresses in this process.

#ifndef MAMBA_CODEGEN_CPU_CPUOBJECT_H
#define MAMBA_CODEGEN_CPU_CPUOBJECT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace llvm {
namespace orc {
class LLJIT;
} // namespace orc
} // namespace llvm

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mamba::codegen {

struct CpuTarget;

/// Machine code of a module.
struct CpuObject {
  std::string llvmIr;                         // text, after optimisation
  std::unique_ptr<llvm::MemoryBuffer> object; // relocatable object file
};

/// Translates a module of the LLVM dialect, optimises it and generates code.
/// Fails for a target that LLVM was built without.
llvm::Expected<CpuObject> emitCpuObject(mlir::ModuleOp module,
                                        const CpuTarget &target);

/// An object file loaded into this process.
class LoadedObject {
public:
  /// Undefined symbols are looked up in the process (C library). Fails where
  /// one is missing or the object is for another machine.
  static llvm::Expected<LoadedObject> load(const llvm::MemoryBuffer &object);

  LoadedObject(LoadedObject &&);
  LoadedObject &operator=(LoadedObject &&);
  ~LoadedObject();

  /// Address of a global symbol; valid while this object lives.
  llvm::Expected<void *> lookup(llvm::StringRef symbol) const;

private:
  explicit LoadedObject(std::unique_ptr<llvm::orc::LLJIT> jit);

  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace mamba::codegen

#endif // MAMBA_CODEGEN_CPU_CPUOBJECT_H

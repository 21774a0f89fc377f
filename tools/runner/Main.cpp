// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/Main.h"

#include "codegen/Compiler/Compiler.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "tools/runner/Signature.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace mamba::tools {

int runOnEntry(StringRef tool, StringRef file, StringRef entry,
               function_ref<llvm::Expected<int>(func::FuncOp)> body) {
  DialectRegistry registry;
  codegen::registerDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  auto fail = [&](llvm::Error error) {
    llvm::errs() << tool << ": error: " << llvm::toString(std::move(error))
                 << "\n";
    return 1;
  };
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> text = openInputFile(file, &message);
  if (!text)
    return fail(llvm::createStringError(message));
  sources.AddNewSourceBuffer(std::move(text), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return 1;
  auto function = findEntry(*module, entry);
  if (!function)
    return fail(function.takeError());
  llvm::Expected<int> status = body(*function);
  return status ? *status : fail(status.takeError());
}

} // namespace mamba::tools

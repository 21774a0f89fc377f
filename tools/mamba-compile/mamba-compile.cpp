// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-compile: compiles a function of an MLIR file ahead of time.

#include "codegen/Compiler/Compiler.h"
#include "codegen/PTX/Assembler.h"
#include "mlir/Support/FileUtilities.h"
#include "runtime/cuda/JitLink.h"
#include "tools/mamba-compile/HeaderPrinter.h"
#include "tools/runner/Backends.h"
#include "tools/runner/Main.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::tools;
namespace cl = llvm::cl;

static const char *const overview =
    R"(mamba-compile: compiles a function of an MLIR file ahead of time.

  mamba-compile examples/mamba2.mlir -o build/mamba2
  mamba-compile examples/mamba2.mlir --target=sm_90a --emit=ptx,cubin
  mamba-compile examples/mamba2.mlir --emit=chunks,llvm

writes OUTPUT.EXTENSION for everything that is asked for with --emit:

  chunks   .chunks.mlir  the function as chunk programs (level L1)
  tiles    .tiles.mlir   the same with its tile kernels (level L2; GPUs)
  llvm     .ll           LLVM IR of the kernels, optimised
  object   .o            kernels for this CPU (cpu)
  ptx      .ptx          kernels as PTX, which the driver compiles (GPUs)
  cubin    .cubin        kernels for the very target (GPUs); needs ptxas on PATH
                         or nvJitLink (MAMBA_NVJITLINK_PATH), which cannot do
                         kernels with roles
  header   .h            C header: launch plan and a function that hands it and
                         the kernels to the runtime (runtime/mamba.h); for GPUs
                         it holds the PTX

Without --emit: object and header, or ptx and header. A program that includes
the header and links the runtime, and on the CPU the object file, needs no
compiler.)";

static cl::OptionCategory category("Options of mamba-compile");
static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::desc("FILE.mlir"), cl::cat(category));
static cl::opt<std::string>
    entry("entry", cl::value_desc("function"), cl::cat(category),
          cl::desc("Function to compile; not needed if only one is public"));
static cl::opt<std::string>
    targetName("target", cl::value_desc("target"), cl::init("cpu"),
               cl::cat(category),
               cl::desc("What to compile for (default cpu)"));
static cl::opt<std::string>
    output("o", cl::value_desc("path"), cl::cat(category),
           cl::desc("Output files without extension (default: the function's "
                    "name, here)"));
static cl::list<std::string> emitted("emit", cl::value_desc("kind"),
                                     cl::CommaSeparated, cl::cat(category),
                                     cl::desc("What to write (repeatable)"));

namespace {

/// Files of one compilation by kind: extension and contents.
class Outputs {
public:
  /// Takes what --emit names, or the defaults; fails for what the target has
  /// not got.
  llvm::Error choose(ArrayRef<StringRef> possible,
                     ArrayRef<StringRef> defaults);
  bool wants(StringRef kind) const { return kinds.contains(kind); }
  llvm::Error write(StringRef extension, StringRef contents) const;

private:
  llvm::StringSet<> kinds;
};

} // namespace

llvm::Error Outputs::choose(ArrayRef<StringRef> possible,
                            ArrayRef<StringRef> defaults) {
  if (emitted.empty())
    for (StringRef kind : defaults)
      kinds.insert(kind);
  for (StringRef kind : emitted) {
    if (!llvm::is_contained(possible, kind))
      return llvm::createStringError("--emit=" + kind + ": for " + targetName +
                                     " there is " + llvm::join(possible, ", "));
    kinds.insert(kind);
  }
  return llvm::Error::success();
}

llvm::Error Outputs::write(StringRef extension, StringRef contents) const {
  std::string path = output + extension.str(), message;
  auto stream = openOutputFile(path, &message);
  if (!stream)
    return llvm::createStringError(message);
  stream->os() << contents;
  stream->keep();
  llvm::outs() << path << "\n";
  return llvm::Error::success();
}

static std::string printModule(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module << "\n";
  return text;
}

static std::string makeHeader(const mamba_plan &plan, StringRef image) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  printHeader(stream, plan, makeIdentifier(plan.name),
              llvm::sys::path::filename(file), image);
  return text;
}

static llvm::Error compileCpu(ModuleOp module, StringRef name,
                              const Target &target, const Outputs &outputs) {
  if (!outputs.wants("llvm") && !outputs.wants("object") &&
      !outputs.wants("header"))
    return llvm::Error::success();
  auto program =
      codegen::compileForCpu(module, name, codegen::getHostCpuTarget());
  if (!program)
    return program.takeError();
  if (outputs.wants("llvm"))
    if (llvm::Error error = outputs.write(".ll", program->code.llvmIr))
      return error;
  if (outputs.wants("object"))
    if (llvm::Error error =
            outputs.write(".o", program->code.object->getBuffer()))
      return error;
  if (outputs.wants("header"))
    return outputs.write(".h", makeHeader(program->plan->get(), ""));
  return llvm::Error::success();
}

/// PTX assembled by ptxas, or else by nvJitLink.
static llvm::Expected<std::string> assembleCubin(const std::string &ptx,
                                                 const Target &target) {
  if (std::optional<std::string> assembler = codegen::findAssembler()) {
    llvm::SmallString<128> path;
    if (std::error_code code =
            llvm::sys::fs::createTemporaryFile("mamba", "cubin", path))
      return llvm::createStringError(code, "cannot make a temporary file");
    llvm::FileRemover remover(path);
    auto report = codegen::assemble(*assembler, ptx, target.name, path);
    if (!report)
      return report.takeError();
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      return llvm::createStringError(buffer.getError(),
                                     "cannot read the cubin");
    return (*buffer)->getBuffer().str();
  }
  rt::Result<rt::cu::JitLink> linker = rt::cu::JitLink::open();
  if (!linker.isOk())
    return llvm::createStringError("--emit=cubin: ptxas is not on PATH, and " +
                                   std::string(linker.status().message()));
  auto linked = linker->assemble(ptx, target.name.str());
  if (!linked.isOk())
    return toError(
        linked.takeStatus().withContext("--emit=cubin without ptxas on PATH"));
  return linked->cubin;
}

static llvm::Error compileGpu(ModuleOp module, StringRef name,
                              const Target &target, const Outputs &outputs) {
  FailureOr<codegen::GpuProgram> program =
      codegen::compileForGpu(module, name, target.name, outputs.wants("llvm"));
  if (failed(program))
    return llvm::createStringError("the function was not compiled for " +
                                   target.name);
  if (outputs.wants("tiles"))
    if (llvm::Error error = outputs.write(".tiles.mlir", printModule(module)))
      return error;
  if (outputs.wants("llvm"))
    if (llvm::Error error = outputs.write(".ll", program->llvmIR))
      return error;
  if (outputs.wants("ptx"))
    if (llvm::Error error = outputs.write(".ptx", program->ptx))
      return error;
  if (outputs.wants("cubin")) {
    auto cubin = assembleCubin(program->ptx, target);
    if (!cubin)
      return cubin.takeError();
    if (llvm::Error error = outputs.write(".cubin", *cubin))
      return error;
  }
  if (outputs.wants("header"))
    return outputs.write(".h", makeHeader(program->plan->get(), program->ptx));
  return llvm::Error::success();
}

static llvm::Error compile(func::FuncOp function) {
  const Target *target = lookupTarget(targetName);
  if (!target)
    return llvm::createStringError("there is no target '" + targetName +
                                   "'; there is " + listTargets());
  Outputs outputs;
  llvm::Error chosen =
      target->isGpu() ? outputs.choose({"chunks", "tiles", "llvm", "ptx",
                                        "cubin", "header"},
                                       {"ptx", "header"})
                      : outputs.choose({"chunks", "llvm", "object", "header"},
                                       {"object", "header"});
  if (chosen)
    return chosen;
  if (output.empty())
    output = function.getName().str();
  OwningOpRef<ModuleOp> chunks = isolate(function);
  if (outputs.wants("chunks") || !target->isGpu())
    if (llvm::Error error = lowerToChunks(*chunks, *target))
      return error;
  if (outputs.wants("chunks"))
    if (llvm::Error error = outputs.write(".chunks.mlir", printModule(*chunks)))
      return error;
  if (!target->isGpu())
    return compileCpu(*chunks, function.getName(), *target, outputs);
  OwningOpRef<ModuleOp> module = isolate(function);
  return compileGpu(*module, function.getName(), *target, outputs);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, overview);
  return runOnEntry("mamba-compile", file, entry,
                    [](func::FuncOp function) -> llvm::Expected<int> {
                      if (llvm::Error error = compile(function))
                        return error;
                      return 0;
                    });
}

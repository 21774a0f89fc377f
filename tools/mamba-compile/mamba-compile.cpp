// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-compile: compiles a function of an MLIR file ahead of time.

#include "codegen/CPU/CpuCompiler.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "tools/mamba-compile/HeaderPrinter.h"
#include "tools/runner/Backends.h"
#include "tools/runner/Dialects.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::tools;
namespace cl = llvm::cl;

static const char *const overview =
    R"(mamba-compile: compiles a function of an MLIR file ahead of time.

  mamba-compile examples/mamba2.mlir -o build/mamba2
  mamba-compile examples/mamba2.mlir --emit=chunks --emit=llvm

writes OUTPUT.EXTENSION for everything that is asked for with --emit:

  chunks   .chunks.mlir  the function as chunk programs (level L1)
  llvm     .ll           LLVM IR of the kernels, optimised
  object   .o            kernels for this CPU (cpu only)
  header   .h            C header: launch plan and a function that hands it and
                         the kernels to the runtime (runtime/mamba.h)

Without --emit: object and header. A program that includes the header and links
the object file and the runtime needs no compiler.)";

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
                              Outputs &outputs) {
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

namespace {
/// One row a family of targets.
struct CompilerRow {
  InstructionFamily family;
  std::vector<StringRef> possible, defaults;
  llvm::Error (*compile)(ModuleOp module, StringRef name, Outputs &outputs);
};
} // namespace

static ArrayRef<CompilerRow> getCompilers() {
  static const CompilerRow rows[] = {
      {InstructionFamily::Cpu,
       {"chunks", "llvm", "object", "header"},
       {"object", "header"},
       compileCpu},
  };
  return rows;
}

static llvm::Error compile(func::FuncOp function) {
  const Target *target = lookupTarget(targetName);
  if (!target)
    return llvm::createStringError("there is no target '" + targetName +
                                   "'; there is " + listTargets());
  for (const CompilerRow &row : getCompilers()) {
    if (row.family != target->family)
      continue;
    Outputs outputs;
    if (llvm::Error error = outputs.choose(row.possible, row.defaults))
      return error;
    if (output.empty())
      output = function.getName().str();
    OwningOpRef<ModuleOp> module = isolate(function);
    if (llvm::Error error = lowerToChunks(*module, *target))
      return error;
    if (outputs.wants("chunks"))
      if (llvm::Error error =
              outputs.write(".chunks.mlir", printModule(*module)))
        return error;
    return row.compile(*module, function.getName(), outputs);
  }
  return llvm::createStringError("nothing compiles for '" + targetName + "'");
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, overview);
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  auto fail = [](llvm::Error error) {
    llvm::errs() << "mamba-compile: error: " << llvm::toString(std::move(error))
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
  if (llvm::Error error = compile(*function))
    return fail(std::move(error));
  return 0;
}

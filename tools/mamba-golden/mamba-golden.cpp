// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-golden: runs golden cases and compares every output.

#include "codegen/Compiler/Compiler.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "tools/mamba-golden/GoldenCase.h"
#include "tools/runner/Report.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::tools;
namespace cl = llvm::cl;

static const char *const overview =
    R"(run-golden: runs golden cases and prints the error of every output.

  run-golden test/golden/*_t*
  run-golden --target=cuda --type=bf16 --type=f16 CASE...

A case is a folder with case.json, in_NAME.npy and out_NAME.npy, as written by
test/golden/make_golden.py. Its class (linear, mixer or mamba2) gives the
function, its arrays give the sizes. Errors are |out-ref|/|ref| in 2-norms; the
reference is out_NAME.npy for f32, and for 16-bit types the float64 interpreter
on the rounded inputs.

The exit status is 0 if every output of every case is within its limit: 2e-6
for f32, 6e-4 for f16, 4e-3 for bf16.)";

static cl::OptionCategory category("Options of run-golden");
static cl::list<std::string> folders(cl::Positional, cl::OneOrMore,
                                     cl::desc("CASE..."), cl::cat(category));
static cl::opt<std::string>
    target("target", cl::value_desc("target"), cl::init("cpu"),
           cl::cat(category),
           cl::desc("Where to run: cpu (the default), cuda, a GPU architecture "
                    "such as sm_90a, or reference (the interpreter)"));
static cl::list<std::string>
    typeNames("type", cl::value_desc("f32|bf16|f16"), cl::cat(category),
              cl::desc("Type of x, B, C and z (repeatable); the default is "
                       "f32, on GPUs bf16 and f16"));
static cl::opt<std::string>
    classes("classes", cl::value_desc("folder"),
            cl::init("test/golden/classes"), cl::cat(category),
            cl::desc("Folder with the functions of the classes"));
static cl::opt<bool> showText("print", cl::cat(category),
                              cl::desc("Print the function of each case"));

/// The case's function as a module.
static llvm::Expected<OwningOpRef<ModuleOp>> parseCase(const GoldenCase &golden,
                                                       const ElementType &type,
                                                       MLIRContext &context) {
  std::string message;
  auto buffer = openInputFile(classes + "/" + golden.templateFile, &message);
  if (!buffer)
    return llvm::createStringError(message);
  auto text = instantiate(golden, buffer->getBuffer(), type);
  if (!text)
    return text.takeError();
  if (showText)
    llvm::outs() << *text;
  auto module = parseSourceString<ModuleOp>(*text, &context);
  if (!module)
    return llvm::createStringError("the function of the case is rejected");
  return module;
}

/// The references of the results, in order.
static llvm::Expected<SmallVector<ssd::ReferenceTensor>>
getReferences(const GoldenCase &golden, const Signature &signature,
              func::FuncOp function, ArrayRef<HostTensor> inputs,
              bool isRounded) {
  if (isRounded)
    return evaluateReference(function, inputs);
  SmallVector<ssd::ReferenceTensor> references;
  for (const TensorSpec &spec : signature.outputs)
    references.push_back(golden.outputs.at(spec.name));
  return references;
}

/// Runs one case in one type; whether all outputs pass.
static llvm::Expected<bool> runCase(const GoldenCase &golden,
                                    const ElementType &type,
                                    MLIRContext &context) {
  auto module = parseCase(golden, type, context);
  if (!module)
    return module.takeError();
  auto function = findEntry(**module, "");
  if (!function)
    return function.takeError();
  auto signature = getSignature(*function);
  if (!signature)
    return signature.takeError();
  CallSizes sizes;
  std::vector<HostTensor> inputs;
  for (const TensorSpec &spec : signature->inputs) {
    const ssd::ReferenceTensor &array = golden.inputs.at(spec.name);
    if (llvm::Error error = sizes.addArray(spec, array.getShape()))
      return error;
    inputs.push_back(HostTensor::round(*spec.type, array));
  }
  auto outputs = makeOutputs(signature->outputs, sizes);
  if (!outputs)
    return outputs.takeError();
  auto references = getReferences(golden, *signature, *function, inputs,
                                  StringRef(type.name) != "f32");
  if (!references)
    return references.takeError();
  auto executable = createExecutable(*function, target);
  if (!executable)
    return executable.takeError();
  if (llvm::Error error = (*executable)->run(inputs, *outputs))
    return error;
  bool passes = true;
  llvm::outs() << llvm::formatv("{0,-28} {1,-5}", golden.name, type.name);
  for (auto [spec, output, reference] :
       llvm::zip_equal(signature->outputs, *outputs, *references)) {
    auto comparison = compare(spec.name, "the reference", output.toReference(),
                              reference, getTolerance(*signature));
    if (!comparison)
      return comparison.takeError();
    llvm::outs() << llvm::formatv("  {0} {1:e2}", spec.name, comparison->error);
    if (!comparison->passes())
      llvm::outs() << " > " << llvm::formatv("{0:e1}", comparison->limit);
    passes &= comparison->passes();
  }
  llvm::outs() << (passes ? "  ok\n" : "  FAILED\n");
  return passes;
}

static llvm::Expected<SmallVector<const ElementType *>> getTypes() {
  SmallVector<StringRef> names(typeNames.begin(), typeNames.end());
  bool isGpu =
      StringRef(target) == "cuda" || StringRef(target).starts_with("sm_");
  if (names.empty())
    names = isGpu ? SmallVector<StringRef>{"bf16", "f16"}
                  : SmallVector<StringRef>{"f32"};
  SmallVector<const ElementType *> types;
  for (StringRef name : names) {
    const ElementType *type = lookupElementType(name);
    if (!type || name == "f64")
      return llvm::createStringError("--type=" + name +
                                     ": there is f32, bf16 and f16");
    types.push_back(type);
  }
  return types;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, overview);
  DialectRegistry registry;
  mamba::codegen::registerDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  auto types = getTypes();
  if (!types) {
    llvm::errs() << "run-golden: error: " << toString(types.takeError())
                 << "\n";
    return 1;
  }
  unsigned numFailed = 0;
  for (const std::string &folder : folders) {
    auto golden = readGoldenCase(folder);
    if (!golden) {
      llvm::errs() << "run-golden: error: " << folder << ": "
                   << toString(golden.takeError()) << "\n";
      ++numFailed;
      continue;
    }
    for (const ElementType *type : *types) {
      auto passes = runCase(*golden, *type, context);
      if (!passes)
        llvm::errs() << "run-golden: error: " << folder << ": "
                     << toString(passes.takeError()) << "\n";
      numFailed += !passes || !*passes;
    }
  }
  return numFailed == 0 ? 0 : 1;
}

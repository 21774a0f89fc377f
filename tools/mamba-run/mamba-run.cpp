// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-run: runs a function of an MLIR file, compares and times it.

#include "dialect/IR/SsdOps.h"
#include "tools/runner/CompileTimes.h"
#include "tools/runner/Inputs.h"
#include "tools/runner/Main.h"
#include "tools/runner/Report.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mamba::tools;
namespace cl = llvm::cl;

static const char *const overview =
    R"(mamba-run: compiles a function of an MLIR file, runs, checks and times it.

  mamba-run examples/mamba2.mlir --target=cpu --verify --time
  mamba-run layer.mlir --input x=x.npy --input B=b.npy --expect y=y.npy
  mamba-run layer.mlir --dim batch=8 --dim time=4096 --target=cuda --time
  mamba-run layer.mlir --target=cuda --time-compile

Arguments and results are addressed by their ssd.name attributes or by their
positions (0, 1, ...). Arguments without a file are drawn from the seed: as
their ssd.init attribute says ("normal", "normal MEAN SDEV", "uniform LOW
HIGH", "constant VALUE"), else log decays uniformly from -0.2 .. -0.001 and
everything else from N(0, 1). A dynamic dimension 0 is the batch, a dynamic
dimension 1 the time; they come from the files, from --dim, or are 1 and 512.

Files are NumPy's .npy (f2, f4, f8, i4, i8, C order), rounded to nearest even
to the argument's type; bf16 results are written as f4.

The exit status is 0 if everything ran and every comparison passed.)";

static cl::OptionCategory category("Options of mamba-run");
static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::desc("FILE.mlir"), cl::cat(category));
static cl::opt<std::string>
    entry("entry", cl::value_desc("function"), cl::cat(category),
          cl::desc("Function to run; not needed if only one is public"));
static cl::opt<std::string>
    target("target", cl::value_desc("target"), cl::init("cpu"),
           cl::cat(category),
           cl::desc("Where to run: cpu (the default), cuda (the first GPU, "
                    "compiled for what it is), a GPU architecture such as "
                    "sm_90a, or reference (the float64 interpreter)"));
static cl::list<std::string>
    inputFiles("input", cl::value_desc("name=file.npy"), cl::cat(category),
               cl::desc("Values of an argument (repeatable)"));
static cl::list<std::string>
    outputFiles("output", cl::value_desc("name=file.npy"), cl::cat(category),
                cl::desc("Where to write a result (repeatable)"));
static cl::list<std::string>
    expectFiles("expect", cl::value_desc("name=file.npy"), cl::cat(category),
                cl::desc("Values a result is compared with (repeatable)"));
static cl::opt<double>
    tolerance("rtol", cl::value_desc("error"), cl::cat(category),
              cl::desc("Largest relative error |out-ref|/|ref| (2-norms) that "
                       "passes; by default 2e-6 where all types are f32, 6e-4 "
                       "with f16, 4e-3 with bf16"));
static cl::opt<uint64_t> seed("seed", cl::init(1), cl::cat(category),
                              cl::desc("Seed of drawn arguments (default 1)"));
static cl::list<std::string>
    dims("dim", cl::value_desc("batch|time=size"), cl::cat(category),
         cl::desc("Size of a dynamic dimension (repeatable)"));
static cl::opt<bool> checkResults(
    "verify", cl::cat(category),
    cl::desc("Compare every result with the reference interpreter"));
static cl::opt<double> verifyLimit(
    "verify-limit", cl::value_desc("products"), cl::init(4e9),
    cl::cat(category),
    cl::desc("Up to how many multiply-adds of a token recurrence --verify "
             "uses the interpreter (default 4e9, some ten seconds)"));
static cl::opt<bool> timing("time", cl::cat(category),
                            cl::desc("Time the function"));
static cl::opt<bool> timeCompile(
    "time-compile", cl::cat(category),
    cl::desc("Only compile: time the steps from text to a function that can be "
             "launched, cold, from disk caches and from memory"));
static cl::opt<unsigned>
    runs("runs", cl::init(20), cl::cat(category),
         cl::desc("How many calls --time measures (default 20)"));
static cl::opt<std::string>
    jsonFile("json", cl::value_desc("file"), cl::cat(category),
             cl::desc("Write sizes, errors and times as JSON"));

namespace {

/// One run of the program.
class Session {
public:
  explicit Session(func::FuncOp function) : function(function) {}

  llvm::Error run();
  bool allPassed() const {
    return llvm::all_of(comparisons,
                        [](const Comparison &item) { return item.passes(); });
  }

private:
  llvm::Expected<FileMap> parseFiles(ArrayRef<std::string> options,
                                     StringRef option,
                                     ArrayRef<TensorSpec> specs,
                                     StringRef what);
  llvm::Error prepare();
  llvm::Error writeOutputs();
  llvm::Error compareWithFiles();
  llvm::Expected<SmallVector<mamba::ssd::ReferenceTensor>> evaluateOracle();
  llvm::Error compareWithReference();
  llvm::Error measure();
  llvm::Error writeJson();

  func::FuncOp function;
  Signature signature;
  FileMap inputPaths, outputPaths, expectPaths;
  CallSizes sizes;
  std::vector<HostTensor> inputs, outputs;
  std::unique_ptr<Executable> executable;
  std::vector<Comparison> comparisons;
  Timing times;
  Work work;
  MachineLimits limits;
};

} // namespace

/// Splits "name=value" at the first '='.
static llvm::Expected<std::pair<StringRef, StringRef>>
splitOption(StringRef option, StringRef text) {
  auto [name, value] = text.split('=');
  if (name.empty() || value.empty())
    return llvm::createStringError("--" + option + " " + text +
                                   ": expected name=value");
  return std::pair(name, value);
}

llvm::Expected<FileMap> Session::parseFiles(ArrayRef<std::string> options,
                                            StringRef option,
                                            ArrayRef<TensorSpec> specs,
                                            StringRef what) {
  FileMap files;
  for (StringRef text : options) {
    auto pair = splitOption(option, text);
    if (!pair)
      return pair.takeError();
    auto position = findTensor(specs, what, pair->first);
    if (!position)
      return position.takeError();
    if (!files.try_emplace(*position, pair->second.str()).second)
      return llvm::createStringError("--" + option + " " + text + ": '" +
                                     pair->first + "' is given twice");
  }
  return files;
}

llvm::Error Session::prepare() {
  auto expectedSignature = getSignature(function);
  if (!expectedSignature)
    return expectedSignature.takeError();
  signature = std::move(*expectedSignature);
  struct Row {
    FileMap &files;
    ArrayRef<std::string> options;
    StringRef option;
    ArrayRef<TensorSpec> specs;
    StringRef what;
  };
  for (Row row :
       {Row{inputPaths, inputFiles, "input", signature.inputs, "argument"},
        Row{outputPaths, outputFiles, "output", signature.outputs, "result"},
        Row{expectPaths, expectFiles, "expect", signature.outputs, "result"}}) {
    auto files = parseFiles(row.options, row.option, row.specs, row.what);
    if (!files)
      return files.takeError();
    row.files = std::move(*files);
  }
  for (StringRef text : dims) {
    auto pair = splitOption("dim", text);
    if (!pair)
      return pair.takeError();
    int64_t size;
    if (pair->second.getAsInteger(10, size))
      return llvm::createStringError("--dim " + text + ": '" + pair->second +
                                     "' is not a whole number");
    if (llvm::Error error = sizes.set(pair->first, size))
      return error;
  }
  auto expectedInputs = makeInputs(signature.inputs, inputPaths, sizes, seed);
  if (!expectedInputs)
    return expectedInputs.takeError();
  inputs = std::move(*expectedInputs);
  auto expectedOutputs = makeOutputs(signature.outputs, sizes);
  if (!expectedOutputs)
    return expectedOutputs.takeError();
  outputs = std::move(*expectedOutputs);
  return llvm::Error::success();
}

llvm::Error Session::writeOutputs() {
  for (const auto &[position, path] : outputPaths)
    if (llvm::Error error = writeArray(path, outputs[position]))
      return error;
  return llvm::Error::success();
}

llvm::Error Session::compareWithFiles() {
  for (const auto &[position, path] : expectPaths) {
    auto expected = readArray(path);
    if (!expected)
      return expected.takeError();
    double limit = tolerance.getNumOccurrences() ? double(tolerance)
                                                 : getTolerance(signature);
    auto comparison =
        compare(signature.outputs[position].name, path,
                outputs[position].toReference(), *expected, limit);
    if (!comparison)
      return comparison.takeError();
    comparisons.push_back(std::move(*comparison));
  }
  return llvm::Error::success();
}

/// Multiply-adds of the token recurrences of a call.
static double countProducts(func::FuncOp function, const CallSizes &sizes) {
  double products = 0;
  function.walk([&](mamba::ssd::ApplyOp apply) {
    auto matrix = cast<mamba::ssd::StructuredMatrixOpInterface>(
        apply.getMatrix().getDefiningOp());
    auto type = cast<RankedTensorType>(apply.getY().getType());
    auto sizeOf = [&](unsigned dim, int64_t dynamic) {
      return type.isDynamicDim(dim) ? dynamic : type.getDimSize(dim);
    };
    products += 2.0 * sizeOf(0, sizes.getBatch()) * sizeOf(1, sizes.getTime()) *
                type.getDimSize(2) * type.getDimSize(3) * matrix.getStateSize();
  });
  return products;
}

/// The results by the oracle, in float64.
llvm::Expected<SmallVector<mamba::ssd::ReferenceTensor>>
Session::evaluateOracle() {
  std::vector<HostTensor> exact;
  for (const HostTensor &output : outputs)
    exact.emplace_back(*lookupElementType("f64"), output.getShape()).poison();
  if (llvm::Error error = executable->runOracle(function, inputs, exact))
    return error;
  SmallVector<mamba::ssd::ReferenceTensor> references;
  for (const HostTensor &output : exact)
    references.push_back(output.toReference());
  return references;
}

/// Small calls are compared with the interpreter, large ones with the oracle.
llvm::Error Session::compareWithReference() {
  double products = countProducts(function, sizes);
  bool isSmall = products <= verifyLimit;
  auto references =
      isSmall ? evaluateReference(function, inputs) : evaluateOracle();
  if (!references && !isSmall)
    return llvm::createStringError(
        llvm::formatv("--verify: the token recurrence takes {0:e2} "
                      "multiply-adds, more than --verify-limit={1:e2}, and {2}",
                      products, double(verifyLimit),
                      toString(references.takeError()))
            .str());
  if (!references)
    return references.takeError();
  for (auto [i, reference] : llvm::enumerate(*references)) {
    double limit = tolerance.getNumOccurrences() ? double(tolerance)
                                                 : getTolerance(signature);
    auto comparison =
        compare(signature.outputs[i].name,
                isSmall ? "the reference interpreter" : "the oracle",
                outputs[i].toReference(), reference, limit);
    if (!comparison)
      return comparison.takeError();
    comparisons.push_back(std::move(*comparison));
  }
  return llvm::Error::success();
}

llvm::Error Session::measure() {
  if (runs < 1)
    return llvm::createStringError("--runs: at least 1 call is measured");
  auto seconds = executable->time(inputs, outputs, runs);
  if (!seconds)
    return seconds.takeError();
  times.seconds = std::move(*seconds);
  work = countWork(function, sizes, inputs, outputs, executable->getTarget());
  limits = executable->getLimits();
  return llvm::Error::success();
}

llvm::Error Session::writeJson() {
  std::error_code code;
  llvm::raw_fd_ostream stream(jsonFile, code);
  if (code)
    return llvm::createStringError(jsonFile + ": " + code.message());
  llvm::json::Object object{
      {"file", file.getValue()},     {"function", function.getName()},
      {"target", target.getValue()}, {"machine", executable->describe()},
      {"batch", sizes.getBatch()},   {"time", sizes.getTime()},
      {"seed", int64_t(seed)}};
  llvm::json::Array results;
  for (const Comparison &comparison : comparisons)
    results.push_back(toJson(comparison));
  object["comparisons"] = std::move(results);
  if (timing)
    object["timing"] = toJson(times, work, limits);
  stream << llvm::formatv("{0:2}", llvm::json::Value(std::move(object)))
         << "\n";
  return llvm::Error::success();
}

llvm::Error Session::run() {
  if (llvm::Error error = prepare())
    return error;
  auto created = createExecutable(function, target);
  if (!created)
    return created.takeError();
  executable = std::move(*created);
  llvm::outs() << "@" << function.getName() << " on " << executable->describe()
               << ": batch " << sizes.getBatch() << ", time " << sizes.getTime()
               << ", seed " << seed << "\n";
  llvm::outs().flush();
  if (llvm::Error error = executable->run(inputs, outputs))
    return error;
  if (llvm::Error error = writeOutputs())
    return error;
  if (llvm::Error error = compareWithFiles())
    return error;
  if (checkResults)
    if (llvm::Error error = compareWithReference())
      return error;
  for (const Comparison &comparison : comparisons)
    print(llvm::outs(), comparison);
  if (timing) {
    if (llvm::Error error = measure())
      return error;
    print(llvm::outs(), times, work, limits);
  }
  if (!jsonFile.empty())
    return writeJson();
  return llvm::Error::success();
}

/// --time-compile.
static int printCompileTimes() {
  auto fail = [](const llvm::Twine &message) {
    llvm::errs() << "mamba-run: error: " << message << "\n";
    return 1;
  };
  auto text = llvm::MemoryBuffer::getFileOrSTDIN(file);
  if (!text)
    return fail("cannot open '" + file + "': " + text.getError().message());
  auto times = timeCompilation((*text)->getBuffer(), entry, target);
  if (!times)
    return fail(toString(times.takeError()));
  print(llvm::outs(), *times);
  return 0;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, overview);
  if (timeCompile)
    return printCompileTimes();
  return runOnEntry("mamba-run", file, entry,
                    [](func::FuncOp function) -> llvm::Expected<int> {
                      Session session(function);
                      if (llvm::Error error = session.run())
                        return error;
                      return session.allPassed() ? 0 : 1;
                    });
}

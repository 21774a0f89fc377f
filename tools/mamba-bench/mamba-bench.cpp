// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// mamba-bench: times the Mamba-2 mixer on the shapes of a table.

#include "tools/mamba-bench/Sweep.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace mamba::tools;
namespace cl = llvm::cl;

static const char *const overview =
    R"(mamba-bench: compiles the Mamba-2 mixer for each shape of a table and times it.

  mamba-bench --target=cuda
  mamba-bench --target=sm_80 --shapes=S1,S3 --benchmark_out=times.json
  mamba-bench --target=cpu --shapes=1x512x24x64x128x1 --repeat=5
  mamba-bench --shapes=S2 --gate --print-mlir >s2.mlir
  mamba-bench --sweep --shapes=S1 -v

x, B, C and y are bf16; dt, A, D and the final state f32. "Time" is the median
of the launches, on a GPU by events; launches take in turn sets of arguments
that together overflow the cache. "CPU" is what a launch costs the host (on
--target=cpu, all its threads). The floor is every input read and every output
written once at the rate of copies, which is measured first, like the rate of
matrix products (on a GPU by cuBLAS, if there is one: MAMBA_CUBLAS_PATH).

With --sweep every schedule of a shape that the compiler accepts when parts are
forced is timed, on the same arguments and in turns, and its results are
compared with those of the schedule that the compiler chooses.

The exit status is 0 if everything ran and nothing differs.)";

enum class Format { Console, Json };

static cl::OptionCategory category("Options of mamba-bench");
static cl::opt<std::string>
    target("target", cl::value_desc("target"), cl::init("cuda"),
           cl::cat(category),
           cl::desc("cuda (the default: the first GPU, compiled for what it "
                    "is), a GPU architecture such as sm_80, or cpu"));
static cl::opt<std::string>
    shapeList("shapes", cl::value_desc("shape,..."), cl::init("all"),
              cl::cat(category),
              cl::desc("S1 ... S8, all (the default), or sizes: BATCHxTIMEx"
                       "HEADSxHEADDIMxSTATExGROUPS"));
static cl::opt<bool> gate("gate", cl::cat(category),
                          cl::desc("Multiply y by silu(z)"));
static cl::opt<bool> softplus("softplus", cl::cat(category),
                              cl::desc("Compute dt as softplus(dt + bias)"));
static cl::opt<bool> init("init", cl::cat(category),
                          cl::desc("Begin with a given state"));
static cl::opt<std::string>
    schedule("schedule", cl::value_desc("part=value ..."), cl::cat(category),
             cl::desc("Force parts of the schedule: options of mamba-opt's "
                      "--ssd-to-chunks, such as 'chunk=64 stages=2'"));
static cl::opt<bool>
    sweep("sweep", cl::cat(category),
          cl::desc("Time every schedule that the compiler accepts; -v also "
                   "prints what it rejects"));
static cl::opt<std::string> sweepOver(
    "sweep-over", cl::value_desc("part=value,... ..."), cl::cat(category),
    cl::desc("The values that --sweep forces, such as 'consumers=1,2 "
             "stages=2,3' (default: form, chunk and, on GPUs, consumers, "
             "stages and channels)"));
static cl::opt<bool> verbose("v", cl::cat(category),
                             cl::desc("Print more: see --sweep"));
static cl::opt<unsigned>
    repeat("repeat", cl::init(50), cl::cat(category),
           cl::desc("How many launches are timed (default 50)"));
static cl::opt<unsigned>
    threads("cpu-threads", cl::init(0), cl::cat(category),
            cl::desc("Threads of --target=cpu (default: one a core)"));
static cl::opt<uint64_t> seed("seed", cl::init(1), cl::cat(category),
                              cl::desc("Seed of the inputs (default 1)"));
static cl::opt<bool>
    printMlir("print-mlir", cl::cat(category),
              cl::desc("Print the module of a shape instead, for other tools"));
static cl::opt<Format> outputFormat(
    "benchmark_format", cl::init(Format::Console), cl::cat(category),
    cl::desc("What standard output gets"),
    cl::values(clEnumValN(Format::Console, "console", "rows (the default)"),
               clEnumValN(Format::Json, "json", "Google Benchmark's JSON")));
static cl::opt<std::string> outFile("benchmark_out", cl::value_desc("file"),
                                    cl::cat(category),
                                    cl::desc("Write the JSON to a file, too"));
static cl::opt<std::string>
    filter("benchmark_filter", cl::value_desc("regex"), cl::cat(category),
           cl::desc("Run only benchmarks whose names match"));
static cl::opt<bool> listTests("benchmark_list_tests", cl::cat(category),
                               cl::desc("Print the names of the benchmarks"));

static int fail(const llvm::Twine &message) {
  llvm::errs() << "mamba-bench: error: " << message << "\n";
  return 1;
}

/// Keeps the shapes whose benchmarks match the filter.
static llvm::Error applyFilter(std::vector<BenchShape> &shapes,
                               const BenchmarkOptions &options) {
  if (filter.empty())
    return llvm::Error::success();
  llvm::Regex regex(filter);
  std::string message;
  if (!regex.isValid(message))
    return llvm::createStringError("--benchmark_filter=" + filter + ": " +
                                   message);
  llvm::erase_if(shapes, [&](const BenchShape &shape) {
    return !regex.match(getBenchmarkName(shape, options));
  });
  if (shapes.empty())
    return llvm::createStringError("--benchmark_filter=" + filter +
                                   " matches no benchmark");
  return llvm::Error::success();
}

namespace {

/// The results of a run: on standard output as they come, and as JSON.
class Results {
public:
  Results(BenchmarkContext context, const BenchmarkOptions &options)
      : context(std::move(context)), options(options) {}

  /// What stands above the rows; names take `width` columns.
  void begin(size_t width);
  void time(BenchDevice &device, const BenchShape &shape);
  void sweep(BenchDevice &device, const BenchShape &shape,
             ArrayRef<ScheduleAxis> axes);
  /// Writes the JSON where it is wanted.
  void end(llvm::raw_ostream *file);

  /// The exit status.
  int status = 0;

private:
  bool isConsole = outputFormat == Format::Console;
  size_t width = 0;
  BenchmarkContext context;
  const BenchmarkOptions &options;
  llvm::json::Array rows, rejections;
};

} // namespace

void Results::begin(size_t nameWidth) {
  width = nameWidth;
  // As Google Benchmark does it: what is no result goes to standard error.
  print(llvm::errs(), context);
  if (isConsole && !::sweep)
    printHeader(llvm::outs(), width);
}

void Results::time(BenchDevice &device, const BenchShape &shape) {
  BenchmarkRow row = runBenchmark(device, context.rates, shape, options);
  if (isConsole)
    print(llvm::outs(), row, width);
  llvm::outs().flush();
  if (!row.error.empty())
    status = fail(row.name + ": " + row.error);
  rows.push_back(toJson(row, rows.size()));
}

void Results::sweep(BenchDevice &device, const BenchShape &shape,
                    ArrayRef<ScheduleAxis> axes) {
  SweepResult result = runSweep(device, context.rates, shape, options, axes);
  if (isConsole)
    print(llvm::outs(), result, verbose);
  llvm::outs().flush();
  if (!result.error.empty())
    status = fail(result.name + ": " + result.error);
  for (const BenchmarkRow &row : result.rows) {
    if (!row.error.empty())
      status = fail(row.name + ": " + row.error);
    rows.push_back(toJson(row, rows.size()));
  }
  for (llvm::json::Value &rejection : toJson(result))
    rejections.push_back(std::move(rejection));
}

void Results::end(llvm::raw_ostream *file) {
  llvm::json::Object object{{"context", toJson(context)},
                            {"benchmarks", std::move(rows)}};
  if (::sweep)
    object["rejected"] = std::move(rejections);
  llvm::json::Value json = std::move(object);
  if (!isConsole)
    llvm::outs() << llvm::formatv("{0:2}", json) << "\n";
  if (file)
    *file << llvm::formatv("{0:2}", json) << "\n";
}

/// Runs all benchmarks; returns the exit status.
static llvm::Expected<int> run(ArrayRef<BenchShape> shapes,
                               const BenchmarkOptions &options,
                               ArrayRef<ScheduleAxis> axes, StringRef program) {
  auto device = createBenchDevice(target, threads);
  if (!device)
    return device.takeError();
  std::error_code code;
  std::unique_ptr<llvm::raw_fd_ostream> file;
  if (!outFile.empty())
    file = std::make_unique<llvm::raw_fd_ostream>(outFile, code);
  if (code)
    return llvm::createStringError(outFile + ": " + code.message());
  auto rates = (*device)->measureRates();
  if (!rates)
    return rates.takeError();
  Results results({program.str(), (*device)->getTarget().name.str(),
                   (*device)->describe(), *rates},
                  options);
  size_t width = 10;
  for (const BenchShape &shape : shapes)
    width = std::max(width, getBenchmarkName(shape, options).size());
  results.begin(width);
  for (const BenchShape &shape : shapes) {
    if (!sweep) {
      results.time(**device, shape);
      continue;
    }
    results.sweep(**device, shape,
                  axes.empty() ? getDefaultAxes((*device)->getTarget(), shape)
                               : axes.vec());
  }
  results.end(file.get());
  return results.status;
}

int main(int argc, char **argv) {
  llvm::InitLLVM initLlvm(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, overview);
  auto shapes = parseShapes(shapeList);
  if (!shapes)
    return fail(toString(shapes.takeError()));
  if (repeat < 1)
    return fail("--repeat: at least 1 launch is timed");
  BenchmarkOptions options{{gate, softplus, init}, schedule, repeat, seed};
  if (llvm::Error error = applyFilter(*shapes, options))
    return fail(toString(std::move(error)));
  auto axes = parseAxes(sweepOver);
  if (!axes)
    return fail("--sweep-over: " + toString(axes.takeError()));
  if (!axes->empty() && !sweep)
    return fail("--sweep-over without --sweep");
  if (printMlir && shapes->size() != 1)
    return fail("--print-mlir: " + llvm::Twine(shapes->size()) +
                " shapes are chosen, but one module is printed");
  if (printMlir)
    llvm::outs() << makeMixerText(shapes->front(), options.variant);
  else if (listTests)
    for (const BenchShape &shape : *shapes)
      llvm::outs() << getBenchmarkName(shape, options) << "\n";
  if (printMlir || listTests)
    return 0;
  auto status = run(*shapes, options, *axes, argv[0]);
  return status ? *status : fail(toString(status.takeError()));
}

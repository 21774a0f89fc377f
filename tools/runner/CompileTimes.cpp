// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/CompileTimes.h"

#include "codegen/Compiler/Compiler.h"
#include "runtime/cuda/GpuFunction.h"
#include "tools/runner/Backends.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"

#include <chrono>

using namespace llvm;

namespace mamba::tools {
namespace {

/// Seconds that `call` takes.
double measure(function_ref<void()> call) {
  auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

/// One measurement, with an empty directory for both caches.
class Stopwatch {
public:
  Stopwatch(StringRef text, StringRef entry, StringRef target)
      : text(text), entry(entry), target(target) {}
  ~Stopwatch() { sys::fs::remove_directories(directory); }

  Error openDevice();
  Error compile();
  Error load();

  CompileTimes times;

private:
  Error compileOnce(double &seconds);
  Error loadOnce(double &seconds);

  StringRef text, entry;
  std::string target;
  SmallString<128> directory;
  std::shared_ptr<rt::cu::GpuDevice> device;
  std::unique_ptr<codegen::CompiledFunction> code;
  std::shared_ptr<rt::cu::LoadedModule> kept;
};

} // namespace

Error Stopwatch::openDevice() {
  if (std::error_code failed =
          sys::fs::createUniqueDirectory("mamba-compile-times", directory))
    return createStringError("no temporary directory: " + failed.message());
  times.machine = "this CPU";
  if (target == "cpu")
    return Error::success();
  setenv("CUDA_CACHE_PATH", directory.c_str(), /*overwrite=*/1);
  unsetenv("CUDA_CACHE_DISABLE");
  rt::Status status;
  times.context = measure([&] {
    auto opened = rt::cu::GpuDevice::open(/*ordinal=*/0);
    if (opened.isOk())
      device = *opened;
    status = opened.takeStatus();
  });
  if (!status.isOk())
    return toError(status);
  times.machine = device->info().name;
  if (target != "cuda")
    return Error::success();
  auto row = chooseGpuTarget(device->info());
  if (row)
    target = (*row)->name.str();
  return row.takeError();
}

Error Stopwatch::compileOnce(double &seconds) {
  Error failure = Error::success();
  seconds = measure([&] {
    auto compiled =
        codegen::compileSource(text, entry, target, /*threads=*/0, directory);
    if (compiled)
      code = std::move(*compiled);
    else
      failure = joinErrors(std::move(failure), compiled.takeError());
  });
  return failure;
}

Error Stopwatch::compile() {
  Error error = compileOnce(times.compile);
  if (!error && device)
    error = compileOnce(times.compileFromDisk);
  return error;
}

Error Stopwatch::loadOnce(double &seconds) {
  rt::Status status;
  seconds = measure([&] {
    StringRef ptx = code->getPtx();
    auto module = device->load(ptx.data(), ptx.size(), directory.str().str());
    rt::Result<rt::Plan> plan = rt::Plan::copy(&code->getPlan());
    status = module.isOk() ? plan.takeStatus() : module.takeStatus();
    if (!status.isOk())
      return;
    kept = *module;
    status = rt::cu::GpuFunction::create(kept, std::move(*plan)).takeStatus();
  });
  return toError(status);
}

/// A module that is released is loaded anew, one that is kept is found.
Error Stopwatch::load() {
  if (!device)
    return Error::success();
  if (Error error = loadOnce(times.load))
    return error;
  kept = nullptr;
  if (Error error = loadOnce(times.loadFromDisk))
    return error;
  return loadOnce(times.loadAgain);
}

Expected<CompileTimes> timeCompilation(StringRef text, StringRef entry,
                                       StringRef target) {
  Stopwatch watch(text, entry, target);
  if (Error error = watch.openDevice())
    return error;
  if (Error error = watch.compile())
    return error;
  if (Error error = watch.load())
    return error;
  return watch.times;
}

void print(raw_ostream &stream, const CompileTimes &times) {
  auto milliseconds = [](double seconds) {
    return llvm::format("%.4g ms", seconds * 1e3);
  };
  stream << "compiled for " << times.machine << "\n  compile  "
         << milliseconds(times.compile) << " from text to code";
  if (times.load > 0)
    stream << ", " << milliseconds(times.compileFromDisk)
           << " from a disk cache\n  load     " << milliseconds(times.load)
           << " by the driver's compiler, " << milliseconds(times.loadFromDisk)
           << " from a disk cache, " << milliseconds(times.loadAgain)
           << " in memory\n  context  " << milliseconds(times.context)
           << ", not part of the others";
  stream << "\n";
}

} // namespace mamba::tools

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A machine that functions are timed on: this CPU, or the first GPU.

#pragma once

#include "codegen/Compiler/Compiler.h"
#include "passes/Targets/Targets.h"
#include "runtime/mamba.h"

#include <functional>
#include <memory>

namespace mamba::tools {

class ArgumentSets;

/// Memory of a device, freed with the object.
using DeviceMemory = std::unique_ptr<char, std::function<void(char *)>>;

/// A compiled function bound by the runtime.
struct BenchFunction {
  std::unique_ptr<codegen::CompiledFunction> code;
  std::unique_ptr<mamba_function, void (*)(mamba_function *)> handle{
      nullptr, mamba_function_release};
};

/// What the machine reaches, measured now.
struct BenchRates {
  double bytesPerSecond = 0; ///< Of a copy, bytes read plus written.
  double flopsPerSecond = 0; ///< Of matrix products; 0: not measured.
  std::string source;        ///< How they were measured, or why not.
};

/// Times of one function.
struct Measurement {
  std::vector<double> seconds; ///< Of each launch: a GPU's own, or wall time.
  /// A launch, for the host: until it returns, without waiting for a GPU. On
  /// the CPU, the time of all threads.
  double hostSeconds = 0;
  double graphSeconds = 0; ///< A launch inside a CUDA graph; 0: no graphs.

  double getMedian() const;
};

class BenchDevice {
public:
  virtual ~BenchDevice() = default;

  /// What it is, in words.
  virtual std::string describe() const = 0;
  /// What is compiled for it.
  virtual const Target &getTarget() const = 0;
  /// For tensors in its memory.
  virtual DLDevice getDLDevice() const = 0;

  virtual llvm::Expected<DeviceMemory> allocate(size_t bytes) = 0;
  virtual llvm::Error upload(char *target, const char *source,
                             size_t bytes) = 0;
  virtual llvm::Error download(char *target, const char *source,
                               size_t bytes) = 0;

  virtual llvm::Expected<BenchRates> measureRates() = 0;

  /// Compiles the only function of the module `text` and binds it.
  llvm::Expected<BenchFunction> load(llvm::StringRef text);

  /// Launches `function` `count` times, on one set of arguments after the
  /// other, after some launches that are not counted.
  virtual llvm::Expected<Measurement> time(const BenchFunction &function,
                                           const ArgumentSets &sets,
                                           unsigned count) = 0;

protected:
  /// 0: one a core. Only for the CPU.
  virtual unsigned getThreads() const { return 0; }
  virtual llvm::Error bind(BenchFunction &function) = 0;
  /// Memory for the temporaries of one launch with these arguments.
  llvm::Expected<std::pair<DeviceMemory, size_t>>
  allocateWorkspace(const BenchFunction &function, const ArgumentSets &sets);
};

/// `target` is "cpu", "cuda" (the first GPU, with code for what it is) or a GPU
/// architecture of the target table, whose code the first GPU has to run.
/// `threads` are those of the CPU (0: one a core).
llvm::Expected<std::unique_ptr<BenchDevice>>
createBenchDevice(llvm::StringRef target, unsigned threads);

/// The CPU, and the first GPU with code for `target` (null: for what it is).
std::unique_ptr<BenchDevice> createCpuBenchDevice(unsigned threads);
llvm::Expected<std::unique_ptr<BenchDevice>>
createGpuBenchDevice(const Target *target);

/// The kernel that a launch on these arguments runs, of several the first.
llvm::Expected<std::string> getKernelName(const BenchFunction &function,
                                          const ArgumentSets &sets);

/// A status of the runtime as an error; frees it.
llvm::Error takeError(mamba_status *status);

/// The middle value; the greater of two.
double getMedian(std::vector<double> values);

} // namespace mamba::tools

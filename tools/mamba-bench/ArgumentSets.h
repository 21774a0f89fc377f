// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Several copies of a function's arguments in a device's memory, so that
// launches in turn do not find their inputs in a cache.

#pragma once

#include "tools/mamba-bench/BenchDevice.h"
#include "tools/runner/Signature.h"

#include <deque>

namespace mamba::tools {

class ArgumentSets {
public:
  /// As many sets as overflow a cache, but 2 to 16. Inputs hold drawn values,
  /// a million different ones each, shifted from set to set; outputs NaN.
  static llvm::Expected<ArgumentSets> create(BenchDevice &device,
                                             const Signature &signature,
                                             const CallSizes &sizes,
                                             uint64_t seed);

  unsigned size() const { return lists.size(); }
  /// Inputs, then outputs, of launch `i`.
  llvm::ArrayRef<const DLTensor *> get(unsigned i) const {
    return lists[i % lists.size()];
  }
  /// Every input read once, every output written once.
  int64_t getBytesPerCall() const { return bytesPerCall; }

  /// Fails if an output of the first set holds a NaN or an infinity: something
  /// was not written.
  llvm::Error checkOutputs(BenchDevice &device) const;
  /// Fills the outputs of the first set with NaN again.
  llvm::Error poisonOutputs(BenchDevice &device) const;
  /// The outputs of the first set.
  llvm::Expected<std::vector<HostTensor>>
  downloadOutputs(BenchDevice &device) const;
  llvm::StringRef getOutputName(unsigned i) const {
    return specs[numInputs + i].name;
  }

private:
  llvm::Error addSpecs(llvm::ArrayRef<TensorSpec> added,
                       const CallSizes &sizes);
  /// Adds the tensor `position` to all sets, filled with repetitions of
  /// `pattern`, which begins one `step` (in bytes) later in each set.
  llvm::Error addTensor(BenchDevice &device, unsigned position,
                        llvm::ArrayRef<char> pattern, int64_t step);

  std::vector<TensorSpec> specs; ///< Inputs, then outputs.
  unsigned numInputs = 0;
  std::vector<llvm::SmallVector<int64_t, 4>> shapes;
  std::vector<int64_t> byteSizes;
  int64_t bytesPerCall = 0;
  std::vector<DeviceMemory> memory;
  std::deque<DLTensor> tensors;
  std::vector<std::vector<const DLTensor *>> lists;
};

} // namespace mamba::tools

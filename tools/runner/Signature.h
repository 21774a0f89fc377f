// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a function takes and returns, by name, and the sizes of one call.

#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tools/runner/HostTensor.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <optional>
#include <string>

namespace mamba::tools {

/// An argument or result.
struct TensorSpec {
  std::string name; ///< Its ssd.name, or its position.
  const ElementType *type;
  llvm::SmallVector<int64_t, 4> shape; ///< With ShapedType::kDynamic.
  std::string init;                    ///< Its ssd.init, "" without.
  bool isLogDecay = false;             ///< Used as a log decay as it is.
};

struct Signature {
  std::vector<TensorSpec> inputs, outputs;
};

/// Finds the function called `entry`, or the only public one if that is empty.
llvm::Expected<mlir::func::FuncOp> findEntry(mlir::ModuleOp module,
                                             llvm::StringRef entry);

/// Fails if an argument or result is not a ranked float tensor, or if two
/// arguments or two results have one name.
llvm::Expected<Signature> getSignature(mlir::func::FuncOp function);

/// Position of the tensor called `name`; a number also means a position.
/// `what` ("argument") is for the message, which lists the names there are.
llvm::Expected<unsigned> findTensor(llvm::ArrayRef<TensorSpec> specs,
                                    llvm::StringRef what, llvm::StringRef name);

/// The sizes of dynamic dimensions: a dynamic dimension 0 is the batch, a
/// dynamic dimension 1 the time.
class CallSizes {
public:
  /// Takes sizes from an array given for `spec`; fails where its shape
  /// contradicts the type or an earlier array.
  llvm::Error addArray(const TensorSpec &spec, llvm::ArrayRef<int64_t> shape);

  /// Sets a size by name, "batch" or "time".
  llvm::Error set(llvm::StringRef name, int64_t size);

  /// The shape of a tensor; sizes that nothing fixed are 1 (batch) and 512
  /// (time).
  llvm::Expected<llvm::SmallVector<int64_t, 4>>
  getShape(const TensorSpec &spec) const;

  int64_t getBatch() const { return sizes[0].value_or(1); }
  int64_t getTime() const { return sizes[1].value_or(512); }

private:
  llvm::Error unify(unsigned dim, int64_t size, const llvm::Twine &source);

  std::optional<int64_t> sizes[2];
  std::string sources[2];
};

/// "2x7x24".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

} // namespace mamba::tools

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tensors in host memory in the element types that compiled functions take.

#pragma once

#include "dialect/Reference/ReferenceTensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "runtime/abi/DLTensor.h"
#include "runtime/abi/LaunchPlan.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace mamba::tools {

/// An element type: how a tool names it, and how it is compared.
struct ElementType {
  const char *name;  ///< As in MLIR: "bf16".
  int32_t dtype;     ///< MAMBA_DTYPE_…
  uint8_t bytes;     ///< Of an element.
  DLDataType dlpack; ///< The same for the runtime.
  double tolerance;  ///< Relative error that results may have (2-norm).
  double (*load)(const char *);        ///< Value of the element at an address.
  void (*store)(char *, double value); ///< Rounds to nearest even and stores.
};

/// The row of a float type; null if the tools do not support it.
const ElementType *lookupElementType(mlir::Type type);

/// The row of a name ("bf16", "f16", "f32", "f64"); null if there is none.
const ElementType *lookupElementType(llvm::StringRef name);

/// A compact row-major tensor.
class HostTensor {
public:
  HostTensor(const ElementType &type, llvm::ArrayRef<int64_t> shape)
      : type(&type), shape(shape),
        bytes(ssd::countElements(shape) * type.bytes) {}

  /// The values rounded to `type`.
  static HostTensor round(const ElementType &type,
                          const ssd::ReferenceTensor &values);

  const ElementType &getType() const { return *type; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  char *data() { return bytes.data(); }
  const char *data() const { return bytes.data(); }
  int64_t getNumBytes() const { return bytes.size(); }

  /// Fills the tensor with NaN, so that an element nobody writes is seen.
  void poison() { llvm::fill(bytes, '\xff'); }

  /// The values, exactly.
  ssd::ReferenceTensor toReference() const;

  /// A description of memory at `address` with this tensor's type and shape,
  /// valid as long as the tensor.
  DLTensor describe(void *address, DLDevice device) const;

private:
  const ElementType *type;
  llvm::SmallVector<int64_t, 4> shape;
  std::vector<char> bytes;
};

} // namespace mamba::tools

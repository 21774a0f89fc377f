// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#pragma once

#include "codegen/Oracle/MatrixTerms.h"
#include "codegen/Oracle/OraclePlan.h"
#include "dialect/IR/SsdOps.h"

namespace mamba::codegen {

/// The token recurrence of one ssd.apply as a kernel: one thread a (batch,
/// head, channel), its state an array of doubles.
class ApplyKernel {
public:
  ApplyKernel(ssd::ApplyOp op, TensorPrinter &tensors);

  /// The kernel's text; adds it to `plan`. Fails with a diagnostic.
  TensorPrinter::Text print(OraclePlan &plan);

private:
  using Text = TensorPrinter::Text;

  Text printToken();
  Text printTerm(const MatrixTerm &term, int64_t offset);
  Text printInit();
  Text printStore(mlir::Value tensor, llvm::ArrayRef<std::string> index,
                  llvm::StringRef value);
  Text combine(llvm::ArrayRef<TokenFactor> factors, llvm::StringRef sign);
  Text keyComponent(llvm::ArrayRef<KeyFactor> factors, int64_t stateSize);

  ssd::ApplyOp op;
  TensorPrinter &tensors;
  bool isCausal;
  int64_t heads, channels;
  int64_t stateSize = 0;
};

} // namespace mamba::codegen

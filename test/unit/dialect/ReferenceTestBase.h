// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs MLIR text through the reference interpreter.

#pragma once

#include "dialect/IR/SsdDialect.h"
#include "dialect/Reference/Interpreter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

namespace mamba::ssd {

class ReferenceTestBase {
public:
  using Tensors = llvm::SmallVector<ReferenceTensor>;

  ReferenceTestBase()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          message += diagnostic.str() + "\n";
          return mlir::success();
        }) {
    context.loadDialect<SsdDialect, mlir::arith::ArithDialect,
                        mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                        mlir::math::MathDialect, mlir::tensor::TensorDialect>();
  }

  /// Results of the only function in `text`; none after an error, which is
  /// then in `message`.
  Tensors run(llvm::StringRef text, llvm::ArrayRef<ReferenceTensor> arguments,
              InterpreterOptions options = {}) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return {};
    auto function = *module->getOps<mlir::func::FuncOp>().begin();
    auto results = interpret(function, arguments, options);
    return succeeded(results) ? *results : Tensors();
  }

  /// Fresh N(0, 1) numbers.
  ReferenceTensor random(llvm::ArrayRef<int64_t> shape) {
    ReferenceTensor tensor(shape);
    std::normal_distribution<double> normal;
    for (double &value : tensor.getValues())
      value = normal(generator);
    return tensor;
  }

  /// Log decays: −|N(0, 1)|.
  ReferenceTensor randomDecay(llvm::ArrayRef<int64_t> shape) {
    ReferenceTensor tensor = random(shape);
    for (double &value : tensor.getValues())
      value = -std::fabs(value);
    return tensor;
  }

  mlir::MLIRContext context;
  std::string message;
  mlir::ScopedDiagnosticHandler handler;
  std::mt19937_64 generator{20240531};
};

/// ‖a − b‖₂ / ‖b‖₂; infinite when shapes differ.
inline double relativeError(const ReferenceTensor &a,
                            const ReferenceTensor &b) {
  if (a.getShape() != b.getShape())
    return INFINITY;
  double difference = 0, norm = 0;
  for (auto [x, y] : llvm::zip_equal(a.getValues(), b.getValues())) {
    difference += (x - y) * (x - y);
    norm += y * y;
  }
  return std::sqrt(difference / norm);
}

inline void expectValues(const ReferenceTensor &tensor,
                         llvm::ArrayRef<double> expected) {
  ASSERT_EQ(tensor.getNumElements(), int64_t(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(tensor.getValues()[i], expected[i], 1e-12) << "element " << i;
}

} // namespace mamba::ssd

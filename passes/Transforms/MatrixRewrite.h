// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the rules of ssd-normalize are written with. A rule replaces one
// matrix by an equal one of the same type; where the type would change (head
// counts that no longer unify, a static size that is lost) it does not fire.

#pragma once

#include "dialect/IR/SsdOps.h"
#include "mlir/IR/PatternMatch.h"

namespace mamba {

/// Builds the replacement of one matrix. A step that cannot be built yields a
/// null value, and so do all that use it; `replace` then undoes the others.
class MatrixRewrite {
public:
  MatrixRewrite(mlir::PatternRewriter &rewriter, mlir::Operation *replaced)
      : rewriter(rewriter), replaced(replaced) {}

  /// The matrix operation `OpTy` on `operands`; null when an operand is null
  /// or the types do not fit.
  template <typename OpTy>
  mlir::Value create(mlir::ValueRange operands, bool strict = false) {
    llvm::SmallVector<mlir::Type> types;
    typename OpTy::Properties properties;
    if constexpr (requires { properties.strict; })
      if (strict)
        properties.strict = rewriter.getUnitAttr();
    if (llvm::is_contained(operands, mlir::Value()) ||
        failed(OpTy::inferReturnTypes(rewriter.getContext(), std::nullopt,
                                      operands, mlir::DictionaryAttr(),
                                      &properties, mlir::RegionRange(), types)))
      return {};
    mlir::OperationState state(replaced->getLoc(), OpTy::getOperationName(),
                               operands, types);
    if (strict)
      state.addAttribute("strict", rewriter.getUnitAttr());
    return track(rewriter.create(state))->getResult(0);
  }

  /// A mask of ones of the type of the replaced matrix.
  mlir::Value createCausal(bool strict);

  /// The transpose if `transposed`, else `matrix` itself.
  mlir::Value transposeIf(bool transposed, mlir::Value matrix);

  /// a + b or a · b of two per-token tensors (or keys, or per-head constants)
  /// as a point-wise linalg.generic in f32; null when their sizes differ.
  enum class Combination { Sum, Product };
  mlir::Value combine(mlir::Value a, mlir::Value b, Combination kind);

  /// Replaces the matrix by `value` if that is not null and has its type.
  llvm::LogicalResult replace(mlir::Value value);

private:
  mlir::Operation *track(mlir::Operation *op) {
    created.push_back(op);
    return op;
  }

  mlir::PatternRewriter &rewriter;
  mlir::Operation *replaced;
  llvm::SmallVector<mlir::Operation *> created;
};

/// An empty tensor of `type` whose dynamic sizes are those of `like`; adds the
/// operations to `created` if that is given.
mlir::Value
createEmptyLike(mlir::OpBuilder &builder, mlir::Location loc,
                mlir::RankedTensorType type, mlir::Value like,
                llvm::SmallVectorImpl<mlir::Operation *> *created = nullptr);

/// The operation below transposes, and whether their number is odd.
struct Stripped {
  mlir::Operation *op = nullptr;
  bool transposed = false;
};
Stripped stripTransposes(mlir::Value matrix);

/// Whether `matrix`, or a matrix built from it, is applied with an initial or
/// a final state. A rule that changes the basis of the state must not fire.
bool areStatesUsed(mlir::Value matrix);

/// The rules, by what they act on.
void populateMaskRules(mlir::RewritePatternSet &rules);
void populateScaleRules(mlir::RewritePatternSet &rules);
void populateSumRules(mlir::RewritePatternSet &rules);

} // namespace mamba

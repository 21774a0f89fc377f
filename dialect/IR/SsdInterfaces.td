// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_DIALECT_IR_SSDINTERFACES_TD
#define MAMBA_DIALECT_IR_SSDINTERFACES_TD

include "mlir/IR/OpBase.td"

def StructuredMatrixOpInterface : OpInterface<"StructuredMatrixOpInterface"> {
  let cppNamespace = "::mamba::ssd";
  let description = [{
    An operation whose only result is a structured matrix. The interface is
    all that analyses, decompositions and interpreters know of a mixer; a new
    constructor implements it and touches no pass.

    Every matrix has a *realisation* S_t = a_t S_{t-1} + B_t x_tᵀ,
    y_t = C_tᵀ S_t (THEORY: master recurrence) whose state size N follows the
    algebra: N of the keys for `low_rank`, 1 for a decay, products under
    `hadamard`, sums under `add`.
  }];
  let methods = [
    InterfaceMethod<[{
        State size N of the realisation.
      }], "int64_t", "getStateSize", (ins)>,
    InterfaceMethod<[{
        Structure of the blocks below the diagonal (for anti-causal matrices:
        above it) and on it.
      }], "::mamba::ssd::BlockStructure", "getBlockStructure", (ins)>,
    InterfaceMethod<[{
        Builds the chunk generators (D, U, V, W) of one chunk of the matrix,
        or of its transpose, from the tiles that `context` provides. In an
        anti-causal matrix the state arrives from the right; tokens keep their
        natural order. Fails with a diagnostic.
      }], "::llvm::FailureOr<::mamba::ssd::ChunkGenerators>",
      "buildGenerators", (ins "::mamba::ssd::ChunkContext &":$context,
                              "bool":$transposed)>,
    InterfaceMethod<[{
        Builds the transposed matrix at the builder's insertion point.
      }], "::mlir::Value", "buildTranspose", (ins "::mlir::OpBuilder &":$builder)>,
    InterfaceMethod<[{
        Reference semantics: the value at row i, column j (0-based) of the
        matrix of batch b and head h, in float64.
      }], "double", "referenceValue",
      (ins "::mamba::ssd::ReferenceContext &":$context, "int64_t":$batch,
           "int64_t":$head, "int64_t":$row, "int64_t":$column)>,
    InterfaceMethod<[{
        Reference realisation: decay, read key C_t and write key B_t of every
        term at token t of batch b and head h, in float64.
      }], "::llvm::SmallVector<::mamba::ssd::ReferenceTerm>", "referenceStep",
      (ins "::mamba::ssd::ReferenceContext &":$context, "int64_t":$batch,
           "int64_t":$head, "int64_t":$token)>
  ];
  let extraSharedClassDeclaration = [{
    ::mamba::ssd::MatrixType getMatrixType() {
      return ::llvm::cast<::mamba::ssd::MatrixType>(
          $_op->getResult(0).getType());
    }
  }];
  let verify = [{ return ::mamba::ssd::verifyStructuredMatrix($_op); }];
}

#endif // MAMBA_DIALECT_IR_SSDINTERFACES_TD

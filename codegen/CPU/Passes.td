// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_CODEGEN_CPU_PASSES_TD
#define MAMBA_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineCpuKernels : Pass<"ssd-outline-cpu-kernels", "::mlir::ModuleOp"> {
  let summary = "Make a CPU kernel of every chunk program and point-wise loop";
  let description = [{
    Adds one function a top-level `ssd.chunk_scan` or point-wise
    `linalg.generic` on tensors and names it in the operation's `ssd.kernel`
    attribute; the functions themselves stay, as the description from which the
    launch plan is read. A kernel has the signature
    `(pointers, batch, length, begin, end)` and handles the work items
    begin ≤ w < end; its pointers are the operands in order, then the results.

    The kernel of a chunk program loads the tiles of one chunk into local
    buffers (rows past the end read as zero), carries the states as loop
    values, and stores the valid rows of the outputs. A state that is mostly
    multiplied along its second dimension is carried transposed, so that no
    product needs to transpose it again.

    ```mlir
    func.func @f(%x: tensor<?x?x4x8xf32>) -> tensor<?x?x4x8xf32> {
      %y = ssd.chunk_scan chunk 16 heads 4
          ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
          outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
      ^bb0(%xt: tensor<16x8xf32>):
        ssd.yield %xt : tensor<16x8xf32>
      }
      return %y : tensor<?x?x4x8xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

def ConvertSsdToLinalg : Pass<"convert-ssd-to-linalg"> {
  let summary = "Express tile operations as linalg, scf and vector on tensors";
  let description = [{
    `ssd.dot` becomes a contraction, `ssd.broadcast` a copying generic; sums
    and decay masks become loops over vectors. A sum with the result of a
    product becomes the product's initial value.

    A decay mask takes exponentials only in its diagonal sub-blocks; the other
    sub-blocks are products of one row and one column factor, and what lies
    above the diagonal is zero. Products whose operand or consumer is such a
    mask are marked triangular (`ssd.lhs_triangle`, `ssd.result_triangle`), so
    that no time is spent on zeros.

    ```mlir
    func.func @f(%a: tensor<64x8xf32>, %b: tensor<64x8xf32>) -> tensor<64x64xf32> {
      %0 = ssd.dot %a, %b contract [1, 1] : tensor<64x8xf32>, tensor<64x8xf32> -> tensor<64x64xf32>
      return %0 : tensor<64x64xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def FuseCpuTiles : Pass<"ssd-fuse-cpu-tiles"> {
  let summary = "Fuse point-wise tile code and fold transpositions";
  let description = [{
    Upstream's element-wise fusion under a rule for registers and caches: a
    producer is fused where that repeats no division, root or transcendental
    function and no work of a product. Transpositions are folded into the
    operand and result maps of their neighbours, and a result is put where an
    operand of the same shape lies if there is one.

    ```mlir
    func.func @f(%a: tensor<8x4xf32>) -> tensor<4x8xf32> {
      %e = tensor.empty() : tensor<4x8xf32>
      %t = linalg.transpose ins(%a : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
      %n = arith.negf %t : tensor<4x8xf32>
      return %n : tensor<4x8xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def VectorizeCpuTiles : Pass<"ssd-vectorize-cpu-tiles"> {
  let summary = "Cut linalg operations on buffers into vector loops";
  let description = [{
    A product of tiles becomes loops over register tiles of the target's shape
    whose accumulators stay in vector registers (`vector.contract` inside, one
    step of the contracted dimension at a time). An operand that is contracted
    along its rows is transposed into a buffer first. Everything else is cut
    along its innermost dimension and vectorised by `linalg::vectorize`.
    Remainders have their own static sizes: there are no masks.

    ```mlir
    func.func @f(%a: memref<8x40xf32>, %b: memref<8x40xf32>) {
      linalg.exp ins(%a : memref<8x40xf32>) outs(%b : memref<8x40xf32>)
      return
    }
    ```
  }];
  let options = [
    Option<"lanes", "lanes", "int64_t", /*default=*/"16",
           "f32 elements a vector register holds">,
    Option<"registers", "registers", "int64_t", /*default=*/"32",
           "vector registers of the target">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def ExpandMathFunctions : Pass<"ssd-expand-math-functions"> {
  let summary = "Replace elementary functions of f32 by polynomials";
  let description = [{
    Upstream's polynomial approximations, for those functions where they are
    accurate to single precision: exp, expm1, log, log1p, tanh, erf. The others
    are left to the C library.

    ```mlir
    func.func @f(%x: vector<16xf32>) -> vector<16xf32> {
      %0 = math.exp %x : vector<16xf32>
      return %0 : vector<16xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def PlanCpuWorkspace : Pass<"ssd-plan-cpu-workspace", "::mlir::func::FuncOp"> {
  let summary = "Place the local buffers of a kernel in one allocation";
  let description = [{
    Every `memref.alloc` of a kernel (all have static sizes) becomes a view of
    one workspace allocated on entry and freed before returning. Buffers that
    live inside the same loop body and are not needed at the same time share
    memory, which keeps a chunk's working set in the first cache levels.

    ```mlir
    func.func @f(%n: index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %z = arith.constant 0.0 : f32
      scf.for %i = %c0 to %n step %c1 {
        %a = memref.alloc() : memref<4xf32>
        memref.store %z, %a[%c0] : memref<4xf32>
      }
      return
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"
  ];
}

#endif // MAMBA_CODEGEN_CPU_PASSES_TD

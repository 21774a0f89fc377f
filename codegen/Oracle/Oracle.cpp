// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Oracle/Oracle.h"

#include "codegen/Oracle/ApplyKernel.h"
#include "codegen/Oracle/OraclePrelude.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba::codegen {

namespace {

using Text = TensorPrinter::Text;

/// A kernel with a thread for each element of `tensor`, which it puts into
/// param `param`: computed, or loaded from where it is stored.
Text printElements(Value tensor, bool compute, int32_t param, OraclePlan &plan,
                   TensorPrinter &tensors) {
  const mamba_param &target = plan.param(param);
  // Dynamic sizes are factors of the grid; the static ones are divided among
  // blocks and threads.
  int64_t items = 1;
  SmallVector<mamba_dim> grid;
  for (const mamba_dim &dim : llvm::ArrayRef(target.dims, target.rank)) {
    if (dim.symbol < 0)
      items *= dim.extent;
    else
      grid.push_back(dim);
  }
  int64_t blocks = (items + kOracleBlockSize - 1) / kOracleBlockSize;
  grid.push_back(MAMBA_DIM_STATIC(blocks));
  std::string text = plan.addKernel(grid);
  text +=
      llvm::formatv("  long long outer = blockIdx.x / {0};\n"
                    "  long long item = blockIdx.x % {0} * {1} + threadIdx.x;\n"
                    "  if (item >= {2})\n"
                    "    return;\n",
                    blocks, kOracleBlockSize, items);
  TensorPrinter::Texts index(target.rank);
  std::string offset = "0";
  for (int32_t d = target.rank - 1; d >= 0; --d) {
    index[d] = "i" + std::to_string(d);
    text +=
        llvm::formatv("  const long long {0} = {1} % {2};\n  {1} /= {2};\n",
                      index[d], target.dims[d].symbol < 0 ? "item" : "outer",
                      TensorPrinter::sizeText(target.dims[d]));
  }
  for (int32_t d = 0; d < target.rank; ++d)
    offset = llvm::formatv("({0}) * {1} + {2}", offset,
                           TensorPrinter::sizeText(target.dims[d]), index[d]);
  Text value = compute ? tensors.computedElement(tensor, index)
                       : tensors.element(tensor, index);
  if (failed(value))
    return failure();
  text += llvm::formatv("  store(m.p[{0}], {1}, {2});\n}\n\n", param, offset,
                        *value);
  return text;
}

/// The kernels of a function, in the order they run in.
Text printKernels(func::FuncOp function, OraclePlan &plan,
                  TensorPrinter &tensors) {
  std::string kernels;
  auto add = [&](Text text) {
    if (succeeded(text))
      kernels += *text;
    return success(succeeded(text));
  };
  for (Operation &op : function.getBody().front()) {
    if (auto apply = dyn_cast<ApplyOp>(op))
      if (failed(add(ApplyKernel(apply, tensors).print(plan))))
        return failure();
    if (!isReduction(&op))
      continue;
    for (Value result : op.getResults())
      if (tensors.isStored(result) &&
          failed(
              add(printElements(result, /*compute=*/true,
                                tensors.storedParam(result), plan, tensors))))
        return failure();
  }
  for (const OraclePlan::Copy &copy : plan.copies())
    if (failed(add(printElements(copy.tensor, /*compute=*/false, copy.param,
                                 plan, tensors))))
      return failure();
  return kernels;
}

} // namespace

FailureOr<OracleProgram> printOracle(func::FuncOp function) {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("has ")
           << function.getBody().getBlocks().size()
           << " blocks, the oracle takes functions of one";
  OraclePlan plan;
  TensorPrinter tensors;
  if (failed(plan.addParams(function, tensors)))
    return failure();
  Text kernels = printKernels(function, plan, tensors);
  if (failed(kernels))
    return failure();
  OracleProgram program;
  program.source = oraclePrelude + tensors.functions() + *kernels;
  program.plan = plan.take(function);
  return program;
}

} // namespace mamba::codegen

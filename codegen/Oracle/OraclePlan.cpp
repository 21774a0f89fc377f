// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Oracle/OraclePlan.h"

#include "dialect/IR/SsdOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba::codegen {

namespace {

std::optional<int32_t> inputDtype(Type type) {
  if (type.isF16())
    return MAMBA_DTYPE_F16;
  if (type.isBF16())
    return MAMBA_DTYPE_BF16;
  if (type.isF32())
    return MAMBA_DTYPE_F32;
  if (type.isF64())
    return MAMBA_DTYPE_F64;
  if (type.isInteger(32))
    return MAMBA_DTYPE_I32;
  if (type.isInteger(64))
    return MAMBA_DTYPE_I64;
  return std::nullopt;
}

/// The `ssd.name` of an argument or result, or what stands for it.
std::string nameOr(StringAttr name, const Twine &fallback) {
  return name ? name.str() : fallback.str();
}

/// Whether a kernel computes the results of `op`.
bool hasKernel(Operation *op) {
  return op && (isa<ApplyOp>(op) || isReduction(op));
}

} // namespace

LogicalResult OraclePlan::addParam(Value tensor, const std::string &name,
                                   int32_t kind, int32_t dtype,
                                   TensorPrinter &tensors) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getRank() > MAMBA_MAX_RANK)
    return emitError(tensor.getLoc())
           << "'" << name << "' has rank " << type.getRank()
           << ", the oracle's limit is " << MAMBA_MAX_RANK;
  mamba_param param{};
  param.name = owned->keep(name);
  param.kind = kind;
  param.dtype = dtype;
  param.rank = int32_t(type.getRank());
  for (unsigned dim = 0; dim < type.getRank(); ++dim) {
    FailureOr<mamba_dim> size = tensors.size(tensor, dim);
    if (failed(size))
      return failure();
    param.dims[dim] = *size;
  }
  owned->params.push_back(param);
  return success();
}

LogicalResult OraclePlan::addInputs(func::FuncOp function,
                                    TensorPrinter &tensors) {
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto name = function.getArgAttrOfType<StringAttr>(i, kNameAttr);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    std::optional<int32_t> dtype =
        type ? inputDtype(type.getElementType()) : std::nullopt;
    if (!dtype)
      return emitError(argument.getLoc())
             << "argument " << i << " has type " << argument.getType()
             << ", the oracle takes tensors of f16, bf16, f32, f64, i32, i64";
    tensors.addStored(argument, int32_t(owned->params.size()), *dtype);
    if (failed(addParam(argument, nameOr(name, "arg" + Twine(i)),
                        MAMBA_PARAM_INPUT, *dtype, tensors)))
      return failure();
  }
  return success();
}

LogicalResult OraclePlan::addOutputs(func::FuncOp function,
                                     TensorPrinter &tensors) {
  Operation *terminator = function.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    Value tensor = operand.get();
    if (!isa<RankedTensorType>(tensor.getType()))
      return terminator->emitError("result ")
             << i << " is not a tensor, the oracle returns tensors only";
    auto name = function.getResultAttrOfType<StringAttr>(i, kNameAttr);
    auto param = int32_t(owned->params.size());
    if (hasKernel(tensor.getDefiningOp()) && !tensors.isStored(tensor))
      tensors.addStored(tensor, param, MAMBA_DTYPE_F64);
    else
      outputCopies.push_back({tensor, param});
    if (failed(addParam(tensor, nameOr(name, "result" + Twine(i)),
                        MAMBA_PARAM_OUTPUT, MAMBA_DTYPE_F64, tensors)))
      return failure();
  }
  return success();
}

/// What a kernel computes and others use.
LogicalResult OraclePlan::addTemporaries(func::FuncOp function,
                                         TensorPrinter &tensors) {
  for (Operation &op : function.getBody().front()) {
    if (!hasKernel(&op))
      continue;
    for (Value result : op.getResults()) {
      if (result.use_empty() || tensors.isStored(result))
        continue;
      auto param = int32_t(owned->params.size());
      tensors.addStored(result, param, MAMBA_DTYPE_F64);
      if (failed(addParam(result, "temporary" + std::to_string(param),
                          MAMBA_PARAM_TEMPORARY, MAMBA_DTYPE_F64, tensors)))
        return failure();
    }
  }
  return success();
}

std::optional<int32_t> OraclePlan::findInputWith(int32_t symbol) const {
  for (auto [i, param] : llvm::enumerate(owned->params))
    if (param.kind == MAMBA_PARAM_INPUT && param.rank > symbol &&
        param.dims[symbol].symbol == symbol)
      return int32_t(i);
  return std::nullopt;
}

/// The batch is symbol 0 and the length symbol 1, as TensorPrinter counts
/// them. Without a dynamic batch its place is kept by the length's input.
void OraclePlan::addSymbols() {
  std::optional<int32_t> batch = findInputWith(BatchSymbol);
  std::optional<int32_t> length = findInputWith(LengthSymbol);
  if (batch || length)
    owned->symbols.push_back({"batch", batch ? *batch : *length, 0});
  if (length)
    owned->symbols.push_back({"length", *length, 1});
}

LogicalResult OraclePlan::addParams(func::FuncOp function,
                                    TensorPrinter &tensors) {
  if (failed(addInputs(function, tensors)) ||
      failed(addOutputs(function, tensors)) ||
      failed(addTemporaries(function, tensors)))
    return failure();
  addSymbols();
  size_t count = owned->params.size();
  if (count <= MAMBA_MAX_KERNEL_PARAMS)
    return success();
  return function.emitError("the oracle would take ")
         << count << " tensors, the limit is " << MAMBA_MAX_KERNEL_PARAMS;
}

std::string OraclePlan::addKernel(ArrayRef<mamba_dim> grid) {
  mamba_kernel kernel{};
  kernel.name = owned->keep("oracle" + std::to_string(owned->kernels.size()));
  kernel.num_params = int32_t(owned->params.size());
  kernel.num_symbols = int32_t(owned->symbols.size());
  kernel.num_grid_factors = int32_t(grid.size());
  llvm::copy(grid, kernel.grid);
  kernel.block_size = kOracleBlockSize;
  std::string parameters, pointers;
  for (int32_t i = 0; i < kernel.num_params; ++i) {
    kernel.params[i] = i;
    parameters += (i ? ", void *p" : "void *p") + std::to_string(i);
    pointers += (i ? ", p" : "p") + std::to_string(i);
  }
  std::string sizes[] = {"0", "0"};
  for (int32_t i = 0; i < kernel.num_symbols; ++i) {
    kernel.symbols[i] = i;
    sizes[i] = owned->symbols[i].name;
    parameters += ", long long " + sizes[i];
  }
  owned->kernels.push_back(kernel);
  return llvm::formatv("extern \"C\" __global__ void {0}({1}) {{\n"
                       "  const Memory m = {{{{{2}}, {3}, {4}};\n",
                       kernel.name, parameters, pointers, sizes[0], sizes[1]);
}

std::unique_ptr<OwnedPlan> OraclePlan::take(func::FuncOp function) {
  mamba_plan &plan = owned->plan;
  plan.version = MAMBA_PLAN_VERSION;
  plan.name = owned->keep(("oracle of " + function.getName()).str());
  plan.target = "any GPU";
  plan.min_capability = 60; // fp64 and 64-bit addressing are all it needs
  plan.num_params = int32_t(owned->params.size());
  plan.params = owned->params.data();
  plan.num_symbols = int32_t(owned->symbols.size());
  plan.symbols = owned->symbols.data();
  plan.num_kernels = int32_t(owned->kernels.size());
  plan.kernels = owned->kernels.data();
  return std::move(owned);
}

} // namespace mamba::codegen

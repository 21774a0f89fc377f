// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Plan/PlanBuilder.h"

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/KernelAttr.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba::codegen {

namespace {

constexpr int32_t kBatchSymbol = 0;
constexpr int32_t kLengthSymbol = 1;

std::optional<int32_t> getDtype(Type type) {
  return llvm::TypeSwitch<Type, std::optional<int32_t>>(type)
      .Case<Float16Type>([](Type) { return MAMBA_DTYPE_F16; })
      .Case<BFloat16Type>([](Type) { return MAMBA_DTYPE_BF16; })
      .Case<Float32Type>([](Type) { return MAMBA_DTYPE_F32; })
      .Case<Float64Type>([](Type) { return MAMBA_DTYPE_F64; })
      .Default([](Type) { return std::nullopt; });
}

/// Alignment of a tensor that has a tensor map, in bytes.
constexpr int32_t kTensorMapAlignment = 16;

} // namespace

const char *OwnedPlan::keep(StringRef text) {
  return strings.emplace_back(text.str()).c_str();
}

class PlanBuilder {
public:
  PlanBuilder(func::FuncOp function, const PlanOptions &options)
      : function(function), options(options),
        owned(std::make_unique<OwnedPlan>()) {}

  FailureOr<std::unique_ptr<OwnedPlan>> build();

private:
  LogicalResult addParam(Value value, const std::string &name, int32_t kind);
  FailureOr<mamba_dim> getDim(Value value, unsigned dim);
  LogicalResult addInputs();
  LogicalResult addOutputs();
  LogicalResult addTensors(Operation &op, mamba_kernel &kernel);
  LogicalResult addParameter(Operation &op, mamba_kernel &kernel,
                             int32_t param);
  LogicalResult addWorkspace(Operation &op, mamba_kernel &kernel,
                             RankedTensorType type, unsigned index);
  LogicalResult addTensorMap(Operation &op, mamba_kernel &kernel,
                             const KernelTensorMap &map);
  LogicalResult addKernels(Operation &op);
  LogicalResult addKernel(Operation &op, SymbolRefAttr symbol,
                          bool isAlternative);
  LogicalResult addSymbols();
  std::string getName(DictionaryAttr attributes, StringRef fallback,
                      unsigned index);

  func::FuncOp function;
  const PlanOptions &options;
  std::unique_ptr<OwnedPlan> owned;
  llvm::DenseMap<Value, int32_t> indices;
  /// Params of the workspaces of the operation's first kernel, which its
  /// alternatives share.
  SmallVector<int32_t> workspaces;
};

std::string PlanBuilder::getName(DictionaryAttr attributes, StringRef fallback,
                                 unsigned index) {
  if (attributes)
    if (auto name = attributes.getAs<StringAttr>(kNameAttr))
      return name.str();
  return (fallback + Twine(index)).str();
}

FailureOr<mamba_dim> PlanBuilder::getDim(Value value, unsigned dim) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.isDynamicDim(dim))
    return mamba_dim MAMBA_DIM_STATIC(type.getDimSize(dim));
  if (dim > 1)
    return emitError(value.getLoc())
           << "dimension " << dim << " of " << type
           << " is dynamic, but only the batch (0) and the length (1) may be";
  return mamba_dim MAMBA_DIM_SYMBOL(dim == 0 ? kBatchSymbol : kLengthSymbol);
}

LogicalResult PlanBuilder::addParam(Value value, const std::string &name,
                                    int32_t kind) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() > MAMBA_MAX_RANK)
    return emitError(value.getLoc())
           << "'" << name << "' has type " << value.getType()
           << ", but kernels take tensors of rank " << MAMBA_MAX_RANK
           << " at most";
  std::optional<int32_t> dtype = getDtype(type.getElementType());
  if (!dtype)
    return emitError(value.getLoc())
           << "'" << name << "' has element type " << type.getElementType()
           << ", but kernels take f16, bf16, f32 and f64";
  mamba_param param{};
  param.name = owned->keep(name);
  param.kind = kind;
  param.dtype = *dtype;
  param.rank = int32_t(type.getRank());
  param.alignment = type.getRank() == 4 ? options.alignment : 0;
  for (unsigned dim = 0; dim < type.getRank(); ++dim) {
    FailureOr<mamba_dim> size = getDim(value, dim);
    if (failed(size))
      return failure();
    param.dims[dim] = *size;
  }
  indices[value] = int32_t(owned->params.size());
  owned->params.push_back(param);
  return success();
}

LogicalResult PlanBuilder::addInputs() {
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    std::string name = getName(function.getArgAttrDict(i), "arg", i);
    if (failed(addParam(argument, name, MAMBA_PARAM_INPUT)))
      return failure();
  }
  return success();
}

LogicalResult PlanBuilder::addOutputs() {
  Operation *terminator = function.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    std::string name = getName(function.getResultAttrDict(i), "result", i);
    Operation *producer = operand.get().getDefiningOp();
    if (!producer || !producer->hasAttr(kKernelAttr))
      return terminator->emitError("result '")
             << name << "' is not computed by a kernel";
    if (indices.count(operand.get()))
      return terminator->emitError("result '") << name << "' is returned twice";
    if (failed(addParam(operand.get(), name, MAMBA_PARAM_OUTPUT)))
      return failure();
  }
  return success();
}

LogicalResult PlanBuilder::addParameter(Operation &op, mamba_kernel &kernel,
                                        int32_t param) {
  if (kernel.num_params == MAMBA_MAX_KERNEL_PARAMS)
    return op.emitError("needs more than ")
           << MAMBA_MAX_KERNEL_PARAMS << " kernel parameters";
  kernel.params[kernel.num_params++] = param;
  return success();
}

/// The operands of `op` that are no constants, then its results.
LogicalResult PlanBuilder::addTensors(Operation &op, mamba_kernel &kernel) {
  // What a linalg operation writes to is its results, not its init operands.
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  SmallVector<Value> tensors =
      linalgOp ? linalgOp.getDpsInputs() : SmallVector<Value>(op.getOperands());
  tensors.append(op.result_begin(), op.result_end());
  for (Value tensor : tensors) {
    if (matchPattern(tensor, m_Constant()) && options.embedsConstants)
      continue;
    if (!indices.count(tensor) && isa<OpResult>(tensor)) {
      if (tensor.getDefiningOp() != &op)
        return tensor.getDefiningOp()->emitError("'")
               << tensor.getDefiningOp()->getName()
               << "' has no kernel on target " << options.target;
      std::string name =
          (op.getName().stripDialect() + Twine(owned->params.size())).str();
      if (failed(addParam(tensor, name, MAMBA_PARAM_TEMPORARY)))
        return failure();
    }
    if (failed(addParameter(op, kernel, indices.lookup(tensor))))
      return failure();
  }
  return success();
}

/// Elements of a workspace; those for each multiprocessor if that is its size.
static int64_t countElements(const mamba_param &param) {
  int64_t count = 1;
  for (const mamba_dim &dim : ArrayRef(param.dims, param.rank))
    count *= dim.extent;
  return count;
}

/// Whether the larger of two workspaces can serve for both.
static bool isSameKind(const mamba_param &a, const mamba_param &b) {
  auto isCounted = [](const mamba_param &param) {
    return param.rank > 0 && param.dims[0].symbol == MAMBA_SYMBOL_UNITS;
  };
  return a.dtype == b.dtype && isCounted(a) == isCounted(b);
}

/// One workspace serves all alternatives of an operation, of which one runs: it
/// takes the larger of their sizes.
LogicalResult PlanBuilder::addWorkspace(Operation &op, mamba_kernel &kernel,
                                        RankedTensorType type, unsigned index) {
  bool isFlags = type.getElementType().isInteger(64);
  std::optional<int32_t> dtype =
      isFlags ? MAMBA_DTYPE_I64 : getDtype(type.getElementType());
  if (!dtype || type.getRank() > MAMBA_MAX_RANK)
    return op.emitError("the workspace ")
           << type << " of its kernel is not of f16, bf16, f32, f64 or i64 and "
           << "rank " << MAMBA_MAX_RANK << " at most";
  mamba_param param{};
  param.kind = MAMBA_PARAM_TEMPORARY;
  param.dtype = *dtype;
  param.rank = int32_t(type.getRank());
  param.flags = isFlags ? MAMBA_PARAM_FLAGS : 0;
  for (unsigned dim = 0; dim < type.getRank(); ++dim)
    param.dims[dim] = type.isDynamicDim(dim)
                          ? mamba_dim MAMBA_DIM_UNITS(1)
                          : mamba_dim MAMBA_DIM_STATIC(type.getDimSize(dim));
  bool isFirst = index >= workspaces.size();
  if (!isFirst && isSameKind(owned->params[workspaces[index]], param)) {
    mamba_param &shared = owned->params[workspaces[index]];
    param.name = shared.name;
    if (countElements(param) > countElements(shared))
      shared = param;
    return addParameter(op, kernel, workspaces[index]);
  }
  param.name =
      owned->keep((StringRef(kernel.name) + "_workspace" + Twine(index)).str());
  int32_t added = int32_t(owned->params.size());
  if (isFirst)
    workspaces.push_back(added);
  owned->params.push_back(param);
  return addParameter(op, kernel, added);
}

LogicalResult PlanBuilder::addTensorMap(Operation &op, mamba_kernel &kernel,
                                        const KernelTensorMap &map) {
  if (map.parameter < 0 || map.parameter >= kernel.num_params)
    return op.emitError("a tensor map of its kernel names parameter ")
           << map.parameter << ", but only 0 to " << kernel.num_params - 1
           << " are tensors";
  mamba_tensor_map &planned = kernel.tensor_maps[kernel.num_tensor_maps++];
  planned.param = kernel.params[map.parameter];
  mamba_param &param = owned->params[planned.param];
  if (map.box.size() != size_t(param.rank))
    return op.emitError("a tensor map of its kernel has boxes of ")
           << map.box.size() << " dimensions, but '" << param.name << "' has "
           << param.rank;
  llvm::copy(map.box, planned.box);
  param.alignment = std::max(param.alignment, kTensorMapAlignment);
  return success();
}

LogicalResult PlanBuilder::addKernel(Operation &op, SymbolRefAttr symbol,
                                     bool isAlternative) {
  FailureOr<KernelLaunch> launch = options.getLaunch(&op, symbol);
  if (failed(launch))
    return failure();
  mamba_kernel kernel{};
  kernel.name = owned->keep(symbol.getLeafReference().getValue());
  if (failed(addTensors(op, kernel)))
    return failure();
  for (auto [i, type] : llvm::enumerate(launch->workspaces))
    if (failed(addWorkspace(op, kernel, type, unsigned(i))))
      return failure();
  for (const KernelTensorMap &map : launch->tensorMaps)
    if (failed(addTensorMap(op, kernel, map)))
      return failure();
  kernel.num_symbols = 2;
  kernel.symbols[0] = kBatchSymbol;
  kernel.symbols[1] = kLengthSymbol;
  kernel.num_grid_factors = 2;
  kernel.grid[0] = mamba_dim MAMBA_DIM_SYMBOL(kBatchSymbol);
  kernel.grid[1] = mamba_dim MAMBA_DIM_STATIC(launch->blocksPerBatch);
  kernel.block_size = launch->blockSize;
  kernel.dynamic_shared_bytes = launch->sharedBytes;
  kernel.gang = launch->gang;
  kernel.segment_chunks = launch->segmentChunks;
  kernel.chunk = launch->chunk;
  kernel.alternative = isAlternative;
  kernel.cost = launch->cost;
  owned->kernels.push_back(kernel);
  return success();
}

LogicalResult PlanBuilder::addKernels(Operation &op) {
  workspaces.clear();
  if (failed(addKernel(op, op.getAttrOfType<SymbolRefAttr>(kKernelAttr),
                       /*isAlternative=*/false)))
    return failure();
  auto alternatives = op.getAttrOfType<ArrayAttr>(kAlternativesAttr);
  if (!alternatives)
    return success();
  for (auto symbol : alternatives.getAsRange<SymbolRefAttr>())
    if (failed(addKernel(op, symbol, /*isAlternative=*/true)))
      return failure();
  return success();
}

/// Batch and length are read off the first token tensor among the inputs.
LogicalResult PlanBuilder::addSymbols() {
  for (BlockArgument argument : function.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    bool isToken = llvm::any_of(argument.getUses(), [&](OpOperand &use) {
      auto scan = dyn_cast<ChunkScanOp>(use.getOwner());
      if (!scan || use.getOperandNumber() >= scan.getIns().size())
        return false;
      ArrayRef<DimRole> roles =
          scan.getInRole(use.getOperandNumber()).getRoles();
      return roles.size() > 1 && roles[1] == DimRole::Time;
    });
    if (!isToken || type.getRank() < 2)
      continue;
    int32_t param = int32_t(argument.getArgNumber());
    owned->symbols.push_back({"batch", param, 0});
    owned->symbols.push_back({"length", param, 1});
    return success();
  }
  return function.emitError("no argument has batch and time dimensions that a "
                            "chunk program reads, so their sizes are unknown");
}

FailureOr<std::unique_ptr<OwnedPlan>> PlanBuilder::build() {
  if (failed(addInputs()) || failed(addSymbols()) || failed(addOutputs()))
    return failure();
  for (Operation &op : function.getBody().front())
    if (op.hasAttr(kKernelAttr) && failed(addKernels(op)))
      return failure();
  mamba_plan &plan = owned->plan;
  plan.version = MAMBA_PLAN_VERSION;
  plan.name = owned->keep(function.getName());
  plan.target = owned->keep(options.target);
  plan.min_capability = options.minCapability;
  plan.exact_capability = options.exactCapability;
  plan.num_params = int32_t(owned->params.size());
  plan.params = owned->params.data();
  plan.num_symbols = int32_t(owned->symbols.size());
  plan.symbols = owned->symbols.data();
  plan.num_kernels = int32_t(owned->kernels.size());
  plan.kernels = owned->kernels.data();
  return std::move(owned);
}

FailureOr<std::unique_ptr<OwnedPlan>> buildPlan(func::FuncOp function,
                                                const PlanOptions &options) {
  return PlanBuilder(function, options).build();
}

} // namespace mamba::codegen

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Plan.h"

#include <algorithm>

using namespace mamba::rt;

namespace {

struct Dtype {
  int32_t number;
  const char *name;
  int64_t bytes;
};

constexpr Dtype dtypes[] = {
    {MAMBA_DTYPE_F16, "float16", 2}, {MAMBA_DTYPE_BF16, "bfloat16", 2},
    {MAMBA_DTYPE_F32, "float32", 4}, {MAMBA_DTYPE_F64, "float64", 8},
    {MAMBA_DTYPE_I32, "int32", 4},   {MAMBA_DTYPE_I64, "int64", 8}};

constexpr int32_t maxAlignment = 4096;
constexpr int32_t maxBlockSize = 1024;
constexpr int32_t maxGang = 1 << 16;
/// One second, in picoseconds.
constexpr int64_t maxCost = 1000000000000;

/// Limits of a tensor map (CUDA Driver API, cuTensorMapEncodeTiled).
constexpr int32_t tensorMapCapability = 90;
constexpr int32_t maxBox = 256;
constexpr int64_t boxAlignment = 16;
constexpr int64_t swizzleBytes = 128;

/// MAMBA_INVALID_ARGUMENT with the parts joined.
template <typename... Parts>
Status invalid(const Parts &...parts) {
  return error(MAMBA_INVALID_ARGUMENT, parts...);
}

Status checkRange(const char *what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high)
    return {};
  return invalid(what, " is ", value, ", expected ", low, " to ", high);
}

/// Which sizes other than constants and symbols are possible in a dimension.
enum class DimKind { Argument, GridFactor, Temporary };

Status verifyDim(const mamba_plan &plan, const mamba_dim &dim, DimKind kind) {
  if (dim.symbol == MAMBA_SYMBOL_UNITS) {
    if (plan.min_capability == 0)
      return invalid("is counted in multiprocessors, which a CPU plan cannot");
    if (kind != DimKind::Temporary)
      return invalid("is counted in multiprocessors, which only a temporary's "
                     "size can be");
    return checkRange("size for each multiprocessor", dim.extent, 1, INT32_MAX);
  }
  if (dim.symbol < MAMBA_SYMBOL_NONE || dim.symbol >= plan.num_symbols)
    return invalid("symbol ", dim.symbol, " does not exist, there are ",
                   plan.num_symbols);
  if (dim.extent <= 0)
    return invalid(dim.symbol < 0 ? "size " : "divisor ", dim.extent,
                   " is not positive");
  if (dim.symbol >= 0 && dim.extent != 1 && kind == DimKind::Argument)
    return invalid("an input's or output's size cannot be a symbol divided by ",
                   dim.extent);
  return {};
}

bool isFlags(const mamba_param &param) {
  return param.flags & MAMBA_PARAM_FLAGS;
}

Status verifyFlags(const mamba_plan &plan, const mamba_param &param) {
  if (param.flags & ~(MAMBA_PARAM_IN_PLACE | MAMBA_PARAM_FLAGS))
    return invalid("flags ", param.flags, " are unknown");
  if (!isFlags(param))
    return {};
  if (param.kind != MAMBA_PARAM_TEMPORARY)
    return invalid("only a temporary can be flags of thread blocks");
  if (plan.min_capability == 0)
    return invalid("flags of thread blocks need a GPU");
  if (param.dtype != MAMBA_DTYPE_I64)
    return invalid("flags of thread blocks are ", dtypeName(param.dtype),
                   ", expected int64");
  // Their memory is there before a launch.
  for (int32_t d = 0; d < param.rank; ++d)
    if (param.dims[d].symbol >= 0)
      return invalid("the size of flags of thread blocks is symbol ",
                     param.dims[d].symbol, " in dimension ", d);
  return {};
}

Status verifyParam(const mamba_plan &plan, const mamba_param &param) {
  if (!param.name)
    return invalid("name is null");
  Status status =
      checkRange("kind", param.kind, MAMBA_PARAM_INPUT, MAMBA_PARAM_TEMPORARY);
  if (status.isOk() && dtypeBytes(param.dtype) == 0)
    status = invalid("dtype ", param.dtype, " is unknown");
  if (status.isOk())
    status = checkRange("rank", param.rank, 0, MAMBA_MAX_RANK);
  if (status.isOk())
    status = checkRange("alignment", param.alignment, 0, maxAlignment);
  if (status.isOk() && (param.alignment & (param.alignment - 1)))
    status = invalid("alignment ", param.alignment, " is not a power of two");
  if (status.isOk())
    status = verifyFlags(plan, param);
  DimKind kind = param.kind == MAMBA_PARAM_TEMPORARY ? DimKind::Temporary
                                                     : DimKind::Argument;
  for (int32_t d = 0; status.isOk() && d < param.rank; ++d)
    status =
        verifyDim(plan, param.dims[d], kind).withContext(text("dimension ", d));
  return status;
}

Status verifySymbol(const mamba_plan &plan, int32_t index) {
  const mamba_symbol &symbol = plan.symbols[index];
  if (!symbol.name)
    return invalid("name is null");
  if (symbol.param < 0 || symbol.param >= plan.num_params)
    return invalid("param ", symbol.param, " does not exist, there are ",
                   plan.num_params);
  const mamba_param &param = plan.params[symbol.param];
  if (param.kind != MAMBA_PARAM_INPUT)
    return invalid("is read from '", param.name, "', which is not an input");
  if (symbol.dim < 0 || symbol.dim >= param.rank)
    return invalid("is read from dimension ", symbol.dim, " of '", param.name,
                   "', whose rank is ", param.rank);
  int32_t source = param.dims[symbol.dim].symbol;
  if (source >= 0 && source != index)
    return invalid("is read from dimension ", symbol.dim, " of '", param.name,
                   "', which is another symbol");
  return {};
}

Status verifyKernelArguments(const mamba_plan &plan,
                             const mamba_kernel &kernel) {
  Status status = checkRange("number of params", kernel.num_params, 0,
                             MAMBA_MAX_KERNEL_PARAMS);
  if (status.isOk())
    status = checkRange("number of symbols", kernel.num_symbols, 0,
                        MAMBA_MAX_SYMBOLS);
  for (int32_t i = 0; status.isOk() && i < kernel.num_params; ++i)
    status =
        checkRange("param index", kernel.params[i], 0, plan.num_params - 1);
  for (int32_t i = 0; status.isOk() && i < kernel.num_symbols; ++i)
    status =
        checkRange("symbol index", kernel.symbols[i], 0, plan.num_symbols - 1);
  return status;
}

Status verifyBox(const mamba_tensor_map &map, const mamba_param &param) {
  Status status;
  for (int32_t d = 0; status.isOk() && d < MAMBA_MAX_TENSOR_MAP_RANK; ++d)
    status = d < param.rank
                 ? checkRange("box size", map.box[d], 1, maxBox)
                 : checkRange("box size beyond the rank", map.box[d], 0, 0);
  if (!status.isOk())
    return status;
  int64_t bytes = map.box[0] * dtypeBytes(param.dtype);
  if (bytes % boxAlignment != 0 || bytes > swizzleBytes)
    return invalid("a box is ", bytes, " bytes wide, expected a multiple of ",
                   boxAlignment, " up to ", swizzleBytes);
  return {};
}

Status verifyTensorMap(const mamba_plan &plan, const mamba_tensor_map &map) {
  if (plan.min_capability < tensorMapCapability)
    return invalid("needs compute capability 9.0, the plan is for ",
                   plan.target);
  Status status = checkRange("param index", map.param, 0, plan.num_params - 1);
  if (!status.isOk())
    return status;
  const mamba_param &param = plan.params[map.param];
  if (dtypeBytes(param.dtype) != 2)
    status = invalid("elements are ", dtypeName(param.dtype),
                     ", expected 16-bit ones");
  if (status.isOk())
    status = checkRange("rank", param.rank, 1, MAMBA_MAX_TENSOR_MAP_RANK);
  if (status.isOk() && param.kind != MAMBA_PARAM_TEMPORARY &&
      param.alignment < boxAlignment)
    status = invalid("alignment is ", param.alignment, ", expected ",
                     boxAlignment, " or more");
  if (status.isOk())
    status = verifyBox(map, param);
  return std::move(status).withContext(text("'", param.name, "'"));
}

bool takesAnyFlags(const mamba_plan &plan, const mamba_kernel &kernel) {
  return std::any_of(
      kernel.params, kernel.params + kernel.num_params,
      [&](int32_t param) { return isFlags(plan.params[param]); });
}

Status verifyPersistence(const mamba_plan &plan, const mamba_kernel &kernel) {
  if (kernel.gang == 0) {
    if (kernel.segment_chunks != 0)
      return invalid("has segments of ", kernel.segment_chunks, " chunks of ",
                     kernel.chunk, " tokens, but no gang that works on them");
    if (takesAnyFlags(plan, kernel))
      return invalid("takes flags of thread blocks, but is not persistent");
    return checkRange("chunk length", kernel.chunk, 0, INT32_MAX);
  }
  if (plan.min_capability == 0)
    return invalid("a CPU kernel cannot be persistent");
  Status status = checkRange("gang", kernel.gang, 1, maxGang);
  if (status.isOk())
    status = checkRange("segment length in chunks", kernel.segment_chunks, 0,
                        INT32_MAX);
  if (status.isOk())
    status = checkRange("chunk length", kernel.chunk, 1, INT32_MAX);
  if (status.isOk() && kernel.num_symbols != 2)
    status = invalid("a persistent kernel takes the two symbols batch and "
                     "length, not ",
                     kernel.num_symbols);
  return status;
}

Status verifyLaunch(const mamba_plan &plan, const mamba_kernel &kernel) {
  Status status = verifyPersistence(plan, kernel);
  if (status.isOk())
    status = checkRange("number of tensor maps", kernel.num_tensor_maps, 0,
                        MAMBA_MAX_TENSOR_MAPS);
  for (int32_t i = 0; status.isOk() && i < kernel.num_tensor_maps; ++i)
    status = verifyTensorMap(plan, kernel.tensor_maps[i])
                 .withContext(text("tensor map ", i));
  return status;
}

Status verifyCost(const mamba_cost &cost) {
  for (auto [what, number] : {std::pair("cost of a launch", cost.launch),
                              std::pair("cost of a chunk", cost.chunk),
                              std::pair("cost of a summary", cost.summary),
                              std::pair("cost of a join", cost.join),
                              std::pair("cost of states", cost.state)})
    if (Status status = checkRange(what, number, 0, maxCost); !status.isOk())
      return status;
  return {};
}

/// What the choice between kernels needs.
Status verifyChoice(const mamba_plan &plan, int32_t index) {
  const mamba_kernel &kernel = plan.kernels[index];
  Status status = checkRange("alternative", kernel.alternative, 0, 1);
  if (status.isOk())
    status = verifyCost(kernel.cost);
  bool inSeries = kernel.alternative || (index + 1 < plan.num_kernels &&
                                         plan.kernels[index + 1].alternative);
  if (!status.isOk() || !inSeries)
    return status;
  if (index == 0 && kernel.alternative)
    return invalid("is an alternative, but no kernel stands before it");
  if (plan.min_capability == 0)
    return invalid("a CPU kernel cannot have alternatives");
  if (kernel.chunk == 0 || kernel.cost.chunk == 0 || kernel.num_symbols != 2)
    return invalid("has alternatives, but a chunk of ", kernel.chunk,
                   " tokens, ", kernel.num_symbols, " symbols and a cost of ",
                   kernel.cost.chunk,
                   " ps a chunk; expected 1 or more of "
                   "tokens and ps, and the symbols batch and length");
  return {};
}

Status verifyKernel(const mamba_plan &plan, const mamba_kernel &kernel) {
  if (!kernel.name)
    return invalid("name is null");
  Status status = verifyKernelArguments(plan, kernel);
  if (status.isOk())
    status = checkRange("number of grid factors", kernel.num_grid_factors, 1,
                        MAMBA_MAX_GRID_FACTORS);
  for (int32_t i = 0; status.isOk() && i < kernel.num_grid_factors; ++i)
    status = verifyDim(plan, kernel.grid[i], DimKind::GridFactor)
                 .withContext(text("grid factor ", i));
  if (status.isOk())
    status = verifyLaunch(plan, kernel);
  if (!status.isOk())
    return status;
  if (plan.min_capability > 0) {
    status = checkRange("block size", kernel.block_size, 1, maxBlockSize);
    if (status.isOk() && kernel.dynamic_shared_bytes < 0)
      status = invalid("dynamic shared memory of ", kernel.dynamic_shared_bytes,
                       " bytes");
    return status;
  }
  if (kernel.num_symbols != 2)
    return invalid("a CPU kernel takes the two symbols batch and length, not ",
                   kernel.num_symbols);
  return {};
}

Status verifyHeader(const mamba_plan *plan) {
  if (!plan)
    return invalid("the plan is null");
  if (plan->version != MAMBA_PLAN_VERSION)
    return invalid("the plan has version ", plan->version,
                   ", this runtime reads version ", MAMBA_PLAN_VERSION);
  if (!plan->name || !plan->target)
    return invalid("the plan has no ", plan->name ? "target" : "name");
  Status status =
      checkRange("number of params", plan->num_params, 1, MAMBA_MAX_PARAMS);
  if (status.isOk())
    status = checkRange("number of symbols", plan->num_symbols, 0,
                        MAMBA_MAX_SYMBOLS);
  if (status.isOk())
    status = checkRange("number of kernels", plan->num_kernels, 1, 1 << 10);
  if (status.isOk() && plan->min_capability < 0)
    status = invalid("compute capability ", plan->min_capability);
  if (status.isOk() && (!plan->params || !plan->kernels ||
                        (plan->num_symbols && !plan->symbols)))
    status = invalid("a list of the plan is null");
  return status;
}

const Dtype *findDtype(int32_t number) {
  for (const Dtype &dtype : dtypes)
    if (dtype.number == number)
      return &dtype;
  return nullptr;
}

} // namespace

const char *mamba::rt::dtypeName(int32_t dtype) {
  const Dtype *found = findDtype(dtype);
  return found ? found->name : "an unknown dtype";
}

int64_t mamba::rt::dtypeBytes(int32_t dtype) {
  const Dtype *found = findDtype(dtype);
  return found ? found->bytes : 0;
}

Status mamba::rt::verifyPlan(const mamba_plan *plan) {
  Status status = verifyHeader(plan);
  if (!status.isOk())
    return status;
  for (int32_t i = 0; status.isOk() && i < plan->num_params; ++i)
    status = verifyParam(*plan, plan->params[i]).withContext(text("param ", i));
  for (int32_t i = 0; status.isOk() && i < plan->num_symbols; ++i)
    status = verifySymbol(*plan, i).withContext(text("symbol ", i));
  for (int32_t i = 0; status.isOk() && i < plan->num_kernels; ++i) {
    status = verifyKernel(*plan, plan->kernels[i]);
    if (status.isOk())
      status = verifyChoice(*plan, i);
    status = std::move(status).withContext(text("kernel ", i));
  }
  return std::move(status).withContext(text("plan '", plan->name, "'"));
}

const char *Plan::keep(const char *string) {
  strings.push_back(std::make_unique<std::string>(string));
  return strings.back()->c_str();
}

Result<Plan> Plan::copy(const mamba_plan *source) {
  Status status = verifyPlan(source);
  if (!status.isOk())
    return status;
  Plan plan;
  plan.functionName = source->name;
  plan.targetName = source->target;
  plan.minCapability = source->min_capability;
  plan.exactCapability = source->exact_capability != 0;
  plan.paramList.assign(source->params, source->params + source->num_params);
  if (source->num_symbols)
    plan.symbolList.assign(source->symbols,
                           source->symbols + source->num_symbols);
  plan.kernelList.assign(source->kernels,
                         source->kernels + source->num_kernels);
  for (mamba_param &param : plan.paramList) {
    param.name = plan.keep(param.name);
    bool isArgument = param.kind != MAMBA_PARAM_TEMPORARY;
    plan.positions.push_back(isArgument ? plan.numArguments++ : -1);
  }
  for (mamba_symbol &symbol : plan.symbolList)
    symbol.name = plan.keep(symbol.name);
  for (mamba_kernel &kernel : plan.kernelList)
    kernel.name = plan.keep(kernel.name);
  for (int32_t i = 0; i < source->num_kernels; ++i) {
    const mamba_kernel &kernel = source->kernels[i];
    plan.flagTakers.push_back(takesAnyFlags(*source, kernel));
    if (kernel.alternative)
      ++plan.stepList.back().count;
    else
      plan.stepList.push_back({i, 1});
  }
  return plan;
}

Status Plan::checkCapability(int32_t capability) const {
  if (capability == minCapability ||
      (capability > minCapability && !exactCapability))
    return {};
  return error(MAMBA_UNSUPPORTED, "'", functionName, "' was compiled for ",
               targetName, " and needs compute capability ", minCapability / 10,
               ".", minCapability % 10, exactCapability ? "" : " or newer",
               "; the device has ", capability / 10, ".", capability % 10);
}

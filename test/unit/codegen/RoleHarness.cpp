// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/RoleHarness.h"

#include "dialect/IR/SsdOps.h"
#include "dialect/Reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "test/unit/codegen/EmulatedTensorMap.h"

using namespace mlir;

namespace mamba::test {
namespace {

/// The largest number of multiprocessors that a test launches on.
constexpr int64_t kUnits = 64;

int64_t sizeOf(mamba_dim dim, int64_t batch, int64_t length) {
  if (dim.symbol == MAMBA_SYMBOL_NONE)
    return dim.extent;
  if (dim.symbol == MAMBA_SYMBOL_UNITS)
    return kUnits * dim.extent;
  int64_t symbol = dim.symbol == 0 ? batch : length;
  return (symbol + dim.extent - 1) / dim.extent;
}

std::vector<int64_t> shapeOf(const mamba_param &param, int64_t batch,
                             int64_t length) {
  std::vector<int64_t> shape;
  shape.reserve(param.rank);
  for (int32_t i = 0; i < param.rank; ++i)
    shape.push_back(sizeOf(param.dims[i], batch, length));
  return shape;
}

EmulatedTensorMap makeMap(const mamba_tensor_map &described,
                          const mamba_param &param, char *base, int64_t batch,
                          int64_t length) {
  EmulatedTensorMap map;
  map.base = base;
  map.rank = param.rank;
  int64_t stride = map.elementBytes;
  for (int32_t i = 0; i < param.rank; ++i) {
    int64_t size = sizeOf(param.dims[param.rank - 1 - i], batch, length);
    map.dims[i] = static_cast<int32_t>(size);
    map.box[i] = described.box[i];
    map.strides[i] = stride;
    stride *= size;
  }
  return map;
}

int64_t countSets(const mamba_kernel &kernel, int64_t batch, int64_t length) {
  int64_t sets = 1;
  for (int32_t i = 0; i < kernel.num_grid_factors; ++i)
    sets *= sizeOf(kernel.grid[i], batch, length);
  return sets;
}

/// Lets every mixer have such kernels.
void forceRoles(ModuleOp module, const RoleProgram &program) {
  MLIRContext *context = module.getContext();
  Type operand = program.isHalf ? Type(Float16Type::get(context))
                                : Type(BFloat16Type::get(context));
  SmallVector<ssd::Alternative> alternatives;
  if (program.segment)
    alternatives.push_back({program.consumers, program.segment});
  module.walk([&](ssd::ApplyOp apply) {
    apply.setScheduleAttr(ssd::ScheduleAttr::get(
        context, ssd::Form::Chunked, program.chunk, /*sub_block=*/16, operand,
        ssd::WeightSide::Values, /*channels=*/0, program.warps, program.stages,
        program.consumers, /*segment=*/0, alternatives));
  });
}

} // namespace

RoleRunner::RoleRunner(const RoleProgram &program)
    : tolerance(program.isHalf ? 6e-4 : 4e-3) {
  reference = parseSourceString<ModuleOp>(program.text, &getContext());
  auto module = parseSourceString<ModuleOp>(program.text, &getContext());
  if (!reference || !module) {
    ADD_FAILURE() << "does not parse:\n" << program.text;
    return;
  }
  forceRoles(*module, program);
  auto compiled = codegen::compileForGpu(*module, "", program.target,
                                         /*withLlvmIR=*/true);
  if (failed(compiled)) {
    ADD_FAILURE() << "does not compile:\n" << program.text;
    return;
  }
  auto created = WarpEmulator::create(compiled->llvmIR);
  if (!created) {
    ADD_FAILURE() << llvm::toString(created.takeError());
    return;
  }
  plan = std::move(compiled->plan);
  emulator = std::move(*created);
}

/// Zero before the first launch.
Array RoleRunner::takeFlags(int32_t param, size_t count) {
  Array &area = flags.areas[param];
  if (area.bytes.empty()) {
    area.poison(2 * count);
    std::fill(area.bytes.begin(), area.bytes.end() - Array::guard, 0);
  }
  return std::move(area);
}

/// All launches have counted in them.
void RoleRunner::keepFlags(std::vector<Array> &arrays) {
  ++flags.launches;
  for (auto &[param, area] : flags.areas) {
    area = std::move(arrays[param]);
    area.load();
    int64_t count = 0;
    std::memcpy(&count, area.bytes.data(), sizeof(count));
    EXPECT_EQ(count, flags.launches << 16);
  }
}

/// Inputs as `fill` has them; outputs and temporaries poisoned, flags as they
/// were left.
std::vector<Array> RoleRunner::makeArrays(int64_t batch, int64_t length) {
  std::mt19937 random(static_cast<unsigned>(length));
  std::vector<Array> arrays;
  for (int32_t i = 0; i < plan->get().num_params; ++i) {
    const mamba_param &param = plan->get().params[i];
    size_t count = ssd::countElements(shapeOf(param, batch, length));
    if (param.flags & MAMBA_PARAM_FLAGS) {
      arrays.push_back(takeFlags(i, count));
      continue;
    }
    Array &array = arrays.emplace_back();
    if (param.kind == MAMBA_PARAM_INPUT) {
      array = randomArray(random, count, 1, param.dtype);
      if (fill)
        fill(param.name, array.values);
      array.store();
      continue;
    }
    array.dtype = param.dtype;
    array.poison(count);
  }
  return arrays;
}

void RoleRunner::launch(const mamba_kernel &kernel, std::vector<Array> &arrays,
                        int64_t batch, int64_t length, int64_t groups) {
  std::vector<int64_t> arguments;
  auto add = [&](const void *pointer) {
    arguments.push_back(reinterpret_cast<int64_t>(pointer));
  };
  for (int32_t p = 0; p < kernel.num_params; ++p)
    add(arrays[kernel.params[p]].bytes.data());
  for (int32_t s = 0; s < kernel.num_symbols; ++s)
    arguments.push_back(kernel.symbols[s] == 0 ? batch : length);
  std::vector<EmulatedTensorMap> maps;
  for (int32_t m = 0; m < kernel.num_tensor_maps; ++m) {
    const mamba_tensor_map &map = kernel.tensor_maps[m];
    maps.push_back(makeMap(map, plan->get().params[map.param],
                           arrays[map.param].bytes.data(), batch, length));
  }
  for (const EmulatedTensorMap &map : maps)
    add(&map);
  int64_t grid = countSets(kernel, batch, length);
  ASSERT_GT(kernel.gang, 0) << kernel.name << " is not persistent";
  grid = kernel.gang * (groups ? groups : grid);
  ASSERT_LE(grid, kUnits);
  llvm::Error error =
      emulator->launch(kernel.name, grid, kernel.block_size, arguments);
  ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
}

void RoleRunner::check(int64_t batch, int64_t length, int64_t groups) {
  if (!emulator)
    return;
  const mamba_kernel &kernel = plan->get().kernels[0];
  int64_t sets = countSets(kernel, batch, length);
  bool more = groups > sets;
  checkKernels(batch, length, groups, /*segments=*/more);
  if (groups && !more)
    checkKernels(batch, length, groups, /*segments=*/true);
}

void RoleRunner::checkKernels(int64_t batch, int64_t length, int64_t groups,
                              bool segments) {
  SCOPED_TRACE(testing::Message()
               << "batch " << batch << ", " << length << " tokens, groups "
               << groups << (segments ? ", segments" : ", ranges"));
  std::vector<Array> arrays = makeArrays(batch, length);
  std::vector<ssd::ReferenceTensor> inputs;
  for (int32_t i = 0; i < plan->get().num_params; ++i)
    if (const mamba_param &param = plan->get().params[i];
        param.kind == MAMBA_PARAM_INPUT)
      inputs.emplace_back(shapeOf(param, batch, length), arrays[i].values);
  for (int32_t i = 0; i < plan->get().num_kernels; ++i)
    if ((plan->get().kernels[i].segment_chunks > 0) == segments)
      launch(plan->get().kernels[i], arrays, batch, length, groups);
  keepFlags(arrays);
  if (testing::Test::HasFatalFailure())
    return;
  auto function = *reference->getOps<func::FuncOp>().begin();
  auto expected = ssd::interpret(function, inputs);
  ASSERT_TRUE(succeeded(expected));
  size_t next = 0;
  for (int32_t i = 0; i < plan->get().num_params; ++i) {
    const mamba_param &param = plan->get().params[i];
    if (param.kind != MAMBA_PARAM_OUTPUT)
      continue;
    arrays[i].load();
    EXPECT_LE(relativeError(arrays[i].values, (*expected)[next++].getValues()),
              tolerance)
        << param.name;
  }
}

} // namespace mamba::test

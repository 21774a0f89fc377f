// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of whole GPU programs without a GPU: functions are compiled for a
// target, their kernels run on the emulator as the launch plan says, and the
// results are compared with the interpreter's. Kernels with roles have tests of
// their own.

#include "test/unit/codegen/CpuHarness.h"
#include "test/unit/codegen/WarpEmulator.h"

#include "codegen/GPU/GpuCompiler.h"
#include "dialect/IR/SsdOps.h"
#include "dialect/Reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mamba;
using namespace mamba::test;

namespace {

struct Sizes {
  int64_t heads, groups, channels, states;
  const char *type = "bf16";
  ssd::Form form = ssd::Form::Chunked;
  /// y = (M x + x)·silu(z) instead of M x.
  bool gated = false;
};

/// %r = (%y + %x)·silu(%z), of tensors of type `x` in bf16.
std::string gateOf(const std::string &x) {
  std::string text = R"(
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %nb = tensor.dim %x, %zero : {x}
    %nt = tensor.dim %x, %one : {x}
    %empty = tensor.empty(%nb, %nt) : {x}
    %r = linalg.generic {indexing_maps = [#all, #all, #all, #all],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%y, %x, %z : {x}, {x}, {x}) outs(%empty : {x}) {
    ^bb0(%p: bf16, %q: bf16, %v: bf16, %o: bf16):
      %c1 = arith.constant 1.0 : f32
      %pf = arith.extf %p : bf16 to f32
      %qf = arith.extf %q : bf16 to f32
      %vf = arith.extf %v : bf16 to f32
      %n = arith.negf %vf : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %c1 : f32
      %silu = arith.divf %vf, %d : f32
      %sum = arith.addf %pf, %qf : f32
      %t = arith.mulf %sum, %silu : f32
      %w = arith.truncf %t : f32 to bf16
      linalg.yield %w : bf16
    } -> {x})";
  for (size_t at; (at = text.find("{x}")) != std::string::npos;)
    text.replace(at, 3, x);
  return text;
}

/// y = (L ∘ C Bᵀ) diag(dt) x with states, log decays A·dt given directly.
std::string mixer(const Sizes &s) {
  auto tensor = [](std::initializer_list<int64_t> dims, const char *type,
                   int dynamic) {
    std::string text = "tensor<";
    for (int i = 0; i < dynamic; ++i)
      text += "?x";
    for (int64_t dim : dims)
      text += std::to_string(dim) + "x";
    return text + type + ">";
  };
  std::string x = tensor({s.heads, s.channels}, s.type, 2);
  std::string token = tensor({s.heads}, "f32", 2);
  std::string key = tensor({s.groups, s.states}, s.type, 2);
  std::string state = tensor({s.heads, s.channels, s.states}, "f32", 1);
  std::string h = std::to_string(s.heads), g = std::to_string(s.groups);
  std::string gate = s.gated ? gateOf(x) : "";
  return "#all = affine_map<(b, t, h, p) -> (b, t, h, p)>\n"
         "func.func @f(%x: " +
         x + ", %a: " + token + ", %dt: " + token + ", %b: " + key +
         ", %c: " + key + ", %s0: " + state +
         (s.gated ? ", %z: " + x : std::string()) + ") -> (" + x + ", " +
         state + ") {\n" + "%L = ssd.decay %a : " + token +
         "\n%G = ssd.low_rank %c, %b : " + key + ", " + key +
         "\n%K = ssd.hadamard %L, %G : !ssd.matrix<?x" + h +
         "x?, causal>, !ssd.matrix<?x" + g +
         "x?, full>\n%M = ssd.scale_columns %K, %dt : !ssd.matrix<?x" + h +
         "x?, causal>, " + token +
         "\n%y, %s = ssd.apply %M, %x init %s0 : !ssd.matrix<?x" + h +
         "x?, causal>, " + x + ", " + state + " -> " + x + ", " + state + gate +
         "\nreturn " + (s.gated ? "%r" : "%y") + ", %s : " + x + ", " + state +
         "\n}";
}

int64_t valueOf(mamba_dim dim, int64_t batch, int64_t length) {
  if (dim.symbol < 0)
    return dim.extent;
  int64_t symbol = dim.symbol == 0 ? batch : length;
  return (symbol + dim.extent - 1) / dim.extent;
}

/// The shape of a parameter; symbol 0 is the batch, symbol 1 the length.
std::vector<int64_t> shapeOf(const mamba_param &param, int64_t batch,
                             int64_t length) {
  std::vector<int64_t> shape;
  for (int32_t i = 0; i < param.rank; ++i)
    shape.push_back(valueOf(param.dims[i], batch, length));
  return shape;
}

/// Inputs with decays in [−0.5, 0] and steps in [0, 0.1]; outputs poisoned.
std::vector<Array> makeArrays(const mamba_plan &plan, int64_t batch,
                              int64_t length) {
  std::mt19937 random(static_cast<unsigned>(length));
  std::vector<Array> arrays;
  for (int32_t i = 0; i < plan.num_params; ++i) {
    const mamba_param &param = plan.params[i];
    size_t count = ssd::countElements(shapeOf(param, batch, length));
    if (param.kind == MAMBA_PARAM_INPUT) {
      arrays.push_back(randomArray(random, count, 1, param.dtype));
      for (double &value : arrays.back().values)
        if (i == 1)
          value = -0.5 * std::fabs(std::fmod(value, 1));
        else if (i == 2)
          value = 0.1 * std::fabs(std::fmod(value, 1));
      arrays.back().store();
      continue;
    }
    arrays.emplace_back();
    arrays.back().dtype = param.dtype;
    arrays.back().poison(count);
  }
  return arrays;
}

/// Runs all kernels of the plan on the arrays of its parameters.
void launch(WarpEmulator &emulator, const mamba_plan &plan,
            std::vector<Array> &arrays, int64_t batch, int64_t length) {
  for (int32_t i = 0; i < plan.num_kernels; ++i) {
    const mamba_kernel &kernel = plan.kernels[i];
    std::vector<int64_t> arguments;
    for (int32_t p = 0; p < kernel.num_params; ++p)
      arguments.push_back(
          reinterpret_cast<int64_t>(arrays[kernel.params[p]].bytes.data()));
    for (int32_t s = 0; s < kernel.num_symbols; ++s)
      arguments.push_back(kernel.symbols[s] == 0 ? batch : length);
    int64_t grid = 1;
    for (int32_t g = 0; g < kernel.num_grid_factors; ++g)
      grid *= valueOf(kernel.grid[g], batch, length);
    llvm::Error error =
        emulator.launch(kernel.name, grid, kernel.block_size, arguments);
    ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  }
}

/// Lets every mixer have a kernel of the form, without roles.
void forceForm(mlir::ModuleOp module, const Sizes &sizes) {
  mlir::Builder b(module.getContext());
  bool isHalf = llvm::StringRef(sizes.type) == "f16";
  mlir::Type operand = isHalf ? mlir::Type(b.getF16Type()) : b.getBF16Type();
  bool chunked = sizes.form == ssd::Form::Chunked;
  if (!chunked)
    operand = b.getF32Type();
  module.walk([&](ssd::ApplyOp apply) {
    apply.setScheduleAttr(ssd::ScheduleAttr::get(
        b.getContext(), sizes.form, chunked ? 64 : 1, chunked ? 16 : 1, operand,
        ssd::WeightSide::Keys, /*channels=*/0, /*warps=*/0,
        /*stages=*/0, /*consumers=*/0, /*segment=*/0,
        /*alternatives=*/llvm::ArrayRef<ssd::Alternative>()));
  });
}

void check(const Sizes &sizes, llvm::StringRef target, int64_t batch,
           std::initializer_list<int64_t> lengths) {
  std::string text = mixer(sizes);
  auto reference = mlir::parseSourceString<mlir::ModuleOp>(text, &getContext());
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &getContext());
  ASSERT_TRUE(reference && module) << text;
  forceForm(*module, sizes);
  auto program =
      codegen::compileForGpu(*module, "f", target, /*withLlvmIR=*/true);
  ASSERT_TRUE(mlir::succeeded(program));
  auto emulator = WarpEmulator::create(program->llvmIR);
  ASSERT_TRUE(static_cast<bool>(emulator))
      << llvm::toString(emulator.takeError());
  const mamba_plan &plan = program->plan->get();
  llvm::StringRef type = sizes.type;
  double tolerance = type == "f16" ? 6e-4 : type == "f32" ? 2e-6 : 4e-3;
  for (int64_t length : lengths) {
    std::vector<Array> arrays = makeArrays(plan, batch, length);
    std::vector<ssd::ReferenceTensor> inputs;
    for (int32_t i = 0; i < plan.num_params; ++i)
      if (plan.params[i].kind == MAMBA_PARAM_INPUT)
        inputs.emplace_back(shapeOf(plan.params[i], batch, length),
                            arrays[i].values);
    launch(**emulator, plan, arrays, batch, length);
    auto function = *reference->getOps<mlir::func::FuncOp>().begin();
    auto expected = ssd::interpret(function, inputs);
    ASSERT_TRUE(mlir::succeeded(expected));
    size_t next = 0;
    for (int32_t i = 0; i < plan.num_params; ++i) {
      if (plan.params[i].kind != MAMBA_PARAM_OUTPUT)
        continue;
      arrays[i].load();
      EXPECT_LE(
          relativeError(arrays[i].values, (*expected)[next++].getValues()),
          tolerance)
          << plan.params[i].name << ", " << length << " tokens";
    }
    EXPECT_EQ(next, expected->size());
  }
}

// Lengths around the chunk of 64.
TEST(GpuEmulation, MixerOnAmpere) {
  check({2, 1, 64, 64}, "sm_80", 1, {1, 63, 64, 65, 131});
}

TEST(GpuEmulation, MixerOnHopper) {
  check({2, 2, 64, 128}, "sm_90a", 1, {65, 131});
}

TEST(GpuEmulation, HalfPrecision) {
  check({2, 1, 32, 16, "f16"}, "sm_90a", 2, {7, 100});
}

TEST(GpuEmulation, SizesBelowAndBesideTheFragments) {
  check({3, 3, 8, 8}, "sm_80", 1, {70});
  check({2, 1, 40, 24}, "sm_90a", 1, {70});
}

TEST(GpuEmulation, HeadsInSlices) {
  check({1, 1, 128, 128}, "sm_90a", 1, {70});
  check({1, 1, 72, 256}, "sm_90a", 1, {70});
}

// One token after the other: every length is a number of steps.
Sizes recurrent(Sizes sizes) {
  sizes.form = ssd::Form::Recurrent;
  return sizes;
}

TEST(GpuEmulation, Recurrent) {
  check(recurrent({2, 1, 64, 128}), "sm_90a", 2, {0, 1, 2, 5});
  check(recurrent({4, 2, 32, 32, "f16"}), "sm_80", 1, {1, 5});
  check(recurrent({2, 2, 32, 256}), "sm_90a", 1, {2});
}

TEST(GpuEmulation, RecurrentInFullPrecision) {
  check(recurrent({2, 1, 64, 128, "f32"}), "sm_90a", 1, {1, 5});
}

TEST(GpuEmulation, RecurrentBesideTheFragments) {
  check(recurrent({2, 1, 40, 24}), "sm_90a", 1, {1, 2, 5});
  check(recurrent({3, 3, 8, 8, "f32"}), "sm_80", 1, {3});
}

TEST(GpuEmulation, RecurrentWithSurroundings) {
  Sizes sizes = recurrent({2, 1, 64, 64});
  sizes.gated = true;
  check(sizes, "sm_90a", 1, {1, 3});
}

TEST(WarpEmulator, LanesMustMeetAtTheSameInstruction) {
  auto emulator = WarpEmulator::create(R"(
    declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
    declare void @llvm.nvvm.bar.warp.sync(i32)
    declare float @llvm.nvvm.shfl.sync.idx.f32(i32, float, i32, i32)
    define ptx_kernel void @k() {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %first = icmp eq i32 %t, 0
      br i1 %first, label %a, label %b
    a:
      call void @llvm.nvvm.bar.warp.sync(i32 -1)
      ret void
    b:
      %v = call float @llvm.nvvm.shfl.sync.idx.f32(i32 -1, float 0.0, i32 0, i32 31)
      ret void
    })");
  ASSERT_TRUE(static_cast<bool>(emulator))
      << llvm::toString(emulator.takeError());
  llvm::Error error = (*emulator)->launch("k", 1, 32, {});
  EXPECT_EQ(llvm::toString(std::move(error)),
            "k: thread 1 of block 0: at shfl.idx while others wait at "
            "bar.warp.sync");
}

} // namespace

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Plans of kernels that a test writes by hand: what their attributes say and
// what becomes of it.

#include "codegen/Plan/PlanBuilder.h"
#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelAttr.h"
#include "gtest/gtest.h"

namespace mamba::codegen {
namespace {

using mlir::failed;
using mlir::Operation;

/// A chunk program whose kernel has the attributes ATTRIBUTES, and its
/// alternative, if ALTERNATIVES names it, OTHER.
constexpr const char *kProgram = R"mlir(
gpu.module @kernels {
  gpu.func @scan_0(%x: !llvm.ptr<1>, %a: !llvm.ptr<1>, %y: !llvm.ptr<1>)
      kernel attributes {ATTRIBUTES} {
    gpu.return
  }
  gpu.func @other(%x: !llvm.ptr<1>, %a: !llvm.ptr<1>, %y: !llvm.ptr<1>)
      kernel attributes {OTHER} {
    gpu.return
  }
}
func.func @scan(%a: tensor<?x?x4xf32> {ssd.name = "a"},
                %x: tensor<?x?x4x8xbf16> {ssd.name = "x"})
    -> (tensor<?x?x4x8xbf16> {ssd.name = "y"}) {
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xbf16>,
          %a as [batch, time, head] : tensor<?x?x4xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xbf16>)
      attributes {ssd.kernel = @kernels::@scan_0ALTERNATIVES} {
  ^bb0(%xt: tensor<16x8xbf16>, %at: tensor<16xf32>):
    ssd.yield %xt : tensor<16x8xbf16>
  }
  return %y : tensor<?x?x4x8xbf16>
})mlir";

class PlanBuilderTest : public testing::Test {
protected:
  PlanBuilderTest()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          message += diagnostic.str();
        }) {
    context.loadDialect<ssd::SsdDialect, mlir::func::FuncDialect,
                        mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect>();
  }

  /// The plan of the program with these attributes of its kernel and, unless
  /// null, its alternative; or null and a message.
  const mamba_plan *build(llvm::StringRef attributes,
                          const char *other = nullptr) {
    message.clear();
    std::string text = kProgram;
    auto replace = [&](llvm::StringRef key, llvm::StringRef value) {
      text.replace(text.find(key), key.size(), value);
    };
    replace("ATTRIBUTES", attributes);
    replace("OTHER", other ? other : "");
    replace("ALTERNATIVES",
            other ? ", ssd.alternatives = [@kernels::@other]" : "");
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return nullptr;
    PlanOptions options;
    options.target = "sm_90a";
    options.minCapability = 90;
    options.getLaunch =
        [this](Operation *,
               mlir::SymbolRefAttr symbol) -> llvm::FailureOr<KernelLaunch> {
      KernelLaunch launch;
      launch.blocksPerBatch = 8;
      launch.blockSize = 384;
      Operation *kernel = mlir::SymbolTable::lookupSymbolIn(*module, symbol);
      if (failed(readLaunchAttributes(kernel, launch)))
        return mlir::failure();
      return launch;
    };
    auto built =
        buildPlan(*module->getOps<mlir::func::FuncOp>().begin(), options);
    if (failed(built))
      return nullptr;
    plan = std::move(*built);
    return &plan->get();
  }

  std::string errorOf(llvm::StringRef attributes) {
    EXPECT_EQ(build(attributes), nullptr);
    return message;
  }

  mlir::MLIRContext context;
  std::string message;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<OwnedPlan> plan;
};

/// symbol and extent of a size.
std::pair<int32_t, int64_t> sizeOf(const mamba_dim &dim) {
  return {dim.symbol, dim.extent};
}

TEST_F(PlanBuilderTest, WithoutAttributesTheGridIsAProduct) {
  const mamba_plan *plan = build("");
  ASSERT_TRUE(plan) << message;
  EXPECT_EQ(plan->version, 5);
  EXPECT_EQ(plan->num_params, 3);
  const mamba_kernel &kernel = plan->kernels[0];
  EXPECT_EQ(kernel.num_params, 3);
  EXPECT_EQ(kernel.grid[1].extent, 8);
  EXPECT_EQ(kernel.num_tensor_maps, 0);
  EXPECT_EQ(kernel.gang, 0);
}

TEST_F(PlanBuilderTest, PersistentKernel) {
  const mamba_plan *plan =
      build("tile.gang = 12 : i64, tile.sets = 3 : i64, "
            "tile.segment_chunks = 8 : i64, tile.chunk = 64 : i64");
  ASSERT_TRUE(plan) << message;
  const mamba_kernel &kernel = plan->kernels[0];
  EXPECT_EQ(kernel.gang, 12);
  EXPECT_EQ(kernel.segment_chunks, 8);
  EXPECT_EQ(kernel.chunk, 64);
  ASSERT_EQ(kernel.num_grid_factors, 2);
  EXPECT_EQ(sizeOf(kernel.grid[0]), std::pair(0, int64_t(1)));
  EXPECT_EQ(sizeOf(kernel.grid[1]), std::pair(-1, int64_t(3)));
  // Ranges need no length of segments.
  plan = build("tile.gang = 12 : i64, tile.sets = 3 : i64, tile.chunk = 64 : "
               "i64");
  ASSERT_TRUE(plan) << message;
  EXPECT_EQ(plan->kernels[0].segment_chunks, 0);
}

TEST_F(PlanBuilderTest, WorkspacesAreTemporaries) {
  const mamba_plan *plan =
      build("tile.workspaces = [tensor<?x2x64x128xf32>, tensor<?x2xi64>]");
  ASSERT_TRUE(plan) << message;
  ASSERT_EQ(plan->num_params, 5);
  const mamba_param &states = plan->params[3];
  EXPECT_STREQ(states.name, "scan_0_workspace0");
  EXPECT_EQ(states.kind, MAMBA_PARAM_TEMPORARY);
  EXPECT_EQ(states.dtype, MAMBA_DTYPE_F32);
  EXPECT_EQ(states.flags, 0);
  ASSERT_EQ(states.rank, 4);
  EXPECT_EQ(sizeOf(states.dims[0]),
            std::pair(int32_t(MAMBA_SYMBOL_UNITS), int64_t(1)));
  EXPECT_EQ(sizeOf(states.dims[3]), std::pair(-1, int64_t(128)));
  const mamba_param &flags = plan->params[4];
  EXPECT_STREQ(flags.name, "scan_0_workspace1");
  EXPECT_EQ(flags.dtype, MAMBA_DTYPE_I64);
  EXPECT_EQ(flags.flags, MAMBA_PARAM_FLAGS);
  // After the tensors, in the order of the attribute.
  const mamba_kernel &kernel = plan->kernels[0];
  ASSERT_EQ(kernel.num_params, 5);
  EXPECT_EQ(kernel.params[3], 3);
  EXPECT_EQ(kernel.params[4], 4);
}

// Parameter 0 of the kernel is x, which is param 1 of the plan.
TEST_F(PlanBuilderTest, TensorMapsNameParamsOfThePlan) {
  const mamba_plan *plan =
      build("tile.tensor_maps = [array<i64: 0, 8, 1, 64, 1>, "
            "array<i64: 2, 8, 2, 16, 1>]");
  ASSERT_TRUE(plan) << message;
  const mamba_kernel &kernel = plan->kernels[0];
  ASSERT_EQ(kernel.num_tensor_maps, 2);
  EXPECT_EQ(kernel.tensor_maps[0].param, 1);
  EXPECT_EQ(
      std::vector(kernel.tensor_maps[0].box, kernel.tensor_maps[0].box + 5),
      (std::vector<int32_t>{8, 1, 64, 1, 0}));
  EXPECT_EQ(kernel.tensor_maps[1].param, 2);
  EXPECT_EQ(kernel.tensor_maps[1].box[1], 2);
  // Tensor maps need pointers that are multiples of 16 bytes.
  EXPECT_EQ(plan->params[0].alignment, 0);
  EXPECT_EQ(plan->params[1].alignment, 16);
}

TEST_F(PlanBuilderTest, AlternativesFollowTheirKernel) {
  const mamba_plan *plan = build(
      "tile.gang = 2 : i64, tile.sets = 1 : i64, tile.chunk = 64 : i64, "
      "tile.cost = array<i64: 14, 18, 10, 12, 5>, "
      "tile.workspaces = [tensor<?x1xf32>, tensor<?x2xi64>]",
      "tile.gang = 4 : i64, tile.sets = 1 : i64, tile.chunk = 64 : i64, "
      "tile.cost = array<i64: 8, 11, 6, 12, 3>, "
      "tile.workspaces = [tensor<?x2xf32>, tensor<?x2xi64>, tensor<8xf32>]");
  ASSERT_TRUE(plan) << message;
  ASSERT_EQ(plan->num_kernels, 2);
  EXPECT_STREQ(plan->kernels[1].name, "other");
  EXPECT_EQ(plan->kernels[0].alternative, 0);
  EXPECT_EQ(plan->kernels[1].alternative, 1);
  EXPECT_EQ(plan->kernels[0].gang, 2);
  EXPECT_EQ(plan->kernels[1].gang, 4);
  EXPECT_EQ(plan->kernels[0].cost.launch, 14);
  EXPECT_EQ(plan->kernels[1].cost.chunk, 11);
  EXPECT_EQ(plan->kernels[1].cost.summary, 6);
  EXPECT_EQ(plan->kernels[1].cost.join, 12);
  EXPECT_EQ(plan->kernels[1].cost.state, 3);
  // One of the two runs: they share workspaces of the larger size.
  ASSERT_EQ(plan->num_params, 6);
  EXPECT_EQ(plan->params[3].dims[1].extent, 2);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(plan->kernels[0].params[i], plan->kernels[1].params[i]);
  EXPECT_EQ(plan->kernels[0].num_params, 5);
  EXPECT_EQ(plan->kernels[1].num_params, 6);
}

// What is counted in multiprocessors is not compared with what is not.
TEST_F(PlanBuilderTest, AlternativesWithOtherWorkspaces) {
  const mamba_plan *plan =
      build("tile.workspaces = [tensor<4x8xf32>, tensor<?x2xi64>]",
            "tile.workspaces = [tensor<?x2xf32>, tensor<?xf32>]");
  ASSERT_TRUE(plan) << message;
  EXPECT_EQ(plan->num_params, 3 + 4);
}

TEST_F(PlanBuilderTest, CostErrors) {
  EXPECT_EQ(
      errorOf("tile.cost = array<i64: 1, 2, 3, 4>"),
      "'tile.cost' is array<i64: 1, 2, 3, 4>, expected array<i64> of five "
      "numbers that are not negative");
  EXPECT_EQ(errorOf("tile.cost = array<i64: 1, -2, 3, 4, 5>"),
            "'tile.cost' is array<i64: 1, -2, 3, 4, 5>, expected array<i64> of "
            "five numbers that are not negative");
}

TEST_F(PlanBuilderTest, PersistenceErrors) {
  EXPECT_EQ(errorOf("tile.gang = 12 : i64, tile.chunk = 64 : i64"),
            "a persistent kernel needs 'tile.sets'");
  EXPECT_EQ(errorOf("tile.gang = 0 : i64, tile.sets = 1 : i64, "
                    "tile.chunk = 64 : i64"),
            "'tile.gang' is 0, expected 1 to 2147483647");
  EXPECT_EQ(errorOf("tile.gang = 1 : i64, tile.sets = 1 : i64, "
                    "tile.chunk = 64 : i64, tile.segment_chunks = -1 : i64"),
            "'tile.segment_chunks' is -1, expected 0 to 2147483647");
}

TEST_F(PlanBuilderTest, WorkspaceErrors) {
  EXPECT_EQ(errorOf("tile.workspaces = tensor<?xf32>"),
            "'tile.workspaces' is not a list");
  EXPECT_EQ(errorOf("tile.workspaces = [f32]"),
            "'tile.workspaces' has f32, expected types of ranked tensors");
  EXPECT_EQ(errorOf("tile.workspaces = [tensor<?xi8>]"),
            "the workspace 'tensor<?xi8>' of its kernel is not of f16, bf16, "
            "f32, f64 or i64 and rank 6 at most");
}

TEST_F(PlanBuilderTest, TensorMapErrors) {
  EXPECT_EQ(errorOf("tile.tensor_maps = [array<i64: 0>]"),
            "'tile.tensor_maps' has array<i64: 0>, expected array<i64> of a "
            "parameter and 1 to 5 box sizes");
  EXPECT_EQ(errorOf("tile.tensor_maps = [array<i64: 0, 8, 1, 257, 1>]"),
            "'tile.tensor_maps' has box size 257, expected 1 to 256");
  EXPECT_EQ(errorOf("tile.tensor_maps = [array<i64: 3, 8, 1, 64, 1>]"),
            "a tensor map of its kernel names parameter 3, but only 0 to 2 are "
            "tensors");
  EXPECT_EQ(errorOf("tile.tensor_maps = [array<i64: 0, 8, 64, 1>]"),
            "a tensor map of its kernel has boxes of 3 dimensions, but 'x' has "
            "4");
  std::string nine = "array<i64: 0, 8, 1, 64, 1>";
  for (int i = 0; i < 8; ++i)
    nine += ", array<i64: 0, 8, 1, 64, 1>";
  EXPECT_EQ(errorOf("tile.tensor_maps = [" + nine + "]"),
            "'tile.tensor_maps' has 9 tensor maps, at most 8 are possible");
}

} // namespace
} // namespace mamba::codegen

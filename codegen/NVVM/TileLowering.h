// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the pattern files of `convert-tile-to-nvvm` share.

#ifndef CODEGEN_NVVM_TILELOWERING_H
#define CODEGEN_NVVM_TILELOWERING_H

#include "codegen/NVVM/ThreadBuilder.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Transforms/DialectConversion.h"
#include "passes/Targets/Targets.h"

namespace mamba::codegen {

/// The symbol of a GPU module's dynamic shared memory.
inline constexpr llvm::StringLiteral kSharedSymbol = "tile_shared";
/// Shared memory in which the warps of a tile.range_scale exchange maxima: a
/// word for each of at most 32 warps.
inline constexpr int64_t kRangeScaleBytes = 128;
/// Shared memory of an mbarrier.
inline constexpr int64_t kBarrierBytes = 8;
/// A flag, and what is kept of opened flags in shared memory.
inline constexpr int64_t kFlagBytes = 8;
/// Attribute of a lowered function: bytes of shared memory, i64.
inline constexpr llvm::StringLiteral kSharedBytesAttr = "tile.shared_bytes";

/// Register tile, pending or not → vector<K×T> of the K elements a thread
/// holds; buffer, pipeline → pointer into shared memory; flags → a pointer to
/// them and one into shared memory.
class TileTypeConverter : public mlir::TypeConverter {
public:
  explicit TileTypeConverter(mlir::MLIRContext *context);
};

/// Facts of the function being lowered.
struct KernelInfo {
  const Target *target = nullptr;
  int64_t numWarps = 0;
  int64_t sharedBytes = 0;
  /// Offset of the memory of each tile.alloc, tile.pipeline, tile.flags and
  /// tile.range_scale from the start of shared memory.
  llvm::DenseMap<mlir::Operation *, int64_t> offsets;
  /// Hardware barrier of the first instance of each tile.role that has several
  /// warps; the other instances have those that follow.
  llvm::DenseMap<mlir::Operation *, int64_t> barriers;
  /// The tile.commit of what neither tensor cores nor bulk copies read.
  llvm::DenseSet<mlir::Operation *> genericCommits;

  /// Warps that share the tiles of an op: those of an instance of the role
  /// around it, outside of roles all.
  int64_t warpsAt(mlir::Operation *op) const;

  /// The threads that share a copy, those of `team` warps if it is given, and
  /// the number of the thread among them.
  std::pair<int64_t, mlir::Value>
  copyThreads(ThreadBuilder &b, mlir::Operation *op,
              std::optional<uint64_t> team) const;
};

/// Checks that the target runs roles and gives them their hardware barriers.
mlir::LogicalResult assignBarriers(mlir::gpu::GPUFuncOp function,
                                   KernelInfo &kernel);

/// Finds the commits of stages that the asynchronous proxy does not read.
void findGenericCommits(mlir::gpu::GPUFuncOp function, KernelInfo &kernel);

/// A barrier of the threads of the role instance, or of the CTA.
void emitBarrier(ThreadBuilder &b, const KernelInfo &kernel);

/// The mbarrier that is complete when a slot (index) of a pipeline is full.
mlir::Value fullBarrierOf(ThreadBuilder &b, mlir::Value pipeline,
                          tile::PipelineType type, mlir::Value slot);

/// Turns the roles of a function, whose ops have been lowered, into branches on
/// the number of the warp.
void lowerRoles(mlir::gpu::GPUFuncOp function, const KernelInfo &kernel);

/// A conversion pattern that knows the kernel.
template <typename Op>
class TilePattern : public mlir::OpConversionPattern<Op> {
public:
  TilePattern(const mlir::TypeConverter &converter, mlir::MLIRContext *context,
              const KernelInfo &kernel, mlir::PatternBenefit benefit = 1)
      : mlir::OpConversionPattern<Op>(converter, context, benefit),
        kernel(kernel) {}

protected:
  const KernelInfo &kernel;
};

void populateBulkCopyPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns,
                              const KernelInfo &kernel);
void populateElementwisePatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
void populateGlobalPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns,
                            const KernelInfo &kernel);
void populateGlobalTilePatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns,
                                const KernelInfo &kernel);
void populateHandoverPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns,
                              const KernelInfo &kernel);
void populateLayoutPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns,
                            const KernelInfo &kernel);
void populateMmaPatterns(const mlir::TypeConverter &converter,
                         mlir::RewritePatternSet &patterns,
                         const KernelInfo &kernel);
void populatePipelinePatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns,
                              const KernelInfo &kernel);
void populateRolePatterns(const mlir::TypeConverter &converter,
                          mlir::RewritePatternSet &patterns,
                          const KernelInfo &kernel);
void populateDecayPatterns(const mlir::TypeConverter &converter,
                           mlir::RewritePatternSet &patterns,
                           const KernelInfo &kernel);
void populateScanPatterns(const mlir::TypeConverter &converter,
                          mlir::RewritePatternSet &patterns,
                          const KernelInfo &kernel);
void populateSharedPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns,
                            const KernelInfo &kernel);
void populateSharedVectorPatterns(const mlir::TypeConverter &converter,
                                  mlir::RewritePatternSet &patterns,
                                  const KernelInfo &kernel);
/// Waits for all products, of which there are none, in front of every loop with
/// products. ptxas takes accumulators that come around a loop to be in flight,
/// and waits where they are used, unless it has seen a wait on each way in.
void settleProducts(mlir::gpu::GPUFuncOp function);
void populateWgmmaPatterns(const mlir::TypeConverter &converter,
                           mlir::RewritePatternSet &patterns,
                           const KernelInfo &kernel);

/// Erases what lowering tile ops and math left unused, and leaves each constant
/// once. No vector.from_elements is left.
void finishKernel(mlir::gpu::GPUFuncOp function);

/// Scalar `math` ops on f32 to NVVM intrinsics and arithmetic.
void populateMathPatterns(mlir::RewritePatternSet &patterns);

} // namespace mamba::codegen

#endif // CODEGEN_NVVM_TILELOWERING_H

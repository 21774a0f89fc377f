// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass convert-tile-to-nvvm: distributes register tiles over the threads
// and gives buffers their addresses. What remains are scf, arith, gpu and
// llvm ops, which upstream passes take from there.

#include "codegen/NVVM/Passes.h"
#include "codegen/NVVM/TileLowering.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mamba::codegen {

#define GEN_PASS_DEF_CONVERTTILETONVVM
#include "codegen/NVVM/Passes.h.inc"

TileTypeConverter::TileTypeConverter(MLIRContext *context) {
  addConversion([](Type type) { return type; });
  addConversion([](RankedTensorType type) -> std::optional<Type> {
    if (!tile::isRegisterTile(type))
      return std::nullopt;
    return VectorType::get(tile::getRegisterLayout(type).numRegisters(),
                           type.getElementType());
  });
  addConversion(
      [this](tile::PendingType type) { return convertType(type.getTile()); });
  addConversion([](tile::BufferType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext(), 3);
  });
  addConversion([](tile::PipelineType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext(), 3);
  });
  addConversion([](tile::FlagsType type, SmallVectorImpl<Type> &types) {
    for (unsigned space : {1, 3})
      types.push_back(LLVM::LLVMPointerType::get(type.getContext(), space));
    return success();
  });
}

int64_t KernelInfo::warpsAt(Operation *op) const {
  tile::RoleOp role = tile::RoleOp::getEnclosing(op);
  return role ? static_cast<int64_t>(role.getWarps()) : numWarps;
}

std::pair<int64_t, Value>
KernelInfo::copyThreads(ThreadBuilder &b, Operation *op,
                        std::optional<uint64_t> team) const {
  int64_t warps = warpsAt(op);
  int64_t sharing = static_cast<int64_t>(team.value_or(warps));
  Value thread = b.thread();
  if (sharing < warps)
    thread = b.rem(thread, sharing * tile::kLanes);
  return {sharing * tile::kLanes, thread};
}

namespace {

/// The number of warps from known_block_size.
FailureOr<int64_t> warpsOf(gpu::GPUFuncOp function) {
  std::optional<ArrayRef<int32_t>> block = function.getKnownBlockSize();
  if (!block || (*block)[1] != 1 || (*block)[2] != 1 ||
      (*block)[0] % tile::kLanes != 0 || (*block)[0] < tile::kLanes ||
      (*block)[0] > 1024)
    return emitError(
        function.getLoc(),
        "a tile kernel needs known_block_size = array<i32: W*32, 1, 1> with "
        "1 to 32 warps");
  return (*block)[0] / tile::kLanes;
}

/// The tile must fit the warps that hold it at an op.
LogicalResult verifyTile(Operation *op, Type type, const KernelInfo &kernel) {
  if (!tile::isRegisterTile(type))
    return success();
  auto layout = cast<tile::RegisterLayoutAttrInterface>(
      cast<RankedTensorType>(type).getEncoding());
  int64_t warps = layout.getNumWarps(), available = kernel.warpsAt(op);
  // Outside of roles a layout of fewer warps is a team's.
  bool inRole = tile::RoleOp::getEnclosing(op) != nullptr;
  if (warps == 0 || warps == available || (!inRole && available % warps == 0))
    return success();
  return op->emitError("layout ")
         << layout << " is for " << warps << " warps, the "
         << (inRole ? "role" : "kernel") << " has " << available;
}

/// All layouts in the function must fit their number of warps. Constants may
/// stand outside of the role that uses them, where canonicalization puts them.
LogicalResult verifyWarps(gpu::GPUFuncOp function, const KernelInfo &kernel) {
  WalkResult result = function.walk([&](Operation *op) {
    bool constant = op->hasTrait<OpTrait::ConstantLike>();
    for (Value value : op->getResults()) {
      SmallVector<Operation *> places = {op};
      if (constant && !value.use_empty())
        places = llvm::to_vector(value.getUsers());
      for (Operation *place : places)
        if (failed(verifyTile(place, value.getType(), kernel)))
          return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Places the buffers one after the other, then the words of pipelines, and
/// checks the target's limit.
LogicalResult placeBuffers(gpu::GPUFuncOp function, KernelInfo &kernel) {
  auto place = [&](Operation *op, int64_t bytes, int64_t alignment) {
    int64_t offset = llvm::alignTo(kernel.sharedBytes, alignment);
    kernel.offsets[op] = offset;
    kernel.sharedBytes = offset + bytes;
  };
  function.walk([&](tile::AllocOp op) {
    tile::BufferType type = op.getBuffer().getType();
    place(op, type.getBytes(), type.getAlignment());
  });
  function.walk([&](tile::RangeScaleOp op) {
    tile::RoleOp role = tile::RoleOp::getEnclosing(op);
    int64_t instances = role ? role.getInstances() : 1;
    place(op, instances * kRangeScaleBytes, kRangeScaleBytes);
  });
  function.walk([&](tile::FlagsOp op) { place(op, kFlagBytes, kFlagBytes); });
  function.walk([&](tile::PipelineOp op) {
    tile::PipelineType type = op.getPipeline().getType();
    place(op, 2 * kBarrierBytes * type.getStages() * type.getGroups(),
          kBarrierBytes);
  });
  if (kernel.sharedBytes > kernel.target->sharedBytesPerBlock)
    return emitError(function.getLoc(), "kernel ")
           << function.getName() << " needs " << kernel.sharedBytes
           << " bytes of shared memory, target " << kernel.target->name
           << " has " << kernel.target->sharedBytesPerBlock << " a block";
  Builder builder(function.getContext());
  function->setAttr(kSharedBytesAttr,
                    builder.getI64IntegerAttr(kernel.sharedBytes));
  return success();
}

/// The module's dynamic shared memory, of whatever size the launch gives.
void declareSharedMemory(gpu::GPUModuleOp module) {
  if (module.lookupSymbol(kSharedSymbol))
    return;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
  LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false,
                         LLVM::Linkage::External, kSharedSymbol, Attribute(),
                         /*alignment=*/1024, /*addrSpace=*/3);
}

/// True if the op writes one of these resources, or may.
bool mayWrite(Operation &op, ArrayRef<SideEffects::Resource *> resources) {
  if (isPure(&op))
    return false;
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface || op.getNumRegions() != 0)
    return true;
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  return llvm::any_of(effects, [&](MemoryEffects::EffectInstance &effect) {
    return isa<MemoryEffects::Write>(effect.getEffect()) &&
           llvm::is_contained(resources, effect.getResource());
  });
}

/// The first op in the block that uses a result of `op`, or holds one that
/// does.
Operation *firstUserIn(Block *block, Operation &op) {
  Operation *first = nullptr;
  for (Operation *user : op.getUsers()) {
    Operation *here = block->findAncestorOpInBlock(*user);
    if (here && (!first || here->isBeforeInBlock(first)))
      first = here;
  }
  return first;
}

/// True if the op makes a tile by arithmetic, not by naming registers.
bool computesTile(Operation &op) {
  return tile::isRegisterTile(op.getResult(0).getType()) &&
         !isa<tile::BroadcastOp, tile::SplatOp>(op);
}

/// True for a load of a vector, which waits for little.
bool isVectorLoad(Operation &op) {
  auto load = dyn_cast<tile::LoadSharedOp>(op);
  return load && load.getResult().getType().getRank() == 1;
}

/// Moves ops down to their first user in the block: a tile occupies registers
/// from its op to its last use, and ptxas keeps the order it is given more
/// often than not. But what computes a tile stays on its side of products,
/// their waits and those of pipelines: it stands in front of a wait to run
/// meanwhile.
void sinkOps(gpu::GPUFuncOp function) {
  SideEffects::Resource *products = tile::ProductQueueResource::get(),
                        *pipelines = tile::PipelineResource::get(),
                        *shared = tile::SharedResource::get();
  function.walk([&](Block *block) {
    Operation *asynchronous = nullptr, *writer = nullptr;
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block))) {
      if (mayWrite(op, {products, pipelines}))
        asynchronous = &op;
      if (mayWrite(op, shared))
        writer = &op;
      bool load = isVectorLoad(op);
      if (op.getNumRegions() != 0 || op.use_empty() || !(load || isPure(&op)))
        continue;
      Operation *first = firstUserIn(block, op);
      Operation *limit = load               ? writer
                         : computesTile(op) ? asynchronous
                                            : nullptr;
      if (first && !(limit && limit->isBeforeInBlock(first)))
        op.moveBefore(first);
    }
  });
}

LogicalResult lowerTiles(gpu::GPUFuncOp function, const KernelInfo &kernel) {
  MLIRContext *context = function.getContext();
  TileTypeConverter converter(context);
  RewritePatternSet patterns(context);
  populateBulkCopyPatterns(converter, patterns, kernel);
  populateElementwisePatterns(converter, patterns);
  populateGlobalPatterns(converter, patterns, kernel);
  populateGlobalTilePatterns(converter, patterns, kernel);
  populateHandoverPatterns(converter, patterns, kernel);
  populateLayoutPatterns(converter, patterns, kernel);
  populateMmaPatterns(converter, patterns, kernel);
  populatePipelinePatterns(converter, patterns, kernel);
  populateRolePatterns(converter, patterns, kernel);
  populateDecayPatterns(converter, patterns, kernel);
  populateScanPatterns(converter, patterns, kernel);
  populateSharedPatterns(converter, patterns, kernel);
  populateSharedVectorPatterns(converter, patterns, kernel);
  populateWgmmaPatterns(converter, patterns, kernel);
  ConversionTarget target(*context);
  target.addIllegalDialect<tile::TileDialect>();
  target.markUnknownOpDynamicallyLegal(
      [&](Operation *op) { return converter.isLegal(op); });
  target.addIllegalOp<gpu::SubgroupIdOp>();
  target.addLegalOp<gpu::GPUFuncOp, tile::RolesOp, tile::RoleOp>();
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                       target);
  return applyPartialConversion(function, target, std::move(patterns));
}

/// Expands math ops and divisions; math that is left has no lowering.
LogicalResult lowerMath(gpu::GPUFuncOp function) {
  RewritePatternSet patterns(function.getContext());
  populateMathPatterns(patterns);
  // Math has no blocks that could be merged.
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (isa<arith::DivFOp>(op) ||
        isa_and_present<math::MathDialect>(op->getDialect()))
      ops.push_back(op);
  });
  if (failed(applyOpPatternsGreedily(ops, std::move(patterns), config)))
    return function.emitError("expanding math ops did not converge");
  WalkResult result = function.walk([](Operation *op) {
    if (!isa_and_present<math::MathDialect>(op->getDialect()))
      return WalkResult::advance();
    op->emitError("has no lowering on the GPU for ")
        << op->getResultTypes().front();
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

struct ConvertTileToNVVM : impl::ConvertTileToNVVMBase<ConvertTileToNVVM> {
  using ConvertTileToNVVMBase::ConvertTileToNVVMBase;

  LogicalResult lower(gpu::GPUFuncOp function, const Target *target) {
    KernelInfo kernel;
    kernel.target = target;
    FailureOr<int64_t> warps = warpsOf(function);
    if (failed(warps))
      return failure();
    kernel.numWarps = *warps;
    if (failed(verifyWarps(function, kernel)) ||
        failed(placeBuffers(function, kernel)) ||
        failed(assignBarriers(function, kernel)))
      return failure();
    findGenericCommits(function, kernel);
    sinkOps(function);
    settleProducts(function);
    if (failed(lowerTiles(function, kernel)))
      return failure();
    lowerRoles(function, kernel);
    if (failed(lowerMath(function)))
      return failure();
    finishKernel(function);
    return success();
  }

  void runOnOperation() override {
    const Target *row = lookupTarget(target.getValue());
    if (!row || !row->isGpu()) {
      getOperation().emitError("no target row ")
          << target.getValue() << " for a GPU; known are " << listTargets();
      return signalPassFailure();
    }
    declareSharedMemory(getOperation());
    for (auto function : getOperation().getOps<gpu::GPUFuncOp>())
      if (failed(lower(function, row)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace mamba::codegen

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ssd-decompose: y_c = D x_c + U s_c, s_{c+1} = W s_c + Vᵀ x_c.

#include "passes/Transforms/Decompose.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "passes/Passes.h"
#include "passes/Transforms/ScanBuilder.h"

namespace mamba {
#define GEN_PASS_DEF_DECOMPOSE
#include "passes/Passes.h.inc"
} // namespace mamba

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

namespace {

constexpr DimRole kTokenRoles[] = {DimRole::Batch, DimRole::Time, DimRole::Head,
                                   DimRole::Channel};

/// Decomposes one ssd.apply.
class Decomposition {
public:
  Decomposition(ApplyOp apply, ScheduleAttr schedule)
      : apply(apply), schedule(schedule), builder(apply.getContext()),
        body(new Block()), scan(builder, apply.getLoc(), schedule, *body) {
    builder.setInsertionPointToEnd(body.get());
  }

  FailureOr<ChunkScanOp> run();
  ArrayRef<Operation *> getUnfusedProducers() const {
    return scan.getUnfused();
  }
  /// Consumers of what the scan computes that stay outside.
  SetVector<Operation *> unfused;

private:
  LogicalResult checkTypes();
  void buildBody(const ChunkGenerators &generators);
  Value buildRead(const ChunkTerm &term, Value state);
  Value buildTerm(const ChunkTerm &term, Value state, Value y);
  Value buildNextState(const ChunkTerm &term, Value state);
  Value keysOrOnes(Value keys);
  Value broadcast(Value vector, ArrayRef<int64_t> newAxes, Type type);
  void fuseConsumers();
  bool canFuse(linalg::GenericOp generic);
  ChunkScanOp createScan();
  SmallVector<Value> splitInit(OpBuilder &outer);
  void replaceFinal(OpBuilder &outer, ChunkScanOp op);

  Location getLoc() { return apply.getLoc(); }
  int64_t getChannels() { return apply.getX().getType().getDimSize(3); }

  ApplyOp apply;
  ScheduleAttr schedule;
  OpBuilder builder;
  std::unique_ptr<Block> body;
  ScanBuilder scan;
  SmallVector<ChunkTerm> terms;
  SmallVector<Value> nextStates;
  Value xTile;
  /// Results of the scan computed so far: level-L0 tensors and their tiles.
  llvm::SmallMapVector<Value, Value, 4> computed;
  SmallVector<Operation *> fused;
};

} // namespace

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

static Type tileOf(OpBuilder &builder, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, builder.getF32Type());
}

Value Decomposition::broadcast(Value vector, ArrayRef<int64_t> newAxes,
                               Type type) {
  return BroadcastOp::create(builder, getLoc(), type, vector, newAxes);
}

/// Keys as a dot operand; a matrix without keys (a bare decay) has ones.
Value Decomposition::keysOrOnes(Value keys) {
  if (keys)
    return scan.toOperand(keys);
  auto type = RankedTensorType::get({scan.chunk, 1}, scan.operandType);
  return arith::ConstantOp::create(
      builder, getLoc(),
      DenseElementsAttr::get(type, builder.getFloatAttr(scan.operandType, 1)));
}

/// C sᵀ with the state rounded to the operand type. A state outgrows f16, so
/// that it is scaled into its range first.
Value Decomposition::buildRead(const ChunkTerm &term, Value state) {
  Type type = tileOf(builder, {scan.chunk, getChannels()});
  Value operand = state, scale;
  if (scan.operandType.isF16()) {
    scale = RangeScaleOp::create(builder, getLoc(), tileOf(builder, {}), state);
    operand = scan.multiply(state, broadcast(scale, {0, 1}, state.getType()));
  }
  Value read = DotOp::create(builder, getLoc(), type, keysOrOnes(term.read),
                             scan.toOperand(operand), /*init=*/Value(),
                             ArrayRef<int64_t>{1, 1});
  if (!scale)
    return read;
  Value one = arith::ConstantOp::create(
      builder, getLoc(),
      DenseElementsAttr::get(cast<ShapedType>(scale.getType()), 1.0f));
  Value inverse = arith::DivFOp::create(builder, getLoc(), one, scale);
  return scan.multiply(read, broadcast(inverse, {0, 1}, type));
}

/// y + diag(readScale) C sᵀ; a null y is zero.
Value Decomposition::buildTerm(const ChunkTerm &term, Value state, Value y) {
  Value read = buildRead(term, state);
  Type type = read.getType();
  if (term.readScale)
    read = scan.multiply(broadcast(term.readScale, 1, type), read);
  return y ? arith::AddFOp::create(builder, getLoc(), y, read).getResult()
           : read;
}

/// W s + (diag(writeScale) x)ᵀ B, the weights on x or on B.
Value Decomposition::buildNextState(const ChunkTerm &term, Value state) {
  Value values = scan.toOperand(xTile);
  Value keys = keysOrOnes(term.write);
  if (term.writeScale) {
    bool onKeys = schedule.getWeights() == WeightSide::Keys;
    Value &side = onKeys ? keys : values;
    Value wide = scan.toF32(onKeys ? keys : xTile);
    wide = scan.multiply(wide, broadcast(term.writeScale, 1, wide.getType()));
    side = scan.toOperand(wide);
  }
  Value carried = state;
  if (term.transition) {
    Value factor =
        BroadcastOp::create(builder, getLoc(), state.getType(), term.transition,
                            ArrayRef<int64_t>{0, 1});
    carried = scan.multiply(factor, state);
  }
  return DotOp::create(builder, getLoc(), state.getType(), values, keys,
                       carried, ArrayRef<int64_t>{0, 0});
}

void Decomposition::buildBody(const ChunkGenerators &generators) {
  terms = generators.terms;
  xTile = scan.getTile(apply.getX(), kTokenRoles);
  Value y;
  for (const ChunkTerm &term : terms) {
    Type type = tileOf(builder, {getChannels(), term.stateSize});
    Value state = body->addArgument(type, getLoc());
    y = buildTerm(term, state, y);
    nextStates.push_back(buildNextState(term, state));
  }
  y = DotOp::create(builder, getLoc(), y.getType(),
                    scan.toOperand(generators.diagonal), scan.toOperand(xTile),
                    y, ArrayRef<int64_t>{1, 0});
  computed[apply.getY()] = y;
  scan.setTile(apply.getY(), kTokenRoles, y);
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

/// A consumer can be fused when it is point-wise over B×T×H×P and its other
/// operands do not wait for this mixer.
bool Decomposition::canFuse(linalg::GenericOp generic) {
  if (generic->getBlock() != apply->getBlock() ||
      !isFusiblePointwise(generic) || generic.getNumLoops() != 4)
    return false;
  auto type = dyn_cast<RankedTensorType>(generic.getResult(0).getType());
  auto yType = cast<RankedTensorType>(apply.getY().getType());
  if (!type || type.getRank() != 4 || type.getDimSize(2) != yType.getDimSize(2))
    return false;
  for (OpOperand *input : generic.getDpsInputOperands()) {
    if (computed.count(input->get())) {
      if (!generic.getMatchingIndexingMap(input).isIdentity())
        return false;
      continue;
    }
    SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.inclusive = true;
    if (failed(getBackwardSlice(input->get(), &slice, options)) ||
        slice.contains(apply))
      return false;
  }
  return true;
}

void Decomposition::fuseConsumers() {
  SmallVector<Value> worklist = {apply.getY()};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    for (Operation *user : llvm::to_vector(value.getUsers())) {
      auto generic = dyn_cast<linalg::GenericOp>(user);
      if (!generic || llvm::is_contained(fused, user))
        continue;
      // It may become fusible when another of its operands is computed.
      if (!canFuse(generic)) {
        unfused.insert(user);
        continue;
      }
      unfused.remove(user);
      fused.push_back(user);
      for (OpResult result : generic->getResults()) {
        Value tile =
            scan.inlineGeneric(generic, result.getResultNumber(), kTokenRoles);
        computed[result] = tile;
        scan.setTile(result, kTokenRoles, tile);
        worklist.push_back(result);
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

LogicalResult Decomposition::checkTypes() {
  auto isF32 = [](Value state) {
    return !state ||
           cast<RankedTensorType>(state.getType()).getElementType().isF32();
  };
  if (!isF32(apply.getInit()) || !isF32(apply.getFinal()))
    return apply.emitOpError("can only be decomposed with f32 states");
  if (apply.getMatrix().getType().getSupport() == Support::Full)
    return apply.emitOpError("applies a full matrix, which has no chunk "
                             "program; only causal and anti-causal matrices "
                             "are executed");
  return success();
}

/// One initial state a term: slices of `init` along N.
SmallVector<Value> Decomposition::splitInit(OpBuilder &outer) {
  if (!apply.getInit())
    return {};
  if (terms.size() == 1)
    return {apply.getInit()};
  SmallVector<Value> states;
  int64_t offset = 0;
  for (const ChunkTerm &term : terms) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(outer, getLoc(), apply.getInit());
    SmallVector<OpFoldResult> offsets(4, outer.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(4, outer.getIndexAttr(1));
    offsets[3] = outer.getIndexAttr(offset);
    sizes[3] = outer.getIndexAttr(term.stateSize);
    states.push_back(tensor::ExtractSliceOp::create(
        outer, getLoc(), apply.getInit(), offsets, sizes, strides));
    offset += term.stateSize;
  }
  return states;
}

void Decomposition::replaceFinal(OpBuilder &outer, ChunkScanOp op) {
  if (!apply.getFinal())
    return;
  Value final = op.getFinals().front();
  if (terms.size() > 1)
    final = tensor::ConcatOp::create(
        outer, getLoc(), apply.getFinal().getType(), /*dim=*/3, op.getFinals());
  apply.getFinal().replaceAllUsesWith(final);
}

ChunkScanOp Decomposition::createScan() {
  SmallVector<Value> tiles;
  SmallVector<Type> outTypes, finalTypes;
  SmallVector<Value> outputs;
  auto roles = RolesAttr::get(builder.getContext(), kTokenRoles);
  for (auto [tensor, tile] : computed) {
    bool needed = llvm::any_of(tensor.getUsers(), [&](Operation *user) {
      return !llvm::is_contained(fused, user);
    });
    if (!needed)
      continue;
    auto type = cast<RankedTensorType>(tensor.getType());
    auto tileType = cast<RankedTensorType>(tile.getType());
    auto wantedType = tileType.clone(type.getElementType());
    Value rounded = tile;
    if (type.getElementTypeBitWidth() < 32)
      rounded = arith::TruncFOp::create(builder, getLoc(), wantedType, tile);
    else if (type.getElementTypeBitWidth() > 32)
      rounded = arith::ExtFOp::create(builder, getLoc(), wantedType, tile);
    tiles.push_back(rounded);
    outputs.push_back(tensor);
    outTypes.push_back(type);
  }
  tiles.append(nextStates);
  YieldOp::create(builder, getLoc(), tiles);

  OpBuilder outer(apply);
  if (apply.getFinal()) {
    auto type = cast<RankedTensorType>(apply.getFinal().getType());
    for (const ChunkTerm &term : terms) {
      SmallVector<int64_t> shape(type.getShape());
      shape[3] = term.stateSize;
      finalTypes.push_back(RankedTensorType::get(shape, outer.getF32Type()));
    }
  }
  SmallVector<Attribute> outRoles(outTypes.size(), roles);
  bool reverse =
      apply.getMatrix().getType().getSupport() == Support::AntiCausal;
  auto op = ChunkScanOp::create(outer, getLoc(), outTypes, finalTypes,
                                scan.getOperands(), splitInit(outer),
                                uint64_t(schedule.getChunk()),
                                uint64_t(apply.getY().getType().getDimSize(2)),
                                reverse, outer.getArrayAttr(scan.getRoles()),
                                outer.getArrayAttr(outRoles), schedule);
  op.getBody().push_back(body.release());
  for (auto [tensor, result] : llvm::zip_equal(outputs, op.getOuts()))
    tensor.replaceAllUsesWith(result);
  replaceFinal(outer, op);
  return op;
}

FailureOr<ChunkScanOp> Decomposition::run() {
  if (failed(checkTypes()))
    return failure();
  auto matrix =
      cast<StructuredMatrixOpInterface>(apply.getMatrix().getDefiningOp());
  FailureOr<ChunkGenerators> generators =
      matrix.buildGenerators(scan, /*transposed=*/false);
  if (failed(generators))
    return failure();
  buildBody(*generators);
  fuseConsumers();
  ChunkScanOp op = createScan();
  for (Operation *consumer : llvm::reverse(fused))
    if (consumer->use_empty())
      consumer->erase();
  apply.erase();
  // The scan stands where the mixer stood, before the producers of what its
  // fused consumers read.
  sortTopologically(op->getBlock());
  return op;
}

FailureOr<ChunkScanOp>
mamba::decomposeMixer(ApplyOp apply, ScheduleAttr schedule, bool silent) {
  Decomposition decomposition(apply, schedule);
  FailureOr<ChunkScanOp> scan = decomposition.run();
  if (failed(scan) || silent)
    return scan;
  auto options =
      remark::RemarkOpts::name("Decompose").category("ssd-decompose");
  for (Operation *producer : decomposition.getUnfusedProducers())
    remark::missed(producer->getLoc(), options)
        << remark::add("producer is not point-wise in the order of its "
                       "result; it stays a loop of its own");
  for (Operation *consumer : decomposition.unfused)
    remark::missed(consumer->getLoc(), options)
        << remark::add("consumer is not point-wise over B×T×H×P or waits "
                       "for the mixer; it stays a loop of its own");
  return scan;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct Decompose : mamba::impl::DecomposeBase<Decompose> {
  void runOnOperation() override {
    SmallVector<ApplyOp> applies;
    getOperation().walk([&](ApplyOp op) { applies.push_back(op); });
    for (ApplyOp apply : applies) {
      std::optional<ScheduleAttr> schedule = apply.getSchedule();
      if (!schedule) {
        apply.emitOpError("has no schedule; run ssd-select-schedule first or "
                          "write one");
        return signalPassFailure();
      }
      if (failed(decomposeMixer(apply, *schedule)))
        return signalPassFailure();
      ++numScans;
    }
  }
};
} // namespace

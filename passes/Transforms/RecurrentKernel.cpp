// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/RecurrentKernel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/RecurrentShape.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

LogicalResult RecurrentKernel::check() {
  if (failed(checkStates()))
    return failure();
  RecurrentShape shape{schedule.getWarps(), schedule.getChannels()};
  std::string rejection = rejectRecurrentShape(scan, shape);
  if (!rejection.empty())
    return scan.emitOpError("has no recurrent kernel: ") << rejection;
  warps = shape.warps;
  channels = shape.channels;
  headdim =
      cast<RankedTensorType>(scan.getStateArgument(0).getType()).getDimSize(0);
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Strides and bounds of a tile of `access`, channels and states.
static void describeAxes(const Access &access, Value width,
                         function_ref<Value(int64_t)> index,
                         SmallVectorImpl<Value> &strides,
                         SmallVectorImpl<Value> &bounds) {
  for (DimRole role : access.roles) {
    if (role != DimRole::Channel && role != DimRole::State)
      continue;
    strides.push_back(index(access.getStride(role)));
    bounds.push_back(role == DimRole::Channel ? width
                                              : index(access.getSize(role)));
  }
}

Value RecurrentKernel::load(const Access &access, Type type, Value offset) {
  auto tile = dyn_cast<RankedTensorType>(type);
  if (!tile)
    return loadScalar(access, offset);
  SmallVector<Value> strides, bounds;
  describeAxes(
      access, place.width, [&](int64_t i) { return index(i); }, strides,
      bounds);
  return tile::LoadGlobalOp::create(b, tile, access.pointer, offset, strides,
                                    bounds);
}

void RecurrentKernel::store(Value value, const Access &access, Value offset) {
  SmallVector<Value> strides, bounds;
  describeAxes(
      access, place.width, [&](int64_t i) { return index(i); }, strides,
      bounds);
  if (!isa<RankedTensorType>(value.getType())) {
    // Every slice stores the same.
    auto one = RankedTensorType::get({1}, value.getType(),
                                     tile::LaneAttr::get(b.getContext()));
    value = tile::SplatOp::create(b, one, value);
    strides.push_back(index(1));
    bounds.push_back(index(1));
  }
  tile::StoreGlobalOp::create(b, value, access.pointer, offset, strides,
                              bounds);
}

Value RecurrentKernel::tokenOffset(const Access &access, Value token) {
  return add(baseOffset(access, place),
             mul(token, access.getStride(DimRole::Time)));
}

Value RecurrentKernel::loadState(unsigned i) {
  Type type = makeEmitter().getType(scan.getStateArgument(i));
  if (scan.getInits().empty()) {
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
    return tile::SplatOp::create(b, type, zero);
  }
  Access access = stateAccess(scan.getInits()[i], i);
  return load(access, type, baseOffset(access, place));
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

/// The operands of the token of `step`; of the last one past the end.
SmallVector<Value> RecurrentKernel::loadToken(Value step) {
  Value last = arith::SubIOp::create(b, place.length, index(1));
  Value token = arith::MinSIOp::create(b, step, last);
  if (scan.getReverse())
    token = arith::SubIOp::create(b, last, token);
  RecurrentEmitter emitter = makeEmitter();
  SmallVector<Value> values;
  for (auto [i, access] : llvm::enumerate(inputs))
    if (access.has(DimRole::Time))
      values.push_back(load(access,
                            emitter.getType(scan.getBody().getArgument(i)),
                            tokenOffset(access, token)));
  return values;
}

/// The operands of the first token; zeros if there is none.
SmallVector<Value> RecurrentKernel::loadFirstToken() {
  if (getStaticLength(scan).value_or(0) > 0)
    return loadToken(index(0));
  SmallVector<Type> types;
  for (auto [i, access] : llvm::enumerate(inputs))
    if (access.has(DimRole::Time))
      types.push_back(makeEmitter().getType(scan.getBody().getArgument(i)));
  Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt,
                                       place.length, index(0));
  auto branch = scf::IfOp::create(b, types, exists, /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loadToken(index(0)));
  b.setInsertionPointToStart(branch.elseBlock());
  SmallVector<Value> zeros;
  for (Type type : types) {
    zeros.push_back(arith::ConstantOp::create(
        b, b.getZeroAttr(getElementTypeOrSelf(type))));
    if (isa<RankedTensorType>(type))
      zeros.back() = tile::SplatOp::create(b, type, zeros.back());
  }
  scf::YieldOp::create(b, zeros);
  return llvm::to_vector(ValueRange(branch.getResults()));
}

LogicalResult RecurrentKernel::emitToken(Value step, ValueRange carried,
                                         SmallVectorImpl<Value> &next) {
  SmallVector<Value> following = loadToken(add(step, index(1)));
  RecurrentEmitter emitter = makeEmitter();
  unsigned numStates = scan.getNumStates(), numOuts = scan.getOuts().size();
  for (unsigned i = 0; i < numStates; ++i)
    emitter.bind(scan.getStateArgument(i), carried[i]);
  ValueRange token = carried.drop_front(numStates);
  for (auto [i, constant] : llvm::enumerate(constants)) {
    emitter.bind(scan.getBody().getArgument(i),
                 constant ? constant : token.front());
    if (!constant)
      token = token.drop_front();
  }
  Value number = step;
  if (scan.getReverse())
    number = arith::SubIOp::create(
        b, arith::SubIOp::create(b, place.length, index(1)), step);
  for (auto [i, tile] : llvm::enumerate(scan.getYield().getTiles())) {
    FailureOr<Value> value = emitter.emit(tile);
    if (failed(value))
      return failure();
    if (i >= numOuts) {
      next.push_back(*value);
      continue;
    }
    Access access =
        makeAccess(scan.getOuts()[i], scan.getOutRole(i).getRoles());
    store(*value, access, tokenOffset(access, number));
  }
  next.append(following);
  return success();
}

LogicalResult RecurrentKernel::createLoop() {
  RecurrentEmitter emitter = makeEmitter();
  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    const Access &access =
        inputs.emplace_back(makeAccess(operand, scan.getInRole(i).getRoles()));
    bool constant = !access.has(DimRole::Time);
    constants.push_back(
        constant ? load(access, emitter.getType(scan.getBody().getArgument(i)),
                        baseOffset(access, place))
                 : Value());
  }
  SmallVector<Value> initial;
  for (unsigned i = 0; i < scan.getNumStates(); ++i)
    initial.push_back(loadState(i));
  initial.append(loadFirstToken());
  auto loop = scf::ForOp::create(b, index(0), place.length, index(1), initial);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next;
  if (failed(emitToken(loop.getInductionVar(), loop.getRegionIterArgs(), next)))
    return failure();
  scf::YieldOp::create(b, next);
  b.setInsertionPointAfter(loop);
  for (unsigned i = 0; i < scan.getFinals().size(); ++i) {
    Access access = stateAccess(scan.getFinals()[i], i);
    store(loop.getResult(i), access, baseOffset(access, place));
  }
  gpu::ReturnOp::create(b);
  return success();
}

LogicalResult RecurrentKernel::build() {
  if (failed(check()))
    return failure();
  createFunction(warps, llvm::divideCeil(headdim, channels));
  place = placeBlock(headdim, channels);
  // With a known number of tokens the loop can be unrolled, or vanish.
  if (std::optional<int64_t> length = getStaticLength(scan))
    place.length = index(*length);
  return createLoop();
}

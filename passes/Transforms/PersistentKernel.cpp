// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/PersistentKernel.h"

#include "passes/Transforms/RoleShape.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba;
using namespace mamba::ssd;

using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

/// The first element of part `part` of `count` elements in `parts` parts whose
/// sizes differ by one at most.
static Value firstOfPart(ImplicitLocOpBuilder &b, Value part, Value count,
                         Value parts) {
  Value size = arith::DivUIOp::create(b, count, parts);
  Value larger = arith::RemUIOp::create(b, count, parts);
  Value whole = arith::MulIOp::create(b, part, size);
  Value extra = arith::MinUIOp::create(b, part, larger);
  return arith::AddIOp::create(b, whole, extra);
}

void PersistentKernel::divideWork() {
  Value gang = number(division.gang);
  Value block = blockNumber();
  Value blocks = narrow(gpu::GridDimOp::create(b, gpu::Dimension::x));
  work.lane = arith::RemUIOp::create(b, block, gang);
  work.group = arith::DivUIOp::create(b, block, gang);
  work.groups = arith::DivUIOp::create(b, blocks, gang);
  work.sets = mul(narrow(batchSize), division.sets);
  work.chunks =
      arith::CeilDivUIOp::create(b, narrow(length), number(division.chunk));
  if (division.splits)
    divideSegments();
  else
    divideRanges();
}

void PersistentKernel::divideRanges() {
  Value all = arith::MulIOp::create(b, work.sets, work.chunks);
  work.low = firstOfPart(b, work.group, all, work.groups);
  work.high = firstOfPart(b, add(work.group, number(1)), all, work.groups);
  work.last =
      arith::DivUIOp::create(b, subtract(work.high, number(1)), work.chunks);
  Value first = arith::DivUIOp::create(b, work.low, work.chunks);
  Value some =
      arith::CmpIOp::create(b, CmpIPredicate::ult, work.low, work.high);
  work.begin = number(0);
  work.stop = arith::SelectOp::create(
      b, some, add(subtract(work.last, first), number(1)), number(0));
  work.stride = number(1);
}

/// With several segments a sequence, the gangs are as many as all segments:
/// each has one, and `stride` exceeds the number of sets.
void PersistentKernel::divideSegments() {
  // One at least where there are more sets than groups.
  work.segments = arith::MaxUIOp::create(
      b, number(1), arith::DivUIOp::create(b, work.groups, work.sets));
  work.segment = arith::DivUIOp::create(b, work.group, work.sets);
  work.low = firstOfPart(b, work.segment, work.chunks, work.segments);
  work.high =
      firstOfPart(b, add(work.segment, number(1)), work.chunks, work.segments);
  work.begin = arith::RemUIOp::create(b, work.group, work.sets);
  work.stop = work.sets;
  work.stride = work.groups;
}

PersistentKernel::Part PersistentKernel::emitPart(Value index) {
  Part part;
  part.set = index;
  part.first = work.low;
  part.end = work.high;
  if (!division.splits) {
    part.set = subtract(work.last, index);
    Value start = arith::MulIOp::create(b, part.set, work.chunks);
    Value stop = add(start, work.chunks);
    part.first = subtract(arith::MaxUIOp::create(b, work.low, start), start);
    part.end = subtract(arith::MinUIOp::create(b, work.high, stop), start);
  }
  Value sets = number(division.sets);
  part.batch = arith::DivUIOp::create(b, part.set, sets);
  Value setInBatch = arith::RemUIOp::create(b, part.set, sets);
  part.tile = add(mul(setInBatch, division.gang), work.lane);
  return part;
}

PersistentKernel::Member PersistentKernel::emitMember(const Part &part,
                                                      Value member) {
  Value all = add(mul(part.tile, division.members), member);
  if (division.slices == 1)
    return {all, number(0)};
  Value slices = number(division.slices);
  return {arith::DivUIOp::create(b, all, slices),
          arith::RemUIOp::create(b, all, slices)};
}

Value PersistentKernel::emitIsContinued() {
  Value behind = add(work.segment, number(1));
  return arith::CmpIOp::create(b, CmpIPredicate::ult, behind, work.segments);
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

Value PersistentKernel::emitToken(Value step) {
  Value chunk = step;
  if (scan.getReverse())
    chunk = subtract(subtract(work.chunks, number(1)), step);
  return mul(chunk, division.chunk);
}

Value PersistentKernel::countRows(Value token) {
  return subtract(narrow(length), token);
}

Value PersistentKernel::sliceWidth(const Member &member) {
  int64_t channels =
      cast<RankedTensorType>(scan.getStateArgument(0).getType()).getDimSize(0);
  if (division.slices == 1)
    return index(channels);
  Value left = subtract(number(channels), mul(member.slice, division.channels));
  return widen(arith::MinSIOp::create(b, left, number(division.channels)));
}

Value PersistentKernel::sharedHead(const Access &access, Value head) {
  int64_t sharing = scan.getHeads() / access.getSize(DimRole::Head);
  if (sharing == 1)
    return head;
  return arith::DivUIOp::create(b, head, number(sharing));
}

Value PersistentKernel::emitOffset(const Access &access, const Part &part,
                                   const Member &member) {
  Value offset = index(0);
  if (access.has(DimRole::Batch)) {
    Value row = mul(widen(part.batch), access.getStride(DimRole::Batch));
    offset = access.has(DimRole::Time)
                 ? arith::MulIOp::create(b, row, length).getResult()
                 : row;
  }
  if (access.has(DimRole::Head))
    offset = add(offset, mul(widen(sharedHead(access, member.head)),
                             access.getStride(DimRole::Head)));
  if (access.has(DimRole::Channel) && division.slices > 1)
    offset = add(offset,
                 mul(widen(member.slice),
                     division.channels * access.getStride(DimRole::Channel)));
  return offset;
}

Value PersistentKernel::tokenOffset(const Access &access, const Part &part,
                                    const Member &member, Value token) {
  return add(emitOffset(access, part, member),
             mul(widen(token), access.getStride(DimRole::Time)));
}

FailureOr<Value> PersistentKernel::emitDecay(TileEmitter &emitter,
                                             Value decay) {
  Value transition = *getScalarTransition(scan);
  if (!transition)
    return decay;
  FailureOr<Value> factor = emitter.emit(transition);
  if (failed(factor))
    return failure();
  return arith::MulFOp::create(b, decay, *factor).getResult();
}

void PersistentKernel::bindPartOperands(TileEmitter &emitter, const Part &part,
                                        const Member &member,
                                        Operation *before) {
  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    Access access = makeAccess(operand, scan.getInRole(i).getRoles());
    Value tile = scan.getBody().getArgument(i);
    int64_t rank = cast<RankedTensorType>(tile.getType()).getRank();
    if (access.has(DimRole::Time) || rank > 1)
      continue;
    if (rank == 0) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(before);
      emitter.bindScalar(tile,
                         loadScalar(access, emitOffset(access, part, member)));
      continue;
    }
    emitter.bindChannels(tile, [=, this](RankedTensorType type) -> Value {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(before);
      return tile::LoadGlobalOp::create(
          b, type, access.pointer, emitOffset(access, part, member),
          ValueRange{index(1)}, ValueRange{sliceWidth(member)});
    });
  }
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

Attribute PersistentKernel::describeFlags(int64_t flags) {
  // An area has a word more than flags; its size is a multiple of the number of
  // multiprocessors.
  const int64_t sizes[] = {ShapedType::kDynamic, flags + 1};
  return TypeAttr::get(RankedTensorType::get(sizes, b.getI64Type()));
}

void PersistentKernel::openFlags() {
  handoverFlags = tile::FlagsOp::create(b, flagArea);
}

RankedTensorType PersistentKernel::stateType() {
  auto state = cast<RankedTensorType>(scan.getStateArgument(0).getType());
  const int64_t grid[] = {division.warps, 1};
  return RankedTensorType::get(
      {division.paddedChannels,
       int64_t(llvm::alignTo(state.getDimSize(1), 16))},
      state.getElementType(),
      tile::AccumulatorAttr::get(b.getContext(), grid, /*copies=*/1));
}

Value PersistentKernel::zeroState() {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  return tile::SplatOp::create(b, stateType(), zero);
}

Value PersistentKernel::loadState(Value pointer, Value offset,
                                  int64_t rowStride, Value rows,
                                  Value columns) {
  return tile::LoadGlobalOp::create(b, stateType(), pointer, offset,
                                    ValueRange{index(rowStride), index(1)},
                                    ValueRange{rows, columns});
}

Value PersistentKernel::loadInit(const Part &part, const Member &member) {
  if (scan.getInits().empty())
    return zeroState();
  Access access = stateAccess(scan.getInits()[0], 0);
  int64_t columns = access.getSize(DimRole::State);
  return loadState(access.pointer, emitOffset(access, part, member), columns,
                   sliceWidth(member), index(columns));
}

void PersistentKernel::storeFinal(const Part &part, const Member &member,
                                  Value state) {
  if (scan.getFinals().empty())
    return;
  Access access = stateAccess(scan.getFinals()[0], 0);
  int64_t columns = access.getSize(DimRole::State);
  tile::StoreGlobalOp::create(b, state, access.pointer,
                              emitOffset(access, part, member),
                              ValueRange{index(columns), index(1)},
                              ValueRange{sliceWidth(member), index(columns)});
}

Value PersistentKernel::splatLanes(Value scalar, ArrayRef<int64_t> shape) {
  auto lanes = tile::LaneAttr::get(b.getContext());
  return tile::SplatOp::create(
      b, RankedTensorType::get(shape, scalar.getType(), lanes), scalar);
}

Value PersistentKernel::choose(Value condition, llvm::function_ref<Value()> yes,
                               llvm::function_ref<Value()> no) {
  auto choice = scf::IfOp::create(b, stateType(), condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(choice.thenBlock());
  scf::YieldOp::create(b, yes());
  b.setInsertionPointToEnd(choice.elseBlock());
  scf::YieldOp::create(b, no());
  return choice.getResult(0);
}

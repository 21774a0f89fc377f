// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Register layouts: conversion, broadcast, splat, iota, constants.

#include "codegen/NVVM/TileLowering.h"

#include <set>

using namespace mlir;

namespace mamba::codegen {
namespace {

using arith::CmpIPredicate;
using tile::kLanes;
using tile::RegisterLayout;

//===----------------------------------------------------------------------===//
// Lane vectors to slices
//===----------------------------------------------------------------------===//

/// The registers of a lane vector that hold what the lanes of each warp want in
/// register `reg` of a slice.
struct Sources {
  /// All of them, over all lanes and warps.
  std::set<int64_t> registers;
  /// Each warp needs only one.
  bool onePerWarp = true;
};

Sources sourcesOf(const RegisterLayout &slice, int64_t reg) {
  Sources sources;
  for (int64_t warp = 0; warp < slice.warps.size(); ++warp) {
    std::set<int64_t> ofWarp;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      ofWarp.insert(slice.coordinate(reg, lane, warp)[0] / kLanes);
    sources.onePerWarp &= ofWarp.size() == 1;
    sources.registers.insert(ofWarp.begin(), ofWarp.end());
  }
  return sources;
}

/// values[number of `which`], by selection among the candidates.
Value choose(ThreadBuilder &b, ArrayRef<Value> values,
             const std::set<int64_t> &candidates, Value which) {
  Value result = values[*candidates.begin()];
  for (int64_t candidate : llvm::drop_begin(candidates))
    result = b.select(b.compare(CmpIPredicate::eq, which, candidate),
                      values[candidate], result);
  return result;
}

/// One register of a slice from a lane vector: the element at coordinate c is
/// in register c / 32 of lane c % 32.
Value fetch(ThreadBuilder &b, ArrayRef<Value> values,
            const RegisterLayout &slice, int64_t reg) {
  Sources sources = sourcesOf(slice, reg);
  Value byWarp = b.add(b.warpCoordinate(slice, 0), slice.registers[reg][0]);
  Value coordinate = b.add(b.laneCoordinate(slice, 0), byWarp);
  Value lane = b.rem(coordinate, kLanes);
  if (sources.onePerWarp) {
    Value source = choose(b, values, sources.registers, b.div(byWarp, kLanes));
    return b.shuffle(ThreadBuilder::Shuffle::Index, source, lane);
  }
  SmallVector<Value> moved(values.size());
  for (int64_t candidate : sources.registers)
    moved[candidate] =
        b.shuffle(ThreadBuilder::Shuffle::Index, values[candidate], lane);
  return choose(b, moved, sources.registers, b.div(coordinate, kLanes));
}

struct ConvertLayoutLowering : TilePattern<tile::ConvertLayoutOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ConvertLayoutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RankedTensorType from = op.getSource().getType();
    RegisterLayout to = tile::getRegisterLayout(op.getResult().getType());
    SmallVector<Value> values = b.unpack(adaptor.getSource());
    SmallVector<Value> results;
    if (isa<tile::LaneAttr>(from.getEncoding()))
      for (int64_t reg = 0; reg < to.numRegisters(); ++reg)
        results.push_back(fetch(b, values, to, reg));
    else
      for (int64_t source : op.getRenaming())
        results.push_back(values[source]);
    rewriter.replaceOp(op, b.pack(results));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

struct BroadcastLowering : TilePattern<tile::BroadcastOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::BroadcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    auto slice = cast<tile::SliceAttr>(op.getSource().getType().getEncoding());
    RegisterLayout from = tile::getRegisterLayout(op.getSource().getType());
    RegisterLayout to = tile::getRegisterLayout(op.getResult().getType());
    SmallVector<Value> values = b.unpack(adaptor.getSource());
    SmallVector<Value> results;
    for (const tile::Coordinate &reg : to.registers)
      for (auto [i, source] : llvm::enumerate(from.registers))
        if (source[0] == reg[slice.getAxis()])
          results.push_back(values[i]);
    rewriter.replaceOp(op, b.pack(results));
    return success();
  }
};

struct SplatLowering : TilePattern<tile::SplatOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SplatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RegisterLayout to = tile::getRegisterLayout(op.getResult().getType());
    SmallVector<Value> values(to.numRegisters(), adaptor.getScalar());
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

struct IotaLowering : TilePattern<tile::IotaOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::IotaOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    RegisterLayout to = tile::getRegisterLayout(op.getResult().getType());
    int axis = static_cast<int>(op.getAxis());
    Value origin = b.threadCoordinate(to, axis);
    SmallVector<Value> values;
    for (const tile::Coordinate &reg : to.registers)
      values.push_back(b.add(origin, reg[axis]));
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

} // namespace

void populateLayoutPatterns(const TypeConverter &converter,
                            RewritePatternSet &patterns,
                            const KernelInfo &kernel) {
  patterns.add<ConvertLayoutLowering, BroadcastLowering, SplatLowering,
               IotaLowering>(converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen

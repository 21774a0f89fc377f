// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/NVVM/ThreadBuilder.h"

#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mamba::codegen {

using tile::Coordinate;
using tile::RegisterLayout;

std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

static bool isPowerOfTwo(int64_t value) {
  return value > 0 && (value & (value - 1)) == 0;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value ThreadBuilder::i32(int64_t value) {
  return arith::ConstantIntOp::create(*this, value, 32);
}
Value ThreadBuilder::i64(int64_t value) {
  return arith::ConstantIntOp::create(*this, value, 64);
}
Value ThreadBuilder::f32(float value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

/// Creates the operation, or returns what it folds to.
template <typename Op>
Value ThreadBuilder::binary(Value a, Value b) {
  return createOrFold<Op>(a, b);
}

static Value constantLike(ThreadBuilder &builder, Value like, int64_t value) {
  return arith::ConstantIntOp::create(builder, value,
                                      like.getType().getIntOrFloatBitWidth());
}

Value ThreadBuilder::add(Value a, Value b) {
  return binary<arith::AddIOp>(a, b);
}
Value ThreadBuilder::add(Value a, int64_t b) {
  return b == 0 ? a : add(a, constantLike(*this, a, b));
}
Value ThreadBuilder::mul(Value a, int64_t b) {
  return b == 1 ? a : binary<arith::MulIOp>(a, constantLike(*this, a, b));
}
Value ThreadBuilder::div(Value a, int64_t b) {
  if (isPowerOfTwo(b))
    return shiftRight(a, llvm::Log2_64(b));
  return binary<arith::DivUIOp>(a, constantLike(*this, a, b));
}
Value ThreadBuilder::rem(Value a, int64_t b) {
  if (isPowerOfTwo(b))
    return bitAnd(a, b - 1);
  return binary<arith::RemUIOp>(a, constantLike(*this, a, b));
}
Value ThreadBuilder::bitAnd(Value a, int64_t b) {
  return binary<arith::AndIOp>(a, constantLike(*this, a, b));
}
Value ThreadBuilder::bitXor(Value a, Value b) {
  return binary<arith::XOrIOp>(a, b);
}
Value ThreadBuilder::bitXor(Value a, int64_t b) {
  return b == 0 ? a : bitXor(a, constantLike(*this, a, b));
}
Value ThreadBuilder::shiftRight(Value a, int64_t b) {
  return b == 0 ? a : binary<arith::ShRUIOp>(a, constantLike(*this, a, b));
}
Value ThreadBuilder::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return createOrFold<arith::CmpIOp>(predicate, a, b);
}
Value ThreadBuilder::compare(arith::CmpIPredicate predicate, Value a,
                             int64_t b) {
  return compare(predicate, a, constantLike(*this, a, b));
}
Value ThreadBuilder::select(Value condition, Value a, Value b) {
  return createOrFold<arith::SelectOp>(condition, a, b);
}
Value ThreadBuilder::toI64(Value index) {
  if (std::optional<int64_t> constant = constantOf(index))
    return i64(*constant);
  return arith::IndexCastOp::create(*this, getI64Type(), index);
}
Value ThreadBuilder::toI32(Value index) {
  if (std::optional<int64_t> constant = constantOf(index))
    return i32(*constant);
  return arith::IndexCastOp::create(*this, getI32Type(), index);
}
Value ThreadBuilder::widen(Value value) {
  return createOrFold<arith::ExtUIOp>(getI64Type(), value);
}
Value ThreadBuilder::clampToI32(Value index, int64_t limit) {
  Value value = toI64(index);
  value = createOrFold<arith::MaxSIOp>(value, i64(0));
  value = createOrFold<arith::MinSIOp>(value, i64(limit));
  return createOrFold<arith::TruncIOp>(getI32Type(), value);
}

//===----------------------------------------------------------------------===//
// Threads and intrinsics
//===----------------------------------------------------------------------===//

Value ThreadBuilder::intrinsic(StringRef name, Type type,
                               ValueRange arguments) {
  if (!type) {
    LLVM::CallIntrinsicOp::create(*this, getStringAttr(name), arguments);
    return {};
  }
  return LLVM::CallIntrinsicOp::create(*this, type, getStringAttr(name),
                                       arguments)
      .getResults();
}

Value ThreadBuilder::immediate(int64_t value) {
  return LLVM::ConstantOp::create(
      *this, getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value ThreadBuilder::both(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return createOrFold<arith::AndIOp>(a, b);
}

void ThreadBuilder::when(Value condition, function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

Value ThreadBuilder::assembly(StringRef text, StringRef constraints, Type type,
                              ValueRange arguments) {
  std::string clobbers = constraints.str();
  clobbers += clobbers.empty() ? "~{memory}" : ",~{memory}";
  auto op = LLVM::InlineAsmOp::create(
      *this, type ? TypeRange(type) : TypeRange(), arguments, text, clobbers,
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(),
      ArrayAttr());
  return type ? op.getResult(0) : Value();
}

/// The number of the thread in the CTA.
static Value threadOfBlock(ThreadBuilder &b) {
  return b.intrinsic("llvm.nvvm.read.ptx.sreg.tid.x", b.getI32Type(), {});
}

/// The role around the place where the builder inserts; null outside.
static tile::RoleOp roleAround(ThreadBuilder &b) {
  return tile::RoleOp::getEnclosing(b.getInsertionBlock()->getParentOp());
}

/// Warps that share the tiles here; 0 if that is not known.
static int64_t warpsAround(ThreadBuilder &b) {
  if (tile::RoleOp role = roleAround(b))
    return static_cast<int64_t>(role.getWarps());
  Operation *parent = b.getInsertionBlock()->getParentOp();
  auto function = dyn_cast<gpu::GPUFuncOp>(parent);
  if (!function)
    function = parent->getParentOfType<gpu::GPUFuncOp>();
  std::optional<ArrayRef<int32_t>> threads;
  if (function)
    threads = function.getKnownBlockSize();
  return threads ? threads->front() / tile::kLanes : 0;
}

Value ThreadBuilder::thread() {
  Value thread = threadOfBlock(*this);
  tile::RoleOp role = roleAround(*this);
  if (!role)
    return thread;
  thread = add(thread, -role.getFirstWarp() * tile::kLanes);
  if (role.getInstances() == 1)
    return thread;
  return rem(thread, static_cast<int64_t>(role.getWarps()) * tile::kLanes);
}

Value ThreadBuilder::lane() {
  return bitAnd(threadOfBlock(*this), tile::kLanes - 1);
}

Value ThreadBuilder::warp() { return div(thread(), tile::kLanes); }

Value ThreadBuilder::instance() {
  tile::RoleOp role = roleAround(*this);
  if (!role || role.getInstances() == 1)
    return i32(0);
  Value thread = add(threadOfBlock(*this), -role.getFirstWarp() * tile::kLanes);
  return div(thread, static_cast<int64_t>(role.getWarps()) * tile::kLanes);
}

Value ThreadBuilder::isFirstThread() {
  return compare(arith::CmpIPredicate::eq, thread(), int64_t{0});
}

Value ThreadBuilder::isFirstLane() {
  return compare(arith::CmpIPredicate::eq, lane(), int64_t{0});
}

Value ThreadBuilder::fieldOf(Value structure, int64_t field) {
  return LLVM::ExtractValueOp::create(*this, structure, field);
}

Value ThreadBuilder::shuffle(Shuffle kind, Value value, Value operand) {
  Type type = value.getType();
  if (type.getIntOrFloatBitWidth() == 16) {
    Value wide = arith::ExtUIOp::create(*this, getI32Type(),
                                        bitcast(value, getI16Type()));
    Value moved = shuffle(kind, wide, operand);
    return bitcast(arith::TruncIOp::create(*this, getI16Type(), moved), type);
  }
  assert(type.getIntOrFloatBitWidth() == 32 && "shuffles move 32 bits");
  static constexpr const char *names[] = {"idx", "up", "down", "bfly"};
  std::string name = std::string("llvm.nvvm.shfl.sync.") +
                     names[static_cast<int>(kind)] +
                     (type.isF32() ? ".f32" : ".i32");
  Value clamp = i32(kind == Shuffle::Up ? 0 : tile::kLanes - 1);
  return intrinsic(name, type, {i32(-1), value, operand, clamp});
}

//===----------------------------------------------------------------------===//
// Vectors and memory
//===----------------------------------------------------------------------===//

Value ThreadBuilder::bitcast(Value value, Type type) {
  if (value.getType() == type)
    return value;
  return LLVM::BitcastOp::create(*this, type, value);
}

SmallVector<Value> ThreadBuilder::unpack(Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (auto packed = vector.getDefiningOp<vector::FromElementsOp>())
    return packed.getElements();
  if (SplatElementsAttr splat; matchPattern(vector, m_Constant(&splat)))
    return SmallVector<Value>(
        type.getNumElements(),
        arith::ConstantOp::create(*this, splat.getSplatValue<TypedAttr>()));
  SmallVector<Value> elements;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(LLVM::ExtractElementOp::create(*this, vector, i32(i)));
  return elements;
}

/// The vector whose elements these are, all and in order, or null.
static Value wholeOf(VectorType type, ArrayRef<Value> elements) {
  Value whole;
  for (auto [i, element] : llvm::enumerate(elements)) {
    auto extraction = element.getDefiningOp<LLVM::ExtractElementOp>();
    if (!extraction || extraction.getVector().getType() != type ||
        (whole && whole != extraction.getVector()) ||
        constantOf(extraction.getPosition()) != static_cast<int64_t>(i))
      return nullptr;
    whole = extraction.getVector();
  }
  return whole;
}

Value ThreadBuilder::pack(ArrayRef<Value> elements) {
  auto type = VectorType::get(elements.size(), elements.front().getType());
  if (Value whole = wholeOf(type, elements))
    return whole;
  return vector::FromElementsOp::create(*this, type, elements);
}

SmallVector<Value> ThreadBuilder::unpackRuns(Value vector, int64_t count) {
  // Not a shuffle: LLVM's scalarizer takes none apart that yields pairs.
  SmallVector<Value> elements = unpack(vector), runs;
  for (size_t i = 0; i < elements.size(); i += count)
    runs.push_back(pack(ArrayRef(elements).slice(i, count)));
  return runs;
}

Value ThreadBuilder::packRuns(ArrayRef<Value> runs) {
  SmallVector<Value> elements;
  for (Value run : runs)
    llvm::append_range(elements, unpack(run));
  return pack(elements);
}

Value ThreadBuilder::pointerAdd(Value pointer, Value bytes) {
  if (std::optional<int64_t> constant = constantOf(bytes))
    return pointerAdd(pointer, *constant);
  return LLVM::GEPOp::create(*this, pointer.getType(), getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}
Value ThreadBuilder::pointerAdd(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(
      *this, pointer.getType(), getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}
Value ThreadBuilder::load(Type type, Value pointer, unsigned alignment) {
  return LLVM::LoadOp::create(*this, type, pointer, alignment);
}
void ThreadBuilder::store(Value value, Value pointer, unsigned alignment) {
  LLVM::StoreOp::create(*this, value, pointer, alignment);
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

Value ThreadBuilder::laneCoordinate(const RegisterLayout &layout, int axis) {
  Value sum = i32(0);
  // Bits whose weights double from one to the next are one field of the lane.
  for (int first = 0; first < 5;) {
    int64_t weight = layout.laneBits[first][axis];
    int end = first + 1;
    while (end < 5 &&
           layout.laneBits[end][axis] == layout.laneBits[end - 1][axis] * 2)
      ++end;
    if (weight != 0) {
      Value field = shiftRight(lane(), first);
      if (end < 5)
        field = bitAnd(field, (int64_t{1} << (end - first)) - 1);
      sum = add(sum, mul(field, weight));
    }
    first = end;
  }
  return sum;
}

Value ThreadBuilder::warpCoordinate(const RegisterLayout &layout, int axis) {
  const tile::WarpGrid &grid = layout.warps;
  Value sum = i32(0);
  Value part = div(warp(), grid.copies);
  if (layout.warpRow[axis] != 0 && grid.grid[0] > 1) {
    Value row = div(part, grid.grid[1]);
    // More warps than the grid has: it is repeated, once a team.
    if (warpsAround(*this) > grid.size())
      row = rem(row, grid.grid[0]);
    sum = add(sum, mul(row, layout.warpRow[axis]));
  }
  if (layout.warpColumn[axis] != 0 && grid.grid[1] > 1)
    sum = add(sum, mul(rem(part, grid.grid[1]), layout.warpColumn[axis]));
  return sum;
}

Value ThreadBuilder::threadCoordinate(const RegisterLayout &layout, int axis) {
  return add(laneCoordinate(layout, axis), warpCoordinate(layout, axis));
}

Value ThreadBuilder::isPrimary(const RegisterLayout &layout) {
  Value result = arith::ConstantIntOp::create(*this, 1, 1);
  auto require = [&](Value zero) {
    Value holds = compare(arith::CmpIPredicate::eq, zero, int64_t{0});
    result = createOrFold<arith::AndIOp>(result, holds);
  };
  int64_t redundant = 0;
  for (int bit = 0; bit < 5; ++bit)
    if (layout.laneBits[bit] == Coordinate{})
      redundant |= int64_t{1} << bit;
  if (redundant != 0)
    require(bitAnd(lane(), redundant));
  const tile::WarpGrid &grid = layout.warps;
  if (grid.copies > 1)
    require(rem(warp(), grid.copies));
  Value part = div(warp(), grid.copies);
  if (layout.warpRow == Coordinate{})
    require(div(part, grid.grid[1]));
  if (layout.warpColumn == Coordinate{} && grid.grid[1] > 1)
    require(rem(part, grid.grid[1]));
  return result;
}

} // namespace mamba::codegen

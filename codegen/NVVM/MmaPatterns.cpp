// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.mma with the synchronous warp-level instructions.

#include "codegen/NVVM/SharedAccess.h"
#include "codegen/NVVM/TileLowering.h"
#include "codegen/Targets/MmaRows.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mamba::codegen {
namespace {

using tile::Coordinate;
using tile::RegisterLayout;
using tile::Support;

constexpr int64_t kM = 16, kN = 8, kK = 16;

/// One operand of a product, fragment by fragment.
class Operand {
public:
  /// From a register tile's vector or a buffer's pointer.
  Operand(ThreadBuilder &b, Value value, Type type, bool transposed, bool right,
          RegisterLayout layout)
      : b(b), base(value), transposed(transposed), right(right),
        layout(std::move(layout)) {
    if (auto buffer = dyn_cast<tile::BufferType>(type)) {
      shared = buffer.getSharedLayout();
      return;
    }
    for (Value pair : b.unpackPairs(value))
      words.push_back(b.bitcast(pair, b.getI32Type()));
  }

  bool inRegisters() const { return !words.empty(); }

  /// The words of a block: 16×16 of a left operand, 16×8·count of a right one,
  /// at (row, column) of the warp's part.
  SmallVector<Value> block(int64_t row, int64_t column, int64_t columns) {
    RegisterLayout part = restrict(row, column, columns);
    if (!inRegisters())
      return loadMatrices(b, base, shared, part, right, transposed);
    SmallVector<Value> result;
    for (size_t reg = 0; reg < part.registers.size(); reg += 2)
      for (size_t from = 0; from < layout.registers.size(); from += 2)
        if (layout.registers[from] == part.registers[reg])
          result.push_back(words[from / 2]);
    return result;
  }

private:
  /// The registers of the layout inside the block.
  RegisterLayout restrict(int64_t row, int64_t column, int64_t columns) const {
    RegisterLayout part = layout;
    part.registers.clear();
    for (Coordinate reg : layout.registers)
      if (reg[0] >= row && reg[0] < row + kK && reg[1] >= column &&
          reg[1] < column + columns)
        part.registers.push_back(reg);
    return part;
  }

  ThreadBuilder &b;
  Value base;
  bool transposed, right;
  RegisterLayout layout;
  tile::SharedLayout shared;
  SmallVector<Value> words;
};

/// The extents and triangles of a warp's part of a product.
struct Extents {
  int64_t m, n, k;
  Support result, a;
};

/// Where a warp's part starts in the tile, as far as it is known.
struct Start {
  int64_t row = 0, column = 0;
};

/// True if the block [r, r+rows) × [c, c+columns) has an element in the part.
bool meets(Support support, int64_t r, int64_t rows, int64_t c,
           int64_t columns) {
  switch (support) {
  case Support::Full:
    return true;
  case Support::Lower:
    return c <= r + rows - 1;
  case Support::Upper:
    return c + columns - 1 >= r;
  }
  llvm_unreachable("unknown support");
}

/// Emits all instructions of one warp's part; `sums` are the accumulator's
/// registers, four a fragment, updated in place.
class Product {
public:
  Product(ThreadBuilder &b, const MmaRow &row, Operand &left, Operand &right,
          Extents extents)
      : b(b), row(row), left(left), right(right), extents(extents) {}

  void emit(Start start, SmallVectorImpl<Value> &sums) {
    for (int64_t k = 0; k < extents.k; k += kK) {
      SmallVector<SmallVector<Value>> blocks;
      for (int64_t m = 0; m < extents.m; m += kM)
        blocks.push_back(meets(extents.a, start.row + m, kM, k, kK)
                             ? left.block(m, k, kK)
                             : SmallVector<Value>());
      for (int64_t n = 0; n < extents.n; n += 2 * kN)
        emitColumns(start, k, n, blocks, sums);
    }
  }

private:
  /// One K step for the 16 (at the edge 8) columns at n.
  void emitColumns(Start start, int64_t k, int64_t n,
                   ArrayRef<SmallVector<Value>> blocks,
                   SmallVectorImpl<Value> &sums) {
    int64_t columns = std::min(2 * kN, extents.n - n);
    SmallVector<Value> words;
    for (auto [i, block] : llvm::enumerate(blocks)) {
      int64_t m = static_cast<int64_t>(i) * kM;
      if (block.empty() ||
          !meets(extents.result, start.row + m, kM, start.column + n, columns))
        continue;
      if (words.empty())
        words = right.block(k, n, columns);
      for (int64_t c = 0; c < columns; c += kN) {
        int64_t fragment = m / kM * (extents.n / kN) + (n + c) / kN;
        multiply(block, ArrayRef<Value>(words).slice(c / kN * 2, 2),
                 MutableArrayRef<Value>(sums).slice(4 * fragment, 4));
      }
    }
  }

  void multiply(ArrayRef<Value> a, ArrayRef<Value> bWords,
                MutableArrayRef<Value> sum) {
    SmallVector<Value> arguments;
    bool halves = row.operand == ElementKind::F16;
    Type pair = VectorType::get(2, b.getF16Type());
    for (Value word : llvm::concat<const Value>(a, bWords))
      arguments.push_back(halves ? b.bitcast(word, pair) : word);
    llvm::append_range(arguments, sum);
    SmallVector<Type> fields(4, b.getF32Type());
    Type type = LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
    Value product = b.intrinsic(row.instruction, type, arguments);
    for (int i = 0; i < 4; ++i)
      sum[i] = b.fieldOf(product, i);
  }

  ThreadBuilder &b;
  const MmaRow &row;
  Operand &left, &right;
  Extents extents;
};

struct MmaLowering : TilePattern<tile::MmaOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(tile::MmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = op.getResult().getType();
    auto encoding = cast<tile::AccumulatorAttr>(type.getEncoding());
    tile::WarpGrid grid = {{encoding.getWarps()[0], encoding.getWarps()[1]},
                           encoding.getCopies()};
    auto [k, element] = innerExtent(op);
    const MmaRow *row =
        findMma(MmaFamily::WarpSync,
                element.isBF16() ? ElementKind::BF16 : ElementKind::F16,
                *kernel.target);
    if (!row)
      return op.emitError("target ")
             << kernel.target->name << " has no instruction for " << element;
    ThreadBuilder b(op.getLoc(), rewriter);
    int64_t m = type.getDimSize(0), n = type.getDimSize(1);
    Operand left(b, adaptor.getA(), op.getA().getType(), op.getTransposeA(),
                 /*right=*/false, tile::operandALayout(m, k, grid));
    Operand right(b, adaptor.getB(), op.getB().getType(), op.getTransposeB(),
                  /*right=*/true, tile::operandBLayout(k, n, grid));
    Extents extents = {m / grid.grid[0], n / grid.grid[1], k,
                       op.getResultSupport(), op.getASupport()};
    Product product(b, *row, left, right, extents);
    SmallVector<Value> sums = b.unpack(adaptor.getAccumulator());
    emitVariants(b, product, grid, extents, sums);
    rewriter.replaceOp(op, b.pack(sums));
    return success();
  }

private:
  static std::pair<int64_t, Type> innerExtent(tile::MmaOp op) {
    Type type = op.getA().getType();
    if (auto buffer = dyn_cast<tile::BufferType>(type))
      return {buffer.getShape()[op.getTransposeA() ? 0 : 1],
              buffer.getElementType()};
    auto tensor = cast<RankedTensorType>(type);
    return {tensor.getDimSize(1), tensor.getElementType()};
  }

  /// A full product is one code for all warps; a triangular one has a code for
  /// each part of the warp grid, in which the skipped fragments are known, so
  /// that the remaining instructions interleave freely.
  static void emitVariants(ThreadBuilder &b, Product &product,
                           tile::WarpGrid grid, Extents extents,
                           SmallVectorImpl<Value> &sums) {
    int64_t parts = grid.grid[0] * grid.grid[1];
    // Where all parts have the same rows, a triangular a is the same for them.
    bool same = extents.result == Support::Full &&
                (extents.a == Support::Full || grid.grid[0] == 1);
    if (same || parts == 1)
      return product.emit({}, sums);
    Value part = b.rem(b.div(b.warp(), grid.copies), parts);
    SmallVector<int64_t> cases;
    for (int64_t i = 0; i + 1 < parts; ++i)
      cases.push_back(i);
    SmallVector<Type> types(sums.size(), b.getF32Type());
    Value index = arith::IndexCastUIOp::create(b, b.getIndexType(), part);
    auto choice = scf::IndexSwitchOp::create(b, types, index, cases,
                                             static_cast<unsigned>(parts - 1));
    SmallVector<Value> start(sums.begin(), sums.end());
    OpBuilder::InsertionGuard guard(b);
    for (int64_t i = 0; i < parts; ++i) {
      Region &region = i + 1 < parts ? choice.getCaseRegions()[i]
                                     : choice.getDefaultRegion();
      b.createBlock(&region);
      SmallVector<Value> mine = start;
      product.emit({i / grid.grid[1] * extents.m, i % grid.grid[1] * extents.n},
                   mine);
      scf::YieldOp::create(b, mine);
    }
    sums.assign(choice.getResults().begin(), choice.getResults().end());
  }
};

} // namespace

void populateMmaPatterns(const TypeConverter &converter,
                         RewritePatternSet &patterns,
                         const KernelInfo &kernel) {
  patterns.add<MmaLowering>(converter, patterns.getContext(), kernel);
}

} // namespace mamba::codegen

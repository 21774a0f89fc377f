// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/TeamShape.h"

#include "dialect/Tile/RegisterLayout.h"
#include "dialect/Tile/SharedLayout.h"
#include "mlir/IR/Matchers.h"
#include "passes/Analysis/TileAxes.h"
#include "passes/Transforms/RoleShape.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

namespace {
constexpr int64_t kMostRegisters = 255;
/// Registers for fragments and addresses.
constexpr int64_t kWorkingRegisters = 40;
constexpr int64_t kMostStages = 3;
/// Channels of a warp: two m16 fragments of the state, or one.
constexpr int64_t kWideChannels = 32, kNarrowChannels = 16;
/// Thread blocks of a gang at most: what is left of the multiprocessors when
/// gangs have been dealt out is idle.
constexpr int64_t kMostGang = 12;
/// Fewest tokens and chunks of a segment: each costs a hand-over of states.
constexpr int64_t kSegmentTokens = 256, kLeastSegment = 4;
/// Vectors over tokens in shared memory, for the memory estimate.
constexpr int64_t kExportedVectors = 5;

RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether a value is made of operands by arithmetic on elements and vectors.
bool isPointwise(ChunkScanOp scan, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getArgNumber() < scan.getIns().size();
  Operation *op = value.getDefiningOp();
  return !isa<DotOp, SegmentDecayOp>(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return tensorType(operand).getRank() < 2 ||
                  isPointwise(scan, operand);
         });
}

/// Whether a value is the carried state, rounded or scaled.
bool isState(ChunkScanOp scan, Value value) {
  if (value == scan.getStateArgument(0))
    return true;
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::Elementwise>() &&
         llvm::any_of(op->getOperands(),
                      [&](Value operand) { return isState(scan, operand); }) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return isState(scan, operand) ||
                  isa_and_present<BroadcastOp>(operand.getDefiningOp());
         });
}
} // namespace

std::pair<int64_t, int64_t> chooseScoreGrid(int64_t chunk, int64_t warps) {
  constexpr int64_t kSide = 16;
  auto fit = [&](int64_t most, int64_t divided) {
    int64_t factor = 1;
    while (2 * factor <= most && divided % (2 * factor) == 0)
      factor *= 2;
    return factor;
  };
  int64_t rows = fit(chunk / kSide, warps);
  // Two blocks of columns a warp: one holds the diagonal block of one of them.
  int64_t columns = fit(chunk / (2 * kSide), warps / rows);
  return {rows, columns};
}

bool isTokenTile(ChunkScanOp scan, unsigned operand) {
  return hasRole(scan, operand, DimRole::Time) &&
         tensorType(scan.getBody().getArgument(operand)).getRank() == 2;
}

//===----------------------------------------------------------------------===//
// What is read when
//===----------------------------------------------------------------------===//

/// Whether a value is made from one of the tiles.
static bool needs(Value value, ArrayRef<Value> tiles) {
  if (llvm::is_contained(tiles, value))
    return true;
  Operation *op = value.getDefiningOp();
  return op && llvm::any_of(op->getOperands(), [&](Value operand) {
           return needs(operand, tiles);
         });
}

/// Whether an operand is needed for the masks, and for what needs no mask,
/// only.
static bool isReadBeforeMasks(ChunkScanOp scan, unsigned operand) {
  SmallVector<Value> masks = getMasks(scan);
  // What is made in front of the masks' barrier ends the search.
  DenseSet<Value> seen(masks.begin(), masks.end());
  for (DotOp dot : scan.getBody().front().getOps<DotOp>())
    if (dot.getInit() && needs(dot.getResult(), masks) &&
        !needs(dot.getInit(), masks))
      seen.insert(dot.getInit());
  SmallVector<Value> open(scan.getYield().getTiles());
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (value == scan.getBody().getArgument(operand))
      return false;
    if (Operation *op = value.getDefiningOp())
      llvm::append_range(open, op->getOperands());
  }
  return true;
}

int64_t countTileStages(ChunkScanOp scan, const TeamShape &shape,
                        unsigned operand) {
  bool early = shape.stages == 2 && isReadBeforeMasks(scan, operand);
  return shape.stages == 1 || early ? 1 : 2;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static std::string checkProducts(ChunkScanOp scan) {
  TileAxes axes(scan);
  SmallVector<Value> masks = getMasks(scan);
  for (DotOp dot : scan.getBody().front().getOps<DotOp>())
    for (unsigned i : {0, 1}) {
      Value operand = dot->getOperand(i);
      bool read = i == 1 && isState(scan, operand) &&
                  dot.getContract()[1] == 1 &&
                  axes.getRole(dot.getResult(), 0) == DimRole::Time;
      bool keys = i == 1 && !isa<BlockArgument>(operand) &&
                  axes.getRole(dot.getResult(), 1) == DimRole::State;
      if (keys || (!read && !llvm::is_contained(masks, operand) &&
                   !isPointwise(scan, operand)))
        return "a product has an operand that is neither copied, nor masked, "
               "nor the state (state weights belong on the values)";
    }
  return "";
}

static std::string checkProgram(ChunkScanOp scan) {
  if (scan.getNumStates() != 1)
    return llvm::formatv("{0} carried states, kernels with teams have one",
                         scan.getNumStates());
  for (int64_t size : tensorType(scan.getStateArgument(0)).getShape())
    if (size % 8 != 0 || size > 256)
      return llvm::formatv("a state size of {0}, not a multiple of 8 up to 256",
                           size);
  if (getMasks(scan).size() != 1)
    return "not exactly one product with a time-by-time tile";
  for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
    int64_t bits = tensorType(operand).getElementTypeBitWidth();
    bool time = hasRole(scan, i, DimRole::Time);
    if (time && matchPattern(operand, m_Constant()))
      return llvm::formatv("operand {0} is a constant over tokens", i);
    if (time && !isTokenTile(scan, i) && bits != 32)
      return llvm::formatv("operand {0} has one {1}-bit number a token; "
                           "kernels with teams take 32",
                           i, bits);
  }
  TileAxes axes(scan);
  for (unsigned i = 0; i < scan.getOuts().size(); ++i) {
    Value tile = scan.getYield().getTiles()[i];
    if (tensorType(tile).getRank() != 2 ||
        axes.getRole(tile, 1) != DimRole::Channel)
      return llvm::formatv("output {0} is not a tensor over channels", i);
  }
  return checkProducts(scan);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static int64_t countTileBytes(int64_t rows, int64_t columns, Type element) {
  return tile::SharedLayout{rows, columns,
                            int64_t(element.getIntOrFloatBitWidth()) / 8}
      .bytes();
}

static int64_t countSharedBytes(ChunkScanOp scan, const TeamShape &shape) {
  int64_t vectorBytes = 2 * shape.chunk * 4 * shape.teams;
  // The number of the launch stands there, too.
  int64_t bytes = kExportedVectors * vectorBytes + 8;
  int64_t states = tensorType(scan.getStateArgument(0)).getDimSize(1);
  for (unsigned i = 0; i < scan.getIns().size(); ++i) {
    if (!isTokenTile(scan, i)) {
      bytes += hasRole(scan, i, DimRole::Time) ? vectorBytes : 0;
      continue;
    }
    int64_t columns = hasRole(scan, i, DimRole::Channel)
                          ? shape.paddedChannels
                          : int64_t(llvm::alignTo(states, 16));
    bool shared = isSharedOperand(scan, i, shape.teams, shape.slices);
    bytes += countTileStages(scan, shape, i) * (shared ? 1 : shape.teams) *
             countTileBytes(shape.chunk, columns,
                            tensorType(scan.getIns()[i]).getElementType());
  }
  for (Value mask : getMasks(scan))
    bytes += shape.teams * countTileBytes(shape.chunk, shape.chunk,
                                          tensorType(mask).getElementType());
  return bytes;
}

/// Registers a thread for the states of its channels, and for their outputs or
/// its part of the scores.
static int64_t countRegisters(ChunkScanOp scan, const TeamShape &shape) {
  int64_t states =
      llvm::alignTo(tensorType(scan.getStateArgument(0)).getDimSize(1), 16);
  auto [rows, columns] = chooseScoreGrid(shape.chunk, shape.getWarps());
  int64_t scores = shape.chunk * shape.chunk / (rows * columns);
  int64_t each = shape.paddedChannels / shape.warps;
  // Outputs begin when the masks are stored.
  int64_t products = std::max(each * shape.chunk, scores);
  return (each * states + products) / tile::kLanes + kWorkingRegisters;
}

/// Thread blocks that share operands, sets of them in a sequence.
static void chooseGang(ChunkScanOp scan, TeamShape &shape) {
  int64_t members = scan.getHeads() * shape.slices;
  int64_t sharing = shape.teams;
  for (unsigned i = 0; i < scan.getIns().size(); ++i)
    if (isTokenTile(scan, i) &&
        isSharedOperand(scan, i, shape.teams, shape.slices))
      sharing = members / countHeads(scan, i);
  shape.gang = sharing / shape.teams;
  for (int64_t part = 2; shape.gang > kMostGang; ++part)
    if (sharing / shape.teams % part == 0)
      shape.gang = sharing / shape.teams / part;
  shape.sets = members / shape.teams / shape.gang;
}

namespace {
/// Looks for the shape of a kernel.
class ShapeSearch {
public:
  ShapeSearch(ChunkScanOp scan, const Target *target, ScheduleAttr schedule,
              int64_t segment, std::string &rejection)
      : scan(scan), target(target), schedule(schedule), segment(segment),
        rejection(rejection),
        headdim(tensorType(scan.getStateArgument(0)).getDimSize(0)),
        channels(schedule.getChannels() ? schedule.getChannels() : headdim) {}

  /// A shape of warps with `each` channels.
  std::optional<TeamShape> find(int64_t each);

private:
  TeamShape makeShape(int64_t each);
  /// Whether the block has the asked for warps and no head is left over.
  bool isDivision(const TeamShape &shape);
  /// Whether a block of so many warps has registers for 32 channels a warp. It
  /// then has no others: a number of warps means one shape on all targets.
  bool isWide(int64_t warps);
  /// Whether the shape is what the schedule asks for, and fits.
  bool isLegal(TeamShape &shape);

  ChunkScanOp scan;
  const Target *target;
  ScheduleAttr schedule;
  int64_t segment;
  std::string &rejection;
  /// Channels of a head, and of a slice unless warps cannot hold them.
  int64_t headdim, channels;
};
} // namespace

TeamShape ShapeSearch::makeShape(int64_t each) {
  TeamShape shape;
  shape.chunk = scan.getChunk();
  shape.channels = std::min(channels, each * kMostTeamWarps);
  shape.slices = llvm::divideCeil(headdim, shape.channels);
  shape.warps = llvm::PowerOf2Ceil(llvm::divideCeil(shape.channels, each));
  shape.paddedChannels = shape.warps * each;
  shape.segmentChunks = segment;
  return shape;
}

bool ShapeSearch::isDivision(const TeamShape &shape) {
  return scan.getHeads() * shape.slices % shape.teams == 0 &&
         (!schedule.getWarps() || schedule.getWarps() == shape.getWarps());
}

bool ShapeSearch::isWide(int64_t warps) {
  TeamShape shape = makeShape(/*each=*/kWideChannels);
  shape.teams = warps / shape.warps;
  return channels > kNarrowChannels && shape.getWarps() == warps &&
         isDivision(shape) && countRegisters(scan, shape) <= kMostRegisters;
}

bool ShapeSearch::isLegal(TeamShape &shape) {
  bool wide = shape.paddedChannels == shape.warps * kWideChannels;
  if (!isDivision(shape) || (!wide && isWide(shape.getWarps())) ||
      (schedule.getStages() && schedule.getStages() != shape.stages))
    return false;
  shape.registers = countRegisters(scan, shape);
  if (shape.registers > kMostRegisters) {
    rejection = llvm::formatv("{0} registers a thread for scores and states of "
                              "{1} tokens exceed {2}",
                              shape.registers, shape.chunk, kMostRegisters);
    return false;
  }
  shape.sharedBytes = countSharedBytes(scan, shape);
  if (target && shape.sharedBytes > target->sharedBytesPerBlock) {
    rejection = llvm::formatv("{0} B of shared memory exceed {1} B",
                              shape.sharedBytes, target->sharedBytesPerBlock);
    return false;
  }
  return true;
}

std::optional<TeamShape> ShapeSearch::find(int64_t each) {
  TeamShape shape = makeShape(each);
  rejection = llvm::formatv(
      "{0} warps are not teams of {1} whose number divides "
      "the {2} heads and slices",
      schedule.getWarps(), shape.warps, scan.getHeads() * shape.slices);
  for (shape.teams = kMostTeamWarps / shape.warps; shape.teams > 0;
       --shape.teams)
    for (shape.stages = kMostStages; shape.stages > 0; --shape.stages)
      if (isLegal(shape)) {
        chooseGang(scan, shape);
        return shape;
      }
  return std::nullopt;
}

int64_t getUsualTeamSegment(ChunkScanOp scan) {
  if (!getScalarTransition(scan))
    return 0;
  return std::max(kSegmentTokens / int64_t(scan.getChunk()), kLeastSegment);
}

std::optional<TeamShape> chooseTeamShape(ChunkScanOp scan, const Target *target,
                                         ScheduleAttr schedule, int64_t segment,
                                         std::string &rejection) {
  rejection = checkProgram(scan);
  if (rejection.empty() && segment && !getScalarTransition(scan))
    rejection = rejectSegment(segment);
  if (rejection.empty() && schedule.getStages() > kMostStages)
    rejection = llvm::formatv("{0} stages exceed {1}", schedule.getStages(),
                              kMostStages);
  if (!rejection.empty())
    return std::nullopt;
  ShapeSearch search(scan, target, schedule, segment, rejection);
  int64_t headdim = tensorType(scan.getStateArgument(0)).getDimSize(0);
  int64_t channels = schedule.getChannels() ? schedule.getChannels() : headdim;
  if (channels > kNarrowChannels)
    if (std::optional<TeamShape> shape = search.find(kWideChannels))
      return shape;
  return search.find(kNarrowChannels);
}

} // namespace mamba

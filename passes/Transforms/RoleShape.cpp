// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Transforms/RoleShape.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "passes/Analysis/TileAxes.h"
#include "runtime/abi/WorkDivision.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba {

namespace {
/// Consumers for which the warps of the producer warpgroup suffice.
constexpr int64_t kMaxConsumers = 2;
/// Vectors over tokens in flight between the roles, for the memory estimate.
constexpr int64_t kExportedVectors = 8;

RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool isBulkOperand(ChunkScanOp scan, unsigned operand) {
  return hasRole(scan, operand, DimRole::Time) &&
         tensorType(scan.getBody().getArgument(operand)).getRank() == 2;
}
} // namespace

bool hasRole(ChunkScanOp scan, unsigned operand, DimRole role) {
  return llvm::is_contained(scan.getInRole(operand).getRoles(), role);
}

int64_t countHeads(ChunkScanOp scan, unsigned operand) {
  ArrayRef<DimRole> roles = scan.getInRole(operand).getRoles();
  auto *position = llvm::find(roles, DimRole::Head);
  if (position == roles.end())
    return 1;
  return tensorType(scan.getIns()[operand])
      .getDimSize(position - roles.begin());
}

bool isSharedOperand(ChunkScanOp scan, unsigned operand, int64_t consumers,
                     int64_t slices) {
  if (hasRole(scan, operand, DimRole::Channel))
    return false;
  int64_t readers = scan.getHeads() / countHeads(scan, operand) * slices;
  return readers % consumers == 0;
}

std::optional<Value> getScalarTransition(ChunkScanOp scan) {
  Value state = scan.getStateArgument(0);
  Value next = scan.getYield().getTiles().back();
  auto dot = next.getDefiningOp<DotOp>();
  if (!dot || !dot.getInit())
    return std::nullopt;
  if (dot.getInit() == state)
    return Value();
  auto product = dot.getInit().getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  for (unsigned i : {0, 1}) {
    auto broadcast = product->getOperand(i).getDefiningOp<BroadcastOp>();
    if (product->getOperand(1 - i) == state && broadcast &&
        tensorType(broadcast.getInput()).getRank() == 0)
      return broadcast.getInput();
  }
  return std::nullopt;
}

/// The vectors over tokens among the factors of a tile.
static void collectWeights(Value tile, SmallVectorImpl<Value> &weights) {
  Operation *op = tile.getDefiningOp();
  if (isa_and_present<arith::TruncFOp, arith::ExtFOp, arith::MulFOp>(op)) {
    for (Value operand : op->getOperands())
      collectWeights(operand, weights);
    return;
  }
  auto broadcast = dyn_cast_or_null<BroadcastOp>(op);
  if (broadcast && tensorType(broadcast.getInput()).getRank() == 1)
    weights.push_back(broadcast.getInput());
}

Value getStateWeights(ChunkScanOp scan) {
  auto dot = scan.getYield().getTiles().back().getDefiningOp<DotOp>();
  if (!dot)
    return Value();
  TileAxes axes(scan);
  SmallVector<Value> weights;
  collectWeights(dot.getLhs(), weights);
  collectWeights(dot.getRhs(), weights);
  for (Value vector : weights)
    if (axes.getRole(vector, 0) == DimRole::Time &&
        llvm::count(weights, vector) == 1)
      return vector;
  return Value();
}

bool canSplit(ChunkScanOp scan) {
  std::optional<Value> transition = getScalarTransition(scan);
  return transition && (!*transition || getStateWeights(scan));
}

std::string rejectSegment(int64_t segment) {
  return llvm::formatv("segments of {0} chunks: a sequence whose state has no "
                       "scalar transition is not split",
                       segment);
}

SmallVector<Value> getMasks(ChunkScanOp scan) {
  TileAxes axes(scan);
  llvm::SetVector<Value> masks;
  for (DotOp dot : scan.getBody().front().getOps<DotOp>())
    for (Value operand : {dot.getLhs(), dot.getRhs()})
      if (axes.getRole(operand, 0) == DimRole::Time &&
          axes.getRole(operand, 1) == DimRole::Time)
        masks.insert(operand);
  return masks.takeVector();
}

namespace {
/// What a program needs to have a kernel with roles.
class RoleChecks {
public:
  RoleChecks(ChunkScanOp scan, const Target &target)
      : scan(scan), target(target), axes(scan) {}

  std::string check() {
    if (!target.hasWgmma)
      return llvm::formatv("{0} has no products of a warpgroup", target.name);
    for (auto step : {&RoleChecks::checkSizes, &RoleChecks::checkOperands,
                      &RoleChecks::checkOutputs, &RoleChecks::checkProducts}) {
      std::string rejection = (this->*step)();
      if (!rejection.empty())
        return rejection;
    }
    return "";
  }

private:
  std::string checkSizes() {
    if (scan.getNumStates() != 1)
      return llvm::formatv("{0} carried states, kernels with roles have one",
                           scan.getNumStates());
    auto state = tensorType(scan.getStateArgument(0));
    if (int64_t(scan.getChunk()) != kRoleChannels)
      return llvm::formatv("chunks of {0} tokens, kernels with roles have {1}",
                           scan.getChunk(), kRoleChannels);
    for (int64_t size : state.getShape())
      if (size % 8 != 0 || size > 256)
        return llvm::formatv("a state of {0}x{1}, sizes must be multiples of 8 "
                             "up to 256",
                             state.getDimSize(0), state.getDimSize(1));
    if (getMasks(scan).size() != 1)
      return "not exactly one product with a time-by-time tile";
    return "";
  }

  std::string checkOperands() {
    for (auto [i, operand] : llvm::enumerate(scan.getIns())) {
      int64_t bits = tensorType(operand).getElementTypeBitWidth();
      if (isBulkOperand(scan, i)) {
        if (bits != 16 || tensorType(operand).getRank() < 3 ||
            matchPattern(operand, m_Constant()))
          return llvm::formatv("operand {0} is no 16-bit tensor that bulk "
                               "copies could read",
                               i);
      } else if (hasRole(scan, i, DimRole::Time) && bits != 32) {
        return llvm::formatv("operand {0} has one {1}-bit number a token; "
                             "kernels with roles take 32",
                             i, bits);
      }
    }
    return "";
  }

  std::string checkOutputs() {
    for (unsigned i = 0; i < scan.getOuts().size(); ++i) {
      Value tile = scan.getYield().getTiles()[i];
      if (tensorType(tile).getRank() != 2 ||
          tensorType(tile).getElementTypeBitWidth() != 16 ||
          axes.getRole(tile, 1) != DimRole::Channel)
        return llvm::formatv("output {0} is not a 16-bit tensor over channels",
                             i);
    }
    return "";
  }

  /// The right operand of every product, as the roles compute it, stands in a
  /// buffer.
  std::string checkProducts() {
    for (DotOp dot : scan.getBody().front().getOps<DotOp>()) {
      bool transposed = axes.getRole(dot.getResult(), 1) == DimRole::Channel;
      Value right = transposed ? dot.getLhs() : dot.getRhs();
      auto argument = dyn_cast<BlockArgument>(right);
      bool isInput = argument && argument.getArgNumber() < scan.getIns().size();
      if (!isInput && !llvm::is_contained(getMasks(scan), right))
        return "the right operand of a product is computed, not copied (state "
               "weights belong on the values)";
    }
    return "";
  }

  ChunkScanOp scan;
  const Target &target;
  TileAxes axes;
};
} // namespace

/// Consumers that share operands.
static int64_t countSharing(ChunkScanOp scan, const RoleShape &shape) {
  int64_t consumers = scan.getHeads() * shape.slices;
  int64_t sharing = consumers;
  for (unsigned i = 0; i < scan.getIns().size(); ++i)
    if (isBulkOperand(scan, i) &&
        isSharedOperand(scan, i, shape.consumers, shape.slices))
      sharing = std::min(sharing, consumers / countHeads(scan, i));
  return sharing;
}

/// How much longer a gang of this size takes for a chunk than one of any size
/// would: the operands that its blocks share are read once by each gang. Fitted
/// on an H100 80GB HBM3 on 2026-11-23 (codegen/PERFORMANCE.md, gangs).
static double countRereading(int64_t gang) {
  return 1 + 0.7 / static_cast<double>(gang);
}

/// Thread blocks that share operands, sets of them in a sequence. A gang has to
/// be resident as a whole. `whole` blocks could share; where there are many
/// sequences, smaller gangs may leave fewer multiprocessors idle.
static void chooseGang(const Target &target, int64_t whole, bool hasMany,
                       RoleShape &shape) {
  auto predict = [&](int64_t gang) {
    int64_t busy = target.units / gang * gang;
    return countRereading(gang) / static_cast<double>(busy);
  };
  shape.gang = 0;
  for (int64_t gang = std::min<int64_t>(whole, target.units); gang > 0; --gang)
    if (whole % gang == 0 &&
        (!shape.gang || (hasMany && predict(gang) < predict(shape.gang))))
      shape.gang = gang;
  shape.rereading = countRereading(shape.gang) / countRereading(whole);
}

/// The budgets fill the registers of a multiprocessor. Consumers of 128 states
/// take what keeps their products from being serialised; fewer leave the
/// producers without spills.
static void chooseRegisters(RoleShape &shape, int64_t states) {
  if (shape.consumers == 1) {
    shape.loadRegisters = 64;
    shape.maskRegisters = 152;
    shape.consumeRegisters = 240;
    return;
  }
  shape.maskRegisters = 80;
  shape.consumeRegisters = states > 64 ? 192 : 184;
  shape.loadRegisters =
      512 - shape.maskRegisters - shape.consumers * shape.consumeRegisters;
}

/// Bytes of shared memory with the stages of `shape`.
static int64_t countSharedBytes(ChunkScanOp scan, const RoleShape &shape) {
  constexpr int64_t kTile = kRoleChannels * kRoleChannels * 2;
  int64_t sharedTiles = 0, ownTiles = 0, vectors = 0;
  for (unsigned i = 0; i < scan.getIns().size(); ++i) {
    if (!isBulkOperand(scan, i)) {
      vectors += hasRole(scan, i, DimRole::Time);
      continue;
    }
    bool isShared = isSharedOperand(scan, i, shape.consumers, shape.slices);
    auto tile = tensorType(scan.getBody().getArgument(i));
    bool channels = hasRole(scan, i, DimRole::Channel);
    int64_t panels =
        channels ? 1 : llvm::divideCeil(tile.getDimSize(1), kRoleChannels);
    (isShared ? sharedTiles : ownTiles) += panels;
  }
  int64_t vectorBytes = kRoleChannels * 4;
  int64_t perConsumer =
      shape.ownStages * (ownTiles * kTile + kExportedVectors * vectorBytes) +
      shape.maskStages * kTile + vectors * kRingStages * vectorBytes +
      int64_t(scan.getOuts().size()) * kOutStages * kTile;
  return shape.sharedStages * sharedTiles * kTile +
         shape.consumers * perConsumer + 1024;
}

static bool chooseStages(ChunkScanOp scan, const Target &target,
                         RoleShape &shape) {
  constexpr int64_t kChoices[][3] = {{3, 3, 2}, {2, 3, 2}, {2, 2, 2},
                                     {2, 2, 1}, {1, 2, 1}, {1, 1, 1}};
  for (auto [sharedStages, ownStages, maskStages] : kChoices) {
    shape.sharedStages = sharedStages;
    shape.ownStages = ownStages;
    shape.maskStages = maskStages;
    shape.sharedBytes = countSharedBytes(scan, shape);
    if (shape.sharedBytes <= target.sharedBytesPerBlock)
      return true;
  }
  return false;
}

int64_t predictStateCost(ChunkScanOp scan, const Target &target,
                         int64_t heads) {
  constexpr double kPicoseconds = 1e12;
  // So many thread blocks reach the rate of all multiprocessors.
  constexpr double kSaturation = 0.91;
  auto state = tensorType(scan.getStateArgument(0));
  int64_t values =
      std::min(state.getDimSize(0), kRoleChannels) * state.getDimSize(1);
  auto accesses = double(scan.getInits().size() + scan.getFinals().size());
  double bytes = accesses * double(heads * values) * 4;
  double rate = target.bytesPerSecond / (kSaturation * double(target.units));
  return int64_t(kPicoseconds * bytes / rate);
}

/// Measured on an H100 80GB HBM3 on 2026-11-23, fitted to the times of both
/// kernels in codegen/PERFORMANCE.md: states of 128 whole (S1, S3, S8), split
/// (S4, S5) and with initial states (few tokens), of 64 (S6), and of 256 (S7,
/// one consumer only).
static mamba_cost predictCost(ChunkScanOp scan, const Target &target,
                              const RoleShape &shape, int64_t states) {
  constexpr double kNanoseconds = 1e3;
  mamba_cost one = {5200, 1130, 640, 900, 0}, two = {3800, 1730, 850, 1450, 0};
  mamba_cost cost = shape.consumers == 1 ? one : two;
  double size = double(states) / 128;
  double scale = states <= 128 ? 0.78 + 0.22 * size : 0.13 + 0.87 * size;
  return {int64_t(kNanoseconds * cost.launch),
          int64_t(kNanoseconds * scale * shape.rereading * double(cost.chunk)),
          int64_t(kNanoseconds * scale * cost.summary),
          int64_t(kNanoseconds * cost.join),
          predictStateCost(scan, target, shape.consumers)};
}

std::optional<RoleShape> chooseRoleShape(ChunkScanOp scan, const Target &target,
                                         Alternative request,
                                         std::string &rejection) {
  int64_t consumers = request.consumers;
  rejection = RoleChecks(scan, target).check();
  if (!rejection.empty())
    return std::nullopt;
  auto state = tensorType(scan.getStateArgument(0));
  RoleShape shape;
  shape.slices = llvm::divideCeil(state.getDimSize(0), kRoleChannels);
  // The state of a consumer fits the registers of two only up to 128.
  int64_t most = state.getDimSize(1) <= 128 ? kMaxConsumers : 1;
  int64_t all = scan.getHeads() * shape.slices;
  auto sharesTiles = [&](int64_t count) {
    return all % count == 0 &&
           llvm::all_of(llvm::seq<unsigned>(scan.getIns().size()),
                        [&](unsigned i) {
                          return !isBulkOperand(scan, i) ||
                                 hasRole(scan, i, DimRole::Channel) ||
                                 isSharedOperand(scan, i, count, shape.slices);
                        });
  };
  if (consumers > most || !sharesTiles(consumers)) {
    rejection = llvm::formatv("{0} consumers a block do not divide the {1} "
                              "heads that share operands, or exceed {2}",
                              consumers, all, most);
    return std::nullopt;
  }
  if (request.segment && !canSplit(scan)) {
    rejection = rejectSegment(request.segment);
    return std::nullopt;
  }
  shape.segmentChunks = request.segment;
  shape.consumers = consumers;
  int64_t whole = countSharing(scan, shape) / consumers;
  // Few sequences get the kernel with fewer consumers, where there are both,
  // and are split: then every gang leaves the same multiprocessors idle.
  chooseGang(target, whole, /*hasMany=*/consumers == most, shape);
  shape.sets = all / consumers / shape.gang;
  chooseRegisters(shape, state.getDimSize(1));
  if (!chooseStages(scan, target, shape)) {
    rejection = llvm::formatv("{0} B of shared memory exceed {1} B",
                              shape.sharedBytes, target.sharedBytesPerBlock);
    return std::nullopt;
  }
  shape.cost = predictCost(scan, target, shape, state.getDimSize(1));
  return shape;
}

double predictRoleSeconds(ChunkScanOp scan, const Target &target,
                          const RoleShape &shape, const ScanWork &work,
                          ProblemSize size) {
  constexpr double kShareOfBandwidth = 0.91;
  int64_t chunks = llvm::divideCeil(size.length, int64_t(scan.getChunk()));
  rt::WorkDivision division = rt::dividePersistentWork(
      {size.batch * shape.sets, chunks, shape.gang, shape.segmentChunks},
      target.units);
  return std::max(1e-12 * rt::predictTime(division, shape.cost),
                  work.bytes / (kShareOfBandwidth * target.bytesPerSecond));
}

} // namespace mamba

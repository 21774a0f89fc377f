// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/TileKernel.h"

#include "test/unit/codegen/WarpEmulator.h"

#include "codegen/PTX/PtxEmitter.h"
#include "dialect/Tile/TileDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mamba::test {

Values runTiles(const std::string &body, const std::vector<Array *> &inputs,
                size_t count, llvm::StringRef target) {
  std::string text = R"(
#acc = #tile.accumulator<warps = [4, 1]>
#state = #tile.accumulator<warps = [1, 4]>
#a = #tile.operand_a<warps = [4, 1]>
#b = #tile.operand_b<warps = [4, 1]>
#rows = #tile.slice<axis = 0, of = #acc>
#columns = #tile.slice<axis = 1, of = #state>
gpu.module @m { gpu.func @k()";
  std::vector<int64_t> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    text += "%in" + std::to_string(i) + ": !llvm.ptr<1>, ";
    arguments.push_back(reinterpret_cast<int64_t>(inputs[i]->bytes.data()));
  }
  text += R"(%out: !llvm.ptr<1>) kernel
    attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = arith.constant 64 : index
    %big = arith.constant 1024 : index
)" + body +
          "\ngpu.return } }";
  getContext()
      .loadDialect<tile::TileDialect, mlir::gpu::GPUDialect,
                   mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                   mlir::scf::SCFDialect, mlir::arith::ArithDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &getContext());
  Array out;
  out.poison(count);
  arguments.push_back(reinterpret_cast<int64_t>(out.bytes.data()));
  std::string llvmIR;
  if (!module || mlir::failed(codegen::emitPtx(
                     *module->getOps<mlir::gpu::GPUModuleOp>().begin(),
                     *lookupTarget(target), &llvmIR))) {
    ADD_FAILURE() << text;
    return {};
  }
  auto emulator = WarpEmulator::create(llvmIR);
  if (!emulator) {
    ADD_FAILURE() << llvm::toString(emulator.takeError());
    return {};
  }
  if (llvm::Error error = (*emulator)->launch("k", 1, 128, arguments))
    ADD_FAILURE() << llvm::toString(std::move(error));
  out.load();
  return out.values;
}

void expectNear(const Values &out, const Values &expected, double tolerance) {
  ASSERT_EQ(out.size(), expected.size());
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], expected[i],
                tolerance * std::max(1.0, std::fabs(expected[i])))
        << "element " << i;
}

Array numbers(size_t count, int32_t dtype) {
  std::mt19937 random(7);
  return randomArray(random, count, 1, dtype);
}

} // namespace mamba::test

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/WarpEmulator.h"

#include "test/unit/codegen/SharedMemory.h"
#include "test/unit/codegen/WarpFibers.h"
#include "test/unit/codegen/WarpInstructions.h"
#include "tools/support/Float16.h"

#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/Support/TargetSelect.h"

#include <bit>

using namespace llvm;

namespace mamba::test {
namespace {

void execute(const AsmAction *action, uint64_t *values) { (*action)(values); }

/// Rounding to bf16 and f16 where the host has no instruction for it.
__bf16 roundToBfloat16(float value) {
  return std::bit_cast<__bf16>(tools::Bfloat16::fromDouble(value));
}

orc::SymbolMap symbols(orc::LLJIT &jit) {
  orc::SymbolMap map;
  auto define = [&](StringRef name, void *address, JITSymbolFlags flags) {
    map[jit.mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address),
                                      flags};
  };
  JITSymbolFlags code = JITSymbolFlags::Exported | JITSymbolFlags::Callable;
  IntrinsicTable table;
  addLaneIntrinsics(table);
  addCopyIntrinsics(table);
  for (auto &entry : table)
    define((kEmulatedPrefix + entry.first()).str(), entry.second, code);
  define(kExecute, functionAddress(execute), code);
  define("__truncsfbf2", functionAddress(roundToBfloat16), code);
  define("tile_shared", sharedMemory(), JITSymbolFlags::Exported);
  return map;
}

} // namespace

Expected<std::unique_ptr<WarpEmulator>> WarpEmulator::create(StringRef llvmIR) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto emulator = std::make_unique<WarpEmulator>();
  auto context = std::make_unique<LLVMContext>();
  auto module = createEmulatedModule(llvmIR, *context, emulator->actions);
  if (!module)
    return module.takeError();
  auto machine = orc::JITTargetMachineBuilder::detectHost();
  if (!machine)
    return machine.takeError();
  machine->setRelocationModel(Reloc::PIC_);
  auto jit = orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*machine))
                 .create();
  if (!jit)
    return jit.takeError();
  (*module)->setDataLayout((*jit)->getDataLayout());
  if (Error error = (*jit)->getMainJITDylib().define(
          orc::absoluteSymbols(symbols(**jit))))
    return std::move(error);
  if (Error error = (*jit)->addIRModule(
          orc::ThreadSafeModule(std::move(*module), std::move(context))))
    return std::move(error);
  emulator->jit = std::move(*jit);
  return emulator;
}

Error WarpEmulator::launch(const std::string &kernel, int64_t grid, int threads,
                           std::vector<int64_t> arguments) {
  auto symbol = jit->lookup(kernel);
  if (!symbol)
    return symbol.takeError();
  // Arguments that the kernel does not have are not looked at.
  constexpr size_t kLimit = 32;
  if (arguments.size() > kLimit || threads > kMaxThreads)
    return createStringError("more than 32 kernel arguments or 1024 threads");
  arguments.resize(kLimit);
  auto call = [&]<size_t... I>(std::index_sequence<I...>) {
    using Kernel = void (*)(decltype(static_cast<int64_t>(I))...);
    symbol->toPtr<Kernel>()(arguments[I]...);
  };
  for (int64_t block = 0; block < grid; ++block) {
    std::string failure = runBlock({block, grid, threads, launches}, [&] {
      call(std::make_index_sequence<kLimit>());
    });
    if (!failure.empty())
      return createStringError("%s: %s", kernel.c_str(), failure.c_str());
  }
  ++launches;
  return Error::success();
}

} // namespace mamba::test

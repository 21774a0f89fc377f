// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/WarpEmulator.h"

#include "test/unit/codegen/WarpFibers.h"
#include "tools/support/Float16.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"

#include <bit>
#include <regex>

using namespace llvm;

namespace mamba::test {
namespace {

constexpr StringLiteral kPrefix = "emulated.";

/// The module for the host: one address space, its calling convention, and
/// functions in place of intrinsics.
std::string rename(StringRef llvmIR) {
  std::string text = llvmIR.str();
  const std::pair<const char *, const char *> replacements[] = {
      {"target (datalayout|triple) = .*\n", ""},
      {" addrspace\\([0-9]+\\)", ""},
      {"ptx_kernel ", ""},
      {"immarg ", ""},
      {" immarg", ""},
      {"@llvm\\.nvvm\\.", "@emulated."}};
  for (auto [pattern, with] : replacements)
    text = std::regex_replace(text, std::regex(pattern), with);
  return text;
}

/// Gives a function that returns a structure of 32-bit values a body that calls
/// `callee` with pointers to its results and its arguments, and `flags`.
void addBody(Function &function, StringRef callee, bool pointerArgument,
             ArrayRef<uint32_t> flags) {
  Module &module = *function.getParent();
  auto *type = cast<StructType>(function.getReturnType());
  IRBuilder<> b(BasicBlock::Create(module.getContext(), "", &function));
  auto slots = [&](unsigned count) {
    return b.CreateAlloca(ArrayType::get(b.getInt32Ty(), count));
  };
  auto slot = [&](Value *array, unsigned index) {
    return b.CreateConstGEP1_32(b.getInt32Ty(), array, index);
  };
  Value *results = slots(4);
  SmallVector<Value *> arguments = {results};
  if (pointerArgument) {
    arguments.push_back(function.getArg(0));
  } else {
    // Six words of operands, then four sums.
    Value *words = slots(6), *sums = slots(4);
    for (unsigned i = 0; i < 10; ++i)
      b.CreateStore(function.getArg(i),
                    i < 6 ? slot(words, i) : slot(sums, i - 6));
    arguments.append({words, sums});
  }
  for (uint32_t flag : flags)
    arguments.push_back(b.getInt32(flag));
  SmallVector<Type *> types;
  for (Value *argument : arguments)
    types.push_back(argument->getType());
  FunctionCallee target = module.getOrInsertFunction(
      (kPrefix + callee).str(),
      FunctionType::get(b.getVoidTy(), types, /*isVarArg=*/false));
  b.CreateCall(target, arguments);
  Value *result = PoisonValue::get(type);
  for (unsigned i = 0; i < type->getNumElements(); ++i)
    result = b.CreateInsertValue(
        result, b.CreateLoad(type->getElementType(i), slot(results, i)), i);
  b.CreateRet(result);
}

/// Removes what was true of the intrinsics and of GPU functions only.
void stripAttributes(Function &function) {
  function.setAttributes(AttributeList());
  for (User *user : function.users())
    if (auto *call = dyn_cast<CallBase>(user))
      call->setAttributes(AttributeList());
}

void replaceIntrinsics(Module &module) {
  for (Function &function : make_early_inc_range(module)) {
    StringRef name = function.getName();
    if (!function.isDeclaration() || name.starts_with(kPrefix))
      stripAttributes(function);
    if (!name.consume_front(kPrefix))
      continue;
    if (name.starts_with("ldmatrix"))
      addBody(function, kLoadMatrix, /*pointerArgument=*/true,
              {name.contains(".x4") ? 4u : 2u, name.contains("trans")});
    else if (name.starts_with("mma."))
      addBody(function, kMultiply, /*pointerArgument=*/false,
              {name.ends_with(".f32.f32")});
  }
}

/// Rounding to bf16 and f16 where the host has no instruction for it.
__bf16 roundToBfloat16(float value) {
  return std::bit_cast<__bf16>(tools::Bfloat16::fromDouble(value));
}

orc::SymbolMap symbols(orc::LLJIT &jit) {
  orc::SymbolMap map;
  auto define = [&](const std::string &name, void *address,
                    JITSymbolFlags flags) {
    map[jit.mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address),
                                      flags};
  };
  JITSymbolFlags code = JITSymbolFlags::Exported | JITSymbolFlags::Callable;
  for (auto &entry : emulatedIntrinsics())
    define((kPrefix + entry.first()).str(), entry.second, code);
  define("__truncsfbf2", reinterpret_cast<void *>(roundToBfloat16), code);
  define("tile_shared", sharedMemory(), JITSymbolFlags::Exported);
  return map;
}

} // namespace

Expected<std::unique_ptr<WarpEmulator>> WarpEmulator::create(StringRef llvmIR) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module =
      parseAssemblyString(rename(llvmIR), diagnostic, *context);
  if (!module)
    return createStringError("line %d: %s", diagnostic.getLineNo(),
                             diagnostic.getMessage().str().c_str());
  replaceIntrinsics(*module);
  std::string problems;
  raw_string_ostream stream(problems);
  if (verifyModule(*module, &stream))
    return createStringError("the emulated module is broken: %s",
                             problems.c_str());
  auto machine = orc::JITTargetMachineBuilder::detectHost();
  if (!machine)
    return machine.takeError();
  machine->setRelocationModel(Reloc::PIC_);
  auto jit = orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*machine))
                 .create();
  if (!jit)
    return jit.takeError();
  module->setDataLayout((*jit)->getDataLayout());
  if (Error error = (*jit)->getMainJITDylib().define(
          orc::absoluteSymbols(symbols(**jit))))
    return std::move(error);
  if (Error error = (*jit)->addIRModule(
          orc::ThreadSafeModule(std::move(module), std::move(context))))
    return std::move(error);
  auto emulator = std::make_unique<WarpEmulator>();
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
  if (arguments.size() > kLimit)
    return createStringError("more than 32 kernel arguments");
  arguments.resize(kLimit);
  auto call = [&]<size_t... I>(std::index_sequence<I...>) {
    using Kernel = void (*)(decltype(static_cast<int64_t>(I))...);
    symbol->toPtr<Kernel>()(arguments[I]...);
  };
  for (int64_t block = 0; block < grid; ++block) {
    std::string failure = runBlock(
        block, threads, [&] { call(std::make_index_sequence<kLimit>()); });
    if (!failure.empty())
      return createStringError("%s: %s", kernel.c_str(), failure.c_str());
  }
  return Error::success();
}

} // namespace mamba::test

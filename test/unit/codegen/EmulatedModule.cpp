// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/codegen/EmulatedModule.h"

#include "test/unit/codegen/WarpInstructions.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"

#include <map>
#include <regex>

using namespace llvm;

namespace mamba::test {
namespace {

/// The text for the host: one address space, its calling convention, and names
/// of the emulator.
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

Value *elementPointer(IRBuilder<> &b, Type *type, Value *array,
                      unsigned index) {
  return b.CreateConstGEP1_32(type, array, index);
}

//===----------------------------------------------------------------------===//
// Intrinsics
//===----------------------------------------------------------------------===//

/// Gives a function that returns a structure of words a body that calls
/// `callee` with a pointer to its results, its arguments, and `flags`.
void addBody(Function &function, StringRef callee, bool isProduct,
             ArrayRef<uint32_t> flags) {
  Module &module = *function.getParent();
  auto *type = cast<StructType>(function.getReturnType());
  IRBuilder<> b(BasicBlock::Create(module.getContext(), "", &function));
  auto slots = [&](unsigned count) {
    return b.CreateAlloca(ArrayType::get(b.getInt32Ty(), count));
  };
  auto slot = [&](Value *array, unsigned index) {
    return elementPointer(b, b.getInt32Ty(), array, index);
  };
  Value *results = slots(4);
  SmallVector<Value *> arguments = {results};
  if (!isProduct) {
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
      (kEmulatedPrefix + callee).str(),
      FunctionType::get(b.getVoidTy(), types, /*isVarArg=*/false));
  b.CreateCall(target, arguments);
  Value *result = PoisonValue::get(type);
  for (unsigned i = 0; i < type->getNumElements(); ++i) {
    Value *word = b.CreateLoad(b.getInt32Ty(), slot(results, i));
    Type *element = type->getElementType(i);
    Value *value = element->isIntegerTy() ? b.CreateTrunc(word, element)
                                          : b.CreateBitCast(word, element);
    result = b.CreateInsertValue(result, value, i);
  }
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
    // Tensor maps are passed by value; the emulator's kernels get pointers.
    for (Argument &argument : function.args())
      argument.removeAttr(Attribute::ByVal);
    if (!function.isDeclaration() || name.starts_with(kEmulatedPrefix))
      stripAttributes(function);
    if (!name.consume_front(kEmulatedPrefix))
      continue;
    if (name.starts_with("ldmatrix"))
      addBody(function, kLoadMatrix, /*isProduct=*/false,
              {name.contains(".x4") ? 4u : 2u, name.contains("trans")});
    else if (name.starts_with("mma."))
      addBody(function, kMultiply, /*isProduct=*/true,
              {name.ends_with(".f32.f32")});
    else if (name == "elect.sync")
      addBody(function, kElect, /*isProduct=*/false, {});
  }
}

//===----------------------------------------------------------------------===//
// Inline assembly
//===----------------------------------------------------------------------===//

class AssemblyRewriter {
public:
  AssemblyRewriter(Module &module, AsmActions &actions)
      : module(module), actions(actions) {}

  Error run() {
    SmallVector<CallInst *> calls;
    for (Function &function : module)
      for (Instruction &instruction : instructions(function))
        if (auto *call = dyn_cast<CallInst>(&instruction))
          if (call->isInlineAsm())
            calls.push_back(call);
    for (CallInst *call : calls) {
      auto *assembly = cast<InlineAsm>(call->getCalledOperand());
      Function *&function = functions[assembly];
      if (!function) {
        Expected<Function *> created = create(*assembly);
        if (!created)
          return created.takeError();
        function = *created;
      }
      replaceCall(call, function);
    }
    return Error::success();
  }

private:
  /// A function that puts the results and arguments of the assembly into an
  /// array, each in 64 bits, and has its action executed on them.
  Expected<Function *> create(const InlineAsm &assembly) {
    FunctionType *type = assembly.getFunctionType();
    auto *structure = dyn_cast<StructType>(type->getReturnType());
    unsigned numResults = structure ? structure->getNumElements()
                                    : !type->getReturnType()->isVoidTy();
    Expected<uint64_t *> action = prepare(assembly.getAsmString(), numResults);
    if (!action)
      return action.takeError();
    // Results are words: registers of the host would change some NaNs.
    LLVMContext &context = module.getContext();
    auto *words = StructType::get(
        context, SmallVector<Type *>(numResults, Type::getInt64Ty(context)));
    auto *function = Function::Create(
        FunctionType::get(words, type->params(), /*isVarArg=*/false),
        Function::InternalLinkage, (kEmulatedPrefix + "assembly").str(),
        module);
    IRBuilder<> b(BasicBlock::Create(context, "", function));
    Value *values = b.CreateAlloca(
        ArrayType::get(b.getInt64Ty(), numResults + type->getNumParams()));
    auto slot = [&](unsigned index) {
      return elementPointer(b, b.getInt64Ty(), values, index);
    };
    for (unsigned i = 0; i < type->getNumParams(); ++i)
      b.CreateStore(toWord(b, function->getArg(i)), slot(numResults + i));
    initializeResults(b, assembly, *function, numResults, slot);
    FunctionCallee execute = module.getOrInsertFunction(
        kExecute, b.getVoidTy(), b.getInt64Ty(), b.getPtrTy());
    b.CreateCall(execute,
                 {b.getInt64(reinterpret_cast<uint64_t>(*action)), values});
    Value *result = PoisonValue::get(words);
    for (unsigned i = 0; i < numResults; ++i)
      result =
          b.CreateInsertValue(result, b.CreateLoad(b.getInt64Ty(), slot(i)), i);
    b.CreateRet(result);
    return function;
  }

  /// Calls the function and makes of its words what the assembly yielded.
  static void replaceCall(CallInst *call, Function *function) {
    IRBuilder<> b(call);
    CallInst *words =
        b.CreateCall(function, SmallVector<Value *>(call->args()));
    Type *type = call->getType();
    if (auto *structure = dyn_cast<StructType>(type)) {
      Value *result = PoisonValue::get(structure);
      for (auto [i, element] : enumerate(structure->elements())) {
        auto index = static_cast<unsigned>(i);
        Value *word = b.CreateExtractValue(words, index);
        result = b.CreateInsertValue(result, fromWord(b, word, element), index);
      }
      call->replaceAllUsesWith(result);
    } else if (!type->isVoidTy()) {
      call->replaceAllUsesWith(
          fromWord(b, b.CreateExtractValue(words, 0), type));
    }
    call->eraseFromParent();
  }

  Expected<uint64_t *> prepare(StringRef text, unsigned numResults) {
    Expected<AsmInstruction> instruction = parseAssembly(text, numResults);
    if (!instruction)
      return instruction.takeError();
    Expected<AsmAction> action = prepareAssembly(*instruction);
    if (!action)
      return action.takeError();
    actions.push_back(std::make_unique<AsmAction>(std::move(*action)));
    return reinterpret_cast<uint64_t *>(actions.back().get());
  }

  static Value *toWord(IRBuilder<> &b, Value *value) {
    Type *type = value->getType();
    if (type->isPointerTy())
      return b.CreatePtrToInt(value, b.getInt64Ty());
    if (!type->isIntegerTy())
      value =
          b.CreateBitCast(value, b.getIntNTy(type->getPrimitiveSizeInBits()));
    return b.CreateZExtOrTrunc(value, b.getInt64Ty());
  }

  static Value *fromWord(IRBuilder<> &b, Value *word, Type *type) {
    if (type->isPointerTy())
      return b.CreateIntToPtr(word, type);
    auto bits = static_cast<unsigned>(type->getPrimitiveSizeInBits());
    return b.CreateBitCast(b.CreateTrunc(word, b.getIntNTy(bits)), type);
  }

  /// Results start as the inputs tied to them, or as NaNs.
  static void initializeResults(IRBuilder<> &b, const InlineAsm &assembly,
                                Function &function, unsigned numResults,
                                function_ref<Value *(unsigned)> slot) {
    for (unsigned i = 0; i < numResults; ++i)
      b.CreateStore(b.getInt64(~uint64_t{0}), slot(i));
    unsigned input = 0;
    for (const InlineAsm::ConstraintInfo &constraint :
         assembly.ParseConstraints()) {
      if (constraint.Type != InlineAsm::isInput)
        continue;
      unsigned tied = 0;
      if (!StringRef(constraint.Codes.front()).getAsInteger(10, tied))
        b.CreateStore(toWord(b, function.getArg(input)), slot(tied));
      ++input;
    }
  }

  Module &module;
  AsmActions &actions;
  std::map<const InlineAsm *, Function *> functions;
};

} // namespace

Expected<std::unique_ptr<Module>> createEmulatedModule(StringRef llvmIR,
                                                       LLVMContext &context,
                                                       AsmActions &actions) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module =
      parseAssemblyString(rename(llvmIR), diagnostic, context);
  if (!module)
    return createStringError("line %d: %s", diagnostic.getLineNo(),
                             diagnostic.getMessage().str().c_str());
  replaceIntrinsics(*module);
  if (Error error = AssemblyRewriter(*module, actions).run())
    return std::move(error);
  std::string problems;
  raw_string_ostream stream(problems);
  if (verifyModule(*module, &stream))
    return createStringError("the emulated module is broken: %s",
                             problems.c_str());
  return module;
}

} // namespace mamba::test

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/PtxEmitter.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

using namespace mlir;

// Only this back end is wanted: llvm/Support/TargetSelect.h would pull in all
// that LLVM was built with.
extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

namespace mamba::codegen {
namespace {

constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";

/// After taking the tiles' long vectors apart (f32 element by element, 16-bit
/// elements in pairs, as the registers hold them) the usual scalar passes.
/// Kernels come with their loops as they should be: no unrolling, and no
/// loop-invariant code motion, which would keep a register alive across the
/// loop for every address that a lane can compute in one instruction.
constexpr llvm::StringLiteral kPipeline =
    "function(scalarizer<min-bits=32>,sroa,early-cse<memssa>,"
    "instcombine<no-verify-fixpoint>,simplifycfg,reassociate,gvn,"
    "instcombine<no-verify-fixpoint>,adce,simplifycfg,early-cse)";

/// An option of LLVM's code generator that has no other interface, or null.
llvm::cl::opt<bool> *findOption(llvm::StringRef name) {
  auto &options = llvm::cl::getRegisteredOptions();
  auto option = options.find(name);
  if (option == options.end())
    return nullptr;
  return static_cast<llvm::cl::opt<bool> *>(option->second);
}

/// No loop-strength reduction while it lives: it keeps an induction variable
/// alive for every address of a chunk, which spills the wide states. The option
/// is the process's, hence one code generation at a time; the host's code,
/// compiled meanwhile, is only less reduced.
class WithoutStrengthReduction {
public:
  WithoutStrengthReduction() : lock(mutex()) {
    option = findOption("disable-lsr");
    if (option) {
      before = option->getValue();
      option->setValue(true);
    }
  }
  ~WithoutStrengthReduction() {
    if (option)
      option->setValue(before);
  }

private:
  static std::mutex &mutex() {
    static std::mutex instance;
    return instance;
  }
  std::lock_guard<std::mutex> lock;
  llvm::cl::opt<bool> *option = nullptr;
  bool before = false;
};

void initializeOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    // Shared-memory addresses of 32 bits: half the registers and additions.
    if (llvm::cl::opt<bool> *option = findOption("nvptx-short-ptr"))
      option->setValue(true);
  });
}

void registerInterfaces(MLIRContext *context) {
  DialectRegistry registry;
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  ub::registerConvertUBToLLVMInterface(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  context->appendDialectRegistry(registry);
  context->loadDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
}

std::unique_ptr<llvm::TargetMachine> createMachine(const Target &target) {
  llvm::Triple triple(kTriple);
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return nullptr;
  llvm::TargetOptions options;
  // Multiplications and additions may fuse: once rounded is not less exact.
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, target.name, target.ptxFeature, options, std::nullopt,
      std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// MLIR cannot say that inline PTX is convergent; without it LLVM might move
/// warp-wide instructions into divergent code.
void markInlineAsmConvergent(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction))
        if (call->isInlineAsm())
          call->setConvergent();
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager manager;
  llvm::cantFail(builder.parsePassPipeline(manager, kPipeline));
  manager.run(module, modules);
}

/// True if the instruction may stand anywhere between its operands and users.
bool floats(const llvm::Instruction &instruction) {
  if (llvm::isa<llvm::PHINode>(instruction) || instruction.isTerminator() ||
      instruction.mayHaveSideEffects() || instruction.mayReadFromMemory())
    return false;
  auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction);
  return !call || !call->isConvergent();
}

/// The first user in the block but for loop-carried uses, or null.
llvm::Instruction *firstUserIn(const llvm::BasicBlock &block,
                               const llvm::Instruction &instruction) {
  llvm::Instruction *first = nullptr;
  for (const llvm::User *user : instruction.users()) {
    auto *other = llvm::cast<llvm::Instruction>(const_cast<llvm::User *>(user));
    if (other->getParent() == &block && !llvm::isa<llvm::PHINode>(other) &&
        (!first || other->comesBefore(first)))
      first = other;
  }
  return first;
}

/// Moves arithmetic down to its first user in the block. Tile by tile, a chain
/// of point-wise ops holds all of its intermediate tiles in registers; element
/// by element it holds one. ptxas reorders less than that takes. Floating-point
/// arithmetic stays on its side of inline PTX: products and waits, beside which
/// it is meant to run.
void sinkToUsers(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::BasicBlock &block : function) {
      llvm::Instruction *next = nullptr;
      for (llvm::Instruction &instruction :
           llvm::make_early_inc_range(llvm::reverse(block))) {
        if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction);
            call && call->isInlineAsm())
          next = call;
        if (!floats(instruction))
          continue;
        llvm::Instruction *first = firstUserIn(block, instruction);
        bool stays = instruction.getType()->isFPOrFPVectorTy() && next &&
                     first && next->comesBefore(first);
        if (first && !stays)
          instruction.moveBefore(first->getIterator());
      }
    }
}

/// Runs `body` so that an abort inside LLVM ("Cannot select") does not end the
/// process.
bool survives(llvm::function_ref<void()> body) {
  static std::once_flag once;
  std::call_once(once, [] { llvm::CrashRecoveryContext::Enable(); });
  llvm::CrashRecoveryContext recovery;
  return recovery.RunSafely(body);
}

LogicalResult generate(std::unique_ptr<llvm::Module> module,
                       llvm::TargetMachine &machine, std::string *llvmIR,
                       std::string &text) {
  llvm::SmallString<0> buffer;
  bool complete = false;
  WithoutStrengthReduction guard;
  bool survived = survives([&] {
    optimize(*module, machine);
    sinkToUsers(*module);
    if (llvmIR) {
      llvm::raw_string_ostream stream(*llvmIR);
      module->print(stream, nullptr);
    }
    llvm::raw_svector_ostream stream(buffer);
    llvm::legacy::PassManager manager;
    if (machine.addPassesToEmitFile(manager, stream, nullptr,
                                    llvm::CodeGenFileType::AssemblyFile))
      return;
    manager.run(*module);
    complete = true;
  });
  // After a crash the module's state is unknown: leak it.
  if (!survived)
    (void)module.release();
  text = buffer.str().str();
  return success(survived && complete);
}

std::vector<PtxKernel> kernelsOf(gpu::GPUModuleOp module) {
  std::vector<PtxKernel> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    auto shared = function->getAttrOfType<IntegerAttr>("tile.shared_bytes");
    auto block = function->getAttrOfType<DenseI32ArrayAttr>(
        NVVM::NVVMDialect::getMaxntidAttrName());
    if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      continue;
    kernels.push_back({.name = function.getName().str(),
                       .blockSize = block ? block[0] : 0,
                       .sharedBytes = shared ? shared.getInt() : 0});
  }
  return kernels;
}

} // namespace

FailureOr<PtxModule> emitPtx(gpu::GPUModuleOp module, const Target &target,
                             std::string *llvmIR) {
  assert(target.isGpu() && "PTX is for GPUs");
  initializeOnce();
  MLIRContext *context = module.getContext();
  registerInterfaces(context);
  OwningOpRef<ModuleOp> holder = ModuleOp::create(module.getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(holder->getBody());
  auto copy = cast<gpu::GPUModuleOp>(builder.clone(*module));
  PassManager manager(context);
  addTileToLlvmPipeline(manager.nest<gpu::GPUModuleOp>(), target.name);
  if (failed(manager.run(*holder)))
    return failure();

  llvm::LLVMContext llvmContext;
  // Passes would make up a name for every instruction.
  llvmContext.setDiscardValueNames(true);
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(copy, llvmContext, copy.getName());
  if (!translated)
    return module.emitError("translation to LLVM IR failed");
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target);
  if (!machine)
    return module.emitError("this LLVM has no NVPTX back end");
  translated->setTargetTriple(llvm::Triple(kTriple));
  translated->setDataLayout(machine->createDataLayout());
  markInlineAsmConvergent(*translated);
  PtxModule result;
  result.kernels = kernelsOf(copy);
  if (failed(generate(std::move(translated), *machine, llvmIR, result.text)))
    return module.emitError("LLVM could not generate code for ")
           << target.name << " with " << target.ptxFeature;
  return result;
}

} // namespace mamba::codegen

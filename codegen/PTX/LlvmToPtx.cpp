// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/LlvmToPtx.h"

#include "codegen/PTX/KernelCleanup.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/PassInfo.h"
#include "llvm/PassRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/CrashRecoveryContext.h"

#include <mutex>

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

/// After taking apart the vectors that `splitVectors` leaves (f32 element by
/// element, 16-bit elements in pairs, as the registers hold them) the usual
/// scalar passes.
/// Kernels come with their loops as they should be: no unrolling, and no
/// loop-invariant code motion, which would keep a register alive across the
/// loop for every address that a lane can compute in one instruction.
constexpr llvm::StringLiteral kPipeline =
    "function(scalarizer<min-bits=32>,early-cse,"
    "instcombine<no-verify-fixpoint>,simplifycfg,reassociate,gvn,"
    "instcombine<no-verify-fixpoint>,simplifycfg)";

/// An option of LLVM's code generator that has no other interface, or null.
llvm::cl::opt<bool> *findOption(llvm::StringRef name) {
  auto &options = llvm::cl::getRegisteredOptions();
  auto option = options.find(name);
  if (option == options.end())
    return nullptr;
  return static_cast<llvm::cl::opt<bool> *>(option->second);
}

/// No loop-strength reduction while one lives: it keeps an induction variable
/// alive for every address of a chunk, which spills the wide states. The option
/// is the process's; the host's code, compiled meanwhile, is only less reduced.
class WithoutStrengthReduction {
public:
  WithoutStrengthReduction() {
    std::lock_guard<std::mutex> lock(mutex);
    if (users++ > 0)
      return;
    option = findOption("disable-lsr");
    if (!option)
      return;
    before = option->getValue();
    option->setValue(true);
  }
  ~WithoutStrengthReduction() {
    std::lock_guard<std::mutex> lock(mutex);
    if (--users == 0 && option)
      option->setValue(before);
  }

private:
  static inline std::mutex mutex;
  static inline unsigned users = 0;
  static inline llvm::cl::opt<bool> *option = nullptr;
  static inline bool before = false;
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

/// Kernels with roles share out their registers.
bool hasRoles(const llvm::Module &module) {
  return llvm::any_of(module, [](const llvm::Function &function) {
    return function.getName().starts_with("llvm.nvvm.setmaxnreg");
  });
}

/// Takes the passes that a target machine adds, but for some in front of
/// instruction selection that repeat what `kPipeline` has done, or look for
/// what kernels have not got.
class CodeGenPassManager : public llvm::legacy::PassManager {
public:
  explicit CodeGenPassManager(bool hasRoles) : hasRoles(hasRoles) {}

  void add(llvm::Pass *pass) override {
    if (isNeedless(*pass))
      delete pass;
    else
      PassManager::add(pass);
  }

private:
  bool isNeedless(const llvm::Pass &pass) const {
    constexpr llvm::StringLiteral always[] = {"gvn", "consthoist",
                                              "load-store-vectorizer"};
    // These take a fifth of the time of code generation. They save registers
    // where all threads of a kernel do everything, and change nothing in roles.
    constexpr llvm::StringLiteral inRoles[] = {"slsr", "nary-reassociate",
                                               "early-cse"};
    const llvm::PassInfo *info =
        llvm::PassRegistry::getPassRegistry()->getPassInfo(pass.getPassID());
    if (!info)
      return false;
    llvm::StringRef name = info->getPassArgument();
    return llvm::is_contained(always, name) ||
           (hasRoles && llvm::is_contained(inRoles, name));
  }

  bool hasRoles;
};

/// Runs `body` so that an abort inside LLVM ("Cannot select") does not end the
/// process.
bool survives(llvm::function_ref<void()> body) {
  static std::once_flag once;
  std::call_once(once, [] { llvm::CrashRecoveryContext::Enable(); });
  llvm::CrashRecoveryContext recovery;
  return recovery.RunSafely(body);
}

} // namespace

std::unique_ptr<llvm::TargetMachine> createPtxMachine(const Target &target) {
  initializeOnce();
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

std::optional<std::string> generatePtx(std::unique_ptr<llvm::Module> module,
                                       llvm::TargetMachine &machine,
                                       std::string *llvmIR) {
  module->setTargetTriple(llvm::Triple(kTriple));
  module->setDataLayout(machine.createDataLayout());
  markInlineAsmConvergent(*module);
  llvm::SmallString<0> buffer;
  bool complete = false;
  WithoutStrengthReduction guard;
  bool survived = survives([&] {
    for (llvm::Function &function : *module)
      splitVectors(function);
    optimize(*module, machine);
    for (llvm::Function &function : *module)
      sinkToUsers(function);
    if (llvmIR) {
      llvm::raw_string_ostream stream(*llvmIR);
      module->print(stream, nullptr);
    }
    llvm::raw_svector_ostream stream(buffer);
    CodeGenPassManager manager(hasRoles(*module));
    if (machine.addPassesToEmitFile(manager, stream, nullptr,
                                    llvm::CodeGenFileType::AssemblyFile))
      return;
    manager.run(*module);
    complete = true;
  });
  // After a crash the module's state is unknown: leak it.
  if (!survived)
    (void)module.release();
  if (!survived || !complete)
    return std::nullopt;
  return buffer.str().str();
}

} // namespace mamba::codegen

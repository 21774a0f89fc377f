// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/Mixer.h"

#include "codegen/Compiler/Compiler.h"
#include "dialect/IR/SsdOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "passes/Passes.h"
#include "tools/runner/Report.h"

using namespace mlir;

namespace mamba::tools {

Mixer::Mixer() : context(MLIRContext::Threading::DISABLED) {
  static const bool registered = (registerPipelines(), true);
  (void)registered;
  DialectRegistry registry;
  codegen::registerDialects(registry);
  context.appendDialectRegistry(registry);
  // Only what a diagnostic says goes into messages.
  context.printOpOnDiagnostic(false);
}

llvm::Expected<std::unique_ptr<Mixer>>
Mixer::create(const BenchShape &shape, const MixerVariant &variant) {
  std::unique_ptr<Mixer> mixer(new Mixer());
  std::string diagnostics;
  ScopedDiagnosticHandler handler(&mixer->context, [&](Diagnostic &diagnostic) {
    diagnostics += (diagnostics.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  mixer->text = makeMixerText(shape, variant);
  mixer->module = parseSourceString<ModuleOp>(mixer->text, &mixer->context);
  if (!mixer->module)
    return llvm::createStringError("the mixer's text: " + diagnostics);
  auto signature = tools::getSignature(mixer->getFunction());
  if (!signature)
    return signature.takeError();
  mixer->signature = std::move(*signature);
  if (llvm::Error error = mixer->sizes.set("batch", shape.batch))
    return error;
  if (llvm::Error error = mixer->sizes.set("time", shape.time))
    return error;
  return mixer;
}

func::FuncOp Mixer::getFunction() {
  return *module->getOps<func::FuncOp>().begin();
}

/// The schedule of a chunk program without the brackets.
static std::string formatSchedule(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.walk([&](ssd::ChunkScanOp scan) {
    if (std::optional<ssd::ScheduleAttr> schedule = scan.getSchedule())
      schedule->printStripped(stream);
  });
  StringRef schedule = text;
  schedule.consume_front("schedule");
  return schedule.trim("<>").str();
}

/// Errors of a run of passes: their notes, which say it for each candidate,
/// where there are any.
static std::string formatReasons(Diagnostic &diagnostic) {
  std::string reasons;
  for (Diagnostic &note : diagnostic.getNotes())
    reasons += (reasons.empty() ? "" : "; ") + note.str();
  return reasons.empty() ? diagnostic.str() : reasons;
}

llvm::Expected<ScheduledMixer> Mixer::schedule(const Target &target,
                                               StringRef parts) {
  ScheduledMixer scheduled;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      scheduled.rejection +=
          (scheduled.rejection.empty() ? "" : "; ") + formatReasons(diagnostic);
    return success();
  });
  std::string message;
  llvm::raw_string_ostream stream(message);
  PassManager manager(&context);
  std::string pipeline =
      llvm::formatv("ssd-to-chunks{{target={0} {1}}", target.name, parts);
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    return llvm::createStringError(
        "'" + parts +
        "' is no part of a schedule: " + StringRef(message).trim());
  OwningOpRef<ModuleOp> copy = module->clone();
  if (failed(manager.run(*copy)))
    return scheduled;
  llvm::raw_string_ostream(scheduled.text) << *copy;
  scheduled.schedule = formatSchedule(*copy);
  scheduled.flops =
      countFlops(*copy->getOps<func::FuncOp>().begin(), sizes, target);
  return scheduled;
}

} // namespace mamba::tools

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/CPU/CpuCompiler.h"

#include "codegen/CPU/Passes.h"
#include "codegen/CPU/PointwiseKernel.h"
#include "dialect/IR/SsdOps.h"
#include "mlir/Pass/PassManager.h"

#include <atomic>
#include <memory>

using namespace mlir;

namespace mamba::codegen {
namespace {

PlanOptions getPlanOptions() {
  PlanOptions options;
  options.target = "cpu";
  options.embedsConstants = true;
  options.getLaunch = [](Operation *op,
                         SymbolRefAttr) -> FailureOr<KernelLaunch> {
    KernelLaunch launch;
    if (auto scan = dyn_cast<ssd::ChunkScanOp>(op))
      launch.blocksPerBatch = scan.getHeads();
    else
      launch.blocksPerBatch =
          getPointwiseItemsPerBatch(cast<linalg::GenericOp>(op));
    return launch;
  };
  return options;
}

/// Removes every function but `entry`, whose kernels alone are wanted.
void keepOnly(ModuleOp module, func::FuncOp entry) {
  for (auto function :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (function != entry)
      function.erase();
}

} // namespace

llvm::Expected<CpuProgram> compileForCpu(ModuleOp module, StringRef entry,
                                         const CpuTarget &target) {
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  if (!function || function.isDeclaration())
    return llvm::createStringError("the module has no function '%s'",
                                   entry.str().c_str());
  keepOnly(module, function);
  PassManager tiles(module.getContext());
  buildCpuTilePipeline(tiles, target);
  buildCpuLoweringPipeline(tiles);
  if (failed(tiles.run(module)))
    return llvm::createStringError("'%s' was not lowered to CPU code",
                                   entry.str().c_str());
  auto plan = buildPlan(function, getPlanOptions());
  if (failed(plan))
    return llvm::createStringError("'%s' has no launch plan for the CPU",
                                   entry.str().c_str());
  auto kernels = module.lookupSymbol<ModuleOp>(kKernelModule);
  auto code = emitCpuObject(kernels, target);
  if (!code)
    return code.takeError();
  return CpuProgram{std::move(*plan), std::move(*code)};
}

CpuExecutable::CpuExecutable(CpuProgram program, LoadedObject loaded,
                             unsigned threads)
    : program(std::move(program)), loaded(std::move(loaded)),
      pool(llvm::hardware_concurrency(threads)) {}

llvm::Expected<std::unique_ptr<CpuExecutable>>
CpuExecutable::load(CpuProgram program, unsigned threads) {
  auto loaded = LoadedObject::load(*program.code.object);
  if (!loaded)
    return loaded.takeError();
  std::unique_ptr<CpuExecutable> result(
      new CpuExecutable(std::move(program), std::move(*loaded), threads));
  const mamba_plan &plan = result->getPlan();
  for (const mamba_kernel &kernel :
       llvm::ArrayRef(plan.kernels, plan.num_kernels)) {
    auto address = result->loaded.lookup(kernel.name);
    if (!address)
      return address.takeError();
    result->kernels.push_back(reinterpret_cast<mamba_cpu_kernel>(*address));
  }
  return result;
}

namespace {

/// A loop that several threads work on. A thread that comes too late finds
/// nothing to do, so nobody waits for it; it keeps the job alive, the closure
/// it does not touch.
struct Job {
  const int64_t count, range;
  const mamba_parallel_body body;
  void *const closure;
  std::atomic<int64_t> next = 0, done = 0;

  void work() {
    for (int64_t begin; (begin = next.fetch_add(range)) < count;) {
      int64_t end = std::min(begin + range, count);
      body(closure, begin, end);
      if (done.fetch_add(end - begin) + end - begin == count)
        done.notify_all();
    }
  }

  void wait() {
    for (int64_t seen; (seen = done.load()) < count;)
      done.wait(seen);
  }
};

} // namespace

void CpuExecutable::parallelFor(void *user, int64_t count,
                                mamba_parallel_body body, void *closure) {
  auto &self = *static_cast<CpuExecutable *>(user);
  int64_t threads = self.pool.getMaxConcurrency();
  if (threads <= 1 || count <= 1)
    return body(closure, 0, count);
  // Small ranges are handed out one by one, so that no thread waits long for
  // another at the end; the calling thread takes part.
  int64_t range = std::max<int64_t>(1, count / (threads * 8));
  auto job = std::make_shared<Job>(count, range, body, closure);
  for (int64_t i = 1; i < std::min(threads, count); ++i)
    self.pool.async([job] { job->work(); });
  job->work();
  job->wait();
}

void CpuExecutable::run(ArrayRef<void *> pointers, int64_t batch,
                        int64_t length) {
  const mamba_plan &plan = getPlan();
  auto size = [&](const mamba_dim &dim) {
    if (dim.symbol < 0)
      return dim.extent;
    int64_t value = dim.symbol == 0 ? batch : length;
    return (value + dim.extent - 1) / dim.extent;
  };
  struct Call {
    mamba_cpu_kernel kernel;
    void *pointers[MAMBA_MAX_KERNEL_PARAMS];
    int64_t batch, length;
  };
  for (int32_t i = 0; i < plan.num_kernels; ++i) {
    const mamba_kernel &kernel = plan.kernels[i];
    Call call{kernels[i], {}, batch, length};
    for (int32_t p = 0; p < kernel.num_params; ++p)
      call.pointers[p] = pointers[kernel.params[p]];
    int64_t items = 1;
    for (int32_t f = 0; f < kernel.num_grid_factors; ++f)
      items *= size(kernel.grid[f]);
    parallelFor(
        this, items,
        [](void *closure, int64_t begin, int64_t end) {
          auto &call = *static_cast<Call *>(closure);
          call.kernel(call.pointers, call.batch, call.length, begin, end);
        },
        &call);
  }
}

} // namespace mamba::codegen

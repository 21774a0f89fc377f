// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/LoadedModule.h"

#include "runtime/DiskCache.h"
#include "runtime/cuda/JitLink.h"

#include <array>
#include <vector>

using namespace mamba::rt;
using namespace mamba::rt::cu;

namespace {

/// The options of the driver's compiler, and what it says.
class JitOptions {
public:
  explicit JitOptions(const Driver &driver) {
    void *size = reinterpret_cast<void *>(uintptr_t(bufferBytes - 1));
    options = {jitErrorLog, jitErrorLogBytes, jitInfoLog, jitInfoLogBytes,
               jitSplitCompile};
    // As many threads as there are cores: a plan with alternatives has several
    // kernels, which take the driver's compiler most of a second.
    values = {errors.data(), size, notes.data(), size, /*threads=*/nullptr};
    if (driver.version() >= splitCompileVersion)
      ++used;
  }

  unsigned count() const { return used; }

  std::string report() const {
    std::string log(errors.data());
    if (notes[0])
      log += text(log.empty() ? "" : "\n", notes.data());
    while (!log.empty() && log.back() == '\n')
      log.pop_back();
    return log;
  }

  std::array<int, 5> options;
  std::array<void *, 5> values;

private:
  static constexpr size_t bufferBytes = 16384;
  /// The first driver that compiles the kernels of a module side by side.
  static constexpr int splitCompileVersion = 13000;

  /// The last option is left out with older drivers.
  unsigned used = 4;
  std::vector<char> errors = std::vector<char>(bufferBytes);
  std::vector<char> notes = std::vector<char>(bufferBytes);
};

/// Adds the JIT's log to a driver error, and the code that says whose fault it
/// is.
Status explain(const Driver &driver, Code result, const char *call,
               const JitOptions &jit) {
  Status status = driver.check(result, call);
  mamba_status_code code = status.code();
  std::string hint;
  if (result == invalidPtx || result == invalidSource) {
    code = MAMBA_COMPILE_FAILED;
  } else if (result == unsupportedPtxVersion) {
    code = MAMBA_UNSUPPORTED;
    hint = text("; the PTX needs a driver newer than this one (CUDA ",
                versionText(driver.version()), ")");
  } else if (result == noBinaryForGpu) {
    code = MAMBA_UNSUPPORTED;
    hint = "; the code was compiled for another architecture";
  } else if (result == jitCompilerNotFound) {
    code = MAMBA_UNAVAILABLE;
    hint = "; the driver's libnvidia-ptxjitcompiler.so.1 is missing";
  }
  std::string said = jit.report();
  return error(code, status.message(), hint, said.empty() ? "" : ":\n", said);
}

Result<Module> loadImage(const Driver &driver, const char *image) {
  JitOptions jit(driver);
  Module module = nullptr;
  Code result = driver.moduleLoadDataEx(&module, image, jit.count(),
                                        jit.options.data(), jit.values.data());
  if (result != success)
    return explain(driver, result, "cuModuleLoadDataEx", jit);
  return module;
}

/// Compiles PTX for the current context's device.
Result<std::string> compilePtx(const Driver &driver, std::string ptx) {
  JitOptions jit(driver);
  LinkState state = nullptr;
  Code result = driver.linkCreate(jit.count(), jit.options.data(),
                                  jit.values.data(), &state);
  if (result != success)
    return driver.check(result, "cuLinkCreate");
  void *cubin = nullptr;
  size_t cubinBytes = 0;
  const char *call = "cuLinkAddData";
  result = driver.linkAddData(state, inputPtx, ptx.data(), ptx.size() + 1,
                              "mamba", 0, nullptr, nullptr);
  if (result == success) {
    call = "cuLinkComplete";
    result = driver.linkComplete(state, &cubin, &cubinBytes);
  }
  Result<std::string> compiled =
      result == success
          ? Result<std::string>(
                std::string(static_cast<const char *>(cubin), cubinBytes))
          : Result<std::string>(explain(driver, result, call, jit));
  driver.linkDestroy(state);
  return compiled;
}

/// PTX starts with text; a cubin is an ELF file, a fatbin starts with its
/// magic number 0xBA55ED50.
bool isPtx(std::string_view image) {
  return !image.starts_with("\x7f"
                            "ELF") &&
         !image.starts_with("\x50\xed\x55\xba");
}

/// Everything the compiled code depends on.
Digest cacheKey(const GpuDevice &device, std::string_view image) {
  std::string origin = text("ptx for ", device.info().capability, " by driver ",
                            device.info().driver_version, "\n");
  return sha256(origin.append(image));
}

/// Loads PTX through the cache. A cache that cannot be written, and an entry
/// that the driver does not take, cost time only.
Result<Module> loadCached(const GpuDevice &device, const std::string &ptx,
                          const std::string &directory) {
  const Driver &driver = device.driver();
  DiskCache cache(directory);
  Digest key = cacheKey(device, ptx);
  if (std::optional<std::string> cubin = cache.find(key)) {
    Result<Module> module = loadImage(driver, cubin->data());
    if (module.isOk())
      return module;
  }
  Result<std::string> cubin = compilePtx(driver, ptx);
  if (!cubin.isOk())
    return cubin.takeStatus();
  Result<Module> module = loadImage(driver, cubin->data());
  if (module.isOk())
    (void)cache.store(key, *cubin);
  return module;
}

} // namespace

Result<std::shared_ptr<LoadedModule>>
LoadedModule::load(std::shared_ptr<GpuDevice> device, const void *image,
                   size_t bytes, const std::string &cacheDirectory) {
  if (!image || bytes == 0)
    return error(MAMBA_INVALID_ARGUMENT, "the module image is empty");
  // The copy ends in the zero that the driver expects behind PTX.
  std::string copy(static_cast<const char *>(image), bytes);
  ContextScope scope(*device);
  Status status = scope.takeStatus();
  if (!status.isOk())
    return status;
  // The driver's own cache serves what cuLink would compile differently.
  bool cached =
      !cacheDirectory.empty() && isPtx(copy) && compilesAlikeForLinking(copy);
  Result<Module> module = cached ? loadCached(*device, copy, cacheDirectory)
                                 : loadImage(device->driver(), copy.data());
  if (!module.isOk())
    return module.takeStatus().withContext(
        text("loading a module on '", device->info().name, "'"));
  return std::shared_ptr<LoadedModule>(
      new LoadedModule(std::move(device), *module));
}

LoadedModule::~LoadedModule() {
  ContextScope scope(*owner);
  if (scope.takeStatus().isOk())
    owner->driver().moduleUnload(module);
}

Result<Kernel> LoadedModule::kernel(const char *name) const {
  const Driver &driver = owner->driver();
  Kernel found = nullptr;
  Code result = driver.moduleGetFunction(&found, module, name);
  if (result == notFound)
    return error(MAMBA_INVALID_ARGUMENT, "the module has no kernel '", name,
                 "'");
  Status status = driver.check(result, "cuModuleGetFunction");
  if (!status.isOk())
    return status;
  return found;
}

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Driver.h"

using namespace mamba::rt;
using namespace mamba::rt::cu;

std::string cu::versionText(int version) {
  return text(version / 1000, ".", version % 1000 / 10);
}

Result<std::shared_ptr<const Driver>> Driver::open() {
  Result<DynamicLibrary> library = DynamicLibrary::open(
      libraryCandidates("MAMBA_LIBCUDA_PATH", {"libcuda.so.1"}, {}));
  if (!library.isOk())
    return library.takeStatus().withContext(
        "no CUDA driver was found; install NVIDIA's driver or use the CPU");
  std::shared_ptr<Driver> driver(new Driver(std::move(*library)));
  Status status = driver->bindFunctions();
  if (status.isOk())
    status = driver->initialize();
  if (!status.isOk())
    return status;
  return std::shared_ptr<const Driver>(std::move(driver));
}

Status Driver::bindFunctions() {
  Status status = library.bind("cuDriverGetVersion", driverGetVersion);
  if (!status.isOk())
    return status;
  status = check(driverGetVersion(&driverVersion), "cuDriverGetVersion");
  // Before the other functions, which an older driver may lack.
  if (status.isOk() && driverVersion < minDriverVersion)
    status = error(MAMBA_UNSUPPORTED, "the CUDA driver supports CUDA ",
                   versionText(driverVersion), ", at least ",
                   versionText(minDriverVersion), " is needed");
#define MAMBA_BIND(member, symbol, arguments)                                  \
  if (status.isOk())                                                           \
    status = library.bind(symbol, member);
  MAMBA_CUDA_DRIVER_FUNCTIONS(MAMBA_BIND)
#undef MAMBA_BIND
#define MAMBA_FIND(member, symbol, arguments)                                  \
  member = reinterpret_cast<decltype(member)>(library.find(symbol));
  MAMBA_CUDA_OPTIONAL_FUNCTIONS(MAMBA_FIND)
#undef MAMBA_FIND
  return status;
}

Status Driver::checkTensorMaps() const {
  if (tensorMapEncodeTiled)
    return {};
  return error(MAMBA_UNSUPPORTED, "needs tensor maps, but '", library.path(),
               "' has no function 'cuTensorMapEncodeTiled'; a newer driver is "
               "needed");
}

Status Driver::initialize() {
  Code result = init(0);
  if (result == noDevice || result == stubLibrary)
    return error(MAMBA_UNAVAILABLE,
                 result == noDevice
                     ? "there is no CUDA device"
                     : "libcuda.so.1 is the toolkit's stub, not a driver");
  Status status = check(result, "cuInit");
  if (!status.isOk())
    return status;
  return check(deviceGetCount(&numDevices), "cuDeviceGetCount");
}

Status Driver::check(Code result, const char *call) const {
  if (result == success)
    return {};
  const char *name = nullptr;
  const char *description = nullptr;
  if (getErrorName)
    getErrorName(result, &name);
  if (getErrorString)
    getErrorString(result, &description);
  mamba_status_code code =
      result == outOfMemory ? MAMBA_OUT_OF_MEMORY : MAMBA_DEVICE_ERROR;
  return error(code, call, " failed: ", name ? name : "error ",
               name ? "" : text(result), " (",
               description ? description : "no description", ")");
}

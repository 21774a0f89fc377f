// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Arguments.h"

using namespace mamba::rt;

namespace {

template <typename... Parts>
Status invalid(const Parts &...parts) {
  return error(MAMBA_INVALID_ARGUMENT, parts...);
}

DLDataType dlpackDtype(int32_t dtype) {
  uint8_t bits = static_cast<uint8_t>(8 * dtypeBytes(dtype));
  switch (dtype) {
  case MAMBA_DTYPE_BF16:
    return {kDLBfloat, bits, 1};
  case MAMBA_DTYPE_I32:
  case MAMBA_DTYPE_I64:
    return {kDLInt, bits, 1};
  default:
    return {kDLFloat, bits, 1};
  }
}

std::string dtypeText(DLDataType dtype) {
  const char *kind = "dtype code ";
  std::string code = text(int(dtype.code), " of ", int(dtype.bits), " bits");
  switch (dtype.code) {
  case kDLInt:
    kind = "int";
    break;
  case kDLUInt:
    kind = "uint";
    break;
  case kDLFloat:
    kind = "float";
    break;
  case kDLBfloat:
    kind = "bfloat";
    break;
  default:
    return kind + code;
  }
  std::string result = text(kind, int(dtype.bits));
  return dtype.lanes == 1 ? result : text(result, "x", dtype.lanes);
}

std::string deviceText(DLDevice device) {
  // As a number: DLPack has more device types than the runtime names.
  switch (int(device.device_type)) {
  case kDLCPU:
    return "cpu";
  case kDLCUDA:
    return text("cuda:", device.device_id);
  case kDLCUDAHost:
    return "pinned host memory";
  case kDLCUDAManaged:
    return "managed memory";
  default:
    return text("device type ", int(device.device_type));
  }
}

/// Whether kernels on `device` can use memory of `memory`.
bool canUse(DLDevice device, DLDevice memory) {
  if (device.device_type == kDLCPU)
    return memory.device_type == kDLCPU || memory.device_type == kDLCUDAHost;
  if (memory.device_type == kDLCUDA)
    return memory.device_id == device.device_id;
  return memory.device_type == kDLCUDAManaged;
}

/// `bytes` up to the next multiple of `workspaceAlignment`.
uint64_t roundUp(int64_t bytes) {
  uint64_t mask = workspaceAlignment - 1;
  return (static_cast<uint64_t>(bytes) + mask) & ~mask;
}

Status countBytes(const mamba_param &param, const CheckedArguments &checked,
                  int64_t &bytes) {
  bytes = dtypeBytes(param.dtype);
  for (int32_t d = 0; d < param.rank; ++d)
    if (__builtin_mul_overflow(bytes, dimValue(param.dims[d], checked), &bytes))
      return invalid("is larger than ", INT64_MAX, " bytes");
  return {};
}

Status addTemporary(int64_t bytes, int64_t &total) {
  if (__builtin_add_overflow(total, roundUp(bytes), &total))
    return invalid("makes the workspace larger than ", INT64_MAX, " bytes");
  return {};
}

/// The check of one launch; the members are what every step needs.
class Checker {
public:
  Checker(const Plan &plan, Placement place, ArgumentList arguments,
          CheckedArguments &checked)
      : plan(plan), device(place.device), units(place.units),
        arguments(arguments), checked(checked) {}

  Status run();

private:
  Status checkCount() const;
  Status checkHeader(const mamba_param &param, const DLTensor *tensor) const;
  Status checkSizes(const mamba_param &param, const DLTensor &tensor) const;
  Status checkStrides(const mamba_param &param, const DLTensor &tensor) const;
  Status checkPointer(int32_t index, const DLTensor &tensor);
  Status checkOverlap(int32_t output) const;
  Status checkData(int32_t index);
  Status measure(int32_t index);

  int32_t paramCount() const {
    return static_cast<int32_t>(plan.params().size());
  }

  std::string describe(int32_t param) const;
  Status inContext(Status status, int32_t param) const {
    if (status.isOk())
      return status;
    return std::move(status).withContext(describe(param));
  }

  const Plan &plan;
  DLDevice device;
  int64_t units;
  ArgumentList arguments;
  CheckedArguments &checked;
};

std::string Checker::describe(int32_t param) const {
  const char *name = plan.params()[param].name;
  int32_t position = plan.positionOf(param);
  if (position < 0)
    return text("temporary '", name, "'");
  return text("argument ", position, " '", name, "'");
}

Status Checker::checkCount() const {
  if (arguments.size() == plan.argumentCount())
    return {};
  std::string names;
  for (int32_t i = 0; i < paramCount(); ++i)
    if (plan.positionOf(i) >= 0)
      names += text(names.empty() ? "" : ", ", plan.params()[i].name);
  return invalid(arguments.size(), " arguments were given, '", plan.name(),
                 "' takes ", plan.argumentCount(), ": ", names);
}

Status Checker::checkHeader(const mamba_param &param,
                            const DLTensor *tensor) const {
  if (!tensor)
    return invalid("the tensor is null");
  if (tensor->ndim != param.rank)
    return invalid("rank is ", tensor->ndim, ", expected ", param.rank);
  if (param.rank > 0 && !tensor->shape)
    return invalid("the shape is null");
  DLDataType dtype = dlpackDtype(param.dtype);
  if (tensor->dtype.code != dtype.code || tensor->dtype.bits != dtype.bits ||
      tensor->dtype.lanes != dtype.lanes)
    return invalid("dtype is ", dtypeText(tensor->dtype), ", expected ",
                   dtypeText(dtype));
  if (!canUse(device, tensor->device))
    return invalid("is on ", deviceText(tensor->device), ", expected ",
                   deviceText(device));
  for (int32_t d = 0; d < param.rank; ++d)
    if (tensor->shape[d] <= 0)
      return invalid("dimension ", d, " is ", tensor->shape[d],
                     ", sizes must be positive");
  return {};
}

Status Checker::checkSizes(const mamba_param &param,
                           const DLTensor &tensor) const {
  for (int32_t d = 0; d < param.rank; ++d) {
    const mamba_dim &dim = param.dims[d];
    int64_t expected = dimValue(dim, checked);
    if (tensor.shape[d] == expected)
      continue;
    if (dim.symbol < 0)
      return invalid("dimension ", d, " is ", tensor.shape[d], ", expected ",
                     expected);
    const mamba_symbol &symbol = plan.symbols()[dim.symbol];
    return invalid("dimension ", d, " is ", tensor.shape[d], ", but ",
                   symbol.name, " is ", expected, " in dimension ", symbol.dim,
                   " of ", describe(symbol.param));
  }
  return {};
}

Status Checker::checkStrides(const mamba_param &param,
                             const DLTensor &tensor) const {
  if (!tensor.strides)
    return {};
  int64_t expected = 1;
  for (int32_t d = param.rank - 1; d >= 0; --d) {
    // The stride of a dimension of size one is never used.
    if (tensor.shape[d] != 1 && tensor.strides[d] != expected)
      return invalid("stride of dimension ", d, " is ", tensor.strides[d],
                     ", expected ", expected,
                     ": tensors must be compact and row-major");
    expected *= tensor.shape[d];
  }
  return {};
}

Status Checker::checkPointer(int32_t index, const DLTensor &tensor) {
  const mamba_param &param = plan.params()[index];
  if (!tensor.data)
    return invalid("the data pointer is null");
  uintptr_t start = reinterpret_cast<uintptr_t>(tensor.data);
  uintptr_t address;
  uintptr_t end;
  if (__builtin_add_overflow(start, tensor.byte_offset, &address) ||
      __builtin_add_overflow(
          address, static_cast<uintptr_t>(checked.bytes[index]), &end))
    return invalid("ends beyond the address space");
  int64_t alignment =
      param.alignment ? param.alignment : dtypeBytes(param.dtype);
  if (address % static_cast<uintptr_t>(alignment) != 0)
    return invalid("address 0x", std::hex, address, std::dec,
                   " is not a multiple of ", alignment, " bytes");
  checked.pointers[index] = reinterpret_cast<void *>(address);
  return {};
}

Status Checker::checkOverlap(int32_t output) const {
  auto begin = [&](int32_t param) {
    return reinterpret_cast<uintptr_t>(checked.pointers[param]);
  };
  uintptr_t outputEnd =
      begin(output) + static_cast<uintptr_t>(checked.bytes[output]);
  const mamba_param &param = plan.params()[output];
  for (int32_t other = 0; other < paramCount(); ++other) {
    const mamba_param &second = plan.params()[other];
    if (other == output || second.kind == MAMBA_PARAM_TEMPORARY)
      continue;
    uintptr_t otherEnd =
        begin(other) + static_cast<uintptr_t>(checked.bytes[other]);
    if (begin(output) >= otherEnd || begin(other) >= outputEnd)
      continue;
    bool inPlace = (param.flags & MAMBA_PARAM_IN_PLACE) &&
                   second.kind == MAMBA_PARAM_INPUT &&
                   begin(other) == begin(output) && otherEnd == outputEnd;
    if (!inPlace)
      return invalid("overlaps ", describe(other), " in memory");
  }
  return {};
}

Status Checker::measure(int32_t index) {
  const mamba_param &param = plan.params()[index];
  int64_t &bytes = checked.bytes[index];
  Status status = countBytes(param, checked, bytes);
  if (!status.isOk() || param.kind != MAMBA_PARAM_TEMPORARY)
    return status;
  return addTemporary(bytes, checked.workspaceBytes);
}

Status Checker::checkData(int32_t index) {
  const mamba_param &param = plan.params()[index];
  if (param.kind == MAMBA_PARAM_TEMPORARY)
    return measure(index);
  const DLTensor &tensor = *arguments[plan.positionOf(index)];
  Status status = checkSizes(param, tensor);
  if (status.isOk())
    status = measure(index);
  if (status.isOk())
    status = checkStrides(param, tensor);
  if (status.isOk())
    status = checkPointer(index, tensor);
  return status;
}

Status Checker::run() {
  Status status = checkCount();
  for (int32_t i = 0; status.isOk() && i < paramCount(); ++i)
    if (int32_t position = plan.positionOf(i); position >= 0)
      status = inContext(checkHeader(plan.params()[i], arguments[position]), i);
  if (!status.isOk())
    return status;
  checked = {};
  checked.units = units;
  for (size_t s = 0; s < plan.symbols().size(); ++s) {
    const mamba_symbol &symbol = plan.symbols()[s];
    checked.symbols[s] =
        arguments[plan.positionOf(symbol.param)]->shape[symbol.dim];
  }
  for (int32_t i = 0; status.isOk() && i < paramCount(); ++i)
    status = inContext(checkData(i), i);
  for (int32_t i = 0; status.isOk() && i < paramCount(); ++i)
    if (plan.params()[i].kind == MAMBA_PARAM_OUTPUT)
      status = inContext(checkOverlap(i), i);
  return status;
}

} // namespace

int64_t mamba::rt::dimValue(const mamba_dim &dim,
                            const CheckedArguments &checked) {
  if (dim.symbol == MAMBA_SYMBOL_NONE)
    return dim.extent;
  // Cannot overflow: extents of units are below 2^31 (verifyDim).
  if (dim.symbol == MAMBA_SYMBOL_UNITS)
    return checked.units * dim.extent;
  int64_t value = checked.symbols[dim.symbol];
  // Divisions are what a launch would spend most of its own time on.
  if (dim.extent == 1)
    return value;
  return value / dim.extent + (value % dim.extent != 0);
}

Status mamba::rt::checkArguments(const Plan &plan, Placement place,
                                 ArgumentList arguments,
                                 CheckedArguments &checked) {
  return Checker(plan, place, arguments, checked).run();
}

Result<int64_t> mamba::rt::measureFlags(const Plan &plan, int64_t units) {
  CheckedArguments sizes;
  sizes.units = units;
  int64_t total = 0;
  for (const mamba_param &param : plan.params()) {
    if (!(param.flags & MAMBA_PARAM_FLAGS))
      continue;
    int64_t bytes = 0;
    Status status = countBytes(param, sizes, bytes);
    if (status.isOk())
      status = addTemporary(bytes, total);
    if (!status.isOk())
      return std::move(status).withContext(
          text("temporary '", param.name, "'"));
  }
  return total;
}

Status mamba::rt::placeTemporaries(const Plan &plan, void *workspace,
                                   uint64_t workspaceBytes,
                                   CheckedArguments &checked) {
  int64_t needed = checked.workspaceBytes;
  if (needed == 0)
    return {};
  if (!workspace)
    return invalid("the workspace is null, ", needed, " bytes are needed");
  if (workspaceBytes < static_cast<uint64_t>(needed))
    return invalid("the workspace has ", workspaceBytes, " bytes, ", needed,
                   " are needed");
  uintptr_t address = reinterpret_cast<uintptr_t>(workspace);
  if (address % workspaceAlignment != 0)
    return invalid("the workspace address 0x", std::hex, address, std::dec,
                   " is not a multiple of ", workspaceAlignment, " bytes");
  for (int32_t flags : {int32_t(MAMBA_PARAM_FLAGS), 0})
    for (size_t i = 0; i < plan.params().size(); ++i) {
      const mamba_param &param = plan.params()[i];
      if (param.kind != MAMBA_PARAM_TEMPORARY ||
          (param.flags & MAMBA_PARAM_FLAGS) != flags)
        continue;
      checked.pointers[i] = reinterpret_cast<void *>(address);
      address += roundUp(checked.bytes[i]);
    }
  return {};
}

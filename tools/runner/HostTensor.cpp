// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/HostTensor.h"

#include "tools/support/Float16.h"

#include <cstring>

using namespace llvm;

namespace mamba::tools {
namespace {

template <typename T>
double loadAs(const char *address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

template <typename T>
void storeAs(char *address, double number) {
  T value = static_cast<T>(number);
  std::memcpy(address, &value, sizeof(T));
}

template <typename Format>
double loadFloat16(const char *address) {
  uint16_t bits;
  std::memcpy(&bits, address, sizeof(bits));
  return Format::toDouble(bits);
}

template <typename Format>
void storeFloat16(char *address, double number) {
  uint16_t bits = Format::fromDouble(number);
  std::memcpy(address, &bits, sizeof(bits));
}

/// Tolerances: what operands rounded to 16 bits and accumulation in f32 cost.
const ElementType elementTypes[] = {
    {"bf16",
     MAMBA_DTYPE_BF16,
     2,
     {kDLBfloat, 16, 1},
     4e-3,
     loadFloat16<Bfloat16>,
     storeFloat16<Bfloat16>},
    {"f16",
     MAMBA_DTYPE_F16,
     2,
     {kDLFloat, 16, 1},
     6e-4,
     loadFloat16<Half>,
     storeFloat16<Half>},
    {"f32",
     MAMBA_DTYPE_F32,
     4,
     {kDLFloat, 32, 1},
     2e-6,
     loadAs<float>,
     storeAs<float>},
    {"f64",
     MAMBA_DTYPE_F64,
     8,
     {kDLFloat, 64, 1},
     2e-6,
     loadAs<double>,
     storeAs<double>},
};

} // namespace

const ElementType *lookupElementType(StringRef name) {
  for (const ElementType &row : elementTypes)
    if (name == row.name)
      return &row;
  return nullptr;
}

const ElementType *lookupElementType(mlir::Type type) {
  std::string name;
  raw_string_ostream(name) << type;
  return lookupElementType(name);
}

HostTensor HostTensor::round(const ElementType &type,
                             const ssd::ReferenceTensor &values) {
  HostTensor result(type, values.getShape());
  char *address = result.data();
  for (double value : values.getValues()) {
    type.store(address, value);
    address += type.bytes;
  }
  return result;
}

ssd::ReferenceTensor HostTensor::toReference() const {
  ssd::ReferenceTensor result(shape);
  const char *address = data();
  for (double &value : result.getValues()) {
    value = type->load(address);
    address += type->bytes;
  }
  return result;
}

DLTensor HostTensor::describe(void *address, DLDevice device) const {
  DLTensor tensor = {};
  tensor.data = address;
  tensor.device = device;
  tensor.ndim = static_cast<int32_t>(shape.size());
  tensor.dtype = type->dlpack;
  tensor.shape = const_cast<int64_t *>(shape.data());
  return tensor;
}

} // namespace mamba::tools

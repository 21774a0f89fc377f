/* SPDX-FileCopyrightText: The mamba-compiler authors
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

/* The part of DLPack's C ABI that describes a borrowed tensor
 * (https://dmlc.github.io/dlpack/latest/c_api.html), declared here so that a
 * host application needs no further header. A source that uses DLPack itself
 * includes its dlpack.h before this file, or defines MAMBA_USE_DLPACK_HEADER;
 * then DLPack's own declarations are used. */

#ifndef MAMBA_RUNTIME_ABI_DLTENSOR_H
#define MAMBA_RUNTIME_ABI_DLTENSOR_H

#if defined(MAMBA_USE_DLPACK_HEADER)
#include <dlpack/dlpack.h>
#elif !defined(DLPACK_DLPACK_H_)

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
/* DLPack fixes the width of this enumeration in C++ only. */
typedef enum : int32_t {
#else
typedef enum {
#endif
  kDLCPU = 1,
  kDLCUDA = 2,
  kDLCUDAHost = 3,
  kDLCUDAManaged = 13
} DLDeviceType;

typedef struct {
  DLDeviceType device_type;
  int32_t device_id;
} DLDevice;

typedef enum {
  kDLInt = 0,
  kDLUInt = 1,
  kDLFloat = 2,
  kDLBfloat = 4
} DLDataTypeCode;

typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} DLDataType;

/* `data` is a device pointer for kDLCUDA; the first element lies `byte_offset`
 * bytes behind it. `strides` count elements; NULL means compact, row-major. */
typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} DLTensor;

#ifdef __cplusplus
}
#endif
#endif

#endif /* MAMBA_RUNTIME_ABI_DLTENSOR_H */

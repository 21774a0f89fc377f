// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#pragma once

namespace mamba::codegen {

/// What every oracle starts with: access to tensors as float64. Without
/// includes, so that NVRTC needs no header, and free of CUDA's own types, so
/// that a host compiler takes it too once __device__, __global__, blockIdx and
/// threadIdx are defined.
inline constexpr char oraclePrelude[] = R"cuda(
struct Memory {
  void *p[32];
  long long batch, length;
};

__device__ double fromFloatBits(unsigned bits) {
  union {
    unsigned bits;
    float value;
  } pun = {bits};
  return pun.value;
}

__device__ double infinity() { return fromFloatBits(0x7f800000u); }

__device__ double notANumber() { return fromFloatBits(0x7fc00000u); }

__device__ double loadBf16(const void *p, long long i) {
  return fromFloatBits((unsigned)((const unsigned short *)p)[i] << 16);
}

__device__ double loadF16(const void *p, long long i) {
  unsigned bits = ((const unsigned short *)p)[i];
  unsigned sign = bits >> 15 << 31;
  unsigned exponent = bits >> 10 & 31;
  unsigned fraction = bits & 1023;
  if (exponent == 0) /* fraction * 2^-24 */
    return (sign ? -1.0 : 1.0) * fraction * fromFloatBits(0x33800000u);
  unsigned wide = exponent == 31 ? 255 : exponent + 112;
  return fromFloatBits(sign | wide << 23 | fraction << 13);
}

__device__ double loadF32(const void *p, long long i) {
  return ((const float *)p)[i];
}

__device__ double loadF64(const void *p, long long i) {
  return ((const double *)p)[i];
}

__device__ long long loadI32(const void *p, long long i) {
  return ((const int *)p)[i];
}

__device__ long long loadI64(const void *p, long long i) {
  return ((const long long *)p)[i];
}

__device__ void store(void *p, long long i, double value) {
  ((double *)p)[i] = value;
}

)cuda";

} // namespace mamba::codegen

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every level of a GPU function, and a header that holds its PTX.
// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: mamba-compile %s --target=sm_80 -o mixer | FileCheck %s --check-prefix=FILES
// FILES: mixer.ptx
// FILES: mixer.h
// RUN: FileCheck %s --check-prefix=PTX < mixer.ptx
// PTX: .target sm_80
// PTX: .visible .entry mixer_0
// PTX: mma.sync
// RUN: FileCheck %s --check-prefix=HEADER < mixer.h
// HEADER: @mixer for sm_80
// HEADER: static const mamba_plan mixer_plan = {{[{]}}5, "mixer", "sm_80", 80, 0,
// HEADER: static const unsigned char mixer_image[] = {
// HEADER: mamba_status *mixer_create(mamba_device *device, mamba_module **module,
// RUN: cc -std=c11 -Wall -Werror -Wno-unused-function -fsyntax-only -x c -I %source mixer.h
// RUN: mamba-compile %s --target=sm_90a --emit=chunks,tiles,llvm -o mixer
// RUN: FileCheck %s --check-prefix=CHUNKS < mixer.chunks.mlir
// CHUNKS: ssd.chunk_scan chunk
// In the interpreter the chunk program is the function it came from.
// RUN: mamba-run %s --target=reference --dim batch=2 --dim time=70 --output y=y.npy
// RUN: mamba-run mixer.chunks.mlir --target=reference --dim batch=2 --dim time=70 --expect y=y.npy --rtol=1e-6
// RUN: FileCheck %s --check-prefix=TILES < mixer.tiles.mlir
// TILES: gpu.module
// RUN: FileCheck %s --check-prefix=LLVM < mixer.ll
// LLVM: target triple = "nvptx64-nvidia-cuda"

// RUN: not mamba-compile %s --target=sm_80 --emit=object 2>&1 | FileCheck %s --check-prefix=EMIT
// EMIT: mamba-compile: error: --emit=object: for sm_80 there is chunks, tiles, llvm, ptx, cubin, header
// RUN: not env PATH= MAMBA_NVJITLINK_PATH=%t/none %binary/bin/mamba-compile %s --target=sm_80 --emit=cubin 2>&1 \
// RUN:   | FileCheck %s --check-prefix=CUBIN
// CUBIN: mamba-compile: error: --emit=cubin: ptxas is not on PATH, and

// What the target cannot hold is named with its limit.
// RUN: sed -e 's/x64x/x12x/' -e 's/x64x/x12x/' %s > odd.mlir
// RUN: not mamba-compile odd.mlir --target=sm_80 2>&1 | FileCheck %s --check-prefix=ODD
// ODD: error: {{.*}}12{{.*}}8

func.func @mixer(%x: tensor<?x?x4x64xbf16> {ssd.name = "x"},
                 %la: tensor<?x?x4xf32> {ssd.name = "la", ssd.init = "uniform -0.5 -0.001"},
                 %b: tensor<?x?x1x32xbf16> {ssd.name = "b"},
                 %c: tensor<?x?x1x32xbf16> {ssd.name = "c"})
    -> (tensor<?x?x4x64xbf16> {ssd.name = "y"}) {
  %M = ssd.state_space %c, %b decay %la : tensor<?x?x1x32xbf16>, tensor<?x?x1x32xbf16>, tensor<?x?x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %y : tensor<?x?x4x64xbf16>
}

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// REQUIRES: ptxas
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_80 form=recurrent" -print-ptx=target=sm_80 -o /dev/null > %t.80.ptx
// RUN: %assemble --arch=sm_80,sm_86,sm_89 %t.80.ptx
// RUN: FileCheck %s < %t.80.ptx
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_90a form=recurrent" -print-ptx=target=sm_90a -o /dev/null > %t.90.ptx
// RUN: %assemble --arch=sm_90a %t.90.ptx
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_100a form=recurrent" -print-ptx=target=sm_100a -o /dev/null > %t.100.ptx
// RUN: %assemble --arch=sm_100a %t.100.ptx
// RUN: mamba-opt %s -ssd-to-tiles="target=sm_120 form=recurrent" -print-ptx=target=sm_120 -o /dev/null > %t.120.ptx
// RUN: %assemble --arch=sm_120 %t.120.ptx

// Recurrent kernels: no spill. The state goes by 16 bytes a lane, without
// branches where it fills its tile, and is summed by three shuffles a row.

// CHECK-LABEL: .entry step_0(
// CHECK-COUNT-4: ld.global.v4.b32
// CHECK: shfl.sync.bfly
// CHECK-COUNT-4: st.global.v4.b32
func.func @step(%x: tensor<?x1x4x64xbf16>, %a: tensor<?x1x4xf32>,
                %b: tensor<?x1x1x128xbf16>, %c: tensor<?x1x1x128xbf16>,
                %s0: tensor<?x4x64x128xf32>)
    -> (tensor<?x1x4x64xbf16>, tensor<?x4x64x128xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<?x1x1x128xbf16>,
      tensor<?x1x1x128xbf16>, tensor<?x1x4xf32>
  %y, %s = ssd.apply %M, %x init %s0 : !ssd.matrix<?x4x1, causal>,
      tensor<?x1x4x64xbf16>, tensor<?x4x64x128xf32>
      -> tensor<?x1x4x64xbf16>, tensor<?x4x64x128xf32>
  return %y, %s : tensor<?x1x4x64xbf16>, tensor<?x4x64x128xf32>
}

func.func @ragged(%x: tensor<?x?x4x40xf32>, %a: tensor<?x?x4xf32>,
                  %b: tensor<?x?x4x24xf32>, %c: tensor<?x?x4x24xf32>)
    -> tensor<?x?x4x40xf32> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x4x24xf32>,
      tensor<?x?x4x24xf32>, tensor<?x?x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x40xf32>
      -> tensor<?x?x4x40xf32>
  return %y : tensor<?x?x4x40xf32>
}

func.func @wide(%x: tensor<?x?x4x256xf16>, %a: tensor<?x?x4xf32>,
                %b: tensor<?x?x2x256xf16>, %c: tensor<?x?x2x256xf16>)
    -> tensor<?x?x4x256xf16> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x2x256xf16>,
      tensor<?x?x2x256xf16>, tensor<?x?x4xf32>
  %y = ssd.apply %M, %x : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x256xf16>
      -> tensor<?x?x4x256xf16>
  return %y : tensor<?x?x4x256xf16>
}

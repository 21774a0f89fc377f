// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: mamba-opt %s -ssd-decompose -cse -canonicalize | FileCheck %s

// The four steps of a chunk in f32 operands: diagonal block, chunk state,
// state passing, state to output. Weights on the values.
// CHECK-LABEL: @four_steps
// CHECK-SAME: %[[x:[^:]*]]: tensor<?x?x4x8xf32>, %[[a:[^:]*]]: tensor<?x?x4xf32>, %[[b:[^:]*]]: tensor<?x?x1x2xf32>, %[[c:[^:]*]]: tensor<?x?x1x2xf32>, %[[s0:[^:]*]]: tensor<?x4x8x2xf32>
// CHECK: %[[r:.*]], %[[f:.*]] = ssd.chunk_scan chunk 16 heads 4 schedule
// CHECK-SAME: ins(%[[a]] as [batch, time, head] : {{.*}}, %[[c]] as [batch, time, head, state] : {{.*}}, %[[b]] as [batch, time, head, state] : {{.*}}, %[[x]] as [batch, time, head, channel]
// CHECK-SAME: inits(%[[s0]] : tensor<?x4x8x2xf32>)
// CHECK-SAME: outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) finals(tensor<?x4x8x2xf32>)
// CHECK-NEXT: ^bb0(%[[at:.*]]: tensor<16xf32>, %[[ct:.*]]: tensor<16x2xf32>, %[[bt:.*]]: tensor<16x2xf32>, %[[xt:.*]]: tensor<16x8xf32>, %[[s:.*]]: tensor<8x2xf32>):
// CHECK-DAG: %[[cum:.*]] = ssd.cumsum %[[at]] :
// CHECK-DAG: %[[rest:.*]] = ssd.cumsum %[[at]] exclusive reverse :
// CHECK-DAG: %[[sum:.*]] = ssd.reduce_sum %[[at]]
// CHECK-DAG: %[[e:.*]] = math.exp %[[cum]]
// CHECK-DAG: %[[w:.*]] = math.exp %[[rest]]
// CHECK-DAG: %[[d:.*]] = math.exp %[[sum]]
// CHECK-DAG: %[[L:.*]] = ssd.segment_decay %[[at]] sub_block 8
// CHECK-DAG: %[[G:.*]] = ssd.dot %[[ct]], %[[bt]] contract [1, 1]
// CHECK-DAG: %[[W:.*]] = arith.mulf %[[L]], %[[G]]
// CHECK-DAG: %[[read:.*]] = ssd.dot %[[ct]], %[[s]] contract [1, 1]
// CHECK-DAG: %[[eb:.*]] = ssd.broadcast %[[e]] dims [1]
// CHECK-DAG: %[[off:.*]] = arith.mulf %[[eb]], %[[read]]
// CHECK-DAG: %[[wb:.*]] = ssd.broadcast %[[w]] dims [1] : tensor<16xf32> -> tensor<16x8xf32>
// CHECK-DAG: %[[xw:.*]] = arith.mulf %[[xt]], %[[wb]]
// CHECK-DAG: %[[db:.*]] = ssd.broadcast %[[d]] dims [0, 1]
// CHECK-DAG: %[[carried:.*]] = arith.mulf %[[db]], %[[s]]
// CHECK-DAG: %[[next:.*]] = ssd.dot %[[xw]], %[[bt]] contract [0, 0] init %[[carried]]
// CHECK-DAG: %[[y:.*]] = ssd.dot %[[W]], %[[xt]] contract [1, 0] init %[[off]]
// CHECK: ssd.yield %[[y]], %[[next]]
// CHECK: return %[[r]], %[[f]]
func.func @four_steps(%x: tensor<?x?x4x8xf32>, %a: tensor<?x?x4xf32>,
                      %b: tensor<?x?x1x2xf32>, %c: tensor<?x?x1x2xf32>,
                      %s0: tensor<?x4x8x2xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x4x8x2xf32>) {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x2xf32>, tensor<?x?x1x2xf32>, tensor<?x?x4xf32>
  %y, %s = ssd.apply %M, %x init %s0
      schedule <form = chunked, chunk = 16, sub_block = 8, operand = f32>
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>, tensor<?x4x8x2xf32>
      -> tensor<?x?x4x8xf32>, tensor<?x4x8x2xf32>
  return %y, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x2xf32>
}

// 16-bit operands: only what is multiplied is rounded; weights on the keys.
// The constant decay is padded behind the broadcast.
// CHECK-LABEL: @operand_type
// CHECK: ^bb0(%[[g:.*]]: tensor<f32>, %[[ct:.*]]: tensor<16x2xbf16>, %[[bt:.*]]: tensor<16x2xbf16>, %[[xt:.*]]: tensor<16x8xbf16>, %[[s:.*]]: tensor<8x2xf32>):
// CHECK-DAG: %[[gb:.*]] = ssd.broadcast %[[g]] dims [0]
// CHECK-DAG: %[[alpha:.*]] = ssd.pad %[[gb]] with 0.0
// CHECK-DAG: ssd.segment_decay %[[alpha]] sub_block 16 strict
// CHECK-DAG: ssd.dot %[[ct]], %[[bt]] contract [1, 1]
// CHECK-DAG: %[[st:.*]] = arith.truncf %[[s]] : tensor<8x2xf32> to tensor<8x2xbf16>
// CHECK-DAG: ssd.dot %[[ct]], %[[st]] contract [1, 1]
// CHECK-DAG: %[[bw:.*]] = arith.truncf %{{.*}} : tensor<16x2xf32> to tensor<16x2xbf16>
// CHECK-DAG: ssd.dot %[[xt]], %[[bw]] contract [0, 0] init
// CHECK-DAG: %[[W:.*]] = arith.truncf %{{.*}} : tensor<16x16xf32> to tensor<16x16xbf16>
// CHECK-DAG: %[[y:.*]] = ssd.dot %[[W]], %[[xt]] contract [1, 0] init
// CHECK: %[[out:.*]] = arith.truncf %[[y]] : tensor<16x8xf32> to tensor<16x8xbf16>
// CHECK: ssd.yield %[[out]]
func.func @operand_type(%x: tensor<?x?x4x8xbf16>, %g: tensor<4xf32>,
                        %b: tensor<?x?x1x2xbf16>, %c: tensor<?x?x1x2xbf16>)
    -> tensor<?x?x4x8xbf16> {
  %M = ssd.state_space %c, %b decay %g strict : tensor<?x?x1x2xbf16>, tensor<?x?x1x2xbf16>, tensor<4xf32>
  %y = ssd.apply %M, %x
      schedule <form = chunked, chunk = 16, sub_block = 16, operand = bf16, weights = keys>
      : !ssd.matrix<?x4x?, causal, strict>, tensor<?x?x4x8xbf16> -> tensor<?x?x4x8xbf16>
  return %y : tensor<?x?x4x8xbf16>
}

// The transpose runs from right to left: keys and their factors change places.
// CHECK-LABEL: @reverse
// CHECK: ssd.chunk_scan chunk 16 heads 4 reverse
// CHECK: ^bb0(%[[at:.*]]: tensor<16xf32>, %[[ct:.*]]: tensor<16x2xf32>, %[[bt:.*]]: tensor<16x2xf32>, %[[xt:.*]]: tensor<16x8xf32>, %[[s:.*]]: tensor<8x2xf32>):
// CHECK-DAG: %[[rest:.*]] = ssd.cumsum %[[at]] exclusive reverse :
// CHECK-DAG: %[[e:.*]] = math.exp %[[rest]]
// CHECK-DAG: ssd.segment_decay %[[at]] sub_block 16 transposed
// CHECK-DAG: ssd.dot %[[bt]], %[[ct]] contract [1, 1]
// CHECK-DAG: %[[read:.*]] = ssd.dot %[[bt]], %[[s]] contract [1, 1]
// CHECK-DAG: %[[eb:.*]] = ssd.broadcast %[[e]] dims [1]
// CHECK-DAG: arith.mulf %[[eb]], %[[read]]
func.func @reverse(%x: tensor<?x?x4x8xf32>, %a: tensor<?x?x4xf32>,
                   %b: tensor<?x?x1x2xf32>, %c: tensor<?x?x1x2xf32>)
    -> tensor<?x?x4x8xf32> {
  %M = ssd.state_space %c, %b decay %a : tensor<?x?x1x2xf32>, tensor<?x?x1x2xf32>, tensor<?x?x4xf32>
  %T = ssd.transpose %M : !ssd.matrix<?x4x?, causal>
  %y = ssd.apply %T, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<?x4x?, anticausal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// A sum carries one state a summand: initial and final states are split and
// joined along N.
// CHECK-LABEL: @sum
// CHECK-DAG: %[[i0:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0, 0] [%{{.*}}, 4, 8, 2]
// CHECK-DAG: %[[i1:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0, 2] [%{{.*}}, 4, 8, 1]
// CHECK: %{{.*}}, %[[f:.*]]:2 = ssd.chunk_scan
// CHECK-SAME: inits(%[[i0]], %[[i1]] : tensor<?x4x8x2xf32>, tensor<?x4x8x1xf32>)
// CHECK-SAME: finals(tensor<?x4x8x2xf32>, tensor<?x4x8x1xf32>)
// CHECK: ^bb0({{.*}} %[[s:.*]]: tensor<8x2xf32>, %[[t:.*]]: tensor<8x1xf32>):
// CHECK: ssd.yield %{{.*}}, %{{.*}}, %{{.*}} : tensor<16x8xf32>, tensor<8x2xf32>, tensor<8x1xf32>
// CHECK: tensor.concat dim(3) %[[f]]#0, %[[f]]#1
func.func @sum(%x: tensor<?x?x4x8xf32>, %a: tensor<?x?x4xf32>, %g: tensor<4xf32>,
               %k: tensor<?x?x1x2xf32>, %s0: tensor<?x4x8x3xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x4x8x3xf32>) {
  %M = ssd.state_space %k, %k decay %a : tensor<?x?x1x2xf32>, tensor<?x?x1x2xf32>, tensor<?x?x4xf32>
  %L = ssd.decay %g : tensor<4xf32>
  %A = ssd.add %M, %L : !ssd.matrix<?x4x?, causal>, !ssd.matrix<?x4x?, causal>
  %y, %s = ssd.apply %A, %x init %s0 schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<?x4x?, causal>, tensor<?x?x4x8xf32>, tensor<?x4x8x3xf32>
      -> tensor<?x?x4x8xf32>, tensor<?x4x8x3xf32>
  return %y, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x3xf32>
}

// The state of a product has the keys' Kronecker products, the left slower.
// CHECK-LABEL: @product_of_keys
// CHECK: ^bb0({{.*}} %[[s:.*]]: tensor<8x6xf32>):
// CHECK: %[[k:.*]] = ssd.broadcast %{{.*}} dims [2] : tensor<16x2xf32> -> tensor<16x2x3xf32>
// CHECK: %[[j:.*]] = ssd.broadcast %{{.*}} dims [1] : tensor<16x3xf32> -> tensor<16x2x3xf32>
// CHECK: %[[kj:.*]] = arith.mulf %[[k]], %[[j]] : tensor<16x2x3xf32>
// CHECK: tensor.collapse_shape %[[kj]] {{\[}}[0], [1, 2]] : tensor<16x2x3xf32> into tensor<16x6xf32>
func.func @product_of_keys(%x: tensor<?x?x4x8xf32>, %k: tensor<?x?x1x2xf32>,
                           %j: tensor<?x?x1x3xf32>) -> tensor<?x?x4x8xf32> {
  %M = ssd.state_space %k, %k : tensor<?x?x1x2xf32>, tensor<?x?x1x2xf32>
  %G = ssd.low_rank %j, %j : tensor<?x?x1x3xf32>, tensor<?x?x1x3xf32>
  %H = ssd.hadamard %M, %G : !ssd.matrix<?x1x?, causal>, !ssd.matrix<?x1x?, full>
  %y = ssd.apply %H, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<?x1x?, causal>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

#bth = affine_map<(b, t, h) -> (b, t, h)>
#h = affine_map<(b, t, h) -> (h)>
#full = affine_map<(b, t, h, p) -> (b, t, h, p)>
#head = affine_map<(b, t, h, p) -> (h)>

// exp(dt + bias) at rows past the end is exp(bias), not 0: pad behind it. The
// consumer is fused; y itself is returned too and becomes an output as well.
// CHECK-LABEL: @fused
// CHECK-NOT: linalg.generic
// CHECK: %[[r:.*]]:2 = ssd.chunk_scan chunk 16 heads 4
// CHECK-SAME: ins(%{{.*}} as [batch, time, head] : tensor<2x9x4xf32>, %{{.*}} as [head] : tensor<4xf32>
// CHECK: ^bb0(%[[dt:[^:]*]]: tensor<16xf32>, %[[bias:[^:]*]]: tensor<f32>, %[[xt:[^:]*]]: tensor<16x8xf32>, %[[D:[^:]*]]: tensor<f32>, %{{.*}}: tensor<8x1xf32>):
// CHECK: %[[biases:.*]] = ssd.broadcast %[[bias]] dims [0]
// CHECK: %[[sum:.*]] = arith.addf %[[dt]], %[[biases]]
// CHECK: %[[e:.*]] = math.exp %[[sum]]
// CHECK: %[[n:.*]] = arith.negf %[[e]]
// CHECK: %[[p:.*]] = ssd.pad %[[n]] with 0.0
// CHECK: ssd.segment_decay %[[p]]
// CHECK: %[[y:.*]] = ssd.dot {{.*}} contract [1, 0] init
// CHECK: %[[DD:.*]] = ssd.broadcast %[[D]] dims [0, 1]
// CHECK: %[[Dx:.*]] = arith.mulf %[[DD]], %[[xt]]
// CHECK: %[[out:.*]] = arith.addf %[[y]], %[[Dx]]
// CHECK: ssd.yield %[[y]], %[[out]]
// CHECK: return %[[r]]#0, %[[r]]#1
func.func @fused(%dt: tensor<2x9x4xf32>, %bias: tensor<4xf32>, %x: tensor<2x9x4x8xf32>,
                 %D: tensor<4xf32>) -> (tensor<2x9x4x8xf32>, tensor<2x9x4x8xf32>) {
  %e3 = tensor.empty() : tensor<2x9x4xf32>
  %e4 = tensor.empty() : tensor<2x9x4x8xf32>
  %a = linalg.generic {indexing_maps = [#bth, #h, #bth], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %bias : tensor<2x9x4xf32>, tensor<4xf32>) outs(%e3 : tensor<2x9x4xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %0 = arith.addf %u, %v : f32
    %1 = math.exp %0 : f32
    %2 = arith.negf %1 : f32
    linalg.yield %2 : f32
  } -> tensor<2x9x4xf32>
  %M = ssd.decay %a : tensor<2x9x4xf32>
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<2x4x9, causal>, tensor<2x9x4x8xf32> -> tensor<2x9x4x8xf32>
  %z = linalg.generic {indexing_maps = [#full, #full, #head, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %x, %D : tensor<2x9x4x8xf32>, tensor<2x9x4x8xf32>, tensor<4xf32>) outs(%e4 : tensor<2x9x4x8xf32>) {
  ^bb0(%u: f32, %v: f32, %w: f32, %o: f32):
    %0 = arith.mulf %w, %v : f32
    %1 = arith.addf %u, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x9x4x8xf32>
  return %y, %z : tensor<2x9x4x8xf32>, tensor<2x9x4x8xf32>
}

// A prologue that is no projection in loop order stays outside.
// CHECK-LABEL: @unfused_prologue
// CHECK: %[[t:.*]] = linalg.generic
// CHECK: ssd.chunk_scan {{.*}} ins(%[[t]] as [batch, time, head] :
#bht = affine_map<(b, t, h) -> (b, h, t)>
func.func @unfused_prologue(%a: tensor<2x4x9xf32>, %x: tensor<2x9x4x8xf32>) -> tensor<2x9x4x8xf32> {
  %e3 = tensor.empty() : tensor<2x9x4xf32>
  %t = linalg.generic {indexing_maps = [#bht, #bth], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a : tensor<2x4x9xf32>) outs(%e3 : tensor<2x9x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    linalg.yield %u : f32
  } -> tensor<2x9x4xf32>
  %M = ssd.decay %t : tensor<2x9x4xf32>
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<2x4x9, causal>, tensor<2x9x4x8xf32> -> tensor<2x9x4x8xf32>
  return %y : tensor<2x9x4x8xf32>
}

// Recurrent: chunks of one token need no pad; the quadratic form is one chunk.
// CHECK-LABEL: @other_forms
// CHECK: ssd.chunk_scan chunk 1 heads 4
// CHECK-NOT: ssd.pad
// CHECK: ssd.chunk_scan chunk 9 heads 4
func.func @other_forms(%a: tensor<2x9x4xf32>, %x: tensor<2x9x4x8xf32>)
    -> (tensor<2x9x4x8xf32>, tensor<2x9x4x8xf32>) {
  %e3 = tensor.empty() : tensor<2x9x4xf32>
  %n = linalg.generic {indexing_maps = [#bth, #bth], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a : tensor<2x9x4xf32>) outs(%e3 : tensor<2x9x4xf32>) {
  ^bb0(%u: f32, %o: f32):
    %0 = arith.negf %u : f32
    linalg.yield %0 : f32
  } -> tensor<2x9x4xf32>
  %M = ssd.decay %n : tensor<2x9x4xf32>
  %y = ssd.apply %M, %x schedule <form = recurrent, chunk = 1, sub_block = 1, operand = f32>
      : !ssd.matrix<2x4x9, causal>, tensor<2x9x4x8xf32> -> tensor<2x9x4x8xf32>
  %L = ssd.decay %a : tensor<2x9x4xf32>
  %z = ssd.apply %L, %x schedule <form = quadratic, chunk = 9, sub_block = 9, operand = f32>
      : !ssd.matrix<2x4x9, causal>, tensor<2x9x4x8xf32> -> tensor<2x9x4x8xf32>
  return %y, %z : tensor<2x9x4x8xf32>, tensor<2x9x4x8xf32>
}

// Tiles are computed in f32 and stored as the result's type.
// CHECK-LABEL: @f64_result
// CHECK: %[[y:.*]] = arith.extf %{{.*}} : tensor<16x8xf32> to tensor<16x8xf64>
// CHECK: ssd.yield %[[y]]
func.func @f64_result(%a: tensor<2x9x4xf64>, %x: tensor<2x9x4x8xf64>) -> tensor<2x9x4x8xf64> {
  %M = ssd.decay %a : tensor<2x9x4xf64>
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<2x4x9, causal>, tensor<2x9x4x8xf64> -> tensor<2x9x4x8xf64>
  return %y : tensor<2x9x4x8xf64>
}

// Booleans are tiles too, constants among them.
// CHECK-LABEL: @booleans
// CHECK-DAG: %[[true:.*]] = arith.constant dense<true> : tensor<16x8xi1>
// CHECK-DAG: %[[zero:.*]] = arith.constant dense<0.0{{.*}}> : tensor<16x8xf32>
// CHECK: %[[p:.*]] = arith.cmpf ogt, %[[y:.*]], %[[zero]]
// CHECK: %[[q:.*]] = arith.xori %[[p]], %[[true]]
// CHECK: arith.select %[[q]], %[[y]], %[[zero]]
func.func @booleans(%a: tensor<2x9x4xf32>, %x: tensor<2x9x4x8xf32>) -> tensor<2x9x4x8xf32> {
  %M = ssd.decay %a : tensor<2x9x4xf32>
  %y = ssd.apply %M, %x schedule <form = chunked, chunk = 16, sub_block = 16, operand = f32>
      : !ssd.matrix<2x4x9, causal>, tensor<2x9x4x8xf32> -> tensor<2x9x4x8xf32>
  %e4 = tensor.empty() : tensor<2x9x4x8xf32>
  %true = arith.constant true
  %zero = arith.constant 0.0 : f32
  %z = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y : tensor<2x9x4x8xf32>) outs(%e4 : tensor<2x9x4x8xf32>) {
  ^bb0(%u: f32, %o: f32):
    %0 = arith.cmpf ogt, %u, %zero : f32
    %1 = arith.xori %0, %true : i1
    %2 = arith.select %1, %u, %zero : f32
    linalg.yield %2 : f32
  } -> tensor<2x9x4x8xf32>
  return %z : tensor<2x9x4x8xf32>
}

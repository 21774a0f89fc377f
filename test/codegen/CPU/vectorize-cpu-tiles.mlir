// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s --split-input-file --ssd-vectorize-cpu-tiles="lanes=16 registers=32" --canonicalize | FileCheck %s
// RUN: mamba-opt %s --split-input-file --ssd-vectorize-cpu-tiles="lanes=8 registers=16" --canonicalize | FileCheck %s --check-prefix=AVX

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// Accumulators stay in registers over the contracted dimension; the fill before
// the product is their initial value.

// CHECK-LABEL: func.func @product
// CHECK-NOT:     linalg.fill
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             %[[R:.*]] = scf.for {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}) -> (vector<8x32xf32>)
// CHECK-DAG:           vector.transfer_read {{.*}} vector<8x1xf32>
// CHECK-DAG:           vector.transfer_read {{.*}} vector<1x32xf32>
// CHECK:               vector.contract {{.*}}, %[[ACC]]
// CHECK:             vector.transfer_write %[[R]]
// AVX-LABEL:   func.func @product
// AVX:           iter_args({{.*}}) -> (vector<6x16xf32>)
// AVX:           iter_args({{.*}}) -> (vector<2x16xf32>)
func.func @product(%a: memref<32x20xf32>, %b: memref<20x64xf32>, %c: memref<32x64xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<32x64xf32>)
  linalg.generic {indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<32x20xf32>, memref<20x64xf32>) outs(%c : memref<32x64xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

// The second operand is transposed once; tiles above the diagonal are zero.

// CHECK-LABEL: func.func @rows_by_rows
// CHECK:         %[[PACKED:.*]] = memref.alloc() : memref<20x32xf32>
// CHECK:         vector.transpose {{.*}} vector<16x16xf32>
// CHECK:         vector.transpose {{.*}} vector<16x4xf32> to vector<4x16xf32>
// CHECK:         scf.if
// CHECK:           vector.contract
// CHECK:         else
// CHECK-NOT:       vector.contract
// CHECK:           vector.transfer_write %{{.*}} : vector<8x32xf32>
func.func @rows_by_rows(%a: memref<32x20xf32>, %c: memref<32x32xf32>) {
  linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %a : memref<32x20xf32>, memref<32x20xf32>) outs(%c : memref<32x32xf32>)
      attrs = {ssd.result_triangle = "lower"} {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// Rows of a lower triangle end at the diagonal.

// CHECK-LABEL: func.func @lower
// CHECK:         scf.for %[[I:.*]] =
// CHECK:           %[[END:.*]] = arith.addi %[[I]]
// CHECK:           %[[K:.*]] = arith.minui %[[END]]
// CHECK:           scf.for {{.*}} to %[[K]]
// CHECK:             vector.contract
func.func @lower(%a: memref<32x32xf32>, %b: memref<32x32xf32>, %c: memref<32x32xf32>) {
  linalg.generic {indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<32x32xf32>, memref<32x32xf32>) outs(%c : memref<32x32xf32>)
      attrs = {ssd.lhs_triangle = "lower"} {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Remainders are tiles of their own size.

// CHECK-LABEL: func.func @pointwise
// CHECK:         math.exp {{.*}} : vector<32xf32>
// CHECK:         math.exp {{.*}} : vector<8xf32>
// CHECK-NOT:     mask
func.func @pointwise(%a: memref<8x40xf32>, %b: memref<8x40xf32>) {
  linalg.exp ins(%a : memref<8x40xf32>) outs(%b : memref<8x40xf32>)
  return
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// A point-wise operation that writes what the product adds to is computed in
// the accumulators.

// CHECK-LABEL: func.func @prologue
// CHECK-SAME:    %{{.*}}, %{{.*}}, %[[C:.*]]: memref<8x32xf32>, %[[V:.*]]: memref<8xf32>
// CHECK-NOT:     scf.for
// CHECK-DAG:     %[[OLD:.*]] = vector.transfer_read %[[C]]{{.*}} vector<8x32xf32>
// CHECK-DAG:     %[[ROWS:.*]] = vector.transfer_read %[[V]]{{.*}} vector<8xf32>
// CHECK:         %[[START:.*]] = arith.mulf %{{.*}} : vector<8x32xf32>
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %[[START]])
func.func @prologue(%a: memref<8x20xf32>, %b: memref<20x32xf32>, %c: memref<8x32xf32>, %v: memref<8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%c, %v : memref<8x32xf32>, memref<8xf32>) outs(%c : memref<8x32xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    linalg.yield %p : f32
  }
  linalg.generic {indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<8x20xf32>, memref<20x32xf32>) outs(%c : memref<8x32xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// It stays where it is when what it reads is written before the product.

// CHECK-LABEL: func.func @no_prologue
// CHECK-SAME:    %{{.*}}, %{{.*}}, %[[C:.*]]: memref<8x32xf32>
// CHECK:         scf.for
// CHECK:           arith.mulf {{.*}} : vector<32xf32>
// CHECK:         vector.transfer_write {{.*}} : vector<8xf32>
// CHECK:         %[[START:.*]] = vector.transfer_read %[[C]]{{.*}} vector<8x32xf32>
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %[[START]])
func.func @no_prologue(%a: memref<8x20xf32>, %b: memref<20x32xf32>, %c: memref<8x32xf32>, %v: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%c, %v : memref<8x32xf32>, memref<8xf32>) outs(%c : memref<8x32xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    linalg.yield %p : f32
  }
  linalg.fill ins(%zero : f32) outs(%v : memref<8xf32>)
  linalg.generic {indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<8x20xf32>, memref<20x32xf32>) outs(%c : memref<8x32xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

// A product of one row does not transpose the second operand: eight sums side
// by side, vectors along the contracted dimension, the rest narrower.

// CHECK-LABEL: func.func @one_row
// CHECK-NOT:     memref.alloc
// CHECK:         scf.for
// CHECK:           scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, {{.*}}vector<16xf32>)
// CHECK-COUNT-8:     vector.fma
// CHECK-COUNT-8:   vector.reduction <add>, {{.*}} : vector<16xf32> into f32
// CHECK-COUNT-8:   vector.reduction <add>, {{.*}} : vector<4xf32> into f32
// CHECK:           vector.transfer_write {{.*}} : vector<1x8xf32>
func.func @one_row(%a: memref<1x36xf32>, %b: memref<16x36xf32>, %c: memref<1x16xf32>) {
  linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<1x36xf32>, memref<16x36xf32>) outs(%c : memref<1x16xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  }
  return
}

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: mamba-opt %s -split-input-file -verify-diagnostics

// chunk_scan: sizes
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{chunk and heads must be at least 1, but are 0 and 4}}
  %y = ssd.chunk_scan chunk 0 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C1)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{operand 0 has rank 4, but 3 roles}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C1)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{operand 0 must have its roles in the order batch, time, head, channel, state, each once}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [time, batch, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C1)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{output 0 must have its roles in the order batch, time, head, channel, state, each once}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, channel, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C2)
func.func @f(%x: tensor<?x?x3x8xf32>) {
  // expected-error @below {{operand 0 has 3 heads, which do not divide 4}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x3x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C2)
func.func @f(%x: tensor<?x?x0x8xf32>) {
  // expected-error @below {{operand 0 has 0 heads, which do not divide 4}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x0x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C2)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{output 0 has 2 heads, which is not 4}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x2x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C2)
func.func @f(%x: tensor<?x?x4x?xf32>) {
  // expected-error @below {{operand 0 must have a static channel size}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x?xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C3)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{body's argument value 0 must be 'tensor<16x8xf32>', but is 'tensor<32x8xf32>'}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<32x8xf32>):
    %z = arith.constant dense<0.0> : tensor<16x8xf32>
    ssd.yield %z : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C3)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{body must have an argument for each of 1 operands, but has 0}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0():
    %z = arith.constant dense<0.0> : tensor<16x8xf32>
    ssd.yield %z : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C4)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{body must have 1 yielded values, but has 2}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt, %xt : tensor<16x8xf32>, tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C4)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{body's yielded value 0 must be 'tensor<16x8xf32>', but is 'tensor<8x16xf32>'}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    %z = arith.constant dense<0.0> : tensor<8x16xf32>
    ssd.yield %z : tensor<8x16xf32>
  }
  return
}

// -----
// chunk_scan (C4)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{next state 0 must be 'tensor<8x2xf32>', but is 'tensor<16x8xf32>'}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>, %s: tensor<8x2xf32>):
    ssd.yield %xt, %xt : tensor<16x8xf32>, tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C5)
func.func @f(%x: tensor<?x?x4x8xf32>, %s0: tensor<?x4x8x2xf32>) {
  // expected-error @below {{has 1 inits, but 0 carried states}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      inits(%s0 : tensor<?x4x8x2xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C5)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  // expected-error @below {{state 0 is 'tensor<?x4x8x3xf32>', which does not hold 4 heads of 'tensor<8x2xf32>'}}
  %y, %s1 = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>)
      finals(tensor<?x4x8x3xf32>) {
  ^bb0(%xt: tensor<16x8xf32>, %s: tensor<8x2xf32>):
    ssd.yield %xt, %s : tensor<16x8xf32>, tensor<8x2xf32>
  }
  return
}

// -----
// chunk_scan (C6)
func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{needs an operand with batch and time dimensions}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [head] : tensor<4xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<f32>):
    %z = arith.constant dense<0.0> : tensor<16x8xf32>
    ssd.yield %z : tensor<16x8xf32>
  }
  return
}

// -----
// chunk_scan (C6)
func.func @f(%x: tensor<?x8x4xf32>, %z: tensor<?x9x4xf32>) {
  // expected-error @below {{operand 1 has time size 9, but other operands have 8}}
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head] : tensor<?x8x4xf32>, %z as [batch, time, head] : tensor<?x9x4xf32>)
      outs([batch, time, head] : tensor<?x8x4xf32>) {
  ^bb0(%xt: tensor<16xf32>, %zt: tensor<16xf32>):
    ssd.yield %xt : tensor<16xf32>
  }
  return
}

// -----
// pad (C2)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    %z = arith.constant dense<0.0> : tensor<8x8xf32>
    // expected-error @below {{pads 8 rows, but the chunk has 16}}
    %p = ssd.pad %z with 0.0 : tensor<8x8xf32>
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

// -----
// pad (C1)
func.func @f(%x: tensor<?x?x4x8xf32>) {
  %y = ssd.chunk_scan chunk 16 heads 4
      ins(%x as [batch, time, head, channel] : tensor<?x?x4x8xf32>)
      outs([batch, time, head, channel] : tensor<?x?x4x8xf32>) {
  ^bb0(%xt: tensor<16x8xf32>):
    %z = arith.constant dense<0.0> : tensor<f32>
    // expected-error @below {{expects a tile of rank 1 or 2, but got 'tensor<f32>'}}
    %p = ssd.pad %z with 0.0 : tensor<f32>
    ssd.yield %xt : tensor<16x8xf32>
  }
  return
}

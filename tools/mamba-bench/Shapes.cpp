// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;

namespace mamba::tools {

/// Layers of published models, and the corners of what kernels are made for.
static const BenchShape namedShapes[] = {
    {"S1", 8, 4096, 80, 64, 128, 1},  // training, 2.7B model
    {"S2", 16, 2048, 24, 64, 128, 1}, // training, 130M model
    {"S3", 2, 8192, 128, 64, 128, 8}, // training, 8B model
    {"S4", 1, 65536, 24, 64, 128, 1}, // one long sequence
    {"S5", 1, 4096, 24, 64, 128, 1},  // one prefill
    {"S6", 16, 4096, 64, 64, 64, 1},  // small state
    {"S7", 4, 4096, 32, 64, 256, 1},  // wide state
    {"S8", 4, 4096, 32, 128, 128, 1}, // big head
};

std::string BenchShape::formatSizes() const {
  return formatv("{0}x{1}x{2}x{3}x{4}x{5}", batch, time, heads, headdim, state,
                 groups)
      .str();
}

std::string listShapes() {
  std::string text;
  for (const BenchShape &shape : namedShapes)
    text += (text.empty() ? "" : ", ") + shape.name + " (" +
            shape.formatSizes() + ")";
  return text;
}

/// A shape from six sizes; the text is its name.
static Expected<BenchShape> parseSizes(StringRef text) {
  SmallVector<StringRef> words;
  text.split(words, 'x');
  BenchShape shape{text.str(), 0, 0, 0, 0, 0, 0};
  int64_t *sizes[] = {&shape.batch,   &shape.time,  &shape.heads,
                      &shape.headdim, &shape.state, &shape.groups};
  bool isValid = words.size() == std::size(sizes);
  for (size_t i = 0; isValid && i < words.size(); ++i)
    isValid = !words[i].getAsInteger(10, *sizes[i]) && *sizes[i] >= 1;
  if (!isValid)
    return createStringError(
        "there is no shape '" + text + "'; there is " + listShapes() +
        ", and BATCHxTIMExHEADSxHEADDIMxSTATExGROUPS with sizes of at least 1");
  if (shape.heads % shape.groups != 0)
    return createStringError("shape " + text + ": " + Twine(shape.heads) +
                             " heads cannot be shared by " +
                             Twine(shape.groups) + " groups evenly");
  return shape;
}

Expected<std::vector<BenchShape>> parseShapes(StringRef list) {
  std::vector<BenchShape> shapes;
  SmallVector<StringRef> words;
  list.split(words, ',');
  for (StringRef word : words) {
    if (word == "all") {
      append_range(shapes, namedShapes);
      continue;
    }
    const auto *named = find_if(
        namedShapes, [&](const BenchShape &row) { return row.name == word; });
    if (named != std::end(namedShapes)) {
      shapes.push_back(*named);
      continue;
    }
    auto shape = parseSizes(word);
    if (!shape)
      return shape.takeError();
    shapes.push_back(std::move(*shape));
  }
  return shapes;
}

std::string MixerVariant::formatSuffix() const {
  return std::string(gate ? "/gate" : "") + (softplus ? "/softplus" : "") +
         (init ? "/init" : "");
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

// In the parts below, $H is the number of heads, $P the headdim, $N the state
// size, $G the number of groups and $R = 1/√N, which keeps C·B near N(0, 1).
// dt is near Mamba-2's initial 0.001 … 0.1, A in its initial range.

static constexpr StringLiteral headText = R"mlir(
#bthp = affine_map<(b, t, h, p) -> (b, t, h, p)>
#per_head = affine_map<(b, t, h, p) -> (h)>
#bth = affine_map<(b, t, h) -> (b, t, h)>
#h = affine_map<(b, t, h) -> (h)>

// y = M x + D x,  M_ij = (C_i · B_j) exp(Σ_{j<k≤i} A dt_k) dt_j
func.func @mamba2(
    %x: tensor<?x?x$Hx$Pxbf16> {ssd.name = "x"},
    %dt_in: tensor<?x?x$Hxf32> {ssd.name = "dt", ssd.init = "$dt"},
    %A: tensor<$Hxf32> {ssd.name = "A", ssd.init = "uniform -2.7 -1"},
    %B: tensor<?x?x$Gx$Nxbf16> {ssd.name = "B", ssd.init = "normal 0 $R"},
    %C: tensor<?x?x$Gx$Nxbf16> {ssd.name = "C"},
    %D: tensor<$Hxf32> {ssd.name = "D"}$arguments)
    -> (tensor<?x?x$Hx$Pxbf16> {ssd.name = "y"},
        tensor<?x$Hx$Px$Nxf32> {ssd.name = "S"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x$Hx$Pxbf16>
  %time = tensor.dim %x, %c1 : tensor<?x?x$Hx$Pxbf16>
  %per_token = tensor.empty(%batch, %time) : tensor<?x?x$Hxf32>
)mlir";

static constexpr StringLiteral softplusText = R"mlir(
  // Beyond 20, softplus(u) is u.
  %dt = linalg.generic {indexing_maps = [#bth, #h, #bth],
                        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt_in, %bias : tensor<?x?x$Hxf32>, tensor<$Hxf32>)
      outs(%per_token : tensor<?x?x$Hxf32>) {
  ^bb0(%raw: f32, %offset: f32, %out: f32):
    %large = arith.constant 20.0 : f32
    %u = arith.addf %raw, %offset : f32
    %exp = math.exp %u : f32
    %log = math.log1p %exp : f32
    %is_large = arith.cmpf ogt, %u, %large : f32
    %softplus = arith.select %is_large, %u, %log : f32
    linalg.yield %softplus : f32
  } -> tensor<?x?x$Hxf32>
)mlir";

static constexpr StringLiteral mixerText = R"mlir(
  %log_decay = linalg.generic {
      indexing_maps = [#bth, #h, #bth],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins($step, %A : tensor<?x?x$Hxf32>, tensor<$Hxf32>)
      outs(%per_token : tensor<?x?x$Hxf32>) {
  ^bb0(%step: f32, %rate: f32, %out: f32):
    %product = arith.mulf %step, %rate : f32
    linalg.yield %product : f32
  } -> tensor<?x?x$Hxf32>
  %L = ssd.decay %log_decay : tensor<?x?x$Hxf32>
  %LB = ssd.low_rank %C, %B : tensor<?x?x$Gx$Nxbf16>, tensor<?x?x$Gx$Nxbf16>
  %K = ssd.hadamard %L, %LB : !ssd.matrix<?x$Hx?, causal>, !ssd.matrix<?x$Gx?, full>
  %M = ssd.scale_columns %K, $step : !ssd.matrix<?x$Hx?, causal>, tensor<?x?x$Hxf32>
  %mixed, %S = ssd.apply %M, %x$init
      : !ssd.matrix<?x$Hx?, causal>, tensor<?x?x$Hx$Pxbf16>$initType
      -> tensor<?x?x$Hx$Pxf32>, tensor<?x$Hx$Px$Nxf32>
  %result = tensor.empty(%batch, %time) : tensor<?x?x$Hx$Pxbf16>
)mlir";

static constexpr StringLiteral skipText = R"mlir(
  %y = linalg.generic {
      indexing_maps = [#bthp, #bthp, #per_head, #bthp],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mixed, %x, %D : tensor<?x?x$Hx$Pxf32>, tensor<?x?x$Hx$Pxbf16>,
                           tensor<$Hxf32>)
      outs(%result : tensor<?x?x$Hx$Pxbf16>) {
  ^bb0(%m: f32, %x16: bf16, %d: f32, %out: bf16):
    %x32 = arith.extf %x16 : bf16 to f32
    %skip = arith.mulf %d, %x32 : f32
    %sum = arith.addf %m, %skip : f32
    %rounded = arith.truncf %sum : f32 to bf16
    linalg.yield %rounded : bf16
  } -> tensor<?x?x$Hx$Pxbf16>
)mlir";

static constexpr StringLiteral gateText = R"mlir(
  // silu(z) = z / (1 + exp(−z))
  %y = linalg.generic {
      indexing_maps = [#bthp, #bthp, #per_head, #bthp, #bthp],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mixed, %x, %D, %z : tensor<?x?x$Hx$Pxf32>, tensor<?x?x$Hx$Pxbf16>,
                               tensor<$Hxf32>, tensor<?x?x$Hx$Pxbf16>)
      outs(%result : tensor<?x?x$Hx$Pxbf16>) {
  ^bb0(%m: f32, %x16: bf16, %d: f32, %z16: bf16, %out: bf16):
    %one = arith.constant 1.0 : f32
    %x32 = arith.extf %x16 : bf16 to f32
    %z32 = arith.extf %z16 : bf16 to f32
    %skip = arith.mulf %d, %x32 : f32
    %sum = arith.addf %m, %skip : f32
    %minus = arith.negf %z32 : f32
    %exp = math.exp %minus : f32
    %denominator = arith.addf %one, %exp : f32
    %silu = arith.divf %z32, %denominator : f32
    %gated = arith.mulf %sum, %silu : f32
    %rounded = arith.truncf %gated : f32 to bf16
    linalg.yield %rounded : bf16
  } -> tensor<?x?x$Hx$Pxbf16>
)mlir";

static constexpr StringLiteral endText = R"mlir(
  return %y, %S : tensor<?x?x$Hx$Pxbf16>, tensor<?x$Hx$Px$Nxf32>
}
)mlir";

std::string makeMixerText(const BenchShape &shape,
                          const MixerVariant &variant) {
  std::string text = headText.str();
  if (variant.softplus)
    text += softplusText;
  text += mixerText;
  text += variant.gate ? gateText : skipText;
  text += endText;
  std::string arguments;
  if (variant.gate)
    arguments += ",\n    %z: tensor<?x?x$Hx$Pxbf16> {ssd.name = \"z\"}";
  if (variant.softplus)
    arguments += ",\n    %bias: tensor<$Hxf32> {ssd.name = \"dt_bias\", "
                 "ssd.init = \"uniform -7 -2\"}";
  if (variant.init)
    arguments += ",\n    %S0: tensor<?x$Hx$Px$Nxf32> {ssd.name = \"S0\"}";
  // Those whose names begin with a shorter one's, or whose values hold others,
  // come first.
  const std::pair<StringRef, std::string> substitutions[] = {
      {"$initType", variant.init ? ", tensor<?x$Hx$Px$Nxf32>" : ""},
      {"$init", variant.init ? " init %S0" : ""},
      {"$arguments", arguments},
      {"$step", variant.softplus ? "%dt" : "%dt_in"},
      {"$dt", variant.softplus ? "normal" : "uniform 0.001 0.1"},
      {"$H", std::to_string(shape.heads)},
      {"$P", std::to_string(shape.headdim)},
      {"$N", std::to_string(shape.state)},
      {"$G", std::to_string(shape.groups)},
      {"$R", std::to_string(1 / std::sqrt(double(shape.state)))},
  };
  for (const auto &[name, value] : substitutions)
    for (size_t at = text.find(name); at != std::string::npos;
         at = text.find(name, at + value.size()))
      text.replace(at, name.size(), value);
  return StringRef(text).ltrim().str();
}

} // namespace mamba::tools

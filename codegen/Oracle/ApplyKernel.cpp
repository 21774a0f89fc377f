// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Oracle/ApplyKernel.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mamba::ssd;

namespace mamba::codegen {

namespace {

/// What a thread's local memory holds at most, in numbers.
constexpr int64_t kMaxStateSize = 4096;

} // namespace

using Text = TensorPrinter::Text;

ApplyKernel::ApplyKernel(ApplyOp op, TensorPrinter &tensors)
    : op(op), tensors(tensors) {
  auto type = cast<RankedTensorType>(op.getY().getType());
  auto matrix = cast<MatrixType>(op.getMatrix().getType());
  isCausal = matrix.getSupport() == Support::Causal;
  heads = type.getDimSize(2);
  channels = type.getDimSize(3);
}

/// The sum (of logarithms) or product of factors at token t; "" for none.
Text ApplyKernel::combine(ArrayRef<TokenFactor> factors, StringRef sign) {
  std::string text;
  for (const TokenFactor &factor : factors) {
    auto type = cast<RankedTensorType>(factor.tensor.getType());
    TensorPrinter::Texts index = {"b", "t", factor.head};
    if (type.getRank() == 1)
      index = {factor.head};
    Text element = tensors.element(factor.tensor, index);
    if (failed(element))
      return failure();
    text += (text.empty() ? "" : sign.str()) + *element;
  }
  return text;
}

/// Component n of a key at token t.
Text ApplyKernel::keyComponent(ArrayRef<KeyFactor> factors, int64_t stateSize) {
  std::string text = factors.empty() ? "1.0" : "";
  for (const KeyFactor &factor : factors) {
    std::string n = "n";
    if (factor.size != stateSize)
      n = llvm::formatv("n / {0} % {1}", factor.divisor, factor.size);
    Text element = tensors.element(factor.keys, {"b", "t", factor.head, n});
    if (failed(element))
      return failure();
    text += (text.empty() ? "" : " * ") + *element;
  }
  return text;
}

/// One token of one term. What is read before the token's own write is
/// strict. A causal state decays as it enters a token, an anti-causal one as
/// it leaves.
Text ApplyKernel::printTerm(const MatrixTerm &term, int64_t offset) {
  Text logDecay = combine(term.logDecays, " + ");
  Text readScale = combine(term.readScales, " * ");
  Text writeScale = combine(term.writeScales, " * ");
  Text read = keyComponent(term.read, term.stateSize);
  Text write = keyComponent(term.write, term.stateSize);
  for (const Text &part : {logDecay, readScale, writeScale, read, write})
    if (failed(part))
      return failure();
  std::string decay = "        value *= decay;\n";
  std::string reading = "        sum += " + *read + " * value;\n";
  std::string writing = "        value += " + *write + " * input;\n";
  std::string text = llvm::formatv(
      "    {{\n"
      "      const double decay = {0};\n"
      "      const double input = x{1}{2};\n"
      "      double sum = 0;\n"
      "#pragma unroll 1\n"
      "      for (int n = 0; n < {3}; ++n) {{\n"
      "        double value = s[{4} + n];\n",
      logDecay->empty() ? "1.0" : "exp(" + *logDecay + ")",
      writeScale->empty() ? "" : " * ", *writeScale, term.stateSize, offset);
  text += isCausal ? decay : "";
  text += term.strict ? reading + writing : writing + reading;
  text += isCausal ? "" : decay;
  text += llvm::formatv("        s[{0} + n] = value;\n"
                        "      }\n"
                        "      y += sum{1}{2};\n"
                        "    }\n",
                        offset, readScale->empty() ? "" : " * ", *readScale);
  return text;
}

/// One token: all terms, and the result.
Text ApplyKernel::printToken() {
  auto matrix = cast<MatrixType>(op.getMatrix().getType());
  auto terms = buildMatrixTerms(op.getMatrix(),
                                shareHead("h", heads, matrix.getHeads()));
  if (failed(terms))
    return failure();
  int64_t xHeads = cast<RankedTensorType>(op.getX().getType()).getDimSize(2);
  Text x = tensors.element(op.getX(),
                           {"b", "t", shareHead("h", heads, xHeads), "p"});
  Text y = printStore(op.getY(), {"b", "t", "h", "p"}, "y");
  if (failed(x) || failed(y))
    return failure();
  std::string text = "    const double x = " + *x + ";\n    double y = 0;\n";
  for (const MatrixTerm &term : *terms) {
    Text part = printTerm(term, stateSize);
    if (failed(part))
      return failure();
    text += *part;
    stateSize += term.stateSize;
  }
  if (stateSize > kMaxStateSize)
    return op.emitError("has a state of ")
           << stateSize << " numbers a channel, the oracle's limit is "
           << kMaxStateSize;
  return text + "    " + *y;
}

/// A component of the state before the first token.
Text ApplyKernel::printInit() {
  if (!op.getInit())
    return std::string("0");
  return tensors.element(op.getInit(), {"b", "h", "p", "n"});
}

/// Stores a result if somebody uses it.
Text ApplyKernel::printStore(Value tensor, ArrayRef<std::string> index,
                             StringRef value) {
  if (!tensor || !tensors.isStored(tensor))
    return std::string(";\n");
  Text place = tensors.place(tensor, index);
  if (failed(place))
    return failure();
  return "store(" + *place + ", " + value.str() + ");\n";
}

Text ApplyKernel::print(OraclePlan &plan) {
  if (cast<MatrixType>(op.getMatrix().getType()).getSupport() == Support::Full)
    return op.emitError("applies a full matrix, which has no token recurrence");
  FailureOr<mamba_dim> batch = tensors.size(op.getY(), 0);
  FailureOr<mamba_dim> length = tensors.size(op.getY(), 1);
  Text token = printToken();
  Text init = printInit();
  Text final = printStore(op.getFinal(), {"b", "h", "p", "n"}, "s[n]");
  if (failed(batch) || failed(length) || failed(token) || failed(init) ||
      failed(final))
    return failure();
  // A thread block works on channels of one batch item.
  int64_t items = heads * channels;
  int64_t blocks = (items + kOracleBlockSize - 1) / kOracleBlockSize;
  std::string head = plan.addKernel({*batch, MAMBA_DIM_STATIC(blocks)});
  std::string tokens = TensorPrinter::sizeText(*length);
  return llvm::formatv(
             "{0}"
             "  const long long b = blockIdx.x / {1};\n"
             "  const long long item = blockIdx.x % {1} * {2} + threadIdx.x;\n"
             "  if (item >= {3})\n"
             "    return;\n"
             "  const long long h = item / {4}, p = item % {4};\n"
             "  double s[{5}];\n"
             "  for (int n = 0; n < {5}; ++n)\n"
             "    s[n] = {6};\n"
             "  for (long long step = 0; step < {7}; ++step) {{\n"
             "    const long long t = {8};\n"
             "{9}  }\n"
             "  for (int n = 0; n < {5}; ++n)\n"
             "    {10}"
             "}\n\n",
             head, blocks, kOracleBlockSize, items, channels, stateSize, *init,
             tokens, isCausal ? "step" : tokens + " - 1 - step", *token, *final)
      .str();
}

} // namespace mamba::codegen

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/unit/tools/MixerCall.h"

#include "tools/runner/Inputs.h"
#include "tools/support/Float16.h"
#include "llvm/Support/Parallel.h"

#include <cmath>
#include <cstring>
#include <mutex>

using namespace mamba::tools;

namespace mamba::test {

const HostTensor *MixerCall::find(llvm::StringRef name) const {
  for (auto [i, input] : llvm::enumerate(inputs))
    if (names[i] == name)
      return &input;
  return nullptr;
}

/// Drawn values, the first million of them again and again.
static HostTensor draw(const TensorSpec &spec, llvm::ArrayRef<int64_t> shape,
                       uint64_t seed) {
  // A prime number, so that repetitions fall differently on every row.
  constexpr int64_t patternElements = 1048583;
  HostTensor tensor(*spec.type, shape);
  int64_t elements = ssd::countElements(shape);
  HostTensor pattern = HostTensor::round(
      *spec.type, llvm::cantFail(drawValues(
                      spec, {std::min(elements, patternElements)}, seed)));
  int64_t bytes = pattern.getNumBytes();
  for (int64_t at = 0; at < tensor.getNumBytes(); at += bytes)
    std::memcpy(tensor.data() + at, pattern.data(),
                std::min(bytes, tensor.getNumBytes() - at));
  return tensor;
}

MixerCall drawCall(const Signature &signature, int64_t batch, int64_t time,
                   uint64_t seed, const Inits &inits) {
  CallSizes sizes;
  llvm::cantFail(sizes.set("batch", batch));
  llvm::cantFail(sizes.set("time", time));
  MixerCall call;
  for (TensorSpec spec : signature.inputs) {
    for (const auto &[name, init] : inits)
      if (name == spec.name)
        spec.init = init;
    call.names.push_back(spec.name);
    call.inputs.push_back(
        draw(spec, llvm::cantFail(sizes.getShape(spec)), seed));
  }
  for (const TensorSpec &spec : signature.outputs)
    call.outputs.emplace_back(*spec.type, llvm::cantFail(sizes.getShape(spec)))
        .poison();
  return call;
}

//===----------------------------------------------------------------------===//
// The recurrence
//===----------------------------------------------------------------------===//

namespace {

/// Σ (out − exact)² and Σ exact².
struct Squares {
  double deviation = 0, exact = 0;

  void add(double out, double value) {
    deviation += (out - value) * (out - value);
    exact += value * value;
  }
  double getError() const {
    return std::sqrt(exact > 0 ? deviation / exact : deviation);
  }
};

/// Rows of the state that are walked together.
constexpr int64_t blockRows = 8;

/// The recurrence of `blockRows` channels of one head of one batch item.
class Walk {
public:
  Walk(const MixerCall &call, int64_t batch, int64_t head, int64_t row);

  void run();

  Squares y, state;

private:
  void load(const HostTensor &tensor, int64_t token, std::vector<double> &row);
  void step(int64_t token);
  double getStep(int64_t token) const;

  const HostTensor &x, &dt, &rate, &keys, &queries, &skip;
  const HostTensor *gate, *bias; ///< Null where there is none.
  const HostTensor &outY, &outState;
  int64_t batch, head, row;
  int64_t time, heads, channels, groups, states, rows;
  std::vector<double> carried, key, query;
};

} // namespace

static double loadHalf(const HostTensor &tensor, int64_t index) {
  assert(llvm::StringRef(tensor.getType().name) == "bf16");
  uint16_t bits;
  std::memcpy(&bits, tensor.data() + 2 * index, sizeof(bits));
  return Bfloat16::toDouble(bits);
}

static double loadElement(const HostTensor &tensor, int64_t index) {
  const ElementType &type = tensor.getType();
  return type.load(tensor.data() + type.bytes * index);
}

Walk::Walk(const MixerCall &call, int64_t batch, int64_t head, int64_t row)
    : x(*call.find("x")), dt(*call.find("dt")), rate(*call.find("A")),
      keys(*call.find("B")), queries(*call.find("C")), skip(*call.find("D")),
      gate(call.find("z")), bias(call.find("dt_bias")), outY(call.getY()),
      outState(call.getState()), batch(batch), head(head), row(row),
      time(x.getShape()[1]), heads(x.getShape()[2]), channels(x.getShape()[3]),
      groups(keys.getShape()[2]), states(keys.getShape()[3]) {
  rows = std::min(blockRows, channels - row);
  key.resize(states);
  query.resize(states);
  carried.resize(rows * states);
  int64_t first = ((batch * heads + head) * channels + row) * states;
  if (const HostTensor *initial = call.find("S0"))
    for (auto [i, value] : llvm::enumerate(carried))
      value = loadElement(*initial, first + i);
}

void Walk::load(const HostTensor &tensor, int64_t token,
                std::vector<double> &values) {
  int64_t group = head / (heads / groups);
  int64_t first = ((batch * time + token) * groups + group) * states;
  for (int64_t n = 0; n < states; ++n)
    values[n] = loadHalf(tensor, first + n);
}

double Walk::getStep(int64_t token) const {
  double raw = loadElement(dt, (batch * time + token) * heads + head);
  return bias ? std::log1p(std::exp(raw + loadElement(*bias, head))) : raw;
}

void Walk::step(int64_t token) {
  load(keys, token, key);
  load(queries, token, query);
  double size = getStep(token);
  double decay = std::exp(size * loadElement(rate, head));
  double direct = loadElement(skip, head);
  for (int64_t p = 0; p < rows; ++p) {
    int64_t index =
        ((batch * time + token) * heads + head) * channels + row + p;
    double value = loadHalf(x, index);
    double *line = &carried[p * states];
    // Several sums, so that they are computed side by side.
    constexpr int64_t width = 8;
    double sums[width] = {};
    for (int64_t n = 0; n < states; n += width)
      for (int64_t i = 0; i < width; ++i) {
        line[n + i] = decay * line[n + i] + size * value * key[n + i];
        sums[i] += line[n + i] * query[n + i];
      }
    double sum = direct * value;
    for (double part : sums)
      sum += part;
    if (gate) {
      double z = loadHalf(*gate, index);
      sum *= z / (1 + std::exp(-z));
    }
    y.add(loadElement(outY, index), sum);
  }
}

void Walk::run() {
  assert(states % 8 == 0 && "rows of the state are taken in eights");
  for (int64_t token = 0; token < time; ++token)
    step(token);
  int64_t first = ((batch * heads + head) * channels + row) * states;
  for (auto [i, value] : llvm::enumerate(carried))
    state.add(loadElement(outState, first + i), value);
}

MixerErrors compareWithRecurrence(const MixerCall &call) {
  llvm::ArrayRef<int64_t> shape = call.find("x")->getShape();
  int64_t batch = shape[0], heads = shape[2];
  int64_t blocks = llvm::divideCeil(shape[3], blockRows);
  Squares y, state;
  std::mutex mutex;
  llvm::parallelFor(0, batch * heads * blocks, [&](int64_t task) {
    Walk walk(call, task / blocks / heads, task / blocks % heads,
              task % blocks * blockRows);
    walk.run();
    std::lock_guard<std::mutex> guard(mutex);
    y.deviation += walk.y.deviation;
    y.exact += walk.y.exact;
    state.deviation += walk.state.deviation;
    state.exact += walk.state.exact;
  });
  return {y.getError(), state.getError()};
}

} // namespace mamba::test

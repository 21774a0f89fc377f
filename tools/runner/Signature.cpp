// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/Signature.h"

#include "dialect/IR/SsdOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mamba::tools {

static llvm::Error makeError(const Twine &message) {
  return llvm::createStringError(message);
}

std::string formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(
      shape, stream,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          stream << '?';
        else
          stream << size;
      },
      "x");
  return shape.empty() ? "scalar" : text;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

llvm::Expected<func::FuncOp> findEntry(ModuleOp module, StringRef entry) {
  SmallVector<func::FuncOp> candidates;
  std::string names;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isDeclaration())
      continue;
    names += (names.empty() ? "@" : ", @") + function.getName().str();
    if (entry.empty() ? function.isPublic() : function.getName() == entry)
      candidates.push_back(function);
  }
  if (candidates.size() == 1)
    return candidates.front();
  if (names.empty())
    return makeError("the file has no function");
  if (entry.empty())
    return makeError("the file has " + Twine(candidates.size()) +
                     " public functions; choose one with --entry: " + names);
  return makeError("there is no function @" + entry + "; there is " + names);
}

/// Whether the value is used as a log decay, perhaps after a cast.
static bool isUsedAsLogDecay(Value value) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isa<arith::ExtFOp, arith::TruncFOp, tensor::CastOp>(user) &&
        isUsedAsLogDecay(user->getResult(0)))
      return true;
    if (auto decay = dyn_cast<ssd::DecayOp>(user);
        decay && decay.getLogDecay() == value)
      return true;
    if (auto mixer = dyn_cast<ssd::StateSpaceOp>(user);
        mixer && mixer.getLogDecay() == value)
      return true;
  }
  return false;
}

static llvm::Expected<TensorSpec> makeSpec(StringRef what, unsigned position,
                                           Type type, StringAttr name) {
  TensorSpec spec;
  spec.name = name ? name.str() : std::to_string(position);
  auto tensor = dyn_cast<RankedTensorType>(type);
  spec.type = tensor ? lookupElementType(tensor.getElementType()) : nullptr;
  if (!spec.type) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return makeError(what + " '" + spec.name + "' has type " + text +
                     ", but only ranked tensors of bf16, f16, f32 and f64 can "
                     "be passed");
  }
  spec.shape.append(tensor.getShape().begin(), tensor.getShape().end());
  return spec;
}

llvm::Expected<Signature> getSignature(func::FuncOp function) {
  Signature signature;
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto spec =
        makeSpec("argument", i, argument.getType(),
                 function.getArgAttrOfType<StringAttr>(i, ssd::kNameAttr));
    if (!spec)
      return spec.takeError();
    if (auto init = function.getArgAttrOfType<StringAttr>(i, ssd::kInitAttr))
      spec->init = init.str();
    spec->isLogDecay = isUsedAsLogDecay(argument);
    signature.inputs.push_back(std::move(*spec));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    auto spec =
        makeSpec("result", i, type,
                 function.getResultAttrOfType<StringAttr>(i, ssd::kNameAttr));
    if (!spec)
      return spec.takeError();
    signature.outputs.push_back(std::move(*spec));
  }
  for (const auto *specs : {&signature.inputs, &signature.outputs}) {
    llvm::StringMap<unsigned> seen;
    for (auto [i, spec] : llvm::enumerate(*specs))
      if (auto [other, isNew] = seen.try_emplace(spec.name, i); !isNew)
        return makeError(
            "@" + function.getName() + " has two " +
            (specs == &signature.inputs ? "arguments" : "results") +
            " called '" + spec.name + "'");
  }
  return signature;
}

llvm::Expected<unsigned> findTensor(ArrayRef<TensorSpec> specs, StringRef what,
                                    StringRef name) {
  for (auto [i, spec] : llvm::enumerate(specs))
    if (spec.name == name)
      return i;
  unsigned position;
  if (!name.getAsInteger(10, position) && position < specs.size())
    return position;
  std::string names;
  for (const TensorSpec &spec : specs)
    names += (names.empty() ? "" : ", ") + spec.name;
  return makeError("there is no " + what + " '" + name + "'; there is " +
                   names);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static constexpr const char *kSizeNames[] = {"batch", "time"};

llvm::Error CallSizes::unify(unsigned dim, int64_t size, const Twine &source) {
  if (sizes[dim] && *sizes[dim] != size)
    return makeError(source + " says " + kSizeNames[dim] + " = " + Twine(size) +
                     ", but " + sources[dim] + " says " + Twine(*sizes[dim]));
  sizes[dim] = size;
  sources[dim] = source.str();
  return llvm::Error::success();
}

llvm::Error CallSizes::addArray(const TensorSpec &spec,
                                ArrayRef<int64_t> shape) {
  bool fits = shape.size() == spec.shape.size();
  for (size_t dim = 0; fits && dim < shape.size(); ++dim)
    fits =
        ShapedType::isDynamic(spec.shape[dim]) || spec.shape[dim] == shape[dim];
  if (!fits)
    return makeError("the array given for '" + spec.name + "' has shape " +
                     formatShape(shape) + ", but its type has " +
                     formatShape(spec.shape));
  for (size_t dim = 0; dim < shape.size() && dim < 2; ++dim)
    if (ShapedType::isDynamic(spec.shape[dim]))
      if (llvm::Error error =
              unify(dim, shape[dim], "the array given for '" + spec.name + "'"))
        return error;
  return llvm::Error::success();
}

llvm::Error CallSizes::set(StringRef name, int64_t size) {
  if (size < 1)
    return makeError("--dim " + name + "=" + Twine(size) +
                     ": a size is at least 1");
  for (unsigned dim : {0, 1})
    if (name == kSizeNames[dim])
      return unify(dim, size, "--dim");
  return makeError("--dim " + name +
                   ": dynamic sizes are called batch and time");
}

llvm::Expected<SmallVector<int64_t, 4>>
CallSizes::getShape(const TensorSpec &spec) const {
  SmallVector<int64_t, 4> shape(spec.shape);
  for (auto [dim, size] : llvm::enumerate(shape)) {
    if (!ShapedType::isDynamic(size))
      continue;
    if (dim > 1)
      return makeError("dimension " + Twine(dim) + " of '" + spec.name +
                       "' is dynamic; only dimensions 0 (batch) and 1 (time) "
                       "may be");
    size = dim == 0 ? getBatch() : getTime();
  }
  return shape;
}

} // namespace mamba::tools

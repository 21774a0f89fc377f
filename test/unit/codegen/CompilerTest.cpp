// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The compiler as a library, through its C interface.

#include "codegen/Compiler/Compiler.h"
#include "codegen/Compiler/CompileCache.h"
#include "codegen/Compiler/mamba_compiler.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

namespace {

using testing::HasSubstr;

// y_i = Σ_{j ≤ i} (c_i · b_j) x_j: linear attention, here with one head.
constexpr const char *kLinearAttention = R"mlir(
func.func @attend(%x: tensor<?x?x1x8xTYPE> {ssd.name = "x"},
                  %b: tensor<?x?x1x8xTYPE> {ssd.name = "b"},
                  %c: tensor<?x?x1x8xTYPE> {ssd.name = "c"})
    -> (tensor<?x?x1x8xTYPE> {ssd.name = "y"}) {
  %M = ssd.state_space %c, %b : tensor<?x?x1x8xTYPE>, tensor<?x?x1x8xTYPE>
  %y = ssd.apply %M, %x : !ssd.matrix<?x1x?, causal>, tensor<?x?x1x8xTYPE>
      -> tensor<?x?x1x8xTYPE>
  return %y : tensor<?x?x1x8xTYPE>
}
)mlir";

std::string linearAttention(const std::string &type) {
  std::string text = kLinearAttention;
  for (size_t at; (at = text.find("TYPE")) != std::string::npos;)
    text.replace(at, 4, type);
  return text;
}

struct Compiled {
  char *message = nullptr;
  mamba_compiled *function;

  Compiled(const std::string &text, const char *entry, const char *target)
      : function(mamba_compile(text.c_str(), entry, target, &message)) {}
  ~Compiled() {
    mamba_compiled_free(function);
    mamba_compiler_free_message(message);
  }
};

TEST(Compiler, RunsOnTheCpu) {
  Compiled compiled(linearAttention("f32"), nullptr, "cpu");
  ASSERT_NE(compiled.function, nullptr) << compiled.message;
  EXPECT_EQ(compiled.message, nullptr);
  EXPECT_EQ(mamba_compiled_ptx(compiled.function), nullptr);
  const mamba_plan *plan = mamba_compiled_plan(compiled.function);
  ASSERT_EQ(plan->num_kernels, 1);
  ASSERT_EQ(plan->num_params, 4);
  EXPECT_STREQ(plan->params[3].name, "y");

  constexpr int64_t length = 37;
  std::vector<float> x(length * 8), b(length * 8), c(length * 8);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = float(i % 7) - 3;
    b[i] = float(i % 5) - 2;
    c[i] = float(i % 3) - 1;
  }
  std::vector<float> y(length * 8, -1.0e30f);
  const mamba_kernel &kernel = plan->kernels[0];
  float *data[] = {x.data(), b.data(), c.data(), y.data()};
  std::vector<void *> pointers;
  for (int32_t i = 0; i < kernel.num_params; ++i)
    pointers.push_back(data[kernel.params[i]]);
  struct Call {
    mamba_cpu_kernel kernel;
    void **pointers;
  } call{mamba_compiled_cpu_kernel(compiled.function, 0), pointers.data()};
  ASSERT_NE(call.kernel, nullptr);
  EXPECT_EQ(mamba_compiled_cpu_kernel(compiled.function, 1), nullptr);
  mamba_compiled_parallel_for(
      compiled.function, /*count=*/1,
      [](void *closure, int64_t begin, int64_t end) {
        auto *call = static_cast<Call *>(closure);
        call->kernel(call->pointers, 1, length, begin, end);
      },
      &call);

  // All values are small integers: the sums are exact.
  for (int64_t i = 0; i < length; ++i)
    for (int64_t p = 0; p < 8; ++p) {
      float expected = 0;
      for (int64_t j = 0; j <= i; ++j)
        for (int64_t n = 0; n < 8; ++n)
          expected += c[i * 8 + n] * b[j * 8 + n] * x[j * 8 + p];
      ASSERT_EQ(y[i * 8 + p], expected) << "token " << i << " channel " << p;
    }
}

TEST(Compiler, EmitsPtxWithThePlanOfItsLaunch) {
  Compiled compiled(linearAttention("bf16"), "attend", "sm_90a");
  ASSERT_NE(compiled.function, nullptr) << compiled.message;
  EXPECT_THAT(mamba_compiled_ptx(compiled.function),
              HasSubstr(".target sm_90a"));
  EXPECT_EQ(mamba_compiled_cpu_kernel(compiled.function, 0), nullptr);
  const mamba_plan *plan = mamba_compiled_plan(compiled.function);
  // For ranges of all chunks and for segments of sequences.
  ASSERT_EQ(plan->num_kernels, 2);
  EXPECT_EQ(plan->kernels[0].segment_chunks, 0);
  EXPECT_GT(plan->kernels[1].segment_chunks, 0);
  EXPECT_THAT(mamba_compiled_ptx(compiled.function),
              HasSubstr(plan->kernels[0].name));
  // A producer, a mask maker and two consumer warpgroups, one block each.
  const mamba_kernel &kernel = plan->kernels[0];
  EXPECT_EQ(kernel.block_size % 128, 0);
  EXPECT_GE(kernel.block_size, 3 * 128);
  EXPECT_GT(kernel.dynamic_shared_bytes, 0);
  EXPECT_EQ(kernel.chunk, 64);
  EXPECT_GT(kernel.gang, 0);
  EXPECT_EQ(kernel.num_tensor_maps, 4);
  EXPECT_EQ(plan->min_capability, 90);
  EXPECT_EQ(plan->exact_capability, 1);
}

struct Failure {
  const char *name;
  std::string text;
  const char *entry;
  const char *target;
  const char *expected;
};

class CompilerErrors : public testing::TestWithParam<Failure> {};

TEST_P(CompilerErrors, SaysWhatWhichAndWhere) {
  const Failure &failure = GetParam();
  Compiled compiled(failure.text, failure.entry, failure.target);
  ASSERT_EQ(compiled.function, nullptr);
  EXPECT_THAT(compiled.message, HasSubstr(failure.expected));
}

INSTANTIATE_TEST_SUITE_P(
    All, CompilerErrors,
    testing::Values(
        Failure{"Syntax", "func.func @f(", nullptr, "cpu", "source:1:13"},
        Failure{"Entry", linearAttention("f32"), "attention", "cpu",
                "the module has no function 'attention'; it has attend"},
        Failure{"Target", linearAttention("f32"), nullptr, "sm_70",
                "unknown target 'sm_70'; known targets are cpu, sm_80"},
        Failure{"Operands", linearAttention("f32"), nullptr, "sm_80", "f32"}),
    [](const auto &info) { return info.param.name; });

/// A directory that ends with the test.
class CompileCacheTest : public testing::Test {
protected:
  CompileCacheTest() {
    std::string pattern = testing::TempDir() + "mamba-compiled-XXXXXX";
    directory = mkdtemp(pattern.data());
  }
  ~CompileCacheTest() override { std::filesystem::remove_all(directory); }

  std::unique_ptr<mamba::codegen::CompiledFunction>
  compile(llvm::StringRef target = "sm_90a") {
    auto compiled = mamba::codegen::compileSource(
        linearAttention("bf16"), "", target, /*threads=*/1, directory);
    EXPECT_TRUE(bool(compiled)) << llvm::toString(compiled.takeError());
    return std::move(*compiled);
  }

  std::vector<std::filesystem::path> list() {
    std::vector<std::filesystem::path> files;
    for (const auto &entry : std::filesystem::directory_iterator(directory))
      files.push_back(entry.path());
    return files;
  }

  std::string directory;
};

TEST_F(CompileCacheTest, GivesTheSamePlanAndCode) {
  auto first = compile();
  ASSERT_EQ(list().size(), 1u);
  mamba::codegen::CompileCache cache(directory);
  auto key = cache.getKey(linearAttention("bf16"), "", "sm_90a");
  EXPECT_TRUE(cache.find(key).has_value());
  auto second = compile();
  EXPECT_STREQ(first->getPtx(), second->getPtx());
  const mamba_plan &a = first->getPlan(), &b = second->getPlan();
  EXPECT_STREQ(a.name, b.name);
  EXPECT_STREQ(a.target, b.target);
  ASSERT_EQ(a.num_params, b.num_params);
  ASSERT_EQ(a.num_symbols, b.num_symbols);
  ASSERT_EQ(a.num_kernels, b.num_kernels);
  for (int32_t i = 0; i < a.num_params; ++i) {
    EXPECT_STREQ(a.params[i].name, b.params[i].name);
    EXPECT_EQ(a.params[i].dims[1].symbol, b.params[i].dims[1].symbol);
  }
  EXPECT_STREQ(a.symbols[1].name, b.symbols[1].name);
  EXPECT_STREQ(a.kernels[0].name, b.kernels[0].name);
  EXPECT_EQ(a.kernels[0].block_size, b.kernels[0].block_size);
}

TEST_F(CompileCacheTest, KeysDependOnEverything) {
  mamba::codegen::CompileCache cache(directory);
  std::set<mamba::codegen::CompileCache::Key> keys = {
      cache.getKey("ab", "c", "sm_80"), cache.getKey("a", "bc", "sm_80"),
      cache.getKey("ab", "c", "sm_90a"), cache.getKey("ab", "", "sm_80")};
  EXPECT_EQ(keys.size(), 4u);
  // The CPU's code is loaded into the process and not kept.
  compile("cpu");
  EXPECT_TRUE(list().empty());
}

// Whatever byte is lost or changed, the entry is compiled anew.
TEST_F(CompileCacheTest, DamageCostsTimeOnly) {
  std::string ptx = compile("sm_80")->getPtx();
  std::filesystem::path path = list().front();
  auto size = std::filesystem::file_size(path);
  mamba::codegen::CompileCache cache(directory);
  auto key = cache.getKey(linearAttention("bf16"), "", "sm_80");
  for (uintmax_t length : {size - 1, size / 2, uintmax_t(39), uintmax_t(0)}) {
    std::filesystem::resize_file(path, length);
    EXPECT_FALSE(cache.find(key).has_value()) << length;
  }
  EXPECT_EQ(compile("sm_80")->getPtx(), ptx);
  for (std::streamoff at : {0, 33, 100, 2000}) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    char byte = char(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
    file.close();
    EXPECT_FALSE(cache.find(key).has_value()) << at;
    EXPECT_EQ(compile("sm_80")->getPtx(), ptx);
    EXPECT_TRUE(cache.find(key).has_value()) << at;
  }
}

TEST_F(CompileCacheTest, DirectoryThatCannotBeWritten) {
  std::filesystem::remove_all(directory);
  std::ofstream(directory) << "a file";
  EXPECT_NE(compile("sm_80")->getPtx(), nullptr);
}

TEST_F(CompileCacheTest, DirectoryOfTheEnvironment) {
  setenv("MAMBA_CACHE_DIR", directory.c_str(), 1);
  Compiled compiled(linearAttention("bf16"), nullptr, "sm_80");
  unsetenv("MAMBA_CACHE_DIR");
  EXPECT_NE(compiled.function, nullptr);
  EXPECT_EQ(list().size(), 1u);
}

} // namespace

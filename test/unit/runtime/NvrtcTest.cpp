// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Nvrtc.h"

#include "runtime/cuda/JitLink.h"

#include <gtest/gtest.h>

using namespace mamba::rt;
using namespace mamba::rt::cu;

namespace {

constexpr char kernel[] = R"(
extern "C" __global__ void twice(const float *x, float *y, long long n) {
  for (long long i = threadIdx.x; i < n; i += blockDim.x)
    y[i] = 2 * x[i];
})";

} // namespace

TEST(Nvrtc, AbsenceSaysWhatToSet) {
  setenv("MAMBA_NVRTC_PATH", "/nowhere/libnvrtc.so", 1);
  auto nvrtc = Nvrtc::open();
  unsetenv("MAMBA_NVRTC_PATH");
  EXPECT_EQ(nvrtc.status().code(), MAMBA_UNAVAILABLE);
  EXPECT_EQ(nvrtc.status().message().find(
                "NVRTC was not found; install it or set MAMBA_NVRTC_PATH: "
                "/nowhere/libnvrtc.so"),
            0u);
}

TEST(Nvrtc, CompilesToPtxAndCubin) {
  auto nvrtc = Nvrtc::open();
  if (!nvrtc.isOk())
    GTEST_SKIP() << "NVRTC was not found";
  EXPECT_GE(nvrtc->version(), 120);
  auto ptx = nvrtc->compile(kernel, "twice.cu", "compute_80", {"-DX=1"});
  ASSERT_TRUE(ptx.isOk()) << ptx.status().message();
  EXPECT_NE(ptx->find(".entry twice"), std::string::npos);
  EXPECT_NE(ptx->back(), '\0');
  auto cubin = nvrtc->compile(kernel, "twice.cu", "sm_90a", {});
  ASSERT_TRUE(cubin.isOk()) << cubin.status().message();
  EXPECT_EQ(cubin->substr(1, 3), "ELF");
}

TEST(Nvrtc, ErrorsCarryTheLog) {
  auto nvrtc = Nvrtc::open();
  if (!nvrtc.isOk())
    GTEST_SKIP() << "NVRTC was not found";
  auto image = nvrtc->compile("int f() { return undeclared; }", "bad.cu",
                              "compute_80", {});
  EXPECT_EQ(image.status().code(), MAMBA_COMPILE_FAILED);
  EXPECT_NE(image.status().message().find("bad.cu"), std::string::npos);
  EXPECT_NE(image.status().message().find("\"undeclared\" is undefined"),
            std::string::npos)
      << image.status().message();
  auto option =
      nvrtc->compile(kernel, "twice.cu", "compute_80", {"--nonsense"});
  EXPECT_EQ(option.status().code(), MAMBA_INVALID_ARGUMENT);
  EXPECT_NE(option.status().message().find("--nonsense"), std::string::npos)
      << option.status().message();
}

TEST(JitLink, AbsenceSaysWhatToSet) {
  setenv("MAMBA_NVJITLINK_PATH", "/nowhere/libnvJitLink.so", 1);
  auto linker = JitLink::open();
  unsetenv("MAMBA_NVJITLINK_PATH");
  EXPECT_EQ(linker.status().code(), MAMBA_UNAVAILABLE);
  EXPECT_NE(linker.status().message().find("set MAMBA_NVJITLINK_PATH"),
            std::string::npos);
}

TEST(JitLink, AssemblesPtx) {
  auto nvrtc = Nvrtc::open();
  auto linker = JitLink::open();
  if (!nvrtc.isOk() || !linker.isOk())
    GTEST_SKIP() << "NVRTC or nvJitLink was not found";
  auto ptx = nvrtc->compile(kernel, "twice.cu", "compute_80", {});
  ASSERT_TRUE(ptx.isOk()) << ptx.status().message();
  auto linked = linker->assemble(*ptx, "sm_80");
  ASSERT_TRUE(linked.isOk()) << linked.status().message();
  EXPECT_EQ(linked->cubin.substr(1, 3), "ELF");
  EXPECT_NE(linked->log.find("registers"), std::string::npos) << linked->log;
}

// It would compile them, but ignore what they ask for.
TEST(JitLink, RejectsWhatItWouldIgnore) {
  EXPECT_TRUE(compilesAlikeForLinking("mov.u32 %r1, %tid.x;"));
  EXPECT_FALSE(compilesAlikeForLinking("setmaxnreg.dec.sync.aligned.u32 40;"));
  auto linker = JitLink::open();
  if (!linker.isOk())
    GTEST_SKIP() << "nvJitLink was not found";
  auto linked =
      linker->assemble("setmaxnreg.dec.sync.aligned.u32 40;", "sm_90a");
  ASSERT_FALSE(linked.isOk());
  EXPECT_EQ(linked.status().code(), MAMBA_UNSUPPORTED);
  EXPECT_EQ(linked.status().message().find("nvJitLink ignores setmaxnreg"), 0u);
}

TEST(JitLink, ErrorsCarryTheLog) {
  auto linker = JitLink::open();
  if (!linker.isOk())
    GTEST_SKIP() << "nvJitLink was not found";
  auto linked =
      linker->assemble(".version 7.0\n.target sm_80\nnonsense", "sm_80");
  EXPECT_EQ(linked.status().code(), MAMBA_COMPILE_FAILED);
  EXPECT_NE(linked.status().message().find("line 3"), std::string::npos)
      << linked.status().message();
  EXPECT_EQ(linker->assemble(".version 7.0", "sm_nonsense").status().code(),
            MAMBA_INVALID_ARGUMENT);
}

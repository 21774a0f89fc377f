// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Memory.h"
#include "test/unit/runtime/FakeDriverTest.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace mamba::test;
namespace fs = std::filesystem;

namespace {

const std::string ptx = ".version 7.0\n.target sm_80\n";

class ModuleLoad : public FakeDriverTest {
protected:
  void SetUp() override {
    FakeDriverTest::SetUp();
    std::string pattern = testing::TempDir() + "mamba-modules-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    ASSERT_TRUE(Outcome(mamba_device_open(0, &device)).isOk());
  }
  void TearDown() override {
    mamba_device_release(device);
    EXPECT_EQ(fake->loadedModules, 0);
    fs::remove_all(directory);
    FakeDriverTest::TearDown();
  }

  /// Loads and releases `image`.
  Outcome load(const std::string &image, bool cached = false) {
    std::string path = directory.string();
    mamba_module_options options = {cached ? path.c_str() : ""};
    mamba_module *module = nullptr;
    Outcome loaded = mamba_module_load(device, image.data(), image.size(),
                                       &options, &module);
    mamba_module_release(module);
    return loaded;
  }

  fs::path directory;
  mamba_device *device = nullptr;
};

} // namespace

TEST_F(ModuleLoad, JitLogIsInTheError) {
  fake->loadResult = 218;
  fake->jitLog = "ptxas application ptx input, line 3; error: no such thing\n";
  Outcome loaded = load(ptx);
  EXPECT_EQ(loaded.code, MAMBA_COMPILE_FAILED);
  EXPECT_EQ(loaded.message,
            "loading a module on 'Fake GPU': cuModuleLoadDataEx failed: "
            "CUDA_ERROR_FAKE (as the test asked):\nptxas application ptx "
            "input, line 3; error: no such thing");
  Outcome linked = load(ptx, /*cached=*/true);
  EXPECT_EQ(linked.code, MAMBA_COMPILE_FAILED);
  EXPECT_NE(linked.message.find("error: no such thing"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(directory));
}

// Drivers before 13.0 do not know CU_JIT_SPLIT_COMPILE, which is 34.
TEST_F(ModuleLoad, KernelsAreCompiledSideBySide) {
  ASSERT_TRUE(load(ptx).isOk());
  EXPECT_EQ(fake->jitOptions, (std::vector<int>{5, 6, 3, 4}));
  mamba_device_release(std::exchange(device, nullptr));
  fake->version = 13000;
  ASSERT_TRUE(Outcome(mamba_device_open(0, &device)).isOk());
  ASSERT_TRUE(load(ptx).isOk());
  EXPECT_EQ(fake->jitOptions, (std::vector<int>{5, 6, 3, 4, 34}));
  ASSERT_TRUE(load(ptx, /*cached=*/true).isOk());
  EXPECT_EQ(fake->jitOptions.back(), 34);
}

// cuLink would ignore that registers move, and the code would be slow.
TEST_F(ModuleLoad, MovedRegistersAreNotLinked) {
  ASSERT_TRUE(load(ptx + "setmaxnreg.dec.sync.aligned.u32 48;\n",
                   /*cached=*/true)
                  .isOk());
  EXPECT_EQ(fake->count("cuLinkCreate"), 0);
  EXPECT_TRUE(fs::is_empty(directory));
}

TEST_F(ModuleLoad, OldDriverAndOtherArchitecture) {
  fake->loadResult = 222;
  Outcome loaded = load(ptx);
  EXPECT_EQ(loaded.code, MAMBA_UNSUPPORTED);
  EXPECT_NE(loaded.message.find(
                "the PTX needs a driver newer than this one (CUDA 12.4)"),
            std::string::npos);
  fake->loadResult = 209;
  loaded = load(ptx);
  EXPECT_EQ(loaded.code, MAMBA_UNSUPPORTED);
  EXPECT_NE(loaded.message.find("compiled for another architecture"),
            std::string::npos);
}

TEST_F(ModuleLoad, EmptyImageAndNulls) {
  EXPECT_EQ(load("").message, "the module image is empty");
  mamba_module *module = nullptr;
  EXPECT_EQ(
      Outcome(mamba_module_load(device, nullptr, 3, nullptr, &module)).message,
      "'image' is null");
  EXPECT_EQ(
      Outcome(mamba_module_load(nullptr, "x", 1, nullptr, &module)).message,
      "'device' is null");
}

TEST_F(ModuleLoad, PtxReachesTheDriverWithATerminatingZero) {
  std::string larger = ptx + "more that is not part of the image";
  mamba_module *module = nullptr;
  ASSERT_TRUE(Outcome(mamba_module_load(device, larger.data(), ptx.size(),
                                        nullptr, &module))
                  .isOk());
  EXPECT_EQ(fake->images, std::vector<std::string>{ptx});
  mamba_module_release(module);
}

TEST_F(ModuleLoad, SameImageIsOneModule) {
  mamba_module *first = nullptr;
  mamba_module *second = nullptr;
  ASSERT_TRUE(Outcome(mamba_module_load(device, ptx.data(), ptx.size(), nullptr,
                                        &first))
                  .isOk());
  ASSERT_TRUE(Outcome(mamba_module_load(device, ptx.data(), ptx.size(), nullptr,
                                        &second))
                  .isOk());
  EXPECT_EQ(fake->loadedModules, 1);
  mamba_module_release(first);
  EXPECT_EQ(fake->loadedModules, 1);
  mamba_module_release(second);
  EXPECT_EQ(fake->loadedModules, 0);
  EXPECT_TRUE(load(ptx).isOk());
  EXPECT_EQ(fake->count("cuModuleLoadDataEx"), 2);
}

TEST_F(ModuleLoad, ThreadsLoadEveryImageOnce) {
  const std::string images[] = {ptx, ptx + "// another\n"};
  std::array<mamba_module *, 8> modules = {};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < modules.size(); ++i)
    threads.emplace_back([&, i] {
      const std::string &image = images[i % 2];
      EXPECT_TRUE(Outcome(mamba_module_load(device, image.data(), image.size(),
                                            nullptr, &modules[i]))
                      .isOk());
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(fake->loadedModules, 2);
  EXPECT_EQ(fake->count("cuModuleLoadDataEx"), 2);
  for (mamba_module *module : modules)
    mamba_module_release(module);
}

TEST_F(ModuleLoad, DiskCacheCompilesOnce) {
  ASSERT_TRUE(load(ptx, /*cached=*/true).isOk());
  ASSERT_TRUE(load(ptx, /*cached=*/true).isOk());
  EXPECT_EQ(fake->count("cuLinkCreate"), 1);
  std::string cubin = "\x7f"
                      "ELF of " +
                      ptx;
  EXPECT_EQ(fake->images, (std::vector<std::string>{cubin, cubin}));
  // Another driver or device compiles for itself.
  fake->version = 13000;
  mamba_device_release(device);
  ASSERT_TRUE(Outcome(mamba_device_open(0, &device)).isOk());
  ASSERT_TRUE(load(ptx, /*cached=*/true).isOk());
  EXPECT_EQ(fake->count("cuLinkCreate"), 2);
}

TEST_F(ModuleLoad, DamagedEntryIsCompiledAgain) {
  ASSERT_TRUE(load(ptx, /*cached=*/true).isOk());
  for (const fs::directory_entry &entry : fs::directory_iterator(directory))
    std::ofstream(entry.path(), std::ios::app) << "damage";
  ASSERT_TRUE(load(ptx, /*cached=*/true).isOk());
  EXPECT_EQ(fake->count("cuLinkCreate"), 2);
  ASSERT_TRUE(load(ptx, /*cached=*/true).isOk());
  EXPECT_EQ(fake->count("cuLinkCreate"), 2);
}

TEST_F(ModuleLoad, CubinsNeedNoCache) {
  ASSERT_TRUE(load("\x7f"
                   "ELF cubin",
                   /*cached=*/true)
                  .isOk());
  EXPECT_EQ(fake->count("cuLinkCreate"), 0);
  EXPECT_TRUE(fs::is_empty(directory));
}

TEST_F(ModuleLoad, CacheDirectoryFromTheEnvironment) {
  setenv("MAMBA_CACHE_DIR", directory.c_str(), 1);
  mamba_module *module = nullptr;
  ASSERT_TRUE(Outcome(mamba_module_load(device, ptx.data(), ptx.size(), nullptr,
                                        &module))
                  .isOk());
  mamba_module_release(module);
  EXPECT_FALSE(fs::is_empty(directory));
}

TEST_F(ModuleLoad, BuffersCopyAndStayInBounds) {
  using namespace mamba::rt;
  auto opened = cu::GpuDevice::open(0);
  ASSERT_TRUE(opened.isOk());
  auto buffer = cu::DeviceBuffer::allocate(*opened, 8);
  ASSERT_TRUE(buffer.isOk());
  char bytes[8] = "in";
  EXPECT_TRUE(buffer->fill(0x7f).isOk());
  EXPECT_TRUE(buffer->upload(bytes, 3).isOk());
  EXPECT_TRUE(buffer->download(bytes, 8).isOk());
  EXPECT_EQ(std::string(bytes, 8), std::string("in\0\x7f\x7f\x7f\x7f\x7f", 8));
  EXPECT_EQ(buffer->upload(bytes, 9).message(),
            "cuMemcpyHtoD of 9 bytes, the buffer has 8");
  fake->allocResult = 2;
  auto none = cu::DeviceBuffer::allocate(*opened, 1 << 20);
  EXPECT_EQ(none.status().code(), MAMBA_OUT_OF_MEMORY);
  EXPECT_EQ(none.status().message(),
            "allocating 1048576 bytes on 'Fake GPU': cuMemAlloc failed: "
            "CUDA_ERROR_OUT_OF_MEMORY (as the test asked)");
  *buffer = *cu::DeviceBuffer::allocate(*opened, 0);
  EXPECT_EQ(buffer->size(), 0u);
}

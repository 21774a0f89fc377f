// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/DynamicLibrary.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

using namespace mamba::rt;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

TEST(DynamicLibrary, EveryCandidateIsNamedWhenNoneLoads) {
  auto library = DynamicLibrary::open({"/nowhere/a.so", "/nowhere/b.so"});
  EXPECT_EQ(library.status().code(), MAMBA_UNAVAILABLE);
  EXPECT_NE(library.status().message().find("/nowhere/a.so"),
            std::string::npos);
  EXPECT_NE(library.status().message().find("/nowhere/b.so"),
            std::string::npos);
}

TEST(DynamicLibrary, FirstThatLoads) {
  auto library = DynamicLibrary::open({"/nowhere/a.so", "libc.so.6"});
  ASSERT_TRUE(library.isOk());
  EXPECT_EQ(library->path(), "libc.so.6");
  EXPECT_NE(library->find("strlen"), nullptr);
  EXPECT_EQ(library->find("no_such_function"), nullptr);
  DynamicLibrary moved = std::move(*library);
  EXPECT_NE(moved.find("strlen"), nullptr);
}

TEST(LibraryCandidates, VariableNamesAFileOrADirectory) {
  unsetenv("MAMBA_TEST_LIBRARY");
  EXPECT_EQ(libraryCandidates("MAMBA_TEST_LIBRARY", {"a", "b"}, {"/p", "/q"}),
            (Strings{"a", "b", "/p/a", "/p/b", "/q/a", "/q/b"}));
  setenv("MAMBA_TEST_LIBRARY", "/p/special.so", 1);
  EXPECT_EQ(libraryCandidates("MAMBA_TEST_LIBRARY", {"a"}, {"/p"}),
            Strings{"/p/special.so"});
  std::string directory = fs::temp_directory_path().string();
  setenv("MAMBA_TEST_LIBRARY", directory.c_str(), 1);
  EXPECT_EQ(libraryCandidates("MAMBA_TEST_LIBRARY", {"a", "b"}, {"/p"}),
            (Strings{directory + "/a", directory + "/b"}));
  unsetenv("MAMBA_TEST_LIBRARY");
}

TEST(ToolkitDirectories, ToolkitThenWheels) {
  std::string root = testing::TempDir() + "mamba-venv";
  fs::create_directories(root + "/lib/python3.11");
  setenv("CUDA_HOME", "/opt/toolkit", 1);
  setenv("VIRTUAL_ENV", root.c_str(), 1);
  Strings found = toolkitDirectories({"cu13", "cuda_nvrtc"});
  unsetenv("CUDA_HOME");
  unsetenv("VIRTUAL_ENV");
  EXPECT_EQ(found.front(), "/opt/toolkit/lib64");
  std::string wheels = root + "/lib/python3.11/site-packages/nvidia/";
  EXPECT_NE(std::find(found.begin(), found.end(), wheels + "cu13/lib"),
            found.end());
  EXPECT_NE(std::find(found.begin(), found.end(), wheels + "cuda_nvrtc/lib"),
            found.end());
  fs::remove_all(root);
}

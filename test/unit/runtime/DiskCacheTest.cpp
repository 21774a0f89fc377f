// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/DiskCache.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace mamba::rt;
namespace fs = std::filesystem;

namespace {

class DiskCacheTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mamba-cache-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root = pattern;
  }
  void TearDown() override { fs::remove_all(root); }

  std::string bytesOf(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file),
            std::istreambuf_iterator<char>()};
  }

  void overwrite(const fs::path &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  fs::path root;
  Digest key = sha256("a key");
};

} // namespace

TEST_F(DiskCacheTest, FindsWhatWasStored) {
  DiskCache cache(root / "new" / "directory");
  EXPECT_EQ(cache.find(key), std::nullopt);
  std::string content("zero \0 and more", 15);
  ASSERT_TRUE(cache.store(key, content).isOk());
  EXPECT_EQ(cache.find(key), content);
  EXPECT_EQ(cache.find(sha256("another key")), std::nullopt);
  ASSERT_TRUE(cache.store(key, "").isOk());
  EXPECT_EQ(cache.find(key), "");
}

TEST_F(DiskCacheTest, ANewDirectoryIsTheUsersAlone) {
  DiskCache cache(root / "new");
  ASSERT_TRUE(cache.store(key, "content").isOk());
  EXPECT_EQ(fs::status(root / "new").permissions(), fs::perms::owner_all);
}

TEST_F(DiskCacheTest, EveryTruncationIsFoundAndRemoved) {
  DiskCache cache(root);
  ASSERT_TRUE(cache.store(key, "the content").isOk());
  std::string whole = bytesOf(cache.pathOf(key));
  for (size_t length = 0; length < whole.size(); ++length) {
    overwrite(cache.pathOf(key), whole.substr(0, length));
    EXPECT_EQ(cache.find(key), std::nullopt) << length;
    EXPECT_FALSE(fs::exists(cache.pathOf(key))) << length;
  }
}

TEST_F(DiskCacheTest, EveryFlippedByteIsFound) {
  DiskCache cache(root);
  ASSERT_TRUE(cache.store(key, "the content").isOk());
  std::string whole = bytesOf(cache.pathOf(key));
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    overwrite(cache.pathOf(key), damaged);
    EXPECT_EQ(cache.find(key), std::nullopt) << at;
  }
  overwrite(cache.pathOf(key), whole);
  EXPECT_EQ(cache.find(key), "the content");
}

TEST_F(DiskCacheTest, ARenamedEntryIsNotTaken) {
  DiskCache cache(root);
  ASSERT_TRUE(cache.store(key, "the content").isOk());
  Digest other = sha256("another key");
  fs::rename(cache.pathOf(key), cache.pathOf(other));
  EXPECT_EQ(cache.find(other), std::nullopt);
}

TEST_F(DiskCacheTest, ADirectoryInTheEntrysPlaceIsAbsence) {
  DiskCache cache(root);
  fs::create_directory(cache.pathOf(key));
  EXPECT_EQ(cache.find(key), std::nullopt);
  EXPECT_EQ(cache.store(key, "content").code(), MAMBA_IO_ERROR);
}

TEST_F(DiskCacheTest, UnwritablePlacesAreErrorsThatNameThem) {
  overwrite(root / "file", "");
  Status status = DiskCache(root / "file").store(key, "content");
  EXPECT_EQ(status.code(), MAMBA_IO_ERROR);
  EXPECT_NE(status.message().find((root / "file").string()), std::string::npos);
  EXPECT_EQ(DiskCache(root / "file").find(key), std::nullopt);
}

// Readers see one of the contents whole, whatever the writers do; no
// temporary file stays.
TEST_F(DiskCacheTest, ConcurrentWritersAndReaders) {
  DiskCache cache(root);
  auto contentOf = [](int writer) {
    return std::string(50000 + writer, static_cast<char>('a' + writer));
  };
  auto write = [&](int writer) {
    for (int i = 0; i < 40; ++i)
      if (!cache.store(key, contentOf(writer)).isOk())
        return false;
    return true;
  };
  ASSERT_TRUE(cache.store(key, contentOf(0)).isOk());
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0)
    _exit(write(0) ? 0 : 1);
  std::vector<std::thread> writers;
  std::atomic<int> failures = 0;
  for (int writer = 1; writer < 4; ++writer)
    writers.emplace_back([&, writer] { failures += !write(writer); });
  int unsound = 0;
  for (int i = 0; i < 200; ++i) {
    std::optional<std::string> found = cache.find(key);
    if (!found || found->size() < 50000 ||
        *found != contentOf(static_cast<int>(found->size()) - 50000))
      ++unsound;
  }
  for (std::thread &writer : writers)
    writer.join();
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(unsound, 0);
  EXPECT_EQ(
      std::distance(fs::directory_iterator(root), fs::directory_iterator()), 1);
}

TEST(CacheDirectory, OptionThenVariableThenNone) {
  unsetenv("MAMBA_CACHE_DIR");
  EXPECT_EQ(cacheDirectory(nullptr), "");
  setenv("MAMBA_CACHE_DIR", "from variable", 1);
  EXPECT_EQ(cacheDirectory(nullptr), "from variable");
  EXPECT_EQ(cacheDirectory("from option"), "from option");
  EXPECT_EQ(cacheDirectory(""), "");
  unsetenv("MAMBA_CACHE_DIR");
}

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/support/Npy.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

using namespace mamba::tools;
namespace fs = std::filesystem;

namespace {

/// A file of the given format version around a header text.
std::string fileOf(const std::string &header, const std::string &data,
                   char version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += version;
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  if (version > 1)
    bytes += std::string(2, '\0');
  return bytes + header + data;
}

std::string headerOf(const std::string &descr, const std::string &shape,
                     const std::string &order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

std::string messageOf(const std::string &bytes) {
  auto array = parseNpy(bytes);
  if (array.isOk())
    return "ok";
  EXPECT_EQ(array.status().code(), MAMBA_INVALID_ARGUMENT);
  return std::string(array.status().message());
}

} // namespace

TEST(Npy, EveryTypeSurvivesAFile) {
  std::vector<double> values = {0, 1, -2, 3, 1024, -5};
  std::string path = testing::TempDir() + "mamba-npy-test.npy";
  for (NpyType type :
       {NpyType::F2, NpyType::F4, NpyType::F8, NpyType::I4, NpyType::I8}) {
    NpyArray array = NpyArray::fromDoubles(type, {2, 3}, values);
    ASSERT_TRUE(writeNpy(path, array).isOk());
    auto read = readNpy(path);
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ(read->type, type);
    EXPECT_EQ(read->shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(read->toDoubles(), values);
  }
  fs::remove(path);
}

TEST(Npy, RoundsToNearestEven) {
  // Halfway between 2048 and 2050 in binary16; 1 + 2^-24 in binary32.
  EXPECT_EQ(NpyArray::fromDoubles(NpyType::F2, {1}, {2049}).toDoubles()[0],
            2048);
  EXPECT_EQ(
      NpyArray::fromDoubles(NpyType::F4, {1}, {1.0 + 0x1p-24}).toDoubles()[0],
      1);
}

TEST(Npy, ScalarsAndEmptyArrays) {
  auto scalar =
      parseNpy(formatNpy(NpyArray::fromDoubles(NpyType::F8, {}, {7})));
  ASSERT_TRUE(scalar.isOk());
  EXPECT_EQ(scalar->toDoubles(), std::vector<double>{7});
  auto empty = parseNpy(formatNpy({NpyType::F4, {3, 0}, ""}));
  ASSERT_TRUE(empty.isOk());
  EXPECT_EQ(empty->elementCount(), 0);
}

TEST(Npy, DataStartsAtAMultipleOf64Bytes) {
  for (int64_t size : {1, 10, 100000, 10000000}) {
    std::string bytes = formatNpy({NpyType::I4, {0, size, size, size}, ""});
    EXPECT_EQ(bytes.size() % 64, 0u);
    EXPECT_EQ(messageOf(bytes), "ok");
  }
}

TEST(Npy, WhatNumpyWrites) {
  std::string four = std::string(3, '\0') + '\1';
  EXPECT_EQ(messageOf(fileOf(headerOf("<i4", "(1,)"), four)), "ok");
  EXPECT_EQ(messageOf(fileOf(headerOf("<i4", "(1,)"), four, 2)), "ok");
  EXPECT_EQ(messageOf(fileOf(headerOf("<i4", "(1,)"), four, 3)), "ok");
  EXPECT_EQ(messageOf(fileOf(headerOf("<i4", "()"), four)), "ok");
  // Other order of keys, other quotes, no comma at the end.
  EXPECT_EQ(messageOf(fileOf("{\"shape\":(1,1),\"fortran_order\":False,"
                             "\"descr\":\"<f4\"}",
                             four)),
            "ok");
  // One dimension is the same in both orders.
  EXPECT_EQ(messageOf(fileOf(headerOf("<i4", "(1,)", "True"), four)), "ok");
}

TEST(Npy, Unsupported) {
  EXPECT_EQ(messageOf(fileOf(headerOf(">f4", "(1,)"), "1234")),
            "big-endian type '>f4' is not supported; save as '<f4'");
  EXPECT_EQ(messageOf(fileOf(headerOf("<c8", "(1,)"), "12345678")),
            "type '<c8' is not supported, only f2, f4, f8, i4 and i8");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(1,1)", "True"), "1234")),
            "Fortran order is not supported; save in C order");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(1,)"), "1234", 4)),
            "format version 4 is not supported, only 1 to 3");
  EXPECT_EQ(messageOf(fileOf("{'descr': [('a', '<f4')], 'fortran_order': "
                             "False, 'shape': (1,), }",
                             "1234")),
            "damaged header: structured types are not supported");
}

TEST(Npy, Damaged) {
  EXPECT_EQ(messageOf(""), "is not an .npy file");
  EXPECT_EQ(messageOf("PK\3\4"), "is not an .npy file");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(2,)"), "1234")),
            "holds 4 bytes of data, the shape needs 8");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(1,)"), "12345")),
            "holds 5 bytes of data, the shape needs 4");
  EXPECT_EQ(messageOf(fileOf("{'descr': '<f4'}", "")),
            "damaged header: expected the keys descr, fortran_order and shape");
  EXPECT_EQ(messageOf(fileOf("{'descr': '<f4', 'descr': '<f4', }", "")),
            "damaged header: key 'descr' occurs twice");
  EXPECT_EQ(messageOf(fileOf("{'color': 1}", "")),
            "damaged header: unknown key 'color'");
  EXPECT_EQ(messageOf(fileOf("{'descr': '<f4", "")),
            "damaged header: a string does not end");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(1,") + "x", "")),
            "damaged header: expected a size before ', }\nx'");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(-1,)"), "")),
            "damaged header: expected a size before '-1,), }\n'");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(1,)") + "x", "1234")),
            "damaged header: 'x' follows the dictionary");
}

TEST(Npy, HostileSizes) {
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", "(99999999999999999999,)"), "")),
            "damaged header: a size of the shape exceeds 9223372036854775807");
  EXPECT_EQ(
      messageOf(fileOf(headerOf("<f4", "(4294967296,4294967296)"), "1234")),
      "the shape needs more than 9223372036854775807 bytes");
  EXPECT_EQ(messageOf(fileOf(headerOf("<f8", "(1152921504606846975,)"), "")),
            "holds 0 bytes of data, the shape needs 9223372036854775800");
  std::string many = "(";
  for (int i = 0; i < 33; ++i)
    many += "1,";
  EXPECT_EQ(messageOf(fileOf(headerOf("<f4", many + ")"), "1234")),
            "damaged header: the shape has more than 32 sizes");
  // The header's length points far behind the end of the file.
  std::string bytes = fileOf(headerOf("<f4", "(1,)"), "1234", 2);
  bytes.replace(8, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(messageOf(bytes), "ends inside the header");
}

TEST(Npy, EveryTruncationIsAnError) {
  std::string bytes =
      formatNpy(NpyArray::fromDoubles(NpyType::F4, {2, 2}, {1, 2, 3, 4}));
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(messageOf(bytes.substr(0, length)), "ok") << length;
}

// Whatever the bytes are, the answer is an array that fits them, or an error.
TEST(Npy, RandomDamageIsSafe) {
  std::string sound =
      formatNpy(NpyArray::fromDoubles(NpyType::F4, {2, 2}, {1, 2, 3, 4}));
  std::mt19937 random(20240607);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = sound;
    for (int change = 0; change < 3; ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    auto array = parseNpy(bytes);
    if (array.isOk())
      ASSERT_EQ(array->elementCount() * npyTypeBytes(array->type),
                static_cast<int64_t>(array->data.size()));
  }
}

TEST(Npy, FilesThatCannotBeReadOrWritten) {
  auto missing = readNpy("/nowhere/x.npy");
  EXPECT_EQ(missing.status().code(), MAMBA_IO_ERROR);
  EXPECT_EQ(missing.status().message(),
            "cannot read '/nowhere/x.npy': No such file or directory");
  auto directory = readNpy(testing::TempDir());
  EXPECT_EQ(directory.status().message(),
            "cannot read '" + testing::TempDir() + "': Is a directory");
  auto written = writeNpy("/nowhere/x.npy", {NpyType::F4, {0}, ""});
  EXPECT_EQ(written.code(), MAMBA_IO_ERROR);
  EXPECT_EQ(written.message(),
            "cannot write '/nowhere/x.npy': No such file or directory");
  std::string path = testing::TempDir() + "mamba-npy-damaged.npy";
  std::ofstream(path) << "nonsense";
  EXPECT_EQ(readNpy(path).status().message(),
            "'" + path + "': is not an .npy file");
  fs::remove(path);
}

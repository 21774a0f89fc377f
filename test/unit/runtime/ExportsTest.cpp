// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/mamba.h"

#include <elf.h>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace {

/// Names of the defined dynamic symbols of a 64-bit ELF library.
std::set<std::string> exportsOf(const char *path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file),
                    std::istreambuf_iterator<char>()};
  auto header = reinterpret_cast<const Elf64_Ehdr *>(bytes.data());
  auto sections =
      reinterpret_cast<const Elf64_Shdr *>(bytes.data() + header->e_shoff);
  std::set<std::string> names;
  for (int s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_DYNSYM)
      continue;
    const char *strings =
        bytes.data() + sections[sections[s].sh_link].sh_offset;
    auto symbols = reinterpret_cast<const Elf64_Sym *>(bytes.data() +
                                                       sections[s].sh_offset);
    for (size_t i = 0; i < sections[s].sh_size / sizeof(Elf64_Sym); ++i)
      if (symbols[i].st_shndx != SHN_UNDEF)
        names.insert(strings + symbols[i].st_name);
  }
  return names;
}

} // namespace

TEST(Exports, OnlyTheCInterface) {
  std::set<std::string> names = exportsOf(MAMBA_RUNTIME_SHARED);
  EXPECT_TRUE(names.count("mamba_function_launch"));
  EXPECT_TRUE(names.count("mamba_status_free"));
  for (const std::string &name : names)
    EXPECT_TRUE(name.starts_with("mamba_")) << name;
}

TEST(Exports, VersionOfTheLibraryIsTheHeaders) {
  EXPECT_EQ(mamba_version(), uint32_t(MAMBA_VERSION));
}

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Status.h"

#include <gtest/gtest.h>

using namespace mamba::rt;

TEST(Status, SuccessHasNoMessageOfItsOwn) {
  Status status;
  EXPECT_TRUE(status.isOk());
  EXPECT_EQ(status.code(), MAMBA_OK);
  EXPECT_EQ(std::move(status).withContext("doing").message(), "ok");
  EXPECT_EQ(mamba_status_get_code(nullptr), MAMBA_OK);
  EXPECT_STREQ(mamba_status_message(nullptr), "ok");
  mamba_status_free(nullptr);
}

TEST(Status, ContextsChainOutermostFirst) {
  Status status = error(MAMBA_IO_ERROR, "value ", 3, " is above ", 2);
  status = std::move(status).withContext("inner").withContext("outer");
  EXPECT_EQ(status.message(), "outer: inner: value 3 is above 2");
  mamba_status *released = std::move(status).release();
  EXPECT_EQ(mamba_status_get_code(released), MAMBA_IO_ERROR);
  EXPECT_STREQ(mamba_status_message(released),
               "outer: inner: value 3 is above 2");
  mamba_status_free(released);
}

TEST(Status, EveryCodeHasAName) {
  for (int code = MAMBA_OK; code <= MAMBA_IO_ERROR; ++code)
    EXPECT_STRNE(mamba_status_code_name(static_cast<mamba_status_code>(code)),
                 "unknown status code");
}

TEST(Result, HoldsAValueOrAnError) {
  Result<int> value = 3;
  EXPECT_TRUE(value.isOk());
  EXPECT_EQ(*value, 3);
  EXPECT_TRUE(value.takeStatus().isOk());
  Result<int> failed = error(MAMBA_UNSUPPORTED, "no");
  EXPECT_FALSE(failed.isOk());
  EXPECT_EQ(failed.status().message(), "no");
}

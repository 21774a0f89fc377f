// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#pragma once

#include "dialect/IR/SsdDialect.h"

#define GET_OP_CLASSES
#include "dialect/IR/SsdOps.h.inc"

// SPDX-License-Identifier: LGPL-2.1-or-later
// LibTorch's headers take half of every compilation; read them once.
#include <torch/torch.h>

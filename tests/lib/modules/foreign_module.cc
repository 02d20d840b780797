// SPDX-License-Identifier: LGPL-2.1-or-later
// A module that can be opened and is not the LibTorch module.
extern "C" int reenact_foreign_module() {
  return 0;
}

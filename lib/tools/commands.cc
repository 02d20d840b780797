// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/commands.h"

namespace reenact::tools {

void add_commands(CLI::App& parent) {
  add_identity_command(parent);
  add_blend_command(parent);
  add_render_command(parent);
  add_inspect_command(parent);
  add_quantise_command(parent);
  add_prepare_command(parent);
}

}  // namespace reenact::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/program.h"
#include "tools/commands.h"

int main(int argc, char** argv) {
  return reenact::run_program({.name = "reenact",
                               .description = "Makes, draws and looks into the files of gst-reenact.",
                               .version = REENACT_VERSION,
                               .add_commands = reenact::tools::add_commands,
                               .describe = nullptr},
                              argc, argv);
}

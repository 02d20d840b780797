// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <string>

#include "reenact/error.h"
#include "training/commands.h"
#include "training/support/freed_memory.h"

namespace {

constexpr int failure = 1;
constexpr int wrong_usage = 2;

int report(const std::string& message) {
  // Libraries add a backtrace or their source line below; the first line is the one for people.
  std::fprintf(stderr, "reenact-train: %s\n", message.substr(0, message.find('\n')).c_str());
  return failure;
}

/// The log goes to standard error, so that results on standard output can be piped.
void set_up_logging() {
  auto logger = spdlog::stderr_color_mt("reenact-train");
  logger->set_pattern("%^%l%$: %v");
  spdlog::set_default_logger(logger);
}

int run(int argc, char** argv) {
  CLI::App app("Trains and uses the networks of gst-reenact offline.", "reenact-train");
  app.require_subcommand(1);
  app.set_version_flag("--version", "reenact-train " REENACT_VERSION " (LibTorch " TORCH_VERSION ")");

  const std::map<std::string, spdlog::level::level_enum> levels{{"debug", spdlog::level::debug},
                                                                {"info", spdlog::level::info},
                                                                {"warning", spdlog::level::warn},
                                                                {"error", spdlog::level::err}};
  spdlog::level::level_enum level = spdlog::level::info;
  app.add_option("--log-level", level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case).description(""))
      ->option_text("LEVEL");
  // Before the subcommand's own callback, which does the work.
  app.parse_complete_callback([&level] { spdlog::set_level(level); });

  using namespace reenact::training;
#ifdef REENACT_WITH_PREPARE_COMMAND
  add_prepare_command(app);
#endif
#ifdef REENACT_WITH_DETECTOR_COMMAND
  add_detector_command(app);
#endif
#ifdef REENACT_WITH_SEGMENTER_COMMAND
  add_segmenter_command(app);
#endif
#ifdef REENACT_WITH_META_COMMAND
  add_meta_command(app);
#endif
#ifdef REENACT_WITH_IMPORT_COMMAND
  add_import_command(app);
#endif
#ifdef REENACT_WITH_PERSONALISE_COMMAND
  add_personalise_command(app);
#endif
#ifdef REENACT_WITH_QUANTISE_COMMAND
  add_quantise_command(app);
#endif
  add_identity_command(app);
  add_render_command(app);
  add_inspect_command(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wrong_usage;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  reenact::training::keep_freed_memory();
  // A write beyond the file size limit then fails with an error instead of killing the run.
  std::signal(SIGXFSZ, SIG_IGN);
  set_up_logging();
  try {
    return run(argc, argv);
  } catch (const reenact::Error& error) {
    return report(error.what());
  } catch (const std::bad_alloc&) {
    return report("there is not enough memory for this");
  } catch (const c10::Error& error) {
    return report(std::string("LibTorch: ") + error.what_without_backtrace());
  } catch (const std::exception& error) {
    return report(error.what());
  }
}

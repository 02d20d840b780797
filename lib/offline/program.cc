// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/program.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <new>

namespace reenact {
namespace {

constexpr int failure = 1;
constexpr int wrong_usage = 2;

int report(const Program& program, const std::string& message) {
  // Libraries add a backtrace or their source line below; the first line is the one for people.
  std::fprintf(stderr, "%s: %s\n", program.name.c_str(), message.substr(0, message.find('\n')).c_str());
  return failure;
}

/// The log goes to standard error, so that results on standard output can be piped.
void set_up_logging(const std::string& name) {
  auto logger = spdlog::stderr_color_mt(name);
  logger->set_pattern("%^%l%$: %v");
  spdlog::set_default_logger(logger);
}

int parse_and_run(const Program& program, int argc, char** argv) {
  CLI::App app(program.description, program.name);
  app.require_subcommand(1);
  app.set_version_flag("--version", program.name + " " + program.version);

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
  program.add_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wrong_usage;
  }
  return 0;
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
  // A write beyond the file size limit then fails with an error instead of killing the program.
  std::signal(SIGXFSZ, SIG_IGN);
  set_up_logging(program.name);
  try {
    return parse_and_run(program, argc, argv);
  } catch (const std::bad_alloc&) {
    return report(program, "there is not enough memory for this");
  } catch (const std::exception& error) {
    const std::string described = program.describe ? program.describe(error) : "";
    return report(program, described.empty() ? error.what() : described);
  }
}

}  // namespace reenact

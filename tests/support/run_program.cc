// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "support/temporary_folder.h"

extern char** environ;

namespace reenact::test {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

struct RunningProgram::Files {
  TemporaryFolder folder;
  std::string output = folder / "output", errors = folder / "errors";
};

RunningProgram::RunningProgram(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& variables)
    : files_(std::make_unique<Files>()) {
  const char* program = std::getenv("REENACT_TRAIN");
  if (!program) throw std::runtime_error("REENACT_TRAIN does not name the program");
  std::vector<char*> argv{const_cast<char*>(program)};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (const auto& variable : variables) environment.push_back(const_cast<char*>(variable.c_str()));
  for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
  environment.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, files_->output.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, files_->errors.c_str(), O_WRONLY | O_CREAT, 0600);
  const int failure = posix_spawn(&child_, program, &actions, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw std::runtime_error("cannot run " + std::string(program));
}

RunningProgram::~RunningProgram() {
  if (child_ == 0) return;
  send(SIGKILL);
  wait();
}

void RunningProgram::send(int signal) {
  ::kill(child_, signal);
}

ProgramResult RunningProgram::wait() {
  const int code = exit_code_of(child_);
  child_ = 0;
  return {code, text_of(files_->output), text_of(files_->errors)};
}

ProgramResult run_program(const std::vector<std::string>& arguments) {
  return RunningProgram(arguments).wait();
}

int exit_code_of(pid_t child) {
  using namespace std::chrono_literals;
  const auto end = std::chrono::steady_clock::now() + 2min;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(5ms);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace reenact::test

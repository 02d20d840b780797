// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/process_ranks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/run_program.h"
#include "support/temporary_folder.h"

extern char** environ;

namespace reenact::test {

std::uint16_t free_port() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(listener);
  return ntohs(address.sin_port);
}

std::vector<RankResult> run_ranks(int count) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string filter = std::string("--gtest_filter=") + test->test_suite_name() + "." + test->name();
  const auto port = std::to_string(free_port());
  const TemporaryFolder folder;
  std::vector<pid_t> children;
  for (int rank = 0; rank < count; ++rank) {
    std::vector<std::string> variables = {"RANK=" + std::to_string(rank),
                                          "WORLD_SIZE=" + std::to_string(count), "MASTER_ADDR=127.0.0.1",
                                          "MASTER_PORT=" + port};
    std::vector<char*> environment;
    for (auto& variable : variables) environment.push_back(variable.data());
    // The runner's variables would make the ranks write over its report.
    for (char** variable = environ; *variable; ++variable)
      if (std::string(*variable).rfind("GTEST_", 0) != 0) environment.push_back(*variable);
    environment.push_back(nullptr);
    std::vector<char*> arguments = {const_cast<char*>("rank"), const_cast<char*>(filter.c_str()), nullptr};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const std::string output = folder / std::to_string(rank);
    posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    pid_t child = 0;
    if (posix_spawn(&child, "/proc/self/exe", &files, nullptr, arguments.data(), environment.data()) != 0)
      throw std::runtime_error("cannot start a rank");
    posix_spawn_file_actions_destroy(&files);
    children.push_back(child);
  }
  std::vector<RankResult> results;
  for (int rank = 0; rank < count; ++rank) {
    const int code = exit_code_of(children[rank]);
    std::ifstream stream(folder / std::to_string(rank));
    results.push_back({code, {std::istreambuf_iterator<char>(stream), {}}});
  }
  return results;
}

}  // namespace reenact::test

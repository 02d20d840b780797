// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/installed_folders.h"

#include <dlfcn.h>
#include <link.h>

#include <system_error>

namespace reenact {
namespace {

namespace fs = std::filesystem;

// prefix/lib/x86_64-linux-gnu/reenact-0 is the deepest that anything of ours lies.
constexpr int deepest = 4;

/// The program or shared library that holds this code; empty where the system does not say.
fs::path own_file() {
  Dl_info info{};
  link_map* object = nullptr;
  if (!::dladdr1(reinterpret_cast<const void*>(&installed_folders), &info, reinterpret_cast<void**>(&object),
                 RTLD_DL_LINKMAP) ||
      !object) {
    return {};
  }
  // The program itself has no name there, and dli_fname is only what it was called by.
  const fs::path file = *object->l_name ? object->l_name : "/proc/self/exe";
  std::error_code failed;
  const fs::path real = fs::canonical(file, failed);
  return failed ? fs::path() : real;
}

}  // namespace

std::vector<fs::path> installed_folders(const fs::path& below_prefix, const fs::path& configured) {
  std::vector<fs::path> folders;
  fs::path above = own_file();
  for (int level = 0; level < deepest && above.has_relative_path(); ++level) {
    above = above.parent_path();
    const fs::path candidate = above / below_prefix;
    std::error_code ignored;
    if (candidate != configured && fs::is_directory(candidate, ignored)) {
      folders.push_back(candidate);
      break;
    }
  }
  folders.push_back(configured);
  return folders;
}

}  // namespace reenact

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "reenact/backend.h"
#include "reenact/error.h"
#include "reenact/installed_folders.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;

constexpr char module_name[] = "libreenact-torch.so";

/// Where the module is looked for, in this order: REENACT_MODULE_PATH, the installation's folder, next to
/// this library.
std::vector<fs::path> module_folders() {
  std::vector<fs::path> folders;
  if (const char* list = std::getenv("REENACT_MODULE_PATH")) {
    std::istringstream stream(list);
    for (std::string folder; std::getline(stream, folder, ':');) {
      if (!folder.empty()) folders.emplace_back(folder);
    }
  }
  for (const fs::path& folder :
       installed_folders(REENACT_TORCH_MODULE_BELOW_PREFIX, REENACT_TORCH_MODULE_DIR))
    folders.push_back(folder);
  Dl_info self{};
  if (::dladdr(reinterpret_cast<const void*>(&torch_backend), &self) && self.dli_fname) {
    std::error_code ignored;
    folders.push_back(fs::absolute(self.dli_fname, ignored).parent_path());
  }
  return folders;
}

/// The backend of an opened module, asked for only when the module was built for this version of the interface.
Backend& backend_of(void* module, const fs::path& path) {
  const auto version = reinterpret_cast<int (*)()>(::dlsym(module, "reenact_backend_api_version"));
  const auto entry = reinterpret_cast<Backend* (*)()>(::dlsym(module, "reenact_backend"));
  if (version && version() != backend_api_version) {
    throw Error(ErrorCode::unsupported, "'" + path.string() + "' has version " + std::to_string(version()) +
                                            " of the interface of backends, wanted version " +
                                            std::to_string(backend_api_version));
  }
  Backend* backend = version && entry ? entry() : nullptr;
  if (!backend) {
    throw Error(ErrorCode::unsupported,
                "'" + path.string() + "' gives no backend, wanted the LibTorch module of this library");
  }
  return *backend;
}

Backend& open_module() {
  std::string looked;
  for (const fs::path& folder : module_folders()) {
    const fs::path candidate = folder / module_name;
    std::error_code ignored;
    if (!fs::exists(candidate, ignored)) {
      looked += (looked.empty() ? "'" : ", '") + folder.string() + "'";
      continue;
    }
    // Never closed: LibTorch does not survive being unloaded.
    void* module = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!module) {
      const char* reason = ::dlerror();
      throw Error(ErrorCode::unsupported, "cannot open the LibTorch module '" + candidate.string() +
                                              "': " + (reason ? reason : "unknown reason"));
    }
    return backend_of(module, candidate);
  }
  throw Error(ErrorCode::unsupported, std::string("the LibTorch module ") + module_name +
                                          ", which this needs, was looked for and not found in " + looked);
}

}  // namespace

Backend& torch_backend() {
  static std::mutex mutex;
  static Backend* backend =
      nullptr;  // only success is kept: a later call may find a module that is not there yet
  const std::lock_guard lock(mutex);
  if (!backend) backend = &open_module();
  return *backend;
}

}  // namespace reenact

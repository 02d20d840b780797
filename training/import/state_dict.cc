// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/state_dict.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "offline/edit_distance.h"
#include "reenact/error.h"
#include "training/import/byte_reader.h"

namespace reenact::training {
namespace {

/// Under which state_dicts are saved together with other things.
constexpr std::array<const char*, 4> wrappers = {"state_dict", "model_state_dict", "model", "net"};
constexpr int deepest_wrapper = 4;

/// A name without what wrappers of networks put into it: DataParallel at its beginning, torch.compile before
/// any part.
std::string without_wrappers(std::string name) {
  constexpr std::string_view parallel = "module.", compiled = "_orig_mod.";
  for (auto at = name.find(compiled); at != std::string::npos; at = name.find(compiled, at)) {
    if (at == 0 || name[at - 1] == '.') {
      name.erase(at, compiled.size());
    } else {
      at += compiled.size();
    }
  }
  while (name.starts_with(parallel)) name.erase(0, parallel.size());
  return name;
}

bool is_profilers(std::string_view name) {
  const auto last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  return last == "total_ops" || last == "total_params";
}

std::string keys_in_words(const PickleValue& dictionary) {
  constexpr std::size_t most = 6;
  std::string words;
  std::size_t count = 0;
  for (const auto& [key, value] : dictionary.entries()) {
    if (++count > most) return words + ", ...";
    words += (words.empty() ? "" : ", ") + printable(key);
  }
  return words.empty() ? "none" : words;
}

}  // namespace

PickledTensors state_dict_in(const PickleValue& dictionary, const std::string& source) {
  PickledTensors tensors;
  for (auto& [name, tensor] : tensors_in(dictionary)) {
    if (is_profilers(name)) continue;
    const auto [place, is_new] = tensors.emplace(without_wrappers(name), tensor);
    if (!is_new)
      throw Error(ErrorCode::wrong_kind, source + " holds " + printable(place->second.name) + " and " +
                                             printable(name) + ", wanted one of them");
  }
  return tensors;
}

namespace {

/// What a dictionary holds under the first wrapper that is a dictionary itself.
std::optional<PickleValue> unwrapped(const PickleValue& dictionary) {
  for (const char* name : wrappers)
    if (auto inner = dictionary.find(name); inner && inner->is_dictionary()) return inner;
  return {};
}

}  // namespace

PickledTensors state_dict_of(const TorchArchive& archive) {
  auto dictionary = archive.root();
  if (!dictionary.is_dictionary())
    throw Error(ErrorCode::wrong_kind,
                quoted(archive.path()) + " holds " + to_string(dictionary.kind()) + ", wanted a state_dict");
  for (int depth = 0; depth < deepest_wrapper; ++depth) {
    const auto inner = unwrapped(dictionary);
    if (!inner) break;
    dictionary = *inner;
  }
  auto tensors = state_dict_in(dictionary, quoted(archive.path()));
  if (tensors.empty())
    throw Error(ErrorCode::wrong_kind, quoted(archive.path()) +
                                           " holds no tensors by name, wanted a state_dict; its entries: " +
                                           keys_in_words(dictionary));
  return tensors;
}

PickleValue dictionary_with(const PickleValue& root, const std::string& entry) {
  auto dictionary = root;
  for (int depth = 0; depth <= deepest_wrapper && dictionary.is_dictionary(); ++depth) {
    if (dictionary.find(entry)) return dictionary;
    const auto inner = unwrapped(dictionary);
    if (!inner) break;
    dictionary = *inner;
  }
  return root;
}

std::string most_like(const std::string& wanted, const PickledTensors& held,
                      const std::set<std::string>& taken) {
  // A file may claim any number of names of any length.
  constexpr std::size_t longest = 200, most_compared = 20'000;
  const std::string_view whole = wanted, inner = whole.substr(whole.find('.') + 1);
  std::string best;
  std::size_t least = std::numeric_limits<std::size_t>::max(), compared = 0;
  for (const auto& [name, tensor] : held) {
    if (name.size() > longest || taken.count(tensor.name)) continue;
    if (++compared > most_compared) break;
    const std::size_t edits = std::min(edit_distance(whole, name), edit_distance(inner, name));
    if (edits < least) {
      least = edits;
      best = tensor.name;
    }
  }
  return best;
}

}  // namespace reenact::training

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "tools/commands.h"

namespace reenact::tools {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  std::filesystem::path file;
  bool json = false;
};

bool ends_with_any(const std::string& name, std::initializer_list<const char*> endings) {
  for (const char* ending : endings)
    if (name.ends_with(ending)) return true;
  return false;
}

/// Whether training changes it: a float that is neither a running statistic nor a vector of the power
/// iteration.
bool is_parameter(const std::string& name, const TensorView& tensor) {
  const bool floating = tensor.type == DataType::f16 || tensor.type == DataType::bf16 ||
                        tensor.type == DataType::f32 || tensor.type == DataType::f64;
  return floating && !ends_with_any(name, {"running_mean", "running_var", "weight_u", "weight_v"});
}

/// Everything known about the file, in the order in which people read it.
ordered_json describe(const ModelFile& model) {
  const ModelInfo& info = model.info();
  ordered_json tensors = ordered_json::object();
  std::map<std::string, std::int64_t> parameters;
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : model.file().tensors()) {
    tensors[name] = {
        {"type", to_string(tensor.type)}, {"shape", tensor.shape}, {"bytes", tensor.bytes.size()}};
    bytes += tensor.bytes.size();
    if (is_parameter(name, tensor)) parameters[name.substr(0, name.find('.'))] += tensor.element_count();
  }
  std::int64_t total = 0;
  for (const auto& [network, count] : parameters) total += count;

  ordered_json result;
  result["file"] = model.path().string();
  result["kind"] = to_string(info.kind);
  result["format_version"] = model_format_version;
  result["file_bytes"] = std::filesystem::file_size(model.path());
  result["tensor_bytes"] = bytes;
  result["parameters"] = {{"total", total}, {"by_network", parameters}};
  result["config"] = nlohmann::json::parse(info.config.text());
  result["licence"] = info.licence;
  result["provenance"] = nlohmann::json::parse(info.provenance.text());
  ordered_json further = ordered_json::object();
  for (const auto& [key, value] : model.file().metadata())
    if (key != "kind" && key != "format_version" && key != "config" && key != "licence" &&
        key != "provenance")
      further[key] = value;
  result["metadata"] = further;
  result["tensors"] = tensors;
  return result;
}

std::string shape_text(const ordered_json& shape) {
  std::string text = "[";
  for (const auto& side : shape) text += (text.size() > 1 ? ", " : "") + side.dump();
  return text + "]";
}

/// Nested values as indented "key: value" lines.
void print_object(const ordered_json& object, int indent) {
  for (const auto& [key, value] : object.items()) {
    std::cout << std::string(static_cast<std::size_t>(indent), ' ') << key << ":";
    if (value.is_object()) {
      std::cout << '\n';
      print_object(value, indent + 2);
    } else {
      constexpr std::size_t longest = 400;  // the state of a random generator fills pages
      std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      if (text.size() > longest)
        text = text.substr(0, longest) + "... (" + std::to_string(text.size()) + " bytes)";
      std::cout << ' ' << text << '\n';
    }
  }
}

void print(const ordered_json& description) {
  ordered_json head = description;
  head.erase("tensors");
  for (const char* key : {"config", "provenance", "metadata"})
    if (head[key].empty()) head.erase(key);
  if (description["licence"].get<std::string>().empty()) head["licence"] = "not stated";
  print_object(head, 0);
  std::cout << "tensors: " << description["tensors"].size() << '\n';
  for (const auto& [name, tensor] : description["tensors"].items())
    std::cout << "  " << name << "  " << tensor["type"].get<std::string>() << ' '
              << shape_text(tensor["shape"]) << "  " << tensor["bytes"] << " bytes\n";
}

}  // namespace

CLI::App* add_inspect_command(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("inspect", "Say what a model file is: kind, configuration, licence, tensors");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("file", arguments->file, "Any model file of the project")->required();
  command->add_flag("--json", arguments->json, "One JSON object");
  command->callback([arguments] {
    const auto description = describe(ModelFile(find_model(arguments->file.string())));
    if (arguments->json)
      std::cout << description.dump(2, ' ', false, ordered_json::error_handler_t::replace) << '\n';
    else
      print(description);
    std::cout.flush();
  });
  return command;
}

}  // namespace reenact::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "offline/command_line_options.h"
#include "reenact/error.h"
#include "training/data/descriptor_file.h"
#include "training/evaluate/described_pictures.h"
#include "training/evaluate/evaluate_commands.h"
#include "training/evaluate/labelled_pictures.h"
#include "training/evaluate/report.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

struct RetrievalArguments {
  std::vector<std::string> models;
  std::vector<fs::path> descriptors;
  fs::path data, output;
  std::string layout, landmarks = "landmarks.safetensors";
  std::vector<int> top = {10, 20, 50, 100};
  std::vector<std::string> exclude = {"picture", "shot", "person"};
  std::size_t queries = 100;
  std::uint64_t seed = 0;
  FaceCropperOptions cropper;
  EngineOptions engine;
};

const std::map<std::string, RetrievalExclusion>& exclusions_by_name() {
  static const std::map<std::string, RetrievalExclusion> names = {{"picture", RetrievalExclusion::picture},
                                                                  {"shot", RetrievalExclusion::shot},
                                                                  {"person", RetrievalExclusion::person}};
  return names;
}

/// Pictures described by one network or file, without those that it does not know.
struct RetrievalCase {
  std::string name;
  std::vector<RetrievalEntry> entries;
  std::vector<std::vector<float>> vectors;
};

RetrievalCase case_of(const std::string& name, const LabelledPictures& data,
                      const std::vector<std::vector<float>>& vectors) {
  RetrievalCase result{name, {}, {}};
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (vectors[i].empty()) continue;
    result.entries.push_back(data.pictures[i].entry);
    result.vectors.push_back(vectors[i]);
  }
  return result;
}

RetrievalCase case_of_file(const fs::path& path, const LabelledPictures& data) {
  const auto by_name = read_descriptor_file(path).vectors;
  std::vector<std::vector<float>> vectors;
  for (const auto& picture : data.pictures) {
    const auto found = by_name.find(picture.name);
    vectors.push_back(found == by_name.end() ? std::vector<float>() : found->second);
  }
  auto result = case_of(path.stem().string(), data, vectors);
  if (result.vectors.empty())
    throw Error(ErrorCode::invalid, "'" + path.string() +
                                        "' describes none of the pictures, wanted names such as '" +
                                        data.pictures.front().name + "'");
  return result;
}

void run_retrieval(RetrievalArguments& arguments) {
  use_threads(arguments.engine);
  if (arguments.models.empty() && arguments.descriptors.empty())
    throw Error(ErrorCode::invalid, "there is nothing to search by, wanted --model or --descriptors");
  const auto data = read_labelled_pictures(arguments.data, arguments.layout);
  std::vector<RetrievalCase> cases;
  std::size_t faceless = 0, unreadable = 0;
  if (!arguments.models.empty()) {
    std::vector<std::unique_ptr<Describer>> describers;
    for (const auto& model : arguments.models)
      describers.push_back(describer_of(model, arguments.landmarks, arguments.engine));
    arguments.cropper.already_cropped |= data.already_cropped;
    HeadCropReader reader(arguments.cropper, arguments.engine);
    std::vector<fs::path> files;
    for (const auto& picture : data.pictures) files.push_back(picture.file);
    const auto described = describe_pictures(files, describers, reader, arguments.output / "cache");
    faceless = described.faceless;
    unreadable = described.unreadable;
    for (std::size_t d = 0; d < describers.size(); ++d)
      cases.push_back(case_of(describers[d]->name(), data, described.vectors[d]));
  }
  for (const auto& file : arguments.descriptors) cases.push_back(case_of_file(file, data));

  std::set<std::string> groups, people;
  for (const auto& picture : data.pictures) {
    groups.insert(picture.entry.group);
    people.insert(picture.entry.person);
  }
  nlohmann::json line = {{"command", "evaluate retrieval"},  {"layout", arguments.layout},
                         {"pictures", data.pictures.size()}, {"people", people.size()},
                         {"groups", groups.size()},          {"without_face", faceless},
                         {"unreadable", unreadable},         {"top", arguments.top},
                         {"seed", arguments.seed},           {"descriptors", nlohmann::json::array()}};
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : cases) {
    nlohmann::json figures = {{"name", one.name}, {"pictures", one.vectors.size()}};
    for (const auto& name : arguments.exclude) {
      const auto found = retrieve(one.entries, one.vectors, arguments.top, exclusions_by_name().at(name),
                                  arguments.queries, arguments.seed);
      figures[name] = {{"accuracy", found.accuracy},
                       {"standard_error", found.standard_error},
                       {"chance", found.chance},
                       {"queries", found.queries}};
      std::vector<std::string> row = {one.name, name};
      for (std::size_t n = 0; n < found.accuracy.size(); ++n)
        row.push_back(fmt::format("{:.1f} ± {:.1f}", 100 * found.accuracy[n], 100 * found.standard_error[n]));
      row.push_back(in_words(100 * found.chance, 1));
      rows.push_back(row);
    }
    line["descriptors"].push_back(figures);
  }

  std::vector<std::string> reasons;
  if (arguments.layout != "multipie") reasons.push_back("the pictures are not Multi-PIE");
  std::vector<std::string> columns = {"descriptor", "left out"};
  for (const int number : arguments.top) columns.push_back("N = " + std::to_string(number));
  columns.push_back("chance");
  Report report("Retrieval of expressions (Table 1)");
  report.paragraph(
      fmt::format("{} pictures of {} people in {} groups, {} queries a group at most, seed {}; {} showed no "
                  "face and {} could not be read. Per cent of the nearest by cosine that have the query's "
                  "label, with the standard error over the queries.",
                  data.pictures.size(), people.size(), groups.size(), arguments.queries, arguments.seed,
                  faceless, unreadable));
  report.paragraph(why_not_comparable(reasons));
  report.table(columns, rows);
  report.paragraph(
      "The paper, on Multi-PIE; what it left out of the pictures compared with it does not say:");
  report.table({"descriptor", "N = 10", "N = 20", "N = 50", "N = 100"},
               {{"FAb-Net", "45.7", "40.8", "36.6", "35.7"},
                {"3DMM (29 numbers)", "47.3", "45.6", "41.9", "41.1"},
                {"X2Face", "61.0", "55.7", "51.8", "49.4"},
                {"Ours", "75.7", "63.8", "57.8", "54.1"}});
  report.write(arguments.output);
  line["comparable"] = reasons.empty();
  print_line(line);
  spdlog::info("{}", (arguments.output / "report.md").string());
}

}  // namespace

void add_retrieval_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "retrieval",
      "Table 1: which descriptors lie near those of the same expression; prints one line of JSON");
  auto a = std::make_shared<RetrievalArguments>();
  command
      ->add_option("--model", a->models,
                   "Reenactors, landmark networks or recognisers that describe the pictures")
      ->option_text("FILE ...");
  command->add_option("--descriptors", a->descriptors, "Files of kind descriptors, of the same pictures")
      ->option_text("FILE ...");
  command->add_option("--data", a->data, "Folder of the pictures, or the table")
      ->option_text("PATH")
      ->required();
  command->add_option("--layout", a->layout, "multipie, pairs or table")->required();
  command->add_option("--output", a->output, "Folder for report.md and the cache")
      ->option_text("FOLDER")
      ->required();
  command->add_option("--landmarks", a->landmarks, "Landmark network that aligns faces for a recogniser")
      ->option_text("FILE")
      ->capture_default_str();
  command->add_option("--queries", a->queries, "Queries of each group; 0: all pictures")
      ->capture_default_str();
  command->add_option("--top", a->top, "Numbers of nearest pictures")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--exclude", a->exclude,
                   "What is left out of the pictures compared with: picture, shot, person")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"picture", "shot", "person"}))
      ->capture_default_str();
  command->add_option("--seed", a->seed, "Decides on the queries")->capture_default_str();
  add_cropper_options(*command, a->cropper);
  add_engine_options(*command, a->engine);
  command->callback([a] { run_retrieval(*a); });
}

}  // namespace reenact::training

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "training/evaluate/compared_systems_options.h"
#include "training/evaluate/evaluate_commands.h"
#include "training/evaluate/measured_faces.h"
#include "training/evaluate/report.h"

namespace reenact::training {
namespace {

double tremble_of_heads(FacePointFinder& finder, const std::vector<cv::Mat>& pictures) {
  std::vector<FacePointList> points;
  for (const auto& face : finder.find(pictures))
    if (face.found()) points.push_back(face.points);
  return point_tremble(points);
}

void run_smoothness(const ComparedSystemsArguments& arguments) {
  auto compared = load_compared(arguments, true);
  FacePointFinder finder(arguments.landmarks, arguments.point_detector, arguments.engine);
  nlohmann::json line = {{"command", "evaluate smoothness"}, {"people", compared.people.size()},
                         {"frames", arguments.frames},       {"steps", arguments.steps},
                         {"seed", arguments.seed},           {"systems", nlohmann::json::array()}};
  std::vector<std::vector<std::string>> rows;
  for (auto& system : compared.systems) {
    std::vector<double> own, others, drivers;
    for (std::size_t k = 0; k < compared.people.size(); ++k) {
      const auto& driver = compared.people[k];
      const auto& other = compared.people[(k + 1) % compared.people.size()];
      const double driving = tremble_of_heads(finder, system->shown(driver.driver, false));
      if (driving < least_tremble) continue;
      drivers.push_back(driving);
      own.push_back(tremble_of_heads(finder, system->draw(driver, driver.driver)) / driving);
      others.push_back(tremble_of_heads(finder, system->draw(other, driver.driver)) / driving);
    }
    const auto as_himself = bootstrap_mean(own), as_another = bootstrap_mean(others),
               driving = bootstrap_mean(drivers);
    line["systems"].push_back({{"name", system->name()},
                               {"tremble_over_driver_as_himself", as_himself},
                               {"tremble_over_driver_as_another", as_another},
                               {"driver_tremble", driving}});
    rows.push_back(
        {system->name(), in_words(as_himself, 2), in_words(as_another, 2), in_words(100 * driving.mean, 2)});
  }
  auto reasons = compared.reasons;
  if (!finder.published()) reasons.push_back("points come from this project's own landmark network");
  Report report("Trembling of drawn heads (section 4.3, temporal smoothness)");
  report.paragraph(fmt::format(
      "{} people, {} frames in a row of each drive, {} steps of fine-tuning, seed {}; poses are not smoothed. Root mean square "
      "of the second differences of 68 points, over the same of the driver's own film: 1 trembles as he does, and so does "
      "what the landmark network adds. As himself: everybody drives his own head; as another: that of the next person. With "
      "95 % intervals by resampling the drivers.",
      compared.people.size(), arguments.frames, arguments.steps, arguments.seed));
  report.paragraph(why_not_comparable(reasons));
  report.table({"system", "as himself", "as another", "driver, % of the eyes' distance"}, rows);
  report.paragraph(
      "The paper has no figure: latent poses are said to give a smooth head without any smoothing, and systems driven by "
      "keypoints (FSTH, FSTH+) to need a lot of it.");
  // The folder may be figure3's, whose learned people it takes.
  report.write(arguments.output, "smoothness.md");
  line["comparable"] = reasons.empty();
  print_line(line);
  spdlog::info("{}", (arguments.output / "smoothness.md").string());
}

}  // namespace

void add_smoothness_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "smoothness",
      "How much drawn heads tremble, over their driver, without smoothing; prints one line of JSON");
  auto a = std::make_shared<ComparedSystemsArguments>();
  add_compared_systems_options(*command, *a);
  command->callback([a] { run_smoothness(*a); });
}

}  // namespace reenact::training

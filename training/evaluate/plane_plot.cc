// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/plane_plot.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "reenact/error.h"

namespace reenact::training {
namespace {

Interval interval_of(const nlohmann::json& json) {
  return {json.at("mean").get<double>(), json.at("low").get<double>(), json.at("high").get<double>()};
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '&')
      result += "&amp;";
    else
      result += c;
  }
  return result;
}

/// One axis: from values to pixels, with room at both ends, marked at round numbers.
struct Axis {
  double low, high, step, from, to;

  Axis(double least, double most, double from, double to) : from(from), to(to) {
    const double span = std::max(1e-3, most - least);
    const double rough = span / 4, power = std::pow(10, std::floor(std::log10(rough)));
    step = power * (rough / power < 2 ? 2 : rough / power < 5 ? 5 : 10);
    low = std::floor((least - 0.05 * span) / step) * step;
    high = std::ceil((most + 0.05 * span) / step) * step;
  }
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
  int marks() const { return static_cast<int>(std::lround((high - low) / step)); }
  double mark(int i) const { return low + i * step; }
};

/// Where the words beside the points go, in pixels; words at most `right` pixels from the left.
class Labels {
 public:
  explicit Labels(double right) : right_(right) {}
  /// Place beside the point, moved down or up by whole lines until the words lie on no others.
  std::pair<double, double> place(double x, double y, const std::string& words) {
    constexpr double line_height = 14, width_of_letter = 7.5;
    const double width = width_of_letter * static_cast<double>(words.size());
    Label label{std::min(x + 7, right_ - width), y - 7, width};
    const double start = label.y;
    for (int i = 1; std::ranges::any_of(placed_,
                                        [&](const Label& other) {
                                          return std::abs(other.y - label.y) < line_height - 1 &&
                                                 label.x < other.x + other.width &&
                                                 other.x < label.x + label.width;
                                        });
         ++i)
      label.y = start + (i % 2 ? 1 : -1) * line_height * static_cast<double>((i + 1) / 2);
    placed_.push_back(label);
    return {label.x, label.y};
  }

 private:
  struct Label {
    double x, y, width;
  };
  double right_;
  std::vector<Label> placed_;
};

}  // namespace

std::vector<PlanePoint> plane_points(const std::vector<nlohmann::json>& lines) {
  std::vector<std::string> order;
  std::map<std::string, PlanePoint> points;
  std::map<std::string, int> axes;
  for (const auto& line : lines) {
    try {
      const auto label = line.at("label").get<std::string>();
      const auto command = line.at("command").get<std::string>();
      auto& point = points[label];
      if (point.label.empty()) order.push_back(label);
      point.label = label;
      if (command == "evaluate identity") {
        point.identity = interval_of(line.at("distance_to_identity"));
        axes[label] |= 1;
      } else if (command == "evaluate follow") {
        const auto follow = interval_of(line.at("follow"));
        point.follow = {1 - follow.mean, 1 - follow.high, 1 - follow.low};
        axes[label] |= 2;
      }
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorCode::invalid,
                  "found the line " + line.dump().substr(0, 80) +
                      ", wanted one that `evaluate identity` or `evaluate follow` printed");
    }
  }
  std::vector<PlanePoint> both;
  for (const auto& label : order)
    if (axes[label] == 3) both.push_back(points[label]);
  if (both.empty())
    throw Error(ErrorCode::invalid,
                "found no label with lines of both `evaluate identity` and `evaluate follow`");
  return both;
}

std::string plane_plot(const std::vector<PlanePoint>& points, const PlaneTitles& titles) {
  constexpr int width = 720, height = 520;
  constexpr double left = 80, right = 700, top = 20, bottom = 460;
  double least_x = 1e9, most_x = -1e9, least_y = 1e9, most_y = -1e9;
  for (const auto& point : points) {
    least_x = std::min(least_x, point.identity.low);
    most_x = std::max(most_x, point.identity.high);
    least_y = std::min(least_y, point.follow.low);
    most_y = std::max(most_y, point.follow.high);
  }
  const Axis x(least_x, most_x, left, right), y(least_y, most_y, bottom, top);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      width, height);
  const auto line = [&](double x1, double y1, double x2, double y2, const char* color) {
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1,
                       y1, x2, y2, color);
  };
  const auto text = [&](double at_x, double at_y, const char* anchor, const std::string& words,
                        const std::string& more) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", at_x, at_y, anchor,
                       more, escaped(words));
  };
  for (int i = 0; i <= x.marks(); ++i) {
    line(x.at(x.mark(i)), top, x.at(x.mark(i)), bottom, "#dddddd");
    text(x.at(x.mark(i)), bottom + 18, "middle", fmt::format("{:.4g}", x.mark(i)), "");
  }
  for (int i = 0; i <= y.marks(); ++i) {
    line(left, y.at(y.mark(i)), right, y.at(y.mark(i)), "#dddddd");
    text(left - 8, y.at(y.mark(i)) + 4, "end", fmt::format("{:.4g}", y.mark(i)), "");
  }
  text((left + right) / 2, bottom + 42, "middle", titles.identity, "");
  text(20, (top + bottom) / 2, "middle", titles.follow,
       fmt::format(" transform=\"rotate(-90 20 {:.1f})\"", (top + bottom) / 2));
  constexpr const char* colors[] = {"#1f77b4", "#d62728", "#2ca02c", "#9467bd",
                                    "#ff7f0e", "#17becf", "#8c564b"};
  Labels labels(width);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& point = points[i];
    const char* color = colors[i % std::size(colors)];
    const double at_x = x.at(point.identity.mean), at_y = y.at(point.follow.mean);
    line(x.at(point.identity.low), at_y, x.at(point.identity.high), at_y, color);
    line(at_x, y.at(point.follow.low), at_x, y.at(point.follow.high), color);
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", at_x, at_y, color);
    const auto [label_x, label_y] = labels.place(at_x, at_y, point.label);
    text(label_x, label_y, "start", point.label, fmt::format(" fill=\"{}\"", color));
  }
  return svg + "</svg>\n";
}

}  // namespace reenact::training

// SPDX-License-Identifier: LGPL-2.1-or-later
// A picture in, another person's head in the same pose out: what the pipeline does, in C++.
//
//     c++ -std=c++20 draw_head.cc -o draw-head $(pkg-config --cflags --libs reenact-0)
//     ./draw-head driver.png identities/alex head.png
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "reenact/reenact.h"

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: draw-head PICTURE IDENTITY OUTPUT.png\n";
    return 2;
  }
  const cv::Mat picture = cv::imread(argv[1], cv::IMREAD_COLOR);
  if (picture.empty()) {
    std::cerr << "cannot read a picture from '" << argv[1] << "'\n";
    return 1;
  }
  cv::Mat rgb;
  cv::cvtColor(picture, rgb, cv::COLOR_BGR2RGB);

  reenact::FaceFinder finder(reenact::load_detector(reenact::find_model("detector"), {}));
  const std::vector<reenact::FaceBox> faces = finder.search(rgb);
  if (faces.empty()) {
    std::cerr << "found no face in '" << argv[1] << "'\n";
    return 1;
  }

  const auto reenactor = reenact::find_model("reenactor");
  const auto encoder = reenact::load_pose_encoder(reenactor, {});
  std::vector<float> pose(encoder->embedding_size());
  encoder->encode(reenact::crop_face(rgb, faces.front(), encoder->image_size()), pose);

  const auto generator = reenact::load_generator(reenactor, {});
  generator->set_identity(reenact::load_identity(reenact::find_model(argv[2])));
  const cv::Mat head = generator->generate(pose);

  cv::Mat canvas(head.size(), CV_8UC3, cv::Scalar(40, 90, 140));
  reenact::Compositor().blend(head, {0, 0, head.cols, head.rows}, {}, canvas);
  cv::cvtColor(canvas, canvas, cv::COLOR_RGB2BGR);
  if (cv::imwrite(argv[3], canvas)) return 0;
  std::cerr << "cannot write '" << argv[3] << "'\n";
  return 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';  // one sentence, from reenact::Error
  return 1;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// write-small-dataset FOLDER: the drawn faces of the tests. write-small-dataset --frames CLIP FOLDER...: three pictures of a clip into each.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>
#include <string>

#include "support/small_face_dataset.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc == 2) {
    const fs::path folder = argv[1];
    reenact::test::write_small_face_dataset(folder);
    // Recognisers are validated with two people or more.
    fs::copy(folder / "clips" / "c1", folder / "clips" / "c2");
    fs::copy(folder / "drivers" / "c1.mp4", folder / "drivers" / "c2.mp4");
    std::ofstream(folder / "clips.tsv", std::ios::app) << "c2\tp2\tval\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
    return 0;
  }
  if (argc < 4 || std::string(argv[1]) != "--frames") return 2;
  for (int i = 3; i < argc; ++i) {
    fs::create_directories(argv[i]);
    cv::VideoCapture clip(argv[2]);
    cv::Mat frame;
    for (int number = 0; number < 3; ++number) {
      if (!clip.read(frame)) return 1;
      cv::imwrite((fs::path(argv[i]) / ("picture" + std::to_string(number) + ".png")).string(), frame);
    }
  }
  return 0;
}

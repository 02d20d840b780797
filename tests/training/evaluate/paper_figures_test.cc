// SPDX-License-Identifier: LGPL-2.1-or-later
// What the paper's figures are computed by, without networks: invariants and chance levels.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "media/picture_file.h"
#include "offline/contact_sheet.h"
#include "support/errors.h"
#include "support/temporary_folder.h"
#include "training/evaluate/keypoint_pictures.h"
#include "training/evaluate/keypoint_regression.h"
#include "training/evaluate/labelled_pictures.h"
#include "training/evaluate/pose_path.h"
#include "training/evaluate/reenactment_errors.h"
#include "training/evaluate/report.h"
#include "training/evaluate/retrieval.h"
#include "training/evaluate/vector_cache.h"

namespace reenact::training {
namespace {

using Vectors = std::vector<std::vector<float>>;

FacePointList some_face() {
  std::mt19937 random(4);
  std::uniform_real_distribution<float> place(40, 200);
  FacePointList points(68);
  for (auto& point : points) point = {place(random), place(random)};
  points[36] = {80, 100};
  points[45] = {140, 100};
  return points;
}

FacePointList moved(FacePointList points, double scale, double degrees, const cv::Point2f& shift) {
  const double a = scale * std::cos(degrees * CV_PI / 180), b = scale * std::sin(degrees * CV_PI / 180);
  for (auto& point : points)
    point = cv::Point2f(static_cast<float>(a * point.x - b * point.y),
                        static_cast<float>(b * point.x + a * point.y)) +
            shift;
  return points;
}

TEST(PoseError, OfAFaceWithItselfIsZeroAndOfAPixelIsOneOverTheEyes) {
  const auto face = some_face();
  EXPECT_EQ(pose_error(face, face), 0);
  EXPECT_NEAR(pose_error(face, moved(face, 1, 0, {1, 0})), 1.0 / 60, 1e-6);
  auto blind = face;
  blind[45] = blind[36];
  EXPECT_NEAR(pose_error(blind, moved(blind, 1, 0, {1, 0})), 1 / 0.01, 1e-3);
  test::expect_error([&] { pose_error(face, FacePointList(5)); }, ErrorCode::invalid,
                     {"5 points", "wanted 68"});
}

TEST(PoseError, AfterTheFitForgetsScaleAndShiftAndNotRotation) {
  const auto face = some_face();
  const auto smaller = moved(face, 0.6, 0, {31, -12});
  EXPECT_GT(pose_error(face, smaller), 0.1);
  EXPECT_LT(pose_error(face, fitted_points(face, smaller)), 1e-5);
  EXPECT_GT(pose_error(face, fitted_points(face, moved(face, 1, 10, {0, 0}))), 0.02);
}

TEST(IdentityErrors, AreZeroForOneVectorAndOneForOrthogonalOnes) {
  const Vectors one = {{1, 0, 0}}, other = {{0, 1, 0}};
  EXPECT_DOUBLE_EQ(identity_error(one, one).csim, 0);
  EXPECT_DOUBLE_EQ(identity_error(one, one).dot, 0);
  EXPECT_DOUBLE_EQ(identity_error(one, other).csim, 1);
  EXPECT_DOUBLE_EQ(identity_error(one, other).dot, 1);
  // Pictures that differ have a mean shorter than 1, which the plain product does not make up for.
  const Vectors spread = {{1, 0, 0}, {0.6f, 0.8f, 0}};
  const auto error = identity_error(spread, {{0.8f, 0.6f, 0}});
  EXPECT_GT(error.dot, error.csim);
  test::expect_error([&] { identity_error({}, one); }, ErrorCode::invalid, {"0 pictures", "1 drawn"});
}

TEST(PointTremble, SeesTremblingAndNotSteadyMotion) {
  const auto face = some_face();
  std::vector<FacePointList> steady, trembling;
  for (int i = 0; i < 9; ++i) {
    steady.push_back(moved(face, 1, 0, {2.0f * i, 0.5f * i}));
    trembling.push_back(moved(face, 1, 0, {i % 2 ? 1.0f : 0.0f, 0}));
  }
  EXPECT_NEAR(point_tremble(steady), 0, 1e-5);
  EXPECT_NEAR(point_tremble(trembling), 2.0 / 60, 1e-6);
  EXPECT_EQ(point_tremble({face, face}), 0);
}

/// `people` people with a picture of each label in each of two groups.
std::vector<RetrievalEntry> entries_of(const std::vector<std::string>& labels, int people) {
  std::vector<RetrievalEntry> entries;
  for (const char* group : {"left", "right"})
    for (int person = 0; person < people; ++person)
      for (const auto& label : labels) entries.push_back({label, group, "p" + std::to_string(person), label});
  return entries;
}

Vectors random_vectors(std::size_t count, std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Vectors vectors(count, std::vector<float>(size));
  for (auto& vector : vectors)
    for (float& value : vector) value = normal(random);
  return vectors;
}

TEST(Retrieval, FindsLabelsThatAreTheDescriptorsAlways) {
  const auto entries = entries_of({"neutral", "smile", "scream"}, 40);
  Vectors vectors;
  for (const auto& entry : entries)
    vectors.push_back({entry.label == "neutral" ? 1.f : 0.f, entry.label == "smile" ? 1.f : 0.f,
                       entry.label == "scream" ? 1.f : 0.f});
  for (const auto exclusion :
       {RetrievalExclusion::picture, RetrievalExclusion::shot, RetrievalExclusion::person}) {
    const auto found = retrieve(entries, vectors, {1, 10, 20}, exclusion, 100, 3);
    EXPECT_EQ(found.accuracy, (std::vector<double>{1, 1, 1}));
    EXPECT_EQ(found.queries, 200u);
  }
}

TEST(Retrieval, OfRandomDescriptorsIsTheChanceLevel) {
  // The London pairs: 102 people, two labels, one group.
  std::vector<RetrievalEntry> pairs;
  for (int person = 0; person < 102; ++person)
    for (const char* label : {"neutral", "smile"})
      pairs.push_back({label, "front", "p" + std::to_string(person), label});
  const auto found =
      retrieve(pairs, random_vectors(204, 64, 1), {10, 20, 50, 100}, RetrievalExclusion::picture, 0, 5);
  EXPECT_NEAR(found.chance, 101.0 / 203, 1e-12);
  for (std::size_t n = 0; n < 4; ++n)
    EXPECT_NEAR(found.accuracy[n], found.chance, 3 * found.standard_error[n]) << n;
  const auto strangers = retrieve(pairs, random_vectors(204, 64, 1), {10}, RetrievalExclusion::person, 0, 5);
  EXPECT_NEAR(strangers.chance, 0.5, 1e-12);
}

TEST(Retrieval, OfMultiPiesCountsHasAChanceOf28PerCent) {
  // Subjects of a session by recordings of a label, one flash.
  std::vector<RetrievalEntry> entries;
  for (const auto& [label, count] : std::initializer_list<std::pair<const char*, int>>{{"neutral", 1160},
                                                                                       {"smile", 479},
                                                                                       {"surprise", 203},
                                                                                       {"squint", 203},
                                                                                       {"disgust", 230},
                                                                                       {"scream", 239}})
    for (int i = 0; i < count; ++i)
      entries.push_back({label, "05_1", "p" + std::to_string(entries.size()), ""});
  const auto found =
      retrieve(entries, random_vectors(entries.size(), 16, 2), {10, 100}, RetrievalExclusion::picture, 0, 5);
  EXPECT_NEAR(found.chance, 0.280, 1e-3);
  for (std::size_t n = 0; n < 2; ++n)
    EXPECT_NEAR(found.accuracy[n], found.chance, 3 * found.standard_error[n]);
}

TEST(Retrieval, LeavesOutWhatItIsTold) {
  // A picture looks most like the other flash of its shot, then like its person, then like its label.
  std::vector<RetrievalEntry> entries;
  Vectors vectors;
  for (int person = 0; person < 3; ++person)
    for (const char* label : {"a", "b"})
      for (int flash = 0; flash < 2; ++flash) {
        entries.push_back({label, "g", "p" + std::to_string(person), label});
        vectors.emplace_back(5);
        vectors.back()[static_cast<std::size_t>(person)] = 10;
        vectors.back()[label[0] == 'a' ? 3 : 4] = 1;
      }
  const auto nearest = [&](RetrievalExclusion exclusion) {
    return retrieve(entries, vectors, {1}, exclusion, 0, 1).accuracy[0];
  };
  EXPECT_DOUBLE_EQ(nearest(RetrievalExclusion::picture), 1);
  EXPECT_DOUBLE_EQ(nearest(RetrievalExclusion::shot), 0);
  EXPECT_DOUBLE_EQ(nearest(RetrievalExclusion::person), 1);
  test::expect_error([&] { retrieve({entries[0]}, {vectors[0]}, {1}, RetrievalExclusion::picture, 0, 1); },
                     ErrorCode::invalid, {"at least two"});
  test::expect_error([&] { retrieve(entries, {{1}}, {1}, RetrievalExclusion::picture, 0, 1); },
                     ErrorCode::invalid, {"1 descriptors of 12 pictures"});
}

class LabelledPictureFolder : public testing::Test {
 protected:
  void write(const std::string& name) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    write_png(path, cv::Mat(8, 8, CV_8UC3, cv::Scalar(1, 2, 3)));
  }
  test::TemporaryFolder folder_;
};

TEST_F(LabelledPictureFolder, OfMultiPieTellsExpressionsAndCamerasByItsFolders) {
  write("pie/data/session01/multiview/001/01/05_1/001_01_01_051_07.png");
  write("pie/data/session01/multiview/001/02/05_1/001_01_02_051_07.png");
  write("pie/data/session01/multiview/001/02/05_1/001_01_02_051_08.png");
  write("pie/data/session04/multiview/001/03/19_0/001_04_03_190_00.png");
  write("pie/data/session04/multiview/001/03/11_0/001_04_03_110_00.png");  // a camera the paper leaves out
  write("pie/data/session04/multiview/001/04/19_0/001_04_04_190_00.png");  // a recording without expression
  const auto found = read_labelled_pictures(folder_ / "pie", "multipie").pictures;
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].name, "session01/multiview/001/01/05_1/001_01_01_051_07.png");
  EXPECT_EQ(found[0].entry.label, "neutral");
  EXPECT_EQ(found[1].entry.label, "smile");
  EXPECT_EQ(found[1].entry.shot, found[2].entry.shot);
  EXPECT_NE(found[0].entry.shot, found[1].entry.shot);
  EXPECT_EQ(found[3].entry.label, "scream");
  EXPECT_EQ(found[3].entry.group, "19_0");
  EXPECT_EQ(found[3].entry.person, "001");
}

TEST_F(LabelledPictureFolder, OfPairsTakesPeopleWithBothPictures) {
  write("data/stills/0000.jpg");
  std::ofstream(folder_ / "data/stills.tsv")
      << "id\tperson\tsource\tlicence\toriginal_name\n"
         "0000\tlondon-1\ts\tl\t001_03.jpg\n0001\tlondon-1\ts\tl\t001_08.jpg\n"
         "0002\tlondon-2\ts\tl\t002_03.jpg\n0003\tstill-3\ts\tl\tada.jpg\n";
  const auto found = read_labelled_pictures(folder_ / "data", "pairs");
  EXPECT_TRUE(found.already_cropped);
  ASSERT_EQ(found.pictures.size(), 2u);
  EXPECT_EQ(found.pictures[0].entry.label, "neutral");
  EXPECT_EQ(found.pictures[1].entry.label, "smile");
  EXPECT_EQ(found.pictures[1].file.filename(), "0001.jpg");
}

TEST_F(LabelledPictureFolder, SaysInOneSentenceWhatIsWrong) {
  std::ofstream(folder_ / "some.tsv") << "file\tlabel\tgroup\na.png\tsmile\tg\nb.png\t\tg\n";
  const auto expect = [&](const char* folder, const char* layout, ErrorCode code,
                          std::initializer_list<std::string> words) {
    test::expect_error([&] { read_labelled_pictures(folder_ / folder, layout); }, code, words);
  };
  expect("some.tsv", "table", ErrorCode::invalid, {"without file or label"});
  expect("nowhere", "multipie", ErrorCode::not_found, {"nowhere", "multipie"});
  std::filesystem::create_directory(folder_ / "empty");
  expect("empty", "multipie", ErrorCode::invalid, {"has 0 pictures", "multipie"});
  expect("empty", "sideways", ErrorCode::invalid, {"sideways", "wanted multipie, pairs or table"});
  expect("empty", "pairs", ErrorCode::not_found, {"stills.tsv"});
}

TEST(PosePath, EndsExactlyAtItsEndsAndKeepsEqualLengths) {
  const std::vector<float> from = {3, 0, 0.1f}, to = {0, 3, 0.1f};
  for (const auto kind : {PathKind::sphere, PathKind::line}) {
    const auto path = pose_path(from, to, 8, kind);
    ASSERT_EQ(path.size(), 9u);
    EXPECT_EQ(path.front(), from);
    EXPECT_EQ(path.back(), to);
  }
  const auto length = [](const std::vector<float>& pose) {
    return std::sqrt(pose[0] * pose[0] + pose[1] * pose[1] + pose[2] * pose[2]);
  };
  const auto sphere = pose_path(from, to, 8, PathKind::sphere);
  for (const auto& pose : sphere) EXPECT_NEAR(length(pose), length(from), 1e-5);
  // A straight way cuts the corner: in its middle it is shorter by the cosine of half the angle.
  EXPECT_NEAR(length(pose_path(from, to, 8, PathKind::line)[4]), std::sqrt(4.5 + 0.01), 1e-5);
  // Equal steps on the sphere are equal angles.
  const auto product = [](const std::vector<float>& a, const std::vector<float>& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  for (int i = 1; i < 8; ++i)
    EXPECT_NEAR(product(sphere[i], sphere[i + 1]), product(sphere[0], sphere[1]), 1e-4);
  test::expect_error([&] { pose_path(from, to, 0, PathKind::line); }, ErrorCode::invalid, {"0 steps"});
}

TEST(KeypointNetwork, HasThePapersSizes) {
  const auto parameters = [](std::int64_t features) {
    const auto network = keypoint_network(features, 768);
    std::int64_t count = 0;
    for (const auto& parameter : network->parameters()) count += parameter.numel();
    return count;
  };
  EXPECT_EQ(parameters(768), 598'282);
  EXPECT_EQ(parameters(256), 205'066);
  EXPECT_EQ(parameters(512), 401'674);
}

TEST(KeypointRegression, ReadsPointsThatAreTheFeatures) {
  std::mt19937 random(8);
  std::uniform_real_distribution<float> wobble(-0.1f, 0.1f);
  const FivePoints face = {{{-0.2f, -0.1f}, {0.2f, -0.1f}, {0, 0.1f}, {-0.15f, 0.3f}, {0.15f, 0.3f}}};
  const auto samples = [&](int count) {
    std::vector<KeypointSample> list(static_cast<std::size_t>(count));
    for (auto& sample : list) {
      for (std::size_t i = 0; i < 5; ++i) {
        sample.points[i] = face[i] + cv::Point2f(wobble(random), wobble(random));
        sample.features.push_back(sample.points[i].x);
        sample.features.push_back(sample.points[i].y);
      }
    }
    return list;
  };
  KeypointOptions options;
  options.hidden = 0;
  const auto training = samples(400), test = samples(50);
  const auto linear = regress_keypoints(training, test, options);
  EXPECT_LT(linear.error, 0.1);
  EXPECT_EQ(linear.of_pictures.size(), 50u);
  EXPECT_GT(linear.mean_face_error, 5);
  options.hidden = 768;
  const auto hidden = regress_keypoints(training, test, options);
  EXPECT_LT(hidden.error, 0.6 * hidden.mean_face_error);
  // Features that tell nothing: no better than the mean face.
  auto blind = training, blind_test = test;
  for (auto* list : {&blind, &blind_test})
    for (auto& sample : *list)
      for (float& value : sample.features) value = wobble(random);
  EXPECT_GT(regress_keypoints(blind, blind_test, options).error, 0.9 * hidden.mean_face_error);
  test::expect_error([&] { regress_keypoints(training, {}, options); }, ErrorCode::invalid,
                     {"400", "0 to test on"});
}

TEST_F(LabelledPictureFolder, OfMaflHoldsItsTwoListsAndTheirPoints) {
  std::filesystem::create_directories(folder_ / "celeba/MAFL");
  std::filesystem::create_directories(folder_ / "celeba/Anno");
  std::ofstream(folder_ / "celeba/MAFL/training.txt") << "000002.jpg";  // no final newline
  std::ofstream(folder_ / "celeba/MAFL/testing.txt") << "000001.jpg\n";
  std::ofstream(folder_ / "celeba/Anno/list_landmarks_align_celeba.txt")
      << "2\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y\n"
         "000001.jpg 69  109 106  113   77  142   73  152  108  154\n000002.jpg 1 2 3 4 5 6 7 8 9 10\n";
  const auto found = read_keypoint_pictures(folder_ / "celeba", "mafl", 0);
  ASSERT_EQ(found.training.size(), 1u);
  ASSERT_EQ(found.test.size(), 1u);
  EXPECT_EQ(found.test[0].points[1], cv::Point2f(106, 113));
  EXPECT_EQ(found.training[0].file, folder_ / "celeba" / "Img" / "img_align_celeba" / "000002.jpg");
  test::expect_error([&] { read_keypoint_pictures(folder_ / "celeba", "mafl-wild", 0); },
                     ErrorCode::not_found, {"list_landmarks_celeba.txt"});
  test::expect_error([&] { read_keypoint_pictures(folder_ / "celeba", "helen", 0); }, ErrorCode::invalid,
                     {"helen", "wanted mafl"});
  std::ofstream(folder_ / "celeba/MAFL/testing.txt") << "000009.jpg\n";
  test::expect_error([&] { read_keypoint_pictures(folder_ / "celeba", "mafl", 0); }, ErrorCode::corrupt,
                     {"testing.txt", "000009.jpg"});
}

TEST_F(LabelledPictureFolder, VectorsAreComputedOnceAndAnewWhereTheyCannotBeRead) {
  int made = 0;
  const auto cached = [&](const std::string& key) {
    return cached_vectors(folder_ / "cache", key, [&] {
      ++made;
      return Vectors{{1, 2, 3}, {}, {4, 5, 6}};
    });
  };
  EXPECT_EQ(cached("one"), cached("one"));
  EXPECT_EQ(made, 1);
  EXPECT_EQ(cached("two")[2], (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(made, 2);
  for (const auto& file : std::filesystem::directory_iterator(folder_ / "cache"))
    std::ofstream(file.path()) << "damaged";
  EXPECT_TRUE(cached("one")[1].empty());
  EXPECT_EQ(made, 3);
}

TEST(Reports, AreTablesOfMarkdownThatSayWhatIsNotComparable) {
  Report report("Some figure");
  report.paragraph(why_not_comparable({"a network", "some pictures"}))
      .paragraph("")
      .table({"a", "b"}, {{"1", "2"}});
  EXPECT_EQ(report.text(),
            "# Some figure\n\nFigures here are not comparable with the paper's: a network; some pictures.\n\n"
            "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
  EXPECT_EQ(why_not_comparable({}), "");
  EXPECT_EQ(in_words(Interval{0.5, 0.25, 0.75}, 2), "0.50 (0.25 to 0.75)");
}

}  // namespace
}  // namespace reenact::training

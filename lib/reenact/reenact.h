// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/// Everything that libreenact gives to programs. A whole one, a picture in and a head out (examples/draw_head.cc says
/// more when something goes wrong):
///
///     #include <opencv2/imgcodecs.hpp>
///     #include <opencv2/imgproc.hpp>
///     #include <reenact/reenact.h>
///
///     int main() {
///       cv::Mat rgb;
///       cv::cvtColor(cv::imread("driver.png"), rgb, cv::COLOR_BGR2RGB);
///       reenact::FaceFinder finder(reenact::load_detector(reenact::find_model("detector"), {}));
///       const std::vector<reenact::FaceBox> faces = finder.search(rgb);
///       if (faces.empty()) return 1;
///
///       const auto reenactor = reenact::find_model("reenactor");
///       const auto encoder = reenact::load_pose_encoder(reenactor, {});
///       std::vector<float> pose(encoder->embedding_size());
///       encoder->encode(reenact::crop_face(rgb, faces.front(), encoder->image_size()), pose);
///
///       const auto generator = reenact::load_generator(reenactor, {});
///       generator->set_identity(reenact::load_identity(reenact::find_model("identities/alex")));
///       cv::Mat head;
///       cv::cvtColor(generator->generate(pose), head, cv::COLOR_RGBA2BGRA);
///       cv::imwrite("head.png", head);
///     }
///
/// Compile it with `pkg-config --cflags --libs reenact-0`. Errors are thrown as reenact::Error.
#include "reenact/compositor.h"
#include "reenact/config.h"
#include "reenact/crop.h"
#include "reenact/engine.h"
#include "reenact/enrolment.h"
#include "reenact/error.h"
#include "reenact/face_finder.h"
#include "reenact/identity.h"
#include "reenact/identity_packet.h"
#include "reenact/landmark_head.h"
#include "reenact/model_file.h"
#include "reenact/pose_basis.h"
#include "reenact/pose_codec.h"
#include "reenact/pose_filter.h"
#include "reenact/pose_interpolation.h"
#include "reenact/pose_mapper.h"
#include "reenact/pose_track.h"
#include "reenact/quantise.h"
#include "reenact/reference_finder.h"
#include "reenact/version.h"

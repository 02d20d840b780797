// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/gstreamer.h"

#include <algorithm>
#include <mutex>

#include "reenact/error.h"

namespace reenact::media {
namespace {

void start_gstreamer() {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  if (gst_is_initialized()) return;
  GError* problem = nullptr;
  if (gst_init_check(nullptr, nullptr, &problem)) return;
  const std::string sentence = problem ? problem->message : "no reason was given";
  g_clear_error(&problem);
  throw Error(ErrorCode::unsupported, "cannot start GStreamer: " + sentence);
}

}  // namespace

GstElement* make_element(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  if (!element)
    throw Error(ErrorCode::unsupported, std::string("GStreamer's element '") + factory +
                                            "' is not installed, see scripts/install-packages");
  return element;
}

std::string sentence_of(GstMessage* message) {
  GError* problem = nullptr;
  gchar* details = nullptr;
  gst_message_parse_error(message, &problem, &details);
  std::string sentence = problem && problem->message ? problem->message : "no reason was given";
  g_clear_error(&problem);
  g_free(details);
  std::replace(sentence.begin(), sentence.end(), '\n', ' ');
  while (!sentence.empty() && (sentence.back() == '.' || sentence.back() == ' ')) sentence.pop_back();
  return sentence;
}

Pipeline::Pipeline()
    : pipeline_((start_gstreamer(), gst_pipeline_new(nullptr))), bus_(gst_element_get_bus(pipeline_.get())) {
  gst_object_ref_sink(pipeline_.get());
}

Pipeline::~Pipeline() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

GstElement* Pipeline::add(GstElement* element) {
  gst_bin_add(GST_BIN(pipeline_.get()), element);
  return element;
}

Owned<GstMessage> Pipeline::wait(GstMessageType types, GstClockTime timeout) {
  return Owned<GstMessage>(gst_bus_timed_pop_filtered(bus_.get(), timeout, types));
}

}  // namespace reenact::media

// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactgenerator
 * @title: reenactgenerator
 *
 * Draws the head of the identity that reenactidentity announces in the poses that come in; its mask is alpha.
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactcrop ! reenactpose \
 *         ! reenactidentity identity-file=NAME.safetensors ! reenactgenerator ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/video/video.h>

#include <atomic>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/engine_settings.h"
#include "base/glib.h"
#include "base/network_filter.h"
#include "base/properties.h"
#include "base/settings.h"
#include "base/sighting.h"
#include "base/time_segment.h"
#include "elements.h"
#include "identity_transition.h"
#include "reenact/error.h"
#include "reenact/landmark_head.h"
#include "reenact/pose_mapper.h"
#include "reenact/region_strengths.h"
#include "stream/face_meta.h"
#include "stream/face_place.h"
#include "stream/identity_event.h"
#include "stream/pose_buffer.h"
#include "stream/progress_event.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_generator_debug);
#define GST_CAT_DEFAULT reenact_generator_debug

namespace reenact {

struct ReenactGenerator {
  struct Private;
  ReenactNetworkFilter parent;
  Private* p;
};
struct ReenactGeneratorClass {
  ReenactNetworkFilterClass parent_class;
};

template <>
GType enum_type<PoseMode>() {
  static const GEnumValue values[] = {
      enum_value(PoseMode::absolute, "The head takes the driver's pose", "absolute"),
      enum_value(PoseMode::relative,
                 "The head moves from its own resting pose as the driver moves from the reference",
                 "relative"),
      enum_value(PoseMode::automatic,
                 "As relative, from a reference that finds itself; expression and bearing stay the driver's",
                 "auto"),
      {}};
  static const GType type = register_enum("ReenactPoseMode", values);
  return type;
}

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGBA")));

struct GeneratorSettings {
  PoseMode pose_mode = PoseMode::absolute;
  double pose_strength = 1;
  RegionStrengths regions;
  guint identity_transition = 0;  // milliseconds
};

using Row = Property<GeneratorSettings>;
constexpr Row property_table[] = {
    Row("pose-mode", "Pose mode", "How the head takes the driver's pose",
        member<&GeneratorSettings::pose_mode>, {}, set_while_playing),
    Row("pose-strength", "Pose strength",
        "How far the head moves from its resting pose: 0 not at all, 1 as the driver, more exaggerates",
        member<&GeneratorSettings::pose_strength>, {0, 3}, set_by_controller),
    Row("bearing-strength", "Bearing strength",
        "How far the head turns, nods and tilts from its resting pose, on top of pose-strength",
        member<&GeneratorSettings::regions, &RegionStrengths::bearing>, {0, 3}, set_by_controller),
    Row("mouth-strength", "Mouth strength",
        "How far the mouth moves from its resting pose, on top of pose-strength",
        member<&GeneratorSettings::regions, &RegionStrengths::mouth>, {0, 3}, set_by_controller),
    Row("eyes-strength", "Eyes strength",
        "How far lids and brows move from their resting pose, on top of pose-strength",
        member<&GeneratorSettings::regions, &RegionStrengths::eyes>, {0, 3}, set_by_controller),
    Row("identity-transition", "Identity transition",
        "Milliseconds in which one identity goes over into the next; 0: at once",
        member<&GeneratorSettings::identity_transition>, {0, 60000}, set_by_controller)};
constexpr Properties<GeneratorSettings> properties(property_table, first_own_property);

/// Who is to be drawn.
enum class Head {
  unknown,  ///< nothing upstream said: an error once there is a pose to draw
  nobody,   ///< reenactidentity has none yet: pictures stay empty
  known
};

}  // namespace

struct ReenactGenerator::Private {
  GeneratorSettings settings;  // under the object's lock
  std::atomic<bool> reference_wanted = false;

  std::unique_ptr<Generator> generator;
  std::atomic<int> image_size = 0;  // of generator, for queries from any thread; 0: none
  Head head = Head::unknown;
  std::shared_ptr<const Identity> identity;  // that was announced last
  std::shared_ptr<const Identity> drawn;     // that the generator has
  IdentityTransition transition;
  PoseMapper mapper;
  std::shared_ptr<const LandmarkHead> landmark_head;  // null where the model has none
  bool regions_missed = false;                        // whether that was said
};

enum Signal { set_reference_signal, signal_count };
static guint signals[signal_count];

GST_ELEMENT_REGISTER_DEFINE(reenactgenerator, "reenactgenerator", GST_RANK_NONE, reenact_generator_get_type())
G_DEFINE_TYPE(ReenactGenerator, reenact_generator, reenact_network_filter_get_type())

namespace {

ReenactGenerator* self_of(gpointer object) {
  return reinterpret_cast<ReenactGenerator*>(object);
}

GeneratorSettings& settings_of(ReenactNetworkFilter* filter) {
  return self_of(filter)->p->settings;
}

void set_reference(ReenactGenerator* self) {
  self->p->reference_wanted = true;
}

const Network& load(ReenactNetworkFilter* filter, const std::filesystem::path& model,
                    const EngineOptions& options) {
  ReenactGenerator::Private& p = *self_of(filter)->p;
  p.generator = load_generator(model, options);
  p.landmark_head = load_landmark_head(model);
  p.image_size = p.generator->image_size();
  p.mapper.set_landmark_head(p.landmark_head);
  p.regions_missed = false;
  p.head = Head::unknown;
  return *p.generator;
}

Rehearsal rehearse(ReenactNetworkFilter* filter) {
  Generator& generator = *self_of(filter)->p->generator;
  // Never seen: before an identity is announced nothing is drawn.
  auto nobody = std::make_shared<Identity>();
  nobody->embedding.assign(std::size_t(generator.identity_embedding_size()), 0.1f);
  generator.set_identity(nobody);
  const std::vector<float> pose(std::size_t(generator.pose_embedding_size()), 0.1f);
  return {"draws", [&generator, pose] { generator.generate(pose); }};
}

void unload(ReenactNetworkFilter* filter) {
  ReenactGenerator::Private& p = *self_of(filter)->p;
  p.image_size = 0;
  p.generator.reset();
  p.identity.reset();
  p.drawn.reset();
  p.transition.reset();
  p.landmark_head.reset();
  p.mapper.reset();
  p.reference_wanted = false;
}

GstCaps* caps_for(ReenactNetworkFilter* filter, GstPadDirection direction) {
  // Dimensions can be spelled in several ways; configure() compares them.
  if (direction == GST_PAD_SINK) return gst_static_pad_template_get_caps(&sink_template);
  GstCaps* caps = gst_caps_make_writable(gst_static_pad_template_get_caps(&src_template));
  gst_caps_set_simple(caps, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr);
  if (const int size = self_of(filter)->p->image_size; size > 0)
    gst_caps_set_simple(caps, "width", G_TYPE_INT, size, "height", G_TYPE_INT, size, nullptr);
  return caps;
}

gboolean configure(ReenactNetworkFilter* filter, GstCaps* in, GstCaps*) {
  const int found = pose_size_of_caps(in), wanted = self_of(filter)->p->generator->pose_embedding_size();
  if (found == wanted) return TRUE;
  const char* dimensions = gst_structure_get_string(gst_caps_get_structure(in, 0), "dimensions");
  throw Error(ErrorCode::wrong_kind, "the poses that come in have dimensions " +
                                         std::string(dimensions ? dimensions : "(none)") + ", and '" +
                                         network_filter_model_path(filter).string() + "' wants " +
                                         std::to_string(wanted) + ":1:1:1");
}

/// Lets reenactcrop know that this pose waits no longer.
void tell_begun(ReenactNetworkFilter* filter, GstBuffer* buffer) {
  auto* base = GST_BASE_TRANSFORM(filter);
  const guint64 time = running_time(base->segment, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time) && network_filter_latency(filter).live())
    gst_pad_push_event(GST_BASE_TRANSFORM_SINK_PAD(base), new_begun_event(time));
}

/// Gives the generator whom it draws at that time.
void draw_identity_of(ReenactNetworkFilter* filter, GstClockTime time) {
  ReenactGenerator::Private& p = *self_of(filter)->p;
  const std::shared_ptr<const Identity> identity = p.transition.at(time);
  if (identity == p.drawn) return;
  p.generator->set_identity(identity);
  p.drawn = identity;
}

/// The pose with its regions as strong as wanted; says once where the model cannot tell them apart.
std::vector<float> with_regions(ReenactNetworkFilter* filter, const RegionStrengths& strengths,
                                std::span<const float> pose) {
  ReenactGenerator::Private& p = *self_of(filter)->p;
  if (p.landmark_head) return with_region_strengths(*p.landmark_head, pose, p.drawn->neutral_pose, strengths);
  if (!std::exchange(p.regions_missed, true)) {
    post_warning(GST_ELEMENT(filter),
                 Error(ErrorCode::unsupported, "'" + network_filter_model_path(filter).string() +
                                                   "' has no landmark head, wanted one for bearing-strength, "
                                                   "mouth-strength and eyes-strength"));
  }
  return {pose.begin(), pose.end()};
}

Processed process(ReenactNetworkFilter* filter, GstBuffer* in, GstBuffer* out) {
  ReenactGenerator::Private& p = *self_of(filter)->p;
  const GeneratorSettings settings = copy_of(filter, p.settings);
  tell_begun(filter, in);
  // Poses from elsewhere bring along where the face lay, and no meta. (A mapped frame takes none.)
  add_face_meta_of_place(in, p.generator->pose_embedding_size(), out);

  MappedFrame target(filter->out_info, out, GST_MAP_WRITE);
  cv::Mat picture = target.mat(CV_8UC4);
  if (is_faceless(out) || p.head == Head::nobody) {
    picture.setTo(cv::Scalar::all(0));
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_GAP);
    return {.network_ran = false};
  }
  if (p.head == Head::unknown) {
    throw Error(ErrorCode::invalid,
                "nobody's head is known to reenactgenerator, wanted a reenactidentity with an identity-file "
                "before it");
  }
  const MappedPose pose(in, p.generator->pose_embedding_size(), GST_MAP_READ);
  if (p.reference_wanted.exchange(false)) {
    GST_DEBUG_OBJECT(filter, "The pose of %" GST_TIME_FORMAT " becomes the reference",
                     GST_TIME_ARGS(GST_BUFFER_PTS(in)));
    p.mapper.set_reference();
  }
  draw_identity_of(filter, running_time(GST_BASE_TRANSFORM(filter)->segment, GST_BUFFER_PTS(in)));
  const auto mapped =
      p.mapper.map(pose.values(), p.drawn->neutral_pose, settings.pose_mode, settings.pose_strength,
                   sighting_of(GST_BASE_TRANSFORM(filter)->segment, out));
  if (settings.regions.change_nothing()) {
    p.generator->generate(mapped).copyTo(picture);
  } else {
    p.generator->generate(with_regions(filter, settings.regions, mapped)).copyTo(picture);
  }
  return {};
}

/// False, and said on the bus, where the identity does not fit: a stream goes on with whom it has, and cannot begin
/// without anybody.
bool take_identity(ReenactGenerator* self, const std::shared_ptr<const Identity>& identity) {
  ReenactGenerator::Private& p = *self->p;
  if (!p.generator || identity == p.identity) {
    if (!identity && p.head == Head::unknown) p.head = Head::nobody;
    return true;
  }
  try {
    if (identity) {
      p.generator->set_identity(identity);  // which says whether it fits
      p.drawn = identity;
    }
  } catch (const std::exception& error) {
    const auto post = p.head == Head::unknown ? post_error : post_warning;
    post(GST_ELEMENT(self), error);
    return false;
  }
  const GeneratorSettings settings = copy_of(self, p.settings);
  p.transition.begin(identity, settings.identity_transition * GST_MSECOND);
  p.identity = identity;
  p.head = identity ? Head::known : Head::nobody;
  GST_DEBUG_OBJECT(self, "From here on the head of %s", identity ? identity->name.c_str() : "nobody");
  return true;
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  std::shared_ptr<const Identity> identity;
  if (parse_identity_event(event, identity)) {
    const bool taken =
        guarded(GST_ELEMENT(base), false, [&] { return take_identity(self_of(base), identity); });
    if (!taken) {
      gst_event_unref(event);
      // A sticky event that is refused comes again before the next buffer, and ends the stream.
      return self_of(base)->p->head != Head::unknown;
    }
  }
  return GST_BASE_TRANSFORM_CLASS(reenact_generator_parent_class)->sink_event(base, event);
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_generator_parent_class)->finalize(object);
}

void install_signals(GObjectClass* object_class) {
  /**
   * ReenactGenerator::set-reference:
   *
   * Action: the next pose becomes the reference from which pose-mode=relative counts, and pose-mode=auto until
   * another face comes.
   */
  signals[set_reference_signal] = g_signal_new_class_handler(
      "set-reference", G_OBJECT_CLASS_TYPE(object_class), GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(set_reference), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
}

}  // namespace

static void reenact_generator_class_init(ReenactGeneratorClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  ReenactNetworkFilterClass* filter_class = &klass->parent_class;
  GST_DEBUG_CATEGORY_INIT(reenact_generator_debug, "reenactgenerator", 0, "Head generator");
  filter_class->category = reenact_generator_debug;
  object_class->finalize = finalize;
  network_filter_install_properties(filter_class, "The reenactor whose generator runs",
                                    "reenactor.safetensors");
  network_filter_install_settings<properties, settings_of>(filter_class);
  install_signals(object_class);
  describe_element(element_class,
                   {"Head generator", "Filter/Effect/Video",
                    "Draws an identity's head in the poses that come in, with its mask as alpha"},
                   {&sink_template, &src_template});
  filter_class->load = load;
  filter_class->rehearse = rehearse;
  filter_class->unload = unload;
  filter_class->caps_for = caps_for;
  filter_class->configure = configure;
  filter_class->process = process;
  GST_BASE_TRANSFORM_CLASS(klass)->sink_event = sink_event;
}

static void reenact_generator_init(ReenactGenerator* self) {
  self->p = new ReenactGenerator::Private;
}

}  // namespace reenact

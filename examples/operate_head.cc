// SPDX-License-Identifier: LGPL-2.1-or-later
// An operator's keys: a head that is changed, led and taken away while it is on air, from a terminal alone.
//
//     operate-head [--pipeline DESCRIPTION] IDENTITY...
//
// The pipeline holds a reenactbin called `head`; without one a camera moves it on screen. Keys come from standard input,
// one by one where it is a terminal.
#include <glib-unix.h>
#include <gst/gst.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr char default_pipeline[] =
    "autovideosrc ! videoconvert ! reenactbin name=head identity-transition=500 panic-shows=black "
    "enrol-countdown=3 enrol-min-score=0.3 ! videoconvert ! autovideosink";

constexpr char keys[] =
    "1-9    that identity              space  panic, and back\n"
    "- +    pose strength              b B    bearing, less and more\n"
    "m M    mouth                      y Y    eyes\n"
    "o O    opacity                    r      this is the driver's resting face\n"
    "e      learn whoever is there     p      next preset\n"
    "?      these keys                 q      end\n";

/// Keys without a line's end, and the terminal as it was afterwards.
class Keyboard {
 public:
  Keyboard() : terminal_(isatty(STDIN_FILENO)) {
    if (!terminal_) return;
    tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= tcflag_t(~(ICANON | ECHO));
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~Keyboard() {
    if (terminal_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

 private:
  bool terminal_;
  termios before_{};
};

struct Show {
  GMainLoop* loop;
  GstElement* pipeline;
  GstElement* head;
  std::vector<std::string> identities;
  unsigned preset = 0;
  bool failed = false;
};

void change_number(const Show& show, const char* property, double step) {
  const auto* spec =
      G_PARAM_SPEC_DOUBLE(g_object_class_find_property(G_OBJECT_GET_CLASS(show.head), property));
  double value = 0;
  g_object_get(show.head, property, &value, nullptr);
  value = std::clamp(value + step, spec->minimum, spec->maximum);
  g_object_set(show.head, property, value, nullptr);
  std::printf("%s %.2f\n", property, value);
}

void toggle_panic(const Show& show) {
  gboolean on = FALSE;
  g_object_get(show.head, "panic", &on, nullptr);
  if (on) {
    g_object_set(show.head, "panic", FALSE, nullptr);
  } else {
    g_signal_emit_by_name(show.head, "panic");
  }
  std::printf("panic %s\n", on ? "off" : "ON");
}

void load_next_preset(Show& show) {
  gchar** names = gst_preset_get_preset_names(GST_PRESET(show.head));
  if (!names) {
    std::printf("no presets are installed\n");
    return;
  }
  const char* name = names[show.preset++ % g_strv_length(names)];
  gst_preset_load_preset(GST_PRESET(show.head), name);
  std::printf("preset %s\n", name);
  g_strfreev(names);
}

void press(Show& show, char key) {
  constexpr double step = 0.1;
  if (key >= '1' && key <= '9') {
    const auto number = std::size_t(key - '1');
    if (number >= show.identities.size()) return;
    g_object_set(show.head, "identity-file", show.identities[number].c_str(), nullptr);
    std::printf("identity %s\n", show.identities[number].c_str());
    return;
  }
  gboolean begun = FALSE;
  switch (key) {
    case ' ':
      toggle_panic(show);
      break;
    case '-':
    case '+':
      change_number(show, "pose-strength", key == '+' ? step : -step);
      break;
    case 'b':
    case 'B':
      change_number(show, "bearing-strength", key == 'B' ? step : -step);
      break;
    case 'm':
    case 'M':
      change_number(show, "mouth-strength", key == 'M' ? step : -step);
      break;
    case 'y':
    case 'Y':
      change_number(show, "eyes-strength", key == 'Y' ? step : -step);
      break;
    case 'o':
    case 'O':
      change_number(show, "opacity", key == 'O' ? step : -step);
      break;
    case 'r':
      g_signal_emit_by_name(show.head, "set-reference");
      std::printf("reference taken\n");
      break;
    case 'e':
      g_signal_emit_by_name(show.head, "enrol", 8u, nullptr, &begun);
      std::printf(begun ? "enrolment begins\n" : "no enrolment can begin now\n");
      break;
    case 'p':
      load_next_preset(show);
      break;
    case '?':
      std::printf("%s", keys);
      break;
    case 'q':
      // What records writes its end before the loop hears of it.
      gst_element_send_event(show.pipeline, gst_event_new_eos());
      break;
    default:
      break;
  }
}

gboolean on_keys(gint descriptor, GIOCondition, gpointer data) {
  char buffer[16];
  const ssize_t count = read(descriptor, buffer, sizeof(buffer));
  for (ssize_t i = 0; i < count; ++i) press(*static_cast<Show*>(data), buffer[i]);
  std::fflush(stdout);
  return count > 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

void tell(const GstStructure* told) {
  guint seconds = 0, number = 0, of = 0;
  double score = 0;
  gboolean taken = FALSE;
  if (gst_structure_get_uint(told, "seconds", &seconds)) {
    std::printf("%u ...\n", seconds);
  } else if (gst_structure_get(told, "number", G_TYPE_UINT, &number, "of", G_TYPE_UINT, &of, "score",
                               G_TYPE_DOUBLE, &score, "taken", G_TYPE_BOOLEAN, &taken, nullptr)) {
    std::printf("picture %u of %u, score %.2f%s\n", number, of, score, taken ? "" : ", not taken");
  } else if (gst_structure_has_name(told, "reenact-enrolled")) {
    std::printf("learned %s\n", gst_structure_get_string(told, "name"));
  }
}

gboolean on_signal(gpointer data) {
  g_main_loop_quit(static_cast<Show*>(data)->loop);
  return G_SOURCE_CONTINUE;
}

gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
  auto& show = *static_cast<Show*>(data);
  GError* error = nullptr;
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      gst_message_parse_error(message, &error, nullptr);
      show.failed = true;
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning(message, &error, nullptr);
      break;
    case GST_MESSAGE_ELEMENT:
      tell(gst_message_get_structure(message));
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit(show.loop);
      break;
    default:
      break;
  }
  if (error) {
    std::fprintf(stderr, "%s\n", error->message);
    g_error_free(error);
  }
  if (show.failed) g_main_loop_quit(show.loop);
  std::fflush(stdout);
  return G_SOURCE_CONTINUE;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  std::string description = default_pipeline;
  int first = 1;
  if (argc > 2 && std::string(argv[1]) == "--pipeline") {
    description = argv[2];
    first = 3;
  }
  if (first >= argc) {
    std::fprintf(stderr, "usage: operate-head [--pipeline DESCRIPTION] IDENTITY...\n%s", keys);
    return 2;
  }
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(description.c_str(), &error);
  if (error) {
    std::fprintf(stderr, "%s\n", error->message);
    g_error_free(error);
    if (pipeline) gst_object_unref(pipeline);
    return 1;
  }
  GstElement* head = GST_IS_BIN(pipeline) ? gst_bin_get_by_name(GST_BIN(pipeline), "head") : nullptr;
  if (!head) {
    std::fprintf(stderr, "the pipeline has no element called head, wanted a reenactbin\n");
    gst_object_unref(pipeline);
    return 1;
  }
  Show show{g_main_loop_new(nullptr, FALSE), pipeline, head, {argv + first, argv + argc}};
  g_object_set(head, "identity-file", show.identities.front().c_str(), nullptr);

  const Keyboard keyboard;
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_bus_add_watch(bus, on_message, &show);
  g_unix_fd_add(STDIN_FILENO, G_IO_IN, on_keys, &show);
  // Without these the terminal would stay as the keyboard needs it.
  for (const int number : {SIGINT, SIGTERM}) g_unix_signal_add(number, on_signal, &show);
  std::printf("%s", keys);
  std::fflush(stdout);
  if (gst_element_set_state(pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE) {
    g_main_loop_run(show.loop);
  } else {
    show.failed = true;
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  gst_object_unref(head);
  gst_object_unref(pipeline);
  g_main_loop_unref(show.loop);
  return show.failed ? 1 : 0;
}

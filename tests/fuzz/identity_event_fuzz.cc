// SPDX-License-Identifier: LGPL-2.1-or-later
#include <memory>
#include <string>

#include "base/glib.h"
#include "fuzz_target.h"
#include "quiet_gstreamer.h"
#include "stream/identity_event.h"

namespace reenact::test {
namespace {

constexpr std::string_view tokens[] = {"reenact-identity",
                                       ", identity=(string)ada",
                                       ", identity=(int)1",
                                       ", identity=(ReenactSharedIdentity)1",
                                       ", identity=(structure)[x, a=(int)1]",
                                       ", identity={ 1, 2 }",
                                       ", name=(string)ada",
                                       ", name=(int)-1",
                                       ";",
                                       "=",
                                       "(",
                                       "\"",
                                       "\\"};

/// How an event that somebody else made may hold an identity.
enum class Held { as_written, a_value, nothing_in_a_value, nothing_in_a_box, kinds };

}  // namespace

const std::span<const std::string_view> fuzz_tokens = tokens;

}  // namespace reenact::test

/// One byte for what is put under "identity", one for the event's type, then the event's structure as text. Only
/// an event of that name is taken, and only an identity comes out of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reenact;
  test::start_quiet_gstreamer();
  if (size < 2) return 0;
  const auto held = static_cast<test::Held>(data[0] % static_cast<int>(test::Held::kinds));
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  GstStructure* structure = gst_structure_from_string(text.c_str(), nullptr);
  if (!structure) return 0;
  const auto somebody = std::make_shared<const Identity>();
  const std::shared_ptr<const Identity> nobody;
  if (held == test::Held::a_value)
    gst_structure_set(structure, "identity", shared_identity_get_type(), &somebody, nullptr);
  if (held == test::Held::nothing_in_a_value)
    gst_structure_set(structure, "identity", shared_identity_get_type(), &nobody, nullptr);
  if (held == test::Held::nothing_in_a_box)
    gst_structure_set(structure, "identity", shared_identity_get_type(), nullptr, nullptr);
  const bool named = gst_structure_has_name(structure, "reenact-identity"), sticky = data[1] % 2 == 0;
  const Owned<GstEvent> event(gst_event_new_custom(
      sticky ? GST_EVENT_CUSTOM_DOWNSTREAM_STICKY : GST_EVENT_CUSTOM_DOWNSTREAM, structure));
  auto identity = somebody;
  const bool taken = parse_identity_event(event.get(), identity);
  test::require(taken == (named && sticky), "the event of that name is taken, and no other");
  if (taken) {
    test::require(identity == (held == test::Held::a_value ? somebody : nobody), "what it holds comes out");
    ++test::accepted_inputs;
  } else {
    test::require(identity == somebody, "of another event nothing is taken");
  }
  return 0;
}

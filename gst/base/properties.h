// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

namespace reenact {

/// Properties as a table over a struct of settings: each is written once and installed, set and got from
/// there.
///
///     struct Settings {
///       int size = 0;
///       MaskOptions mask;
///     };
///     constexpr Property<Settings> table[] = {
///         {"size", "Size", "Side in pixels", member<&Settings::size>, {0, 4096}, set_while_playing},
///         {"opacity", "Opacity", "Opacity of the head", member<&Settings::mask, &MaskOptions::opacity>,
///          {0, 1}, set_by_controller}};
///     constexpr Properties<Settings> properties(table);
///
/// A member may be an int, guint, float, double, bool, std::string or an enumeration with an enum_type<>().
/// Defaults are those of the struct. An empty string is null to the outside.

inline constexpr auto read_only = GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
inline constexpr auto set_before_paused =
    GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
inline constexpr auto set_while_playing =
    GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
inline constexpr auto set_by_controller = GParamFlags(set_while_playing | GST_PARAM_CONTROLLABLE);

/// The GEnum of an enumeration; specialised beside the table that uses it.
template <typename Enum>
GType enum_type();

/// One value of a GEnum.
template <typename Enum>
constexpr GEnumValue enum_value(Enum number, const char* description, const char* nick) {
  return {static_cast<gint>(number), description, nick};
}

/// Registers a GEnum; `values` are static and end with an empty one.
inline GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, GstPluginAPIFlags(0));
  return type;
}

/// The smallest and largest value of a number; of no meaning for the other types.
struct Range {
  double minimum = 0, maximum = 0;
};

/// What a property is called and says.
struct PropertyText {
  const char *name, *nick, *blurb;
};

template <typename T>
GParamSpec* new_param_spec(const PropertyText& text, const T& initial, Range range, GParamFlags flags) {
  const auto [name, nick, blurb] = text;
  if constexpr (std::is_enum_v<T>) {
    return g_param_spec_enum(name, nick, blurb, enum_type<T>(), static_cast<gint>(initial), flags);
  } else if constexpr (std::is_same_v<T, bool>) {
    return g_param_spec_boolean(name, nick, blurb, initial, flags);
  } else if constexpr (std::is_same_v<T, std::string>) {
    const char* given = initial.empty() ? nullptr : g_intern_string(initial.c_str());
    return g_param_spec_string(name, nick, blurb, given, flags);
  } else if constexpr (std::is_same_v<T, int>) {
    return g_param_spec_int(name, nick, blurb, gint(range.minimum), gint(range.maximum), initial, flags);
  } else if constexpr (std::is_same_v<T, guint>) {
    return g_param_spec_uint(name, nick, blurb, guint(range.minimum), guint(range.maximum), initial, flags);
  } else if constexpr (std::is_same_v<T, float>) {
    return g_param_spec_float(name, nick, blurb, gfloat(range.minimum), gfloat(range.maximum), initial,
                              flags);
  } else {
    static_assert(std::is_same_v<T, double>, "no property is made of this type");
    return g_param_spec_double(name, nick, blurb, range.minimum, range.maximum, initial, flags);
  }
}

template <typename T>
void set_from_value(T& setting, const GValue* value) {
  if constexpr (std::is_enum_v<T>) {
    setting = static_cast<T>(g_value_get_enum(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    setting = g_value_get_boolean(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    const char* text = g_value_get_string(value);
    setting = text ? text : "";
  } else if constexpr (std::is_same_v<T, int>) {
    setting = g_value_get_int(value);
  } else if constexpr (std::is_same_v<T, guint>) {
    setting = g_value_get_uint(value);
  } else if constexpr (std::is_same_v<T, float>) {
    setting = g_value_get_float(value);
  } else {
    setting = g_value_get_double(value);
  }
}

template <typename T>
void get_to_value(const T& setting, GValue* value) {
  if constexpr (std::is_enum_v<T>) {
    g_value_set_enum(value, static_cast<gint>(setting));
  } else if constexpr (std::is_same_v<T, bool>) {
    g_value_set_boolean(value, setting);
  } else if constexpr (std::is_same_v<T, std::string>) {
    g_value_set_string(value, setting.empty() ? nullptr : setting.c_str());
  } else if constexpr (std::is_same_v<T, int>) {
    g_value_set_int(value, setting);
  } else if constexpr (std::is_same_v<T, guint>) {
    g_value_set_uint(value, setting);
  } else if constexpr (std::is_same_v<T, float>) {
    g_value_set_float(value, setting);
  } else {
    g_value_set_double(value, setting);
  }
}

/// A member of `Settings` whose type is no longer seen.
template <typename Settings>
struct Member {
  GParamSpec* (*new_spec)(const PropertyText& text, const Settings& defaults, Range range, GParamFlags flags);
  void (*set)(Settings& settings, const GValue* value);
  void (*get)(const Settings& settings, GValue* value);
};

/// Follows pointers to members inwards: `settings.*first.*rest...`.
template <auto first, auto... rest, typename Object>
constexpr auto& follow(Object& object) {
  if constexpr (sizeof...(rest) == 0) {
    return object.*first;
  } else {
    return follow<rest...>(object.*first);
  }
}

/// Converts to a Member of the struct that the first pointer points into.
template <auto... path>
struct MemberPath {
  template <typename Settings>
  constexpr operator Member<Settings>() const {
    return {[](const PropertyText& text, const Settings& defaults, Range range, GParamFlags flags) {
              return new_param_spec(text, follow<path...>(defaults), range, flags);
            },
            [](Settings& settings, const GValue* value) { set_from_value(follow<path...>(settings), value); },
            [](const Settings& settings, GValue* value) { get_to_value(follow<path...>(settings), value); }};
  }
};
template <auto... path>
inline constexpr MemberPath<path...> member{};

template <typename Settings>
struct Property {
  Property() = default;
  // As an aggregate it could not be made by () with clang before 16.
  constexpr Property(const char* name, const char* nick, const char* blurb, Member<Settings> member,
                     Range range, GParamFlags flags)
      : name(name), nick(nick), blurb(blurb), member(member), range(range), flags(flags) {}

  const char *name, *nick, *blurb;
  Member<Settings> member;
  Range range;
  GParamFlags flags;
};

/// The properties of a table under the numbers from `first_id` on.
template <typename Settings>
class Properties {
 public:
  constexpr explicit Properties(std::span<const Property<Settings>> table, guint first_id = 1)
      : table_(table), first_id_(first_id) {}

  /// The first number that is free for another table.
  constexpr guint end_id() const { return first_id_ + guint(table_.size()); }

  void install(GObjectClass* object_class, const Settings& defaults = {}) const {
    guint id = first_id_;
    for (const Property<Settings>& property : table_) {
      g_object_class_install_property(object_class, id++,
                                      property.member.new_spec({property.name, property.nick, property.blurb},
                                                               defaults, property.range, property.flags));
    }
  }
  /// Sets the property `id`; false when it is none of the table. Called with the object's lock held.
  bool set(Settings& settings, guint id, const GValue* value) const {
    if (id < first_id_ || id >= end_id()) return false;
    table_[id - first_id_].member.set(settings, value);
    return true;
  }
  /// Gets the property `id`; false when it is none of the table. Called with the object's lock held.
  bool get(const Settings& settings, guint id, GValue* value) const {
    if (id < first_id_ || id >= end_id()) return false;
    table_[id - first_id_].member.get(settings, value);
    return true;
  }

 private:
  std::span<const Property<Settings>> table_;
  guint first_id_;
};

}  // namespace reenact

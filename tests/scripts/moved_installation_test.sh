#!/bin/sh
# An installation goes on working when its whole prefix is moved: moved_installation_test.sh BUILD PREFIX
set -eu
build=$1 prefix=$2
check_links=$(realpath "$(dirname "$0")/../../scripts/check_links.py")
[ "$prefix" != /usr ] || { echo "installed below /usr the library is found by the loader alone"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
DESTDIR=$folder/first meson install -C "$build" --no-rebuild --quiet
mv "$folder/first$prefix" "$folder/second place"
rm -r "$folder/first"
cd "$folder"
unset REENACT_MODEL_PATH REENACT_MODULE_PATH LD_LIBRARY_PATH
export GST_REGISTRY="$folder/registry.bin" XDG_CACHE_HOME="$folder/cache"

bin="$folder/second place/bin"
export GST_PLUGIN_PATH="$(dirname "$(find "$folder/second place" -name libgstreenact.so)")"
PATH="$bin:$PATH" reenact inspect identities/alex >said
grep -q '^kind.*identity' said || { cat said >&2; echo "moved_installation_test: reenact did not find the identity alex" >&2; exit 1; }
gst-launch-1.0 -q videotestsrc num-buffers=2 ! video/x-raw,width=64,height=64 ! reenactbin identity-file=identities/alex ! \
  filesink location=frames
[ "$(wc -c <frames)" -gt 0 ] || { echo "moved_installation_test: no frame came out" >&2; exit 1; }
mapped=$(ldd "$GST_PLUGIN_PATH/libgstreenact.so" | sed -n 's/.*libreenact\.so\.0 => \(.*\) (.*/\1/p')
case $(realpath "$mapped") in
  "$folder/second place/"*) ;;
  *) echo "moved_installation_test: the plugin takes libreenact from '$mapped'" >&2; exit 1 ;;
esac
pkgconfig=$(dirname "$(find "$folder/second place" -name reenact-0.pc)")
# A build folder set up before the .pc files were made relocatable keeps its option.
if grep -q pcfiledir "$pkgconfig/reenact-0.pc"; then
  named=$(PKG_CONFIG_PATH=$pkgconfig pkg-config --variable=prefix reenact-0 | sed 's/\\//g')
  [ "$(realpath -m "$named")" = "$folder/second place" ] ||
    { echo "moved_installation_test: reenact-0.pc names the prefix '$named'" >&2; exit 1; }
fi
python3 "$check_links" "$folder/second place/share/gst-reenact" >&2 ||
  { echo "moved_installation_test: installed pages link to what is not installed" >&2; exit 1; }
for file in share/man/man1/reenact.1 share/bash-completion/completions/reenact.bash share/zsh/site-functions/_reenact; do
  [ -s "$folder/second place/$file" ] || { echo "moved_installation_test: $file is missing" >&2; exit 1; }
done

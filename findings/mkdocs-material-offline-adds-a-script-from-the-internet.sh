#!/usr/bin/env bash
# mkdocs-material with "offline" adds a script from unpkg.com to each page, and without it adds none
#
# Seen: 2026-11-30, mkdocs-material 9.8.2 with MkDocs 1.6.1 (CPython 3.11).
#
# One would guess: a site that is built with "offline" shows everything without a network, which is what it is for.
# With font: false and no address in the pages, nothing is loaded from elsewhere, and a site that is to load nothing
# has more of a reason to switch "offline" on.
#
# In fact: it puts <script src="https://unpkg.com/iframe-worker/shim"> into the head of each page, 404.html
# too. It has no version and no integrity hash, and it is not deferred: before anything is drawn the reader's
# browser asks a foreign server, or waits until that fails. The same site without "offline" refers to no other
# host in its pages. (The search of pages that are opened as files needs the script. "privacy" in addition,
# which downloads such scripts when the site is built, needs a network there.)
# A diagram in Mermaid is drawn by a script from unpkg.com in both, which the page loads when it is shown.
#
# Needs pip and python3; no page is opened and nothing but packages is downloaded. Prints what it sees; exit status
# 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install mkdocs-material==9.8.2 mkdocs==1.6.1 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cd "$work"
mkdir docs
printf '# A page\n\nText without any address.\n' >docs/index.md
foreign() { # what the pages load from other hosts
  { grep -rhoE '<(script|link|img|iframe)[^>]*(src|href)=.?(https?:)?//[^ >]*' --include='*.html' "$1" || true; } | sort | uniq -c
}
for extra in '' offline; do
  site=site-${extra:-plain}
  {
    printf 'site_name: A site\nsite_dir: %s\ntheme:\n  name: material\n  font: false\nplugins:\n  - search\n' "$site"
    [ -z "$extra" ] || printf '  - %s\n' "$extra"
  } >mkdocs.yml
  NO_MKDOCS_2_WARNING=1 venv/bin/mkdocs build -q || exit 2
  echo "$(find "$site" -name '*.html' | wc -l) pages, ${extra:-neither offline nor privacy}; loaded from other hosts:"
  foreign "$site" | tee "$site.txt"
done
if [ ! -s site-plain.txt ] && [ "$(wc -l <site-offline.txt)" = 1 ] &&
  grep -qE '^ *2 <script src="https://unpkg.com/iframe-worker/shim' site-offline.txt; then
  echo "still so"
else
  echo "otherwise now"
  exit 1
fi

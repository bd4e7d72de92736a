#!/usr/bin/env bash
# Makes .venv-rivals: the other ways to play MiniWoB++, which `make bench` compares surehand with; installs their driver.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8

name=rivals
programs=(chromium chromium-driver chromium-headless-shell)
made_from=(docker/setup-rivals.sh)
among="browsergym-miniwob and miniwob"
room=1000
takes="300 MB, the programs as much"

# BrowserGym's Playwright looks for a Chromium of its own download, in the mode that is today's headless shell.
finish_venv() {
  local revision folder
  revision=$(sed -n '/"name": "chromium"/,/revision/s/.*"revision": "\([0-9]*\)".*/\1/p' \
    .venv-rivals/lib/python3*/site-packages/playwright/driver/package/browsers.json) &&
    folder=.venv-rivals/browsers/chromium-$revision && mkdir -p "$folder/chrome-linux" &&
    ln -s "$(command -v chromium-headless-shell)" "$folder/chrome-linux/chrome" && touch "$folder/INSTALLATION_COMPLETE"
}

source docker/extra-venv.sh

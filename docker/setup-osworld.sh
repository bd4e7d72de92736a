#!/usr/bin/env bash
# Makes .venv-osworld: OSWorld's own client, which sets up and judges its tasks; and installs the programs that its tasks use.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8

name=osworld
programs=(bc gimp gnome-shell-common gnome-terminal jq libglib2.0-bin libreoffice-impress socat xdg-user-dirs)
made_from=(env/inside/osworld_worker.py)
among=desktop-env
room=2500
takes="900 MB, the programs 500, and as much again while they are made"

finish_venv() {
  .venv-osworld/bin/python env/inside/osworld_worker.py names >.venv-osworld/names.json
}

source docker/extra-venv.sh

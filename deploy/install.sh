#!/usr/bin/env bash
# Install or upgrade Efterskrift from this archive. Run as root; needs no internet. Nothing is started and no data is touched.
set -euo pipefail
cd "$(dirname "$0")"
say() { printf '%s\n' "$*"; }
stop() { printf 'install.sh: %s\n' "$*" >&2; exit "${2:-1}"; }

prefix=/opt/efterskrift
[[ $EUID -eq 0 ]] || stop "Kör som root (sudo ./install.sh)."
[[ $(uname -m) == x86_64 ]] || stop "Arkivet är byggt för amd64; den här maskinen är $(uname -m)."
version=$(< VERSION)
say "Kontrollerar arkivet …"
sha256sum --quiet --check SHA256SUMS || stop "Arkivet är skadat: kopiera det hit igen. Inget är installerat."
need_mb=3500
free_mb=$(df --output=avail -m "$(dirname "$prefix")" | tail -1)
((free_mb >= need_mb)) || stop "Det behövs $need_mb MB ledigt under $(dirname "$prefix"); det finns $free_mb MB. Inget är installerat."

# One account owns data and processes. The number is free on most machines; another one is taken where it is not.
if ! getent passwd efterskrift > /dev/null; then
    useradd --system --home-dir /var/lib/efterskrift --no-create-home --shell /usr/sbin/nologin efterskrift
fi
install -d -o efterskrift -g efterskrift -m 0700 /var/lib/efterskrift
install -d -m 0755 /etc/efterskrift "$prefix" "$prefix/view"
install -d -m 0750 -g efterskrift /etc/efterskrift/workspaces
if [[ ! -e /etc/efterskrift/efterskrift.env ]]; then
    install -m 0640 -g efterskrift /dev/stdin /etc/efterskrift/efterskrift.env << 'ENV'
# Inställningar som gäller hela maskinen. Övriga står i settings.yaml i arbetsytan (docs/settings.md).
EFTERSKRIFT_WORKSPACE=/var/lib/efterskrift
# Kommandonas språk: sv eller en.
EFTERSKRIFT_LANGUAGE=sv
# Mapp för säkerhetskopior, på en annan disk eller en monterad resurs under /mnt eller /media. Nyckeln: backup_keys i settings.yaml.
EFTERSKRIFT_BACKUP_FOLDER=/mnt/efterskrift
# Enheten som papperet i /var/lib/efterskrift/skanner hör till (efterskrift-watch).
EFTERSKRIFT_WATCH_UNIT=
# Flera kommuner på samma maskin: en fil för varje, /etc/efterskrift/workspaces/KOMMUN.env.
# Flera maskiner delar en PostgreSQL-databas:
# EFTERSKRIFT_DATABASE_URL=postgresql+psycopg://efterskrift@db.example.se/efterskrift
ENV
fi
install -d /etc/efterskrift/nginx
for file in nginx/*; do
    [[ -e /etc/efterskrift/$file ]] || install -m 0644 "$file" /etc/efterskrift/nginx/
done
# Answers for `efterskrift init --from`, to fill in.
[[ -e /etc/efterskrift/setup.yaml ]] || install -m 0644 setup.yaml /etc/efterskrift/

# `current` is a folder and no link: systemd takes no root that a link leads to. Other versions lie beside it, each under its name.
in_use=$(cat "$prefix/current/VERSION" 2> /dev/null || true)
if [[ $in_use != "$version" ]]; then
    target=$prefix/$version
    if [[ ! -e $target/complete ]]; then
        say "Packar upp Efterskrift $version …"
        rm -rf "$target"
        mkdir -p "$target/root"
        tar -xzf root.tar.gz -C "$target/root" --numeric-owner
        cp -a docs systemd nginx setup.yaml efterskrift certificate LICENSE VERSION "$target/"
        touch "$target/complete"
    fi
    # The version before stays in use if this one does not start.
    EFTERSKRIFT_ROOT=$target/root ./efterskrift --version > /dev/null || stop "Programmet startar inte; inget är bytt. Skicka utskriften ovan till den som förvaltar Efterskrift."
    [[ ! -e $prefix/current ]] || mv -T "$prefix/current" "$prefix/${in_use:-okänd}"
    mv -T "$target" "$prefix/current"
fi
install -m 0755 efterskrift /usr/local/bin/efterskrift
install -m 0755 certificate /usr/local/bin/efterskrift-certificate

if [[ -d /etc/systemd/system ]]; then
    install -m 0644 systemd/efterskrift* /etc/systemd/system/
    for unit in systemd/*.service; do
        install -D -m 0644 systemd/hardening.conf "/etc/systemd/system/${unit##*/}.d/hardening.conf"
    done
    if [[ -d /run/systemd/system ]]; then
        systemctl daemon-reload
    fi
fi

say "Efterskrift $version är installerat."
if [[ -n $in_use && $in_use != "$version" ]]; then
    say "Före: $in_use (ligger kvar i $prefix/$in_use). Gör nu: systemctl stop efterskrift.target, efterskrift upgrade, systemctl start efterskrift.target."
else
    say "Gör nu det som står efter 1 i LAS-MIG.txt: efterskrift init, efterskrift-certificate, systemctl enable."
fi
say "Handbok: $prefix/current/docs"

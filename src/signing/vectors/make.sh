#!/bin/sh
# Makes the files beside it anew, with ssh-keygen, gpg and git: sh make.sh
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -f ./*.sig ./*.asc ./*.txt ./*.key allowed_signers

cat > payload.txt <<'END'
tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
author Ada <ada@example.com> 1767225600 +0000
committer Ada <ada@example.com> 1767225600 +0000

A commit
END

key() { # name, then what ssh-keygen is to be told
  name=$1
  shift
  ssh-keygen -q -N '' -C '' -f "$work/$name" "$@"
  printf '%s@example.com %s\n' "$name" "$(cut -d' ' -f1,2 < "$work/$name.pub")" >> allowed_signers
}
key ed25519 -t ed25519
key p256 -t ecdsa -b 256
key p384 -t ecdsa -b 384
key rsa -t rsa -b 2048
head -4 allowed_signers > "$work/taken"
key p521 -t ecdsa -b 521
key small -t rsa -b 1024
sed -n 5,6p allowed_signers > refused.txt
mv "$work/taken" allowed_signers

for name in ed25519 p256 p384 rsa p521 small; do
  ssh-keygen -q -Y sign -n git -f "$work/$name" < payload.txt > "$name.sig"
done
ssh-keygen -q -Y sign -n git -O hashalg=sha256 -f "$work/ed25519" < payload.txt > sha256.sig
ssh-keygen -q -Y sign -n file -f "$work/ed25519" < payload.txt > file.sig

# A whole commit of Git's own.
git init -q "$work/repository"
git -C "$work/repository" -c user.name=Ada -c user.email=ada@example.com \
  -c gpg.format=ssh -c user.signingKey="$work/ed25519" \
  commit -q --allow-empty -S -m 'Signed by git'
git -C "$work/repository" cat-file commit HEAD > commit.txt

cp "$work/ed25519" ed25519.key
cp "$work/p256" p256.key
ssh-keygen -q -t ed25519 -N secret -C '' -f "$work/locked"
cp "$work/locked" locked.key

# Keys of GPG's: public, private, and a signature.
export GNUPGHOME="$work/gnupg"
mkdir -m 700 "$GNUPGHOME"
gpg -q --batch --passphrase '' --quick-generate-key 'Ada <ada@example.com>' ed25519 sign never
gpg --armor --export > gpg.asc
gpg --armor --export-secret-keys > gpg_private.asc
gpg -q --batch --armor --detach-sign < payload.txt > gpg.sig
gpgconf --kill gpg-agent

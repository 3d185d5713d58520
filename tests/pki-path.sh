#!/bin/sh
# Makes self-signed certificates of every signature algorithm for the unit tests of certs/signature.
#
#   tests/pki-path.sh DIR            (the Makefile: build/pki-path); DER, NAME.der
#
#   rsa-sha1 rsa-sha256 rsa-sha384 rsa-sha512   PKCS#1 v1.5, RSA-2048
#   rsa-1024                                    SHA-256, too short a key
#   pss-sha1 pss-sha256 pss-sha384 pss-sha512   PSS, RSA-2048, salt as long as the hash
#   pss-salt0 pss-salt64                        PSS, SHA-256, other salts
#   psskey                                      PSS with a key that is for PSS only, with parameters
#   p256-sha1 p256-sha256 p384-sha384 p521-sha512 p256-sha512
#   ed25519                                     good
#   ed448 secp256k1 p224 explicit rsa-sha224    not known here (explicit: P-256 in parameters)
set -eu

dir=${1:?usage: tests/pki-path.sh DIR}
mkdir -p "$dir"
cd "$dir"
rm -f ./*.der ./*.key
umask 077

cat >ca.cnf <<'CNF'
[req]
distinguished_name = dn
prompt = no
x509_extensions = ext
[dn]
CN = Algorithm
[ext]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
CNF

# certificate NAME KEY [MORE...]: self-signed
certificate()
{
    name=$1
    key=$2
    shift 2
    openssl req -x509 -config ca.cnf -key "$key.key" -days 30 -outform DER -out "$name.der" "$@"
}

# pss NAME HASH SALT
pss()
{
    certificate "$1" rsa "-$2" -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$3"
}

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa1024.key
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
    -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32 -out psskey.key
for curve in P-256 P-384 P-521 P-224 secp256k1; do
    openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" -out "$curve.key"
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out explicit.key
openssl genpkey -algorithm ED25519 -out ed25519.key
openssl genpkey -algorithm ED448 -out ed448.key
for hash in sha1 sha224 sha256 sha384 sha512; do
    certificate "rsa-$hash" rsa "-$hash"
done
certificate rsa-1024 rsa1024 -sha256
pss pss-sha1 sha1 20
pss pss-sha256 sha256 32
pss pss-sha384 sha384 48
pss pss-sha512 sha512 64
pss pss-salt0 sha256 0
pss pss-salt64 sha256 64
certificate psskey psskey -sha256 -sigopt rsa_pss_saltlen:32
certificate p256-sha1 P-256 -sha1
certificate p256-sha256 P-256 -sha256
certificate p256-sha512 P-256 -sha512
certificate p384-sha384 P-384 -sha384
certificate p521-sha512 P-521 -sha512
certificate p224 P-224 -sha256
certificate secp256k1 secp256k1 -sha256
certificate explicit explicit -sha256
certificate ed25519 ed25519
certificate ed448 ed448

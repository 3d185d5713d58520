#!/bin/sh
# Makes a CA, responders good and bad, and OCSP answers for the unit tests of certs/ocsp*.
#
#   tests/pki-ocsp.sh DIR       (the Makefile: build/pki-ocsp); certificates NAME.der, answers NAME.ocsp
#
# Everything is made and signed by openssl; tests/pki-ocsp.py puts together what `openssl ocsp` does not
# want to say. `now` holds the time at which all of it is valid.
set -eu

dir=${1:?usage: tests/pki-ocsp.sh DIR}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
cd "$dir"
rm -f ./*
umask 077

cat >ca.cnf <<'CNF'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = unused
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[device]
extendedKeyUsage = clientAuth,serverAuth
keyUsage = digitalSignature
[responder]
extendedKeyUsage = OCSPSigning
keyUsage = digitalSignature
noCheck = yes
[checked]
extendedKeyUsage = OCSPSigning
[any]
extendedKeyUsage = anyExtendedKeyUsage
[agreement]
extendedKeyUsage = OCSPSigning
keyUsage = keyAgreement
[critical]
extendedKeyUsage = OCSPSigning
1.2.3.4.5 = critical,ASN1:NULL
CNF

# key NAME [RSA-BITS]
key()
{
    if [ $# -gt 1 ]; then
        openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1.key" 2>/dev/null
    else
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
    fi
}

# authority NAME CN: self-signed, with NAME.key
authority()
{
    openssl req -x509 -config ca.cnf -extensions ca -subj "/O=Hospital/CN=$2" -key "$1.key" -days 3650 -out "$1.pem"
}

# certificate NAME CA SERIAL SECTION [MORE...]: by CA, for $subject or CN=NAME; SECTION - makes version 1
certificate()
{
    name=$1 ca=$2 serial=$3 section=$4
    shift 4
    [ -e "$name.key" ] || key "$name"
    openssl req -new -config ca.cnf -subj "${subject:-/CN=$name}" -key "$name.key" -out "$name.csr"
    [ "$section" = - ] || set -- "$@" -extfile ca.cnf -extensions "$section"
    openssl x509 -req -in "$name.csr" -CA "$ca.pem" -CAkey "$ca.key" -set_serial "$serial" -days 3650 -out "$name.pem" \
        "$@" 2>/dev/null
}

# answer NAME CERT SIGNER CA [MORE...]: `openssl ocsp` answers about CERT of CA
answer()
{
    name=$1 cert=$2 signer=$3 ca=$4
    shift 4
    openssl ocsp -issuer "$ca.pem" -cert "$cert.pem" -no_nonce -reqout request.der
    openssl ocsp -index index -CA "$ca.pem" -rsigner "$signer.pem" -rkey "$signer.key" -reqin request.der -noverify \
        -respout "$name.ocsp" "$@" >/dev/null 2>>answers.log
}

subject=
for name in ca other fake; do
    key "$name"
done
key weak 1024
key small 1024
authority ca CA
authority other 'Other CA'
authority fake CA # the CA's name, not its key
authority weak 'Weak CA'
certificate device ca 0x1001 device
certificate device2 ca 0x1002 device
certificate longer ca 0x100102 device
certificate shorter ca 0x10 device
certificate revoked ca 0x2001 device
certificate lost ca 0x3001 device
certificate vain ca 0x4001 checked # a device that may sign answers
certificate foreign other 0x1001 device
certificate frail weak 0x1001 device

certificate responder ca 0x9001 responder
certificate checked ca 0x9002 checked
certificate any ca 0x9003 any
certificate agreement ca 0x9004 agreement
certificate critical ca 0x9005 critical
certificate small ca 0x9006 responder
certificate old-hash ca 0x9007 responder -sha1
certificate short ca 0x9008 responder -days 1
certificate subca ca 0x9009 ca
certificate indirect subca 0x9001 responder
subject=/O=Hospital/CN=CA
certificate namesake ca 0x900A responder # the CA's name, a key of its own
subject=
certificate stranger other 0x9001 responder
certificate forged-v1 fake 0x9001 -
certificate forged-v3 fake 0x9001 responder
certificate by-weak weak 0x9001 responder

{
    for serial in 1001 1002 100102 10 4001; do
        printf 'V\t401231235959Z\t\t%s\tunknown\t/CN=%s\n' "$serial" "$serial"
    done
    printf 'R\t401231235959Z\t250101000000Z,keyCompromise\t2001\tunknown\t/CN=2001\n'
} >index

answer good device responder ca -ndays 30
answer good-by-key device responder ca -ndays 30 -resp_key_id
answer good-ca device ca ca -ndays 30 -resp_no_certs
answer good-ca-by-key device ca ca -ndays 30 -resp_key_id
answer good-checked device checked ca -ndays 30
answer good-bare device responder ca
answer good-sha1 device responder ca -ndays 30 -rmd sha1
answer good-sha512 device responder ca -ndays 30 -rmd sha512
answer revoked revoked responder ca -ndays 30
answer unknown lost responder ca -ndays 30
answer longer longer responder ca -ndays 30
answer shorter shorter responder ca -ndays 30
answer foreign foreign stranger other -ndays 30
answer bad-signature device responder ca -ndays 30 -badsig
answer no-certs device responder ca -ndays 30 -resp_no_certs
answer by-device device device2 ca -ndays 30
answer by-revoked revoked revoked ca -ndays 30
answer by-vain vain vain ca -ndays 30
for signer in any agreement critical small old-hash short indirect stranger forged-v1 forged-v3; do
    answer "by-$signer" device "$signer" ca -ndays 30
done
# Answers with all the certificates that a deceiver would add.
cat ca.pem responder.pem >chain.pem
answer by-device-chain device device2 ca -ndays 30 -rother chain.pem
answer by-indirect-chain device indirect ca -ndays 30 -rother subca.pem
answer by-namesake device namesake ca -ndays 30
answer by-fake device fake ca -ndays 30
answer weak-ca frail weak weak -ndays 30
answer weak-delegated frail by-weak weak -ndays 30

# One request for three certificates, and one with a nonce.
openssl ocsp -issuer ca.pem -no_nonce -cert device2.pem -cert revoked.pem -cert device.pem -reqout request.der
openssl ocsp -index index -CA ca.pem -rsigner responder.pem -rkey responder.key -reqin request.der -noverify -ndays 30 \
    -respout three.ocsp >/dev/null 2>>answers.log
openssl ocsp -issuer ca.pem -no_nonce -cert device.pem -reqout device.req
openssl ocsp -issuer ca.pem -sha256 -nonce -cert device.pem -reqout nonce.req
openssl ocsp -index index -CA ca.pem -rsigner responder.pem -rkey responder.key -reqin nonce.req -noverify -ndays 30 \
    -respout nonce.ocsp >/dev/null 2>>answers.log

for pem in *.pem; do
    [ "$pem" = chain.pem ] || openssl x509 -in "$pem" -outform DER -out "${pem%.pem}.der"
done
date +%s >now
/usr/bin/python3 "$here/pki-ocsp.py"

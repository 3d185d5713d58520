#!/bin/sh
# Makes the throw-away PKI that unit tests, scenarios and the demo use.
#
#   tests/pki.sh DIR            (the Makefile: build/pki). A second run on a whole DIR does nothing.
#
# Every NAME.pem is the leaf followed by its chain without the root; NAME.key is its key (mode 0600).
# EC keys are P-256. No CN equals a SAN, except where "-cn" says so.
#
# Authorities
#   root.pem root.key            the anchor "hospital" (Hospital Root CA)
#   int.pem int.key              its intermediate (Hospital Device CA)
#   other.pem other.key          an unrelated root (Other Root CA)
#   int-other.pem                an intermediate of the unrelated root with the very same DN
#   root-expired.pem root-notyet.pem   self-signed CAs outside their time
#   int-expired.pem              an intermediate of the root whose time is over
#   int-limited.pem              one with name constraints on URIs
#   int-deep.pem                 one issued by int.pem, whose path length forbids it
#   int-sha1.pem weak-root.pem   one signed with SHA-1; a root with RSA-1024
#   both-roots.pem               root.pem and other.pem in one file
#
# Good ends
#   pump-12 monitor-7 analyser-3 devices under the intermediate; SAN dns NAME.ward.example;
#                                EKU clientAuth and serverAuth
#   hl7 hl7b                     hospital servers under the root; serverAuth; SAN dns
#                                hl7.hospital.example (hl7b…), dns localhost, ip 127.0.0.1
#   bms                          hospital client under the root; clientAuth; SAN dns
#                                bms.hospital.example, uri urn:hospital:bms
#
# Variants, NAME-VARIANT.pem and .key, for NAME = pump-12, hl7, bms
#   rsa        RSA-2048 (good; also for monitor-7 and analyser-3)
#   root       issued by the root itself (good)
#   int        issued by the intermediate, which is in the file (good)
#   nochain    the same leaf without the intermediate (good where it is configured)
#   expired    notAfter has passed          notyet    notBefore lies ahead
#   other      issued by the other root     badname   SAN dns stranger.example only
#   wrongeku   hl7: clientAuth only, bms: serverAuth only, pump-12: emailProtection only
#   noeku      no EKU extension (good)      nosign    keyUsage without digitalSignature
#   cn         no SAN, CN is the right name leafsigned  issued by the leaf monitor-7
#   ip         SAN ip 127.0.0.1 only        wild      SAN dns *.hospital.example only (good)
#   nul        SAN dns with a NUL inside, "NAME NUL .evil.example", and then the right one
#   mixed      SAN uri with the dns name, dns with "urn:hospital:bms"
#   crit       an unknown critical extension
#   ca         basicConstraints CA:TRUE         sha1      signed with SHA-1
#   expiredint limitedint deepint oldroot   issued by int-expired, int-limited, int-deep (those in the file)
#              and root-expired
#
# (wild fits hl7 and bms; every variant shares the key of NAME, but rsa has its own.)
#
# plain.pem: a leaf without keyUsage and EKU.
#
# Signers of CRLs (cRLSign only), as files of their own: crl-signer with the name of int, which issued it, and
# crl-signer-root with a name of its own under the root; crl-signer-VARIANT like crl-signer, VARIANT = expired
# notyet sha1 crit other as above, weak (RSA-1024), certs (keyCertSign besides).
#
# For identity_load: weak-rsa (RSA-1024), weak-ec (P-224), mode-open.key (0644, of pump-12),
# wrongorder.pem (intermediate first), key forms pump-12.sec1.key and pump-12-rsa.pkcs1.key,
# locked.key (encrypted).
set -eu

dir=${1:?usage: tests/pki.sh DIR}
self_sum=$(sha256sum <"$0")
mkdir -p "$dir"
cd "$dir"
if [ "$(cat .stamp 2>/dev/null)" = "$self_sum" ]; then
    exit 0
fi
rm -rf work ./*.pem ./*.key .stamp
mkdir -p work/new
: >work/index.txt
umask 077

cat >work/ca.cnf <<'CNF'
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = any_ca
[any_ca]
database = work/index.txt
new_certs_dir = work/new
rand_serial = yes
unique_subject = no
email_in_dn = no
default_md = sha256
default_days = 90
policy = any_policy
[any_policy]
organizationName = optional
organizationalUnitName = optional
commonName = optional
[root_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[int_ext]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF

run()
{
    "$@" >>work/log 2>&1 || {
        tail -n 20 work/log >&2
        echo "pki.sh: failed: $*" >&2
        exit 1
    }
}

# key FILE [rsa BITS | ec CURVE]: a key and, beside it, a request that carries only the key.
key()
{
    case ${2:-ec} in
    rsa) run openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$3" -out "$1.key" ;;
    ec) run openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${3:-P-256}" -out "$1.key" ;;
    esac
    run openssl req -new -config work/ca.cnf -key "$1.key" -subj /CN=x -out "work/$1.csr"
}

# authority FILE SUBJECT [START END]: self-signed; over work/FILE.csr when that is there.
authority()
{
    [ -f "work/$1.csr" ] || key "$1"
    run openssl ca -batch -notext -config work/ca.cnf -selfsign -keyfile "$1.key" -in "work/$1.csr" \
        -extensions root_ext -subj "$2" -startdate "${3:-$yesterday}" -enddate "${4:-$next_year}" \
        -out "$1.pem"
}

# issue OUT REQUEST_OF ISSUER SUBJECT: extensions come from work/ext; start and end may be set.
issue()
{
    run openssl ca -batch -notext -config work/ca.cnf -md "${md:-sha256}" \
        -cert "$3.pem" -keyfile "$3.key" -in "work/$2.csr" -extfile work/ext -subj "$4" -startdate "${start:-$yesterday}" \
        -enddate "${end:-$next_year}" -out "$1.pem"
    [ "$1" = "$2" ] || cp "$2.key" "$1.key"
}

# ext [EKU] [SAN] [KEY_USAGE] [MORE]: what the next certificate carries; "" leaves one out.
ext()
{
    {
        echo "basicConstraints = critical,CA:FALSE"
        echo "subjectKeyIdentifier = hash"
        echo "authorityKeyIdentifier = keyid"
        [ -z "${3:-}" ] || echo "keyUsage = critical,$3"
        [ -z "$1" ] || echo "extendedKeyUsage = $1"
        [ -z "$2" ] || echo "subjectAltName = $2"
        [ -z "${4:-}" ] || echo "$4"
    } >work/ext
}

# good NAME ISSUER EKU SAN SUBJECT: a plain end.
good()
{
    key "$1"
    ext "$3" "$4" digitalSignature
    issue "$1" "$1" "$2" "$5"
}

# hexadecimal of a text, for the SAN with a NUL that no text form can carry
hex()
{
    printf '%s' "$1" | od -An -tx1 | tr -d ' \n'
}

# A GeneralNames with the dNSNames "NAME\0.evil.example" and NAME, in DER.
nul_san()
{
    good=$(hex "$1")
    bad=${good}00$(hex .evil.example)
    good=82$(printf '%02x' $((${#good} / 2)))$good
    bad=82$(printf '%02x' $((${#bad} / 2)))$bad
    printf '2.5.29.17 = DER:30%02x%s%s' $(((${#good} + ${#bad}) / 2)) "$bad" "$good"
}

# variants NAME RIGHT_NAME EKU WRONG_EKU SAN SUBJECT: same key as NAME, one thing different each.
variants()
{
    name=$1 right=$2 eku=$3 wrong_eku=$4 san=$5 subject=$6
    sign=digitalSignature
    ext "$eku" "$san" $sign
    issue "$name-root" "$name" root "$subject"
    issue "$name-nochain" "$name" int "$subject"
    cp "$name-nochain.key" "$name-int.key"
    cat "$name-nochain.pem" int.pem >"$name-int.pem"
    start=$long_ago end=$yesterday
    issue "$name-expired" "$name" root "$subject"
    start=$tomorrow end=$next_year
    issue "$name-notyet" "$name" root "$subject"
    start='' end=''
    issue "$name-other" "$name" other "$subject"
    issue "$name-leafsigned" "$name" monitor-7-leaf "$subject"
    cat monitor-7-leaf.pem int.pem >>"$name-leafsigned.pem"
    md=sha1
    issue "$name-sha1" "$name" root "$subject"
    md=
    for ca in expired limited deep; do
        issue "$name-${ca}int" "$name" int-$ca "$subject"
        cat int-$ca.pem >>"$name-${ca}int.pem"
    done
    cat int.pem >>"$name-deepint.pem"
    issue "$name-oldroot" "$name" root-expired "$subject"
    ext "$eku" DNS:stranger.example $sign
    issue "$name-badname" "$name" root "$subject"
    ext "$wrong_eku" "$san" $sign
    issue "$name-wrongeku" "$name" root "$subject"
    ext "" "$san" $sign
    issue "$name-noeku" "$name" root "$subject"
    ext "$eku" "$san" keyEncipherment
    issue "$name-nosign" "$name" root "$subject"
    ext "$eku" "" $sign
    issue "$name-cn" "$name" root "/O=Hospital/CN=$right"
    ext "$eku" IP:127.0.0.1 $sign
    issue "$name-ip" "$name" root "$subject"
    ext "$eku" 'DNS:*.hospital.example' $sign
    issue "$name-wild" "$name" root "$subject"
    ext "$eku" "" $sign "$(nul_san "$right")"
    issue "$name-nul" "$name" root "$subject"
    ext "$eku" "URI:$right,DNS:urn:hospital:bms" $sign
    issue "$name-mixed" "$name" root "$subject"
    ext "$eku" "$san" $sign '1.2.3.4.5 = critical,ASN1:UTF8String:x'
    issue "$name-crit" "$name" root "$subject"
    sed -i 's/CA:FALSE/CA:TRUE/' work/ext
    sed -i '/1.2.3.4.5/d' work/ext
    issue "$name-ca" "$name" root "$subject"
}

# rsa_variant NAME ISSUER EKU SAN SUBJECT
rsa_variant()
{
    key "$1-rsa" rsa 2048
    ext "$3" "$4" digitalSignature
    issue "$1-rsa" "$1-rsa" "$2" "$5"
    [ "$2" = root ] || cat "$2.pem" >>"$1-rsa.pem"
}

yesterday=$(date -u -d '1 day ago' +%Y%m%d%H%M%SZ)
tomorrow=$(date -u -d '1 day' +%Y%m%d%H%M%SZ)
next_year=$(date -u -d '300 days' +%Y%m%d%H%M%SZ)
long_ago=$(date -u -d '60 days ago' +%Y%m%d%H%M%SZ)

authority root '/O=Hospital/CN=Hospital Root CA'
authority other '/O=Elsewhere/CN=Other Root CA'
authority root-expired '/O=Hospital/CN=Old Root CA' "$long_ago" "$yesterday"
authority root-notyet '/O=Hospital/CN=Future Root CA' "$tomorrow" "$next_year"
cat root.pem other.pem >both-roots.pem
key weak-root rsa 1024
authority weak-root '/O=Hospital/CN=Weak Root CA'
for ca in root other; do
    out=int
    [ $ca = root ] || out=int-other
    key $out
    sed -n '/\[int_ext\]/,$p' work/ca.cnf | tail -n +2 >work/ext
    issue $out $out $ca "/O=Hospital/CN=Hospital Device CA"
done

# intermediate OUT ISSUER [MORE]: one more CA with its own name.
intermediate()
{
    key "$1"
    sed -n '/\[int_ext\]/,$p' work/ca.cnf | tail -n +2 >work/ext
    echo "${3:-}" >>work/ext
    issue "$1" "$1" "$2" "/O=Hospital/CN=Hospital CA $1"
}
intermediate int-limited root 'nameConstraints = critical,permitted;URI:.hospital.example'
intermediate int-deep int
md=sha1
intermediate int-sha1 root
md=
start=$long_ago end=$yesterday
intermediate int-expired root
start='' end=''

both=clientAuth,serverAuth
for device in pump-12 monitor-7 analyser-3; do
    subject="/O=Hospital/OU=Ward 3B/CN=Device $device"
    good $device int $both "DNS:$device.ward.example" "$subject"
    cp $device.pem $device-leaf.pem
    cp $device.key $device-leaf.key
    cat int.pem >>$device.pem
    rsa_variant $device int $both "DNS:$device.ward.example" "$subject"
done
for server in hl7 hl7b; do
    san="DNS:$server.hospital.example,DNS:localhost,IP:127.0.0.1"
    good $server root serverAuth "$san" "/O=Hospital/CN=Interface engine $server"
    rsa_variant $server root serverAuth "$san" "/O=Hospital/CN=Interface engine $server"
done
bms_san=DNS:bms.hospital.example,URI:urn:hospital:bms
good bms root clientAuth $bms_san '/O=Hospital/CN=Building management'
rsa_variant bms root clientAuth $bms_san '/O=Hospital/CN=Building management'

variants pump-12 pump-12.ward.example $both emailProtection DNS:pump-12.ward.example \
    '/O=Hospital/OU=Ward 3B/CN=Device pump-12'
variants hl7 hl7.hospital.example serverAuth clientAuth \
    DNS:hl7.hospital.example,DNS:localhost,IP:127.0.0.1 '/O=Hospital/CN=Interface engine hl7'
variants bms bms.hospital.example clientAuth serverAuth $bms_san '/O=Hospital/CN=Building management'

ext "" DNS:plain.ward.example
key plain
issue plain plain root /O=Hospital/CN=Plain
ext $both DNS:weak.ward.example digitalSignature
key weak-rsa rsa 1024
issue weak-rsa weak-rsa root /O=Hospital/CN=Weak
key weak-ec ec P-224
issue weak-ec weak-ec root /O=Hospital/CN=Weak
# crl_signer OUT [ISSUER] [KEY_USAGE] [MORE]
crl_signer()
{
    [ -f "work/$1.csr" ] || key "$1"
    ext "" "" "${3:-cRLSign}" "${4:-}"
    issue "$1" "$1" "${2:-int}" "${subject:-/O=Hospital/CN=Hospital Device CA}"
}
subject=''
crl_signer crl-signer
crl_signer crl-signer-other other
crl_signer crl-signer-certs int keyCertSign,cRLSign
crl_signer crl-signer-crit int cRLSign '1.2.3.4.5 = critical,ASN1:UTF8String:x'
start=$long_ago end=$yesterday
crl_signer crl-signer-expired
start=$tomorrow end=$next_year
crl_signer crl-signer-notyet
start='' end='' md=sha1
crl_signer crl-signer-sha1
md=
key crl-signer-weak rsa 1024
crl_signer crl-signer-weak
subject='/O=Hospital/CN=Hospital CRL signer'
crl_signer crl-signer-root root
cat int.pem pump-12-leaf.pem >wrongorder.pem
cp pump-12.key wrongorder.key
cp pump-12.key mode-open.key
chmod 0644 mode-open.key
run openssl ec -in pump-12.key -out pump-12.sec1.key
run openssl rsa -traditional -in pump-12-rsa.key -out pump-12-rsa.pkcs1.key
run openssl pkcs8 -topk8 -in pump-12.key -passout pass:secret -out locked.key

rm -rf work
chmod 0644 ./*.pem
echo "$self_sum" >.stamp

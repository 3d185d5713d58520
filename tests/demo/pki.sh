# shellcheck shell=bash disable=SC2154 # variables of tests/demo.sh
# The demo's certification authorities: `openssl ca` with its books, CRLs and revocations. Sourced by
# tests/demo.sh, which sets work. Everything lies in $work/pki; CRLs are published in $work/www.

pki_failed()
{
    fail "openssl $1; see pki.log"
}

# openssl_ca NAME ARGUMENT...: with the books of this CA
openssl_ca()
{
    CA=$work/pki/$1 openssl ca -config "$work/pki/ca.cnf" -batch -notext "${@:2}" >>"$work/pki.log" 2>&1 ||
        pki_failed "ca ($1)"
}

# request NAME SUBJECT: a P-256 key and what it asks for
request()
{
    CA=none openssl req -new -config "$work/pki/ca.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" \
        -keyout "$work/pki/$1.key" -out "$work/pki/$1.csr" >>"$work/pki.log" 2>&1 || pki_failed "req ($1)"
    chmod 600 "$work/pki/$1.key"
}

# authority NAME SUBJECT SERIAL [ISSUER]: a CA with empty books; without an issuer a root
authority()
{
    : >"$work/pki/$1.index"
    echo "$3" >"$work/pki/$1.serial"
    echo 01 >"$work/pki/$1.crlnumber"
    request "$1" "$2"
    local how=(-extensions authority -in "$work/pki/$1.csr" -out "$work/pki/$1.pem")
    if [ $# -eq 3 ]; then
        openssl_ca "$1" -selfsign "${how[@]}"
    else
        openssl_ca "$4" "${how[@]}"
    fi
}

# issued NAME SUBJECT ISSUER USAGE [EXTENSION...]
issued()
{
    printf '%s\n' 'basicConstraints = critical,CA:FALSE' 'keyUsage = critical,digitalSignature' \
        'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid' "extendedKeyUsage = $4" "${@:5}" \
        >"$work/pki/leaf.ext"
    request "$1" "$2"
    openssl_ca "$3" -extfile "$work/pki/leaf.ext" -in "$work/pki/$1.csr" -out "$work/pki/$1.pem"
}

# publish CA...: a new CRL of each, put where the web server shows it, at once and whole
publish()
{
    local name
    for name in "$@"; do
        openssl_ca "$name" -gencrl -crldays 1 -out "$work/pki/$name.crl.pem"
        openssl crl -in "$work/pki/$name.crl.pem" -outform DER -out "$work/www/.$name.crl" || pki_failed "crl ($name)"
        mv "$work/www/.$name.crl" "$work/www/$name.crl"
    done
}

# revoke NAME CA
revoke()
{
    openssl_ca "$2" -revoke "$work/pki/$1.pem" -crl_reason keyCompromise
}

# make_pki OCSP_URL: a root; a CA for the devices; a CA for servers, whose certificates name the responder
make_pki()
{
    mkdir -m 700 "$work/pki" "$work/pki/new" "$work/www"
    cat >"$work/pki/ca.cnf" <<'CONF'
[req]
distinguished_name = any
[ca]
default_ca = books
[books]
database = ${ENV::CA}.index
serial = ${ENV::CA}.serial
crlnumber = ${ENV::CA}.crlnumber
certificate = ${ENV::CA}.pem
private_key = ${ENV::CA}.key
new_certs_dir = ${ENV::CA}/../new
default_md = sha256
default_days = 30
unique_subject = no
policy = any
crl_extensions = crl
[any]
organizationName = optional
organizationalUnitName = optional
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[crl]
authorityKeyIdentifier = keyid
CONF
    sed -i "s|\${ENV::CA}/../new|$work/pki/new|" "$work/pki/ca.cnf"
    authority root '/O=Hospital/CN=Hospital Root CA' 1001
    authority devices '/O=Hospital/CN=Hospital Device CA' 2001 root
    authority servers '/O=Hospital/CN=Hospital Server CA' 3001 root
    for name in pump-12 monitor-7 monitor-8; do
        issued "$name" "/O=Hospital/OU=Ward 3B/CN=Device $name" devices clientAuth,serverAuth \
            "subjectAltName = DNS:$name.ward.example"
        cat "$work/pki/devices.pem" >>"$work/pki/$name.pem"
    done
    issued hl7 '/O=Hospital/CN=Interface engine hl7' servers serverAuth \
        'subjectAltName = DNS:hl7.hospital.example' "authorityInfoAccess = OCSP;URI:$1"
    cat "$work/pki/servers.pem" >>"$work/pki/hl7.pem"
    issued responder '/O=Hospital/CN=OCSP responder' servers OCSPSigning 'noCheck = yes'
    issued bms '/O=Hospital/CN=Building management' root clientAuth 'subjectAltName = DNS:bms.hospital.example'
    publish root devices
}

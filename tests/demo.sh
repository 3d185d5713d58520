#!/bin/bash
# `make demo`: a simulated pump on a serial line and a plain HL7 monitor talk to a hospital over mutual
# TLS 1.3, each with its own certificate. Ends by itself within a minute and leaves nothing behind.
#
# The hospital's ends are not our code: Python's ssl (HL7 server), stunnel with mbpoll (Modbus master) and
# openssl. Needs no root. WARDGATE names the binary.
set -u

cd "$(dirname "$0")/.." || exit 1
root=$PWD
WARDGATE=$(realpath "${WARDGATE:-build/wardgate}")
work=$(mktemp -d "${TMPDIR:-/tmp}/wardgate-demo.XXXXXX") || exit 1
lib=$root/tests/scenarios/lib
pids=()
step=0

# Ends what we started, by its id, and removes the folder.
clean_up()
{
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say()
{
    printf '%s\n' "$*"
}

headline()
{
    step=$((step + 1))
    printf '\n== %d. %s\n' "$step" "$*"
}

shown()
{
    sed "s|$work/||g; s/^/     /"
}

fail()
{
    say "DEMO FAILED: $*"
    for file in "$work"/*.log; do
        say "--- $(basename "$file")"
        tail -n 15 "$file"
    done
    exit 1
}

# background NAME COMMAND...: its output goes to NAME.log; $! is its id
background()
{
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 </dev/null &
    pids+=("$!")
}

# until_true SECONDS WHAT COMMAND...
until_true()
{
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "not in time: $what"
        sleep 0.1
    done
}

free_port()
{
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wardgate()
{
    "$WARDGATE" "$1" -c "$work/wardgate.conf" "${@:2}"
}

# certificate NAME SUBJECT [OPTION...]: a P-256 key and its certificate
certificate()
{
    local name=$1 subject=$2
    shift 2
    openssl req -x509 -config "$work/req.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj "$subject" -keyout "$work/pki/$name.key" -out "$work/pki/$name.pem" "$@" \
        >>"$work/pki.log" 2>&1 || fail "no certificate for $name"
}

# issued NAME SUBJECT ISSUER USAGE NAMES
issued()
{
    certificate "$1" "$2" -CA "$work/pki/$3.pem" -CAkey "$work/pki/$3.key" \
        -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
        -addext "extendedKeyUsage=$4" -addext "subjectAltName=$5"
}

make_pki()
{
    local authority=(-addext 'keyUsage=critical,keyCertSign,cRLSign' -addext 'basicConstraints=critical,CA:TRUE')
    mkdir -m 700 "$work/pki"
    printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$work/req.cnf"
    certificate root '/O=Hospital/CN=Hospital Root CA' "${authority[@]}"
    certificate int '/O=Hospital/CN=Hospital Device CA' -CA "$work/pki/root.pem" \
        -CAkey "$work/pki/root.key" "${authority[@]}"
    for name in pump-12 monitor-7; do
        issued "$name" "/O=Hospital/OU=Ward 3B/CN=Device $name" int clientAuth,serverAuth \
            "DNS:$name.ward.example"
        cat "$work/pki/int.pem" >>"$work/pki/$name.pem"
    done
    issued hl7 '/O=Hospital/CN=Interface engine hl7' root serverAuth DNS:hl7.hospital.example
    issued bms '/O=Hospital/CN=Building management' root clientAuth DNS:bms.hospital.example
    chmod 600 "$work"/pki/*.key
}

# device_is NAME KEY VALUE: what status says of it
device_is()
{
    wardgate status --json | /usr/bin/python3 -c '
import json, sys
name, key, value = sys.argv[1:]
device = next(d for d in json.load(sys.stdin)["devices"] if d["name"] == name)
sys.exit(str(device[key]) != value)' "$@"
}

# Has the master, which asks once a second, had more than so many answers?
answers_over()
{
    [ "$(answers)" -gt "$1" ]
}

answers()
{
    grep -c '^\[0\]' "$work/master.log"
}

plug_pump()
{
    background line socat "pty,raw,echo=0,link=$work/ttyPUMP" "pty,raw,echo=0,link=$work/pump-side"
    line_pid=$!
    until_true 5 "the serial line" test -e "$work/ttyPUMP" -a -e "$work/pump-side"
    background pump "$pump_program" "$work/pump-side" 1
    pump_pid=$!
}

pump_program=$root/build/modbus_pump
if [ ! -x "$pump_program" ]; then
    pump_program=$work/modbus_pump
    cc -std=c11 -D_DEFAULT_SOURCE -O1 -I"$root" -o "$pump_program" tests/tools/modbus_pump.c -lmodbus ||
        fail "the simulated pump does not compile"
fi

say "Wardgate demo: two old devices that know nothing of TLS reach a hospital over mutual TLS 1.3."

headline "A throw-away PKI, made with the openssl command line"
make_pki
for name in pump-12 monitor-7 hl7 bms; do
    openssl x509 -in "$work/pki/$name.pem" -noout -subject -enddate | paste -s -d ' ' | shown
done

headline "The hospital: an HL7 server (Python's ssl), and a Modbus master behind stunnel"
hl7_port=$(free_port) monitor_port=$(free_port) pump_port=$(free_port) master_port=$(free_port)
background hl7 /usr/bin/python3 "$lib/hl7_desk.py" "$hl7_port" "$work/pki"
until_true 10 "the HL7 server" grep -q listening "$work/hl7.log"
cat >"$work/stunnel.conf" <<CONF
foreground = yes
pid =
[pump]
client = yes
accept = 127.0.0.1:$master_port
connect = 127.0.0.1:$pump_port
cert = $work/pki/bms.pem
key = $work/pki/bms.key
CAfile = $work/pki/root.pem
verifyChain = yes
checkHost = pump-12.ward.example
sni = pump-12.ward.example
sslVersion = TLSv1.3
CONF
background stunnel stunnel "$work/stunnel.conf"
say "     HL7 server on port $hl7_port; the master will ask the pump through the gateway's port $pump_port"

headline "The devices: an infusion pump on a serial line (libmodbus), a monitor that speaks plain HL7"
plug_pump
say "     the pump is Modbus unit 1 on ttyPUMP, 9600 8E1"

headline "The gateway's configuration: one section for each device, each with its own certificate"
cat >"$work/wardgate.conf" <<CONF
[gateway]
name = demo-ward
state_dir = $work
control = $work/control.sock

[trust hospital]
anchors = pki/root.pem
intermediates = pki/int.pem
revocation = off
tls_min = 1.3

[device pump-12]
description = Infusion pump, bed 12
port = serial:$work/ttyPUMP
line = 9600 8E1
protocol = modbus-rtu
unit_map = 1
certificate = pki/pump-12.pem
key = pki/pump-12.key
listen = 127.0.0.1:$pump_port
allow = dns:bms.hospital.example
trust = hospital

[device monitor-7]
description = Bedside monitor, bed 7
port = tcp-listen:127.0.0.1:$monitor_port
protocol = mllp
connect = 127.0.0.1:$hl7_port
server_name = hl7.hospital.example
certificate = pki/monitor-7.pem
key = pki/monitor-7.key
trust = hospital
CONF
sed -n '/^\[device/,$p' "$work/wardgate.conf" | shown
say "     \$ wardgate check"
wardgate check >"$work/check.log" 2>&1 || fail "wardgate check"
shown <"$work/check.log"

headline "The gateway runs"
background wardgate "$WARDGATE" run -c "$work/wardgate.conf"
gateway_pid=$!
until_true 10 "the gateway" wardgate status
until_true 10 "the pump's serial port" device_is pump-12 port_open True

headline "The monitor sends three HL7 messages in plain text; the server gets them over TLS"
for n in 1 2 3; do
    printf '\013MSH|^~\\&|MONITOR-7|W3|HIS|H|20260101||ORU^R01|%d|P|2.5\rOBX|1|NM|SPO2||9%d\r\034\r' "$n" "$n"
done >"$work/messages.hl7"
timeout 15 mllp_send -f "$work/messages.hl7" -p "$monitor_port" 127.0.0.1 >"$work/monitor.log" 2>&1 ||
    fail "the monitor could not send"
[ "$(tr '\r' '\n' <"$work/monitor.log" | grep -c '^MSA|AA|[123]$')" -eq 3 ] || fail "the monitor misses an answer"
say "     what the server saw:"
grep -v listening "$work/hl7.log" | shown
say "     what the monitor was answered:"
tr '\r' '\n' <"$work/monitor.log" | grep '^MSA' | shown

headline "The hospital's master reads the pump over TLS 1.3 (mbpoll through stunnel)"
background master stdbuf -oL mbpoll -m tcp -p "$master_port" -a 1 -0 -r 0 -c 4 -t 4 -o 3 127.0.0.1
until_true 10 "the pump's answers" answers_over 1
say "     state, rate in 0.1 ml/h, volume in 0.1 ml (two registers):"
grep '^\[' "$work/master.log" | tail -n 4 | shown
say "     It may not write, because the section does not say writes = allow:"
mbpoll -m tcp -p "$master_port" -a 1 -0 -r 0 -t 4 -1 -o 3 127.0.0.1 -- 99 >"$work/write.log" 2>&1
grep -i 'illegal function' "$work/write.log" | shown
grep -qi 'illegal function' "$work/write.log" || fail "a write was not refused"

headline "\$ wardgate status"
until_true 10 "the monitor's link" device_is monitor-7 state up
until_true 10 "the pump's link" device_is pump-12 state up
wardgate status | shown
say "     Each device shows a certificate of its own:"
wardgate status --json | /usr/bin/python3 -c '
import json, sys
for d in json.load(sys.stdin)["devices"]:
    print("%s: %s, serial %s" % (d["name"], d["certificate"]["subject"], d["certificate"]["serial"]))' | shown

headline "A client without a certificate is refused, and the pump hears nothing of it"
if timeout 10 openssl s_client -connect "127.0.0.1:$pump_port" -servername pump-12.ward.example \
    -CAfile "$work/pki/root.pem" -tls1_3 -ign_eof </dev/null >"$work/stranger.log" 2>&1; then
    fail "a client without a certificate was let in"
fi
grep -a -o 'alert.*SSL alert number.*' "$work/stranger.log" | head -n 1 | shown
until_true 5 "the gateway's line on the refusal" grep -q 'link-failed.*no-certificate' "$work/wardgate.log"
say "     the gateway's log:"
grep 'link-failed.*no-certificate' "$work/wardgate.log" | head -n 1 | sed 's/ device_to_server_bytes.*cause/ … cause/' | shown

headline "Somebody pulls the pump's plug, and puts it back"
kill "$pump_pid" "$line_pid"
wait "$pump_pid" "$line_pid" 2>/dev/null
rm -f "$work/ttyPUMP" "$work/pump-side"
until_true 10 "the gateway sees it" device_is pump-12 port_open False
wardgate status | grep -E '^(DEVICE|pump-12)' | shown
plug_pump
until_true 10 "the pump is back" answers_over "$(answers)"
wardgate status | grep -E '^(DEVICE|pump-12)' | shown

headline "The gateway is told to stop"
kill -TERM "$gateway_pid"
wait "$gateway_pid"
status=$?
[ "$status" -eq 0 ] || fail "the gateway ended with $status"
say "     it ended in good order. From its log:"
grep -E 'state=up|link-failed|link-ended|device-|stop' "$work/wardgate.log" | cut -c 1-150 | shown

say ""
say "Demo passed in $SECONDS s. Everything it made is removed."

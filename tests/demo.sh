#!/bin/bash
# `make demo`: a simulated pump on a serial line and two plain HL7 monitors talk to a hospital over mutual
# TLS 1.3, each with its own certificate; then certificates are revoked while the links live. Ends by itself
# within a minute and leaves nothing behind.
#
# The hospital's ends are not our code: Python's ssl (HL7 server), stunnel with mbpoll (Modbus master),
# `openssl ca` and `openssl ocsp` (PKI) and Python's web server (CRLs). Needs no root. WARDGATE names the
# binary. Its parts are in tests/demo/.
set -u

cd "$(dirname "$0")/.." || exit 1
root=$PWD
WARDGATE=$(realpath "${WARDGATE:-build/wardgate}")
work=$(mktemp -d "${TMPDIR:-/tmp}/wardgate-demo.XXXXXX") || exit 1
lib=$root/tests/scenarios/lib

# shellcheck source=tests/demo/steps.sh
. tests/demo/steps.sh
# shellcheck source=tests/demo/pki.sh
. tests/demo/pki.sh
# shellcheck source=tests/demo/revocation.sh
. tests/demo/revocation.sh

trap clean_up EXIT
trap 'exit 130' INT TERM

pump_program=$root/build/modbus_pump
if [ ! -x "$pump_program" ]; then
    pump_program=$work/modbus_pump
    cc -std=c11 -D_DEFAULT_SOURCE -O1 -I"$root" -o "$pump_program" tests/tools/modbus_pump.c -lmodbus ||
        fail "the simulated pump does not compile"
fi

say "Wardgate demo: old devices that know nothing of TLS reach a hospital over mutual TLS 1.3,"
say "and a certificate that is revoked loses its links within seconds."

headline "A throw-away PKI (openssl ca): who may speak with whom"
crl_port=$(free_port) ocsp_port=$(free_port)
make_pki "http://127.0.0.1:$ocsp_port/"
for name in pump-12 monitor-7 monitor-8 hl7 bms; do
    openssl x509 -in "$work/pki/$name.pem" -noout -subject -issuer | paste -s -d ' ' | shown
done
start_crl_server
start_responder
say "     Its lists of revoked certificates (CRLs) are at http://127.0.0.1:$crl_port/ (Python's web server);"
say "     openssl ocsp answers for the HL7 server's certificate at http://127.0.0.1:$ocsp_port/"

headline "The hospital: an HL7 server (Python's ssl), and a Modbus master behind stunnel"
hl7_port=$(free_port) monitor_port=$(free_port) monitor8_port=$(free_port) pump_port=$(free_port) master_port=$(free_port)
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
state_dir = $work/state
control = $work/control.sock

[trust hospital]
anchors = pki/root.pem
revocation = hard
crl = http://127.0.0.1:$crl_port/root.crl, http://127.0.0.1:$crl_port/devices.crl
ocsp = aia
fetch_hosts = 127.0.0.1

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

[device monitor-8]
description = Bedside monitor, bed 8: links up when it has something to say
port = tcp-listen:127.0.0.1:$monitor8_port
start = data
protocol = mllp
connect = 127.0.0.1:$hl7_port
server_name = hl7.hospital.example
certificate = pki/monitor-8.pem
key = pki/monitor-8.key
trust = hospital
CONF
sed -n '/^\[trust/,/^\[device monitor-7/p' "$work/wardgate.conf" | sed '$d' | shown
say "     revocation = hard: no byte passes before each certificate is known to be good, by a CRL or by OCSP."
say "     Two more sections like this one: monitor-7 and monitor-8, which send HL7 to the server."
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

show_revocation

headline "The gateway is told to stop"
kill -TERM "$gateway_pid"
wait "$gateway_pid"
status=$?
[ "$status" -eq 0 ] || fail "the gateway ended with $status"
say "     it ended in good order. The end of its log:"
grep -E 'link-failed|link-ended|device-|stop' "$work/wardgate.log" | tail -n 4 |
    sed -E 's/ device_to_server_bytes=.* (cause=)/ … \1/' | shown

say ""
say "Demo passed in $SECONDS s. Everything it made is removed."

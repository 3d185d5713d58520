# shellcheck shell=bash disable=SC2154 # variables of tests/demo.sh
# The demo's steps on revocation. Sourced by tests/demo.sh, which sets the ports and runs the gateway.

start_crl_server()
{
    background crl-server /usr/bin/python3 -m http.server --bind 127.0.0.1 --directory "$work/www" "$crl_port"
    until_true 10 "the web server with the CRLs" curl_crl
}

curl_crl()
{
    /usr/bin/python3 -c 'import sys, urllib.request as web; web.urlopen(sys.argv[1], timeout=2).read()' \
        "http://127.0.0.1:$crl_port/root.crl"
}

# It would outlive us if we were killed: two minutes are its longest life.
start_responder()
{
    background responder timeout -k 1 120 openssl ocsp -port "$ocsp_port" -index "$work/pki/servers.index" \
        -CA "$work/pki/servers.pem" -rsigner "$work/pki/responder.pem" -rkey "$work/pki/responder.key" -ndays 1 -timeout 5
    responder_pid=$!
    until_true 10 "the OCSP responder" grep -q waiting "$work/responder.log"
}

# timeout's child; it alone is stopped and goes on.
responder_itself()
{
    tr -d ' ' <"/proc/$responder_pid/task/$responder_pid/children"
}

# table_of DEVICE...: these rows of `wardgate status`, with what stands below each
table_of()
{
    local names
    names=$(IFS='|' && echo "$*")
    wardgate status | awk -v names="^(DEVICE|$names)" '/^[^ ]/ { on = $0 ~ names } on && NF && !/^trust/' | shown
}

# log_has TEXT: in the gateway's log since `mark_log`
log_has()
{
    tail -n "+$((log_lines + 1))" "$work/wardgate.log" | grep -E "$1"
}

mark_log()
{
    log_lines=$(wc -l <"$work/wardgate.log")
}

# told EVENT-PATTERN: the first such line, without the figures between
told()
{
    log_has "$1" | head -n 1 | sed -E 's/ device_to_server_bytes=.* (cause=)/ … \1/' | fold -s -w 108 | shown
}

monitor_answers()
{
    grep -c '^answer .* right$' "$work/heart.log"
}

monitor_goes_on()
{
    [ "$(monitor_answers)" -gt "$1" ]
}

refresh()
{
    say "     \$ wardgate revocation refresh"
    "$WARDGATE" revocation refresh -c "$work/wardgate.conf" >"$work/refresh.log" 2>&1 || fail "the refresh failed"
    shown <"$work/refresh.log"
}

milliseconds()
{
    echo $(($(date +%s%N) / 1000000))
}

revoke_server()
{
    local before began
    headline "Revoked: the key of building management, the pump's server, was stolen"
    say "     monitor-7 meanwhile sends a message every 0.4 s over one link, and counts the answers."
    background heart /usr/bin/python3 "$root/tests/demo/monitor.py" "$monitor_port" MONITOR-7
    until_true 10 "the monitor's messages" monitor_goes_on 1
    before=$(monitor_answers)
    mark_log
    say "     \$ openssl ca -revoke bms.pem; openssl ca -gencrl   (root.crl now lists it, and is published)"
    revoke bms root
    publish root
    began=$(milliseconds)
    refresh
    until_true 5 "the pump's link is cut" log_has 'link-ended device=pump-12'
    say "     The pump's link was cut $(($(milliseconds) - began)) ms after the refresh was asked for. The log says why:"
    told 'link-ended device=pump-12'
    mbpoll -m tcp -p "$master_port" -a 1 -0 -r 0 -t 4 -1 -o 3 127.0.0.1 >"$work/refused.log" 2>&1 &&
        fail "the master could read the pump"
    until_true 5 "the master's next try is refused" log_has 'link-failed device=pump-12'
    say "     The master tries again, and gets no byte through:"
    told 'link-failed device=pump-12'
    until_true 5 "the monitor goes on" monitor_goes_on $((before + 2))
    grep -q WRONG "$work/heart.log" && fail "an answer to the monitor was wrong"
    say "     monitor-7's link lost nothing: $before answers before, $(monitor_answers) by now, all of them right."
    table_of pump-12 monitor-7
}

revoke_device()
{
    local began
    headline "Revoked: monitor-7 itself was lost"
    mark_log
    say "     \$ openssl ca -revoke monitor-7.pem; openssl ca -gencrl   (devices.crl)"
    revoke monitor-7 devices
    publish devices
    began=$(milliseconds)
    refresh
    until_true 5 "the monitor's link is cut" log_has 'link-ended device=monitor-7'
    say "     Its link was cut $(($(milliseconds) - began)) ms after the refresh was asked for:"
    told 'link-ended device=monitor-7'
    until_true 5 "the monitor's program sees it" grep -q 'the connection ended' "$work/heart.log"
    table_of monitor-7
}

# The monitor's side of one message: plain TCP on descriptor 3, which stays open. MSA|AA|8 is right.
send_as_monitor8()
{
    local answer
    exec 3<>"/dev/tcp/127.0.0.1/$monitor8_port" || fail "the second monitor cannot connect"
    printf '\013MSH|^~\\&|MONITOR-8|W3|HIS|H|20260101||ORU^R01|8|P|2.5\rOBX|1|NM|SPO2||98\r\034\r' >&3
    IFS= read -r -t 10 -d $'\034' answer <&3
    IFS= read -r -t 10 -n 1 -d '' _ <&3 # the CR at the end: what is not read would end as a reset
    [[ $answer == *'MSA|AA|8'* ]] || fail "the second monitor misses its answer"
}

silence_responder()
{
    local began
    headline "The OCSP responder goes silent: it takes connections and never answers"
    kill -STOP "$(responder_itself)" || fail "no responder to stop"
    say "     monitor-8 has something to say, and needs a new link. The server's status was fetched before:"
    began=$(milliseconds)
    send_as_monitor8
    say "     TLS link, message and answer took $(($(milliseconds) - began)) ms together."
    table_of monitor-8
    exec 3>&-
    kill -CONT "$(responder_itself)"
}

show_revocation()
{
    revoke_server
    revoke_device
    silence_responder
}

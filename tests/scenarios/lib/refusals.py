"""The refusal matrix: which bad peer must be refused with which fault."""

# certificate variant, the fault the gateway must name (a tuple: any of them)
COMMON = [
    ("other", ("untrusted",)),
    ("expired", ("expired",)),
    ("notyet", ("not-yet-valid",)),
    ("badname", ("wrong-name",)),
    ("wrongeku", ("wrong-usage",)),
    ("cn", ("wrong-name",)),
    ("leafsigned", ("untrusted", "bad-certificate", "wrong-usage")),
    ("nul", ("wrong-name", "bad-certificate")),
    ("nosign", ("wrong-usage", "tls-error")),
    ("crit", ("bad-certificate", "untrusted")),
]
SECRET = b"SECRET-OF-THE-PEER\n"
DEVICE = b"SECRET-OF-THE-DEVICE\n"

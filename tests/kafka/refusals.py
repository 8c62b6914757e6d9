"""A deployment that has run to its end, for tests that then change what lies in Kafka, and the refusal that must follow."""

import company
import harness

EX_CONFIG = 78


def stopped_site(partitions=1):
    """The session is short enough to wait for: a static member stays in the group until it is over, and offsets can only be set in
    a group without members."""
    site = company.deploy(harness.shared_node(), people=40, days=25, partitions=partitions, workers=1,
                          kafka={"session.timeout.ms": 6000})
    company.run_to_end(site)
    return site


def refused(site, *words):
    """The daemon ends with 78, and its last words hold these; all that it said."""
    with site.daemon() as daemon:
        code = daemon.wait()
        said = daemon.stderr()
    harness.check(code == EX_CONFIG, f"ended with {code}, not {EX_CONFIG}:\n{said}")
    last = said.strip().splitlines()[-1]
    for word in words:
        harness.check(str(word) in last, f"'{word}' is not in the last line:\n{said}")
    return said

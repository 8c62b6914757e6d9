"""Who committed a group's offsets, and in which of its generations: no client is told, the broker's own files say it."""

import harness
import log_segments


def committers(node, group):
    """[(generation, {(topic, partition): set of producer ids that committed it in a transaction})], as the coordinator of the
    group has taken it on: a group's generation is in the same log as its offsets."""
    found = [(0, {})]
    for batch in log_segments.read_partition(node.directory / "data" / "__consumer_offsets-0", with_crc=False):
        for _, key, value in [] if batch.is_control else log_segments.records_of(batch):
            commit = log_segments.offset_commit(key, value)
            if commit and commit[0][0] == group and commit[1]:
                found[-1][1].setdefault(commit[0][1:], set()).add(batch.producer)
            generation = log_segments.group_generation(key, value)
            if generation and generation[0] == group and generation[1] not in (None, found[-1][0]):
                found.append((generation[1], {}))
    return found


def check_one_committer_a_generation(node, group):
    """Fails unless each partition was committed by one producer in each generation; how many generations committed anything."""
    generations = [(number, owners) for number, owners in committers(node, group) if owners]
    for number, owners in generations:
        for place, producers in owners.items():
            harness.check(len(producers) == 1 and -1 not in producers, f"generation {number}: {place} by {producers}")
    numbers = [number for number, _ in generations]
    harness.check(numbers == sorted(set(numbers)), f"the generations come in turn: {numbers}")
    return len(generations)

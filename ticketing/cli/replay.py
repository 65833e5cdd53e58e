"""`ticketing replay`: produce a recording into an input topic."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: ticketing replay logs.jsonl.gz --rate 500")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Records a second.")
@click.option("--topic", help="The topic to produce to  [default: the first input topic]")
def replay(file: Path, rate: float | None, topic: str | None) -> None:
    """Produce each line of FILE (JSON lines, plain or .gz) as a record, as it is."""
    from agents.identities import reader_of
    from ticketing.cli.progress import bar
    from ticketing.cli.recording import warn_without_scores
    from ticketing.kafka.feed import Feed, read_lines
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    runtime.reach()
    feed = Feed(runtime, topic or runtime.inputs[0], rate=rate)
    with bar() as progress:
        reader = reader_of(runtime.config)
        total = warn_without_scores(file, reader.has_score, by_level=reader.by_level is not None)
        task = progress.add_task("replaying", total=total)
        sent = feed.run(read_lines(file), lambda done: progress.update(task, completed=done))
    click.echo(f"{sent} records produced to {topic or runtime.inputs[0]}")

"""A real Apache Kafka for tests: one KRaft node on loopback, and the means to look into it.

Taken, in this order, from an address in TICKETING_TEST_KAFKA, from Docker if an engine answers, from
Maven's copy of Apache Kafka and a Java of 17 or later. Whoever starts a node ends it: only its own
process or container.

The names of our topics are fixed, so two tests that run the job need two brokers. A node of our own
is up in two seconds, hence the fixture `broker` (tests/conftest.py) gives each such test a new one;
an address from the environment is emptied instead: every topic and group on it is deleted.
Tests with topics and groups of their own share the session's `kafka`.
"""

from __future__ import annotations

import atexit
import base64
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from support.requirements import free_port, has_docker, missing
from support.waiting import wait_for

ADDRESS_VARIABLE = "TICKETING_TEST_KAFKA"
VERSION = "4.1.1"
IMAGE = f"apache/kafka:{VERSION}"
JAVA_MAJOR_MIN = 17
START_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 60.0
ADMIN_SECONDS_MAX = 30.0
MESSAGE_BYTES_MAX = 32 * 1024 * 1024

SETTINGS = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "message.max.bytes": str(MESSAGE_BYTES_MAX),
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "replica.fetch.max.bytes": str(MESSAGE_BYTES_MAX),
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
}

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ticketing</groupId><artifactId>test-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


class Kafka:
    """A broker under test. `address` is host:port and stays the same over restarts."""

    can_restart = True

    def __init__(self, address: str) -> None:
        self.address = address
        self._admin: AdminClient | None = None

    # Its life

    def start(self) -> None:
        """Start it, on the data it had; returns when it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop it in order; its data and its port stay."""
        raise NotImplementedError

    def kill(self) -> None:
        """Stop it without a warning."""
        raise NotImplementedError

    def close(self) -> None:
        """End it and forget its data."""

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def wait_until_up(self) -> None:
        """Return once the controller and the broker answer."""

        def answers() -> bool:
            try:
                return bool(self.admin.list_topics(timeout=5).brokers)
            except KafkaException:
                return False

        wait_for(answers, f"Kafka on {self.address}", START_SECONDS_MAX)

    # Topics and groups

    @property
    def client(self) -> dict[str, Any]:
        """Settings for librdkafka's clients."""
        return {"bootstrap.servers": self.address, "log_level": 0}

    @property
    def admin(self) -> AdminClient:
        """The admin client."""
        if self._admin is None:
            self._admin = AdminClient(self.client)
        return self._admin

    def topics(self) -> dict[str, int]:
        """Our topics with their number of partitions."""
        found = self.admin.list_topics(timeout=ADMIN_SECONDS_MAX).topics
        return {n: len(t.partitions) for n, t in found.items() if not n.startswith("__")}

    def create(self, topic: str, partitions: int = 1, **config: object) -> str:
        """Make a topic; `config` with underscores for dots. Returns its name."""
        settings = {name.replace("_", "."): str(value) for name, value in config.items()}
        wanted = NewTopic(topic, partitions, 1, config=settings)
        self.admin.create_topics([wanted], operation_timeout=ADMIN_SECONDS_MAX)[topic].result(
            ADMIN_SECONDS_MAX
        )
        wait_for(lambda: self.topics().get(topic) == partitions, f"the topic {topic}")
        return topic

    def configure(self, topic: str, **config: object) -> None:
        """Change settings of a topic, with underscores for dots."""
        wanted = ConfigResource(
            ResourceType.TOPIC,
            topic,
            incremental_configs=[
                ConfigEntry(
                    name.replace("_", "."), str(value), incremental_operation=AlterConfigOpType.SET
                )
                for name, value in config.items()
            ],
        )
        for future in self.admin.incremental_alter_configs([wanted]).values():
            future.result(ADMIN_SECONDS_MAX)

    def take_nothing(self, topic: str) -> None:
        """Refuse every message of a topic, as its time is always in the past."""
        self.configure(
            topic, message_timestamp_type="CreateTime", message_timestamp_before_max_ms=0
        )

    def take_again(self, topic: str, clock: str = "CreateTime") -> None:
        """Take messages again, with the clock (`message.timestamp.type`) of the topic."""
        self.configure(
            topic, message_timestamp_type=clock, message_timestamp_before_max_ms=2**63 - 1
        )

    def grow(self, topic: str, partitions: int) -> None:
        """Give a topic more partitions."""
        wanted = [NewPartitions(topic, partitions)]
        self.admin.create_partitions(wanted)[topic].result(ADMIN_SECONDS_MAX)
        wait_for(lambda: self.topics().get(topic) == partitions, f"the partitions of {topic}")

    def delete(self, *topics: str) -> None:
        """Delete topics and wait until they are gone."""
        if not topics:
            return
        for future in self.admin.delete_topics(list(topics)).values():
            future.result(ADMIN_SECONDS_MAX)
        wait_for(lambda: not set(topics) & set(self.topics()), f"the end of {topics}")

    def empty(self) -> None:
        """Delete every topic and every group that has no members."""
        self.delete(*self.topics())
        listed = self.admin.list_consumer_groups().result(ADMIN_SECONDS_MAX).valid
        groups = [group.group_id for group in listed]
        if groups:
            for future in self.admin.delete_consumer_groups(groups).values():
                future.result(ADMIN_SECONDS_MAX)

    def ends(self, topic: str) -> dict[int, int]:
        """Where each partition ends: the offset that its next record gets."""
        with _reader(self) as consumer:
            return {
                number: _watermarks(consumer, TopicPartition(topic, number))[1]
                for number in range(self.topics()[topic])
            }

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """A group's committed offset of each partition; 0 where it has none."""
        with _reader(self, group) as consumer:
            wanted = [TopicPartition(topic, number) for number in range(self.topics()[topic])]
            found = consumer.committed(wanted, timeout=ADMIN_SECONDS_MAX)
            return {place.partition: max(place.offset, 0) for place in found}

    # Records

    def produce(
        self,
        topic: str,
        values: Iterable[bytes | None],
        *,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        **settings: object,
    ) -> int:
        """Produce and wait until the broker holds everything; returns how many.

        Without a partition, records go round robin. `settings` are librdkafka's with underscores
        for dots.
        """
        partitions = self.topics()[topic]
        failed: list[str] = []
        more = {name.replace("_", "."): value for name, value in settings.items()}
        producer = Producer(
            {
                **self.client,
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.max.bytes": MESSAGE_BYTES_MAX,
                **more,
            }
        )

        def delivered(error: Any, _: Message) -> None:
            if error is not None:
                failed.append(error.str())

        sent = 0
        for value in values:
            extra = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
            target = sent % partitions if partition is None else partition
            while True:
                try:
                    producer.produce(
                        topic, value, key, partition=target, on_delivery=delivered, **extra
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
            sent += 1
        left = producer.flush(ADMIN_SECONDS_MAX * 2)
        assert not failed, failed[0]
        assert left == 0, f"{left} records were not taken"
        return sent

    def read(self, topic: str) -> list[Message]:
        """Every committed record of a topic, partition by partition, up to where it ends now."""
        return [
            record for number in range(self.topics()[topic]) for record in self._run(topic, number)
        ]

    def _run(self, topic: str, number: int) -> Iterator[Message]:
        with _reader(self) as consumer:
            place = TopicPartition(topic, number)
            low, high = _watermarks(consumer, place)
            consumer.assign([TopicPartition(topic, number, low)])
            position = low
            deadline = time.monotonic() + ADMIN_SECONDS_MAX * 4
            while position < high:
                assert time.monotonic() < deadline, f"{topic}[{number}] could not be read"
                record = consumer.poll(1.0)
                if record is not None and record.error() is None:
                    position = record.offset() + 1
                    yield record
                else:
                    # What is left may be transaction markers, which are no records.
                    position = max(position, consumer.position([place])[0].offset)


def _watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """First offset and end of a partition; a topic made anew takes a moment to have a leader."""

    def asked() -> tuple[int, int] | None:
        try:
            return consumer.get_watermark_offsets(place, timeout=ADMIN_SECONDS_MAX)  # type: ignore
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            return None

    found = wait_for(asked, f"the offsets of {place}", ADMIN_SECONDS_MAX * 2)
    assert found is not None
    return found


class _reader:
    """A consumer that commits nothing, closed at the end of the block."""

    def __init__(self, kafka: Kafka, group: str = "ticketing-tests") -> None:
        self._consumer = Consumer(
            {
                **kafka.client,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": False,
                "fetch.message.max.bytes": MESSAGE_BYTES_MAX,
                "isolation.level": "read_committed",
            }
        )

    def __enter__(self) -> Consumer:
        return self._consumer

    def __exit__(self, *exc: object) -> None:
        self._consumer.close()


class ExternalKafka(Kafka):
    """Somebody else's, at an address from the environment."""

    can_restart = False

    def start(self) -> None:
        """It runs already."""
        self.wait_until_up()

    def stop(self) -> None:
        """Not ours to stop: the test is skipped."""
        missing(f"{ADDRESS_VARIABLE} names a broker that is not ours to stop")

    kill = stop


class JavaKafka(Kafka):
    """Apache Kafka as a process of ours."""

    def __init__(
        self,
        libraries: Path,
        formatted: Path,
        *,
        listeners: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`formatted` holds a log directory as StorageTool has made it; it is copied.

        `listeners` are addresses by security protocol, and `settings` are the broker's own, both
        beside the usual.
        """
        self._controller_port = free_port()
        super().__init__(f"127.0.0.1:{free_port()}")
        self._libraries = libraries
        self._directory = Path(tempfile.mkdtemp(prefix="ticketing-kafka-"))
        self._data = self._directory / "data"
        shutil.copytree(formatted, self._data)
        self._log = self._directory / "kafka.log"
        self._settings = self._directory / "server.properties"
        self._settings.write_text(
            _properties(
                self.address,
                f"127.0.0.1:{self._controller_port}",
                self._data,
                listeners,
                settings,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                java(self._libraries, "kafka.Kafka", str(self._settings)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C is for the tests: they end the broker themselves, after the workers.
                start_new_session=True,
            )
        self.wait_until_up()

    def stop(self) -> None:
        """SIGTERM: Kafka writes everything out."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the process and remove its directory."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


class DockerKafka(Kafka):
    """Apache Kafka's own image, in a container of ours."""

    def __init__(self) -> None:
        self._port = free_port()
        super().__init__(f"127.0.0.1:{self._port}")
        self._name = f"ticketing-kafka-{uuid.uuid4().hex[:12]}"
        self._made = False

    def start(self) -> None:
        """Make the container, or start it again, and wait until it answers."""
        if self._made:
            docker("start", self._name)
        else:
            docker(*self._run())
            self._made = True
        self.wait_until_up()

    def _run(self) -> list[str]:
        environ = {
            **SETTINGS,
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": f"PLAINTEXT://0.0.0.0:{self._port},CONTROLLER://localhost:9093",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
        }
        variables = [
            part
            for name, value in environ.items()
            for part in ("-e", f"KAFKA_{name.replace('.', '_').upper()}={value}")
        ]
        published = f"127.0.0.1:{self._port}:{self._port}"
        return ["run", "-d", "--name", self._name, "-p", published, *variables, IMAGE]

    def stop(self) -> None:
        """Stop the container in order."""
        docker("stop", "--time", str(int(STOP_SECONDS_MAX)), self._name)

    def kill(self) -> None:
        """Kill what runs in the container."""
        docker("kill", self._name)

    def pause(self) -> None:
        """Freeze the container."""
        docker("pause", self._name)

    def resume(self) -> None:
        """Let it go on."""
        docker("unpause", self._name)

    def close(self) -> None:
        """Remove the container."""
        if self._made:
            docker("rm", "-f", "-v", self._name)


def launch() -> Kafka:
    """A broker that answers; close it in the end. Skips or fails the test where there is none."""
    kafka = _make()
    try:
        kafka.start()
    except BaseException:
        kafka.close()
        raise
    return kafka


def _make() -> Kafka:
    address = os.environ.get(ADDRESS_VARIABLE)
    if address:
        return ExternalKafka(address)
    if has_docker():
        return DockerKafka()
    libraries = apache_kafka()
    return JavaKafka(libraries, formatted(libraries))


def docker(*arguments: str) -> None:
    """Run a docker command; AssertionError with its words when it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr.decode().strip()}"


def java(libraries: Path, main: str, *arguments: str) -> list[str]:
    """The command that runs a class of Apache Kafka."""
    options = ["-Xms128m", "-Xmx1g", "-XX:+UseSerialGC"]
    return ["java", *options, "-cp", f"{libraries}/*", main, *arguments]


def apache_kafka() -> Path:
    """The directory with Apache Kafka's jars, got through Maven once and then kept."""
    _need_java()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ticketing-agent"
    wanted = cache / f"kafka-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # Several runs of the tests may want it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.is_dir():
            _copy_libraries(wanted)
    return wanted


def _need_java() -> None:
    if shutil.which("java") is None:
        missing(f"no Kafka: neither {ADDRESS_VARIABLE}, nor Docker, nor java")
    said = subprocess.run(["java", "-version"], capture_output=True, check=False).stderr.decode()
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found.group(1)) < JAVA_MAJOR_MIN:
        missing(f"no Kafka: java is not {JAVA_MAJOR_MIN} or later")


def _copy_libraries(wanted: Path) -> None:
    if shutil.which("mvn") is None:
        missing(f"no Kafka: neither {ADDRESS_VARIABLE}, nor Docker, nor mvn")
    with tempfile.TemporaryDirectory(dir=wanted.parent) as name:
        base = Path(name)
        (base / "pom.xml").write_text(POM)
        done = subprocess.run(
            [
                *("mvn", "-q", "-B", "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={base / 'libraries'}"),
            ],
            cwd=base,
            capture_output=True,
            check=False,
            timeout=600,
        )
        if done.returncode != 0:
            missing(f"no Kafka: mvn could not get it: {done.stdout.decode().strip()[-300:]}")
        (base / "libraries").rename(wanted)


@lru_cache(maxsize=1)
def formatted(libraries: Path) -> Path:
    """A log directory ready to be copied, made once a process: StorageTool is a JVM of its own."""
    base = Path(tempfile.mkdtemp(prefix="ticketing-kafka-formatted-"))
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    data = base / "data"
    settings = base / "server.properties"
    settings.write_text(_properties("127.0.0.1:9092", "127.0.0.1:9093", data))
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(
        java(
            libraries,
            "kafka.tools.StorageTool",
            *("format", f"--cluster-id={cluster}", "--config", str(settings)),
        ),
        capture_output=True,
        check=False,
        timeout=START_SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr.decode()
    return data


def _properties(
    broker: str,
    controller: str,
    data: Path,
    listeners: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> str:
    listed = {"PLAINTEXT": broker, **(listeners or {})}
    advertised = ",".join(f"{protocol}://{address}" for protocol, address in listed.items())
    written = {
        **SETTINGS,
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"{advertised},CONTROLLER://{controller}",
        "advertised.listeners": advertised,
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        **(settings or {}),
    }
    return "".join(f"{name}={value}\n" for name, value in written.items())

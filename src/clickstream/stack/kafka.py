"""The embedded Kafka (KRaft, one node that is broker and controller): its configuration and its ProcessSpec.

Every listener asks for a password. The clients' password is set over a connection as the node itself, once it runs
(services/kafka/admin.py): a credential is part of the cluster's metadata, and older homes have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clickstream.config.files import write_private
from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec, Role, SetupStep
from clickstream.stack import java
from clickstream.stack.layout import (
    HOST,
    KAFKA,
    KAFKA_BEHIND_RELAY,
    KAFKA_CONTROLLER,
    KAFKA_NODE,
    KAFKA_USER,
    RELAYS,
    RESTART,
    Layout,
    config_folder,
)

CONFIGURATION = """# Written at every start: changes here are lost.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=CLIENTS://{host}:{port},RELAYED://{host}:{behind_relay},CONTROLLER://{host}:{controller_port}
# Clients follow the address that the broker tells them: those that come through a relay must be told the relay's.
advertised.listeners=CLIENTS://{host}:{port},RELAYED://{host}:{relay}
listener.name.relayed.num.network.threads=1
inter.broker.listener.name=CLIENTS
listener.security.protocol.map=CLIENTS:SASL_PLAINTEXT,RELAYED:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
# Clients by SCRAM, whose credentials lie in the cluster's metadata. The node itself by PLAIN, whose password is here:
# it has to reach its controller before it can read any metadata.
listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN
listener.name.relayed.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.clients.scram-sha-256.sasl.jaas.config={scram}
listener.name.relayed.scram-sha-256.sasl.jaas.config={scram}
listener.name.clients.plain.sasl.jaas.config={plain}
listener.name.controller.plain.sasl.jaas.config={plain}
# Other users, that somebody may make, may do what they are granted.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{clients};User:{node}
log.dirs={data}
# After a kill -9 the controller takes the broker back only once the killed one's session is over: 9 s by default.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=300
# One node: its internal topics have one copy, and few partitions, which are a tenth of a second of start each.
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Events that were not read yet must not go away because a laptop slept for a week.
log.retention.ms=-1
log.retention.bytes=-1
# A deleted topic's disk space comes back at once.
log.segment.delete.delay.ms=1000
# Allocated at start: the default is a quarter of the heap, for topics larger than any here.
log.cleaner.dedupe.buffer.size=8388608
"""

SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
PLAIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' username="{user}" password="{password}" user_{user}="{password}";'
)
"""Who the node is where it connects, and whom it lets in where it listens."""

LOGGING = """\
# Start, readiness and stop; all else that Kafka says at INFO is a thousand lines a start.
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.signals.name = org.apache.kafka.common.utils.LoggingSignalHandler
logger.signals.level = info
"""

JAVA_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    # The quick compiler only. Measured over 3 M events in and out: half the CPU to start, and a third less in all, for
    # a broker mostly moves bytes; the optimising compiler costs more than it saves.
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",  # or it leaves files in the shared /tmp
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
)


def kafka_spec(home: Home, layout: Layout, jars: Sequence[Path]) -> ProcessSpec:
    """Write Kafka's configuration and say how to run it: in the home, from which all paths go."""
    folder = config_folder(home)
    data = home.data / "kafka"
    staging = data.with_name("kafka.staging")
    server, formatting = folder / "kafka.properties", folder / "kafka-format.properties"
    logging, arguments = folder / "kafka-log4j2.properties", folder / "kafka-java.args"

    def within(path: Path) -> str:
        return str(path.relative_to(home.root))

    write_private(server, _configuration(layout, within(data)))
    write_private(formatting, _configuration(layout, within(staging)))
    write_private(logging, java.LOGGING + LOGGING)
    options = (*JAVA_OPTIONS, f"-Dlog4j2.configurationFile={within(logging)}")
    class_path = java.class_path(jars, folder / "kafka-jars", home.root)
    write_private(arguments, java.arguments(options, class_path))
    program = (str(java.java_for(None)), f"@{within(arguments)}")
    tool = ("kafka.tools.StorageTool", "format", "--cluster-id", layout.kafka_cluster_id)
    format_data = SetupStep(
        argv=(*program, *tool, "--config", within(formatting)),
        staging=str(staging),
        makes=str(data),
        env=java.ENVIRONMENT,
    )
    return ProcessSpec(
        name=KAFKA,
        role=Role.SERVER,
        argv=(*program, "kafka.Kafka", within(server)),
        env=java.ENVIRONMENT,
        cwd=str(home.root),
        ready_pattern="Kafka Server started",
        ready_timeout=180,  # after a crash it first checks the segments that were open
        setup=(format_data,),
        restart=RESTART,
        stop_timeout=60,
    )


def _configuration(layout: Layout, data: str) -> str:
    ports = {
        "port": layout.ports[KAFKA],
        "controller_port": layout.ports[KAFKA_CONTROLLER],
        "behind_relay": layout.ports[KAFKA_BEHIND_RELAY],
        "relay": layout.ports[RELAYS[KAFKA]],
    }
    users = {"clients": KAFKA_USER, "node": KAFKA_NODE}
    plain = PLAIN.format(user=KAFKA_NODE, password=layout.kafka_node_password)
    return CONFIGURATION.format(host=HOST, data=data, scram=SCRAM, plain=plain, **users, **ports)

"""Kafka: producing, consuming and administering through confluent-kafka."""

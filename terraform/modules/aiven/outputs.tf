output "project_name" {
  description = "Name of the project."
  value       = local.project
}

output "project_ca_cert" {
  description = "CA of the project: it signs Kafka's and PostgreSQL's certificates."
  value       = aiven_organization_project.this.ca_cert
  sensitive   = true
}

output "kafka_bootstrap_servers" {
  description = "Kafka, host:port, for clients with a certificate."
  value       = "${aiven_kafka.this.service_host}:${aiven_kafka.this.service_port}"
}

output "kafka_service_uri" {
  description = "URI of Kafka."
  value       = aiven_kafka.this.service_uri
  sensitive   = true
}

output "kafka_access_cert" {
  description = "Client certificate of the administrator, PEM."
  value       = one(aiven_kafka.this.kafka[*].access_cert)
  sensitive   = true
}

output "kafka_access_key" {
  description = "Key to that certificate, PEM."
  value       = one(aiven_kafka.this.kafka[*].access_key)
  sensitive   = true
}

output "kafka_events_topic_name" {
  description = "Topic of the events."
  value       = aiven_kafka_topic.events.topic_name
}

output "kafka_events_topic_partitions" {
  description = "Its partitions."
  value       = aiven_kafka_topic.events.partitions
}

output "kafka_events_topic_replication" {
  description = "Copies of each."
  value       = aiven_kafka_topic.events.replication
}

output "pg_service_uri" {
  description = "URI of PostgreSQL."
  value       = aiven_pg.this.service_uri
  sensitive   = true
}

output "pg_host" {
  description = "PostgreSQL's host."
  value       = aiven_pg.this.service_host
}

output "pg_port" {
  description = "PostgreSQL's port."
  value       = aiven_pg.this.service_port
}

output "pg_user" {
  description = "PostgreSQL's administrator."
  value       = aiven_pg.this.service_username
}

output "pg_password" {
  description = "Password of the administrator."
  value       = aiven_pg.this.service_password
  sensitive   = true
}

output "pg_database" {
  description = "Database made for clickstream."
  value       = aiven_pg_database.this.database_name
}

output "valkey_service_uri" {
  description = "URI of Valkey."
  value       = aiven_valkey.this.service_uri
  sensitive   = true
}

output "valkey_host" {
  description = "Valkey's host."
  value       = aiven_valkey.this.service_host
}

output "valkey_port" {
  description = "Valkey's port."
  value       = aiven_valkey.this.service_port
}

output "valkey_user" {
  description = "Valkey's user."
  value       = aiven_valkey.this.service_username
}

output "valkey_password" {
  description = "Password of that user."
  value       = aiven_valkey.this.service_password
  sensitive   = true
}

output "opensearch_service_uri" {
  description = "URI of OpenSearch; null when there is none."
  value       = one(aiven_opensearch.this[*].service_uri)
  sensitive   = true
}

output "opensearch_host" {
  description = "OpenSearch's host; null when there is none."
  value       = one(aiven_opensearch.this[*].service_host)
}

output "opensearch_port" {
  description = "OpenSearch's port; null when there is none."
  value       = one(aiven_opensearch.this[*].service_port)
}

output "opensearch_user" {
  description = "OpenSearch's administrator; null when there is none."
  value       = one(aiven_opensearch.this[*].service_username)
}

output "opensearch_password" {
  description = "Password of the administrator; null when there is none."
  value       = one(aiven_opensearch.this[*].service_password)
  sensitive   = true
}

output "opensearch_dashboards_uri" {
  description = "OpenSearch Dashboards; null when there is none."
  value       = one(flatten(aiven_opensearch.this[*].opensearch[*].opensearch_dashboards_uri))
  sensitive   = true
}

output "vpc_id" {
  description = "The VPC of the services; null when there is none."
  value       = local.vpc_id
}

output "vpc_state" {
  description = "How that VPC stands; null when there is none."
  value       = one(aiven_project_vpc.this[*].state)
}

output "privatelink_service_names" {
  description = "Service (kafka, pg, valkey, opensearch) to the name of its VPC endpoint service in AWS."
  value       = { for name, link in aiven_aws_privatelink.this : name => link.aws_service_name }
}

output "privatelink_components" {
  description = "What is reached through PrivateLink, but Valkey: the service's name and the component, by a name of ours."
  value       = local.components
}

output "privatelink_valkey_service_name" {
  description = "Name of Valkey's service, where it is reached through PrivateLink; null elsewhere."
  value       = one([for name, link in aiven_aws_privatelink.this : link.service_name if name == "valkey"])
}

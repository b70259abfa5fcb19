# `clickstream config generate` reads these; terraform output -json shows them, secrets included.

output "deployment_scenario" {
  description = "What was made: local, ec2_public or ec2_privatelink."
  value       = var.deployment_scenario
}

output "project_name" {
  description = "Aiven project."
  value       = module.aiven.project_name
}

output "project_ca_cert" {
  description = "CA of that project, PEM: it signs Kafka's and PostgreSQL's certificates."
  value       = module.aiven.project_ca_cert
  sensitive   = true
}

output "kafka_bootstrap_servers" {
  description = "Kafka, host:port."
  value       = module.aiven.kafka_bootstrap_servers
}

output "kafka_service_uri" {
  description = "URI of Kafka."
  value       = module.aiven.kafka_service_uri
  sensitive   = true
}

output "kafka_access_cert" {
  description = "Client certificate for Kafka, PEM."
  value       = module.aiven.kafka_access_cert
  sensitive   = true
}

output "kafka_access_key" {
  description = "Key to that certificate, PEM."
  value       = module.aiven.kafka_access_key
  sensitive   = true
}

output "kafka_events_topic_name" {
  description = "Topic of the events."
  value       = module.aiven.kafka_events_topic_name
}

output "kafka_events_topic_partitions" {
  description = "Its partitions."
  value       = module.aiven.kafka_events_topic_partitions
}

output "kafka_events_topic_replication" {
  description = "Copies of each."
  value       = module.aiven.kafka_events_topic_replication
}

output "pg_service_uri" {
  description = "URI of PostgreSQL; its database is defaultdb, not pg_database."
  value       = module.aiven.pg_service_uri
  sensitive   = true
}

output "pg_host" {
  description = "PostgreSQL's host."
  value       = module.aiven.pg_host
}

output "pg_port" {
  description = "PostgreSQL's port."
  value       = module.aiven.pg_port
}

output "pg_user" {
  description = "PostgreSQL's user."
  value       = module.aiven.pg_user
}

output "pg_password" {
  description = "Password of that user."
  value       = module.aiven.pg_password
  sensitive   = true
}

output "pg_database" {
  description = "Database made for clickstream."
  value       = module.aiven.pg_database
}

output "valkey_service_uri" {
  description = "URI of Valkey."
  value       = module.aiven.valkey_service_uri
  sensitive   = true
}

output "valkey_host" {
  description = "Valkey's host."
  value       = module.aiven.valkey_host
}

output "valkey_port" {
  description = "Valkey's port."
  value       = module.aiven.valkey_port
}

output "valkey_user" {
  description = "Valkey's user."
  value       = module.aiven.valkey_user
}

output "valkey_password" {
  description = "Password of that user."
  value       = module.aiven.valkey_password
  sensitive   = true
}

output "opensearch_service_uri" {
  description = "URI of OpenSearch; null when opensearch_enabled is false."
  value       = module.aiven.opensearch_service_uri
  sensitive   = true
}

output "opensearch_host" {
  description = "OpenSearch's host; null when opensearch_enabled is false."
  value       = module.aiven.opensearch_host
}

output "opensearch_port" {
  description = "OpenSearch's port; null when opensearch_enabled is false."
  value       = module.aiven.opensearch_port
}

output "opensearch_user" {
  description = "OpenSearch's user; null when opensearch_enabled is false."
  value       = module.aiven.opensearch_user
}

output "opensearch_password" {
  description = "Password of that user; null when opensearch_enabled is false."
  value       = module.aiven.opensearch_password
  sensitive   = true
}

# Through PrivateLink Dashboards have another address than the one that the service names.
output "opensearch_dashboards_uri" {
  description = "OpenSearch Dashboards; null when opensearch_enabled is false."
  value = local.privatelink ? one([
    for name, component in data.aiven_service_component.privatelink :
    "https://${component.host}:${component.port}" if name == "opensearch_dashboards"
  ]) : module.aiven.opensearch_dashboards_uri
  sensitive = true
}

output "aiven_vpc_id" {
  description = "VPC of the services; null but with ec2_privatelink."
  value       = module.aiven.vpc_id
}

output "aiven_vpc_state" {
  description = "How that VPC stands (ACTIVE); null but with ec2_privatelink."
  value       = module.aiven.vpc_state
}

output "kafka_privatelink_service_name" {
  description = "VPC endpoint service of Kafka, AWS's name for it; null but with ec2_privatelink."
  value       = lookup(module.aiven.privatelink_service_names, "kafka", null)
}

output "kafka_privatelink_endpoint_dns" {
  description = "Name under which the endpoint of Kafka is reached from the instance; null but with ec2_privatelink."
  value       = one([for name, component in data.aiven_service_component.privatelink : component.host if name == "kafka"])
}

output "kafka_privatelink_port" {
  description = "Port of Kafka there; null but with ec2_privatelink."
  value       = one([for name, component in data.aiven_service_component.privatelink : component.port if name == "kafka"])
}

output "pg_privatelink_service_name" {
  description = "VPC endpoint service of PostgreSQL, AWS's name for it; null but with ec2_privatelink."
  value       = lookup(module.aiven.privatelink_service_names, "pg", null)
}

output "pg_privatelink_endpoint_dns" {
  description = "Name under which the endpoint of PostgreSQL is reached from the instance; null but with ec2_privatelink."
  value       = one([for name, component in data.aiven_service_component.privatelink : component.host if name == "pg"])
}

output "pg_privatelink_port" {
  description = "Port of PostgreSQL there; null but with ec2_privatelink."
  value       = one([for name, component in data.aiven_service_component.privatelink : component.port if name == "pg"])
}

output "valkey_privatelink_service_name" {
  description = "VPC endpoint service of Valkey, AWS's name for it; null but with ec2_privatelink."
  value       = lookup(module.aiven.privatelink_service_names, "valkey", null)
}

output "valkey_privatelink_endpoint_dns" {
  description = "Name under which the endpoint of Valkey is reached from the instance; null but with ec2_privatelink."
  value       = try(local.valkey_endpoints[0].host, null)
}

output "valkey_privatelink_port" {
  description = "Port of Valkey there; null but with ec2_privatelink."
  value       = try(local.valkey_endpoints[0].port, null)
}

output "opensearch_privatelink_service_name" {
  description = "VPC endpoint service of OpenSearch, AWS's name for it; null but with ec2_privatelink and OpenSearch."
  value       = lookup(module.aiven.privatelink_service_names, "opensearch", null)
}

output "opensearch_privatelink_endpoint_dns" {
  description = "Name under which the endpoint of OpenSearch is reached from the instance; null but with ec2_privatelink and OpenSearch."
  value       = one([for name, component in data.aiven_service_component.privatelink : component.host if name == "opensearch"])
}

output "opensearch_privatelink_port" {
  description = "Port of OpenSearch there; null but with ec2_privatelink and OpenSearch."
  value       = one([for name, component in data.aiven_service_component.privatelink : component.port if name == "opensearch"])
}

output "aws_vpc_id" {
  description = "VPC of the instance; null with local."
  value       = one(module.aws[*].vpc_id)
}

output "ec2_instance_id" {
  description = "The instance; null with local."
  value       = one(module.aws[*].ec2_instance_id)
}

output "ec2_public_ip" {
  description = "Its public address; null with local."
  value       = one(module.aws[*].ec2_public_ip)
}

output "ec2_public_dns" {
  description = "Its public name; null with local."
  value       = one(module.aws[*].ec2_public_dns)
}

output "ssh_command" {
  description = "How to get in; null with local."
  value       = one(module.aws[*].ssh_command)
}

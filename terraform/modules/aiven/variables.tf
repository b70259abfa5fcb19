variable "organization_name" {
  description = "Name of the organization."
  type        = string
}

variable "billing_group_id" {
  description = "ID of the billing group that pays."
  type        = string
}

variable "project_name" {
  description = "Name of the project to make."
  type        = string
}

variable "cloud_name" {
  description = "Cloud and region of the services."
  type        = string
}

variable "termination_protection" {
  description = "Whether the services are kept from being deleted."
  type        = bool
}

variable "kafka_plan" {
  description = "Plan of Kafka."
  type        = string
}

variable "pg_plan" {
  description = "Plan of PostgreSQL."
  type        = string
}

variable "valkey_plan" {
  description = "Plan of Valkey."
  type        = string
}

variable "opensearch_plan" {
  description = "Plan of OpenSearch."
  type        = string
}

variable "opensearch_enabled" {
  description = "Whether to make OpenSearch."
  type        = bool
}

variable "kafka_version" {
  description = "Version of Kafka; null for Aiven's default."
  type        = string
}

variable "pg_version" {
  description = "Major version of PostgreSQL; null for Aiven's default."
  type        = string
}

variable "kafka_events_topic_name" {
  description = "Topic of the events."
  type        = string
}

variable "kafka_events_topic_partitions" {
  description = "Its partitions."
  type        = number
}

variable "kafka_events_topic_replication" {
  description = "Copies of each."
  type        = number
}

variable "kafka_events_topic_retention_ms" {
  description = "How long events are kept, in milliseconds; -1 for good."
  type        = number
}

variable "pg_database_name" {
  description = "Database to make."
  type        = string
}

variable "maintenance_window_dow" {
  description = "Day of the week of maintenance."
  type        = string
}

variable "maintenance_window_time" {
  description = "When it begins, UTC, HH:MM:SS."
  type        = string
}

variable "ip_filter" {
  description = "Networks that may connect; null for all."
  type        = list(string)
}

variable "privatelink_enabled" {
  description = "Whether the services stand in a VPC and are reached through PrivateLink."
  type        = bool
}

variable "privatelink_principals" {
  description = "ARNs that may connect through PrivateLink."
  type        = list(string)
}

variable "vpc_cidr" {
  description = "Addresses of that VPC."
  type        = string
}

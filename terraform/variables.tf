# What is made, and where.

variable "deployment_scenario" {
  description = "local: Aiven's services, clickstream runs on your machine. ec2_public: also an EC2 instance that reaches them over the internet. ec2_privatelink: the services in a VPC of their own, reached from the instance through AWS PrivateLink."
  type        = string
  default     = "local"
  nullable    = false

  validation {
    condition     = contains(["local", "ec2_public", "ec2_privatelink"], var.deployment_scenario)
    error_message = "deployment_scenario must be local, ec2_public or ec2_privatelink."
  }
}

# Aiven: account and project.

variable "aiven_api_token" {
  description = "Token of Aiven's API. Better in the environment (TF_VAR_aiven_api_token) than in a file."
  type        = string
  sensitive   = true
  nullable    = false

  validation {
    condition     = length(trimspace(var.aiven_api_token)) > 0
    error_message = "aiven_api_token must not be empty; the Aiven console makes one under User information, Tokens."
  }
}

variable "organization_name" {
  description = "Name of the Aiven organization that the project is made in, as the console shows it."
  type        = string
  nullable    = false

  validation {
    condition     = length(trimspace(var.organization_name)) > 0
    error_message = "organization_name must not be empty."
  }
}

variable "billing_group_id" {
  description = "ID of the billing group that pays (console: Billing, Billing groups)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+$", var.billing_group_id))
    error_message = "billing_group_id must be the group's ID, such as 721bf796-1d89-402d-9195-425a23c4efdc, not its name."
  }
}

variable "project_name" {
  description = "Name of the Aiven project to make. Names are shared by all of Aiven's customers: take one of your own."
  type        = string
  default     = "clickstream-demo"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,53}$", var.project_name))
    error_message = "project_name must be small letters, digits and -, a letter first, at most 54."
  }
}

variable "cloud_name" {
  description = "Cloud and region of Aiven's services. With ec2_privatelink it must be aws_region's."
  type        = string
  default     = "aws-us-east-2"
  nullable    = false

  validation {
    condition     = can(regex("^(aws|azure|do|google|upcloud)-[a-z0-9-]+$", var.cloud_name))
    error_message = "cloud_name must be a cloud and a region, such as aws-us-east-2."
  }
}

# Aiven: services.

variable "kafka_plan" {
  description = "Plan of Kafka."
  type        = string
  default     = "startup-4"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)+$", var.kafka_plan))
    error_message = "kafka_plan must be the name of a plan with its size, such as startup-4 or business-4; Aiven has no plan hobbyist for Kafka."
  }
}

variable "pg_plan" {
  description = "Plan of PostgreSQL."
  type        = string
  default     = "startup-4"
  nullable    = false

  validation {
    condition     = can(regex("^(hobbyist|[a-z0-9]+(-[a-z0-9]+)+)$", var.pg_plan))
    error_message = "pg_plan must be the name of a plan: hobbyist, or one with its size, such as startup-4 or business-4."
  }
}

variable "valkey_plan" {
  description = "Plan of Valkey."
  type        = string
  default     = "startup-4"
  nullable    = false

  validation {
    condition     = can(regex("^(hobbyist|[a-z0-9]+(-[a-z0-9]+)+)$", var.valkey_plan))
    error_message = "valkey_plan must be the name of a plan: hobbyist, or one with its size, such as startup-4 or business-4."
  }
}

variable "opensearch_plan" {
  description = "Plan of OpenSearch; counts when opensearch_enabled is true."
  type        = string
  default     = "startup-4"
  nullable    = false

  validation {
    condition     = can(regex("^(hobbyist|[a-z0-9]+(-[a-z0-9]+)+)$", var.opensearch_plan))
    error_message = "opensearch_plan must be the name of a plan: hobbyist, or one with its size, such as startup-4 or business-4."
  }
}

variable "opensearch_enabled" {
  description = "Whether to make OpenSearch, with OpenSearch Dashboards."
  type        = bool
  default     = false
  nullable    = false
}

variable "kafka_version" {
  description = "Version of Kafka, major.minor; null leaves the choice to Aiven, whose default is always one that it supports."
  type        = string
  default     = null

  validation {
    condition     = var.kafka_version == null ? true : can(regex("^(3\\.9|4\\.[1-9][0-9]*|[5-9]\\.[0-9]+|[1-9][0-9]+\\.[0-9]+)$", var.kafka_version))
    error_message = "kafka_version must be null, for Aiven's default, or a major.minor version that Aiven has not retired: 3.9, or 4.1 and later, as far as this file knows. Aiven retires others as time passes; which, its page of service lifecycles says (aiven.io/docs/platform/reference/eol-for-major-versions)."
  }
}

variable "pg_version" {
  description = "Major version of PostgreSQL; null leaves the choice to Aiven, whose default is always one that it supports."
  type        = string
  default     = null

  validation {
    condition     = var.pg_version == null ? true : can(regex("^(1[5-9]|[2-9][0-9])$", var.pg_version))
    error_message = "pg_version must be null, for Aiven's default, or a major version that Aiven has not retired: 15 or later, as far as this file knows. Aiven retires others as time passes; which, its page of service lifecycles says (aiven.io/docs/platform/reference/eol-for-major-versions)."
  }
}

variable "kafka_events_topic_name" {
  description = "Topic of the events."
  type        = string
  default     = "clickstream-events"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,249}$", var.kafka_events_topic_name)) && !contains([".", ".."], var.kafka_events_topic_name)
    error_message = "kafka_events_topic_name must be 1 to 249 letters, digits, '.', '_' or '-'."
  }
}

variable "kafka_events_topic_partitions" {
  description = "Partitions of that topic; each is one consumer process."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.kafka_events_topic_partitions >= 1 && var.kafka_events_topic_partitions <= 1000 && floor(var.kafka_events_topic_partitions) == var.kafka_events_topic_partitions
    error_message = "kafka_events_topic_partitions must be a whole number from 1 to 1000."
  }
}

variable "kafka_events_topic_replication" {
  description = "Copies of each partition, on as many brokers; Aiven makes no topic with fewer than 2."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.kafka_events_topic_replication >= 2 && var.kafka_events_topic_replication <= 32 && floor(var.kafka_events_topic_replication) == var.kafka_events_topic_replication
    error_message = "kafka_events_topic_replication must be a whole number from 2 to 32, and no more than the plan has brokers."
  }
}

variable "kafka_events_topic_retention_ms" {
  description = "How long Kafka keeps events, in milliseconds counted from sending; -1 keeps them for good."
  type        = number
  default     = 604800000
  nullable    = false

  validation {
    condition     = (var.kafka_events_topic_retention_ms == -1 || var.kafka_events_topic_retention_ms >= 60000) && floor(var.kafka_events_topic_retention_ms) == var.kafka_events_topic_retention_ms
    error_message = "kafka_events_topic_retention_ms must be -1 or a whole number of at least 60000 (a minute)."
  }
}

variable "pg_database_name" {
  description = "Database that is made for clickstream."
  type        = string
  default     = "clickstream"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z_][A-Za-z0-9_-]{0,62}$", var.pg_database_name)) && !contains(["defaultdb", "postgres", "template0", "template1", "_aiven"], var.pg_database_name)
    error_message = "pg_database_name must be letters, digits, _ and - (a letter or _ first, at most 63), and none that is there already."
  }
}

variable "maintenance_window_dow" {
  description = "Day of the week on which Aiven may restart services for updates."
  type        = string
  default     = "sunday"
  nullable    = false

  validation {
    condition     = contains(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], var.maintenance_window_dow)
    error_message = "maintenance_window_dow must be a day of the week in small letters, such as sunday."
  }
}

variable "maintenance_window_time" {
  description = "When that window opens, UTC."
  type        = string
  default     = "04:00:00"
  nullable    = false

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$", var.maintenance_window_time))
    error_message = "maintenance_window_time must be HH:MM:SS, such as 04:00:00."
  }
}

variable "termination_protection" {
  description = "Whether Aiven refuses to delete or power off the services. Set it to false and apply before a destroy."
  type        = bool
  default     = false
  nullable    = false
}

variable "service_ip_filter" {
  description = "Networks that may connect to the services, in CIDR notation; null lets any address try (TLS and passwords or certificates are asked for all the same). With ec2_public the instance's address is added by itself; ec2_privatelink does not use this."
  type        = list(string)
  default     = null

  validation {
    condition = var.service_ip_filter == null ? true : try(length(var.service_ip_filter) > 0 && alltrue([
      for network in var.service_ip_filter :
      cidrhost(network, 0) == (strcontains(network, ":") ? cidrhost("${split("/", network)[0]}/128", 0) : split("/", network)[0])
    ]), false)
    error_message = "service_ip_filter must be null or a list of networks such as 203.0.113.7/32, each with the first address of its network before the slash: 203.0.113.0/24, not 203.0.113.7/24."
  }
}

variable "aiven_vpc_cidr" {
  description = "Addresses of the VPC that Aiven runs the services in; counts with ec2_privatelink."
  type        = string
  default     = "10.1.0.0/24"
  nullable    = false

  validation {
    condition     = try(cidrnetmask(var.aiven_vpc_cidr) != "" && cidrhost(var.aiven_vpc_cidr, 0) == split("/", var.aiven_vpc_cidr)[0] && tonumber(split("/", var.aiven_vpc_cidr)[1]) >= 20 && tonumber(split("/", var.aiven_vpc_cidr)[1]) <= 24, false)
    error_message = "aiven_vpc_cidr must be an IPv4 network from /20 to /24, such as 10.1.0.0/24, with the network's first address before the slash, not 10.1.0.7/24."
  }
}

# AWS: counts with ec2_public and ec2_privatelink.

variable "aws_region" {
  description = "Region of the instance."
  type        = string
  default     = "us-east-2"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be a region's code, such as us-east-2."
  }
}

variable "aws_account_id" {
  description = "The AWS account; its principals may connect through PrivateLink, and no other account is touched. Needed with ec2_privatelink."
  type        = string
  default     = null

  validation {
    condition     = var.aws_account_id == null || can(regex("^[0-9]{12}$", var.aws_account_id))
    error_message = "aws_account_id must be 12 digits, in quotes."
  }
}

variable "aws_vpc_cidr" {
  description = "Addresses of the VPC that the instance runs in."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = try(cidrnetmask(var.aws_vpc_cidr) != "" && cidrhost(var.aws_vpc_cidr, 0) == split("/", var.aws_vpc_cidr)[0] && tonumber(split("/", var.aws_vpc_cidr)[1]) >= 16 && tonumber(split("/", var.aws_vpc_cidr)[1]) <= 28, false)
    error_message = "aws_vpc_cidr must be an IPv4 network from /16 to /28, such as 10.0.0.0/16, with the network's first address before the slash, not 10.0.1.0/16."
  }
}

variable "public_subnet_cidr" {
  description = "Part of it for the instance."
  type        = string
  default     = "10.0.1.0/24"
  nullable    = false

  validation {
    condition     = try(cidrnetmask(var.public_subnet_cidr) != "" && cidrhost(var.public_subnet_cidr, 0) == split("/", var.public_subnet_cidr)[0] && tonumber(split("/", var.public_subnet_cidr)[1]) >= 16 && tonumber(split("/", var.public_subnet_cidr)[1]) <= 28, false)
    error_message = "public_subnet_cidr must be an IPv4 network from /16 to /28, such as 10.0.1.0/24, with the network's first address before the slash, not 10.0.1.7/24."
  }
}

variable "private_subnet_cidr" {
  description = "Part of it for the endpoints of PrivateLink."
  type        = string
  default     = "10.0.2.0/24"
  nullable    = false

  validation {
    condition     = try(cidrnetmask(var.private_subnet_cidr) != "" && cidrhost(var.private_subnet_cidr, 0) == split("/", var.private_subnet_cidr)[0] && tonumber(split("/", var.private_subnet_cidr)[1]) >= 16 && tonumber(split("/", var.private_subnet_cidr)[1]) <= 28, false)
    error_message = "private_subnet_cidr must be an IPv4 network from /16 to /28, such as 10.0.2.0/24, with the network's first address before the slash, not 10.0.2.7/24."
  }
}

variable "instance_type" {
  description = "Type of the instance, x86 or Arm; 4 virtual CPUs do for 3 partitions."
  type        = string
  default     = "c7i.xlarge"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type must be the name of an EC2 instance type, such as c7i.xlarge."
  }
}

variable "key_pair_name" {
  description = "EC2 key pair, there already in aws_region, that opens the instance. Needed with ec2_public and ec2_privatelink."
  type        = string
  default     = null

  validation {
    condition     = var.key_pair_name == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._@+-]{0,254}$", var.key_pair_name))
    error_message = "key_pair_name must be a key pair's name (letters, digits, and any of . _ @ + -), not a file's."
  }
}

variable "ssh_allowed_cidr" {
  description = "Network that may reach the instance's SSH, such as your own address with /32. Needed with ec2_public and ec2_privatelink; there is no default on purpose."
  type        = string
  default     = null

  validation {
    condition     = var.ssh_allowed_cidr == null ? true : try(cidrnetmask(var.ssh_allowed_cidr) != "" && cidrhost(var.ssh_allowed_cidr, 0) == split("/", var.ssh_allowed_cidr)[0] && tonumber(split("/", var.ssh_allowed_cidr)[1]) >= 8, false)
    error_message = "ssh_allowed_cidr must be an IPv4 network of /8 or smaller, such as 203.0.113.7/32, with the network's first address before the slash, not 203.0.113.7/24: 0.0.0.0/0 and ::/0 would let the whole world try."
  }
}

variable "github_repo_url" {
  description = "Where the instance clones clickstream from, over HTTPS and without a login. Needed with ec2_public and ec2_privatelink."
  type        = string
  default     = null

  validation {
    condition     = var.github_repo_url == null || can(regex("^https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~-]+)+$", var.github_repo_url))
    error_message = "github_repo_url must be an HTTPS address without login or query, such as https://github.com/you/clickstream.git."
  }
}

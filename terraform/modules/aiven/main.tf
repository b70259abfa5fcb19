data "aiven_organization" "this" {
  name = var.organization_name
}

resource "aiven_organization_project" "this" {
  project_id       = var.project_name
  organization_id  = data.aiven_organization.this.id
  parent_id        = data.aiven_organization.this.id
  billing_group_id = var.billing_group_id
}

locals {
  project = aiven_organization_project.this.project_id
  vpc_id  = one(aiven_project_vpc.this[*].id)
}

resource "aiven_kafka" "this" {
  project                 = local.project
  cloud_name              = var.cloud_name
  project_vpc_id          = local.vpc_id
  service_name            = "clickstream-kafka"
  plan                    = var.kafka_plan
  maintenance_window_dow  = var.maintenance_window_dow
  maintenance_window_time = var.maintenance_window_time
  termination_protection  = var.termination_protection

  kafka_user_config {
    kafka_version    = var.kafka_version
    ip_filter_string = var.ip_filter

    kafka {
      auto_create_topics_enable = false
    }

    kafka_authentication_methods {
      certificate = true
    }

    dynamic "privatelink_access" {
      for_each = var.privatelink_enabled ? [true] : []

      content {
        kafka = true
      }
    }
  }
}

resource "aiven_kafka_topic" "events" {
  project      = local.project
  service_name = aiven_kafka.this.service_name
  topic_name   = var.kafka_events_topic_name
  partitions   = var.kafka_events_topic_partitions
  replication  = var.kafka_events_topic_replication

  config {
    cleanup_policy = "delete"
    retention_ms   = tostring(var.kafka_events_topic_retention_ms)

    # One broker may be away, for an update, and writes go on.
    min_insync_replicas = tostring(max(1, var.kafka_events_topic_replication - 1))
  }
}

resource "aiven_pg" "this" {
  project                 = local.project
  cloud_name              = var.cloud_name
  project_vpc_id          = local.vpc_id
  service_name            = "clickstream-pg"
  plan                    = var.pg_plan
  maintenance_window_dow  = var.maintenance_window_dow
  maintenance_window_time = var.maintenance_window_time
  termination_protection  = var.termination_protection

  pg_user_config {
    pg_version       = var.pg_version
    ip_filter_string = var.ip_filter

    dynamic "privatelink_access" {
      for_each = var.privatelink_enabled ? [true] : []

      content {
        pg = true
      }
    }
  }
}

resource "aiven_pg_database" "this" {
  project       = local.project
  service_name  = aiven_pg.this.service_name
  database_name = var.pg_database_name
}

resource "aiven_valkey" "this" {
  project                 = local.project
  cloud_name              = var.cloud_name
  project_vpc_id          = local.vpc_id
  service_name            = "clickstream-valkey"
  plan                    = var.valkey_plan
  maintenance_window_dow  = var.maintenance_window_dow
  maintenance_window_time = var.maintenance_window_time
  termination_protection  = var.termination_protection

  valkey_user_config {
    # Keys go when their time is over, never for want of memory.
    valkey_maxmemory_policy = "noeviction"
    valkey_ssl              = true
    ip_filter_string        = var.ip_filter

    dynamic "privatelink_access" {
      for_each = var.privatelink_enabled ? [true] : []

      content {
        valkey = true
      }
    }
  }
}

resource "aiven_opensearch" "this" {
  count = var.opensearch_enabled ? 1 : 0

  project                 = local.project
  cloud_name              = var.cloud_name
  project_vpc_id          = local.vpc_id
  service_name            = "clickstream-opensearch"
  plan                    = var.opensearch_plan
  maintenance_window_dow  = var.maintenance_window_dow
  maintenance_window_time = var.maintenance_window_time
  termination_protection  = var.termination_protection

  opensearch_user_config {
    ip_filter_string = var.ip_filter

    opensearch_dashboards {
      enabled = true
    }

    dynamic "privatelink_access" {
      for_each = var.privatelink_enabled ? [true] : []

      content {
        opensearch            = true
        opensearch_dashboards = true
      }
    }
  }
}

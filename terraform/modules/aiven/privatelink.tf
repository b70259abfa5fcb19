locals {
  service_names = merge(
    {
      kafka  = aiven_kafka.this.service_name
      pg     = aiven_pg.this.service_name
      valkey = aiven_valkey.this.service_name
    },
    { for service in aiven_opensearch.this : "opensearch" => service.service_name },
  )

  # What is reached through those links and aiven_service_component knows; it does not know Valkey.
  components = !var.privatelink_enabled ? {} : merge(
    {
      kafka = { service_name = aiven_aws_privatelink.this["kafka"].service_name, component = "kafka" }
      pg    = { service_name = aiven_aws_privatelink.this["pg"].service_name, component = "pg" }
    },
    !var.opensearch_enabled ? {} : {
      opensearch            = { service_name = aiven_aws_privatelink.this["opensearch"].service_name, component = "opensearch" }
      opensearch_dashboards = { service_name = aiven_aws_privatelink.this["opensearch"].service_name, component = "opensearch_dashboards" }
    },
  )
}

# PrivateLink wants the services in a VPC.
resource "aiven_project_vpc" "this" {
  count = var.privatelink_enabled ? 1 : 0

  project      = local.project
  cloud_name   = var.cloud_name
  network_cidr = var.vpc_cidr

  timeouts {
    create = "15m"
  }
}

# Waits until Aiven's side is active: before, there is no service name for AWS's endpoint.
resource "aiven_aws_privatelink" "this" {
  for_each = { for name, service_name in local.service_names : name => service_name if var.privatelink_enabled }

  project      = local.project
  service_name = each.value
  principals   = var.privatelink_principals

  timeouts {
    create = "20m"
  }
}

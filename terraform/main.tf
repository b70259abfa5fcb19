locals {
  on_aws      = var.deployment_scenario != "local"
  privatelink = var.deployment_scenario == "ec2_privatelink"

  # The network of a subnet, were it as large as the VPC: equal to the VPC's own where the subnet lies inside.
  subnet_networks = [
    for subnet in [var.public_subnet_cidr, var.private_subnet_cidr] :
    try(cidrhost("${split("/", subnet)[0]}/${split("/", var.aws_vpc_cidr)[1]}", 0), "")
  ]

  # aiven_service_component, which finds the others, takes no component "valkey".
  valkey_endpoints = [
    for component in flatten(data.aiven_valkey.privatelink[*].components) : component
    if component.component == "valkey" && component.route == "privatelink" && component.usage == "primary"
  ]
}

# What one variable demands of another.
resource "terraform_data" "requirements" {
  lifecycle {
    precondition {
      condition     = !local.on_aws || var.key_pair_name != null
      error_message = "deployment_scenario ${var.deployment_scenario} needs key_pair_name."
    }
    precondition {
      condition     = !local.on_aws || var.ssh_allowed_cidr != null
      error_message = "deployment_scenario ${var.deployment_scenario} needs ssh_allowed_cidr, such as your own address with /32."
    }
    precondition {
      condition     = !local.on_aws || var.github_repo_url != null
      error_message = "deployment_scenario ${var.deployment_scenario} needs github_repo_url."
    }
    precondition {
      condition     = !local.on_aws || alltrue([for network in local.subnet_networks : network == cidrhost(var.aws_vpc_cidr, 0)])
      error_message = "public_subnet_cidr and private_subnet_cidr must lie inside aws_vpc_cidr."
    }
    precondition {
      condition     = !local.privatelink || var.aws_account_id != null
      error_message = "deployment_scenario ec2_privatelink needs aws_account_id."
    }
    precondition {
      condition     = !local.privatelink || var.cloud_name == "aws-${var.aws_region}"
      error_message = "deployment_scenario ec2_privatelink needs both sides in one region: cloud_name must be aws-${var.aws_region}, as aws_region says."
    }
  }
}

module "aiven" {
  source = "./modules/aiven"

  organization_name      = var.organization_name
  billing_group_id       = var.billing_group_id
  project_name           = var.project_name
  cloud_name             = var.cloud_name
  termination_protection = var.termination_protection

  kafka_plan      = var.kafka_plan
  pg_plan         = var.pg_plan
  valkey_plan     = var.valkey_plan
  opensearch_plan = var.opensearch_plan

  opensearch_enabled = var.opensearch_enabled
  kafka_version      = var.kafka_version
  pg_version         = var.pg_version

  kafka_events_topic_name         = var.kafka_events_topic_name
  kafka_events_topic_partitions   = var.kafka_events_topic_partitions
  kafka_events_topic_replication  = var.kafka_events_topic_replication
  kafka_events_topic_retention_ms = var.kafka_events_topic_retention_ms
  pg_database_name                = var.pg_database_name

  maintenance_window_dow  = var.maintenance_window_dow
  maintenance_window_time = var.maintenance_window_time

  ip_filter = local.privatelink || var.service_ip_filter == null ? null : concat(
    var.service_ip_filter,
    local.on_aws ? ["${module.aws[0].ec2_public_ip}/32"] : [],
  )

  privatelink_enabled    = local.privatelink
  privatelink_principals = local.privatelink && var.aws_account_id != null ? ["arn:aws:iam::${var.aws_account_id}:root"] : []
  vpc_cidr               = var.aiven_vpc_cidr
}

module "aws" {
  source = "./modules/aws"
  count  = local.on_aws ? 1 : 0

  name                = var.project_name
  vpc_cidr            = var.aws_vpc_cidr
  public_subnet_cidr  = var.public_subnet_cidr
  private_subnet_cidr = var.private_subnet_cidr
  instance_type       = var.instance_type
  key_pair_name       = var.key_pair_name
  ssh_allowed_cidr    = var.ssh_allowed_cidr
  github_repo_url     = var.github_repo_url

  privatelink_service_names = module.aiven.privatelink_service_names
}

# Under which name and port each service is reached through PrivateLink. Aiven knows once an endpoint is connected:
# its name leads to the endpoint's private addresses, and the service's certificate is for that name, not for AWS's.
data "aiven_service_component" "privatelink" {
  for_each = module.aiven.privatelink_components

  project                     = module.aiven.project_name
  service_name                = each.value.service_name
  component                   = each.value.component
  route                       = "privatelink"
  kafka_authentication_method = each.value.component == "kafka" ? "certificate" : null

  depends_on = [module.aws]
}

data "aiven_valkey" "privatelink" {
  count = local.privatelink ? 1 : 0

  project      = module.aiven.project_name
  service_name = module.aiven.privatelink_valkey_service_name

  lifecycle {
    postcondition {
      condition     = anytrue([for component in self.components : component.component == "valkey" && component.route == "privatelink" && component.usage == "primary"])
      error_message = "Aiven does not list the endpoint of Valkey yet; it does within minutes of making it. Apply again."
    }
  }

  depends_on = [module.aws]
}

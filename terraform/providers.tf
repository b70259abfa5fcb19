provider "aiven" {
  api_token = var.aiven_api_token
}

# Terraform configures a provider even where nothing of it is made. In the scenario local no AWS account is needed,
# so the provider gets keys that open nothing and asks no server; elsewhere AWS's usual places are searched for real ones.
provider "aws" {
  region = var.aws_region

  access_key = local.on_aws ? null : "unused"
  secret_key = local.on_aws ? null : "unused"

  skip_credentials_validation = !local.on_aws
  skip_metadata_api_check     = !local.on_aws
  skip_requesting_account_id  = !local.on_aws

  allowed_account_ids = local.on_aws && var.aws_account_id != null ? [var.aws_account_id] : null

  default_tags {
    tags = {
      Project   = var.project_name
      ManagedBy = "terraform"
    }
  }
}

terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aiven = {
      source  = "aiven/aiven"
      version = "~> 4.49"
    }
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

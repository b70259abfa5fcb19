terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aiven = {
      source  = "aiven/aiven"
      version = "~> 4.49"
    }
  }
}

variable "name" {
  description = "What the resources are called."
  type        = string
}

variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string
}

variable "public_subnet_cidr" {
  description = "Addresses of the instance's subnet."
  type        = string
}

variable "private_subnet_cidr" {
  description = "Addresses of the endpoints' subnet."
  type        = string
}

variable "instance_type" {
  description = "Type of the instance."
  type        = string
}

variable "key_pair_name" {
  description = "Key pair that opens the instance."
  type        = string
}

variable "ssh_allowed_cidr" {
  description = "Network that may reach SSH."
  type        = string
}

variable "github_repo_url" {
  description = "Where the instance clones clickstream from."
  type        = string
}

variable "privatelink_service_names" {
  description = "Service to the name of its VPC endpoint service; an endpoint is made for each."
  type        = map(string)
}

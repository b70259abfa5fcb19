resource "aws_security_group" "endpoints" {
  count = length(var.privatelink_service_names) > 0 ? 1 : 0

  name        = "${var.name}-endpoints"
  description = "The endpoints of PrivateLink: from the instance only"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoints" }
}

# Aiven gives its services ports from this range, to every broker of Kafka one of its own.
resource "aws_vpc_security_group_ingress_rule" "services" {
  count = length(var.privatelink_service_names) > 0 ? 1 : 0

  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "Services, every broker of Kafka"
  referenced_security_group_id = aws_security_group.instance.id
  ip_protocol                  = "tcp"
  from_port                    = 10000
  to_port                      = 31000
}

resource "aws_vpc_security_group_ingress_rule" "dashboards" {
  count = length(var.privatelink_service_names) > 0 ? 1 : 0

  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "OpenSearch Dashboards"
  referenced_security_group_id = aws_security_group.instance.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

# private_dns_enabled stays off: Aiven's own name for the service leads here.
resource "aws_vpc_endpoint" "this" {
  for_each = var.privatelink_service_names

  vpc_id              = aws_vpc.this.id
  service_name        = each.value
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [aws_subnet.private.id]
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = false

  tags = { Name = "${var.name}-${each.key}" }

  timeouts {
    create = "15m"
  }
}

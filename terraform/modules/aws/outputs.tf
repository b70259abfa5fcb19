output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "ec2_instance_id" {
  description = "The instance."
  value       = aws_instance.this.id
}

output "ec2_public_ip" {
  description = "Its public address; another one after a stop."
  value       = aws_instance.this.public_ip
}

output "ec2_public_dns" {
  description = "Its public name."
  value       = aws_instance.this.public_dns
}

output "ssh_command" {
  description = "How to get in."
  value       = "ssh -i ~/.ssh/${var.key_pair_name}.pem ubuntu@${aws_instance.this.public_ip}"
}

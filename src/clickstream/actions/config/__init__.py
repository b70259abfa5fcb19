"""Shows and checks the settings, and writes them for servers that Terraform made."""

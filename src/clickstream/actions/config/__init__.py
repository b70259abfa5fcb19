"""The settings as a user meets them: shown, checked, and written for servers that Terraform made."""
